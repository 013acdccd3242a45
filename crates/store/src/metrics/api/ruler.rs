//! Mimir's ruler configuration API, `/prometheus/config/v1/rules`
//! (<https://grafana.com/docs/mimir/latest/references/http-api/#ruler>).

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use super::answer::{self, plain};
use super::{ApiState, Served};
use crate::rules::NamespaceError;

/// The routes below `/prometheus/config/v1`.
pub(super) fn router() -> Router<Served> {
    Router::new()
        .route("/rules", get(all))
        .route(
            "/rules/{namespace}",
            get(namespace).post(set).delete(delete_namespace),
        )
        .route(
            "/rules/{namespace}/{group}",
            get(group).delete(delete_group),
        )
}

impl IntoResponse for NamespaceError {
    fn into_response(self) -> Response {
        let status = match self {
            Self::NoGroup | Self::NoNamespace => StatusCode::NOT_FOUND,
            Self::Undecodable | Self::Invalid(_) => StatusCode::BAD_REQUEST,
        };
        plain(status, &format!("{self}\n"))
    }
}

fn yaml(text: String) -> Response {
    let mut response = text.into_response();
    let kind = HeaderValue::from_static("application/yaml");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

/// Set, and to be evaluated at the next tick.
fn accepted() -> Response {
    let body = json!({"status": "success", "data": null, "errorType": "", "error": ""});
    answer::json(StatusCode::ACCEPTED, body.to_string())
}

async fn all(State(api): ApiState) -> Response {
    yaml(api.ruler.namespaces_yaml(None))
}

async fn namespace(State(api): ApiState, Path(namespace): Path<String>) -> Response {
    yaml(api.ruler.namespaces_yaml(Some(&namespace)))
}

async fn group(
    State(api): ApiState,
    Path((namespace, group)): Path<(String, String)>,
) -> Result<Response, NamespaceError> {
    Ok(yaml(api.ruler.group_yaml(&namespace, &group)?))
}

async fn set(
    State(api): ApiState,
    Path(namespace): Path<String>,
    body: Bytes,
) -> Result<Response, NamespaceError> {
    let text = std::str::from_utf8(&body).map_err(|_| NamespaceError::Undecodable)?;
    api.ruler.set_group(&namespace, text)?;
    Ok(accepted())
}

async fn delete_group(
    State(api): ApiState,
    Path((namespace, group)): Path<(String, String)>,
) -> Result<Response, NamespaceError> {
    api.ruler.delete_group(&namespace, &group)?;
    Ok(accepted())
}

async fn delete_namespace(
    State(api): ApiState,
    Path(namespace): Path<String>,
) -> Result<Response, NamespaceError> {
    api.ruler.delete_namespace(&namespace)?;
    Ok(accepted())
}
