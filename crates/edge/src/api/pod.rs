//! What an edge adds for its pod: signals to the main container, and the way to the service's hooks.

use std::time::Duration;

use axum::Json;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{ApiError, Shared, parse};
use crate::{KEY_HEADER, Signal, WorkloadError};

/// How long a hook may take to answer.
const HOOK: Duration = Duration::from_secs(5);
/// The largest body that a hook is sent.
const HOOK_BODY: usize = 64 * 1024;

#[derive(Deserialize)]
struct SignalInput {
    signal: Signal,
    /// With `STOP`: when the process goes on by itself; 0 or none for never.
    lease_ms: Option<u64>,
}

/// `POST /process/signal`: 204 when it was sent, 409 while nothing runs.
pub(super) async fn signal(State(registry): Shared, body: Bytes) -> Result<StatusCode, ApiError> {
    let input: SignalInput = parse(&body)?;
    let lease = input
        .lease_ms
        .filter(|ms| *ms > 0)
        .map(Duration::from_millis);
    match registry.signal(input.signal, lease) {
        Some(Ok(())) => Ok(StatusCode::NO_CONTENT),
        Some(Err(error @ WorkloadError::NotRunning)) => {
            Err(ApiError::new(StatusCode::CONFLICT, error.to_string()))
        }
        Some(Err(error @ WorkloadError::Failed(_))) => Err(ApiError::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            error.to_string(),
        )),
        None => Err(ApiError::new(
            StatusCode::NOT_IMPLEMENTED,
            "this edge has no process to signal",
        )),
    }
}

/// `GET /process`: whether it was stopped from here and has not been continued since.
pub(super) async fn process(State(registry): Shared) -> Json<Value> {
    Json(json!({"stopped": registry.is_stopped()}))
}

/// `ANY /hooks/*`: relayed to the service's own hooks with the key.
pub(super) async fn hooks(State(registry): Shared, request: Request) -> Response {
    let Some(address) = registry.config.hooks else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match relay(address, request).await {
        Ok(response) => response,
        Err(error) => ApiError::new(
            StatusCode::BAD_GATEWAY,
            format!("the service's hooks at {address} did not answer: {error}"),
        )
        .into_response(),
    }
}

async fn relay(
    address: std::net::SocketAddr,
    request: Request,
) -> Result<Response, reqwest::Error> {
    let (parts, body) = request.into_parts();
    let path = parts.uri.path_and_query().map_or("/hooks", |p| p.as_str());
    let Ok(body) = axum::body::to_bytes(body, HOOK_BODY).await else {
        return Ok(StatusCode::PAYLOAD_TOO_LARGE.into_response());
    };
    let client = reqwest::Client::builder()
        .no_proxy()
        .timeout(HOOK)
        .build()?;
    let mut relayed = client.request(parts.method, format!("http://{address}{path}"));
    for name in [KEY_HEADER, header::CONTENT_TYPE.as_str()] {
        if let Some(value) = parts.headers.get(name) {
            relayed = relayed.header(name, value);
        }
    }
    let answer = relayed.body(body).send().await?;
    let status = answer.status();
    let content_type = answer.headers().get(header::CONTENT_TYPE).cloned();
    let mut response = Response::new(Body::from(answer.bytes().await?));
    *response.status_mut() = status;
    if let Some(content_type) = content_type {
        response
            .headers_mut()
            .insert(header::CONTENT_TYPE, content_type);
    }
    Ok(response)
}
