//! Real clients of the metrics API, where they are installed: `promtool` asks, and a real
//! Prometheus pushes by remote write, sends its alerts, and answers queries alike.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of a test fail it by panicking, and tell what was skipped"
)]

use std::time::Duration;

use serde_json::Value;
use store::metrics::Labels;
use store::{Limits, Store};
use tokio::process::Command;

use crate::support::prometheus::Prometheus;
use crate::support::running::started;

async fn start() -> (Store, String) {
    let store = started(Limits::default()).await;
    let url = format!("http://{}", store.addresses().mimir);
    (store, url)
}

/// What `promtool` printed; `None`, and a loud line, where there is none.
async fn promtool(args: &[&str]) -> Option<String> {
    let Ok(output) = Command::new("promtool").args(args).output().await else {
        println!("SKIPPED: no promtool here (Debian: prometheus)");
        return None;
    };
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
    Some(String::from_utf8_lossy(&output.stdout).trim().to_owned())
}

#[tokio::test]
async fn promtool_asks() {
    let (store, url) = start().await;
    let url = format!("{url}/prometheus");
    let up = Labels::new([("__name__", "up"), ("job", "carts")]);
    let now = store.metrics().clock().now_ms() / 1000;
    for second in 0..5 {
        let t = (now - 5 + second) * 1000;
        store.metrics().head().append(&up, t, 1.0).unwrap();
    }
    let (from, to) = (format!("{}", now - 4), format!("{}", now - 1));
    let from = format!("--start={from}");
    let to = format!("--end={to}");
    let job = "up{job=\"carts\"}";
    for (args, want) in [
        (
            vec!["query", "instant", &url, "sum(up)"],
            format!("{{}} => 1 @[{now}"),
        ),
        (
            vec!["query", "range", &from, &to, "--step=1s", &url, job],
            "up{job=\"carts\"} =>\n1 @[".to_owned(),
        ),
        (
            vec!["query", "series", &from, &to, "--match=up", &url],
            job.replace("up{", "{__name__=\"up\", "),
        ),
        (
            vec!["query", "labels", &from, &to, &url, "job"],
            "carts".to_owned(),
        ),
    ] {
        let Some(shown) = promtool(&args).await else {
            return;
        };
        // An instant query is asked some moment later.
        let want = want.get(..want.len().min(14)).unwrap();
        assert!(shown.contains(want), "{args:?}: {shown}, wanted {want}");
    }
    store.stop().await;
}

/// A real Prometheus that scrapes itself and sends everything to the store.
async fn prometheus_of(store: &str) -> Option<Prometheus> {
    let alertmanager = store.trim_start_matches("http://");
    let config = format!(
        "
global: {{scrape_interval: 200ms, scrape_timeout: 200ms, evaluation_interval: 200ms}}
rule_files: [rules.yml]
scrape_configs:
- job_name: prometheus
  static_configs: [{{targets: ['ADDRESS']}}]
remote_write:
- url: {store}/api/v1/push
  send_exemplars: true
  queue_config: {{max_shards: 1, batch_send_deadline: 50ms}}
alerting:
  alertmanagers:
  - path_prefix: /alertmanager
    static_configs: [{{targets: ['{alertmanager}']}}]
"
    );
    let rules =
        "groups: [{name: g, rules: [{alert: Always, expr: vector(1), labels: {severity: page}}]}]";
    let files = [("prometheus.yml", config.as_str()), ("rules.yml", rules)];
    // What is sent before it has found its Alertmanager is lost, and sent again after this.
    Prometheus::start(&files, &["--rules.alert.resend-delay=200ms"]).await
}

async fn ask(
    client: &reqwest::Client,
    url: &str,
    path: &str,
    params: &[(&str, &str)],
) -> Option<Value> {
    let asked = client.get(format!("{url}{path}")).query(params);
    asked.send().await.ok()?.json().await.ok()
}

/// Queries over what Prometheus says of itself: counters, histograms, summaries. `SHIFT` puts the
/// steps of a subquery, which stand at multiples of 200 ms, between two samples.
const QUERIES: [&str; 34] = [
    "up",
    "rate(prometheus_tsdb_head_samples_appended_total[1s])",
    "increase(prometheus_http_requests_total[1200ms])",
    "irate(prometheus_http_requests_total[1200ms])",
    "delta(go_goroutines[1s])",
    "deriv(go_memstats_alloc_bytes[1200ms])",
    "predict_linear(go_memstats_alloc_bytes[1200ms], 60)",
    "sum by (handler) (prometheus_http_requests_total)",
    "sum without (instance, job) (prometheus_http_requests_total)",
    "topk(3, prometheus_http_requests_total)",
    "count_values(\"v\", prometheus_http_requests_total)",
    "quantile(0.9, go_gc_duration_seconds)",
    "stddev(prometheus_http_requests_total)",
    "histogram_quantile(0.9, sum by (le, handler) (prometheus_http_request_duration_seconds_bucket))",
    "histogram_quantile(0.5, rate(prometheus_http_response_size_bytes_bucket[1200ms]))",
    "avg_over_time(go_goroutines[1s])",
    "stddev_over_time(go_memstats_alloc_bytes[1s])",
    "quantile_over_time(0.3, go_memstats_alloc_bytes[1200ms])",
    "max_over_time(rate(prometheus_tsdb_head_samples_appended_total[600ms] offset SHIFT)[800ms:200ms])",
    "changes(go_goroutines[1200ms])",
    "resets(go_memstats_alloc_bytes[1200ms])",
    "go_memstats_alloc_bytes offset 400ms",
    "prometheus_http_requests_total / on (instance) group_left up",
    "prometheus_http_requests_total > 0 and on (handler) prometheus_http_request_duration_seconds_count",
    "go_info or up",
    "up unless go_info",
    "absent(nosuch{job=\"a\"})",
    "absent_over_time(up[1s])",
    "label_replace(up, \"host\", \"$1\", \"instance\", \"(.*):.*\")",
    "label_join(up, \"both\", \"-\", \"job\", \"instance\")",
    "clamp(go_goroutines, 1, 5) + bool_is_no_metric or vector(7)",
    "go_goroutines % 7 ^ 2 - -1",
    "count({__name__=~\"go_.+\", job!=\"\"}) by (job)",
    "timestamp(up) - time()",
];

/// Labels and value of each series, sorted.
fn vector(answer: &Value) -> Vec<(String, f64)> {
    let series = answer["data"]["result"].as_array().into_iter().flatten();
    let mut all: Vec<(String, f64)> = series
        .map(|s| {
            let mut labels: Vec<String> = s["metric"]
                .as_object()
                .into_iter()
                .flatten()
                .map(|(n, v)| format!("{n}={v}"))
                .collect();
            labels.sort_unstable();
            (
                labels.join(","),
                s["value"][1].as_str().unwrap().parse().unwrap(),
            )
        })
        .collect();
    all.sort_by(|a, b| a.0.cmp(&b.0));
    all
}

fn alike(a: &[(String, f64)], b: &[(String, f64)]) -> bool {
    a.len() == b.len()
        && a.iter().zip(b).all(|((x, v), (y, w))| {
            let near = (v - w).abs() <= 1e-9 * v.abs().max(w.abs());
            x == y && (near || v == w || (v.is_nan() && w.is_nan()))
        })
}

/// When the samples of `up` that the store has were taken, in milliseconds.
async fn scrapes(client: &reqwest::Client, api: &str) -> Vec<i64> {
    let all = [("query", "up{job=\"prometheus\"}[10s]")];
    let found = ask(client, api, "/api/v1/query", &all).await.unwrap();
    let samples = found["data"]["result"][0]["values"].as_array();
    #[expect(clippy::cast_possible_truncation, reason = "times fit well")]
    let time = |sample: &Value| (sample[0].as_f64().unwrap() * 1000.0).round() as i64;
    samples.into_iter().flatten().map(time).collect()
}

/// More than the windows of [`QUERIES`] reach back.
const SCRAPES: usize = 9;

#[tokio::test]
async fn a_real_prometheus_pushes_alerts_and_answers_alike() {
    let (store, url) = start().await;
    let Some(mut prometheus) = prometheus_of(&url).await else {
        return;
    };
    let client = reqwest::Client::new();
    let api = format!("{url}/prometheus");
    let arrived = async {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        loop {
            tick.tick().await;
            let scrapes = scrapes(&client, &api).await;
            let path = "/alertmanager/api/v2/alerts";
            let alerts = ask(&client, &url, path, &[]).await.unwrap();
            if scrapes.len() >= SCRAPES && alerts[0]["labels"]["alertname"] == "Always" {
                return scrapes;
            }
        }
    };
    let limit = Duration::from_secs(90);
    let Ok(scrapes) = tokio::time::timeout(limit, arrived).await else {
        let ended = prometheus.has_ended();
        panic!("nothing was pushed; prometheus has ended: {ended}");
    };
    // Between the last two scrapes: of a scrape `up` is pushed last, so that both know all of
    // this moment, and no sample was taken at it.
    let [.., before, last] = scrapes[..] else {
        panic!("{scrapes:?}");
    };
    let time = i64::midpoint(before, last);
    let shift = format!("{}ms", (100 - before).rem_euclid(200));
    let time = format!("{}.{:03}", time / 1000, time % 1000);
    let mut differ = Vec::new();
    for query in QUERIES {
        let query = query.replace("SHIFT", &shift);
        let params = [("query", query.as_str()), ("time", &time)];
        let own = ask(&client, &api, "/api/v1/query", &params).await.unwrap();
        let real = ask(&client, &prometheus.url, "/api/v1/query", &params)
            .await
            .unwrap();
        let (own, real) = (vector(&own), vector(&real));
        if !alike(&own, &real) {
            differ.push(format!("{query}\n  own  {own:?}\n  real {real:?}"));
        }
    }
    assert!(differ.is_empty(), "at {time}:\n{}", differ.join("\n"));
    drop(prometheus);
    store.stop().await;
}
