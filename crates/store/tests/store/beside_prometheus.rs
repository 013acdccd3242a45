//! The store beside a real Prometheus, where one is installed: the same samples through remote
//! write, and queries that were written at random, but the same ones each time.
//!
//! `PROMQL_SEED` and `PROMQL_QUERIES` ask others, and more of them.

#![expect(
    clippy::unwrap_used,
    clippy::cast_possible_truncation,
    clippy::cast_precision_loss,
    reason = "a test fails by panicking, and tells what it compared; its numbers are small"
)]

use std::collections::BTreeMap;
use std::time::Duration;

use serde_json::Value;
use store::Limits;

#[path = "beside_prometheus/author.rs"]
mod author;
#[path = "beside_prometheus/data.rs"]
mod data;
#[path = "../../examples/metrics_speed/wire.rs"]
mod wire;

use crate::support::prometheus::Prometheus;
use crate::support::running::started;
use author::Author;
use data::{BASE, MINUTES};

/// How many queries are asked unless told otherwise.
const QUERIES: u64 = 600;

fn setting(name: &str, or: u64) -> u64 {
    std::env::var(name).map_or(or, |v| v.parse().unwrap())
}

async fn real(client: &reqwest::Client) -> Option<Prometheus> {
    let files = [("prometheus.yml", "global: {evaluation_interval: 1m}")];
    let args = ["--web.enable-remote-write-receiver"];
    let mut server = Prometheus::start(&files, &args).await?;
    let ready = format!("{}/-/ready", server.url);
    let mut tick = tokio::time::interval(Duration::from_millis(50));
    loop {
        tick.tick().await;
        let answer = client.get(&ready).send().await;
        if answer.is_ok_and(|a| a.status().is_success()) {
            return Some(server);
        }
        if server.has_ended() {
            // Another took its port in between.
            server = Prometheus::start(&files, &args).await?;
        }
    }
}

#[tokio::test]
async fn queries_written_at_random_are_answered_alike() {
    let client = reqwest::Client::new();
    let Some(real) = real(&client).await else {
        return;
    };
    let store = started(Limits::default()).await;
    let own = format!("http://{}", store.addresses().mimir);
    for request in data::requests() {
        for to in [
            format!("{own}/api/v1/push"),
            format!("{}/api/v1/write", real.url),
        ] {
            let sent = client
                .post(&to)
                .header("content-encoding", "snappy")
                .header("content-type", "application/x-protobuf")
                .header("x-prometheus-remote-write-version", "0.1.0")
                .body(request.clone());
            let answer = sent.send().await.unwrap();
            assert!(answer.status().is_success(), "{to}: {}", answer.status());
        }
    }
    let mut author = Author::new(setting("PROMQL_SEED", 1));
    let queries = setting("PROMQL_QUERIES", QUERIES);
    let mut differ = Vec::new();
    let (mut refused, mut empty) = (0, 0);
    for _ in 0..queries {
        let query = author.query();
        let path = path(&mut author, &query);
        let ask = async |url: &str| -> Value {
            let asked = client.get(format!("{url}/api/v1{path}"));
            asked.send().await.unwrap().json().await.unwrap()
        };
        let (ours, theirs) = (
            ask(&format!("{own}/prometheus")).await,
            ask(&real.url).await,
        );
        refused += u64::from(theirs["status"] == "error");
        let results = theirs["data"]["result"].as_array();
        empty += u64::from(results.is_some_and(Vec::is_empty));
        if let Some(difference) = difference(&query, &ours, &theirs) {
            differ.push(format!("{query}\n  {path}\n  {difference}"));
        }
    }
    println!("{queries} queries, {refused} refused by both, {empty} without a result");
    assert!(refused + empty < queries / 2, "too many say nothing");
    assert!(
        differ.is_empty(),
        "{} differ:\n{}",
        differ.len(),
        differ.join("\n")
    );
    store.stop().await;
}

fn path(author: &mut Author, query: &str) -> String {
    let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    if author.chance(50) {
        let step = author.one(&["15", "37", "60", "300"]);
        let (start, end) = (BASE + 300, BASE + MINUTES * 60 + 400);
        return format!("/query_range?query={query}&start={start}.45&end={end}.45&step={step}");
    }
    format!("/query?query={query}&time={}", author.time())
}

type Samples = Vec<(f64, f64)>;

fn difference(query: &str, ours: &Value, theirs: &Value) -> Option<String> {
    for key in ["/status", "/errorType", "/data/resultType"] {
        let (a, b) = (ours.pointer(key), theirs.pointer(key));
        if a != b {
            let error = |of: &Value| of["error"].as_str().unwrap_or_default().to_owned();
            let (ours, theirs) = (error(ours), error(theirs));
            return Some(format!("{key}: {a:?} {ours} against {b:?} {theirs}"));
        }
    }
    if theirs["data"]["resultType"] == "string" {
        let (a, b) = (&ours["data"]["result"], &theirs["data"]["result"]);
        return (a != b).then(|| format!("{a} against {b}"));
    }
    let ranked = query.starts_with("topk") || query.starts_with("bottomk");
    let (ours, theirs) = (series(ours, ranked), series(theirs, ranked));
    for labels in ours.keys().chain(theirs.keys()) {
        let (Some(ours), Some(theirs)) = (ours.get(labels), theirs.get(labels)) else {
            let whose = if ours.contains_key(labels) {
                "ours"
            } else {
                "theirs"
            };
            return Some(format!(
                "only {whose}: {labels} of {}, {}",
                ours.len(),
                theirs.len()
            ));
        };
        if ours.len() != theirs.len() {
            let (ours, theirs) = (ours.len(), theirs.len());
            return Some(format!("{labels}: {ours} values against {theirs}"));
        }
        let apart = ours
            .iter()
            .zip(theirs)
            .find(|(a, b)| a.0 != b.0 || !near(a.1, b.1));
        if let Some((a, b)) = apart {
            return Some(format!("{labels}: {a:?} against {b:?}"));
        }
    }
    None
}

/// The same, but for what rounding may change.
fn near(a: f64, b: f64) -> bool {
    let apart = (a - b).abs();
    a == b || a.is_nan() && b.is_nan() || apart <= 1e-9 * a.abs().max(b.abs()).max(1.0)
}

/// The samples of each series. Which of several equals are among the largest nobody says: of
/// those that are `ranked` only the values of each time are told, in order.
fn series(answer: &Value, ranked: bool) -> BTreeMap<String, Samples> {
    let sample = |v: &Value| -> (f64, f64) {
        (
            v[0].as_f64().unwrap(),
            v[1].as_str().unwrap().parse().unwrap(),
        )
    };
    let result = &answer["data"]["result"];
    if answer["data"]["resultType"] == "scalar" {
        return BTreeMap::from([(String::new(), vec![sample(result)])]);
    }
    let all = result.as_array().into_iter().flatten().map(|one| {
        let labels: BTreeMap<&String, &Value> = one["metric"].as_object().unwrap().iter().collect();
        let samples = match one["values"].as_array() {
            Some(all) => all.iter().map(sample).collect(),
            None => vec![sample(&one["value"])],
        };
        (format!("{labels:?}"), samples)
    });
    if !ranked {
        return all.collect();
    }
    let mut values: Samples = all.flat_map(|(_, samples)| samples).collect();
    values.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    BTreeMap::from([(String::new(), values)])
}
