//! How fast spans come in, how much memory they take, and how long searches over a million of
//! them take: `cargo run --release -p store --example traces_speed [spans]`.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement prints its figures, and stops at what goes wrong"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::Request;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use store::Limits;
use store::clock::Clock;
use store::traces::{self, Traces};
use tower::ServiceExt;

/// Spans of a trace, and traces of a request.
const SPANS: u64 = 10;
const TRACES: u64 = 50;

/// Seconds since 1970 at which the first trace starts; ten start in a second.
const START: u64 = 1_760_436_000;

const SERVICES: [&str; 5] = ["front-end", "orders", "payment", "carts", "user"];
const ROUTES: [&str; 4] = ["/orders", "/carts/{id}/items", "/login", "/paymentAuth"];

/// Each query with what it is an example of.
const QUERIES: [(&str, &str); 9] = [
    ("an intrinsic, found soon", "{ status = error }"),
    ("an intrinsic, never found", "{ name = \"nothing\" }"),
    (
        "an attribute, never found",
        "{ span.http.response.status_code = 418 }",
    ),
    ("a text among all", "{ span.http.route =~ \".*nothing\" }"),
    (
        "two attributes",
        "{ resource.service.name = \"payment\" && span.shop.n = 11 }",
    ),
    ("a rare one", "{ span.shop.order = \"order-77777\" }"),
    (
        "a structure",
        "{ name = \"nothing\" } >> { status = error }",
    ),
    ("an aggregate", "{ kind = server } | count() > 100"),
    ("groups", "{ } | by(resource.service.name) | count() > 100"),
];

fn text(key: &str, value: &str) -> KeyValue {
    pair(key, any_value::Value::StringValue(value.to_owned()))
}

fn pair(key: &str, value: any_value::Value) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(AnyValue { value: Some(value) }),
        ..KeyValue::default()
    }
}

fn span(trace: u64, at: u64) -> Span {
    let start = START * 1_000_000_000 + trace * 100_000_000 + at * 1_000_000;
    let number = (trace * 31 + at * 7) % 1000;
    let route = ROUTES[(number % 4) as usize];
    let bytes = |id: u64| match id {
        0 => Vec::new(),
        id => (trace * SPANS + id).to_be_bytes().to_vec(),
    };
    Span {
        trace_id: (u128::from(trace) * 0x9e37_79b9_7f4a_7c15)
            .to_be_bytes()
            .to_vec(),
        span_id: bytes(at + 1),
        parent_span_id: bytes(at.div_ceil(2)),
        name: format!("GET {route}"),
        kind: 2 + (at % 2) as i32,
        start_time_unix_nano: start,
        end_time_unix_nano: start + (number + 1) * 100_000,
        attributes: vec![
            text("http.request.method", "GET"),
            text("http.route", route),
            text("url.path", &format!("{route}/{}", trace % 1000)),
            pair(
                "http.response.status_code",
                any_value::Value::IntValue(if number == 0 { 500 } else { 200 }),
            ),
            text("server.address", SERVICES[(number % 5) as usize]),
            pair("server.port", any_value::Value::IntValue(8080)),
            text("network.protocol.version", "1.1"),
            text("shop.order", &format!("order-{trace}")),
            pair("shop.n", any_value::Value::IntValue(number as i64)),
            pair(
                "shop.total",
                any_value::Value::DoubleValue(number as f64 / 10.0),
            ),
            pair(
                "shop.premium",
                any_value::Value::BoolValue(number.is_multiple_of(2)),
            ),
        ],
        status: (number == 0).then(|| Status {
            message: "gateway timeout".to_owned(),
            code: 2,
        }),
        ..Span::default()
    }
}

/// A request with all spans of some traces, each service's apart.
fn request(first: u64) -> Vec<u8> {
    let service = |(place, name): (u64, &&str)| ResourceSpans {
        resource: Some(Resource {
            attributes: vec![
                text("service.name", name),
                text("service.namespace", "shop"),
                text("k8s.pod.name", &format!("{name}-0")),
                text("telemetry.sdk.language", "rust"),
            ],
            ..Resource::default()
        }),
        scope_spans: vec![ScopeSpans {
            spans: (first..first + TRACES)
                .flat_map(|trace| (0..SPANS).map(move |at| (trace, at)))
                .filter(|(_, at)| at % 5 == place)
                .map(|(trace, at)| span(trace, at))
                .collect(),
            ..ScopeSpans::default()
        }],
        ..ResourceSpans::default()
    };
    let message = ExportTraceServiceRequest {
        resource_spans: (0..).zip(&SERVICES).map(service).collect(),
    };
    message.encode_to_vec()
}

/// Megabytes of this process in memory.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}

async fn ask(traces: &Arc<Traces>, path: &str) -> Duration {
    let started = Instant::now();
    let router = traces::router(Arc::clone(traces));
    let request = Request::get(path).body(Body::empty()).expect("a request");
    let answer = router.oneshot(request).await.expect("an answer");
    assert_eq!(answer.status(), 200, "{path}");
    let body = axum::body::to_bytes(answer.into_body(), usize::MAX).await;
    drop(body.expect("a body"));
    started.elapsed()
}

fn main() {
    let spans: u64 = std::env::args()
        .nth(1)
        .map_or(1_000_000, |n| n.parse().expect("a number"));
    let limits = Limits {
        traces_bytes: 8 << 30,
        ..Limits::default()
    };
    let traces = Arc::new(Traces::new(&limits, Clock::system()));
    let (mut taken, mut bytes) = (Duration::ZERO, 0);
    let before = resident();
    for first in (0..spans / SPANS).step_by(TRACES as usize) {
        let body = request(first);
        bytes += body.len();
        let started = Instant::now();
        let message = ExportTraceServiceRequest::decode(body.as_slice()).expect("a message");
        traces.push(message.resource_spans).expect("taken");
        taken += started.elapsed();
    }
    let seconds = taken.as_secs_f64();
    println!(
        "in: {spans} spans in {seconds:.2} s, {:.0} spans/s",
        spans as f64 / seconds
    );
    println!(
        "memory: {} MiB of this process for {} MiB of protobuf, counted as {} MiB",
        resident() - before,
        bytes >> 20,
        traces.bytes() >> 20
    );
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let window = format!("start={START}&end={}", START + spans / SPANS / 10 + 60);
    let mut paths: Vec<(&str, String)> = QUERIES
        .iter()
        .map(|(what, query)| {
            let query: String = url::form_urlencoded::byte_serialize(query.as_bytes()).collect();
            (*what, format!("/api/search?q={query}&{window}"))
        })
        .collect();
    paths.push(("rate by service", {
        let query = "%7B%7D%7Crate()by(resource.service.name)";
        format!("/api/metrics/query_range?q={query}&{window}&step=1m")
    }));
    paths.push(("tag values", {
        format!("/api/v2/search/tag/span.http.route/values?{window}")
    }));
    for (what, path) in paths {
        let mut times: Vec<Duration> = (0..5)
            .map(|_| runtime.block_on(ask(&traces, &path)))
            .collect();
        times.sort_unstable();
        println!("{:>6} ms  {what}", times[2].as_millis());
    }
}
