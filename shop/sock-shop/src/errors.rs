//! The shapes of error bodies: Go's, Spring's, Node's, Stripe's; each with the trace id.

use axum::http::StatusCode;
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

/// Node's: `message` and `error`; the error of a connection as Node describes it.
pub(crate) fn node(error: &AppError, site: &ErrorSite<'_>) -> ErrorBody {
    let mut details = Map::new();
    if !error.kind.is_empty() {
        details.insert("errno".into(), error.kind.into());
        details.insert("code".into(), error.kind.into());
    }
    if let Some(cause) = &error.cause {
        if let Some((host, port)) = refusing_peer(error.kind, cause) {
            details.insert("syscall".into(), "connect".into());
            details.insert("address".into(), host.into());
            details.insert("port".into(), port.into());
        }
        details.insert("cause".into(), cause.clone().into());
    }
    let json = json!({ "message": error.message, "error": details });
    traced("application/json; charset=utf-8", json, site)
}

/// The peer that a cause such as `connection refused to carts:80` names.
fn refusing_peer<'a>(kind: &str, cause: &'a str) -> Option<(&'a str, u16)> {
    if kind != "ECONNREFUSED" {
        return None;
    }
    let (host, port) = cause.rsplit(' ').next()?.split_once(':')?;
    Some((host, port.parse().ok()?))
}

/// A Spring service's error for a path that it does not have.
pub(crate) async fn no_such_page() -> AppError {
    AppError::new(StatusCode::NOT_FOUND, "No message available")
}

/// A Spring service's error for a body that is not what it must be.
pub(crate) fn unreadable(error: &serde_json::Error) -> AppError {
    let message = format!("Could not read document: {error}");
    AppError::new(StatusCode::BAD_REQUEST, message)
        .kind("org.springframework.http.converter.HttpMessageNotReadableException")
}

/// Stripe's: `error` with `type`, `message`, and `code` and `param` where there are any. The
/// error's kind holds the type, then the code and the param, separated by blanks.
pub(crate) fn stripe(error: &AppError, site: &ErrorSite<'_>) -> ErrorBody {
    let mut words = error.kind.split(' ').filter(|word| !word.is_empty());
    let mut details = Map::new();
    let kind = words.next().unwrap_or("api_error");
    details.insert("type".into(), kind.into());
    for (name, word) in ["code", "param"].into_iter().zip(words) {
        details.insert(name.into(), word.into());
    }
    details.insert("message".into(), error.message.clone().into());
    traced("application/json", json!({ "error": details }), site)
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
