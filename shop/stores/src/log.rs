//! Log lines: one JSON object an event on standard output.

use std::fmt::Debug;
use std::io::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber, span};

/// Sends this crate's events to standard output, unless the program has chosen a subscriber already.
pub(crate) fn install(service: &str) {
    // An Err says that there is one.
    let _ = tracing::subscriber::set_global_default(Lines {
        service: service.to_owned(),
    });
}

struct Lines {
    service: String,
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        *metadata.level() <= Level::INFO
            && metadata.is_event()
            && metadata.target().starts_with("shop_stores")
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut line = Map::new();
        line.insert("ts".to_owned(), timestamp(SystemTime::now()).into());
        line.insert(
            "level".to_owned(),
            event
                .metadata()
                .level()
                .as_str()
                .to_ascii_lowercase()
                .into(),
        );
        line.insert("service".to_owned(), self.service.clone().into());
        line.insert("msg".to_owned(), fields.message.into());
        line.extend(fields.rest);
        // Nobody can be told that standard output is closed.
        let _ = writeln!(std::io::stdout().lock(), "{}", Value::Object(line));
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}
    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}
    fn enter(&self, _: &span::Id) {}
    fn exit(&self, _: &span::Id) {}
}

#[derive(Default)]
struct Fields {
    message: String,
    rest: Map<String, Value>,
}

impl Visit for Fields {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        let text = format!("{value:?}");
        if field.name() == "message" {
            self.message = text;
        } else {
            self.rest.insert(field.name().to_owned(), text.into());
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            self.rest.insert(field.name().to_owned(), value.into());
        }
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.rest.insert(field.name().to_owned(), value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.rest.insert(field.name().to_owned(), value.into());
    }
}

/// RFC 3339 in UTC with milliseconds.
fn timestamp(now: SystemTime) -> String {
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let micros = i64::try_from(since.as_micros()).unwrap_or(i64::MAX);
    let whole = crate::postgres::timestamp(micros);
    format!(
        "{}T{}.{:03}Z",
        &whole[..10],
        &whole[11..19],
        since.subsec_millis()
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_rfc_3339() {
        let at = UNIX_EPOCH + std::time::Duration::from_millis(1_760_779_468_007);
        assert_eq!(timestamp(at), "2025-10-18T09:24:28.007Z");
    }
}
