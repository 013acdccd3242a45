//! Loki's HTTP API.
//!
//! Source: <https://grafana.com/docs/loki/latest/reference/loki-http-api/>.

mod metadata;
mod query;

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

use super::eval::EvalError;
use super::logql::ParseError;
use super::params::Params;
use super::storage::Logs;
use super::{push, tail};

/// The size of a request that is read at all.
const MAX_BODY: usize = 64 << 20;

/// An answer that is no success: a status and a text, as Loki gives errors.
#[derive(Debug)]
pub(super) struct Refusal(StatusCode, String);

impl Refusal {
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, message.into())
    }
}

impl From<String> for Refusal {
    fn from(message: String) -> Self {
        Self::bad(message)
    }
}

impl From<ParseError> for Refusal {
    fn from(error: ParseError) -> Self {
        Self::bad(error.to_string())
    }
}

impl From<EvalError> for Refusal {
    fn from(error: EvalError) -> Self {
        let status = match error {
            EvalError::Pipeline { .. } | EvalError::TooManySeries(_) => StatusCode::BAD_REQUEST,
            EvalError::Matching(_) => StatusCode::INTERNAL_SERVER_ERROR,
            EvalError::Timeout => StatusCode::GATEWAY_TIMEOUT,
        };
        Self(status, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (
            self.0,
            [
                (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ],
            self.1,
        )
            .into_response()
    }
}

/// What a handler gives.
type Answer = Result<Response, Refusal>;

/// A JSON answer with Loki's content type.
fn json_answer(body: &Value) -> Response {
    typed_json(StatusCode::OK, "application/json; charset=UTF-8", body)
}

fn typed_json(status: StatusCode, kind: &'static str, body: &Value) -> Response {
    (status, [(header::CONTENT_TYPE, kind)], body.to_string()).into_response()
}

/// `{"status":"success","data":...}`.
fn success(data: Value) -> Response {
    json_answer(&json!({"status": "success", "data": data}))
}

/// Loki's HTTP API.
pub fn router(logs: Arc<Logs>) -> Router {
    let both = |path: &'static str, handler: Handler| {
        Router::new().route(
            path,
            get(
                move |State(logs): State<Arc<Logs>>, RawQuery(query): RawQuery| async move {
                    handler(&logs, &Params::new(query.as_deref(), &[]))
                },
            )
            .post(
                move |State(logs): State<Arc<Logs>>, RawQuery(query): RawQuery, body: Bytes| async move {
                    handler(&logs, &Params::new(query.as_deref(), &body))
                },
            ),
        )
    };
    let mut router = Router::new();
    for (path, handler) in [
        ("/loki/api/v1/labels", metadata::labels as Handler),
        ("/loki/api/v1/label", metadata::labels),
        ("/loki/api/v1/series", metadata::series),
        ("/loki/api/v1/index/stats", metadata::stats),
        ("/loki/api/v1/index/volume", metadata::volume),
        ("/loki/api/v1/index/volume_range", metadata::volume_range),
        ("/loki/api/v1/detected_labels", metadata::detected_labels),
        ("/loki/api/v1/detected_fields", metadata::detected_fields),
        ("/loki/api/v1/patterns", metadata::patterns),
        ("/loki/api/v1/format_query", metadata::format_query),
    ] {
        router = router.merge(both(path, handler));
    }
    router
        .route(
            "/loki/api/v1/query",
            get(query::instant).post(query::instant),
        )
        .route(
            "/loki/api/v1/query_range",
            get(query::range).post(query::range),
        )
        .route(
            "/loki/api/v1/label/{name}/values",
            get(metadata::label_values).post(metadata::label_values),
        )
        .route(
            "/loki/api/v1/detected_field/{name}/values",
            get(metadata::field_values).post(metadata::field_values),
        )
        .route("/loki/api/v1/push", post(push::handle))
        .route("/otlp/v1/logs", post(otlp))
        .route("/loki/api/v1/tail", get(tail::handle))
        .route("/ready", get(ready))
        .route("/loki/api/v1/status/buildinfo", get(build_info))
        .fallback(not_found)
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
        .with_state(logs)
}

type Handler = fn(&Logs, &Params) -> Answer;

async fn ready() -> Response {
    text("ready\n")
}

fn text(body: &'static str) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}

async fn not_found() -> Response {
    Refusal(StatusCode::NOT_FOUND, "404 page not found\n".to_owned()).into_response()
}

async fn build_info() -> Response {
    json_answer(&json!({
        "version": "3.7.6",
        "revision": "",
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
    }))
}

async fn otlp(
    State(logs): State<Arc<Logs>>,
    headers: axum::http::HeaderMap,
    body: Bytes,
) -> Response {
    super::otlp::receive(&logs, &headers, &body)
}
