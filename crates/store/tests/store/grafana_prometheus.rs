//! What Grafana's Prometheus data source asks, as it asks it, and what it reads of the answers.
//!
//! Source: <https://grafana.com/docs/grafana/latest/datasources/prometheus/>.

#![expect(clippy::unwrap_used, reason = "helpers of a test fail it by panicking")]

use serde_json::{Value, json};
use store::metrics::{Exemplar, Labels, Metadata};
use store::{Config, Ports, RuleFile, Store};

const RULES: &str = "\
groups:
  - name: shop
    rules:
      - alert: Down
        expr: requests_total > 1000
      - record: requests:rate1m
        expr: rate(requests_total[1m])
";

/// A store with one counter, an exemplar of it and rules, and the time in seconds.
async fn filled() -> (Store, i64) {
    let store = Store::start(Config {
        ports: Ports::any(),
        rules: vec![RuleFile {
            name: "rules.yaml".to_owned(),
            text: RULES.to_owned(),
        }],
        ..Config::default()
    })
    .await
    .unwrap();
    let now = store.metrics().clock().now_ms();
    let head = store.metrics().head();
    let labels = Labels::new([("__name__", "requests_total"), ("job", "orders")]);
    for back in (0..10).rev() {
        let count = f64::from(100 - back);
        head.append(&labels, now - i64::from(back) * 1000, count)
            .unwrap();
    }
    head.add_exemplar(
        &labels,
        Exemplar {
            labels: Labels::new([("trace_id", "0102")]),
            t: now,
            value: 0.5,
        },
    );
    head.set_metadata(
        "requests_total",
        Metadata {
            kind: "counter".to_owned(),
            help: "Requests.".to_owned(),
            unit: String::new(),
        },
    );
    (store, now / 1000)
}

async fn answered(ask: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = ask.send().await.unwrap();
    let status = answer.status().as_u16();
    let text = answer.text().await.unwrap();
    (status, serde_json::from_str(&text).unwrap_or(json!(text)))
}

#[tokio::test]
async fn requests_are_answered_as_grafana_reads_them() {
    let (store, now) = filled().await;
    let root = format!("http://{}/prometheus/api/v1", store.addresses().mimir);
    let client = reqwest::Client::new();
    let (start, end) = ((now - 60).to_string(), (now + 1).to_string());
    let (start, end) = (start.as_str(), end.as_str());
    let window = [("start", start), ("end", end)];
    let with = |more: &[(&'static str, &'static str)]| {
        let mut all: Vec<(&str, &str)> = window.to_vec();
        all.extend(more);
        all
    };
    // Of forms that are posted.
    for (path, form, at, wanted) in [
        (
            "query",
            vec![("query", "1+1"), ("time", end)],
            "/data/result/1",
            json!("2"),
        ),
        (
            "query",
            vec![("query", "requests_total"), ("time", end)],
            "/data/result/0/value/1",
            json!("100"),
        ),
        (
            "query_range",
            with(&[("query", "requests_total"), ("step", "15")]),
            "/data/result/0/metric/job",
            json!("orders"),
        ),
        (
            "query_exemplars",
            with(&[("query", "requests_total")]),
            "/data/0/exemplars/0/labels/trace_id",
            json!("0102"),
        ),
        (
            "labels",
            with(&[("match[]", "requests_total")]),
            "/data",
            json!(["__name__", "job"]),
        ),
        (
            "series",
            with(&[("match[]", "{job=\"orders\"}"), ("limit", "40000")]),
            "/data/0/__name__",
            json!("requests_total"),
        ),
    ] {
        let (status, found) = answered(client.post(format!("{root}/{path}")).form(&form)).await;
        assert_eq!(status, 200, "{path} {form:?}: {found}");
        assert_eq!(found["status"], "success", "{path}: {found}");
        assert_eq!(found.pointer(at), Some(&wanted), "{path}: {found}");
    }
    // Of query strings.
    for (path, query, at, wanted) in [
        (
            "query",
            vec![("query", "1+1"), ("time", end)],
            "/data/resultType",
            json!("scalar"),
        ),
        (
            "labels",
            with(&[
                ("match[]", "{__name__=\"requests_total\"}"),
                ("limit", "40000"),
            ]),
            "/data/1",
            json!("job"),
        ),
        (
            "label/__name__/values",
            with(&[("match[]", "{job=\"orders\"}"), ("limit", "40000")]),
            "/data",
            json!(["requests_total"]),
        ),
        (
            "metadata",
            vec![("limit", "40000")],
            "/data/requests_total/0/type",
            json!("counter"),
        ),
        (
            "rules",
            vec![],
            "/data/groups/0/rules/0/name",
            json!("Down"),
        ),
        ("alerts", vec![], "/data/alerts", json!([])),
        (
            "status/buildinfo",
            vec![],
            "/data/application",
            json!("Grafana Mimir"),
        ),
        ("status/flags", vec![], "/data", json!({})),
    ] {
        let (status, found) = answered(client.get(format!("{root}/{path}")).query(&query)).await;
        assert_eq!(status, 200, "{path} {query:?}: {found}");
        assert_eq!(found["status"], "success", "{path}: {found}");
        assert_eq!(found.pointer(at), Some(&wanted), "{path}: {found}");
    }
    store.stop().await;
}

#[tokio::test]
async fn what_is_wrong_is_told_in_prometheus_envelope() {
    let (store, now) = filled().await;
    let root = format!("http://{}/prometheus/api/v1", store.addresses().mimir);
    let client = reqwest::Client::new();
    let now = now.to_string();
    for (path, form) in [
        ("query", vec![("query", "1+"), ("time", now.as_str())]),
        (
            "query_range",
            vec![("query", "up"), ("start", &now), ("end", &now)],
        ),
        ("series", vec![]),
    ] {
        let (status, found) = answered(client.post(format!("{root}/{path}")).form(&form)).await;
        assert_eq!(
            (status, &found["status"]),
            (400, &json!("error")),
            "{path}: {found}"
        );
        assert_eq!(found["errorType"], "bad_data", "{path}: {found}");
        assert!(found["error"].is_string(), "{path}: {found}");
    }
    store.stop().await;
}
