//! How fast spans come in, how much memory they take, and how long questions over them take:
//! `cargo run --release -p store --example traces_speed [spans]`.
//!
//! Rows are `name<TAB>measured<TAB>bound`. Times are those of the clock, the median of five, and
//! of all processors together, the mean: where other work goes on, the clock says little.

#![expect(
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement prints its figures, and stops at what goes wrong"
)]

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Body;
use axum::http::Request;
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};
use prost::Message;
use store::clock::Clock;
use store::logs::Logs;
use store::metrics::Metrics;
use store::traces::{self, Traces};
use store::{Limits, otlp};
use tower::ServiceExt;

/// Spans of a trace, and traces of a request.
const SPANS: u64 = 10;
const TRACES: u64 = 50;

/// Seconds since 1970 at which the first trace starts; ten start in a second.
const START: u64 = 1_760_436_000;

const SERVICES: [&str; 5] = ["front-end", "orders", "payment", "carts", "user"];
const ROUTES: [&str; 4] = ["/orders", "/carts/{id}/items", "/login", "/paymentAuth"];

/// By which ids of traces lie apart.
const SPREAD: u128 = 0x9e37_79b9_7f4a_7c15;

/// Each query with what it is an example of.
const QUERIES: [(&str, &str); 15] = [
    ("service", "{ resource.service.name = `payment` }"),
    ("status", "{ status = error }"),
    ("duration", "{ duration > 99ms }"),
    ("duration, none", "{ duration > 10s }"),
    ("name, none", "{ name = `nothing` }"),
    ("attribute", "{ span.http.response.status_code = 500 }"),
    (
        "attribute, none",
        "{ span.http.response.status_code = 418 }",
    ),
    ("attribute, one", "{ span.shop.order = `order-7777` }"),
    (
        "two attributes",
        "{ resource.service.name = `payment` && span.shop.n = 11 }",
    ),
    ("regex, none", "{ span.http.route =~ `.*nothing` }"),
    (
        "structure",
        "{ resource.service.name = `orders` } >> { status = error }",
    ),
    (
        "structure, none",
        "{ kind = server } >> { kind = client && span.shop.total > 100.5 }",
    ),
    (
        "select",
        "{ status = error } | select(span.http.route, resource.k8s.pod.name)",
    ),
    (
        "count, none",
        "{ kind = server && span.shop.n >= 0 } | count() > 7",
    ),
    (
        "groups, none",
        "{ } | by(resource.service.name) | count() > 3",
    ),
];

/// Metrics queries.
const METRICS: [(&str, &str); 3] = [
    ("rate by service", "{ } | rate() by (resource.service.name)"),
    (
        "quantiles by route",
        "{ } | quantile_over_time(duration, .5, .99) by (span.http.route)",
    ),
    ("rate of errors", "{ status = error } | rate()"),
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
        trace_id: (u128::from(trace) * SPREAD).to_be_bytes().to_vec(),
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

/// The number of a line of `/proc/self/status`, in megabytes.
fn resident() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:"));
    let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse::<u64>().ok());
    kilobytes.unwrap_or(0) / 1024
}

/// What all processors have spent on this process, in steps of 10 ms.
fn spent() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields = stat.rsplit(')').next().unwrap_or_default();
    let ticks = fields.split_whitespace().skip(11).take(2);
    Duration::from_millis(ticks.filter_map(|n| n.parse::<u64>().ok()).sum::<u64>() * 10)
}

/// The store, and its receiver.
struct Measured {
    traces: Arc<Traces>,
    receiver: Router,
    runtime: tokio::runtime::Runtime,
    /// Traces that it has, and the bytes of their messages.
    count: u64,
    bytes: usize,
}

impl Measured {
    fn new() -> Self {
        let limits = Limits {
            traces_bytes: 8 << 30,
            ..Limits::default()
        };
        let clock = Clock::system();
        let traces = Arc::new(Traces::new(&limits, clock));
        Self {
            receiver: otlp::router(
                Arc::new(Logs::new(&limits, clock)),
                Arc::clone(&traces),
                Arc::new(Metrics::new(&limits, clock)),
            ),
            traces,
            runtime: tokio::runtime::Builder::new_current_thread()
                .build()
                .expect("a runtime"),
            count: 0,
            bytes: 0,
        }
    }

    /// Sends the next traces in one way; the time of processors that it took.
    fn fill(&mut self, path: &str, kind: &str, traces: u64) -> Duration {
        let frames = kind == "application/grpc";
        let mut bodies = Vec::new();
        for first in (self.count..self.count + traces).step_by(TRACES as usize) {
            let message = request(first);
            self.bytes += message.len();
            let mut body = Vec::new();
            if frames {
                body.push(0);
                body.extend((message.len() as u32).to_be_bytes());
            }
            body.extend(message);
            bodies.push(body);
        }
        self.count += traces;
        let before = spent();
        for body in bodies {
            let request = Request::post(path)
                .header("content-type", kind)
                .body(Body::from(body))
                .expect("a request");
            let answer = self
                .runtime
                .block_on(self.receiver.clone().oneshot(request));
            assert_eq!(answer.expect("an answer").status(), 200, "{path}");
        }
        spent() - before
    }

    /// The time of the clock and that of processors which an answer takes.
    fn ask(&self, path: &str) -> (Duration, Duration) {
        let before = spent();
        let mut times: Vec<Duration> = (0..5)
            .map(|_| {
                let started = Instant::now();
                let router = traces::router(Arc::clone(&self.traces));
                let request = Request::get(path).body(Body::empty()).expect("a request");
                let answer = self.runtime.block_on(router.oneshot(request));
                let answer = answer.expect("an answer");
                assert_eq!(answer.status(), 200, "{path}");
                let body = axum::body::to_bytes(answer.into_body(), usize::MAX);
                drop(self.runtime.block_on(body).expect("a body"));
                started.elapsed()
            })
            .collect();
        times.sort_unstable();
        (times[2], (spent() - before) / 5)
    }

    /// All questions, each with its name.
    fn questions(&self) -> Vec<(String, String)> {
        let window = format!("start={START}&end={}", START + self.count / 10 + 60);
        let encoded = |query: &str| -> String {
            url::form_urlencoded::byte_serialize(query.as_bytes()).collect()
        };
        let searches = QUERIES.iter().map(|(what, query)| {
            let path = format!("/api/search?q={}&{window}", encoded(query));
            (format!("search: {what}"), path)
        });
        let metrics = METRICS.iter().map(|(what, query)| {
            let query = encoded(query);
            let path = format!("/api/metrics/query_range?q={query}&{window}&step=1m");
            (format!("metrics: {what}"), path)
        });
        let others = [
            ("tags", format!("/api/v2/search/tags?{window}")),
            (
                "values of a tag",
                format!("/api/v2/search/tag/span.http.route/values?{window}"),
            ),
            (
                "values of a tag, filtered",
                format!(
                    "/api/v2/search/tag/span.http.route/values?{window}&q={}",
                    encoded("{ resource.service.name = `orders` }")
                ),
            ),
            (
                "trace by id",
                format!(
                    "/api/v2/traces/{:032x}",
                    u128::from(self.count / 2) * SPREAD
                ),
            ),
        ];
        let others = others.map(|(what, path)| (what.to_owned(), path));
        searches.chain(metrics).chain(others).collect()
    }
}

fn main() {
    let spans: u64 = std::env::args()
        .nth(1)
        .map_or(1_000_000, |n| n.parse().expect("a number"));
    let before = resident();
    let mut measured = Measured::new();
    let mut rows: Vec<(String, Vec<Duration>)> = Vec::new();
    // A quarter, a half and all.
    for (path, kind, part) in [
        ("/v1/traces", "application/x-protobuf", 4),
        (
            "/opentelemetry.proto.collector.trace.v1.TraceService/Export",
            "application/grpc",
            4,
        ),
        ("/v1/traces", "application/x-protobuf", 2),
    ] {
        let sent = spans / part;
        let taken = measured.fill(path, kind, sent / SPANS).as_secs_f64();
        let rate = sent as f64 / taken;
        println!("in: {kind}\t{rate:.0} spans/s for each core\t>= 50000");
        for (at, (what, path)) in measured.questions().into_iter().enumerate() {
            let (clock, spent) = measured.ask(&path);
            if rows.len() <= at {
                rows.push((what, Vec::new()));
            }
            rows[at].1.extend([clock, spent]);
        }
    }
    let held = (resident() - before) << 20;
    println!("memory\t{} bytes for each span\t-", held / spans);
    println!(
        "memory as counted\t{} bytes for each span\t-",
        measured.traces.bytes() as u64 / spans
    );
    println!(
        "protobuf\t{} bytes for each span\t-",
        measured.bytes as u64 / spans
    );
    for (what, times) in rows {
        let ms: Vec<u128> = times.iter().map(Duration::as_millis).collect();
        println!(
            "{what}\t{} ms ({} ms of processors; at a quarter and a half {} and {})\t<= 300 ms",
            ms[4], ms[5], ms[1], ms[3]
        );
    }
}
