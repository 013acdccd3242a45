//! Loki's HTTP API.
//!
//! Source: <https://grafana.com/docs/loki/latest/reference/loki-http-api/>.

mod detected;
mod metadata;
mod query;
mod stats;
mod status;
mod volume;

use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::{RawQuery, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};

pub(super) use self::query::{categorizes, entry};
use super::eval::{EvalError, Run};
use super::ingest::PushError;
use super::logql::ParseError;
use super::params::Params;
use super::storage::Logs;
use super::{push, tail};

/// The size of a request that is read at all.
pub(super) const MAX_BODY: usize = 64 << 20;

/// An answer that is no success: a status and a text, as Loki gives errors.
#[derive(Debug)]
pub(super) struct Refusal(StatusCode, String);

impl Refusal {
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, message.into())
    }

    /// The request is larger than what is read at all.
    pub(super) fn too_large(message: impl Into<String>) -> Self {
        Self(StatusCode::PAYLOAD_TOO_LARGE, message.into())
    }

    /// Something went wrong that should not.
    pub(super) fn broken(message: impl Into<String>) -> Self {
        Self(StatusCode::INTERNAL_SERVER_ERROR, message.into())
    }

    /// There is too much to do; the same may be asked again soon.
    pub(super) fn busy(message: impl Into<String>) -> Self {
        Self(StatusCode::TOO_MANY_REQUESTS, message.into())
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
            EvalError::Pipeline { .. }
            | EvalError::TooManySeries(_)
            | EvalError::TooManyBytes(..) => StatusCode::BAD_REQUEST,
            EvalError::Matching(_) | EvalError::Disabled(_) => StatusCode::INTERNAL_SERVER_ERROR,
            EvalError::Timeout => StatusCode::GATEWAY_TIMEOUT,
            // "Client closed request", as nginx calls it; nobody will read it.
            EvalError::Cancelled => {
                StatusCode::from_u16(499).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
            }
        };
        Self(status, error.to_string())
    }
}

impl From<PushError> for Refusal {
    fn from(error: PushError) -> Self {
        let status = StatusCode::from_u16(error.status).unwrap_or(StatusCode::BAD_REQUEST);
        Self(status, format!("{error}\n"))
    }
}

/// Seconds after which one may come again when there is too much to do.
const RETRY_AFTER: &str = "1";

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let mut answer = (
            self.0,
            [
                (header::CONTENT_TYPE, "text/plain; charset=utf-8"),
                (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
            ],
            self.1,
        )
            .into_response();
        if self.0 == StatusCode::TOO_MANY_REQUESTS {
            let after = header::HeaderValue::from_static(RETRY_AFTER);
            answer.headers_mut().insert(header::RETRY_AFTER, after);
        }
        answer
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

/// What is answered from parameters alone.
type Handler = fn(&Run<'_>, &Params) -> Answer;

/// Loki's HTTP API.
pub fn router(logs: Arc<Logs>) -> Router {
    let both = |path: &'static str, handler: Handler| {
        let answer =
            move |State(logs): State<Arc<Logs>>, RawQuery(query): RawQuery, body: Bytes| {
                query::running(logs, move |run, _| {
                    handler(run, &Params::new(query.as_deref(), &body))
                })
            };
        Router::new().route(path, get(answer).post(answer))
    };
    let mut router = Router::new();
    for (path, handler) in [
        ("/loki/api/v1/labels", metadata::labels as Handler),
        ("/loki/api/v1/label", metadata::labels),
        ("/loki/api/v1/series", metadata::series),
        ("/loki/api/v1/index/stats", metadata::stats),
        ("/loki/api/v1/index/volume", volume::volume),
        ("/loki/api/v1/index/volume_range", volume::volume_range),
        ("/loki/api/v1/detected_labels", detected::labels),
        ("/loki/api/v1/detected_fields", detected::fields),
        ("/loki/api/v1/patterns", detected::patterns),
        ("/loki/api/v1/format_query", metadata::format_query),
        // Deprecated, but there still.
        ("/api/prom/label", metadata::labels),
        ("/api/prom/series", metadata::series),
    ] {
        router = router.merge(both(path, handler));
    }
    for path in [
        "/loki/api/v1/label/{name}/values",
        "/api/prom/label/{name}/values",
    ] {
        let values = get(metadata::label_values).post(metadata::label_values);
        router = router.route(path, values);
    }
    router
        .route(
            "/loki/api/v1/detected_field/{name}/values",
            get(detected::field_values).post(detected::field_values),
        )
        .route(
            "/loki/api/v1/query",
            get(query::instant).post(query::instant),
        )
        .route(
            "/loki/api/v1/query_range",
            get(query::range).post(query::range),
        )
        .route("/loki/api/v1/push", post(push::handle))
        .route("/otlp/v1/logs", post(otlp))
        .route("/loki/api/v1/tail", get(tail::handle))
        .route("/api/prom/push", post(push::handle))
        .route("/api/prom/tail", get(tail::handle))
        .route("/api/prom/query", get(query::legacy).post(query::legacy))
        .merge(status::router())
        .fallback(not_found)
        .layer(axum::extract::DefaultBodyLimit::max(MAX_BODY))
        .with_state(logs)
}

async fn not_found() -> Response {
    Refusal(StatusCode::NOT_FOUND, "404 page not found\n".to_owned()).into_response()
}

async fn otlp(State(logs): State<Arc<Logs>>, headers: axum::http::HeaderMap, body: Body) -> Answer {
    push::with_body(logs, headers, body, |logs, headers, body| {
        Ok(super::otlp::receive(logs, headers, body))
    })
    .await
}
