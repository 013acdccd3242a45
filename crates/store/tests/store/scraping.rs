//! A whole store beside a small Kubernetes API: pods come, fail, come back and go.

#![expect(clippy::unwrap_used, reason = "helpers of a test fail it by panicking")]

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use bytes::Bytes;
use serde_json::{Value, json};
use store::{Config, KubernetesAccess, Ports, Store};
use tokio::net::TcpListener;
use tokio::sync::Mutex;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio_stream::StreamExt;

/// The API server's side: one list, then what the test sends as watch events.
struct Kubernetes {
    pods: Vec<Value>,
    events: Mutex<Option<UnboundedReceiver<Value>>>,
}

async fn pods(
    State(api): State<Arc<Kubernetes>>,
    Query(query): Query<Vec<(String, String)>>,
) -> Response {
    if !query.iter().any(|(n, _)| n == "watch") {
        return Json(json!({"metadata": {"resourceVersion": "7"}, "items": api.pods}))
            .into_response();
    }
    let Some(mut events) = api.events.lock().await.take() else {
        return StatusCode::GONE.into_response();
    };
    let (sender, lines) = unbounded_channel();
    let forward = async move {
        while let Some(event) = events.recv().await {
            let line = Bytes::from(format!("{event}\n"));
            if sender.send(Ok::<_, std::io::Error>(line)).is_err() {
                return;
            }
        }
    };
    let lines = tokio_stream::wrappers::UnboundedReceiverStream::new(lines);
    let both = lines.merge(futures::stream::StreamExt::filter_map(
        futures::stream::once(forward),
        |()| futures::future::ready(None),
    ));
    Body::from_stream(both).into_response()
}

fn pod(name: &str, port: u16) -> Value {
    json!({
        "metadata": {
            "uid": name, "name": name, "namespace": "sock-shop", "labels": {"name": "carts"},
            "annotations": {"prometheus.io/scrape": "true", "prometheus.io/port": port.to_string()},
        },
        "spec": {"containers": []},
        "status": {"phase": "Running", "podIP": "127.0.0.1"},
    })
}

async fn serve(tasks: &mut JoinSet<()>, router: Router) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    port
}

/// Asks until the answer is as wanted.
async fn until(store: &Store, query: &str, want: &[(&str, &str)]) {
    let url = format!("http://{}/prometheus/api/v1/query", store.addresses().mimir);
    let client = reqwest::Client::new();
    let asking = async {
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        loop {
            tick.tick().await;
            let answer = client
                .get(&url)
                .query(&[("query", query)])
                .send()
                .await
                .unwrap();
            let body: Value = answer.json().await.unwrap();
            let result = body["data"]["result"].as_array().unwrap().clone();
            let mut got: Vec<(&str, &str)> = result
                .iter()
                .map(|r| {
                    (
                        r["metric"]["pod"].as_str().unwrap_or(""),
                        r["value"][1].as_str().unwrap(),
                    )
                })
                .collect();
            got.sort_unstable();
            if got == want {
                return;
            }
        }
    };
    let limit = Duration::from_secs(20);
    assert!(
        tokio::time::timeout(limit, asking).await.is_ok(),
        "{query} did not become {want:?}"
    );
}

#[tokio::test]
async fn pods_are_scraped_while_they_are_there() {
    let mut tasks = JoinSet::new();
    let healthy = Arc::new(AtomicBool::new(true));
    let page = |State(healthy): State<Arc<AtomicBool>>| async move {
        if healthy.load(Ordering::Relaxed) {
            "# TYPE items gauge\nitems{job=\"inner\"} 3\n".into_response()
        } else {
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    };
    let carts = Router::new()
        .route("/metrics", get(page))
        .with_state(Arc::clone(&healthy));
    let carts = serve(&mut tasks, carts).await;
    let (events, receiver) = unbounded_channel();
    // Nothing listens on the second pod's port: it is down from its beginning.
    let api = Arc::new(Kubernetes {
        pods: vec![pod("carts-a", carts), pod("carts-b", 1)],
        events: Mutex::new(Some(receiver)),
    });
    let routes = Router::new()
        .route("/api/v1/pods", get(pods))
        .route(
            "/metrics",
            get(|| async { "kube_pod_info{namespace=\"x\"} 1\n" }),
        )
        .with_state(api);
    let api = serve(&mut tasks, routes).await;
    let store = Store::start(Config {
        ports: Ports::any(),
        scrape_interval: Duration::from_millis(100),
        scrape_timeout: Duration::from_millis(90),
        kubernetes: Some(KubernetesAccess {
            base_url: format!("http://127.0.0.1:{api}"),
            token: "t".to_owned(),
        }),
        ..Config::default()
    })
    .await
    .unwrap();
    let up = "up{job=\"carts\"}";
    until(&store, up, &[("carts-a", "1"), ("carts-b", "0")]).await;
    until(
        &store,
        "items{job=\"carts\",exported_job=\"inner\"}",
        &[("carts-a", "3")],
    )
    .await;
    until(
        &store,
        "kube_pod_info{job=\"kubernetes\",namespace=\"x\"}",
        &[("", "1")],
    )
    .await;
    healthy.store(false, Ordering::Relaxed);
    until(&store, up, &[("carts-a", "0"), ("carts-b", "0")]).await;
    until(&store, "items", &[]).await;
    healthy.store(true, Ordering::Relaxed);
    until(&store, "items", &[("carts-a", "3")]).await;
    events
        .send(json!({"type": "DELETED", "object": pod("carts-a", carts)}))
        .unwrap();
    until(&store, "items", &[]).await;
    until(&store, up, &[("carts-b", "0")]).await;
    events
        .send(json!({"type": "ADDED", "object": pod("carts-c", carts)}))
        .unwrap();
    until(&store, up, &[("carts-b", "0"), ("carts-c", "1")]).await;
    store.stop().await;
    tasks.shutdown().await;
}
