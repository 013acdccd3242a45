//! Bounds of queues: from their arguments, and from policies that an operator sets while they run.

use amq_protocol::types::{AMQPValue, FieldTable};
use serde::{Deserialize, Serialize};

use super::trouble::Trouble;

/// What happens to a message that a full queue is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Overflow {
    /// The oldest message makes room.
    #[default]
    DropHead,
    /// The message is refused; a publisher in confirm mode gets a nack.
    RejectPublish,
}

/// How much a queue may hold.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Bounds {
    pub(super) max_length: Option<u64>,
    pub(super) overflow: Option<Overflow>,
}

impl Bounds {
    /// What `x-max-length` and `x-overflow` ask for.
    pub(super) fn of_arguments(queue: &str, arguments: &FieldTable) -> Result<Self, Trouble> {
        let mut bounds = Self::default();
        if let Some(value) = arguments.inner().get("x-max-length") {
            let length = whole(value).ok_or_else(|| {
                Trouble::invalid_argument(
                    "x-max-length",
                    queue,
                    "expected a whole number that is not negative",
                )
            })?;
            bounds.max_length = Some(length);
        }
        if let Some(value) = arguments.inner().get("x-overflow") {
            let text = match value {
                AMQPValue::LongString(text) => text.to_string(),
                AMQPValue::ShortString(text) => text.to_string(),
                _ => String::new(),
            };
            let overflow = overflow(&text).ok_or_else(|| {
                Trouble::invalid_argument(
                    "x-overflow",
                    queue,
                    "expected drop-head or reject-publish",
                )
            })?;
            bounds.overflow = Some(overflow);
        }
        Ok(bounds)
    }

    /// The tighter of two lengths, and the first overflow that is set.
    pub(super) fn or(self, other: Self) -> Self {
        let max_length = match (self.max_length, other.max_length) {
            (Some(one), Some(two)) => Some(one.min(two)),
            (one, two) => one.or(two),
        };
        Self {
            max_length,
            overflow: self.overflow.or(other.overflow),
        }
    }

    pub(super) fn overflow(self) -> Overflow {
        self.overflow.unwrap_or_default()
    }
}

fn overflow(text: &str) -> Option<Overflow> {
    match text {
        "drop-head" => Some(Overflow::DropHead),
        "reject-publish" | "reject-publish-dlx" => Some(Overflow::RejectPublish),
        _ => None,
    }
}

fn whole(value: &AMQPValue) -> Option<u64> {
    match *value {
        AMQPValue::ShortShortInt(n) => u64::try_from(n).ok(),
        AMQPValue::ShortShortUInt(n) => Some(n.into()),
        AMQPValue::ShortInt(n) => u64::try_from(n).ok(),
        AMQPValue::ShortUInt(n) => Some(n.into()),
        AMQPValue::LongInt(n) => u64::try_from(n).ok(),
        AMQPValue::LongUInt(n) => Some(n.into()),
        AMQPValue::LongLongInt(n) => u64::try_from(n).ok(),
        _ => None,
    }
}

/// A policy as the management API takes and gives it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Policy {
    /// A regular expression on queues' names.
    pub(super) pattern: String,
    pub(super) definition: Definition,
    #[serde(default)]
    pub(super) priority: i64,
    #[serde(default = "all", rename = "apply-to")]
    pub(super) apply_to: String,
}

fn all() -> String {
    "all".to_owned()
}

/// What a policy sets.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub(super) struct Definition {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_length: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) overflow: Option<String>,
}

impl Policy {
    /// What it asks of a queue; `None` when it is not about it.
    pub(super) fn bounds(&self, queue: &str) -> Option<Bounds> {
        let about = matches!(self.apply_to.as_str(), "all" | "queues" | "classic_queues");
        let matches =
            about && regex::Regex::new(&self.pattern).is_ok_and(|pattern| pattern.is_match(queue));
        matches.then(|| Bounds {
            max_length: self.definition.max_length,
            overflow: self.definition.overflow.as_deref().and_then(overflow),
        })
    }

    /// What is wrong with it.
    pub(super) fn problem(&self) -> Option<String> {
        if let Err(error) = regex::Regex::new(&self.pattern) {
            return Some(format!("pattern: {error}"));
        }
        let known = self
            .definition
            .overflow
            .as_deref()
            .is_none_or(|text| overflow(text).is_some());
        (!known).then(|| "overflow: expected drop-head or reject-publish".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_and_policies_bound_a_queue() {
        let mut arguments = FieldTable::default();
        arguments.insert("x-max-length".into(), AMQPValue::LongInt(5));
        let own = Bounds::of_arguments("q", &arguments).unwrap();
        let policy: Policy =
            serde_json::from_str(r#"{"pattern": "^ship", "definition": {"max-length": 3, "overflow": "reject-publish"}}"#).unwrap();
        let both = own.or(policy.bounds("shipping-task").unwrap());
        assert_eq!(
            both,
            Bounds {
                max_length: Some(3),
                overflow: Some(Overflow::RejectPublish)
            }
        );
        assert_eq!(policy.bounds("other"), None);
        arguments.insert("x-max-length".into(), AMQPValue::LongInt(-1));
        assert_eq!(Bounds::of_arguments("q", &arguments).unwrap_err().code, 406);
    }
}
