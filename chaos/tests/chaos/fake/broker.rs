//! The management API of a RabbitMQ in memory, and the port-forward that leads to it.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{Path, Query, Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

use super::Fake;

/// `operator:secret`, as the pod's environment says.
const PASSWORD: &str = "Basic b3BlcmF0b3I6c2VjcmV0";

type Policies = Arc<Mutex<BTreeMap<String, Value>>>;

/// A broker with the queue `shipping-task`.
pub(crate) struct Broker {
    address: SocketAddr,
    policies: Policies,
}

impl Broker {
    pub(crate) async fn start() -> Self {
        let policies = Policies::default();
        let queue = Json(json!({"name": "shipping-task", "messages": 0}));
        let app = Router::new()
            .route("/api/queues/%2F/shipping-task", get(async || queue))
            .route("/api/policies/%2F", get(list))
            .route(
                "/api/policies/%2F/{name}",
                get(show).put(set).delete(drop_policy),
            )
            .layer(middleware::from_fn(authorised))
            .with_state(policies.clone());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("bind");
        let address = listener.local_addr().expect("address");
        tokio::spawn(async move { axum::serve(listener, app).await });
        Self { address, policies }
    }

    pub(crate) fn policy(&self, name: &str) -> Value {
        let policies = self.policies.lock().expect("lock");
        policies.get(name).cloned().unwrap_or_default()
    }

    /// What an operator does.
    pub(crate) fn set_policy(&self, name: &str, policy: Value) {
        let mut policies = self.policies.lock().expect("lock");
        policies.insert(name.to_owned(), policy);
    }
}

async fn authorised(request: Request, next: Next) -> Response {
    match request.headers().get("authorization") {
        Some(value) if value == PASSWORD => next.run(request).await,
        _ => StatusCode::UNAUTHORIZED.into_response(),
    }
}

async fn list(State(policies): State<Policies>) -> Json<Value> {
    Json(policies.lock().expect("lock").values().cloned().collect())
}

async fn show(State(policies): State<Policies>, Path(name): Path<String>) -> Response {
    match policies.lock().expect("lock").get(&name) {
        Some(policy) => Json(policy.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn set(
    State(policies): State<Policies>,
    Path(name): Path<String>,
    Json(mut policy): Json<Value>,
) -> StatusCode {
    policy["name"] = name.clone().into();
    policy["vhost"] = "/".into();
    policies.lock().expect("lock").insert(name, policy);
    StatusCode::CREATED
}

async fn drop_policy(State(policies): State<Policies>, Path(name): Path<String>) -> StatusCode {
    match policies.lock().expect("lock").remove(&name) {
        Some(_) => StatusCode::NO_CONTENT,
        None => StatusCode::NOT_FOUND,
    }
}

/// One port over a WebSocket, as `v4.channel.k8s.io` wants it.
pub(super) async fn forward(
    State(fake): State<Arc<Fake>>,
    Path((_, pod)): Path<(String, String)>,
    Query(query): Query<BTreeMap<String, String>>,
    upgrade: WebSocketUpgrade,
) -> Response {
    assert_eq!(query["ports"], "15672");
    let address = match fake.brokers.lock().expect("lock").get(&pod) {
        Some(broker) => broker.address,
        None => return super::api::not_found(),
    };
    upgrade
        .protocols(["v4.channel.k8s.io"])
        .on_upgrade(move |socket| relay(socket, address))
}

async fn relay(mut socket: WebSocket, to: SocketAddr) {
    for channel in [0, 1] {
        let [low, high] = 15_672_u16.to_le_bytes();
        let begin = Message::Binary(vec![channel, low, high].into());
        socket.send(begin).await.expect("sent");
    }
    let mut stream = TcpStream::connect(to).await.expect("connected");
    let mut piece = vec![0; 65_536];
    loop {
        tokio::select! {
            message = socket.recv() => match message {
                Some(Ok(Message::Binary(bytes))) => stream.write_all(&bytes[1..]).await.expect("written"),
                _ => return,
            },
            read = stream.read(&mut piece) => {
                let mut bytes = vec![0];
                bytes.extend(&piece[..read.expect("read")]);
                if bytes.len() == 1 || socket.send(Message::Binary(bytes.into())).await.is_err() {
                    return;
                }
            }
        }
    }
}
