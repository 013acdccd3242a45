//! Loki's HTTP API where a corpus cannot go: limits, overload, costs, compression, tailing.

#![expect(clippy::expect_used, reason = "helpers of a test fail it by panicking")]

use std::io::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::{Value, json};
use store::clock::Clock;
use store::logs::{self, Entry, Experimental, Labels, Logs, LogsConfig};
use tower::ServiceExt;

use crate::support::socket::Socket;

const NOW: i64 = 1_760_436_000;

/// A store, a path below `/loki/api/v1`, parameters, and the answer.
type Case<'a> = (
    &'a Arc<Logs>,
    &'a str,
    &'a [(&'a str, &'a str)],
    u16,
    &'a str,
);

fn store(config: LogsConfig) -> Arc<Logs> {
    Arc::new(Logs::with_config(config, Clock::at(NOW * 1000)))
}

/// Lines, one for each second before now.
fn filled(config: LogsConfig, lines: &[&str]) -> Arc<Logs> {
    let logs = store(config);
    let entries = (0_i64..)
        .zip(lines)
        .map(|(at, line)| Entry {
            ts: (NOW - 60 + at) * 1_000_000_000,
            line: (*line).into(),
            metadata: Vec::new(),
        })
        .collect();
    logs.push(Labels::from([("app", "a")]), entries)
        .expect("taken");
    logs
}

async fn ask(router: Router, request: Request<Body>) -> (StatusCode, HeaderMap, String) {
    let answer = router.oneshot(request).await.expect("an answer");
    let (status, headers) = (answer.status(), answer.headers().clone());
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20)
        .await
        .expect("a body");
    let text = String::from_utf8_lossy(&body).into_owned();
    (status, headers, text)
}

async fn get(logs: &Arc<Logs>, path: &str, params: &[(&str, &str)]) -> (StatusCode, String) {
    let query = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs(params)
        .finish();
    let request = Request::get(format!("/loki/api/v1/{path}?{query}"))
        .body(Body::empty())
        .expect("a request");
    let (status, _, text) = ask(logs::router(Arc::clone(logs)), request).await;
    (status, text)
}

async fn get_json(logs: &Arc<Logs>, path: &str, params: &[(&str, &str)]) -> Value {
    let (status, text) = get(logs, path, params).await;
    assert_eq!(status, StatusCode::OK, "{text}");
    serde_json::from_str(&text).expect("JSON")
}

#[tokio::test]
async fn a_query_beyond_a_limit_is_refused_in_the_words_of_loki() {
    let small = LogsConfig {
        max_query_length: Duration::from_secs(3600),
        max_series: 1,
        max_query_bytes: 100,
        max_matchers: 1,
        ..LogsConfig::default()
    };
    let logs = filled(small, &["x=1", "x=2"]);
    let roomy = filled(
        LogsConfig {
            max_series: 1,
            ..LogsConfig::default()
        },
        &["x=1", "x=2"],
    );
    let (start, end) = ((NOW - 3601).to_string(), NOW.to_string());
    let cases: [Case<'_>; 8] = [
        (
            &logs,
            "query_range",
            &[("query", "{app=\"a\"}"), ("start", &start), ("end", &end)],
            400,
            "the query time range exceeds the limit (query length: 1h0m1s, limit: 1h)",
        ),
        (
            &logs,
            "labels",
            &[],
            400,
            "the query time range exceeds the limit (query length: 6h0m0s, limit: 1h)",
        ),
        (
            &logs,
            "query_range",
            &[("query", "{app=\"a\"}"), ("limit", "5001")],
            400,
            "max entries limit per query exceeded, limit > max_entries_limit_per_query (5001 > 5000)",
        ),
        (
            &logs,
            "query",
            &[("query", "count_over_time({app=\"a\", b=\"c\"}[1m])")],
            400,
            "max streams matchers per query exceeded, matchers-count > limit (2 > 1)",
        ),
        (
            &roomy,
            "query",
            &[("query", "count_over_time({app=\"a\"} | logfmt [5m])")],
            400,
            "maximum number of series (1) reached for a single query; consider reducing query cardinality by adding more specific stream selectors, reducing the time range, or aggregating results with functions like sum(), count() or topk()",
        ),
        (
            &roomy,
            "query",
            &[("query", "approx_topk(1, count_over_time({app=\"a\"}[5m]))")],
            500,
            "approx_topk is not enabled. See -limits.shard_aggregations",
        ),
        (
            &roomy,
            "query_range",
            &[(
                "query",
                "variants(count_over_time({app=\"a\"}[5m])) of ({app=\"a\"}[5m])",
            )],
            400,
            "multi variant queries are disabled for this instance",
        ),
        (
            &roomy,
            "series",
            &[("match[]", "{app=\"a\"} |= \"x\"")],
            400,
            "only label matchers are supported",
        ),
    ];
    for (logs, path, params, status, message) in cases {
        let (found, text) = get(logs, path, params).await;
        assert_eq!((found.as_u16(), text.as_str()), (status, message), "{path}");
    }
    let (status, text) = get(&logs, "query", &[("query", "rate({app=\"a\"}[1m])")]).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(
        text.starts_with("the query would read too many bytes (query: ")
            && text.ends_with(
                " limit: 100 B); consider adding more specific stream selectors or reduce the time range of the query"
            ),
        "{text}"
    );
}

#[tokio::test]
async fn times_at_the_ends_of_what_can_be_said_are_answered() {
    let logs = filled(LogsConfig::default(), &["a=1"]);
    let (least, most) = (i64::MIN.to_string(), i64::MAX.to_string());
    let far = format!("{most}y");
    for (path, query) in [
        ("query_range", "rate({app=\"a\"}[1m])"),
        ("query_range", "{app=\"a\"}"),
        ("index/volume_range", "{app=\"a\"}"),
        ("patterns", "{app=\"a\"}"),
    ] {
        for (start, end, step) in [
            (&least, &most, "1m"),
            (&least, &least, "9223372036"),
            (&most, &most, "9223372036"),
            (&most, &most, &far),
        ] {
            let params = [
                ("query", query),
                ("start", start),
                ("end", end),
                ("step", step),
            ];
            let (status, text) = get(&logs, path, &params).await;
            let known = status == StatusCode::OK || status == StatusCode::BAD_REQUEST;
            assert!(known, "{path} {params:?}: {status} {text}");
        }
        let (status, _) = get(&logs, path, &[("query", query), ("since", &most)]).await;
        assert!(status.is_client_error(), "{path}");
    }
}

#[tokio::test]
async fn what_is_experimental_works_once_it_is_switched_on() {
    let config = LogsConfig {
        experimental: Experimental {
            approx_topk: true,
            variants: true,
        },
        ..LogsConfig::default()
    };
    let logs = filled(config, &["x=1", "x=1", "x=2"]);
    for (query, series) in [
        (
            "approx_topk(1, sum by (x) (count_over_time({app=\"a\"} | logfmt [5m])))",
            json!([[{"x": "1"}, "2"]]),
        ),
        (
            "variants(sum(count_over_time({app=\"a\"}[5m])), sum(bytes_over_time({app=\"a\"}[5m]))) of ({app=\"a\"}[5m])",
            json!([[{"__variant__": "0"}, "3"], [{"__variant__": "1"}, "9"]]),
        ),
    ] {
        let answer = get_json(&logs, "query", &[("query", query)]).await;
        let found: Vec<Value> = answer["data"]["result"]
            .as_array()
            .expect("a list")
            .iter()
            .map(|s| json!([s["metric"], s["value"][1]]))
            .collect();
        assert_eq!(Value::from(found), series, "{query}");
    }
}

#[tokio::test]
async fn an_answer_tells_what_it_cost() {
    let logs = filled(LogsConfig::default(), &["one", "two", "three"]);
    let query = [("query", "{app=\"a\"} |= \"t\"")];
    let answer = get_json(&logs, "query_range", &query).await;
    let summary = &answer["data"]["stats"]["summary"];
    // Each line has `detected_level` and `unknown` beside it.
    for (name, count) in [
        ("totalLinesProcessed", 3),
        ("totalBytesProcessed", 3 + 3 + 5 + 3 * 21),
        ("totalStructuredMetadataBytesProcessed", 3 * 21),
        ("totalPostFilterLines", 2),
        ("totalEntriesReturned", 2),
    ] {
        assert_eq!(summary[name], count, "{name}");
    }
}

#[tokio::test]
async fn patterns_are_found_and_counted() {
    let logs = filled(
        LogsConfig::default(),
        &[
            "order 17 was paid in time",
            "order 18 was paid in time",
            "nothing else to say",
            "order 19 was paid in time",
        ],
    );
    let answer = get_json(&logs, "patterns", &[("query", "{app=\"a\"}")]).await;
    assert_eq!(
        answer["data"][0],
        json!({
            "pattern": "order <_> was paid in time",
            "level": "unknown",
            "samples": [[NOW - 60, 3]],
        })
    );
}

#[tokio::test]
async fn a_push_may_be_compressed_and_has_to_make_sense() {
    let zipped = |text: &str| {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(text.as_bytes()).expect("written");
        encoder.finish().expect("zipped")
    };
    let body = |label: &str| {
        json!({"streams": [{
            "stream": {label: "a"},
            "values": [[format!("{NOW}000000000"), "zipped", {"trace_id": "t"}]],
        }]})
        .to_string()
    };
    let otlp = json!({"resourceLogs": [{
        "resource": {"attributes": [{"key": "service.name", "value": {"stringValue": "s"}}]},
        "scopeLogs": [{"logRecords": [
            {"timeUnixNano": format!("{NOW}000000001"), "body": {"stringValue": "by OTLP"}},
        ]}],
    }]});
    let logs = store(LogsConfig::default());
    for (path, encoding, body, status, message) in [
        ("/loki/api/v1/push", "gzip", zipped(&body("app")), 204, ""),
        ("/otlp/v1/logs", "gzip", zipped(&otlp.to_string()), 204, ""),
        (
            "/loki/api/v1/push",
            "br",
            Vec::new(),
            400,
            "Content-Encoding \"br\" not supported\n",
        ),
        (
            "/loki/api/v1/push",
            "",
            b"{\"streams\":[]}".to_vec(),
            422,
            "error at least one valid stream is required for ingestion\n",
        ),
        (
            "/loki/api/v1/push",
            "",
            body("a-b").into_bytes(),
            400,
            "error parsing labels '{a-b=\"a\"}' with error: 1:3: parse error: unexpected character inside braces: '-'\n",
        ),
    ] {
        let mut request = Request::post(path).header("content-type", "application/json");
        if !encoding.is_empty() {
            request = request.header("content-encoding", encoding);
        }
        let request = request.body(Body::from(body)).expect("a request");
        let (found, _, text) = ask(logs::router(Arc::clone(&logs)), request).await;
        assert_eq!((found.as_u16(), text.as_str()), (status, message), "{path}");
    }
    let lines: Vec<String> = logs
        .select(&[], 0, i64::MAX)
        .iter()
        .flat_map(|s| &s.entries)
        .map(|e| e.line.to_string())
        .collect();
    assert_eq!(lines, ["zipped", "by OTLP"]);
}

#[tokio::test]
async fn whoever_comes_when_there_is_too_much_to_do_is_told_to_come_again() {
    let logs = store(LogsConfig {
        ingestion_rate: Some((10, 10)),
        ..LogsConfig::default()
    });
    let body = json!({"streams": [{
        "stream": {"app": "a"},
        "values": [[format!("{NOW}000000000"), "longer than ten bytes"]],
    }]});
    let request = Request::post("/loki/api/v1/push")
        .header("content-type", "application/json")
        .body(Body::from(body.to_string()))
        .expect("a request");
    let (status, headers, text) = ask(logs::router(logs), request).await;
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(headers["retry-after"], "1");
    assert_eq!(
        text,
        "ingestion rate limit exceeded for user fake (limit: 10 bytes/sec) while attempting to ingest '1' lines totaling '42' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased\n"
    );
}

#[tokio::test]
async fn lines_are_tailed_from_the_past_on_and_with_their_labels_apart() {
    let config = LogsConfig {
        max_tails: 1,
        ..LogsConfig::default()
    };
    let logs = filled(config, &["old x", "other"]);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let router = logs::router(Arc::clone(&logs));
    let server = tokio::spawn(async move {
        axum::serve(listener, router).await.expect("serving");
    });
    let path = "/loki/api/v1/tail?query=%7Bapp%3D%22a%22%7D%20%7C%3D%20%22x%22";
    let mut socket = Socket::open(address, path, "").await;
    let (kind, text) = socket.next().await;
    let message: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(kind, 1);
    assert_eq!(message["streams"][0]["values"][0][1], "old x");
    let entry = |line: &str| Entry {
        ts: NOW * 1_000_000_000,
        line: line.into(),
        metadata: Vec::new(),
    };
    logs.push(
        Labels::from([("app", "a")]),
        vec![entry("no"), entry("new x")],
    )
    .expect("taken");
    let message: Value = serde_json::from_str(&socket.next().await.1).expect("JSON");
    assert_eq!(
        message,
        json!({"streams": [{
            "stream": {"app": "a", "detected_level": "unknown", "service_name": "a"},
            "values": [[format!("{NOW}000000000"), "new x"]],
        }]})
    );
    for (path, reason) in [
        (
            path,
            "max concurrent tail requests limit exceeded, count > limit (2 > 1)",
        ),
        (
            "/loki/api/v1/tail?query=rate(%7Ba%3D%22b%22%7D%5B1m%5D)",
            "only log selector is supported",
        ),
    ] {
        let (kind, text) = Socket::open(address, path, "").await.next().await;
        assert_eq!((kind, text.as_str()), (8, reason));
    }
    server.abort();
}
