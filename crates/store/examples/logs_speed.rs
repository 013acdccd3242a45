//! How fast lines are taken and searched, for once, twice and four times as many of them: rows
//! of `name<TAB>measured<TAB>bound`. `cargo run --release -p store --example logs_speed`.
//!
//! A figure is megabytes of lines for each second that a core was busy with them, so that it
//! does not matter what else the machine does.

#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use loki_api::logproto::{EntryAdapter, PushRequest, StreamAdapter};
use loki_api::prost::Message;
use loki_api::prost_types::Timestamp;
use serde_json::json;
use store::clock::Clock;
use store::logs::{self, Logs, LogsConfig};
use tower::ServiceExt;

const NOW: i64 = 1_760_436_000;
/// Lines of a push; pushes of each kind of lines, at the smallest scale.
const BATCH: usize = 2000;
const BATCHES: usize = 60;

const TAKEN: &str = ">= 50 MB/s";
const FILTERED: &str = ">= 200 MB/s";
/// What is parsed is to be no slower than what is taken.
const PARSED: &str = ">= 50 MB/s";

const QUERIES: [(&str, &str); 11] = [
    (
        "count_over_time({app=\"user\"} |= \"nowhere to be found\" [1h])",
        FILTERED,
    ),
    (
        "sum(count_over_time({app=\"user\"} |= \"error\" [1h]))",
        FILTERED,
    ),
    (
        "sum(count_over_time({app=\"user\"} != \"error\" [1h]))",
        FILTERED,
    ),
    (
        "sum(count_over_time({app=\"user\"} |~ \"(?i)error|timeout\" [1h]))",
        FILTERED,
    ),
    (
        "sum by (status) (count_over_time({app=\"user\"} |= \"error\" | logfmt [1h]))",
        PARSED,
    ),
    (
        "sum by (method) (rate({app=\"user\"} | logfmt [1h]))",
        PARSED,
    ),
    (
        "sum(sum_over_time({app=\"user\"} | logfmt | unwrap duration(took) [1h]))",
        PARSED,
    ),
    (
        "count(count_over_time({app=\"user\"} | logfmt | drop ts, user, caller, took [1h]))",
        PARSED,
    ),
    (
        "sum by (method) (rate({app=\"user\"} | pattern \"<_> method=<method> <_>\" [1h]))",
        PARSED,
    ),
    (
        "sum by (method) (rate({app=\"user\"} | regexp \"method=(?P<method>[A-Z][a-z]+)\" [1h]))",
        PARSED,
    ),
    (
        "sum by (status) (rate({app=\"front\"} | json | __error__=\"\" [1h]))",
        PARSED,
    ),
];

/// A line as a shop's service writes them.
fn logfmt_line(n: usize) -> String {
    format!(
        "ts=2025-10-14T09:59:59.{:06}Z caller=middlewares.go:{} method={} user=57a98d98e4b00679b4a8{n:04x} status={} result={} level={} took={}.{}ms",
        n % 1_000_000,
        n % 97,
        METHODS[n % 4],
        STATUS[n % 5],
        n % 13,
        LEVELS[n % 5],
        n % 977,
        n % 10
    )
}

/// The same as JSON.
fn json_line(n: usize) -> String {
    format!(
        "{{\"ts\":\"2025-10-14T09:59:59.{:06}Z\",\"level\":\"{}\",\"method\":\"{}\",\"http\":{{\"path\":\"/cards/{n}\",\"size\":{}}},\"status\":{},\"msg\":\"answered \\\"{}\\\"\",\"took\":\"{}ms\"}}",
        n % 1_000_000,
        LEVELS[n % 5],
        METHODS[n % 4],
        n % 4096,
        STATUS[n % 5],
        n % 13,
        n % 977
    )
}

const METHODS: [&str; 4] = ["Login", "GetCards", "GetUsers", "Health"];
const LEVELS: [&str; 5] = ["info", "info", "info", "warn", "error"];
const STATUS: [u16; 5] = [200, 200, 200, 404, 500];

/// How long cores were busy with this process; the time that has passed where nobody counts.
fn busy(since: Instant) -> Duration {
    let threads = std::fs::read_dir("/proc/self/task").into_iter().flatten();
    let nanos: u64 = threads
        .flatten()
        .filter_map(|thread| std::fs::read_to_string(thread.path().join("schedstat")).ok())
        .filter_map(|text| text.split(' ').next()?.parse::<u64>().ok())
        .sum();
    match nanos {
        0 => since.elapsed(),
        nanos => Duration::from_nanos(nanos),
    }
}

/// How a batch is pushed.
#[derive(Clone, Copy)]
enum Form {
    Json,
    Protobuf,
}

/// A request that pushes the lines, and their bytes.
fn batch(form: Form, app: &str, at: usize) -> Option<(Request<Body>, usize)> {
    let line = if app == "user" {
        logfmt_line
    } else {
        json_line
    };
    let lines = (at * BATCH..(at + 1) * BATCH)
        .map(|n| ((NOW - 3000) * 1_000_000_000 + n as i64 * 1_000_000, line(n)));
    let lines: Vec<(i64, String)> = lines.collect();
    let bytes = lines.iter().map(|(_, line)| line.len()).sum();
    let pod = at % 8;
    let (kind, body) = match form {
        Form::Json => {
            let values: Vec<_> = lines
                .into_iter()
                .map(|(ts, line)| json!([ts.to_string(), line]))
                .collect();
            let stream = json!({"app": app, "pod": format!("{app}-{pod}")});
            let body = json!({"streams": [{"stream": stream, "values": values}]});
            ("application/json", body.to_string().into_bytes())
        }
        Form::Protobuf => {
            let entries = lines.into_iter().map(|(ts, line)| EntryAdapter {
                timestamp: Some(Timestamp {
                    seconds: ts / 1_000_000_000,
                    nanos: (ts % 1_000_000_000) as i32,
                }),
                line,
            });
            let stream = StreamAdapter {
                labels: format!("{{app=\"{app}\", pod=\"{app}-{pod}\"}}"),
                entries: entries.collect(),
                hash: 0,
            };
            let request = PushRequest {
                streams: vec![stream],
            };
            let body = snap::raw::Encoder::new().compress_vec(&request.encode_to_vec());
            ("application/x-protobuf", body.ok()?)
        }
    };
    let request = Request::post("/loki/api/v1/push").header("content-type", kind);
    Some((request.body(Body::from(body)).ok()?, bytes))
}

/// A store that holds the lines of `scale`, and a row for how fast they were taken.
async fn filled(form: Form, scale: usize) -> Option<(Arc<Logs>, Router)> {
    let config = LogsConfig {
        max_bytes: 1 << 30,
        query_timeout: Duration::from_secs(600),
        ..LogsConfig::default()
    };
    let logs = Arc::new(Logs::with_config(config, Clock::at(NOW * 1000)));
    let router = logs::router(Arc::clone(&logs));
    let (mut all, mut took) = (0, Duration::ZERO);
    for at in 0..BATCHES * scale {
        for app in ["user", "front"] {
            let (request, bytes) = batch(form, app, at)?;
            let since = Instant::now();
            let before = busy(since);
            let Ok(answer) = router.clone().oneshot(request).await;
            took += busy(since).saturating_sub(before);
            assert!(answer.status().is_success(), "{}", answer.status());
            all += bytes;
        }
    }
    let form = match form {
        Form::Json => "push as JSON",
        Form::Protobuf => "push as snappy-protobuf",
    };
    row(&format!("{scale}x {form}"), all, took, TAKEN);
    println!(
        "{scale}x bytes held for each that was pushed\t{:.2}\t",
        logs.bytes() as f64 / all as f64
    );
    Some((logs, router))
}

fn row(name: &str, bytes: usize, took: Duration, bound: &str) {
    let megabytes = bytes as f64 / 1e6;
    let rate = megabytes / took.as_secs_f64();
    println!(
        "{name}\t{rate:.0} MB/s ({megabytes:.0} MB in {:.0} ms)\t{bound}",
        took.as_secs_f64() * 1e3
    );
}

async fn ask(router: &Router, query: &str) -> Option<Duration> {
    let encoded: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
    let request = Request::get(format!("/loki/api/v1/query?query={encoded}"));
    let request = request.body(Body::empty()).ok()?;
    let since = Instant::now();
    let before = busy(since);
    let Ok(answer) = router.clone().oneshot(request).await;
    let took = busy(since).saturating_sub(before);
    assert!(answer.status().is_success(), "{query}: {}", answer.status());
    Some(took)
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    println!("name\tmeasured\tbound");
    let _ = filled(Form::Protobuf, 1).await;
    for scale in [1, 2, 4] {
        let Some((logs, router)) = filled(Form::Json, scale).await else {
            return;
        };
        let selected = |app: &str| -> usize {
            let lines = 0..BATCH * BATCHES * scale;
            match app {
                "user" => lines.map(|n| logfmt_line(n).len()).sum(),
                _ => lines.map(|n| json_line(n).len()).sum(),
            }
        };
        let (user, front) = (selected("user"), selected("front"));
        for (query, bound) in QUERIES {
            let bytes = if query.contains("front") { front } else { user };
            let Some(took) = ask(&router, query).await else {
                return;
            };
            row(&format!("{scale}x {query}"), bytes, took, bound);
        }
        drop(logs);
    }
}
