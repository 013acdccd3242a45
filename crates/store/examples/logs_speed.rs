//! How fast lines are taken and searched, each on one core:
//! `cargo run --release -p store --example logs_speed`.

#![expect(clippy::print_stdout, reason = "it prints its figures")]

use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use serde_json::json;
use store::clock::Clock;
use store::logs::{self, Logs, LogsConfig};
use tower::ServiceExt;

const NOW: i64 = 1_760_436_000;
/// Lines of a push, and pushes.
const BATCH: usize = 2000;
const BATCHES: usize = 200;

/// A line as a shop's service writes them.
fn line(n: usize) -> String {
    let level = ["info", "info", "info", "warn", "error"][n % 5];
    format!(
        "ts=2025-10-14T09:59:59.{:06}Z caller=middlewares.go:{} method={} user=57a98d98e4b00679b4a8{n:04x} status={} result={} level={level} took={}.{}ms",
        n % 1_000_000,
        n % 97,
        ["Login", "GetCards", "GetUsers", "Health"][n % 4],
        [200, 200, 200, 404, 500][n % 5],
        n % 13,
        n % 977,
        n % 10
    )
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let config = LogsConfig {
        max_bytes: 1 << 30,
        query_timeout: Duration::from_secs(600),
        ..LogsConfig::default()
    };
    let logs = std::sync::Arc::new(Logs::with_config(config, Clock::at(NOW * 1000)));
    let router = logs::router(std::sync::Arc::clone(&logs));
    let mut bodies = Vec::new();
    let mut bytes = 0;
    for batch in 0..BATCHES {
        let values: Vec<_> = (0..BATCH)
            .map(|at| batch * BATCH + at)
            .map(|n| {
                let line = line(n);
                bytes += line.len();
                let ts = (NOW - 3000) * 1_000_000_000 + n as i64 * 1_000_000;
                json!([ts.to_string(), line])
            })
            .collect();
        let stream = json!({"app": "user", "pod": format!("user-{}", batch % 8)});
        bodies.push(json!({"streams": [{"stream": stream, "values": values}]}).to_string());
    }
    let megabytes = bytes as f64 / 1e6;
    let started = Instant::now();
    for body in bodies {
        let request = Request::post("/loki/api/v1/push")
            .header("content-type", "application/json")
            .body(Body::from(body));
        let Ok(request) = request else { return };
        let Ok(answer) = router.clone().oneshot(request).await;
        assert!(answer.status().is_success(), "{}", answer.status());
    }
    let took = started.elapsed().as_secs_f64();
    println!(
        "{:>44}: {megabytes:.0} MB of lines, {:.0} MB/s; {:.2} bytes held for each",
        "pushed as JSON",
        megabytes / took,
        logs.bytes() as f64 / bytes as f64
    );
    for query in [
        "count_over_time({app=\"user\"} |= \"nowhere to be found\" [1h])",
        "sum(count_over_time({app=\"user\"} |= \"error\" [1h]))",
        "sum(count_over_time({app=\"user\"} |~ \"(?i)error|timeout\" [1h]))",
        "sum by (status) (count_over_time({app=\"user\"} |= \"error\" | logfmt [1h]))",
        "sum by (method) (rate({app=\"user\"} | logfmt [1h]))",
        "sum(sum_over_time({app=\"user\"} | logfmt | unwrap duration(took) [1h]))",
    ] {
        let query = url::form_urlencoded::byte_serialize(query.as_bytes()).collect::<String>();
        let started = Instant::now();
        let request = Request::get(format!("/loki/api/v1/query?query={query}")).body(Body::empty());
        let Ok(request) = request else { return };
        let Ok(answer) = router.clone().oneshot(request).await;
        let took = started.elapsed().as_secs_f64();
        let shown: String = url::form_urlencoded::parse(query.as_bytes())
            .map(|(k, v)| {
                if v.is_empty() {
                    k
                } else {
                    format!("{k}={v}").into()
                }
            })
            .collect();
        println!(
            "{}: {shown}: {:.0} ms, {:.0} MB/s",
            answer.status(),
            took * 1e3,
            megabytes / took
        );
    }
}
