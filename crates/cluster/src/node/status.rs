//! A Pod's status as kubelet writes it. Pure: from what is known to the API object's `status`.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::lifecycle::{Lifecycle, State, Termination};
use super::spec::{Container, Pod, RestartPolicy, quantity};
use crate::objects::meta;

/// One container as far as its status goes.
pub(crate) struct Seen<'a> {
    pub(crate) spec: &'a Container,
    pub(crate) life: &'a Lifecycle,
}

/// All that a status is made of.
pub(crate) struct View<'a> {
    pub(crate) pod: &'a Pod,
    pub(crate) init: Vec<Seen<'a>>,
    pub(crate) containers: Vec<Seen<'a>>,
    pub(crate) pod_ip: Option<String>,
    pub(crate) host_ip: String,
    pub(crate) start_time: Timestamp,
    /// Reason and message of a pod that the node gave up.
    pub(crate) failure: Option<(String, String)>,
}

/// The status that follows `before`; its conditions keep their times where they stay the same.
pub(crate) fn status(view: &View<'_>, before: &Value, now: Timestamp) -> Value {
    let phase = phase(view);
    let mut status = json!({
        "phase": phase,
        "conditions": conditions(view, phase, before, now),
        "hostIP": view.host_ip,
        "hostIPs": [{ "ip": view.host_ip }],
        "startTime": meta::time(view.start_time),
        "containerStatuses": view.containers.iter().map(container_status).collect::<Vec<_>>(),
        "qosClass": qos_class(view.pod),
    });
    if !view.init.is_empty() {
        status["initContainerStatuses"] = view.init.iter().map(container_status).collect();
    }
    if let Some(ip) = &view.pod_ip {
        status["podIP"] = ip.clone().into();
        status["podIPs"] = json!([{ "ip": ip }]);
    }
    if let Some((reason, message)) = &view.failure {
        status["reason"] = reason.clone().into();
        status["message"] = message.clone().into();
    }
    status
}

/// Kubelet's `getPhase`.
pub(crate) fn phase(view: &View<'_>) -> &'static str {
    if view.failure.is_some() {
        return "Failed";
    }
    if let Some(failed) = view.init.iter().find_map(|one| failed_for_good(one)) {
        return failed;
    }
    if view.init.iter().any(|one| !one.life.is_over()) {
        return "Pending";
    }
    let (mut waiting, mut running, mut stopped, mut succeeded, mut over) = (0, 0, 0, 0, 0);
    for one in &view.containers {
        match one.life.state() {
            State::Running { .. } => running += 1,
            State::Terminated(termination) => {
                stopped += 1;
                succeeded += u32::from(termination.code == 0);
                over += u32::from(one.life.is_over());
            }
            State::Waiting { .. } if one.life.last().is_some() => stopped += 1,
            State::Waiting { .. } => waiting += 1,
        }
    }
    if waiting > 0 {
        "Pending"
    } else if running > 0 || stopped == 0 || over < stopped {
        "Running"
    } else if succeeded == stopped {
        "Succeeded"
    } else {
        "Failed"
    }
}

fn failed_for_good(one: &Seen<'_>) -> Option<&'static str> {
    match one.life.state() {
        State::Terminated(termination) if one.life.is_over() && termination.code != 0 => {
            Some("Failed")
        }
        _ => None,
    }
}

fn conditions(view: &View<'_>, phase: &str, before: &Value, now: Timestamp) -> Value {
    let completed = matches!(phase, "Succeeded" | "Failed");
    let unready = names(view.containers.iter().filter(|one| !one.life.is_ready()));
    let incomplete = names(view.init.iter().filter(|one| !succeeded(one.life)));
    let ready = if completed {
        Err(("PodCompleted", None))
    } else if unready.is_empty() {
        Ok(())
    } else {
        let message = format!("containers with unready status: [{unready}]");
        Err(("ContainersNotReady", Some(message)))
    };
    let initialized = if completed && phase == "Succeeded" {
        Err(("PodCompleted", None))
    } else if incomplete.is_empty() {
        Ok(())
    } else {
        let message = format!("containers with incomplete status: [{incomplete}]");
        Err(("ContainersNotInitialized", Some(message)))
    };
    let has_sandbox = if view.pod_ip.is_some() && !completed {
        Ok(())
    } else {
        Err(("", None))
    };
    let all = [
        ("PodReadyToStartContainers", has_sandbox),
        // A pod that is over was initialized once; the reason says that it is over.
        ("Initialized", initialized),
        ("Ready", ready.clone()),
        ("ContainersReady", ready),
        ("PodScheduled", Ok(())),
    ];
    let old = meta::items(before, "/conditions");
    all.into_iter()
        .map(|(kind, held)| condition(kind, held, old, now))
        .collect()
}

fn condition(
    kind: &str,
    held: Result<(), (&'static str, Option<String>)>,
    old: &[Value],
    now: Timestamp,
) -> Value {
    let is_true = held.is_ok() || (kind == "Initialized" && held == Err(("PodCompleted", None)));
    let word = if is_true { "True" } else { "False" };
    let since = old
        .iter()
        .find(|known| known["type"] == kind && known["status"] == word)
        .map(|known| known["lastTransitionTime"].clone())
        .filter(|time| !time.is_null())
        .unwrap_or_else(|| meta::time(now).into());
    let mut condition = json!({
        "type": kind,
        "status": word,
        "lastProbeTime": null,
        "lastTransitionTime": since,
    });
    if let Err((reason, message)) = held {
        if !reason.is_empty() {
            condition["reason"] = reason.into();
        }
        if let Some(message) = message {
            condition["message"] = message.into();
        }
    }
    condition
}

fn names<'a>(of: impl Iterator<Item = &'a Seen<'a>>) -> String {
    let names: Vec<&str> = of.map(|one| one.spec.name.as_str()).collect();
    names.join(" ")
}

fn succeeded(life: &Lifecycle) -> bool {
    matches!(life.state(), State::Terminated(termination) if termination.code == 0)
}

fn container_status(one: &Seen<'_>) -> Value {
    let Seen { spec, life } = one;
    let mut status = json!({
        "name": spec.name,
        "image": spec.image,
        "imageID": life.container_id().map_or_else(String::new, |_| image_id(&spec.image)),
        "ready": life.is_ready(),
        "restartCount": life.restarts(),
        "started": life.is_started(),
        "state": state(life.state()),
        "lastState": life.last().map_or_else(|| json!({}), |last| json!({ "terminated": terminated(last) })),
    });
    if let Some(id) = life.container_id() {
        status["containerID"] = id.into();
    }
    status
}

fn state(state: &State) -> Value {
    match state {
        State::Waiting { reason, message } => {
            let mut waiting = json!({ "reason": reason });
            if let Some(message) = message {
                waiting["message"] = message.clone().into();
            }
            json!({ "waiting": waiting })
        }
        State::Running { since } => json!({ "running": { "startedAt": meta::time(*since) } }),
        State::Terminated(termination) => json!({ "terminated": terminated(termination) }),
    }
}

fn terminated(termination: &Termination) -> Value {
    let mut value = json!({
        "exitCode": termination.code,
        "reason": termination.reason,
        "startedAt": meta::time(termination.started),
        "finishedAt": meta::time(termination.finished),
        "containerID": termination.container_id,
    });
    if let Some(message) = &termination.message {
        value["message"] = message.clone().into();
    }
    value
}

/// A name for the image's content: its full name and the digest of that.
fn image_id(image: &str) -> String {
    use sha2::{Digest, Sha256};
    let full = super::image::full_name(image);
    let repository = full
        .rsplit_once(':')
        .map_or(full.as_str(), |(name, _)| name);
    format!(
        "{repository}@sha256:{}",
        hex(&Sha256::digest(full.as_bytes()))
    )
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `Guaranteed`, `Burstable` or `BestEffort`, by the resources of all containers.
pub(crate) fn qos_class(pod: &Pod) -> &'static str {
    let containers = || pod.spec.containers.iter().chain(&pod.spec.init_containers);
    let any = containers()
        .any(|one| !one.resources.limits.is_empty() || !one.resources.requests.is_empty());
    let guaranteed = containers().all(|one| {
        ["cpu", "memory"].iter().all(|name| {
            let limit = one.resources.limits.get(*name).and_then(quantity);
            let request = one.resources.requests.get(*name).and_then(quantity);
            limit.is_some() && (request.is_none() || request == limit)
        })
    });
    match (any, guaranteed) {
        (false, _) => "BestEffort",
        (true, true) => "Guaranteed",
        (true, false) => "Burstable",
    }
}

/// The policy of init containers: those of a pod that always restarts are tried until they succeed.
pub(crate) fn init_policy(policy: RestartPolicy) -> RestartPolicy {
    match policy {
        RestartPolicy::Always => RestartPolicy::OnFailure,
        other => other,
    }
}

#[cfg(test)]
mod tests;
