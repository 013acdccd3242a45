//! OTLP: what exporters send, as protobuf and as JSON, over HTTP and over gRPC.

use std::sync::Arc;

use axum::body::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use prost::Message;
use store::clock::Clock;
use store::logs::Logs;
use store::metrics::Metrics;
use store::traces::{self, Traces};

use crate::http::{Call, Verb, ask};
use crate::metrics::{END, limits};
use crate::{Target, input};

const KINDS: [&str; 2] = ["application/x-protobuf", "application/json"];
const GRPC: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

const COMMON_WORDS: &[&str] = &[
    "\"attributes\":[{\"key\":\"",
    "\"value\":{\"stringValue\":\"",
    "{\"intValue\":\"",
    "{\"doubleValue\":",
    "{\"boolValue\":true}",
    "{\"arrayValue\":{\"values\":[",
    "{\"kvlistValue\":{\"values\":[",
    "\"NaN\"",
    "\"timeUnixNano\":\"1760436000000000000\"",
    "18446744073709551615",
    "\"traceId\":\"",
    "\"events\":[{",
    "\"links\":[{",
    "\"droppedAttributesCount\":",
    "\"exponentialHistogram\":{",
    "\"summary\":{",
    "\"exemplars\":[{",
    "\x0a",
    "\x12",
];

/// Metrics as Mimir takes them.
pub(crate) const METRICS: Target = Target {
    name: "otlp-metrics",
    run: |bytes| {
        let (way, rest) = input::choice(bytes, 2);
        let metrics = Metrics::new(&limits(), Clock::at(END));
        let mut headers = HeaderMap::new();
        headers.insert(
            HeaderName::from_static("content-type"),
            HeaderValue::from_static(KINDS[usize::from(way)]),
        );
        let body = Bytes::copy_from_slice(rest);
        drop(store::metrics::otlp::receive(&metrics, &headers, &body));
    },
    seeds: || both::<ExportMetricsServiceRequest>(METRICS_JSON),
    words: COMMON_WORDS,
};

/// Log records.
pub(crate) const LOGS: Target = Target {
    name: "otlp-logs",
    run: |bytes| {
        let (way, rest) = input::choice(bytes, 2);
        post("/v1/logs", KINDS[usize::from(way)], rest);
    },
    seeds: || both::<ExportLogsServiceRequest>(LOGS_JSON),
    words: COMMON_WORDS,
};

/// Spans, and what is found of them then.
pub(crate) const TRACES: Target = Target {
    name: "otlp-traces",
    run: |bytes| {
        let (way, rest) = input::choice(bytes, 3);
        let store = match KINDS.get(usize::from(way)) {
            Some(kind) => post("/v1/traces", kind, rest),
            None => post(GRPC, "application/grpc", rest),
        };
        for path in [
            "/api/search?q=%7B%7D",
            "/api/search/tags",
            "/api/v2/traces/0102030405060708090a0b0c0d0e0f10",
        ] {
            let call = Call {
                verb: Verb::Get,
                path,
                kind: ("", ""),
                body: &[],
            };
            let _ = ask(traces::router(Arc::clone(&store)), &call);
        }
    },
    seeds: || {
        let mut all = both::<ExportTraceServiceRequest>(TRACES_JSON);
        // A message of gRPC: not compressed, its length, itself.
        let grpc = all.first().map(|protobuf| {
            let message = &protobuf[1..];
            let length = u32::try_from(message.len()).unwrap_or_default();
            [&[2, 0], length.to_be_bytes().as_slice(), message].concat()
        });
        all.extend(grpc);
        all
    },
    words: COMMON_WORDS,
};

/// Sends `body` to a receiver of its own; gives the traces behind it.
fn post(path: &str, kind: &str, body: &[u8]) -> Arc<Traces> {
    let (limits, clock) = (limits(), Clock::at(END));
    let traces = Arc::new(Traces::new(&limits, clock));
    let router = store::otlp::router(
        Arc::new(Logs::new(&limits, clock)),
        Arc::clone(&traces),
        Arc::new(Metrics::new(&limits, clock)),
    );
    let call = Call {
        verb: Verb::Post,
        path,
        kind: (kind, ""),
        body,
    };
    let _ = ask(router, &call);
    traces
}

/// A request as protobuf and as JSON.
fn both<T: Message + Default + serde::de::DeserializeOwned>(json: &str) -> Vec<Vec<u8>> {
    let message: T =
        serde_json::from_str(json).unwrap_or_else(|error| panic!("a seed is no request: {error}"));
    vec![
        [vec![0], message.encode_to_vec()].concat(),
        [&[1], json.as_bytes()].concat(),
    ]
}

pub(crate) const TRACES_JSON: &str = r#"{"resourceSpans":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"orders"}}]},"scopeSpans":[{"scope":{"name":"lib","version":"1"},"spans":[
{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0101010101010101","parentSpanId":"","name":"POST /orders","kind":2,"startTimeUnixNano":"1760436000000000000","endTimeUnixNano":"1760436001000000000","attributes":[{"key":"http.status_code","value":{"intValue":"500"}},{"key":"a.list","value":{"arrayValue":{"values":[{"stringValue":"x"},{"intValue":"1"}]}}}],"status":{"code":2,"message":"no"}},
{"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0202020202020202","parentSpanId":"0101010101010101","name":"pay","kind":3,"startTimeUnixNano":"1760436000100000000","endTimeUnixNano":"1760436000900000000","attributes":[{"key":"peer","value":{"boolValue":true}},{"key":"took","value":{"doubleValue":0.5}}],"events":[{"timeUnixNano":"1760436000200000000","name":"retry","attributes":[{"key":"n","value":{"intValue":"2"}}]}],"links":[{"traceId":"0102030405060708090a0b0c0d0e0f11","spanId":"0303030303030303"}],"status":{}}
]}]}]}"#;

const METRICS_JSON: &str = r#"{"resourceMetrics":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"orders"}},{"key":"service.instance.id","value":{"stringValue":"1"}}]},"scopeMetrics":[{"metrics":[
{"name":"http.requests","unit":"1","description":"d","sum":{"aggregationTemporality":2,"isMonotonic":true,"dataPoints":[{"timeUnixNano":"1760436000000000000","startTimeUnixNano":"1760435000000000000","asInt":"5","attributes":[{"key":"code","value":{"stringValue":"200"}}]}]}},
{"name":"queue.depth","gauge":{"dataPoints":[{"timeUnixNano":"1760436000000000000","asDouble":1.5}]}},
{"name":"took","unit":"ms","histogram":{"aggregationTemporality":2,"dataPoints":[{"timeUnixNano":"1760436000000000000","count":"3","sum":4.5,"bucketCounts":["1","2"],"explicitBounds":[1.0]}]}},
{"name":"sizes","unit":"By","summary":{"dataPoints":[{"timeUnixNano":"1760436000000000000","count":"3","sum":4.5,"quantileValues":[{"quantile":0.5,"value":1.0}]}]}}
]}]}]}"#;

const LOGS_JSON: &str = r#"{"resourceLogs":[{"resource":{"attributes":[{"key":"service.name","value":{"stringValue":"orders"}}]},"scopeLogs":[{"scope":{"name":"lib"},"logRecords":[
{"timeUnixNano":"1760436000000000000","observedTimeUnixNano":"1760436000000000001","severityNumber":17,"severityText":"ERROR","body":{"stringValue":"not paid"},"attributes":[{"key":"a.b","value":{"kvlistValue":{"values":[{"key":"c","value":{"intValue":"1"}}]}}}],"traceId":"0102030405060708090a0b0c0d0e0f10","spanId":"0101010101010101"}
]}]}]}"#;
