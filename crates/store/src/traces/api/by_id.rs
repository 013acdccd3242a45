//! One trace by its id.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;
use serde_json::{Map, json};

use super::{Answer, Params, Refusal, json_answer};
use crate::traces::Traces;
use crate::traces::render;

/// `tempopb.TraceByIDResponse`, as far as it is filled.
#[derive(Clone, PartialEq, Message)]
struct ByIdV2 {
    #[prost(message, optional, tag = "1")]
    trace: Option<TracesData>,
    #[prost(message, optional, tag = "2")]
    metrics: Option<NoMetrics>,
}

/// `tempopb.TraceByIDMetrics`, empty.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
struct NoMetrics {}

fn wants_protobuf(headers: &HeaderMap) -> bool {
    headers
        .get(header::ACCEPT)
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.contains("application/protobuf"))
}

/// Reads an id: up to 32 hex digits, zeros added in front.
fn id(text: &str) -> Result<Vec<u8>, Refusal> {
    if let Some((at, c)) = text
        .chars()
        .enumerate()
        .find(|(_, c)| !c.is_ascii_hexdigit())
    {
        return Err(Refusal::bad(format!(
            "trace IDs can only contain hex characters: invalid character '{c}' at position {}",
            at + 1
        )));
    }
    if text.len() > 32 {
        return Err(Refusal::bad("trace IDs can't be larger than 128 bits"));
    }
    let padded = format!("{text:0>32}");
    Ok((0..16)
        .map(|at| u8::from_str_radix(&padded[at * 2..at * 2 + 2], 16).unwrap_or(0))
        .collect())
}

fn check(params: &Params) -> Result<(), Refusal> {
    let mut bounds = [0_i64; 2];
    for (bound, name) in bounds.iter_mut().zip(["start", "end"]) {
        if let Some(text) = params.get(name) {
            *bound = text.parse().map_err(|_| {
                Refusal::bad(format!(
                    "invalid {name}: strconv.ParseInt: parsing {text:?}: invalid syntax"
                ))
            })?;
        }
    }
    let [start, end] = bounds;
    if start != 0 && end != 0 && start >= end {
        return Err(Refusal::bad(format!(
            "http parameter start must be before end. received start={start} end={end}"
        )));
    }
    Ok(())
}

fn protobuf(bytes: Vec<u8>) -> Response {
    ([(header::CONTENT_TYPE, "application/protobuf")], bytes).into_response()
}

pub(super) fn v1(traces: &Traces, text: &str, params: &Params, headers: &HeaderMap) -> Answer {
    let id = id(text)?;
    check(params)?;
    let Some(trace) = traces.get(&id) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    if wants_protobuf(headers) {
        let data = TracesData {
            resource_spans: render::batches(&trace),
        };
        return Ok(protobuf(data.encode_to_vec()));
    }
    Ok(json_answer(
        &json!({"batches": render::batches_json(&trace)}),
    ))
}

pub(super) fn v2(traces: &Traces, text: &str, params: &Params, headers: &HeaderMap) -> Answer {
    let id = id(text)?;
    check(params)?;
    let trace = traces.get(&id);
    if wants_protobuf(headers) {
        let answer = ByIdV2 {
            trace: Some(TracesData {
                resource_spans: trace
                    .as_ref()
                    .map(|t| render::batches(t))
                    .unwrap_or_default(),
            }),
            metrics: Some(NoMetrics {}),
        };
        return Ok(protobuf(answer.encode_to_vec()));
    }
    let mut body = Map::new();
    if let Some(trace) = trace {
        body.insert("resourceSpans".to_owned(), render::batches_json(&trace));
    }
    Ok(json_answer(&json!({"trace": body, "metrics": {}})))
}
