//! The one error of handlers, and the shape that each service gives it.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::{HeaderValue, StatusCode, header};
use serde_json::Value;

/// Why a request was not served; the service's [`ErrorShape`] makes the body of it.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub struct AppError {
    /// The answer's status.
    pub status: StatusCode,
    /// What the caller reads.
    pub message: String,
    /// A class of error for shapes that name one, such as a Java exception; may be empty.
    pub kind: &'static str,
    /// What went wrong behind it, for the log and for shapes that show details.
    pub cause: Option<String>,
}

impl AppError {
    /// An error with a status and a message.
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self {
            status,
            message: message.into(),
            kind: "",
            cause: None,
        }
    }

    /// An error of status 500.
    pub fn internal(message: impl Into<String>) -> Self {
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, message)
    }

    /// The same error with its class.
    #[must_use]
    pub fn kind(mut self, kind: &'static str) -> Self {
        self.kind = kind;
        self
    }

    /// The same error with what went wrong behind it.
    #[must_use]
    pub fn because(mut self, cause: impl ToString) -> Self {
        self.cause = Some(cause.to_string());
        self
    }
}

impl IntoResponse for AppError {
    /// An empty body; the middleware gives it the service's shape.
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// Where an error happened, for bodies that say it.
#[derive(Clone, Copy, Debug)]
pub struct ErrorSite<'a> {
    /// The request's path.
    pub path: &'a str,
    /// The trace id; empty without one.
    pub trace_id: &'a str,
}

/// A rendered error body.
#[derive(Clone, Debug, PartialEq)]
pub struct ErrorBody {
    /// The body's `Content-Type`.
    pub content_type: &'static str,
    /// The body; it holds the trace id.
    pub json: Value,
}

/// How a service writes its errors.
pub type ErrorShape = fn(&AppError, &ErrorSite<'_>) -> ErrorBody;

/// Gives a response that carries an [`AppError`] its body.
pub(crate) fn shaped(response: Response, shape: ErrorShape, site: &ErrorSite<'_>) -> Response {
    let (mut parts, body) = response.into_parts();
    let Some(error) = parts.extensions.remove::<AppError>() else {
        return Response::from_parts(parts, body);
    };
    if parts.status.is_server_error() {
        tracing::error!(
            status = parts.status.as_u16(),
            cause = error.cause,
            path = site.path,
            "{}",
            error.message
        );
    }
    let body = shape(&error, site);
    parts.headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static(body.content_type),
    );
    parts.headers.remove(header::CONTENT_LENGTH);
    Response::from_parts(parts, Body::from(body.json.to_string()))
}
