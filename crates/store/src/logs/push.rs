//! Loki's push endpoint: JSON, or protobuf in snappy.
//!
//! Source: <https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs>.

mod json;
mod labels;
mod protobuf;

use std::sync::Arc;

use axum::body::{Body, to_bytes};
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;

use super::api::{MAX_BODY, Refusal};
use super::encoding;
use super::ingest::{PushError, Sent};
use super::storage::{Logs, Place};

/// Bodies from this size on are read where they hold up nobody.
const LARGE: usize = 128 << 10;

/// Takes what clients push.
pub(super) async fn handle(
    State(logs): State<Arc<Logs>>,
    headers: HeaderMap,
    body: Body,
) -> Result<Response, Refusal> {
    with_body(logs, headers, body, take).await
}

/// Reads a body, if there is room for it, and does `work` with it.
pub(super) async fn with_body(
    logs: Arc<Logs>,
    headers: HeaderMap,
    body: Body,
    work: fn(&Logs, &HeaderMap, Bytes) -> Result<Response, Refusal>,
) -> Result<Response, Refusal> {
    let length = headers
        .get(header::CONTENT_LENGTH)
        .and_then(|v| v.to_str().ok())
        .and_then(|v| v.parse::<usize>().ok());
    let room = length.unwrap_or(LARGE);
    if room > MAX_BODY {
        return Err(too_large(room));
    }
    let _place = Place::take(&logs.places.pushing, room, logs.config().max_push_in_flight)
        .map_err(|_| Refusal::busy("too many push requests at one time, come again\n"))?;
    let body = to_bytes(body, MAX_BODY)
        .await
        .map_err(|_| too_large(length.unwrap_or(MAX_BODY)))?;
    if body.len() < LARGE {
        return work(&logs, &headers, body);
    }
    let store = Arc::clone(&logs);
    tokio::task::spawn_blocking(move || work(&store, &headers, body))
        .await
        .unwrap_or_else(|error| Err(Refusal::broken(error.to_string())))
}

fn too_large(size: usize) -> Refusal {
    Refusal::too_large(format!(
        "request body too large: {size} bytes, limit: {MAX_BODY} bytes\n"
    ))
}

fn take(logs: &Logs, headers: &HeaderMap, body: Bytes) -> Result<Response, Refusal> {
    let bad = |message: String| Refusal::bad(format!("{message}\n"));
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("");
    if kind.is_empty() {
        return Err(bad("mime: no media type".to_owned()));
    }
    let body = encoding::plain(headers, body, MAX_BODY).map_err(bad)?;
    let kind = kind.split(';').next().unwrap_or("").trim();
    let streams: Vec<Sent> = if kind.eq_ignore_ascii_case("application/json") {
        json::read(&body).map_err(bad)?
    } else {
        protobuf::read(&body).map_err(bad)?
    };
    if streams.is_empty() {
        return Err(PushError {
            status: 422,
            message: "error at least one valid stream is required for ingestion".to_owned(),
        }
        .into());
    }
    logs.push_all(streams)?;
    Ok(StatusCode::NO_CONTENT.into_response())
}
