//! JSON log lines: one object a line, with the ids of the current span.

pub(crate) mod logfmt;

use std::io::Write;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Mutex, PoisonError};

use jiff::{SignedDuration, Timestamp};
use opentelemetry::trace::TraceContextExt;
use serde_json::{Map, Value};
use tracing::field::{Field, Visit};
use tracing::{Event, Level, Metadata, Subscriber};
use tracing_subscriber::Layer;
use tracing_subscriber::layer::Context;

/// How many milliseconds the log's clock is ahead.
static SKEW_MS: AtomicI64 = AtomicI64::new(0);

/// Shifts the timestamps of this process's log lines by so many milliseconds, ahead or
/// (negative) behind; 0 sets the clock right. Spans and metrics keep the true time.
pub fn set_log_skew(milliseconds: i64) {
    SKEW_MS.store(milliseconds, Ordering::Relaxed);
}

/// The time that a log line says.
fn now() -> Timestamp {
    let now = Timestamp::now();
    match SKEW_MS.load(Ordering::Relaxed) {
        0 => now,
        skew => now
            .checked_add(SignedDuration::from_millis(skew))
            .unwrap_or(now),
    }
}

/// Libraries whose events below a warning tell nothing about the service.
const CHATTY: [&str; 9] = [
    "goose",
    "hyper",
    "hyper_util",
    "lapin",
    "opentelemetry",
    "redis",
    "reqwest",
    "rustls",
    "sqlx",
];

/// Whether a log line is made of this event.
pub(crate) fn wanted(meta: &Metadata<'_>) -> bool {
    if !meta.is_event() {
        return false;
    }
    let root = meta.target().split("::").next().unwrap_or_default();
    let most = match root {
        "lapin" | "opentelemetry" | "opentelemetry_sdk" | "opentelemetry-otlp" => return false,
        logfmt::LOGFMT => return false,
        _ if CHATTY.contains(&root) => Level::WARN,
        _ => Level::INFO,
    };
    *meta.level() <= most
}

/// A layer that writes each event as one line of JSON:
/// `ts`, `level`, `service`, `msg`, `trace_id`, `span_id`, then the event's fields.
#[derive(Debug)]
pub(crate) struct JsonLines<W> {
    service: String,
    out: Mutex<W>,
}

impl<W: Write> JsonLines<W> {
    /// Lines of `service`, written to `out`.
    pub(crate) fn new(service: &str, out: W) -> Self {
        Self {
            service: service.to_owned(),
            out: Mutex::new(out),
        }
    }

    fn line(&self, event: &Event<'_>) -> String {
        let mut fields = Fields::default();
        event.record(&mut fields);
        let mut object = Map::new();
        object.insert("ts".into(), format!("{:.6}", now()).into());
        object.insert("level".into(), level(*event.metadata().level()).into());
        object.insert("service".into(), self.service.clone().into());
        object.insert("msg".into(), fields.message.into());
        let context = opentelemetry::Context::current();
        let span = context.span();
        let ids = span.span_context();
        if ids.is_valid() {
            object.insert("trace_id".into(), ids.trace_id().to_string().into());
            object.insert("span_id".into(), ids.span_id().to_string().into());
        }
        for (key, value) in fields.rest {
            object.entry(key).or_insert(value);
        }
        let mut line = Value::Object(object).to_string();
        line.push('\n');
        line
    }
}

impl<S: Subscriber, W: Write + Send + 'static> Layer<S> for JsonLines<W> {
    fn on_event(&self, event: &Event<'_>, _: Context<'_, S>) {
        let line = self.line(event);
        let mut out = self.out.lock().unwrap_or_else(PoisonError::into_inner);
        // Nobody is left to tell when stdout is closed.
        drop(out.write_all(line.as_bytes()).and_then(|()| out.flush()));
    }
}

fn level(level: Level) -> &'static str {
    match level {
        Level::ERROR => "error",
        Level::WARN => "warn",
        Level::INFO => "info",
        Level::DEBUG => "debug",
        Level::TRACE => "trace",
    }
}

/// The fields of one event, in their order.
#[derive(Default)]
struct Fields {
    message: String,
    rest: Map<String, Value>,
}

impl Fields {
    fn put(&mut self, field: &Field, value: Value) {
        // A leading `r#` belongs to Rust's spelling of a keyword, not to the name.
        let name = field.name().trim_start_matches("r#");
        match (name, value) {
            ("message", Value::String(text)) => self.message = text,
            (name, value) => {
                self.rest.insert(name.to_owned(), value);
            }
        }
    }
}

impl Visit for Fields {
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.put(field, value.into());
    }

    fn record_i64(&mut self, field: &Field, value: i64) {
        self.put(field, value.into());
    }

    fn record_u64(&mut self, field: &Field, value: u64) {
        self.put(field, value.into());
    }

    fn record_bool(&mut self, field: &Field, value: bool) {
        self.put(field, value.into());
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value.into());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        self.put(field, format!("{value:?}").into());
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::logfmt::{LOGFMT, LogfmtLines};
    use super::*;

    #[derive(Clone, Default)]
    struct Shared(Arc<Mutex<Vec<u8>>>);

    impl Write for Shared {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.0.lock().expect("no writer panicked").extend(bytes);
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    impl Shared {
        fn text(&self) -> String {
            let bytes = self.0.lock().expect("no writer panicked").clone();
            String::from_utf8(bytes).expect("lines are UTF-8")
        }
    }

    /// What `act` writes: JSON, and logfmt.
    fn written_by(act: impl FnOnce()) -> (String, String) {
        let (json, logfmt) = (Shared::default(), Shared::default());
        let provider = SdkTracerProvider::builder().build();
        let subscriber = crate::telemetry::subscriber(
            &provider,
            JsonLines::new("payment", json.clone()),
            LogfmtLines::new(logfmt.clone()),
        );
        tracing::subscriber::with_default(subscriber, act);
        (json.text(), logfmt.text())
    }

    fn lines_of(act: impl FnOnce()) -> Vec<Value> {
        let (text, _) = written_by(act);
        text.lines()
            .map(|line| serde_json::from_str(line).expect("a line is JSON"))
            .collect()
    }

    #[test]
    fn lines_of_logfmt_stand_apart_with_time_and_caller() {
        let (json, logfmt) = written_by(|| {
            tracing::info!(target: LOGFMT, caller = "api.go:7", "method=List took={}", "1.2ms");
            tracing::info!(target: LOGFMT, "transport=HTTP");
            tracing::info!("else");
        });
        assert_eq!(json.lines().count(), 1, "{json}");
        let lines: Vec<_> = logfmt.lines().map(|line| line.split_once(' ')).collect();
        let said: Vec<_> = lines
            .iter()
            .map(|line| line.map(|(_, said)| said))
            .collect();
        assert_eq!(
            said,
            [
                Some("caller=api.go:7 method=List took=1.2ms"),
                Some("transport=HTTP")
            ]
        );
        for (ts, _) in lines.into_iter().flatten() {
            let ts = ts.strip_prefix("ts=").expect("a time");
            assert!(ts.parse::<Timestamp>().is_ok() && ts.len() == 30, "{ts}");
        }
    }

    #[test]
    fn a_line_has_the_agreed_keys_in_the_agreed_order_and_types() {
        let lines = lines_of(|| {
            tracing::info!(status = 200_u16, duration_ms = 1.5, path = "/a", "request");
        });
        let object = lines[0].as_object().expect("an object");
        let keys: Vec<_> = object.keys().map(String::as_str).collect();
        assert_eq!(
            keys,
            [
                "ts",
                "level",
                "service",
                "msg",
                "status",
                "duration_ms",
                "path"
            ]
        );
        assert_eq!(object["status"], 200);
        assert_eq!(object["duration_ms"], 1.5);
        assert_eq!(object["level"], "info");
        assert_eq!(object["service"], "payment");
        let ts = object["ts"].as_str().expect("text");
        assert!(ts.parse::<jiff::Timestamp>().is_ok(), "{ts}");
    }

    #[test]
    fn a_line_inside_a_span_names_trace_and_span() {
        let mut inside = None;
        let lines = lines_of(|| {
            let span = crate::span::server("GET", "/x", "/x", &http::HeaderMap::new());
            let _entered = span.enter();
            inside = crate::trace_id();
            tracing::error!("broken");
        });
        assert_eq!(lines[0]["trace_id"].as_str(), inside.as_deref());
        assert_eq!(lines[0]["span_id"].as_str().map(str::len), Some(16));
        assert_eq!(lines[0]["level"], "error");
    }

    #[test]
    fn a_skewed_clock_shifts_the_timestamps_of_lines_until_it_is_set_right() {
        let ahead = |lines: &[Value]| {
            let ts = lines[0]["ts"].as_str().expect("text");
            let ts: Timestamp = ts.parse().expect("a timestamp");
            ts.duration_since(Timestamp::now()).as_secs_f64().round()
        };
        for (skew, seconds) in [
            (-600_000, -600.0),
            (90_000, 90.0),
            (i64::MAX, 0.0),
            (0, 0.0),
        ] {
            set_log_skew(skew);
            let lines = lines_of(|| tracing::info!("when"));
            assert_eq!(ahead(&lines).abs(), f64::abs(seconds), "{skew}");
            assert_eq!(ahead(&lines) < 0.0, seconds < 0.0, "{skew}");
        }
    }

    #[test]
    fn debug_events_and_chatty_libraries_make_no_lines() {
        let lines = lines_of(|| {
            tracing::debug!("too fine");
            tracing::info!(target: "sqlx::query", "select 1");
            tracing::error!(target: "lapin::io_loop", "socket closed");
            tracing::warn!(target: "sqlx::pool", "slow acquire");
        });
        assert_eq!(lines.len(), 1);
        assert_eq!(lines[0]["msg"], "slow acquire");
    }
}
