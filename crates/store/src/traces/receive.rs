//! OTLP in: over HTTP as protobuf or JSON, and over gRPC; bodies may be compressed by gzip.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/> and
//! <https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md>.

use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use http_body_util::{BodyExt, Full};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use percent_encoding::{CONTROLS, utf8_percent_encode};
use prost::Message;
use serde_json::{Map, Value as Json, json};

use super::{PushError, Rejected, Traces};
use crate::otlp::{self, gunzip};

/// The path of the gRPC method.
pub(crate) const GRPC_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// What gRPC calls its errors.
mod code {
    pub(super) const INVALID_ARGUMENT: i32 = 3;
    pub(super) const RESOURCE_EXHAUSTED: i32 = 8;
    pub(super) const UNIMPLEMENTED: i32 = 12;
}

impl PushError {
    const fn code(&self) -> i32 {
        match self {
            Self::TraceId(_) | Self::SpanId(_) => code::INVALID_ARGUMENT,
            Self::Rate { .. } => code::RESOURCE_EXHAUSTED,
        }
    }

    const fn status(&self) -> StatusCode {
        match self {
            Self::TraceId(_) | Self::SpanId(_) => StatusCode::BAD_REQUEST,
            Self::Rate { .. } => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

fn content_type(headers: &HeaderMap) -> &str {
    let found = headers.get(header::CONTENT_TYPE);
    let text = found.and_then(|value| value.to_str().ok()).unwrap_or("");
    text.split(';').next().unwrap_or("").trim()
}

/// Takes a request over HTTP.
pub(crate) fn http(traces: &Traces, headers: &HeaderMap, body: &[u8]) -> Response {
    let is_json = match content_type(headers) {
        "application/json" => true,
        "application/x-protobuf" => false,
        _ => {
            return (
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                [(header::CONTENT_TYPE, "text/plain")],
                "415 unsupported media type, supported: [application/json, application/x-protobuf]",
            )
                .into_response();
        }
    };
    let request = match otlp::decode::<ExportTraceServiceRequest>(headers, body) {
        Ok(request) => request,
        Err(message) => {
            return refused(
                is_json,
                StatusCode::BAD_REQUEST,
                code::INVALID_ARGUMENT,
                &message,
            );
        }
    };
    match traces.push(request.resource_spans) {
        Ok(rejected) => taken(is_json, &rejected),
        Err(error) => {
            let mut answer = refused(is_json, error.status(), error.code(), &error.to_string());
            if error.status() == StatusCode::TOO_MANY_REQUESTS {
                let wait = HeaderValue::from_static("1");
                answer.headers_mut().insert(header::RETRY_AFTER, wait);
            }
            answer
        }
    }
}

/// The message of a request that was taken, perhaps in part.
fn response(rejected: &Rejected) -> ExportTraceServiceResponse {
    let partial = ExportTracePartialSuccess {
        rejected_spans: rejected.spans,
        error_message: rejected.message.clone(),
    };
    ExportTraceServiceResponse {
        partial_success: (rejected.spans > 0).then_some(partial),
    }
}

fn taken(is_json: bool, rejected: &Rejected) -> Response {
    if !is_json {
        return protobuf(StatusCode::OK, response(rejected).encode_to_vec());
    }
    let mut partial = Map::new();
    if rejected.spans > 0 {
        partial.insert(
            "rejectedSpans".to_owned(),
            json!(rejected.spans.to_string()),
        );
        partial.insert("errorMessage".to_owned(), json!(rejected.message));
    }
    json_answer(StatusCode::OK, &json!({"partialSuccess": partial}))
}

fn refused(is_json: bool, status: StatusCode, code: i32, message: &str) -> Response {
    if is_json {
        return json_answer(status, &json!({"code": code, "message": message}));
    }
    protobuf(status, otlp::status(code, message))
}

fn json_answer(status: StatusCode, body: &Json) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    (status, kind, body.to_string()).into_response()
}

fn protobuf(status: StatusCode, body: Vec<u8>) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/x-protobuf")];
    (status, kind, body).into_response()
}

/// Takes a request over gRPC.
pub(crate) fn grpc(traces: &Traces, headers: &HeaderMap, body: &[u8]) -> Response {
    if !content_type(headers).starts_with("application/grpc") {
        return StatusCode::UNSUPPORTED_MEDIA_TYPE.into_response();
    }
    let message = match unframed(headers, body) {
        Ok(message) => message,
        Err((code, message)) => return grpc_error(code, &message),
    };
    let request = match ExportTraceServiceRequest::decode(message.as_slice()) {
        Ok(request) => request,
        Err(error) => return grpc_error(code::INVALID_ARGUMENT, &error.to_string()),
    };
    match traces.push(request.resource_spans) {
        Ok(rejected) => grpc_answer(&response(&rejected)),
        Err(error) => grpc_error(error.code(), &error.to_string()),
    }
}

/// The one message of a request: a flag for compression, four bytes of length, and itself.
fn unframed(headers: &HeaderMap, body: &[u8]) -> Result<Vec<u8>, (i32, String)> {
    let wrong = |message: &str| (code::INVALID_ARGUMENT, message.to_owned());
    let Some((&[flag, a, b, c, d], rest)) = body.split_first_chunk() else {
        return Err(wrong("a message has five bytes before it"));
    };
    let length = u32::from_be_bytes([a, b, c, d]) as usize;
    let message = rest
        .get(..length)
        .ok_or_else(|| wrong("the message is cut off"))?;
    if flag == 0 {
        return Ok(message.to_vec());
    }
    match headers.get("grpc-encoding").map(HeaderValue::as_bytes) {
        Some(b"gzip") => gunzip(message).map_err(|error| wrong(&error)),
        other => {
            let name = other.map(String::from_utf8_lossy).unwrap_or_default();
            Err((
                code::UNIMPLEMENTED,
                format!("grpc: Decompressor is not installed for grpc-encoding {name:?}"),
            ))
        }
    }
}

const GRPC: (HeaderName, HeaderValue) = (
    header::CONTENT_TYPE,
    HeaderValue::from_static("application/grpc"),
);
const GRPC_STATUS: HeaderName = HeaderName::from_static("grpc-status");
const GRPC_MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

fn grpc_answer(message: &impl Message) -> Response {
    let bytes = message.encode_to_vec();
    let mut frame = vec![0];
    frame.extend((bytes.len() as u32).to_be_bytes());
    frame.extend(bytes);
    let mut trailers = HeaderMap::new();
    trailers.insert(GRPC_STATUS, HeaderValue::from_static("0"));
    let trailers = async move { Some(Ok(trailers)) };
    let body = Full::new(Bytes::from(frame)).with_trailers(trailers);
    ([GRPC], Body::new(body)).into_response()
}

/// An error is told in headers alone.
fn grpc_error(code: i32, message: &str) -> Response {
    let message = utf8_percent_encode(message, CONTROLS).to_string();
    let mut answer = ([GRPC], Body::empty()).into_response();
    let headers = answer.headers_mut();
    headers.insert(GRPC_STATUS, HeaderValue::from(code));
    if let Ok(message) = HeaderValue::from_str(&message) {
        headers.insert(GRPC_MESSAGE, message);
    }
    answer
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_read_or_refused() {
        let mut gzip = HeaderMap::new();
        gzip.insert("grpc-encoding", HeaderValue::from_static("gzip"));
        let plain = HeaderMap::new();
        assert_eq!(unframed(&plain, &[0, 0, 0, 0, 2, 7, 8]), Ok(vec![7, 8]));
        for (headers, body) in [
            (&plain, vec![0, 0, 0]),
            (&plain, vec![0, 0, 0, 0, 9, 1]),
            (&plain, vec![1, 0, 0, 0, 1, 1]),
            (&gzip, vec![1, 0, 0, 0, 1, 1]),
        ] {
            assert!(unframed(headers, &body).is_err(), "{body:?}");
        }
    }
}
