//! What a service's hooks do to its requests, its log and its pool.
#![expect(clippy::expect_used, reason = "a test says what it expects by failing")]

use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use axum::response::Response;
use axum::routing::get;
use instrument::Metrics;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shop_kit::{
    AppError, ConfigError, Context, DbError, Env, ErrorBody, ErrorSite, Release, Service,
};
use shop_stores::{PostgresConfig, PostgresFaults, PostgresServer};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;
use tower::ServiceExt;

const SERVICE: Service = Service {
    name: "toy",
    app,
    errors: shape,
    releases: &[Release::good("v1.0.0")],
};
const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);

fn app(_: Context) -> Result<Router, ConfigError> {
    Ok(Router::new()
        .route("/things/{id}", get(|| async { "a thing" }))
        .route("/health", get(|| async { "OK" })))
}

fn shape(error: &AppError, site: &ErrorSite<'_>) -> ErrorBody {
    ErrorBody {
        content_type: "application/json",
        json: json!({ "said": error.message, "path": site.path, "trace_id": site.trace_id }),
    }
}

/// A service, and the control port of its process.
struct Toy {
    context: Context,
    service: Router,
    control: Router,
}

impl Toy {
    fn new(env: Env) -> Self {
        let metrics = Metrics::new("toy").expect("well-formed families");
        let context = Context::new(env, metrics, Release::good("v1.0.0"));
        let key: String = Sha256::digest("secret")
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect();
        Self {
            service: shop_kit::router(&SERVICE, &context).expect("a toy needs nothing"),
            control: context.hooks().router(Some(&key)),
            context,
        }
    }

    async fn get(&self, path: &str, agent: &str) -> Response {
        let request = Request::get(path).header("user-agent", agent);
        let request = request.body(Body::empty()).expect("a request");
        let service = self.service.clone();
        service.oneshot(request).await.expect("routers do not fail")
    }

    async fn thing(&self) -> Response {
        self.get("/things/1", "customer").await
    }

    async fn control(&self, method: &str, path: &str, key: &str, body: &Value) -> (u16, String) {
        let request = Request::builder().method(method).uri(path);
        let request = request.header("x-lab-key", key);
        let request = request.body(Body::from(body.to_string()));
        let answer = self.control.clone().oneshot(request.expect("a request"));
        let answer = answer.await.expect("routers do not fail");
        (answer.status().as_u16(), text(answer).await)
    }

    async fn arm(&self, hook: &str, args: Value, lease: Duration) {
        let mut body = args;
        body["lease_ms"] = (lease.as_millis() as u64).into();
        let path = format!("/hooks/{hook}");
        let (status, text) = self.control("PUT", &path, "secret", &body).await;
        assert_eq!(status, 200, "{text}");
    }

    async fn end(&self, hook: &str) {
        let path = format!("/hooks/{hook}");
        let (status, text) = self.control("DELETE", &path, "secret", &Value::Null).await;
        assert_eq!(status, 200, "{text}");
    }
}

async fn text(response: Response) -> String {
    let bytes = to_bytes(response.into_body(), 1 << 20).await;
    String::from_utf8(bytes.expect("a body").to_vec()).expect("UTF-8")
}

#[tokio::test(start_paused = true)]
async fn a_deadlock_holds_requests_and_probes_of_pages_but_not_the_health_check() {
    let toy = Toy::new(Env::default());
    let within = |path, agent| timeout(5 * SECOND, toy.get(path, agent));
    toy.arm("deadlock", json!({}), MINUTE).await;
    for agent in ["customer", "kube-probe/1.33"] {
        assert!(within("/things/1", agent).await.is_err(), "{agent}: held");
        for path in ["/health", "/ready", "/metrics"] {
            assert!(within(path, agent).await.is_ok(), "{path}");
        }
    }
    let (answer, ()) = tokio::join!(within("/things/1", "customer"), toy.end("deadlock"));
    assert!(answer.is_ok(), "ended");
    toy.arm("deadlock", json!({}), 3 * SECOND).await;
    assert!(within("/things/1", "customer").await.is_ok(), "the lease");
}

#[tokio::test(start_paused = true)]
async fn slow_holds_a_share_of_the_requests_and_no_probe() {
    let toy = Toy::new(Env::default());
    let took = async |path, agent| {
        let since = Instant::now();
        assert_eq!(toy.get(path, agent).await.status(), StatusCode::OK);
        since.elapsed().as_millis()
    };
    let slow = |share: f64| json!({ "delay_ms": 700, "share": share });
    toy.arm("slow", slow(1.0), MINUTE).await;
    assert_eq!(took("/things/1", "customer").await, 700);
    for path in ["/health", "/ready", "/metrics"] {
        assert_eq!(took(path, "customer").await, 0, "{path}");
    }
    assert_eq!(took("/things/1", "kube-probe/1.33").await, 0);

    toy.arm("slow", slow(0.25), MINUTE).await;
    let mut slowed = 0;
    for _ in 0..40 {
        slowed += u32::from(took("/things/1", "customer").await == 700);
    }
    assert!((9..=11).contains(&slowed), "{slowed} of 40");

    toy.arm("slow", slow(1.0), MINUTE).await;
    let ending = async {
        sleep(SECOND / 10).await;
        toy.end("slow").await;
    };
    let (held, ()) = tokio::join!(took("/things/1", "customer"), ending);
    assert_eq!(held, 100, "whoever waits goes on");
    assert_eq!(took("/things/1", "customer").await, 0, "ended");
    toy.arm("slow", slow(1.0), SECOND).await;
    sleep(2 * SECOND).await;
    assert_eq!(took("/things/1", "customer").await, 0, "the lease");
}

#[tokio::test(start_paused = true)]
async fn errors_fail_a_share_of_the_requests_in_the_services_own_shape() {
    let toy = Toy::new(Env::default());
    toy.arm("errors", json!({ "share": 1.0 }), MINUTE).await;
    let failed = toy.thing().await;
    assert_eq!(failed.status(), StatusCode::INTERNAL_SERVER_ERROR);
    let body: Value = serde_json::from_str(&text(failed).await).expect("JSON");
    assert_eq!(body["path"], "/things/1");
    assert_eq!(body["said"], "Internal Server Error");
    for (path, agent) in [
        ("/health", "customer"),
        ("/ready", "customer"),
        ("/metrics", "customer"),
        ("/things/1", "kube-probe/1.33"),
    ] {
        let answer = toy.get(path, agent).await;
        assert_eq!(answer.status(), StatusCode::OK, "{path} {agent}");
    }
    let metrics = text(toy.get("/metrics", "customer").await).await;
    let counted = r#"http_request_errors_total{method="GET",route="/things/{id}",service="toy",status_code="500"} 1"#;
    assert!(metrics.contains(counted), "{metrics}");

    toy.arm("errors", json!({ "share": 0.5 }), MINUTE).await;
    let mut failed = 0;
    for _ in 0..40 {
        failed += u32::from(toy.thing().await.status().is_server_error());
    }
    assert!((19..=21).contains(&failed), "{failed} of 40");
    toy.end("errors").await;
    assert_eq!(toy.thing().await.status(), StatusCode::OK, "ended");
    toy.arm("errors", json!({ "share": 1.0 }), SECOND).await;
    sleep(2 * SECOND).await;
    assert_eq!(toy.thing().await.status(), StatusCode::OK, "the lease");
}

#[tokio::test]
async fn a_services_hooks_are_there_for_whoever_has_the_key() {
    let toy = Toy::new(Env::default());
    let idle = r#"{"burn":null,"chatter":null,"clock":null,"deadlock":null,"errors":null,"leak":null,"slow":null}"#;
    let get = async |key| toy.control("GET", "/hooks", key, &Value::Null).await;
    assert_eq!(get("secret").await, (200, idle.to_owned()));
    assert_eq!(get("guess").await, (404, String::new()));
    let lease = json!({ "lease_ms": 60_000 });
    let pool = toy.control("PUT", "/hooks/pool", "secret", &lease).await;
    assert_eq!(pool, (404, String::new()), "it has no database");
}

/// A database in a thread and a runtime of its own, so that the tests' clock may stand still.
struct Store {
    url: String,
    metrics: String,
    cancel: CancellationToken,
    thread: Option<std::thread::JoinHandle<()>>,
    _folder: tempfile::TempDir,
}

impl Store {
    fn start() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        let any = "127.0.0.1:0".parse().expect("an address");
        let config = PostgresConfig {
            listen: any,
            metrics: Some(any),
            data: folder.path().to_owned(),
            user: "toy".to_owned(),
            password: "toy".to_owned(),
            database: "toy".to_owned(),
            max_connections: 20,
            statement_timeout: None,
            faults: PostgresFaults::default(),
        };
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        let (told, addresses) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_multi_thread()
                .worker_threads(2)
                .enable_all()
                .build()
                .expect("a runtime");
            runtime.block_on(async move {
                let server = PostgresServer::bind(config).await.expect("a server");
                let addresses = (server.addr().expect("a port"), server.metrics_addr());
                told.send(addresses).expect("the test waits");
                server.serve(stop).await.expect("served");
            });
        });
        let (address, metrics) = addresses.recv().expect("addresses");
        Self {
            url: format!("postgres://toy:toy@{address}/toy"),
            metrics: format!("http://{}/metrics", metrics.expect("metrics")),
            cancel,
            thread: Some(thread),
            _folder: folder,
        }
    }

    /// Waits until so many clients are connected.
    async fn connected(&self, wanted: usize) {
        let line = format!("pg_stat_database_numbackends{{datname=\"toy\"}} {wanted}\n");
        let waited = timeout(10 * SECOND, async {
            loop {
                let answer = reqwest::get(&self.metrics).await.expect("metrics");
                if answer.text().await.expect("text").contains(&line) {
                    return;
                }
            }
        });
        assert!(waited.await.is_ok(), "{wanted} clients");
    }
}

impl Drop for Store {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

#[tokio::test]
async fn an_exhausted_pool_lets_statements_wait_in_vain_until_the_hook_ends() {
    let store = Store::start();
    let env = Env::of([("DATABASE_URL", &store.url), ("DATABASE_POOL", "3")]);
    let toy = Toy::new(env);
    let database = toy.context.database("toy-db", &[]).expect("a URL");
    let statement = async || database.rows("SELECT 1", &[]).await.map(|rows| rows.len());
    let ready = timeout(10 * SECOND, async {
        while !toy.context.readiness().reasons().is_empty() {
            tokio::task::yield_now().await;
        }
    });
    assert!(ready.await.is_ok(), "migrated");
    assert_eq!(statement().await, Ok(1));

    for ending in ["DELETE", "lease"] {
        toy.arm("pool", json!({}), MINUTE).await;
        store.connected(3).await;
        tokio::time::pause();
        let since = Instant::now();
        let error = statement().await.expect_err(ending);
        assert_eq!(error, DbError::Timeout { peer: "toy-db" });
        assert_eq!(
            error.to_string(),
            "toy-db: database connection timeout after 5 s"
        );
        assert_eq!(since.elapsed().as_secs(), 5, "{ending}");
        assert!(database.ping().await.is_err(), "{ending}");
        match ending {
            "DELETE" => toy.end("pool").await,
            _ => sleep(MINUTE).await,
        }
        tokio::time::resume();
        store.connected(0).await;
        assert_eq!(statement().await, Ok(1), "{ending}");
    }
    toy.context.end().await;
}
