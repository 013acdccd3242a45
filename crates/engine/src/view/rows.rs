//! Kubernetes objects as rows.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{ContainerStatus, Event, Pod};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use model::Timestamp;

use super::{DeploymentRow, EventRow, PodRow};

pub(super) fn pod(pod: &Pod) -> PodRow {
    let meta = &pod.metadata;
    let statuses = statuses(pod);
    let containers = pod.spec.as_ref().map_or(0, |spec| spec.containers.len());
    let labels = meta.labels.as_ref();
    let service = labels.and_then(|labels| labels.get("name").cloned());
    let restarts: i32 = statuses.iter().map(|status| status.restart_count).sum();
    let ip = pod.status.as_ref().and_then(|status| status.pod_ip.clone());
    let spec = pod.spec.as_ref();
    let first = spec.and_then(|spec| spec.containers.first());
    PodRow {
        name: meta.name.clone().unwrap_or_default(),
        service: service.unwrap_or_default().into(),
        ready: count(statuses.iter().filter(|status| status.ready).count()),
        containers: count(containers),
        status: status(pod),
        restarts: u32::try_from(restarts).unwrap_or_default(),
        last_end: last_end(statuses),
        created: time(meta.creation_timestamp.as_ref()),
        ip: ip.unwrap_or_default(),
        image: first.and_then(|c| c.image.clone()).unwrap_or_default(),
    }
}

pub(super) fn deployment(deployment: &Deployment) -> DeploymentRow {
    let meta = &deployment.metadata;
    let spec = deployment.spec.as_ref();
    let status = deployment.status.as_ref();
    let number =
        |number: Option<i32>| u32::try_from(number.unwrap_or_default()).unwrap_or_default();
    let pod = spec.and_then(|spec| spec.template.spec.as_ref());
    let first = pod.and_then(|pod| pod.containers.first());
    let annotations = meta.annotations.as_ref();
    let revision = annotations.and_then(|all| all.get("deployment.kubernetes.io/revision"));
    DeploymentRow {
        service: meta.name.clone().unwrap_or_default().into(),
        wanted: number(spec.map(|spec| spec.replicas.unwrap_or(1))),
        ready: number(status.and_then(|status| status.ready_replicas)),
        updated: number(status.and_then(|status| status.updated_replicas)),
        available: number(status.and_then(|status| status.available_replicas)),
        image: first.and_then(|c| c.image.clone()).unwrap_or_default(),
        revision: revision
            .and_then(|text| text.parse().ok())
            .unwrap_or_default(),
        created: time(meta.creation_timestamp.as_ref()),
    }
}

pub(super) fn event(event: &Event) -> EventRow {
    let object = &event.involved_object;
    let kind = object.kind.clone().unwrap_or_default().to_lowercase();
    let name = object.name.clone().unwrap_or_default();
    let micro = event.event_time.as_ref().map(|time| Time(time.0));
    let at = event
        .last_timestamp
        .clone()
        .or(micro)
        .or(event.metadata.creation_timestamp.clone());
    EventRow {
        at: time(at.as_ref()),
        warning: event.type_.as_deref() == Some("Warning"),
        reason: event.reason.clone().unwrap_or_default(),
        object: format!("{kind}/{name}"),
        message: event.message.clone().unwrap_or_default(),
        count: u32::try_from(event.count.unwrap_or(1)).unwrap_or(1),
    }
}

pub(super) fn statuses(pod: &Pod) -> &[ContainerStatus] {
    let status = pod.status.as_ref();
    status
        .and_then(|status| status.container_statuses.as_deref())
        .unwrap_or_default()
}

/// The column STATUS of `kubectl get pods`: why a container does not run, else the phase.
fn status(pod: &Pod) -> String {
    if pod.metadata.deletion_timestamp.is_some() {
        return "Terminating".to_owned();
    }
    let why = statuses(pod).iter().find_map(|status| {
        let state = status.state.as_ref()?;
        let waiting = state
            .waiting
            .as_ref()
            .and_then(|state| state.reason.clone());
        let ended = state.terminated.as_ref();
        waiting.or_else(|| ended.and_then(|state| state.reason.clone()))
    });
    let phase = || pod.status.as_ref().and_then(|status| status.phase.clone());
    why.or_else(phase).unwrap_or_else(|| "Unknown".to_owned())
}

fn last_end(statuses: &[ContainerStatus]) -> Option<(Timestamp, String)> {
    let ended = statuses
        .iter()
        .filter_map(|status| status.last_state.as_ref()?.terminated.as_ref());
    ended
        .map(|ended| {
            let reason = ended.reason.clone().unwrap_or_default();
            (time(ended.finished_at.as_ref()), reason)
        })
        .max_by_key(|(at, _)| *at)
}

pub(super) fn time(time: Option<&Time>) -> Timestamp {
    let millis = time.map_or(0, |time| time.0.as_millisecond());
    Timestamp::from_millis(u64::try_from(millis).unwrap_or_default())
}

fn count(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::{Value, json};

    fn made(state: Value, deleted: Option<&str>) -> Pod {
        serde_json::from_value(json!({
            "metadata": { "name": "payment-1", "labels": { "name": "payment" },
                "creationTimestamp": "2026-01-01T00:00:00Z", "deletionTimestamp": deleted },
            "spec": { "containers": [{ "name": "payment", "image": "shoplab/payment:v1" }] },
            "status": { "phase": "Running", "podIP": "127.1.0.9", "containerStatuses": [{
                "name": "payment", "restartCount": 2, "ready": true, "image": "", "imageID": "",
                "state": state, "lastState": { "terminated": {
                    "exitCode": 137, "reason": "OOMKilled", "finishedAt": "2026-01-01T00:01:00Z" } } }] }
        }))
        .expect("a pod")
    }

    #[test]
    fn a_pod_s_status_is_why_a_container_does_not_run_or_its_phase() {
        let running = json!({ "running": { "startedAt": "2026-01-01T00:01:10Z" } });
        for (state, deleted, status) in [
            (running.clone(), None, "Running"),
            (running, Some("2026-01-01T00:02:00Z"), "Terminating"),
            (
                json!({ "waiting": { "reason": "CrashLoopBackOff" } }),
                None,
                "CrashLoopBackOff",
            ),
            (
                json!({ "terminated": { "exitCode": 1, "reason": "Error" } }),
                None,
                "Error",
            ),
        ] {
            assert_eq!(pod(&made(state, deleted)).status, status);
        }
    }

    #[test]
    fn a_pod_s_row_has_what_kubectl_lists() {
        let row = pod(&made(json!({}), None));
        let at = Timestamp::from_millis(1_767_225_600_000);
        assert_eq!(row.service, "payment");
        assert_eq!((row.ready, row.containers, row.restarts), (1, 1, 2));
        assert_eq!((row.created, row.ip.as_str()), (at, "127.1.0.9"));
        let minute = model::Period::from_secs(60);
        assert_eq!(
            row.last_end,
            Some((at.plus(minute), "OOMKilled".to_owned()))
        );
        assert_eq!(row.age(at.plus(minute)), minute);
    }

    #[test]
    fn an_event_s_time_is_when_it_was_last_seen() {
        for (times, at) in [
            (
                json!({ "lastTimestamp": "2026-01-01T00:00:02Z", "eventTime": "2026-01-01T00:00:01.000000Z" }),
                2,
            ),
            (json!({ "eventTime": "2026-01-01T00:00:01.000000Z" }), 1),
            (json!({}), 0),
        ] {
            let mut json = json!({
                "metadata": { "creationTimestamp": "2026-01-01T00:00:00Z" }, "type": "Warning",
                "reason": "BackOff", "message": "restarting", "count": 4,
                "involvedObject": { "kind": "Pod", "name": "payment-1" } });
            if let (Some(into), Some(times)) = (json.as_object_mut(), times.as_object()) {
                into.extend(times.clone());
            }
            let row = event(&serde_json::from_value(json).expect("an Event"));
            assert_eq!(
                row.at,
                Timestamp::from_millis(1_767_225_600_000 + at * 1_000)
            );
            assert_eq!(
                (row.object.as_str(), row.count, row.warning),
                ("pod/payment-1", 4, true)
            );
        }
    }
}
