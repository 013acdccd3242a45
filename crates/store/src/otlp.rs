//! OTLP: logs, traces and metrics as OpenTelemetry sends them.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/#otlphttp>.

mod admit;
mod forward;

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{self, Read};
use std::sync::Arc;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{DefaultBodyLimit, State};
use axum::http::{HeaderMap, header};
use axum::response::Response;
use axum::routing::post;
use flate2::read::MultiGzDecoder;
use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use prost::Message;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::grpc;
use crate::logs::{self, Logs};
use crate::metrics::{self, Metrics};
use crate::traces::{self, Traces};

/// The size of a request that is read at all.
const MAX_BODY: usize = 64 << 20;

#[derive(Clone)]
struct Shared {
    logs: Arc<Logs>,
    traces: Arc<Traces>,
    metrics: Arc<Metrics>,
}

/// The services of OTLP over gRPC, beside that of traces.
const GRPC_LOGS: &str = "/opentelemetry.proto.collector.logs.v1.LogsService/Export";
const GRPC_METRICS: &str = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";

/// The OTLP receiver of a collector: logs, traces and metrics, over HTTP and over gRPC.
pub fn router(logs: Arc<Logs>, traces: Arc<Traces>, metrics: Arc<Metrics>) -> Router {
    let router = Router::new()
        .route("/v1/logs", post(receive_logs))
        .route("/v1/traces", post(receive_traces))
        .route("/v1/metrics", post(receive_metrics))
        .route(GRPC_LOGS, post(call_logs))
        .route(traces::GRPC_PATH, post(call_traces))
        .route(GRPC_METRICS, post(call_metrics))
        .layer(DefaultBodyLimit::max(MAX_BODY))
        .with_state(Shared {
            logs,
            traces,
            metrics,
        });
    admit::bounded(router, admit::ROOM)
}

async fn receive_logs(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let said = logs::receive_otlp(&shared.logs, &headers, body);
    forward::http(&headers, said).await
}

async fn receive_traces(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    traces::receive_http(&shared.traces, &headers, &body)
}

async fn receive_metrics(
    State(shared): State<Shared>,
    headers: HeaderMap,
    body: Bytes,
) -> Response {
    let said = metrics::otlp::receive(&shared.metrics, &headers, &body);
    forward::http(&headers, said).await
}

async fn call_traces(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    traces::receive_grpc(&shared.traces, &headers, &body)
}

async fn call_logs(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let said = match grpc::read_bytes(&headers, &body) {
        Ok(message) => logs::receive_otlp(&shared.logs, &forward::headers(), message.into()),
        Err(answer) => return *answer,
    };
    forward::grpc(said).await
}

async fn call_metrics(State(shared): State<Shared>, headers: HeaderMap, body: Bytes) -> Response {
    let said = match grpc::read_bytes(&headers, &body) {
        Ok(message) => {
            metrics::otlp::receive(&shared.metrics, &forward::headers(), &message.into())
        }
        Err(answer) => return *answer,
    };
    forward::grpc(said).await
}

fn is_json(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.starts_with("application/json"))
}

/// A protobuf `google.rpc.Status`.
pub(crate) fn status(code: i32, message: &str) -> Vec<u8> {
    grpc::Status {
        code,
        message: message.to_owned(),
        details: Vec::new(),
    }
    .encode_to_vec()
}

/// Why a compressed body cannot be read. Each server says it in words of its own.
#[derive(Debug, thiserror::Error)]
pub(crate) enum InflateError {
    /// It is not what it is said to be.
    #[error("{0}")]
    Broken(#[from] io::Error),
    /// It would be larger than what is read at all.
    #[error("http: request body too large")]
    TooLarge,
}

/// What `reader` decompresses, up to `max` bytes.
pub(crate) fn inflate(reader: impl Read, max: usize) -> Result<Vec<u8>, InflateError> {
    let mut out = Vec::new();
    reader.take(max as u64 + 1).read_to_end(&mut out)?;
    if out.len() > max {
        return Err(InflateError::TooLarge);
    }
    Ok(out)
}

/// A body compressed by gzip, in one piece or in several, as it was: up to `max` bytes.
pub(crate) fn gunzip(body: &[u8], max: usize) -> Result<Vec<u8>, InflateError> {
    inflate(MultiGzDecoder::new(body), max)
}

/// A body compressed by gzip as it was, up to [`MAX_BODY`]; an error is in the collector's words.
pub(crate) fn decompress(body: &[u8]) -> Result<Vec<u8>, String> {
    gunzip(body, MAX_BODY).map_err(|error| match error {
        InflateError::Broken(error) => format!("gzip: {error}"),
        InflateError::TooLarge => error.to_string(),
    })
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
        "gzip" => Cow::Owned(decompress(body)?),
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
