//! Tempo's HTTP API.
//!
//! Source: <https://grafana.com/docs/tempo/latest/api_docs/>.

mod by_id;
mod metrics;
mod params;
mod search;
mod status;
mod tag;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::Value as Json;

use super::Traces;
use super::traceql::ParseError;
use crate::logs::Params;

/// An answer that is no success.
#[derive(Debug)]
struct Refusal(StatusCode, String);

impl Refusal {
    fn bad(message: impl Into<String>) -> Self {
        Self(StatusCode::BAD_REQUEST, message.into())
    }

    fn query(error: &ParseError) -> Self {
        Self::bad(format!("invalid TraceQL query: {error}"))
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        (
            self.0,
            [(header::CONTENT_TYPE, "text/plain; charset=utf-8")],
            self.1,
        )
            .into_response()
    }
}

type Answer = Result<Response, Refusal>;
type Handler = fn(&Traces, &Params) -> Answer;

fn json_answer(body: &Json) -> Response {
    (
        [(header::CONTENT_TYPE, "application/json")],
        body.to_string(),
    )
        .into_response()
}

/// Tempo's HTTP API.
pub fn router(traces: Arc<Traces>) -> Router {
    let mut router = Router::new();
    for (path, handler) in [
        ("/api/search", search::search as Handler),
        ("/api/search/tags", tag::names_v1),
        ("/api/v2/search/tags", tag::names_v2),
        ("/api/metrics/query_range", metrics::range),
        ("/api/metrics/query", metrics::instant),
    ] {
        router = router.route(
            path,
            get(
                move |State(traces): State<Arc<Traces>>, RawQuery(query): RawQuery| async move {
                    blocking(move || handler(&traces, &Params::new(query.as_deref(), &[]))).await
                },
            ),
        );
    }
    router
        .route("/api/search/tag/{tag}/values", get(values_v1))
        .route("/api/v2/search/tag/{tag}/values", get(values_v2))
        .route("/api/traces/{id}", get(trace_v1))
        .route("/api/v2/traces/{id}", get(trace_v2))
        .merge(status::router())
        .fallback(not_found)
        .with_state(traces)
}

/// Runs a query where it does not hold up other requests.
async fn blocking(work: impl FnOnce() -> Answer + Send + 'static) -> Answer {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| {
            Err(Refusal(
                StatusCode::INTERNAL_SERVER_ERROR,
                error.to_string(),
            ))
        })
}

async fn values_v1(
    State(traces): State<Arc<Traces>>,
    Path(tag): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    blocking(move || tag::values_v1(&traces, &tag, &Params::new(query.as_deref(), &[]))).await
}

async fn values_v2(
    State(traces): State<Arc<Traces>>,
    Path(tag): Path<String>,
    RawQuery(query): RawQuery,
) -> Answer {
    blocking(move || tag::values_v2(&traces, &tag, &Params::new(query.as_deref(), &[]))).await
}

async fn trace_v1(
    State(traces): State<Arc<Traces>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    by_id::v1(&traces, &id, &Params::new(query.as_deref(), &[]), &headers)
}

async fn trace_v2(
    State(traces): State<Arc<Traces>>,
    Path(id): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    by_id::v2(&traces, &id, &Params::new(query.as_deref(), &[]), &headers)
}

async fn not_found() -> Response {
    Refusal(StatusCode::NOT_FOUND, "404 page not found\n".to_owned()).into_response()
}
