//! Answers as JSON: numbers of 64 bits are texts, what is empty or 0 is left out.
//!
//! Source: <https://protobuf.dev/programming-guides/json/>, as Tempo uses it.

use opentelemetry_proto::tonic::common::v1::KeyValue;
use serde_json::{Map, Value as Json, json};

use super::{
    Found, FoundSpan, InstantSeries, RangeSeries, Search, SearchMetrics, SeriesExemplar, Spans,
    TagValues, TagValuesV2, Tags, TagsV2, TimeSeries, TraceById,
};
use crate::traces::render::{batches_json, pairs};
use crate::traces::value::json_float;

/// What can be written as JSON.
pub(crate) trait ToJson {
    /// Itself as JSON.
    fn json(&self) -> Json;
}

/// An object that takes only what is something.
#[derive(Default)]
struct Object(Map<String, Json>);

impl Object {
    fn put(&mut self, name: &str, value: Json) -> &mut Self {
        self.0.insert(name.to_owned(), value);
        self
    }

    fn text(&mut self, name: &str, value: &str) -> &mut Self {
        if !value.is_empty() {
            self.put(name, Json::from(value));
        }
        self
    }

    fn small(&mut self, name: &str, value: u32) -> &mut Self {
        if value != 0 {
            self.put(name, Json::from(value));
        }
        self
    }

    fn large(&mut self, name: &str, value: u64) -> &mut Self {
        if value != 0 {
            self.put(name, Json::from(value.to_string()));
        }
        self
    }

    fn float(&mut self, name: &str, value: f64) -> &mut Self {
        if value != 0.0 {
            self.put(name, json_float(value));
        }
        self
    }

    fn pairs(&mut self, name: &str, value: &[KeyValue]) -> &mut Self {
        if !value.is_empty() {
            self.put(name, pairs(value));
        }
        self
    }

    fn list<T>(&mut self, name: &str, list: &[T], json: impl Fn(&T) -> Json) -> &mut Self {
        if !list.is_empty() {
            self.put(name, list.iter().map(json).collect());
        }
        self
    }

    fn done(&mut self) -> Json {
        Json::Object(std::mem::take(&mut self.0))
    }
}

impl ToJson for TraceById {
    fn json(&self) -> Json {
        let mut trace = Object::default();
        if let Some(data) = self.trace.as_ref().filter(|t| !t.resource_spans.is_empty()) {
            trace.put("resourceSpans", batches_json(&data.resource_spans));
        }
        json!({"trace": trace.done(), "metrics": {}})
    }
}

impl ToJson for Search {
    fn json(&self) -> Json {
        let traces: Json = self.traces.iter().map(found).collect();
        let metrics = self.metrics.as_ref().map_or_else(|| json!({}), counts);
        json!({"traces": traces, "metrics": metrics})
    }
}

fn counts(metrics: &SearchMetrics) -> Json {
    Object::default()
        .small("inspectedTraces", metrics.inspected_traces)
        .large("inspectedBytes", metrics.inspected_bytes)
        .small("completedJobs", metrics.completed_jobs)
        .small("totalJobs", metrics.total_jobs)
        .done()
}

fn found(trace: &Found) -> Json {
    let mut out = Object::default();
    out.text("traceID", &trace.trace_id)
        .text("rootServiceName", &trace.root_service_name)
        .text("rootTraceName", &trace.root_trace_name)
        .large("startTimeUnixNano", trace.start_time_unix_nano)
        .small("durationMs", trace.duration_ms);
    if let Some(set) = &trace.span_set {
        out.put("spanSet", spans(set));
    }
    out.list("spanSets", &trace.span_sets, spans);
    if !trace.service_stats.is_empty() {
        let stats = trace.service_stats.iter().map(|(name, stats)| {
            let counts = Object::default()
                .small("spanCount", stats.span_count)
                .small("errorCount", stats.error_count)
                .done();
            (name.clone(), counts)
        });
        let stats: Map<String, Json> = stats.collect();
        out.put("serviceStats", Json::Object(stats));
    }
    out.done()
}

fn spans(set: &Spans) -> Json {
    Object::default()
        .list("spans", &set.spans, span)
        .small("matched", set.matched)
        .pairs("attributes", &set.attributes)
        .done()
}

fn span(span: &FoundSpan) -> Json {
    Object::default()
        .text("spanID", &span.span_id)
        .text("name", &span.name)
        .large("startTimeUnixNano", span.start_time_unix_nano)
        .large("durationNanos", span.duration_nanos)
        .pairs("attributes", &span.attributes)
        .done()
}

impl ToJson for Tags {
    fn json(&self) -> Json {
        json!({"tagNames": self.tag_names, "metrics": {}})
    }
}

impl ToJson for TagsV2 {
    fn json(&self) -> Json {
        let scopes = self.scopes.iter();
        let scopes: Json = scopes
            .map(|scope| json!({"name": scope.name, "tags": scope.tags}))
            .collect();
        json!({"scopes": scopes, "metrics": {}})
    }
}

impl ToJson for TagValues {
    fn json(&self) -> Json {
        json!({"tagValues": self.tag_values, "metrics": {}})
    }
}

impl ToJson for TagValuesV2 {
    fn json(&self) -> Json {
        let values = self.tag_values.iter().map(|value| {
            Object::default()
                .text("type", &value.kind)
                .text("value", &value.value)
                .done()
        });
        json!({"tagValues": values.collect::<Json>(), "metrics": {}})
    }
}

fn status(out: &mut Object, status: i32, message: &str) {
    if status != 0 {
        out.put("status", json!("PARTIAL"));
    }
    out.text("message", message);
}

impl ToJson for RangeSeries {
    fn json(&self) -> Json {
        let mut out = Object::default();
        out.put("series", self.series.iter().map(series).collect())
            .put("metrics", json!({}));
        status(&mut out, self.status, &self.message);
        out.done()
    }
}

fn series(series: &TimeSeries) -> Json {
    let millis = |millis: i64| json!(millis.to_string());
    let sample = |sample: &super::Sample| {
        Object::default()
            .put("timestampMs", millis(sample.timestamp_ms))
            .float("value", sample.value)
            .done()
    };
    let exemplar = |exemplar: &SeriesExemplar| {
        Object::default()
            .put("labels", pairs(&exemplar.labels))
            .float("value", exemplar.value)
            .put("timestampMs", millis(exemplar.timestamp_ms))
            .done()
    };
    Object::default()
        .put("labels", pairs(&series.labels))
        .put("samples", series.samples.iter().map(sample).collect())
        .list("exemplars", &series.exemplars, exemplar)
        .done()
}

impl ToJson for InstantSeries {
    fn json(&self) -> Json {
        let mut out = Object::default();
        out.list("series", &self.series, |one| {
            Object::default()
                .put("labels", pairs(&one.labels))
                .float("value", one.value)
                .done()
        })
        .put("metrics", json!({}));
        status(&mut out, self.status, &self.message);
        out.done()
    }
}
