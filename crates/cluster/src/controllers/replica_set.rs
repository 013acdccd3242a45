//! ReplicaSets: as many Pods as are wanted.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Again, template};
use crate::objects::{About, DeleteOptions, EventType, Kind, Objects, meta};
use crate::selector::LabelSelector;

/// Makes or removes Pods, and counts them.
pub(super) fn reconcile(objects: &Objects, namespace: &str, name: &str) -> Again {
    let set = objects.find(Kind::ReplicaSet, namespace, name)?;
    let selector = LabelSelector::of_workload(&set["spec"]["selector"])?;
    claim(objects, &set, &selector);
    let pods = active(objects, &set);
    if !meta::is_terminating(&set) {
        scale(objects, &set, pods);
    }
    let pods = active(objects, &set);
    let min_ready = meta::number(&set, "/spec/minReadySeconds").unwrap_or(0);
    let ready = pods.iter().filter(|pod| is_ready(pod)).count();
    let waits: Vec<Option<Duration>> = pods
        .iter()
        .map(|pod| until_available(pod, min_ready))
        .collect();
    let available = waits
        .iter()
        .filter(|wait| **wait == Some(Duration::ZERO))
        .count();
    // A set that is gone meanwhile needs no status.
    let _ = objects.modify(Kind::ReplicaSet, namespace, name, |set| {
        let mut status = json!({
            "replicas": pods.len(),
            "observedGeneration": meta::generation(set),
        });
        for (field, count) in [
            ("fullyLabeledReplicas", pods.len()),
            ("readyReplicas", ready),
            ("availableReplicas", available),
        ] {
            if count > 0 {
                status[field] = count.into();
            }
        }
        set["status"] = status;
    });
    waits
        .into_iter()
        .flatten()
        .filter(|wait| !wait.is_zero())
        .min()
}

/// Whether a Pod's condition `Ready` is true.
pub(super) fn is_ready(pod: &Value) -> bool {
    meta::condition_is_true(pod, "Ready")
}

/// The set's Pods that count: neither ended nor on their way out.
pub(super) fn active(objects: &Objects, set: &Value) -> Vec<Arc<Value>> {
    let mut pods = objects.list(Kind::Pod, Some(meta::namespace(set)));
    pods.retain(|pod| {
        meta::is_controlled_by(pod, meta::uid(set))
            && !meta::is_terminating(pod)
            && !meta::has_ended(pod)
    });
    pods
}

/// How long until a Pod is available; nothing when it is not ready.
fn until_available(pod: &Value, min_ready: i64) -> Option<Duration> {
    let ready = super::conditions::get(&pod["status"], "Ready")
        .filter(|condition| condition["status"] == "True")?;
    if min_ready == 0 {
        return Some(Duration::ZERO);
    }
    let since: jiff::Timestamp = meta::text(ready, "/lastTransitionTime").parse().ok()?;
    let at = since
        .checked_add(jiff::SignedDuration::from_secs(min_ready))
        .ok()?;
    let left = at.duration_since(jiff::Timestamp::now());
    Some(Duration::try_from(left).unwrap_or(Duration::ZERO))
}

/// Adopts Pods that match and have no controller; lets go of those that match no more.
fn claim(objects: &Objects, set: &Value, selector: &LabelSelector) {
    for pod in objects.list(Kind::Pod, Some(meta::namespace(set))) {
        let matches = selector.matches(&pod);
        let (namespace, name) = (meta::namespace(&pod), meta::name(&pod));
        if meta::controller(&pod).is_none()
            && matches
            && !meta::is_terminating(&pod)
            && !meta::is_terminating(set)
        {
            // A Pod that is gone meanwhile cannot be adopted.
            let _ = objects.modify(Kind::Pod, namespace, name, |pod| {
                let owner = meta::controller_ref(Kind::ReplicaSet, set);
                let owners = meta::ensure(pod, &["metadata"])
                    .entry("ownerReferences")
                    .or_insert_with(|| json!([]));
                if let Some(owners) = owners.as_array_mut() {
                    owners.push(owner);
                }
            });
        } else if meta::is_controlled_by(&pod, meta::uid(set)) && !matches {
            let _ = objects.modify(Kind::Pod, namespace, name, |pod| {
                if let Some(owners) = pod["metadata"]["ownerReferences"].as_array_mut() {
                    owners.retain(|owner| owner["uid"] != set["metadata"]["uid"]);
                }
            });
        }
    }
}

fn scale(objects: &Objects, set: &Value, mut pods: Vec<Arc<Value>>) {
    let wanted = usize::try_from(meta::number(set, "/spec/replicas").unwrap_or(1)).unwrap_or(0);
    let about = About::of(Kind::ReplicaSet, set, "replicaset-controller");
    for _ in pods.len()..wanted {
        match objects.create(Kind::Pod, template::pod(Kind::ReplicaSet, set)) {
            Ok(pod) => {
                let message = format!("Created pod: {}", meta::name(&pod));
                objects.record_event(&about, EventType::Normal, "SuccessfulCreate", &message);
            }
            Err(error) => {
                let message = format!("Error creating: {error}");
                objects.record_event(&about, EventType::Warning, "FailedCreate", &message);
            }
        }
    }
    if pods.len() <= wanted {
        return;
    }
    pods.sort_by_key(|pod| worth(pod));
    for pod in &pods[..pods.len() - wanted] {
        let deleted = objects.delete(
            Kind::Pod,
            meta::namespace(pod),
            meta::name(pod),
            &DeleteOptions::default(),
        );
        if deleted.is_ok() {
            let message = format!("Deleted pod: {}", meta::name(pod));
            objects.record_event(&about, EventType::Normal, "SuccessfulDelete", &message);
        }
    }
}

/// What goes first sorts first: unbound, then pending, then not ready, then with more restarts, then younger.
fn worth(pod: &Value) -> (bool, bool, bool, i64, std::cmp::Reverse<u64>) {
    let restarts = meta::items(pod, "/status/containerStatuses")
        .iter()
        .map(|status| status["restartCount"].as_i64().unwrap_or(0))
        .max();
    let created: Option<jiff::Timestamp> =
        meta::text(pod, "/metadata/creationTimestamp").parse().ok();
    (
        !meta::text(pod, "/spec/nodeName").is_empty(),
        meta::text(pod, "/status/phase") == "Running",
        is_ready(pod),
        -restarts.unwrap_or(0),
        std::cmp::Reverse(created.map_or(0, |at| u64::try_from(at.as_second()).unwrap_or(0))),
    )
}
