//! One trace by its id.

use axum::http::{HeaderMap, StatusCode};
use axum::response::IntoResponse;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;
use serde_json::json;

use super::params::signed;
use super::{Answer, Params, Refusal, json_answer, protobuf, wants_protobuf};
use crate::traces::hex::read_trace_id;
use crate::traces::messages::{NoMetrics, TraceById};
use crate::traces::{Traces, ingest, render};

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
    let batches = traces.get(&id).map(|trace| ingest::batches(&trace));
    let answer = TraceById {
        trace: Some(TracesData {
            resource_spans: batches.unwrap_or_default(),
        }),
        metrics: Some(NoMetrics {}),
    };
    Ok(super::answer(&answer, headers))
}
