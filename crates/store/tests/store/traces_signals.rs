//! A collector's ports take all three signals, over HTTP and over gRPC, and each is found by the
//! API that it is for.

#![expect(clippy::unwrap_used, reason = "helpers of a test fail it by panicking")]

use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::collector::metrics::v1::ExportMetricsServiceRequest;
use prost::Message;
use serde_json::{Value, json};
use store::{Limits, Store};

use crate::support::grpc;
use crate::support::running::started;

fn resource() -> Value {
    json!({"attributes": [{"key": "service.name", "value": {"stringValue": "orders"}}]})
}

fn metrics(store: &Store, name: &str) -> Value {
    let point = json!({"timeUnixNano": store.metrics().clock().now_ns().to_string(), "asInt": "7"});
    let metric = json!({"name": name, "gauge": {"dataPoints": [point]}});
    let scopes = json!([{"metrics": [metric]}]);
    json!({"resourceMetrics": [{"resource": resource(), "scopeMetrics": scopes}]})
}

fn logs(store: &Store, line: &str) -> Value {
    let now = store.logs().clock().now_ns().to_string();
    let record = json!({"timeUnixNano": now, "body": {"stringValue": line}});
    let scopes = json!([{"logRecords": [record]}]);
    json!({"resourceLogs": [{"resource": resource(), "scopeLogs": scopes}]})
}

/// A request in JSON as protobuf.
fn protobuf<T: Message + serde::de::DeserializeOwned>(request: Value) -> Vec<u8> {
    serde_json::from_value::<T>(request)
        .unwrap()
        .encode_to_vec()
}

async fn get(url: String) -> Value {
    let answer = reqwest::get(url).await.unwrap();
    answer.json().await.unwrap()
}

#[tokio::test]
async fn metrics_and_logs_come_in_over_http_and_grpc() {
    let store = started(Limits::default()).await;
    let at = store.addresses();
    let client = reqwest::Client::new();
    for (path, kind, body, said) in [
        (
            "metrics",
            "application/json",
            metrics(&store, "a").to_string().into_bytes(),
            "{\"partialSuccess\":{}}",
        ),
        (
            "metrics",
            "application/x-protobuf",
            protobuf::<ExportMetricsServiceRequest>(metrics(&store, "b")),
            "",
        ),
        (
            "logs",
            "application/json",
            logs(&store, "first").to_string().into_bytes(),
            "{\"partialSuccess\":{}}",
        ),
        (
            "logs",
            "application/x-protobuf",
            protobuf::<ExportLogsServiceRequest>(logs(&store, "second")),
            "",
        ),
    ] {
        let post = client.post(format!("http://{}/v1/{path}", at.otlp));
        let answer = post.header("content-type", kind).body(body);
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), 200, "{path} {kind}");
        assert_eq!(answer.headers()["content-type"], kind, "{path}");
        assert_eq!(answer.text().await.unwrap(), said, "{path} {kind}");
    }
    for (service, message) in [
        (
            "metrics.v1.MetricsService",
            protobuf::<ExportMetricsServiceRequest>(metrics(&store, "c")),
        ),
        (
            "logs.v1.LogsService",
            protobuf::<ExportLogsServiceRequest>(logs(&store, "third")),
        ),
    ] {
        let path = format!("/opentelemetry.proto.collector.{service}/Export");
        let (headers, messages) = grpc::call(at.otlp_grpc, &path, &message).await;
        assert_eq!(headers["grpc-status"], "0", "{service}: {headers:?}");
        assert_eq!(messages, [Vec::<u8>::new()], "{service}");
    }
    for name in ["a", "b", "c"] {
        let url = format!("http://{}/prometheus/api/v1/query?query={name}", at.mimir);
        let found = get(url).await;
        assert_eq!(
            found["data"]["result"][0]["value"][1], "7",
            "{name}: {found}"
        );
    }
    let query = "query=%7Bservice_name%3D%22orders%22%7D&direction=forward";
    let url = format!("http://{}/loki/api/v1/query_range?{query}", at.loki);
    let found = get(url).await.to_string();
    for line in ["first", "second", "third"] {
        assert!(found.contains(line), "{line}: {found}");
    }
    store.stop().await;
}

#[tokio::test]
async fn what_is_no_signal_or_too_much_is_refused_in_otlps_words() {
    let store = started(Limits {
        ingestion_rate: 1.0,
        ingestion_burst: 1,
        ..Limits::default()
    })
    .await;
    let at = store.addresses();
    let client = reqwest::Client::new();
    let mut too_much = metrics(&store, "a");
    let point = too_much["resourceMetrics"][0]["scopeMetrics"][0]["metrics"][0].clone();
    too_much["resourceMetrics"][0]["scopeMetrics"][0]["metrics"] = json!([point, point]);
    for (body, status, code) in [("{".to_owned(), 400, 3), (too_much.to_string(), 429, 8)] {
        let post = client.post(format!("http://{}/v1/metrics", at.otlp));
        let answer = post.header("content-type", "application/json").body(body);
        let answer = answer.send().await.unwrap();
        assert_eq!(answer.status(), status);
        let wait = answer.headers().get("retry-after").cloned();
        assert_eq!(wait.is_some(), status == 429);
        let said: Value = answer.json().await.unwrap();
        assert_eq!(said["code"], code, "{said}");
    }
    let path = "/opentelemetry.proto.collector.metrics.v1.MetricsService/Export";
    let message = protobuf::<ExportMetricsServiceRequest>(too_much);
    let (headers, _) = grpc::call(at.otlp_grpc, path, &message).await;
    assert_eq!(headers["grpc-status"], "8", "{headers:?}");
    assert!(
        headers.contains_key("grpc-status-details-bin"),
        "{headers:?}"
    );
    store.stop().await;
}
