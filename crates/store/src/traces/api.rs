//! Tempo's HTTP API.
//!
//! Source: <https://grafana.com/docs/tempo/latest/api_docs/>.

mod by_id;
mod metrics;
mod params;
mod search;
mod status;
mod streaming;
mod tag;

use std::sync::Arc;

use axum::Router;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prost::Message;
use serde_json::Value as Json;

use super::Traces;
use super::eval::EvalError;
use super::messages::ToJson;
use super::traceql::ParseError;
use crate::grpc::RETRY_AFTER;
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

impl From<EvalError> for Refusal {
    fn from(error: EvalError) -> Self {
        let status = match error {
            EvalError::Late => StatusCode::GATEWAY_TIMEOUT,
            EvalError::ManySets => StatusCode::BAD_REQUEST,
        };
        Self(status, error.to_string())
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let kind = [(header::CONTENT_TYPE, "text/plain; charset=utf-8")];
        let mut answer = (self.0, kind, self.1).into_response();
        if self.0 == StatusCode::TOO_MANY_REQUESTS {
            let wait = HeaderValue::from(RETRY_AFTER);
            answer.headers_mut().insert(header::RETRY_AFTER, wait);
        }
        answer
    }
}

/// An answer, to be written as the client wants it.
trait Body: Send {
    fn json(&self) -> Json;
    fn protobuf(&self) -> Vec<u8>;
}

impl<T: Message + ToJson> Body for T {
    fn json(&self) -> Json {
        ToJson::json(self)
    }

    fn protobuf(&self) -> Vec<u8> {
        self.encode_to_vec()
    }
}

type Reply = Box<dyn Body>;
type Answer = Result<Response, Refusal>;
type Handler = fn(&Traces, &Params) -> Result<Reply, Refusal>;

fn wants_protobuf(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.contains("application/protobuf"))
}

fn protobuf(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/protobuf")], bytes).into_response()
}

fn answer(body: &dyn Body, headers: &HeaderMap) -> Response {
    if wants_protobuf(headers) {
        protobuf(body.protobuf())
    } else {
        json_answer(&body.json())
    }
}

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
                move |State(traces): State<Arc<Traces>>,
                      RawQuery(query): RawQuery,
                      headers: HeaderMap| async move {
                    let params = Params::new(query.as_deref(), &[]);
                    blocking(traces, headers, move |t| handler(t, &params)).await
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
        .merge(streaming::router())
        .fallback(not_found)
        .with_state(traces)
}

/// Runs a query where it does not hold up other requests, once there is room for it.
async fn run<T: Send + 'static>(
    traces: Arc<Traces>,
    work: impl FnOnce(&Traces) -> Result<T, Refusal> + Send + 'static,
) -> Result<T, Refusal> {
    let place = traces.gate.enter().await;
    let place = place.map_err(|e| Refusal(StatusCode::TOO_MANY_REQUESTS, e.to_string()))?;
    let done = tokio::task::spawn_blocking(move || {
        let found = work(&traces);
        drop(place);
        found
    });
    done.await.unwrap_or_else(|error| {
        Err(Refusal(
            StatusCode::INTERNAL_SERVER_ERROR,
            error.to_string(),
        ))
    })
}

/// The answer over HTTP.
async fn blocking(
    traces: Arc<Traces>,
    headers: HeaderMap,
    work: impl FnOnce(&Traces) -> Result<Reply, Refusal> + Send + 'static,
) -> Answer {
    run(traces, move |t| {
        work(t).map(|body| answer(&*body, &headers))
    })
    .await
}

async fn values_v1(
    State(traces): State<Arc<Traces>>,
    Path(tag): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let params = Params::new(query.as_deref(), &[]);
    blocking(traces, headers, move |t| tag::values_v1(t, &tag, &params)).await
}

async fn values_v2(
    State(traces): State<Arc<Traces>>,
    Path(tag): Path<String>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Answer {
    let params = Params::new(query.as_deref(), &[]);
    blocking(traces, headers, move |t| tag::values_v2(t, &tag, &params)).await
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
