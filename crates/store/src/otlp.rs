//! OTLP over HTTP: logs and traces as OpenTelemetry sends them.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/#otlphttp>.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTraceServiceRequest, ExportTraceServiceResponse,
};
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use prost::Message;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::logs::{self, Logs};
use crate::metrics::Metrics;
use crate::traces::Traces;

/// The size of a request that is read at all.
const MAX_BODY: usize = 64 << 20;

#[derive(Clone)]
struct Shared {
    logs: Arc<Logs>,
    traces: Arc<Traces>,
}

/// The OTLP/HTTP receiver: `/v1/logs`, `/v1/traces`, `/v1/metrics`.
pub fn router(logs: Arc<Logs>, traces: Arc<Traces>, _metrics: Arc<Metrics>) -> Router {
    Router::new()
        .route("/v1/logs", post(receive_logs))
        .route("/v1/traces", post(receive_traces))
        .route("/v1/metrics", post(refuse_metrics))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Shared { logs, traces })
}

async fn receive_logs(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    logs::receive_otlp(&shared.logs, &headers, &body)
}

async fn receive_traces(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    match decode::<ExportTraceServiceRequest>(&headers, &body) {
        Ok(request) => {
            shared.traces.push(request.resource_spans);
            answer(&headers, &ExportTraceServiceResponse::default())
        }
        Err(message) => refuse(&headers, StatusCode::BAD_REQUEST, 3, &message),
    }
}

async fn refuse_metrics(headers: HeaderMap) -> Response {
    refuse(
        &headers,
        StatusCode::NOT_FOUND,
        12,
        "metrics are not taken by OTLP here: expose them at /metrics, where they are scraped",
    )
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.starts_with("application/json"))
}

fn answer(headers: &HeaderMap, message: &impl Message) -> Response {
    if is_json(headers) {
        return ([(header::CONTENT_TYPE, "application/json")], "{}").into_response();
    }
    (
        [(header::CONTENT_TYPE, "application/x-protobuf")],
        message.encode_to_vec(),
    )
        .into_response()
}

fn refuse(headers: &HeaderMap, code: StatusCode, grpc: i32, message: &str) -> Response {
    if is_json(headers) {
        let body = serde_json::json!({"code": grpc, "message": message}).to_string();
        return (code, [(header::CONTENT_TYPE, "application/json")], body).into_response();
    }
    (
        code,
        [(header::CONTENT_TYPE, "application/x-protobuf")],
        status(grpc, message),
    )
        .into_response()
}

/// `google.rpc.Status`.
#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(int32, tag = "1")]
    code: i32,
    #[prost(string, tag = "2")]
    message: String,
}

/// A protobuf `google.rpc.Status`.
pub(crate) fn status(code: i32, message: &str) -> Vec<u8> {
    Status {
        code,
        message: message.to_owned(),
    }
    .encode_to_vec()
}

/// Reads a request by its content type: protobuf or JSON.
pub(crate) fn decode<T: Message + Default + DeserializeOwned>(
    headers: &HeaderMap,
    body: &[u8],
) -> Result<T, String> {
    let encoding = headers
        .get(header::CONTENT_ENCODING)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("identity");
    if encoding != "identity" {
        return Err(format!(
            "content encoding {encoding:?} is not taken: send the body as it is"
        ));
    }
    if is_json(headers) {
        let mut document: Value = serde_json::from_slice(body).map_err(|e| e.to_string())?;
        normalise(&mut document);
        serde_json::from_value(document).map_err(|e| e.to_string())
    } else {
        T::decode(body).map_err(|e| e.to_string())
    }
}

/// JSON writes 64-bit integers as numbers or as texts; the message types take texts alone.
fn normalise(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(normalise),
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                if (key.ends_with("UnixNano") || key == "intValue") && value.is_number() {
                    *value = Value::String(value.to_string());
                } else {
                    normalise(value);
                }
            }
        }
        _ => {}
    }
}

/// Bytes as lower-case hex.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len() * 2);
    for byte in bytes {
        // Writing to a String cannot fail.
        let _ = write!(out, "{byte:02x}");
    }
    out
}

/// An attribute's value as text: scalars as they are, lists and maps as JSON.
pub(crate) fn show(value: &AnyValue) -> String {
    match &value.value {
        Some(any_value::Value::StringValue(text)) => text.clone(),
        Some(any_value::Value::DoubleValue(n)) => logs::show_float(*n),
        _ => match to_json(value) {
            Value::Null => String::new(),
            other => other.to_string(),
        },
    }
}

fn to_json(value: &AnyValue) -> Value {
    use any_value::Value as Any;
    match &value.value {
        None => Value::Null,
        Some(Any::StringValue(text)) => Value::from(text.as_str()),
        Some(Any::BoolValue(b)) => Value::from(*b),
        Some(Any::IntValue(n)) => Value::from(*n),
        Some(Any::DoubleValue(n)) => Value::from(*n),
        Some(Any::ArrayValue(list)) => list.values.iter().map(to_json).collect(),
        Some(Any::KvlistValue(list)) => list
            .values
            .iter()
            .map(|pair| {
                let value = pair.value.as_ref().map_or(Value::Null, to_json);
                (pair.key.clone(), value)
            })
            // In the order of their keys, as Go writes maps.
            .collect::<std::collections::BTreeMap<_, _>>()
            .into_iter()
            .collect(),
        Some(Any::BytesValue(bytes)) => Value::from(base64::Engine::encode(
            &base64::engine::general_purpose::STANDARD,
            bytes,
        )),
        Some(_) => Value::Null,
    }
}
