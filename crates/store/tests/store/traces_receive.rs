//! Spans as exporters send them: over HTTP as protobuf and JSON, compressed or not, and over
//! gRPC; and what comes back of them.
#![expect(clippy::expect_used, reason = "helpers of tests may panic")]

use std::io::Write as _;
use std::sync::Arc;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::{HeaderMap, Request};
use opentelemetry_proto::tonic::collector::trace::v1::ExportTraceServiceRequest;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use prost::Message;
use store::clock::Clock;
use store::logs::Logs;
use store::metrics::Metrics;
use store::traces::{self, TraceLimits, Traces};
use store::{Limits, otlp};
use tower::ServiceExt;

const JSON: &str = "application/json";
const PROTOBUF: &str = "application/x-protobuf";
const GRPC: &str = "/opentelemetry.proto.collector.trace.v1.TraceService/Export";

/// The receiver and what it fills.
fn receiver(limits: TraceLimits) -> (Router, Arc<Traces>) {
    let clock = Clock::at(1_760_436_700_000);
    let limits = Limits {
        traces: limits,
        ..Limits::default()
    };
    let traces = Arc::new(Traces::new(&limits, clock));
    let router = otlp::router(
        Arc::new(Logs::new(&limits, clock)),
        Arc::clone(&traces),
        Arc::new(Metrics::new(&limits, clock)),
    );
    (router, traces)
}

fn request(trace_id: Vec<u8>) -> Vec<u8> {
    let span = Span {
        trace_id,
        span_id: vec![1; 8],
        name: "a".to_owned(),
        start_time_unix_nano: 1_760_436_600_000_000_000,
        end_time_unix_nano: 1_760_436_601_000_000_000,
        ..Span::default()
    };
    let message = ExportTraceServiceRequest {
        resource_spans: vec![ResourceSpans {
            scope_spans: vec![ScopeSpans {
                spans: vec![span],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }],
    };
    message.encode_to_vec()
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    encoder.write_all(bytes).expect("compressed");
    encoder.finish().expect("compressed")
}

async fn body(answer: axum::response::Response) -> Vec<u8> {
    let body = axum::body::to_bytes(answer.into_body(), 1 << 20);
    body.await.expect("a body").to_vec()
}

/// What Tempo's search finds.
async fn search(traces: Arc<Traces>) -> serde_json::Value {
    let path = "/api/search?q=%7B%20name%20%3D%20%22a%22%20%7D";
    let ask = Request::get(path).body(Body::empty()).expect("a request");
    let answer = traces::router(traces)
        .oneshot(ask)
        .await
        .expect("an answer");
    serde_json::from_slice(&body(answer).await).expect("JSON")
}

#[tokio::test]
async fn requests_over_http_are_taken_or_refused() {
    let json = |id: &str| {
        let span = serde_json::json!({
            "traceId": id,
            "spanId": "0101010101010101",
            "name": "a",
            "kind": "SPAN_KIND_SERVER",
            "startTimeUnixNano": 1_760_436_600_000_000_000_u64,
            "endTimeUnixNano": "1760436601000000000",
            "status": {"code": "STATUS_CODE_ERROR"},
        });
        serde_json::json!({"resourceSpans": [{"scopeSpans": [{"spans": [span]}]}]}).to_string()
    };
    let good = request(vec![7; 16]);
    let id = "0".repeat(31) + "7";
    for (kind, encoding, sent, status, answer) in [
        (PROTOBUF, "", good.clone(), 200, ""),
        (PROTOBUF, "gzip", gzip(&good), 200, ""),
        (
            JSON,
            "",
            json(&id).into_bytes(),
            200,
            "{\"partialSuccess\":{}}",
        ),
        (
            JSON,
            "gzip",
            gzip(json(&id).as_bytes()),
            200,
            "{\"partialSuccess\":{}}",
        ),
        (
            JSON,
            "",
            json("0707").into_bytes(),
            400,
            "{\"code\":3,\"message\":\"trace ids must be 128 bit, received 16 bits\"}",
        ),
        (
            JSON,
            "br",
            json(&id).into_bytes(),
            400,
            "{\"code\":3,\"message\":\"unsupported Content-Encoding: br\"}",
        ),
        (
            "text/csv",
            "",
            Vec::new(),
            415,
            "415 unsupported media type, supported: [application/json, application/x-protobuf]",
        ),
    ] {
        let (router, traces) = receiver(TraceLimits::default());
        let post = Request::post("/v1/traces")
            .header("content-type", kind)
            .header("content-encoding", encoding)
            .body(Body::from(sent))
            .expect("a request");
        let got = router.oneshot(post).await.expect("an answer");
        assert_eq!(got.status(), status, "{kind} {encoding}");
        let text = String::from_utf8(body(got).await).expect("a text");
        assert_eq!(text, answer, "{kind} {encoding}");
        let found = search(traces).await["traces"].as_array().map(Vec::len);
        assert_eq!(found, Some(usize::from(status == 200)), "{kind} {encoding}");
    }
}

#[tokio::test]
async fn too_much_at_once_is_told_to_come_later() {
    let (router, _) = receiver(TraceLimits {
        bytes_per_second: 10,
        burst_bytes: 10,
        ..TraceLimits::default()
    });
    let post = Request::post("/v1/traces")
        .header("content-type", PROTOBUF)
        .body(Body::from(request(vec![7; 16])))
        .expect("a request");
    let answer = router.oneshot(post).await.expect("an answer");
    assert_eq!(answer.status(), 429);
    assert_eq!(answer.headers()["retry-after"], "1");
    let text = String::from_utf8_lossy(&body(answer).await).into_owned();
    assert!(
        text.contains("RATE_LIMITED: ingestion rate limit (local: 10 bytes/s"),
        "{text}"
    );
}

/// One call over HTTP/2: the headers of the answer and its trailers.
async fn call(address: std::net::SocketAddr, message: &[u8], encoding: &str) -> HeaderMap {
    let stream = tokio::net::TcpStream::connect(address)
        .await
        .expect("a connection");
    let (client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let driver = tokio::spawn(connection);
    let ask = Request::post(format!("http://{address}{GRPC}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .header("grpc-encoding", encoding)
        .body(())
        .expect("a request");
    let mut client = client.ready().await.expect("ready");
    let (answer, mut sender) = client.send_request(ask, false).expect("sent");
    let mut frame = vec![u8::from(encoding == "gzip")];
    frame.extend((message.len() as u32).to_be_bytes());
    frame.extend(message);
    sender.send_data(Bytes::from(frame), true).expect("sent");
    let answer = answer.await.expect("an answer");
    let mut all = answer.headers().clone();
    let mut body = answer.into_body();
    while let Some(data) = body.data().await {
        drop(data.expect("data"));
    }
    all.extend(body.trailers().await.expect("trailers").unwrap_or_default());
    driver.abort();
    all
}

#[tokio::test]
async fn requests_over_grpc_are_taken_or_refused() {
    let (router, traces) = receiver(TraceLimits::default());
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let address = listener.local_addr().expect("an address");
    let mut servers = tokio::task::JoinSet::new();
    servers.spawn(async move { axum::serve(listener, router).await.expect("serving") });
    let good = request(vec![7; 16]);
    for (message, encoding, code, text) in [
        (good.clone(), "identity", "0", None),
        (gzip(&good), "gzip", "0", None),
        (
            request(vec![7; 8]),
            "identity",
            "3",
            Some("trace ids must be 128 bit, received 64 bits"),
        ),
    ] {
        let headers = call(address, &message, encoding).await;
        assert_eq!(headers["content-type"], "application/grpc");
        assert_eq!(headers["grpc-status"], code, "{headers:?}");
        let told = headers
            .get("grpc-message")
            .map(|m| m.to_str().expect("a text"));
        assert_eq!(told, text);
    }
    let found = search(traces).await;
    assert_eq!(found["traces"][0]["traceID"], "07".repeat(16)[1..]);
}
