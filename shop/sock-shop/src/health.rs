//! `/health`: always status 200; the body says how the service and its store are.

use std::sync::LazyLock;
use std::time::Instant;

use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde_json::json;

/// The `Content-Type` of JSON, as the Go services and Node write it.
pub(crate) const JSON: &str = "application/json; charset=utf-8";
/// The same, as Spring writes it.
const SPRING_JSON: &str = "application/json;charset=UTF-8";

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

/// The answer as the Go services write it, with `time`.
pub(crate) fn with_time(content_type: &'static str, parts: &[(&str, Status)]) -> Response {
    let now = jiff::Timestamp::now();
    let running = STARTED.elapsed();
    let stamp = format!(
        "{}.{:09} +0000 UTC m=+{}.{:09}",
        now.strftime("%Y-%m-%d %H:%M:%S"),
        now.subsec_nanosecond(),
        running.as_secs(),
        running.subsec_nanos(),
    );
    answer(content_type, parts, "time", &stamp)
}

/// The answer as the Java services write it, with `date`.
pub(crate) fn with_date(parts: &[(&str, Status)]) -> Response {
    let stamp = jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S%.3fZ");
    answer(SPRING_JSON, parts, "date", &stamp.to_string())
}

fn answer(
    content_type: &'static str,
    parts: &[(&str, Status)],
    key: &str,
    stamp: &str,
) -> Response {
    let parts = parts.iter().map(
        |(service, status)| json!({ "service": service, "status": status.as_str(), key: stamp }),
    );
    let body = json!({ "health": parts.collect::<Vec<_>>() });
    ([(header::CONTENT_TYPE, content_type)], body.to_string()).into_response()
}
