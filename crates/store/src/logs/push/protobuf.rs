//! The protobuf of a push, compressed by snappy.
//!
//! Source: <https://github.com/grafana/loki/blob/main/pkg/push/push.proto>.

use prost::Message;

use super::labels;
use crate::logs::Entry;
use crate::logs::ingest::Sent;

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
#[derive(Clone, Copy, PartialEq, Message)]
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

/// Reads the streams of a body.
///
/// # Errors
/// What is wrong with it.
pub(super) fn read(body: &[u8]) -> Result<Vec<Sent>, String> {
    let corrupt = |_| "snappy: corrupt input".to_owned();
    let size = snap::raw::decompress_len(body).map_err(corrupt)?;
    if size > crate::logs::api::MAX_BODY {
        return Err(format!(
            "request body too large: {size} bytes, limit: {} bytes",
            crate::logs::api::MAX_BODY
        ));
    }
    let plain = snap::raw::Decoder::new()
        .decompress_vec(body)
        .map_err(corrupt)?;
    let request = PushRequest::decode(plain.as_slice()).map_err(|error| error.to_string())?;
    Ok(request
        .streams
        .into_iter()
        .map(|stream| {
            let entries = stream.entries.into_iter().map(entry).collect();
            (labels::read(&stream.labels), entries)
        })
        .collect())
}

fn entry(entry: EntryAdapter) -> Entry {
    let ts = entry.timestamp.map_or(0, |t| {
        t.seconds
            .saturating_mul(1_000_000_000)
            .saturating_add(i64::from(t.nanos))
    });
    Entry {
        ts,
        line: entry.line.into(),
        metadata: entry
            .metadata
            .into_iter()
            .map(|pair| (pair.name, pair.value))
            .collect(),
    }
}
