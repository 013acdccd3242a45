//! `/health`: always status 200; the body says how the service and its store are.

use std::sync::LazyLock;
use std::time::Instant;

use axum::Json;
use serde_json::{Value, json};

static STARTED: LazyLock<Instant> = LazyLock::new(Instant::now);

/// Begins the clock that the Go services print beside the time.
pub(crate) fn begin() {
    LazyLock::force(&STARTED);
}

/// How a part of the service is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It works.
    Ok,
    /// It does not.
    Err,
}

impl<T, E> From<Result<T, E>> for Status {
    fn from(result: Result<T, E>) -> Self {
        if result.is_ok() { Self::Ok } else { Self::Err }
    }
}

impl Status {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "OK",
            Self::Err => "err",
        }
    }
}

/// The body as the Go services write it, with `time`.
pub(crate) fn with_time(parts: &[(&str, Status)]) -> Json<Value> {
    let now = jiff::Timestamp::now();
    let running = STARTED.elapsed();
    let stamp = format!(
        "{}.{:09} +0000 UTC m=+{}.{:09}",
        now.strftime("%Y-%m-%d %H:%M:%S"),
        now.subsec_nanosecond(),
        running.as_secs(),
        running.subsec_nanos(),
    );
    body(parts, "time", &stamp)
}

/// The body as the Java services write it, with `date`.
pub(crate) fn with_date(parts: &[(&str, Status)]) -> Json<Value> {
    let stamp = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
    body(parts, "date", &stamp.to_string())
}

fn body(parts: &[(&str, Status)], key: &str, stamp: &str) -> Json<Value> {
    let parts = parts.iter().map(
        |(service, status)| json!({ "service": service, "status": status.as_str(), key: stamp }),
    );
    Json(json!({ "health": parts.collect::<Vec<_>>() }))
}
