//! What Grafana's Tempo data source asks, as it asks it, and what it reads of the answers.
//!
//! Source: <https://grafana.com/docs/grafana/latest/datasources/tempo/>.

#![expect(clippy::unwrap_used, reason = "helpers of a test fail it by panicking")]

use opentelemetry_proto::tonic::trace::v1::TracesData;
use prost::Message;
use serde_json::{Value, json};
use store::{Limits, Store};

use crate::support::grpc;
use crate::support::running::started;

const PROTOBUF: &str = "application/protobuf";

/// `tempopb.TraceByIDResponse`, as far as it is read.
#[derive(Clone, PartialEq, Message)]
struct ById {
    #[prost(message, optional, tag = "1")]
    trace: Option<TracesData>,
}

/// `tempopb.SearchResponse`, as far as it is read.
#[derive(Clone, PartialEq, Message)]
struct Found {
    #[prost(message, repeated, tag = "1")]
    traces: Vec<FoundTrace>,
}

#[derive(Clone, PartialEq, Message)]
struct FoundTrace {
    #[prost(string, tag = "1")]
    id: String,
    #[prost(string, tag = "2")]
    service: String,
    #[prost(message, repeated, tag = "7")]
    sets: Vec<Set>,
}

#[derive(Clone, PartialEq, Message)]
struct Set {
    #[prost(uint32, tag = "2")]
    matched: u32,
}

/// `tempopb.SearchRequest`, as Grafana fills it.
#[derive(Clone, PartialEq, Message)]
struct Search {
    #[prost(uint32, tag = "4")]
    limit: u32,
    #[prost(uint32, tag = "5")]
    start: u32,
    #[prost(uint32, tag = "6")]
    end: u32,
    #[prost(string, tag = "8")]
    query: String,
    #[prost(uint32, tag = "9")]
    spans: u32,
}

/// `tempopb.QueryRangeRequest` and its answer, as far as they are used.
#[derive(Clone, PartialEq, Message)]
struct Range {
    #[prost(string, tag = "1")]
    query: String,
    #[prost(uint64, tag = "2")]
    start: u64,
    #[prost(uint64, tag = "3")]
    end: u64,
    #[prost(uint64, tag = "4")]
    step: u64,
}

#[derive(Clone, PartialEq, Message)]
struct Series {
    #[prost(message, repeated, tag = "1")]
    series: Vec<One>,
}

#[derive(Clone, PartialEq, Message)]
struct One {
    #[prost(message, repeated, tag = "2")]
    samples: Vec<Sample>,
}

#[derive(Clone, Copy, PartialEq, Message)]
struct Sample {
    #[prost(double, tag = "1")]
    value: f64,
}

/// A store with one trace of two spans, and the time in seconds.
async fn filled() -> (Store, i64) {
    let store = started(Limits::default()).await;
    let now = store.traces().clock().now_ns();
    let nanos = |back: i64| (now - back * 1_000_000).to_string();
    let text = |key: &str, value: &str| json!({"key": key, "value": {"stringValue": value}});
    let span = |id: &str, parent: &str, name: &str, status: u8| {
        json!({
            "traceId": "0102030405060708090a0b0c0d0e0f10",
            "spanId": id,
            "parentSpanId": parent,
            "name": name,
            "kind": 2,
            "startTimeUnixNano": nanos(2000),
            "endTimeUnixNano": nanos(1900),
            "attributes": [text("http.route", "/orders")],
            "status": {"code": status},
        })
    };
    let spans = json!([
        span("0000000000000001", "", "POST /orders", 0),
        span("0000000000000002", "0000000000000001", "charge", 2),
    ]);
    let resource = json!({"attributes": [text("service.name", "orders")]});
    let body = json!({"resourceSpans": [{"resource": resource, "scopeSpans": [{"spans": spans}]}]});
    let url = format!("http://{}/v1/traces", store.addresses().otlp);
    let sent = reqwest::Client::new().post(url).json(&body).send().await;
    assert_eq!(sent.unwrap().status(), 200);
    (store, now / 1_000_000_000)
}

async fn get(url: &str, accept: &str) -> (u16, String, Vec<u8>) {
    let ask = reqwest::Client::new().get(url).header("accept", accept);
    let answer = ask.send().await.unwrap();
    let kind = answer.headers().get("content-type");
    let kind = kind.map_or("", |kind| kind.to_str().unwrap()).to_owned();
    let status = answer.status().as_u16();
    (status, kind, answer.bytes().await.unwrap().to_vec())
}

#[tokio::test]
async fn requests_over_http_are_answered_as_grafana_reads_them() {
    let (store, now) = filled().await;
    let root = format!("http://{}", store.addresses().tempo);
    let window = format!("start={}&end={}", now - 3600, now + 60);
    let (status, _, body) = get(&format!("{root}/api/echo"), "*/*").await;
    assert_eq!((status, body.as_slice()), (200, b"echo\n".as_slice()));
    for (path, at, wanted) in [
        (
            "api/status/buildinfo".to_owned(),
            "/version",
            json!("3.0.3"),
        ),
        (
            format!("api/search?q=%7B%7D&limit=20&spss=3&{window}"),
            "/traces/0/rootTraceName",
            json!("POST /orders"),
        ),
        (
            format!(
                "api/search?q=%7Bresource.service.name%3D%22orders%22%20%26%26%20status%3Derror%7D\
                 &limit=20&spss=3&{window}"
            ),
            "/traces/0/spanSets/0/matched",
            json!(1),
        ),
        (
            format!("api/v2/search/tags?limit=5000&{window}"),
            "/scopes/0/name",
            json!("resource"),
        ),
        (
            format!("api/v2/search/tags?scope=span&limit=5000&{window}"),
            "/scopes/0/tags",
            json!(["http.route"]),
        ),
        (
            format!("api/v2/search/tag/resource.service.name/values?limit=5000&{window}"),
            "/tagValues/0",
            json!({"type": "string", "value": "orders"}),
        ),
        (
            format!("api/v2/search/tag/name/values?q=%7Bstatus%3Derror%7D&limit=5000&{window}"),
            "/tagValues",
            json!([{"type": "string", "value": "charge"}]),
        ),
        (
            "api/v2/search/tag/status/values".to_owned(),
            "/tagValues/0/type",
            json!("keyword"),
        ),
        (
            format!("api/metrics/query_range?q=%7B%7D%7Ccount_over_time()&step=3660s&{window}"),
            "/series/0/labels/0/key",
            json!("__name__"),
        ),
        (
            format!("api/metrics/query?q=%7B%7D%7Ccount_over_time()&{window}"),
            "/series/0/value",
            json!(2.0),
        ),
    ] {
        let (status, kind, body) = get(&format!("{root}/{path}"), "application/json").await;
        let text = String::from_utf8_lossy(&body);
        assert_eq!(
            (status, &*kind),
            (200, "application/json"),
            "{path}: {text}"
        );
        let found: Value = serde_json::from_slice(&body).unwrap();
        assert_eq!(found.pointer(at), Some(&wanted), "{path}: {found}");
    }
    store.stop().await;
}

#[tokio::test]
async fn answers_come_as_protobuf_where_it_is_accepted() {
    let (store, now) = filled().await;
    let root = format!("http://{}", store.addresses().tempo);
    let window = format!("start={}&end={}", now - 3600, now + 60);
    let id = "0102030405060708090a0b0c0d0e0f10";
    let (status, kind, body) = get(&format!("{root}/api/v2/traces/{id}"), PROTOBUF).await;
    assert_eq!((status, &*kind), (200, PROTOBUF));
    let trace = ById::decode(body.as_slice()).unwrap().trace.unwrap();
    assert_eq!(trace.resource_spans[0].scope_spans[0].spans.len(), 2);
    let (status, _, body) = get(&format!("{root}/api/traces/{id}?{window}"), PROTOBUF).await;
    let trace = TracesData::decode(body.as_slice()).unwrap();
    assert_eq!((status, trace.resource_spans.len()), (200, 1));
    let (status, _, body) = get(&format!("{root}/api/v2/traces/77"), PROTOBUF).await;
    let trace = ById::decode(body.as_slice()).unwrap().trace;
    assert_eq!((status, trace), (200, Some(TracesData::default())));
    let url = format!("{root}/api/search?q=%7Bstatus%3Derror%7D&{window}");
    let (_, kind, body) = get(&url, PROTOBUF).await;
    let found = Found::decode(body.as_slice()).unwrap();
    assert_eq!((&*kind, found.traces.len()), (PROTOBUF, 1));
    assert_eq!(found.traces[0].service, "orders");
    assert_eq!(found.traces[0].sets[0].matched, 1);
    for path in [
        "search/tags",
        "v2/search/tags",
        "search/tag/service.name/values",
        "v2/search/tag/span.http.route/values",
    ] {
        let (status, kind, body) = get(&format!("{root}/api/{path}?{window}"), PROTOBUF).await;
        assert_eq!((status, &*kind), (200, PROTOBUF), "{path}");
        assert!(!body.is_empty(), "{path}");
    }
    for path in ["query_range", "query"] {
        let url = format!("{root}/api/metrics/{path}?q=%7B%7D%7Crate()&{window}");
        let (status, kind, body) = get(&url, PROTOBUF).await;
        let found = Series::decode(body.as_slice()).map(|found| found.series.len());
        assert_eq!((status, &*kind), (200, PROTOBUF), "{path}");
        assert_eq!(
            found.ok().filter(|_| path == "query_range"),
            (path == "query_range").then_some(1)
        );
    }
    store.stop().await;
}

#[tokio::test]
async fn searches_and_metrics_are_streamed_over_grpc() {
    let (store, now) = filled().await;
    let at = store.addresses().tempo;
    let ask = |query: &str| Search {
        limit: 20,
        start: (now - 3600) as u32,
        end: (now + 60) as u32,
        query: query.to_owned(),
        spans: 3,
    };
    let path = "/tempopb.StreamingQuerier/Search";
    let message = ask("{ status = error }").encode_to_vec();
    let (headers, messages) = grpc::call(at, path, &message).await;
    assert_eq!(headers["grpc-status"], "0", "{headers:?}");
    let found = Found::decode(messages[0].as_slice()).unwrap();
    assert_eq!(found.traces[0].id, "102030405060708090a0b0c0d0e0f10");
    let (headers, _) = grpc::call(at, path, &ask("{").encode_to_vec()).await;
    assert_eq!(headers["grpc-status"], "3", "{headers:?}");
    let range = Range {
        query: "{ } | count_over_time()".to_owned(),
        start: (now as u64 - 60) * 1_000_000_000,
        end: (now as u64 + 60) * 1_000_000_000,
        step: 300_000_000_000,
    };
    let path = "/tempopb.StreamingQuerier/MetricsQueryRange";
    let (headers, messages) = grpc::call(at, path, &range.encode_to_vec()).await;
    assert_eq!(headers["grpc-status"], "0", "{headers:?}");
    let found = Series::decode(messages[0].as_slice()).unwrap();
    let counted: f64 = found.series[0].samples.iter().map(|s| s.value).sum();
    assert!((counted - 2.0).abs() < f64::EPSILON, "{found:?}");
    for method in ["SearchTags", "SearchTagsV2"] {
        let path = format!("/tempopb.StreamingQuerier/{method}");
        let (headers, messages) = grpc::call(at, &path, &[]).await;
        assert_eq!(headers["grpc-status"], "0", "{method}: {headers:?}");
        assert!(!messages[0].is_empty(), "{method}");
    }
    store.stop().await;
}
