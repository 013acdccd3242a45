//! Answers as messages of Tempo's public schema, so far as they are filled; what JSON says comes
//! from them, too.
//!
//! Source: <https://github.com/grafana/tempo/blob/main/pkg/tempopb/tempo.proto>.

mod json;

use std::collections::BTreeMap;

pub(crate) use json::ToJson;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;

/// `TraceByIDResponse`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TraceById {
    #[prost(message, optional, tag = "1")]
    pub(crate) trace: Option<TracesData>,
    #[prost(message, optional, tag = "2")]
    pub(crate) metrics: Option<NoMetrics>,
}

/// `TraceByIDMetrics` or `MetadataMetrics`, empty.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct NoMetrics {}

/// `SearchResponse`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Search {
    #[prost(message, repeated, tag = "1")]
    pub(crate) traces: Vec<Found>,
    #[prost(message, optional, tag = "2")]
    pub(crate) metrics: Option<SearchMetrics>,
}

/// `TraceSearchMetadata`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Found {
    #[prost(string, tag = "1")]
    pub(crate) trace_id: String,
    #[prost(string, tag = "2")]
    pub(crate) root_service_name: String,
    #[prost(string, tag = "3")]
    pub(crate) root_trace_name: String,
    #[prost(uint64, tag = "4")]
    pub(crate) start_time_unix_nano: u64,
    #[prost(uint32, tag = "5")]
    pub(crate) duration_ms: u32,
    #[prost(message, optional, tag = "6")]
    pub(crate) span_set: Option<Spans>,
    #[prost(message, repeated, tag = "7")]
    pub(crate) span_sets: Vec<Spans>,
    #[prost(btree_map = "string, message", tag = "8")]
    pub(crate) service_stats: BTreeMap<String, ServiceStats>,
}

/// `ServiceStats`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct ServiceStats {
    #[prost(uint32, tag = "1")]
    pub(crate) span_count: u32,
    #[prost(uint32, tag = "2")]
    pub(crate) error_count: u32,
}

/// `SpanSet`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Spans {
    #[prost(message, repeated, tag = "1")]
    pub(crate) spans: Vec<FoundSpan>,
    #[prost(uint32, tag = "2")]
    pub(crate) matched: u32,
    #[prost(message, repeated, tag = "3")]
    pub(crate) attributes: Vec<KeyValue>,
}

/// `Span`, as a search shows it.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct FoundSpan {
    #[prost(string, tag = "1")]
    pub(crate) span_id: String,
    #[prost(string, tag = "2")]
    pub(crate) name: String,
    #[prost(uint64, tag = "3")]
    pub(crate) start_time_unix_nano: u64,
    #[prost(uint64, tag = "4")]
    pub(crate) duration_nanos: u64,
    #[prost(message, repeated, tag = "5")]
    pub(crate) attributes: Vec<KeyValue>,
}

/// `SearchMetrics`.
#[derive(Clone, Copy, PartialEq, Eq, Message)]
pub(crate) struct SearchMetrics {
    #[prost(uint32, tag = "1")]
    pub(crate) inspected_traces: u32,
    #[prost(uint64, tag = "2")]
    pub(crate) inspected_bytes: u64,
    #[prost(uint32, tag = "4")]
    pub(crate) completed_jobs: u32,
    #[prost(uint32, tag = "5")]
    pub(crate) total_jobs: u32,
}

/// `SearchTagsResponse`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct Tags {
    #[prost(string, repeated, tag = "1")]
    pub(crate) tag_names: Vec<String>,
    #[prost(message, optional, tag = "2")]
    pub(crate) metrics: Option<NoMetrics>,
}

/// `SearchTagsV2Response`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct TagsV2 {
    #[prost(message, repeated, tag = "1")]
    pub(crate) scopes: Vec<TagScope>,
    #[prost(message, optional, tag = "2")]
    pub(crate) metrics: Option<NoMetrics>,
}

/// `SearchTagsV2Scope`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct TagScope {
    #[prost(string, tag = "1")]
    pub(crate) name: String,
    #[prost(string, repeated, tag = "2")]
    pub(crate) tags: Vec<String>,
}

/// `SearchTagValuesResponse`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct TagValues {
    #[prost(string, repeated, tag = "1")]
    pub(crate) tag_values: Vec<String>,
    #[prost(message, optional, tag = "2")]
    pub(crate) metrics: Option<NoMetrics>,
}

/// `SearchTagValuesV2Response`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct TagValuesV2 {
    #[prost(message, repeated, tag = "1")]
    pub(crate) tag_values: Vec<TagValue>,
    #[prost(message, optional, tag = "2")]
    pub(crate) metrics: Option<NoMetrics>,
}

/// `TagValue`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct TagValue {
    /// The name of the value's type.
    #[prost(string, tag = "1")]
    pub(crate) kind: String,
    #[prost(string, tag = "2")]
    pub(crate) value: String,
}

/// `QueryRangeResponse`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct RangeSeries {
    #[prost(message, repeated, tag = "1")]
    pub(crate) series: Vec<TimeSeries>,
    #[prost(message, optional, tag = "2")]
    pub(crate) metrics: Option<SearchMetrics>,
    /// 1 if there are more series than are given.
    #[prost(int32, tag = "3")]
    pub(crate) status: i32,
    #[prost(string, tag = "4")]
    pub(crate) message: String,
}

/// `TimeSeries`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct TimeSeries {
    #[prost(message, repeated, tag = "1")]
    pub(crate) labels: Vec<KeyValue>,
    #[prost(message, repeated, tag = "2")]
    pub(crate) samples: Vec<Sample>,
    #[prost(message, repeated, tag = "4")]
    pub(crate) exemplars: Vec<SeriesExemplar>,
}

/// `Sample`.
#[derive(Clone, Copy, PartialEq, Message)]
pub(crate) struct Sample {
    #[prost(double, tag = "1")]
    pub(crate) value: f64,
    #[prost(int64, tag = "2")]
    pub(crate) timestamp_ms: i64,
}

/// `Exemplar`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SeriesExemplar {
    #[prost(message, repeated, tag = "1")]
    pub(crate) labels: Vec<KeyValue>,
    #[prost(double, tag = "2")]
    pub(crate) value: f64,
    #[prost(int64, tag = "3")]
    pub(crate) timestamp_ms: i64,
}

/// `QueryInstantResponse`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct InstantSeries {
    #[prost(message, repeated, tag = "1")]
    pub(crate) series: Vec<Instant>,
    #[prost(message, optional, tag = "2")]
    pub(crate) metrics: Option<SearchMetrics>,
    /// 1 if there are more series than are given.
    #[prost(int32, tag = "3")]
    pub(crate) status: i32,
    #[prost(string, tag = "4")]
    pub(crate) message: String,
}

/// `InstantSeries`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct Instant {
    #[prost(message, repeated, tag = "1")]
    pub(crate) labels: Vec<KeyValue>,
    #[prost(double, tag = "2")]
    pub(crate) value: f64,
}

/// `SearchRequest`.
#[derive(Clone, PartialEq, Message)]
pub(crate) struct SearchRequest {
    #[prost(btree_map = "string, string", tag = "1")]
    pub(crate) tags: BTreeMap<String, String>,
    #[prost(uint32, tag = "2")]
    pub(crate) min_duration_ms: u32,
    #[prost(uint32, tag = "3")]
    pub(crate) max_duration_ms: u32,
    #[prost(uint32, tag = "4")]
    pub(crate) limit: u32,
    #[prost(uint32, tag = "5")]
    pub(crate) start: u32,
    #[prost(uint32, tag = "6")]
    pub(crate) end: u32,
    #[prost(string, tag = "8")]
    pub(crate) query: String,
    #[prost(uint32, tag = "9")]
    pub(crate) spans_per_span_set: u32,
}

/// `SearchTagsRequest`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct TagsRequest {
    #[prost(string, tag = "1")]
    pub(crate) scope: String,
    #[prost(string, tag = "2")]
    pub(crate) query: String,
    #[prost(uint32, tag = "3")]
    pub(crate) start: u32,
    #[prost(uint32, tag = "4")]
    pub(crate) end: u32,
    #[prost(uint32, tag = "5")]
    pub(crate) max_tags_per_scope: u32,
}

/// `SearchTagValuesRequest`.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct TagValuesRequest {
    #[prost(string, tag = "1")]
    pub(crate) tag_name: String,
    #[prost(string, tag = "2")]
    pub(crate) query: String,
    #[prost(uint32, tag = "4")]
    pub(crate) start: u32,
    #[prost(uint32, tag = "5")]
    pub(crate) end: u32,
    #[prost(uint32, tag = "6")]
    pub(crate) max_tag_values: u32,
}

/// `QueryRangeRequest`, and `QueryInstantRequest`, which is the first part of it.
#[derive(Clone, PartialEq, Eq, Message)]
pub(crate) struct MetricsRequest {
    #[prost(string, tag = "1")]
    pub(crate) query: String,
    /// Nanoseconds.
    #[prost(uint64, tag = "2")]
    pub(crate) start: u64,
    /// Nanoseconds.
    #[prost(uint64, tag = "3")]
    pub(crate) end: u64,
    /// Nanoseconds.
    #[prost(uint64, tag = "4")]
    pub(crate) step: u64,
    #[prost(uint32, tag = "16")]
    pub(crate) exemplars: u32,
    #[prost(uint32, tag = "17")]
    pub(crate) max_series: u32,
}
