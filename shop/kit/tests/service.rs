//! What the kit does around a service: probes, errors, metrics, peers.
#![expect(clippy::expect_used, reason = "a test says what it expects by failing")]

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::routing::get;
use instrument::Metrics;
use serde_json::{Value, json};
use shop_kit::{
    AppError, ConfigError, Context, Env, ErrorBody, ErrorSite, Peer, PeerError, Release, Service,
};
use tokio::net::TcpListener;
use tower::ServiceExt;

const SERVICE: Service = Service {
    name: "toy",
    app,
    errors: shape,
    releases: &[Release::good("v1.0.0")],
};

fn app(_: Context) -> Result<Router, ConfigError> {
    Ok(Router::new()
        .route("/things/{id}", get(|| async { "a thing" }))
        .route(
            "/broken",
            get(|| async { Err::<(), _>(AppError::internal("it broke").because("no screws")) }),
        )
        .route("/health", get(|| async { "OK" })))
}

fn shape(error: &AppError, site: &ErrorSite<'_>) -> ErrorBody {
    ErrorBody {
        content_type: "application/json",
        json: json!({ "said": error.message, "path": site.path, "trace_id": site.trace_id }),
    }
}

fn context() -> Context {
    let metrics = Metrics::new("toy").expect("well-formed families");
    Context::new(Env::default(), metrics, Release::good("v1.0.0"))
}

fn router(context: &Context) -> Router {
    shop_kit::router(&SERVICE, context).expect("a toy needs nothing")
}

async fn ask(router: &Router, path: &str) -> Response {
    let request = Request::get(path).body(Body::empty()).expect("a request");
    router
        .clone()
        .oneshot(request)
        .await
        .expect("routers do not fail")
}

async fn text(response: Response) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 20)
        .await
        .expect("a body");
    String::from_utf8(bytes.to_vec()).expect("UTF-8")
}

#[tokio::test]
async fn requests_are_counted_by_route_and_probes_are_not() {
    let context = context();
    let router = router(&context);
    for path in [
        "/things/1",
        "/things/2",
        "/broken",
        "/nothing",
        "/health",
        "/ready",
        "/metrics",
    ] {
        ask(&router, path).await;
    }
    let probe = Request::get("/things/3").header("user-agent", "kube-probe/1.33");
    let probe = probe.body(Body::empty()).expect("a request");
    router
        .clone()
        .oneshot(probe)
        .await
        .expect("routers do not fail");
    let metrics = text(ask(&router, "/metrics").await).await;
    for line in [
        r#"http_requests_total{method="GET",route="/things/{id}",service="toy",status_code="200"} 2"#,
        r#"http_request_errors_total{method="GET",route="/broken",service="toy",status_code="500"} 1"#,
        r#"request_duration_seconds_count{method="GET",route="none",service="toy",status_code="404"} 1"#,
        r#"http_requests_in_flight{service="toy"} 0"#,
    ] {
        assert!(metrics.contains(line), "{line} is not in\n{metrics}");
    }
    assert!(!metrics.contains("/health"), "{metrics}");
}

#[tokio::test]
async fn an_error_has_the_services_shape_with_the_trace_id() {
    let identity = instrument::ServiceIdentity::named("toy");
    let _telemetry = instrument::init(identity).expect("the only one of this process");
    let router = router(&context());
    let trace = "4bf92f3577b34da6a3ce929d0e0e4736";
    let request =
        Request::get("/broken").header("traceparent", format!("00-{trace}-00f067aa0ba902b7-01"));
    let request = request.body(Body::empty()).expect("a request");
    let response = router.oneshot(request).await.expect("routers do not fail");
    assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body: Value = serde_json::from_str(&text(response).await).expect("JSON");
    assert_eq!(
        body,
        json!({ "said": "it broke", "path": "/broken", "trace_id": trace })
    );
}

#[tokio::test]
async fn ready_says_what_the_service_waits_for() {
    let context = context();
    let router = router(&context);
    assert_eq!(ask(&router, "/ready").await.status(), StatusCode::OK);
    context
        .readiness()
        .wait("toy-db", "connection refused to toy-db:5432");
    let response = ask(&router, "/ready").await;
    assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    assert!(
        text(response)
            .await
            .contains("connection refused to toy-db:5432")
    );
    context.readiness().done("toy-db");
    assert_eq!(ask(&router, "/ready").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn a_peer_that_does_not_answer_is_told_apart() {
    let metrics = Metrics::new("toy").expect("well-formed families");
    let silent = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let silent_at = silent.local_addr().expect("an address");
    let gone = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let gone_at = gone.local_addr().expect("an address");
    drop(gone);
    let peer = |address| {
        let url = format!("http://{address}").parse().expect("a URL");
        Peer::new("payment", &url, metrics.clone())
    };
    let refused = peer(gone_at)
        .get("/")
        .send()
        .await
        .expect_err("nobody listens");
    assert_eq!(refused.to_string(), "connection refused to payment:80");
    let late = peer(silent_at)
        .post("/")
        .timeout(Duration::from_millis(30))
        .send()
        .await
        .expect_err("silence");
    assert_eq!(
        late,
        PeerError::Timeout {
            peer: "payment:80".into(),
            after_ms: 30
        }
    );
    let text = metrics.render();
    for outcome in ["error", "timeout"] {
        let line = format!(
            r#"http_client_requests_total{{outcome="{outcome}",peer="payment",service="toy"}} 1"#
        );
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn a_proxy_that_ends_connections_at_once_refuses_and_one_that_reads_first_breaks_off() {
    let metrics = Metrics::new("toy").expect("well-formed families");
    for (reads, kind) in [(false, "connection_refused"), (true, "connection_broken")] {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let peer = Peer::new("payment", &url.parse().expect("a URL"), metrics.clone());
        let proxy = async {
            loop {
                let (mut stream, _) = listener.accept().await.expect("a connection");
                if reads {
                    let mut byte = [0];
                    drop(tokio::io::AsyncReadExt::read(&mut stream, &mut byte).await);
                }
            }
        };
        let call = peer.get("/").send();
        let error = tokio::select! {
            result = call => result.expect_err("no answer"),
            () = proxy => unreachable!("it accepts for ever"),
        };
        assert_eq!(error.kind(), kind, "{error}");
    }
}
