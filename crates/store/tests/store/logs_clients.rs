//! What clients of Loki ask: Grafana's data source, Promtail and its like, and who knows the
//! first API only. Each request is written as the client writes it.

#![expect(clippy::expect_used, reason = "helpers of a test fail it by panicking")]

use loki_api::logproto::{EntryAdapter, PushRequest, StreamAdapter};
use loki_api::prost::Message;
use loki_api::prost_types::Timestamp;
use reqwest::Response;
use serde_json::{Value, json};
use store::logs::LogsConfig;
use store::{Config, Limits, Ports, Store};

use crate::support::socket::Socket;

const SECOND: i64 = 1_000_000_000;

/// A store that runs, and lines of it that were pushed as Promtail does.
struct Running {
    store: Store,
    client: reqwest::Client,
    url: String,
    /// When the store was filled, in nanoseconds.
    now: i64,
}

impl Running {
    async fn new() -> Self {
        let limits = Limits {
            logs: LogsConfig {
                max_line: 100,
                max_entries: 1000,
                ..LogsConfig::default()
            },
            ..Limits::default()
        };
        let store = Store::start(Config {
            ports: Ports::any(),
            limits,
            ..Config::default()
        })
        .await
        .expect("a store");
        let url = format!("http://{}", store.addresses().loki);
        let now = store.logs().clock().now_ns();
        let running = Self {
            store,
            client: reqwest::Client::new(),
            url,
            now,
        };
        for (path, line) in [
            ("/loki/api/v1/push", "level=error msg=declined"),
            ("/api/prom/push", "level=info msg=paid"),
        ] {
            let answer = running.push(path, line).await;
            assert_eq!(answer.status(), 204, "{path}");
        }
        running
    }

    /// Pushes one line, in the protobuf of Loki's own client library.
    async fn push(&self, path: &str, line: &str) -> Response {
        let time = self.now - 30 * SECOND;
        let request = PushRequest {
            streams: vec![StreamAdapter {
                labels: "{app=\"payment\"}".to_owned(),
                entries: vec![EntryAdapter {
                    timestamp: Some(Timestamp {
                        seconds: time / SECOND,
                        nanos: i32::try_from(time % SECOND).expect("nanoseconds"),
                    }),
                    line: line.to_owned(),
                }],
                hash: 0,
            }],
        };
        let body = snap::raw::Encoder::new()
            .compress_vec(&request.encode_to_vec())
            .expect("snappy");
        let request = self
            .client
            .post(format!("{}{path}", self.url))
            .header("Content-Type", "application/x-protobuf")
            .header("User-Agent", "promtail/3.0.0")
            .body(body);
        request.send().await.expect("an answer")
    }

    /// Asks as Grafana's backend does; `start` and `end` are around the lines.
    async fn ask(&self, path: &str, params: &[(&str, &str)]) -> Response {
        let (start, end) = (self.now - 3600 * SECOND, self.now + SECOND);
        let request = self
            .client
            .get(format!("{}{path}", self.url))
            .query(params)
            .query(&[("start", start), ("end", end)])
            .header("Accept", "application/json, text/plain, */*")
            .header("User-Agent", "Grafana/12.1.0")
            .header("X-Query-Tags", "Source=grafana,Source=explore")
            .header("X-Loki-Response-Encoding-Flags", "categorize-labels");
        request.send().await.expect("an answer")
    }

    async fn json(&self, path: &str, params: &[(&str, &str)]) -> Value {
        let answer = self.ask(path, params).await;
        assert_eq!(answer.status(), 200, "{path} {params:?}");
        answer.json().await.expect("JSON")
    }
}

#[tokio::test]
async fn grafana_finds_its_data_source_healthy_browses_labels_and_explores() {
    let running = Running::new().await;
    let selector = ("query", "{app=\"payment\"}");
    for (path, params, pointer, wanted) in [
        // The health check.
        (
            "query",
            vec![("query", "vector(1)+vector(1)")],
            "/data/result/0/value/1",
            json!("2"),
        ),
        // The label browser and the builder.
        ("labels", vec![], "/data", json!(["app", "service_name"])),
        (
            "label/app/values",
            vec![("query", "{service_name=\"payment\"}")],
            "/data",
            json!(["payment"]),
        ),
        (
            "series",
            vec![("match[]", "{app=\"payment\"}")],
            "/data/0",
            json!({"app": "payment", "service_name": "payment"}),
        ),
        ("index/stats", vec![selector], "/entries", json!(2)),
        (
            "detected_labels",
            vec![selector],
            "/detectedLabels/0/label",
            json!("app"),
        ),
        // Explore: lines, with their labels apart.
        (
            "query_range",
            vec![
                ("direction", "backward"),
                ("limit", "1000"),
                ("query", "{app=\"payment\"} |= `declined` | logfmt"),
                ("step", "2000ms"),
            ],
            "/data/result/0/values/0/2",
            json!({
                "structuredMetadata": {"detected_level": "error"},
                "parsed": {"level": "error", "msg": "declined"},
            }),
        ),
        // The log volume above them.
        (
            "query_range",
            vec![
                ("direction", "backward"),
                (
                    "query",
                    "sum by (level, detected_level) (count_over_time({app=\"payment\"} | drop __error__[1h]))",
                ),
                ("step", "3600000ms"),
            ],
            "/data/result/0/metric",
            json!({"detected_level": "error"}),
        ),
        (
            "index/volume",
            vec![selector, ("limit", "10")],
            "/data/resultType",
            json!("vector"),
        ),
    ] {
        let answer = running.json(&format!("/loki/api/v1/{path}"), &params).await;
        assert_eq!(answer.pointer(pointer), Some(&wanted), "{path}: {answer}");
    }
    running.store.stop().await;
}

#[tokio::test]
async fn grafana_tails_live_with_labels_apart() {
    let running = Running::new().await;
    let path = "/loki/api/v1/tail?query=%7Bapp%3D%22payment%22%7D";
    let headers = "X-Loki-Response-Encoding-Flags: categorize-labels\r\n";
    let address = running.store.addresses().loki;
    let mut socket = Socket::open(address, path, headers).await;
    let (kind, text) = socket.next().await;
    let message: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(kind, 1);
    assert_eq!(message["encodingFlags"], json!(["categorize-labels"]));
    assert_eq!(
        message["streams"][0]["stream"],
        json!({"app": "payment", "service_name": "payment"})
    );
    drop(socket);
    running.store.stop().await;
}

#[tokio::test]
async fn what_clients_ask_besides_lines_is_answered() {
    let running = Running::new().await;
    for (path, status, part) in [
        ("/ready", 200, "ready\n"),
        ("/services", 200, "ingester => Running\n"),
        (
            "/log_level",
            200,
            "{\"message\":\"Current log level is info\"}",
        ),
        ("/config", 200, "  max_line_size: \"100B\"\n"),
        (
            "/metrics",
            200,
            "\nloki_ingester_memory_streams{tenant=\"fake\"} 1\n",
        ),
        (
            "/loki/api/v1/status/buildinfo",
            200,
            "\"version\":\"3.7.6\"",
        ),
        (
            "/loki/api/v1/drilldown-limits",
            200,
            "\"max_entries_limit_per_query\":1000",
        ),
        ("/loki/api/v1/rules", 404, "no rule groups found\n"),
        ("/prometheus/api/v1/rules", 200, "\"data\":{\"groups\":[]}"),
        ("/prometheus/api/v1/alerts", 200, "\"data\":{\"alerts\":[]}"),
        (
            "/loki/api/v1/delete",
            403,
            "deletion is not available for this tenant\n",
        ),
        ("/api/prom/label", 200, "[\"app\",\"service_name\"]"),
        ("/api/prom/label/app/values", 200, "[\"payment\"]"),
        ("/nowhere", 404, "404 page not found\n"),
    ] {
        let answer = running.ask(path, &[]).await;
        assert_eq!(answer.status(), status, "{path}");
        let text = answer.text().await.expect("a text");
        assert!(text.contains(part), "{path}: {text}");
    }
    running.store.stop().await;
}

#[tokio::test]
async fn the_first_api_gives_lines_in_its_own_form_and_no_numbers() {
    let running = Running::new().await;
    let query = ("query", "{app=\"payment\"} |= \"declined\"");
    let answer = running.json("/api/prom/query", &[query]).await;
    let stream = &answer["streams"][0];
    assert_eq!(
        stream["labels"],
        "{app=\"payment\", detected_level=\"error\", service_name=\"payment\"}"
    );
    assert_eq!(stream["entries"][0]["line"], "level=error msg=declined");
    let time = stream["entries"][0]["ts"].as_str().expect("a time");
    let time: jiff::Timestamp = time.parse().expect("a time");
    let wanted = i128::from(running.now - 30 * SECOND);
    assert_eq!(time.as_nanosecond(), wanted);
    let query = ("query", "rate({app=\"payment\"}[1m])");
    let answer = running.ask("/api/prom/query", &[query]).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(
        answer.text().await.expect("a text"),
        "legacy endpoints only support streams result type"
    );
    running.store.stop().await;
}

#[tokio::test]
async fn limits_of_logs_are_part_of_a_stores_configuration() {
    let running = Running::new().await;
    let answer = running.push("/loki/api/v1/push", &"x".repeat(101)).await;
    assert_eq!(answer.status(), 400);
    assert_eq!(
        answer.text().await.expect("a text"),
        "max entry size '100' bytes exceeded for stream '{app=\"payment\", service_name=\"payment\"}' while adding an entry with length '101' bytes\n"
    );
    let params = [("query", "{app=\"payment\"}"), ("limit", "1001")];
    let answer = running.ask("/loki/api/v1/query_range", &params).await;
    assert_eq!(answer.status(), 400);
    running.store.stop().await;
}
