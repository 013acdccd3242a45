//! Loki's push endpoint: JSON, or protobuf in snappy.
//!
//! Source: <https://grafana.com/docs/loki/latest/reference/loki-http-api/#ingest-logs>.

use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use prost::Message;
use serde_json::Value;

use super::api::Refusal;
use super::labels::Labels;
use super::logql;
use super::storage::{Entry, Logs};

// The message types of `loki-api` have no structured metadata yet; these have.

/// `logproto.PushRequest`.
#[derive(Clone, PartialEq, Message)]
struct PushRequest {
    #[prost(message, repeated, tag = "1")]
    streams: Vec<StreamAdapter>,
}

/// `logproto.StreamAdapter`.
#[derive(Clone, PartialEq, Message)]
struct StreamAdapter {
    #[prost(string, tag = "1")]
    labels: String,
    #[prost(message, repeated, tag = "2")]
    entries: Vec<EntryAdapter>,
}

/// `logproto.EntryAdapter`.
#[derive(Clone, PartialEq, Message)]
struct EntryAdapter {
    #[prost(message, optional, tag = "1")]
    timestamp: Option<Time>,
    #[prost(string, tag = "2")]
    line: String,
    #[prost(message, repeated, tag = "3")]
    metadata: Vec<Pair>,
}

/// `google.protobuf.Timestamp`.
#[derive(Clone, PartialEq, Message)]
struct Time {
    #[prost(int64, tag = "1")]
    seconds: i64,
    #[prost(int32, tag = "2")]
    nanos: i32,
}

/// `logproto.LabelPairAdapter`.
#[derive(Clone, PartialEq, Message)]
struct Pair {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    value: String,
}

/// Takes what clients push.
pub(super) async fn handle(
    State(logs): State<Arc<Logs>>,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, Refusal> {
    let kind = headers
        .get(header::CONTENT_TYPE)
        .and_then(|v| v.to_str().ok())
        .unwrap_or("");
    let streams = if kind.starts_with("application/json") {
        from_json(&body)?
    } else {
        from_protobuf(&body)?
    };
    let mut refused = None;
    for (labels, entries) in streams {
        if let Err(error) = logs.push(labels, entries) {
            refused.get_or_insert(error);
        }
    }
    match refused {
        Some(error) => Err(Refusal::bad(format!("{error}\n"))),
        None => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

type Streams = Vec<(Labels, Vec<Entry>)>;

fn from_protobuf(body: &[u8]) -> Result<Streams, String> {
    let plain = snap::raw::Decoder::new()
        .decompress_vec(body)
        .map_err(|error| error.to_string())?;
    let request = PushRequest::decode(plain.as_slice()).map_err(|error| error.to_string())?;
    request
        .streams
        .into_iter()
        .map(|stream| {
            let labels = logql::parse_matchers(&stream.labels)
                .map_err(|error| format!("couldn't parse labels: {error}"))?
                .into_iter()
                .map(|matcher| (matcher.name, matcher.value))
                .collect();
            let entries = stream
                .entries
                .into_iter()
                .map(|entry| Entry {
                    ts: entry
                        .timestamp
                        .map_or(0, |t| t.seconds * 1_000_000_000 + i64::from(t.nanos)),
                    line: entry.line.into(),
                    metadata: entry
                        .metadata
                        .into_iter()
                        .map(|pair| (pair.name, pair.value))
                        .collect(),
                })
                .collect();
            Ok((labels, entries))
        })
        .collect()
}

fn from_json(body: &[u8]) -> Result<Streams, String> {
    let document: Value = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let streams = document["streams"].as_array().cloned().unwrap_or_default();
    streams
        .iter()
        .map(|stream| {
            let labels = pairs(&stream["stream"])?.into_iter().collect();
            let values = stream["values"].as_array().cloned().unwrap_or_default();
            let entries = values.iter().map(entry).collect::<Result<_, _>>()?;
            Ok((labels, entries))
        })
        .collect()
}

fn entry(value: &Value) -> Result<Entry, String> {
    let ts = value[0]
        .as_str()
        .and_then(|text| text.parse().ok())
        .ok_or_else(|| {
            format!(
                "a time in nanoseconds, as a text, was expected: {}",
                value[0]
            )
        })?;
    let line = value[1]
        .as_str()
        .ok_or_else(|| format!("a line was expected: {}", value[1]))?;
    Ok(Entry {
        ts,
        line: line.into(),
        metadata: pairs(&value[2])?,
    })
}

fn pairs(value: &Value) -> Result<Vec<(String, String)>, String> {
    let Some(map) = value.as_object() else {
        return Ok(Vec::new());
    };
    map.iter()
        .map(|(name, value)| match value {
            Value::String(text) => Ok((name.clone(), text.clone())),
            other => Err(format!("a text was expected for {name}: {other}")),
        })
        .collect()
}
