//! OTLP: logs and traces as OpenTelemetry sends them.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/#otlphttp>.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::Read as _;
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use prost::Message;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::logs::{self, Logs};
use crate::metrics::Metrics;
use crate::traces::{self, Traces};

/// The size of a request that is read at all.
const MAX_BODY: usize = 64 << 20;

#[derive(Clone)]
struct Shared {
    logs: Arc<Logs>,
    traces: Arc<Traces>,
}

/// The OTLP receiver: `/v1/logs`, `/v1/traces`, `/v1/metrics`, and traces over gRPC.
pub fn router(logs: Arc<Logs>, traces: Arc<Traces>, _metrics: Arc<Metrics>) -> Router {
    Router::new()
        .route("/v1/logs", post(receive_logs))
        .route("/v1/traces", post(receive_traces))
        .route(traces::GRPC_PATH, post(receive_grpc))
        .route("/v1/metrics", post(refuse_metrics))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Shared { logs, traces })
}

async fn receive_logs(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    logs::receive_otlp(&shared.logs, &headers, body)
}

async fn receive_traces(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    traces::receive_http(&shared.traces, &headers, &body)
}

async fn receive_grpc(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    traces::receive_grpc(&shared.traces, &headers, &body)
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

/// A body compressed by gzip as it was, up to [`MAX_BODY`].
pub(crate) fn gunzip(body: &[u8]) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let decoder = flate2::read::MultiGzDecoder::new(body);
    let read = decoder.take(MAX_BODY as u64 + 1).read_to_end(&mut out);
    read.map_err(|error| format!("gzip: {error}"))?;
    if out.len() > MAX_BODY {
        return Err("http: request body too large".to_owned());
    }
    Ok(out)
}

/// Reads a request by its content type, protobuf or JSON, and its content encoding.
pub(crate) fn decode<T: Message + Default + DeserializeOwned>(
    headers: &HeaderMap,
    body: &[u8],
) -> Result<T, String> {
    let encoding = headers
        .get(header::CONTENT_ENCODING)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("identity");
    let plain: Cow<'_, [u8]> = match encoding {
        "identity" | "" => Cow::Borrowed(body),
        "gzip" => Cow::Owned(gunzip(body)?),
        other => return Err(format!("unsupported Content-Encoding: {other}")),
    };
    parse(headers, &plain)
}

/// Reads a request, no longer compressed, by its content type: protobuf or JSON.
pub(crate) fn parse<T: Message + Default + DeserializeOwned>(
    headers: &HeaderMap,
    plain: &[u8],
) -> Result<T, String> {
    if is_json(headers) {
        let mut document: Value = serde_json::from_slice(plain).map_err(|e| e.to_string())?;
        normalise(&mut document);
        serde_json::from_value(document).map_err(|e| e.to_string())
    } else {
        T::decode(plain).map_err(|e| e.to_string())
    }
}

/// Enums that some clients write by name, in the order of their numbers.
const ENUMS: [&[&str]; 2] = [
    &[
        "SPAN_KIND_UNSPECIFIED",
        "SPAN_KIND_INTERNAL",
        "SPAN_KIND_SERVER",
        "SPAN_KIND_CLIENT",
        "SPAN_KIND_PRODUCER",
        "SPAN_KIND_CONSUMER",
    ],
    &["STATUS_CODE_UNSET", "STATUS_CODE_OK", "STATUS_CODE_ERROR"],
];

/// JSON writes 64-bit integers as numbers or as texts, of which the message types take texts
/// alone; and enums by number or by name, of which they take numbers alone.
fn normalise(value: &mut Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(normalise),
        Value::Object(map) => {
            for (key, value) in map.iter_mut() {
                if (key.ends_with("UnixNano") || key == "intValue") && value.is_number() {
                    *value = Value::String(value.to_string());
                } else if let ("kind" | "code", Some(name)) = (key.as_str(), value.as_str()) {
                    let places = ENUMS.iter().map(|e| e.iter().position(|n| *n == name));
                    if let Some(number) = places.flatten().next() {
                        *value = Value::from(number);
                    }
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
