//! Which pods there are, as the Kubernetes API's list and watch tell.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use super::kubernetes::{Client, ClientError};

/// All pods known now; replaced as a whole at each change.
pub type Pods = Arc<Vec<Arc<Pod>>>;

/// Follow it with [`watch::Receiver::changed`]; scraping and tailing share one watch.
pub type PodsReceiver = watch::Receiver<Pods>;

/// What collecting needs to know about a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pod {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
    /// `status.podIP`, once there is one.
    pub ip: Option<String>,
    /// `status.phase`.
    pub phase: String,
    /// `spec.nodeName`.
    pub node: String,
    /// One entry per container of the spec, with its state.
    pub containers: Vec<Container>,
}

/// One container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Container {
    /// Its name in the spec.
    pub name: String,
    /// `status.containerStatuses[].containerID`: another one after each restart.
    pub id: String,
    /// `status.containerStatuses[].restartCount`.
    pub restarts: u32,
    /// Whether it runs now.
    pub running: bool,
    /// Whether it has run at least once, so that there are logs to read.
    pub started: bool,
}

/// How long to wait before the next attempt when the API does not answer.
const RETRY: Duration = Duration::from_millis(500);

/// Follows the pods of all namespaces until `stop` is cancelled.
pub async fn run(client: Client, pods: watch::Sender<Pods>, stop: CancellationToken) {
    let mut known = BTreeMap::new();
    while !stop.is_cancelled() {
        let ended = tokio::select! {
            () = stop.cancelled() => return,
            ended = follow(&client, &pods, &mut known) => ended,
        };
        if let Err(error) = ended {
            tracing::debug!(%error, "watching pods failed; trying again");
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(RETRY) => {}
            }
        }
    }
}

type Known = BTreeMap<String, Arc<Pod>>;

/// Lists once, then watches until the API server ends it.
async fn follow(
    client: &Client,
    pods: &watch::Sender<Pods>,
    known: &mut Known,
) -> Result<(), ClientError> {
    let listed = client.get("/api/v1/pods").await?;
    let list: Value = serde_json::from_str(&client.text(listed).await?).unwrap_or(Value::Null);
    known.clear();
    for item in list["items"].as_array().into_iter().flatten() {
        let pod = pod_of(item);
        known.insert(pod.uid.clone(), Arc::new(pod));
    }
    publish(pods, known);
    let version = list["metadata"]["resourceVersion"].as_str().unwrap_or("0");
    let path = format!("/api/v1/pods?watch=true&resourceVersion={version}");
    let mut events = client.get(&path).await?;
    let mut buffer: Vec<u8> = Vec::new();
    while let Some(chunk) = client.chunk(&mut events).await? {
        buffer.extend_from_slice(&chunk);
        let mut changed = false;
        while let Some(end) = buffer.iter().position(|b| *b == b'\n') {
            let line: Vec<u8> = buffer.drain(..=end).collect();
            let Ok(event) = serde_json::from_slice::<Value>(&line) else {
                continue;
            };
            let pod = pod_of(&event["object"]);
            match event["type"].as_str() {
                Some("ADDED" | "MODIFIED") => {
                    known.insert(pod.uid.clone(), Arc::new(pod));
                    changed = true;
                }
                Some("DELETED") => changed |= known.remove(&pod.uid).is_some(),
                // The version is too old, or so: list again.
                Some("ERROR") => return Ok(()),
                _ => {}
            }
        }
        if changed {
            publish(pods, known);
        }
    }
    Ok(())
}

fn publish(pods: &watch::Sender<Pods>, known: &Known) {
    let now: Vec<Arc<Pod>> = known.values().cloned().collect();
    pods.send_if_modified(|before| {
        let changed = **before != now;
        if changed {
            *before = Arc::new(now);
        }
        changed
    });
}

fn pod_of(object: &Value) -> Pod {
    let text = |v: &Value| v.as_str().unwrap_or("").to_owned();
    let map = |v: &Value| {
        v.as_object()
            .map(|m| m.iter().map(|(n, v)| (n.clone(), text(v))).collect())
            .unwrap_or_default()
    };
    let (meta, spec, status) = (&object["metadata"], &object["spec"], &object["status"]);
    let statuses = status["containerStatuses"].as_array();
    let containers = spec["containers"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|c| {
            let name = text(&c["name"]);
            let found = statuses.and_then(|all| all.iter().find(|s| s["name"] == c["name"]));
            let state = found.unwrap_or(&Value::Null);
            let restarts = state["restartCount"].as_u64().unwrap_or(0);
            let running = state["state"]["running"].is_object();
            Container {
                name,
                id: text(&state["containerID"]),
                restarts: u32::try_from(restarts).unwrap_or(u32::MAX),
                running,
                started: running || restarts > 0 || state["state"]["terminated"].is_object(),
            }
        });
    Pod {
        uid: text(&meta["uid"]),
        namespace: text(&meta["namespace"]),
        name: text(&meta["name"]),
        labels: map(&meta["labels"]),
        annotations: map(&meta["annotations"]),
        ip: status["podIP"]
            .as_str()
            .filter(|ip| !ip.is_empty())
            .map(str::to_owned),
        phase: text(&status["phase"]),
        node: text(&spec["nodeName"]),
        containers: containers.collect(),
    }
}
