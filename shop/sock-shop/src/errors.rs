//! The three shapes of error bodies: Go's, Spring's, Node's; each with the trace id.

use serde_json::{Map, Value, json};
use shop_kit::{AppError, DbError, ErrorBody, ErrorSite};

/// What callers read when a store does not do its part.
pub(crate) const DATABASE_ERROR: &str = "Database error";

/// Go's: `error`, `status_code`, `status_text`; sent as plain text.
pub(crate) fn go(error: &AppError, site: &ErrorSite<'_>) -> ErrorBody {
    let json = json!({
        "error": error.message,
        "status_code": error.status.as_u16(),
        "status_text": reason(error),
    });
    traced("text/plain; charset=utf-8", json, site)
}

/// Spring's: `timestamp`, `status`, `error`, `exception`, `message`, `path`.
pub(crate) fn spring(error: &AppError, site: &ErrorSite<'_>) -> ErrorBody {
    let mut json = json!({
        "timestamp": jiff::Timestamp::now().as_millisecond(),
        "status": error.status.as_u16(),
        "error": reason(error),
    });
    if !error.kind.is_empty() {
        json["exception"] = error.kind.into();
    }
    json["message"] = error.message.clone().into();
    json["path"] = site.path.into();
    traced("application/json;charset=UTF-8", json, site)
}

/// Node's: `message` and `error`, where the cause is named.
pub(crate) fn node(error: &AppError, site: &ErrorSite<'_>) -> ErrorBody {
    let mut details = Map::new();
    if !error.kind.is_empty() {
        details.insert("code".into(), error.kind.into());
    }
    if let Some(cause) = &error.cause {
        details.insert("cause".into(), cause.clone().into());
    }
    let json = json!({ "message": error.message, "error": details });
    traced("application/json; charset=utf-8", json, site)
}

/// A Spring service's error for a database that does not do its part.
pub(crate) fn data_access(error: &DbError) -> AppError {
    AppError::internal(DATABASE_ERROR)
        .kind("org.springframework.dao.DataAccessResourceFailureException")
        .because(error)
}

fn reason(error: &AppError) -> &'static str {
    error.status.canonical_reason().unwrap_or("Unknown")
}

fn traced(content_type: &'static str, mut json: Value, site: &ErrorSite<'_>) -> ErrorBody {
    if !site.trace_id.is_empty() {
        json["trace_id"] = site.trace_id.into();
    }
    ErrorBody { content_type, json }
}
