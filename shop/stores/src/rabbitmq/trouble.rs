//! Errors as RabbitMQ words them: those that close a channel, and those that close the connection.

use amq_protocol::types::AMQPValue;

use super::VHOST;

/// Why a channel or a connection is closed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Trouble {
    pub(super) code: u16,
    pub(super) text: String,
    pub(super) closes: Closes,
}

/// What an error closes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Closes {
    Channel,
    Connection,
}

impl Trouble {
    fn channel(code: u16, text: String) -> Self {
        Self {
            code,
            text,
            closes: Closes::Channel,
        }
    }

    pub(super) fn connection(code: u16, text: impl Into<String>) -> Self {
        Self {
            code,
            text: text.into(),
            closes: Closes::Connection,
        }
    }

    /// 404: `kind` is `queue` or `exchange`.
    pub(super) fn not_found(kind: &str, name: &str) -> Self {
        Self::channel(
            404,
            format!("NOT_FOUND - no {kind} '{name}' in vhost '{VHOST}'"),
        )
    }

    pub(super) fn reserved(kind: &str, name: &str) -> Self {
        Self::channel(
            403,
            format!("ACCESS_REFUSED - {kind} name '{name}' contains reserved prefix 'amq.*'"),
        )
    }

    pub(super) fn default_exchange() -> Self {
        Self::channel(
            403,
            "ACCESS_REFUSED - operation not permitted on the default exchange".to_owned(),
        )
    }

    pub(super) fn in_exclusive_use(queue: &str) -> Self {
        Self::channel(
            403,
            format!("ACCESS_REFUSED - queue '{queue}' in vhost '{VHOST}' in exclusive use"),
        )
    }

    pub(super) fn locked(queue: &str) -> Self {
        Self::channel(
            405,
            format!(
                "RESOURCE_LOCKED - cannot obtain exclusive access to locked queue '{queue}' in vhost '{VHOST}'. It could be originally declared on \
                 another connection or the exclusive property value does not match that of the original declaration."
            ),
        )
    }

    pub(super) fn in_use(kind: &str, name: &str) -> Self {
        Self::channel(
            406,
            format!("PRECONDITION_FAILED - {kind} '{name}' in vhost '{VHOST}' in use"),
        )
    }

    pub(super) fn not_empty(queue: &str) -> Self {
        Self::channel(
            406,
            format!("PRECONDITION_FAILED - queue '{queue}' in vhost '{VHOST}' not empty"),
        )
    }

    pub(super) fn unknown_tag(tag: u64) -> Self {
        Self::channel(
            406,
            format!("PRECONDITION_FAILED - unknown delivery tag {tag}"),
        )
    }

    /// 406 for a property that differs from what was declared before.
    pub(super) fn differs(
        property: &str,
        kind: &str,
        name: &str,
        received: &str,
        current: &str,
    ) -> Self {
        Self::channel(
            406,
            format!(
                "PRECONDITION_FAILED - inequivalent arg '{property}' for {kind} '{name}' in vhost '{VHOST}': received {received} but current is {current}"
            ),
        )
    }

    pub(super) fn invalid_argument(property: &str, queue: &str, why: &str) -> Self {
        Self::channel(
            406,
            format!(
                "PRECONDITION_FAILED - invalid arg '{property}' for queue '{queue}' in vhost '{VHOST}': {why}"
            ),
        )
    }

    pub(super) fn not_implemented(what: &str) -> Self {
        Self::connection(540, format!("NOT_IMPLEMENTED - {what}"))
    }
}

/// An argument's value as RabbitMQ shows it in an error.
pub(super) fn shown(value: Option<&AMQPValue>) -> String {
    match value {
        None => "none".to_owned(),
        Some(AMQPValue::LongString(text)) => format!("the value '{text}' of type 'longstr'"),
        Some(AMQPValue::Boolean(value)) => format!("the value '{value}' of type 'bool'"),
        Some(AMQPValue::LongInt(value)) => format!("the value '{value}' of type 'signedint'"),
        Some(AMQPValue::LongUInt(value)) => format!("the value '{value}' of type 'unsignedint'"),
        Some(AMQPValue::LongLongInt(value)) => format!("the value '{value}' of type 'long'"),
        Some(AMQPValue::ShortInt(value)) => format!("the value '{value}' of type 'short'"),
        Some(other) => format!("the value '{other:?}'"),
    }
}
