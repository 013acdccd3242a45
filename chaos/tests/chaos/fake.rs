//! A Kubernetes API in memory, with real edges behind its pods' proxy path.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, Weak};

use api::not_found;
use axum::response::{IntoResponse, Response};
pub(crate) use broker::Broker;
use edge::{Config, Edge, Signal, Upstream, Workload, WorkloadError};
use http::Method;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shop_hooks::{Hook, Hooks, Nothing};
use tokio::sync::watch;

mod api;
mod broker;

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
    /// Deployments, Services and autoscalers by their path.
    stored: BTreeMap<String, Value>,
    seen: Vec<Seen>,
    version: u64,
    /// Answer the next patch with a conflict.
    conflicts: usize,
}

/// The fake cluster.
pub(crate) struct Fake {
    objects: Mutex<Objects>,
    edges: Mutex<BTreeMap<String, Edge>>,
    /// What is behind the management port of a pod.
    pub(crate) brokers: Mutex<BTreeMap<String, Arc<Broker>>>,
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
            brokers: Mutex::default(),
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

    pub(crate) fn forget_namespace(&self, namespace: &str) {
        self.objects().labels.remove(namespace);
    }

    /// A client of the API on a socket of its own, so that connections can be upgraded.
    pub(crate) fn client(self: &Arc<Self>) -> kube::Client {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").expect("bind");
        listener.set_nonblocking(true).expect("socket");
        let address = listener.local_addr().expect("address");
        let app = api::app(self.clone());
        tokio::spawn(async move {
            let listener = tokio::net::TcpListener::from_std(listener).expect("listener");
            axum::serve(listener, app).await
        });
        let url = format!("http://{address}").parse().expect("url");
        kube::Client::try_from(kube::Config::new(url)).expect("client")
    }

    /// A broker in `pod`, which gets the variables of its user.
    pub(crate) async fn broker(&self, pod: &str) -> Arc<Broker> {
        let broker = Arc::new(Broker::start().await);
        let mut brokers = self.brokers.lock().expect("lock");
        brokers.insert(pod.to_owned(), broker.clone());
        let user = json!([
            {"name": "RABBITMQ_DEFAULT_USER", "value": "operator"},
            {"name": "RABBITMQ_DEFAULT_PASS", "value": "secret"},
        ]);
        let mut objects = self.objects();
        let pod = objects.pods.get_mut(pod).expect("pod");
        pod["spec"]["containers"][0]["env"] = user;
        broker
    }

    /// A pod of `service` with a real edge that has proxies to `peers`.
    pub(crate) async fn pod(self: &Arc<Self>, name: &str, service: &str, peers: &[&str]) {
        self.pod_with(name, service, peers, hooks()).await;
    }

    /// The same with these hooks in its process.
    pub(crate) async fn pod_with(
        self: &Arc<Self>,
        name: &str,
        service: &str,
        peers: &[&str],
        hooks: Hooks,
    ) {
        let process = Arc::new(Process {
            fake: Arc::downgrade(self),
            pod: name.to_owned(),
            signals: Mutex::default(),
        });
        let loopback = SocketAddr::from(([127, 0, 0, 1], 0));
        let edge = Edge::start(Config {
            control: loopback,
            key: Some(KEY.to_owned()),
            hooks: Some(serve_hooks(&hooks).await),
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
            "spec": {"containers": [{"name": service, "ports": [{"containerPort": 9090}]}]},
            "status": {"containerStatuses": [{
                "name": service, "image": "", "imageID": "", "ready": true, "restartCount": 0,
                "containerID": "run://0", "state": {"running": {}},
            }]},
        });
        self.objects().pods.insert(name.to_owned(), pod);
    }

    pub(crate) fn deployment(&self, name: &str, env: Value) {
        let http = json!({"httpGet": {"path": "/health", "port": 80}, "periodSeconds": 10, "failureThreshold": 3});
        let deployment = json!({
            "apiVersion": "apps/v1", "kind": "Deployment",
            "metadata": {"name": name},
            "spec": {
                "replicas": 2, "selector": {},
                "strategy": {"type": "Recreate"},
                "template": {
                    "metadata": {"annotations": {"prometheus.io/port": "8080"}},
                    "spec": {"containers": [
                        {
                            "name": name, "image": "shop/orders:v1", "env": env,
                            "resources": {
                                "requests": {"cpu": "100m", "memory": "64Mi"},
                                "limits": {"cpu": "300m", "memory": "500Mi"},
                            },
                            "livenessProbe": http, "readinessProbe": http,
                        },
                        {
                            "name": "edge", "image": "edge:v1",
                            "resources": {"requests": {"cpu": "10m", "memory": "8Mi"}},
                        },
                    ]},
                },
            },
        });
        self.store(&deployment_path(name), deployment);
    }

    /// An object of any kind, as applied.
    pub(crate) fn store(&self, path: &str, mut object: Value) {
        let mut objects = self.objects();
        objects.version += 1;
        let (version, last) = (objects.version, path.rsplit('/').next());
        object["metadata"]["uid"] = format!("uid-of-{}", last.expect("name")).into();
        object["metadata"]["resourceVersion"] = format!("v{version}").into();
        objects.stored.insert(path.to_owned(), object);
    }

    /// The object at a path; null where there is none.
    pub(crate) fn stored(&self, path: &str) -> Value {
        self.objects().stored.get(path).cloned().unwrap_or_default()
    }

    /// The part of a Deployment's spec at `pointer`.
    pub(crate) fn spec(&self, name: &str, pointer: &str) -> Value {
        let deployment = self.stored(&deployment_path(name));
        let spec = deployment["spec"].pointer(pointer);
        spec.cloned().unwrap_or_default()
    }

    /// What a responder does to a Deployment.
    pub(crate) fn change(&self, name: &str, pointer: &str, value: Value) {
        self.change_at(&deployment_path(name), pointer, value);
    }

    /// What a responder does to the spec of any object.
    pub(crate) fn change_at(&self, path: &str, pointer: &str, value: Value) {
        let mut objects = self.objects();
        let object = objects.stored.get_mut(path).expect("object");
        *object["spec"].pointer_mut(pointer).expect("part") = value;
    }

    /// What a responder does who deletes an object and makes it anew.
    pub(crate) fn replace(&self, path: &str) {
        let mut objects = self.objects();
        let object = objects.stored.get_mut(path).expect("object");
        object["metadata"]["uid"] = "another".into();
    }

    /// What the platform does: another pod takes the name's place.
    pub(crate) fn replace_pod(&self, name: &str) {
        self.objects().pods.get_mut(name).expect("pod")["metadata"]["uid"] = "another".into();
    }

    pub(crate) fn remove_pod(&self, name: &str) {
        self.objects().pods.remove(name).expect("pod");
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

/// The hooks of a process: real ones, with a real control port.
async fn serve_hooks(hooks: &Hooks) -> SocketAddr {
    let key: String = Sha256::digest(KEY)
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    let router = hooks.router(Some(&key));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("bind");
    let address = listener.local_addr().expect("address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

/// What a service has, and a store's `statements`.
fn hooks() -> Hooks {
    let hooks = Hooks::default();
    hooks.add(&shop_hooks::deadlock());
    hooks.add(&shop_hooks::leak());
    hooks.add(&shop_hooks::burn());
    hooks.add(&shop_hooks::slow());
    hooks.add(&shop_hooks::errors());
    hooks.add(&shop_hooks::statements());
    hooks.add(&shop_hooks::clock(|_| {}));
    hooks.add(&shop_hooks::chatter(&["a line"], |_| {}));
    hooks.add(&Hook::<Nothing>::new("pool"));
    hooks
}

/// Where a Deployment is; the customers are the lab's.
pub(crate) fn deployment_path(name: &str) -> String {
    let namespace = match name {
        "customers" => "shoplab",
        _ => "sock-shop",
    };
    format!("/apis/apps/v1/namespaces/{namespace}/deployments/{name}")
}
