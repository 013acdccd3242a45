//! What Tempo's limits say to questions that are too large or take too long, and to spans that
//! are too many.

#![expect(clippy::unwrap_used, reason = "helpers of a test fail it by panicking")]

use std::time::Duration;

use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use store::traces::TraceLimits;
use store::{Limits, Store};

use crate::support::grpc;
use crate::support::running::started;

const EXPORT: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

fn spans() -> Vec<ResourceSpans> {
    let span = Span {
        trace_id: vec![7; 16],
        span_id: vec![1; 8],
        name: "a".to_owned(),
        start_time_unix_nano: 1_760_436_600_000_000_000,
        end_time_unix_nano: 1_760_436_601_000_000_000,
        ..Span::default()
    };
    let scope_spans = vec![ScopeSpans {
        spans: vec![span],
        ..ScopeSpans::default()
    }];
    vec![ResourceSpans {
        scope_spans,
        ..ResourceSpans::default()
    }]
}

async fn get(store: &Store, path: &str, query: &[(&str, &str)]) -> (u16, String) {
    let url = format!("http://{}/api/{path}", store.addresses().tempo);
    let ask = reqwest::Client::new().get(url).query(query);
    let answer = ask.send().await.unwrap();
    let status = answer.status().as_u16();
    (status, answer.text().await.unwrap())
}

#[tokio::test]
async fn questions_that_are_too_large_are_refused() {
    let store = started(Limits::default()).await;
    let long = format!("{{ name = \"{}\" }}", "a".repeat(131_072));
    let metrics = format!("{long} | rate()");
    let too_long = "TraceQL expression exceeds the configured maximum size of 131072 bytes, \
                    reduce the query expression size or contact your system administrator";
    // Over gRPC, as hardly any client sends so long a line of a request.
    let path = "/tempopb.StreamingQuerier/Search";
    for (path, tag, query) in [
        (path, 8 << 3 | 2, &long),
        (
            "/tempopb.StreamingQuerier/MetricsQueryRange",
            1 << 3 | 2,
            &metrics,
        ),
    ] {
        let mut message = vec![tag];
        prost::encode_length_delimiter(query.len(), &mut message).unwrap();
        message.extend(query.as_bytes());
        let (headers, _) = grpc::call(store.addresses().tempo, path, &message).await;
        assert_eq!(headers["grpc-status"], "3", "{path}");
        assert_eq!(headers["grpc-message"], too_long, "{path}");
    }
    for (limit, status) in [("262144", 200), ("262145", 400)] {
        let (got, text) = get(&store, "search", &[("limit", limit)]).await;
        assert_eq!(got, status, "{text}");
        if status == 400 {
            assert_eq!(text, "limit 262145 exceeds max limit 262144");
        }
    }
    store.stop().await;
}

#[tokio::test]
async fn questions_that_take_too_long_are_ended() {
    let store = started(Limits {
        query_timeout: Duration::ZERO,
        ..Limits::default()
    })
    .await;
    store.traces().push(spans()).unwrap();
    let window = [("start", "1760436000"), ("end", "1760437000")];
    for (path, query) in [
        ("search", "{ }"),
        ("metrics/query_range", "{ } | rate()"),
        ("metrics/query", "{ } | sum_over_time(duration)"),
        ("metrics/query_range", "{ } | compare({ status = error })"),
        ("v2/search/tags", "{ }"),
        ("v2/search/tag/name/values", "{ }"),
    ] {
        let query = [[("q", query)].as_slice(), &window].concat();
        let (status, text) = get(&store, path, &query).await;
        assert_eq!(
            (status, &*text),
            (504, "context deadline exceeded"),
            "{path} {query:?}"
        );
    }
    store.stop().await;
}

#[tokio::test]
async fn spans_that_are_too_many_are_told_when_to_come_again() {
    let store = started(Limits {
        traces: TraceLimits {
            bytes_per_second: 10,
            burst_bytes: 10,
            ..TraceLimits::default()
        },
        ..Limits::default()
    })
    .await;
    let message = ExportTraceServiceRequest {
        resource_spans: spans(),
    };
    let message = message.encode_to_vec();
    let (headers, _) = grpc::call(store.addresses().otlp_grpc, EXPORT, &message).await;
    assert_eq!(headers["grpc-status"], "8");
    let told = headers["grpc-message"].to_str().unwrap();
    assert!(
        told.starts_with("RATE_LIMITED: ingestion rate limit"),
        "{told}"
    );
    assert!(headers.contains_key("grpc-status-details-bin"));
    let url = format!("http://{}/v1/traces", store.addresses().otlp);
    let post = reqwest::Client::new().post(url).body(message);
    let answer = post
        .header("content-type", "application/x-protobuf")
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "1");
    store.stop().await;
}
