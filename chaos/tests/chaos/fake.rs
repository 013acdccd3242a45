//! A Kubernetes API in memory, with real edges behind its pods' proxy path.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Path, Query, Request, State};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, put};
use axum::{Json, Router};
use edge::{Config, Edge, Signal, Upstream, Workload, WorkloadError};
use http::{Method, StatusCode};
use serde_json::{Value, json};
use tokio::sync::watch;

pub(crate) const KEY: &str = "lab-key";

/// What a request was.
#[derive(Clone, Debug)]
pub(crate) struct Seen {
    pub(crate) method: Method,
    pub(crate) path: String,
    pub(crate) body: Value,
}

#[derive(Default)]
struct Objects {
    labels: BTreeMap<String, Value>,
    pods: BTreeMap<String, Value>,
    deployments: BTreeMap<String, Value>,
    seen: Vec<Seen>,
    version: u64,
    /// Answer the next patch with a conflict.
    conflicts: usize,
}

/// The fake cluster.
pub(crate) struct Fake {
    objects: Mutex<Objects>,
    edges: Mutex<BTreeMap<String, Edge>>,
    /// While this is true nothing is answered.
    pub(crate) silent: watch::Sender<bool>,
    /// While this is true changes are made, and their answers wait.
    pub(crate) slow_answers: watch::Sender<bool>,
    /// Read when a change comes in.
    pub(crate) journal: Mutex<Option<std::path::PathBuf>>,
}

/// The main process of a fake pod.
struct Process {
    fake: Weak<Fake>,
    pod: String,
    signals: Mutex<Vec<Signal>>,
}

impl Workload for Process {
    fn signal(&self, signal: Signal) -> Result<(), WorkloadError> {
        let fake = self.fake.upgrade().ok_or(WorkloadError::NotRunning)?;
        self.signals.lock().expect("lock").push(signal);
        if signal == Signal::Kill {
            fake.restart(&self.pod);
        }
        Ok(())
    }
}

impl Fake {
    pub(crate) fn new() -> Arc<Self> {
        let fake = Self {
            objects: Mutex::default(),
            edges: Mutex::default(),
            silent: watch::Sender::new(false),
            slow_answers: watch::Sender::new(false),
            journal: Mutex::default(),
        };
        fake.label("sock-shop", json!({"shoplab.dev/lab": "true"}));
        Arc::new(fake)
    }

    fn objects(&self) -> MutexGuard<'_, Objects> {
        self.objects.lock().expect("lock")
    }

    pub(crate) fn label(&self, namespace: &str, labels: Value) {
        self.objects().labels.insert(namespace.to_owned(), labels);
    }

    pub(crate) fn client(self: &Arc<Self>) -> kube::Client {
        kube::Client::new(app(self.clone()), "sock-shop")
    }

    /// A pod of `service` with a real edge that has proxies to `peers`.
    pub(crate) async fn pod(self: &Arc<Self>, name: &str, service: &str, peers: &[&str]) {
        let process = Arc::new(Process {
            fake: Arc::downgrade(self),
            pod: name.to_owned(),
            signals: Mutex::default(),
        });
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let edge = Edge::start(Config {
            control: loopback,
            key: Some(KEY.to_owned()),
            hooks: Some(hooks().await),
            workload: Some(process),
            seed: 1,
        })
        .await
        .expect("edge");
        for peer in peers {
            let nowhere = Upstream::Address("127.0.0.1:9".to_owned());
            edge.add_proxy(peer, loopback, nowhere)
                .await
                .expect("proxy");
        }
        self.edges
            .lock()
            .expect("lock")
            .insert(name.to_owned(), edge);
        let pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"name": name, "uid": format!("uid-of-{name}"), "labels": {"name": service}},
            "spec": {"containers": []},
            "status": {"containerStatuses": [{
                "name": service, "image": "", "imageID": "", "ready": true, "restartCount": 0,
                "containerID": "run://0", "state": {"running": {}},
            }]},
        });
        self.objects().pods.insert(name.to_owned(), pod);
    }

    pub(crate) fn deployment(&self, name: &str, env: Value) {
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name, "uid": format!("uid-of-{name}"), "resourceVersion": "1"},
            "spec": {
                "replicas": 2, "selector": {},
                "strategy": {"type": "Recreate"},
                "template": {"metadata": {}, "spec": {"containers": [
                    {"name": name, "image": "shop:v1", "env": env},
                    {"name": "edge", "image": "edge:v1"},
                ]}},
            },
        });
        self.objects()
            .deployments
            .insert(name.to_owned(), deployment);
    }

    /// The part of a Deployment's spec at `pointer`.
    pub(crate) fn spec(&self, name: &str, pointer: &str) -> Value {
        let objects = self.objects();
        let spec = &objects.deployments[name]["spec"];
        spec.pointer(pointer).cloned().unwrap_or_default()
    }

    /// What a responder does to a Deployment.
    pub(crate) fn change(&self, name: &str, pointer: &str, value: Value) {
        let mut objects = self.objects();
        let deployment = objects.deployments.get_mut(name).expect("deployment");
        *deployment["spec"].pointer_mut(pointer).expect("part") = value;
    }

    /// What the platform does: another pod takes the name's place.
    pub(crate) fn replace_pod(&self, name: &str) {
        self.objects().pods.get_mut(name).expect("pod")["metadata"]["uid"] = "another".into();
    }

    pub(crate) fn pod_exists(&self, name: &str) -> bool {
        self.objects().pods.contains_key(name)
    }

    /// The main container is another run now.
    pub(crate) fn restart(&self, name: &str) {
        let mut objects = self.objects();
        let pod = objects.pods.get_mut(name).expect("pod");
        let status = &mut pod["status"]["containerStatuses"][0];
        let restarts = status["restartCount"].as_u64().expect("count") + 1;
        status["restartCount"] = restarts.into();
        status["containerID"] = format!("run://{restarts}").into();
    }

    pub(crate) fn restarts(&self, name: &str) -> u64 {
        let objects = self.objects();
        let status = &objects.pods[name]["status"]["containerStatuses"][0];
        status["restartCount"].as_u64().expect("count")
    }

    pub(crate) fn back_off(&self, name: &str) {
        let mut objects = self.objects();
        let pod = objects.pods.get_mut(name).expect("pod");
        pod["status"]["containerStatuses"][0]["state"] =
            json!({"waiting": {"reason": "CrashLoopBackOff"}});
    }

    pub(crate) fn conflict_next(&self) {
        self.objects().conflicts += 1;
    }

    pub(crate) fn seen(&self) -> Vec<Seen> {
        self.objects().seen.clone()
    }

    /// What the pod's edge says at `path`.
    pub(crate) async fn ask_edge(&self, pod: &str, path: &str) -> Value {
        let control = self.edges.lock().expect("lock")[pod].control();
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("client");
        let asked = client.get(format!("http://{control}{path}"));
        let answer = asked.header("x-lab-key", KEY).send().await.expect("answer");
        answer.json().await.expect("json")
    }

    async fn relay(&self, pod: &str, path: &str, request: Seen, key: Option<&str>) -> Response {
        let control = match self.edges.lock().expect("lock").get(pod) {
            Some(edge) => edge.control(),
            None => return not_found(),
        };
        let client = reqwest::Client::builder()
            .no_proxy()
            .build()
            .expect("client");
        let mut relayed = client
            .request(request.method, format!("http://{control}/{path}"))
            .header("content-type", "application/json");
        if let Some(key) = key {
            relayed = relayed.header("x-lab-key", key);
        }
        if !request.body.is_null() {
            relayed = relayed.body(request.body.to_string());
        }
        let answer = relayed.send().await.expect("answer");
        let status = answer.status();
        (status, answer.bytes().await.expect("body")).into_response()
    }
}

/// A service's hooks, as the kit serves them.
async fn hooks() -> SocketAddr {
    let held: Arc<Mutex<Value>> = Arc::default();
    let show = |State(held): State<Arc<Mutex<Value>>>| async move {
        Json(json!({"deadlock": *held.lock().expect("lock")}))
    };
    let lock = |State(held): State<Arc<Mutex<Value>>>, Json(lease): Json<Value>| async move {
        *held.lock().expect("lock") = lease;
    };
    let unlock = |State(held): State<Arc<Mutex<Value>>>| async move {
        *held.lock().expect("lock") = Value::Null;
    };
    let app = Router::new()
        .route("/hooks", get(show))
        .route("/hooks/deadlock", put(lock).delete(unlock))
        .with_state(held);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind");
    let address = listener.local_addr().expect("address");
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

fn app(fake: Arc<Fake>) -> Router {
    let pod = "/api/v1/namespaces/{ns}/pods/{pod}";
    let deployment = "/apis/apps/v1/namespaces/{ns}/deployments/{name}";
    Router::new()
        .route("/api/v1/namespaces/{ns}", get(namespace))
        .route("/api/v1/namespaces/{ns}/pods", get(list_pods))
        .route(pod, get(get_pod).delete(delete_pod))
        .route(&format!("{pod}/proxy/{{*path}}"), any(proxy))
        .route(deployment, get(get_deployment).patch(patch_deployment))
        .layer(axum::middleware::from_fn_with_state(fake.clone(), record))
        .with_state(fake)
}

async fn record(
    State(fake): State<Arc<Fake>>,
    request: Request,
    next: axum::middleware::Next,
) -> Response {
    let mut silent = fake.silent.subscribe();
    let answers = silent.wait_for(|silent| !silent);
    if tokio::time::timeout(Duration::from_secs(60), answers)
        .await
        .is_err()
    {
        return StatusCode::GATEWAY_TIMEOUT.into_response();
    }
    let (parts, body) = request.into_parts();
    let bytes = to_bytes(body, usize::MAX).await.expect("body");
    fake.objects().seen.push(Seen {
        method: parts.method.clone(),
        path: parts.uri.path().to_owned(),
        body: serde_json::from_slice(&bytes).unwrap_or_default(),
    });
    next.run(Request::from_parts(parts, Body::from(bytes)))
        .await
}

fn not_found() -> Response {
    status(404, "NotFound")
}

fn status(code: u16, reason: &str) -> Response {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": reason, "reason": reason, "code": code,
    });
    (StatusCode::from_u16(code).expect("code"), Json(body)).into_response()
}

async fn namespace(State(fake): State<Arc<Fake>>, Path(ns): Path<String>) -> Response {
    match fake.objects().labels.get(&ns) {
        Some(labels) => Json(json!({
            "apiVersion": "v1", "kind": "Namespace",
            "metadata": {"name": ns, "labels": labels},
        }))
        .into_response(),
        None => not_found(),
    }
}

async fn list_pods(
    State(fake): State<Arc<Fake>>,
    Query(query): Query<BTreeMap<String, String>>,
) -> Response {
    let wanted = query["labelSelector"]
        .strip_prefix("name=")
        .expect("selector");
    let objects = fake.objects();
    let pods = objects.pods.values();
    let pods: Vec<&Value> = pods
        .filter(|pod| pod["metadata"]["labels"]["name"] == wanted)
        .collect();
    Json(json!({"apiVersion": "v1", "kind": "PodList", "metadata": {}, "items": pods}))
        .into_response()
}

async fn get_pod(
    State(fake): State<Arc<Fake>>,
    Path((_, pod)): Path<(String, String)>,
) -> Response {
    match fake.objects().pods.get(&pod) {
        Some(pod) => Json(pod.clone()).into_response(),
        None => not_found(),
    }
}

async fn delete_pod(
    State(fake): State<Arc<Fake>>,
    Path((_, pod)): Path<(String, String)>,
) -> Response {
    match fake.objects().pods.remove(&pod) {
        Some(pod) => Json(pod).into_response(),
        None => not_found(),
    }
}

async fn proxy(
    State(fake): State<Arc<Fake>>,
    Path((_, pod, path)): Path<(String, String, String)>,
    method: Method,
    headers: http::HeaderMap,
    body: Bytes,
) -> Response {
    let pod = pod.strip_suffix(":8474").expect("the edge's port");
    let key = headers.get("x-lab-key").and_then(|key| key.to_str().ok());
    let request = Seen {
        method,
        path: path.clone(),
        body: serde_json::from_slice(&body).unwrap_or_default(),
    };
    fake.relay(pod, &path, request, key).await
}

async fn get_deployment(
    State(fake): State<Arc<Fake>>,
    Path((_, name)): Path<(String, String)>,
) -> Response {
    match fake.objects().deployments.get(&name) {
        Some(deployment) => Json(deployment.clone()).into_response(),
        None => not_found(),
    }
}

async fn patch_deployment(
    State(fake): State<Arc<Fake>>,
    path: Path<(String, String)>,
    headers: http::HeaderMap,
    patch: Json<Value>,
) -> Response {
    let mut slow = fake.slow_answers.subscribe();
    let response = patched(&fake, path, &headers, patch);
    slow.wait_for(|slow| !slow).await.expect("the fake lives");
    response
}

fn patched(
    fake: &Fake,
    Path((_, name)): Path<(String, String)>,
    headers: &http::HeaderMap,
    Json(patch): Json<Value>,
) -> Response {
    assert_eq!(headers["content-type"], "application/merge-patch+json");
    if let Some(path) = &*fake.journal.lock().expect("lock") {
        let journal = std::fs::read_to_string(path).expect("journal");
        assert!(journal.contains("injecting"), "journaled before the change");
    }
    let mut objects = fake.objects();
    if objects.conflicts > 0 {
        objects.conflicts -= 1;
        return status(409, "Conflict");
    }
    objects.version += 1;
    let version = objects.version;
    let deployment = objects.deployments.get_mut(&name).expect("deployment");
    let (wanted, present) = (&patch["metadata"], &mut deployment["metadata"]);
    if wanted["resourceVersion"] != present["resourceVersion"] {
        return status(409, "Conflict");
    }
    merge(deployment, &patch);
    deployment["metadata"]["resourceVersion"] = format!("v{version}").into();
    Json(deployment.clone()).into_response()
}

/// RFC 7386.
fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    for (name, change) in changes {
        if change.is_null() {
            target.as_object_mut().expect("object").remove(name);
        } else {
            merge(&mut target[name.as_str()], change);
        }
    }
}
