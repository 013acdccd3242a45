//! OTLP in: over HTTP as protobuf or JSON, and over gRPC; bodies may be compressed by gzip.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/>.

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use prost::Message;
use serde_json::{Map, Value as Json, json};

use super::{PushError, Rejected, Traces};
use crate::grpc::{self, Code, Failure};
use crate::otlp;

/// The path of the gRPC method.
pub(crate) const GRPC_PATH: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

impl PushError {
    const fn code(&self) -> Code {
        match self {
            Self::TraceId(_) | Self::SpanId(_) => Code::InvalidArgument,
            Self::Rate { .. } => Code::ResourceExhausted,
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
                Code::InvalidArgument,
                &message,
            );
        }
    };
    match traces.push(request.resource_spans) {
        Ok(rejected) => taken(is_json, &rejected),
        Err(error) => {
            let mut answer = refused(is_json, error.status(), error.code(), &error.to_string());
            if error.status() == StatusCode::TOO_MANY_REQUESTS {
                let wait = HeaderValue::from(grpc::RETRY_AFTER);
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

fn refused(is_json: bool, status: StatusCode, code: Code, message: &str) -> Response {
    if is_json {
        let body = json!({"code": code.number(), "message": message});
        return json_answer(status, &body);
    }
    let failure = Failure(code, message.to_owned());
    protobuf(status, failure.status().encode_to_vec())
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
    let request: ExportTraceServiceRequest = match grpc::read(headers, body) {
        Ok(request) => request,
        Err(answer) => return *answer,
    };
    match traces.push(request.resource_spans) {
        Ok(rejected) => grpc::answer(&response(&rejected).encode_to_vec()),
        Err(error) => grpc::error(&Failure(error.code(), error.to_string())),
    }
}
