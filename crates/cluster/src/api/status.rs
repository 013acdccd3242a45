//! Errors as Kubernetes says them: `Status` objects with a reason and a code.

use axum::Json;
use axum::response::{IntoResponse, Response};
use http::StatusCode;
use serde_json::{Value, json};

use crate::objects::{Kind, StoreError};
use crate::selector::SelectorError;

/// Why a request is refused.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{message}")]
pub(crate) struct ApiError {
    code: StatusCode,
    reason: &'static str,
    message: String,
    details: Option<Value>,
}

pub(crate) type ApiResult<T> = Result<T, ApiError>;

impl ApiError {
    fn new(code: StatusCode, reason: &'static str, message: impl Into<String>) -> Self {
        Self {
            code,
            reason,
            message: message.into(),
            details: None,
        }
    }

    pub(crate) fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, "BadRequest", message)
    }

    pub(crate) fn unauthorized() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "Unauthorized", "Unauthorized")
    }

    pub(crate) fn no_such_path() -> Self {
        let message = "the server could not find the requested resource";
        Self::new(StatusCode::NOT_FOUND, "NotFound", message)
    }

    pub(crate) fn not_found(kind: Kind, name: &str) -> Self {
        StoreError::NotFound {
            kind,
            name: name.to_owned(),
        }
        .into()
    }

    pub(crate) fn method_not_allowed() -> Self {
        let message = "the server does not allow this method on the requested resource";
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed", message)
    }

    pub(crate) fn unsupported_media(found: &str) -> Self {
        let message = format!(
            "the body of the request was in an unknown format `{found}` - accepted media types include: \
             application/json, application/yaml, application/json-patch+json, application/merge-patch+json, \
             application/strategic-merge-patch+json, application/apply-patch+yaml"
        );
        Self::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "UnsupportedMediaType",
            message,
        )
    }

    pub(crate) fn unavailable(message: impl Into<String>) -> Self {
        Self::new(
            StatusCode::SERVICE_UNAVAILABLE,
            "ServiceUnavailable",
            message,
        )
    }

    pub(crate) fn not_implemented(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_IMPLEMENTED, "NotImplemented", message)
    }

    pub(crate) fn invalid(kind: Kind, name: &str, causes: &[(String, String)]) -> Self {
        let info = kind.info();
        let all: Vec<_> = causes
            .iter()
            .map(|(field, message)| format!("{field}: {message}"))
            .collect();
        let message = match all.as_slice() {
            [one] => format!("{} \"{name}\" is invalid: {one}", qualified_kind(kind)),
            many => format!(
                "{} \"{name}\" is invalid: [{}]",
                qualified_kind(kind),
                many.join(", ")
            ),
        };
        let causes: Vec<_> = causes
            .iter()
            .map(|(field, message)| json!({ "reason": "FieldValueInvalid", "message": message, "field": field }))
            .collect();
        let mut error = Self::new(StatusCode::UNPROCESSABLE_ENTITY, "Invalid", message);
        error.details =
            Some(json!({ "name": name, "group": info.group, "kind": info.kind, "causes": causes }));
        error
    }

    /// Refused because of the state of things.
    pub(crate) fn forbidden_because(message: String) -> Self {
        Self::new(StatusCode::FORBIDDEN, "Forbidden", message)
    }

    /// Refused because of who asks.
    pub(crate) fn forbidden(
        user: &str,
        verb: &str,
        what: &str,
        group: &str,
        namespace: &str,
    ) -> Self {
        let message = format!(
            "{what} is forbidden: User \"{user}\" cannot {verb} resource \"{what}\" in API group \"{group}\" in the namespace \"{namespace}\""
        );
        let mut error = Self::new(StatusCode::FORBIDDEN, "Forbidden", message);
        error.details = Some(json!({ "group": group, "kind": what }));
        error
    }

    /// The `Status` object.
    pub(crate) fn status(&self) -> Value {
        let mut status = json!({
            "kind": "Status",
            "apiVersion": "v1",
            "metadata": {},
            "status": "Failure",
            "message": self.message,
            "reason": self.reason,
            "code": self.code.as_u16(),
        });
        if let Some(details) = &self.details {
            status["details"] = details.clone();
        }
        status
    }
}

impl From<StoreError> for ApiError {
    fn from(error: StoreError) -> Self {
        let (code, reason, about) = match &error {
            StoreError::NotFound { kind, name } => (
                StatusCode::NOT_FOUND,
                "NotFound",
                Some((*kind, name.clone())),
            ),
            StoreError::AlreadyExists { kind, name } => (
                StatusCode::CONFLICT,
                "AlreadyExists",
                Some((*kind, name.clone())),
            ),
            StoreError::Conflict { kind, name } => (
                StatusCode::CONFLICT,
                "Conflict",
                Some((*kind, name.clone())),
            ),
            StoreError::Expired { .. } => (StatusCode::GONE, "Expired", None),
            StoreError::Invalid { kind, .. } => (
                StatusCode::UNPROCESSABLE_ENTITY,
                "Invalid",
                Some((*kind, String::new())),
            ),
        };
        let mut made = Self::new(code, reason, error.to_string());
        made.details = about.map(|(kind, name)| {
            let info = kind.info();
            json!({ "name": name, "group": info.group, "kind": info.plural })
        });
        made
    }
}

impl From<SelectorError> for ApiError {
    fn from(error: SelectorError) -> Self {
        Self::bad_request(error.to_string())
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.code, Json(self.status())).into_response()
    }
}

/// `Deployment.apps`, as messages about invalid objects begin.
fn qualified_kind(kind: Kind) -> String {
    let info = kind.info();
    if info.group.is_empty() {
        info.kind.to_owned()
    } else {
        format!("{}.{}", info.kind, info.group)
    }
}

/// The `Status` of a deletion that is done.
pub(crate) fn success(kind: Kind, name: &str, uid: &str) -> Value {
    let info = kind.info();
    json!({
        "kind": "Status",
        "apiVersion": "v1",
        "metadata": {},
        "status": "Success",
        "details": { "name": name, "group": info.group, "kind": info.plural, "uid": uid },
    })
}
