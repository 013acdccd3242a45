//! Metrics and logs as a collector's ports take them. Mimir and Loki answer in ways of their own,
//! exporters want to hear OTLP's.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/#otlphttp-response>.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prost::Message;
use serde_json::json;

use super::is_json;
use crate::grpc::{self, Code, Failure};

/// The most bytes of an error that are read.
const MAX_ERROR: usize = 1 << 20;

/// Answers an exporter over HTTP with what a receiver said.
pub(super) async fn http(headers: &HeaderMap, said: Response) -> Response {
    match heard(said).await {
        Ok(()) => told(headers, StatusCode::OK, None),
        Err((status, failure)) => told(headers, status, Some(&failure)),
    }
}

/// Tells an exporter over HTTP, as it spoke itself, that it was heard, or why not.
pub(super) fn told(headers: &HeaderMap, status: StatusCode, failure: Option<&Failure>) -> Response {
    let mut answer = if is_json(headers) {
        let body = failure.map_or_else(
            || json!({"partialSuccess": {}}),
            |failure| json!({"code": failure.0.number(), "message": failure.1}),
        );
        let kind = [(header::CONTENT_TYPE, "application/json")];
        (status, kind, body.to_string()).into_response()
    } else {
        // A message without fields has no bytes.
        let body = failure.map_or_else(Vec::new, |failure| failure.status().encode_to_vec());
        let kind = [(header::CONTENT_TYPE, "application/x-protobuf")];
        (status, kind, body).into_response()
    };
    if status == StatusCode::TOO_MANY_REQUESTS {
        let wait = HeaderValue::from(grpc::RETRY_AFTER);
        answer.headers_mut().insert(header::RETRY_AFTER, wait);
    }
    answer
}

/// Answers an exporter over gRPC with what a receiver said.
pub(super) async fn grpc(said: Response) -> Response {
    match heard(said).await {
        Ok(()) => grpc::answer(&[]),
        Err((_, failure)) => grpc::error(&failure),
    }
}

/// The headers of a message that came over gRPC, for a receiver over HTTP.
pub(super) fn headers() -> HeaderMap {
    let kind = HeaderValue::from_static("application/x-protobuf");
    HeaderMap::from_iter([(header::CONTENT_TYPE, kind)])
}

/// Whether a receiver took what it was given, or why not.
async fn heard(said: Response) -> Result<(), (StatusCode, Failure)> {
    let status = said.status();
    if status.is_success() {
        return Ok(());
    }
    let kind = said.headers().get(header::CONTENT_TYPE).cloned();
    let is_text = kind.is_some_and(|kind| kind.as_bytes().starts_with(b"text/"));
    let body = axum::body::to_bytes(Body::new(said.into_body()), MAX_ERROR).await;
    let body = body.unwrap_or_default();
    let message = match grpc::Status::decode(&*body) {
        Ok(status) if !is_text => status.message,
        _ => String::from_utf8_lossy(&body).trim_end().to_owned(),
    };
    Err((status, Failure(Code::of(status), message)))
}
