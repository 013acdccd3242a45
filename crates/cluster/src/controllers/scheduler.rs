//! The scheduler: Pods get a node that is ready and fits their `nodeSelector`.

use serde_json::{Value, json};

use super::conditions;
use crate::objects::{About, EventType, Kind, Objects, meta};

/// Binds a Pod to a node, or says why there is none.
pub(super) fn reconcile(objects: &Objects, namespace: &str, name: &str) {
    let Some(pod) = objects.find(Kind::Pod, namespace, name) else {
        return;
    };
    let bound = !meta::text(&pod, "/spec/nodeName").is_empty();
    if bound || meta::is_terminating(&pod) || meta::has_ended(&pod) {
        return;
    }
    let nodes = objects.list(Kind::Node, None);
    let about = About::of(Kind::Pod, &pod, "default-scheduler");
    let Some(node) = nodes.iter().find(|node| fits(&pod, node)) else {
        let message = format!(
            "0/{} nodes are available: none is ready, schedulable and has the wanted labels.",
            nodes.len()
        );
        let changed = set(objects, &pod, "False", "Unschedulable", &message, None);
        if changed {
            objects.record_event(&about, EventType::Warning, "FailedScheduling", &message);
        }
        return;
    };
    let node = meta::name(node);
    set(objects, &pod, "True", "", "", Some(node));
    let message = format!("Successfully assigned {namespace}/{name} to {node}");
    objects.record_event(&about, EventType::Normal, "Scheduled", &message);
}

fn fits(pod: &Value, node: &Value) -> bool {
    let wanted = pod["spec"]["nodeSelector"].as_object();
    meta::condition_is_true(node, "Ready")
        && node["spec"]["unschedulable"] != true
        && wanted
            .into_iter()
            .flatten()
            .all(|(key, value)| meta::label(node, key) == value.as_str())
}

fn set(
    objects: &Objects,
    pod: &Value,
    status: &str,
    reason: &str,
    message: &str,
    node: Option<&str>,
) -> bool {
    let changed = objects.modify(Kind::Pod, meta::namespace(pod), meta::name(pod), |pod| {
        if let Some(node) = node {
            pod["spec"]["nodeName"] = node.into();
        }
        if !pod["status"].is_object() {
            pod["status"] = json!({});
        }
        conditions::set(&mut pod["status"], "PodScheduled", status, reason, message);
    });
    changed.is_ok_and(|after| meta::revision(&after) != meta::revision(pod))
}
