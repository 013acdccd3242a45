//! What a search gives: summaries of traces.

use model::{Period, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use super::{at, lasting, whole};
use crate::Labels;
use crate::traces::tree::attributes;

/// A trace as a search lists it.
#[derive(Clone, Debug, PartialEq)]
pub struct TraceSummary {
    /// Its id: 32 hex digits.
    pub trace_id: String,
    /// The service of its root span.
    pub root_service: String,
    /// The name of its root span.
    pub root_name: String,
    /// When it began.
    pub start: Timestamp,
    /// How long it took.
    pub duration: Period,
    /// How many of its spans match the query; more than are listed, perhaps.
    pub matched: u64,
    /// Some of the spans that match.
    pub spans: Vec<MatchedSpan>,
}

/// A span that matches a query.
#[derive(Clone, Debug, PartialEq)]
pub struct MatchedSpan {
    /// Its id: 16 hex digits.
    pub span_id: String,
    /// Its name, where the backend says it.
    pub name: String,
    /// When it began.
    pub start: Timestamp,
    /// How long it took.
    pub duration: Period,
    /// The attributes that the query asked for.
    pub attributes: Labels,
}

#[derive(Deserialize)]
pub(super) struct Found {
    #[serde(default)]
    traces: Vec<TraceItem>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase", default)]
#[derive(Default)]
struct TraceItem {
    #[serde(rename = "traceID")]
    trace_id: String,
    root_service_name: String,
    root_trace_name: String,
    start_time_unix_nano: Value,
    duration_ms: Value,
    span_set: Option<SpanSet>,
    span_sets: Vec<SpanSet>,
}

#[derive(Deserialize, Default)]
#[serde(default)]
struct SpanSet {
    spans: Vec<SpanItem>,
    matched: Value,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase", default)]
struct SpanItem {
    #[serde(rename = "spanID")]
    span_id: String,
    name: String,
    start_time_unix_nano: Value,
    duration_nanos: Value,
    attributes: Value,
}

impl Found {
    pub(super) fn read(self) -> Vec<TraceSummary> {
        self.traces.into_iter().map(summary).collect()
    }
}

fn summary(item: TraceItem) -> TraceSummary {
    let mut sets = item.span_sets;
    if sets.is_empty() {
        sets.extend(item.span_set);
    }
    TraceSummary {
        // Tempo strips leading zeros of ids.
        trace_id: format!("{:0>32}", item.trace_id),
        root_service: item.root_service_name,
        root_name: item.root_trace_name,
        start: at(whole(Some(&item.start_time_unix_nano))),
        duration: Period::from_millis(whole(Some(&item.duration_ms))),
        matched: sets.iter().map(|set| whole(Some(&set.matched))).sum(),
        spans: sets
            .into_iter()
            .flat_map(|set| set.spans)
            .map(|span| MatchedSpan {
                span_id: format!("{:0>16}", span.span_id),
                name: span.name,
                start: at(whole(Some(&span.start_time_unix_nano))),
                duration: lasting(whole(Some(&span.duration_nanos))),
                attributes: attributes(&span.attributes),
            })
            .collect(),
    }
}
