//! One trace by its id.

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;
use serde_json::{Map, json};

use super::params::signed;
use super::{Answer, Params, Refusal, json_answer};
use crate::traces::hex::read_trace_id;
use crate::traces::{Traces, ingest, render};

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

fn check(params: &Params) -> Result<(), Refusal> {
    if let Some(mode) = params
        .get("mode")
        .filter(|m| !["all", "blocks", "ingesters"].contains(m))
    {
        return Err(Refusal::bad(format!("invalid value for mode {mode}")));
    }
    let start = signed(params, "start")?.unwrap_or(0);
    let end = signed(params, "end")?.unwrap_or(0);
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
    let id = read_trace_id(text).map_err(Refusal::bad)?;
    check(params)?;
    let Some(trace) = traces.get(&id) else {
        return Ok(StatusCode::NOT_FOUND.into_response());
    };
    let resource_spans = ingest::batches(&trace);
    if wants_protobuf(headers) {
        return Ok(protobuf(TracesData { resource_spans }.encode_to_vec()));
    }
    let batches = render::batches_json(&resource_spans);
    Ok(json_answer(&json!({"batches": batches})))
}

pub(super) fn v2(traces: &Traces, text: &str, params: &Params, headers: &HeaderMap) -> Answer {
    let id = read_trace_id(text).map_err(Refusal::bad)?;
    check(params)?;
    let trace = traces.get(&id);
    let batches = trace.map(|trace| ingest::batches(&trace));
    if wants_protobuf(headers) {
        let answer = ByIdV2 {
            trace: Some(TracesData {
                resource_spans: batches.unwrap_or_default(),
            }),
            metrics: Some(NoMetrics {}),
        };
        return Ok(protobuf(answer.encode_to_vec()));
    }
    let mut body = Map::new();
    if let Some(batches) = batches {
        let json = render::batches_json(&batches);
        body.insert("resourceSpans".to_owned(), json);
    }
    Ok(json_answer(&json!({"trace": body, "metrics": {}})))
}
