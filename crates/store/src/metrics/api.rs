//! Mimir's HTTP API below `/prometheus`
//! (<https://grafana.com/docs/mimir/latest/references/http-api/>).

use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use serde_json::json;

mod answer;
mod gate;
mod metadata;
mod params;
mod query;
mod ruler;
mod rules;
mod status;

use crate::collect::scrape::Targets;
use crate::metrics::Metrics;
use crate::rules::Ruler;
use answer::{ApiError, ErrorKind, plain, success};
use gate::Gate;
use params::Params;

/// The size of a request that is read at all.
const MAX_BODY: usize = 64 << 20;

/// What the API reads.
#[derive(Debug, Clone)]
pub struct Api {
    /// The samples.
    pub metrics: Arc<Metrics>,
    /// Rules and alerts.
    pub ruler: Arc<Ruler>,
    /// What is scraped.
    pub targets: Arc<Targets>,
}

/// What handlers share.
#[derive(Debug, Clone)]
struct Served {
    metrics: Arc<Metrics>,
    ruler: Arc<Ruler>,
    targets: Arc<Targets>,
    gate: Arc<Gate>,
}

/// All routes.
pub fn router(api: Api) -> Router {
    let served = Served {
        gate: Arc::new(Gate::new(api.metrics.limits())),
        metrics: api.metrics,
        ruler: api.ruler,
        targets: api.targets,
    };
    let v1 = Router::new()
        .route("/query", get(query::instant).post(query::instant))
        .route("/query_range", get(query::range).post(query::range))
        .route(
            "/query_exemplars",
            get(query::exemplars).post(query::exemplars),
        )
        .route("/format_query", get(query::format).post(query::format))
        .route(
            "/parse_query",
            get(query::parse_query).post(query::parse_query),
        )
        .route("/labels", get(metadata::labels).post(metadata::labels))
        .route("/label/{name}/values", get(metadata::label_values))
        .route("/series", get(metadata::series).post(metadata::series))
        .route("/metadata", get(metadata::metadata))
        .route("/targets", get(status::targets))
        .route("/rules", get(rules::rules))
        .route("/alerts", get(rules::alerts))
        .route("/alertmanagers", get(status::alertmanagers))
        .route("/status/buildinfo", get(status::buildinfo))
        .route("/status/flags", get(|| async { success(json!({})) }))
        .route("/status/runtimeinfo", get(status::runtime))
        .route("/features", get(|| async { success(json!({})) }));
    Router::new()
        .nest("/prometheus/api/v1", v1)
        .nest("/prometheus/config/v1", ruler::router())
        .route("/api/v1/status/buildinfo", get(status::buildinfo))
        .route("/api/v1/push", post(push))
        .route("/api/v1/write", post(write))
        .route("/prometheus/api/v1/write", post(write))
        .route("/otlp/v1/metrics", post(otlp))
        .route("/api/v1/otlp/v1/metrics", post(otlp))
        .route("/ready", get(ready))
        .route("/-/ready", get(ready))
        .route("/prometheus/-/ready", get(ready))
        .route("/prometheus/-/healthy", get(ready))
        .fallback(any(not_found))
        .method_not_allowed_fallback(not_allowed)
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(served)
}

async fn otlp(State(api): ApiState, headers: HeaderMap, body: Bytes) -> Response {
    super::otlp::receive(&api.metrics, &headers, &body)
}

/// Remote write as Mimir takes it.
async fn push(State(api): ApiState, headers: HeaderMap, body: Bytes) -> Response {
    let receiver = &api.metrics.receiver();
    receiver.receive(&api.metrics, &headers, &body, StatusCode::OK)
}

/// Remote write as Prometheus takes it.
async fn write(State(api): ApiState, headers: HeaderMap, body: Bytes) -> Response {
    let receiver = &api.metrics.receiver();
    receiver.receive(&api.metrics, &headers, &body, StatusCode::NO_CONTENT)
}

/// A text answer, for other receivers of metrics.
pub(super) fn text(status: StatusCode, body: &str) -> Response {
    plain(status, body)
}

/// A JSON answer, for other receivers of metrics.
pub(super) fn json_ok(body: &str) -> Response {
    answer::json(StatusCode::OK, body.to_owned())
}

async fn ready() -> Response {
    plain(StatusCode::OK, "ready\n")
}

async fn not_found() -> Response {
    plain(StatusCode::NOT_FOUND, "404 page not found\n")
}

async fn not_allowed() -> Response {
    plain(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed\n")
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let body = json!({
            "status": "error",
            "errorType": self.kind.as_str(),
            "error": self.message,
        });
        let mut response = answer::json(self.kind.status(), body.to_string());
        if self.kind == ErrorKind::TooManyRequests {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

type Answer = Result<Response, ApiError>;
type ApiState = State<Served>;
type Name = Path<String>;
