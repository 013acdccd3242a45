//! Kubernetes objects as rows.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{
    ContainerStatus, EndpointAddress, Endpoints, Event, Pod, Service,
};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use model::{Period, Timestamp};

use super::{DeploymentRow, EventRow, PodRow, ServiceRow};

pub(super) fn pod(pod: &Pod, now: Timestamp) -> PodRow {
    let meta = &pod.metadata;
    let statuses = statuses(pod);
    let containers = pod.spec.as_ref().map_or(0, |spec| spec.containers.len());
    let restarts: i32 = statuses.iter().map(|status| status.restart_count).sum();
    let ip = pod.status.as_ref().and_then(|status| status.pod_ip.clone());
    PodRow {
        name: meta.name.clone().unwrap_or_default(),
        ready: count(statuses.iter().filter(|status| status.ready).count()),
        containers: count(containers),
        status: status(pod),
        restarts: u32::try_from(restarts).unwrap_or_default(),
        age: age(meta.creation_timestamp.as_ref(), now),
        address: ip.unwrap_or_default(),
        restarted: restarted(statuses, now),
        labels: meta.labels.clone().unwrap_or_default(),
        usage: None,
    }
}

/// How long ago a container of the pod ended for the last time and was restarted.
fn restarted(statuses: &[ContainerStatus], now: Timestamp) -> Option<Period> {
    let again = statuses.iter().filter(|status| status.restart_count > 0);
    let ends = again.filter_map(|status| {
        let ended = status.last_state.as_ref()?.terminated.as_ref()?;
        ended.finished_at.as_ref()
    });
    ends.map(|end| age(Some(end), now)).min()
}

pub(super) fn deployment(deployment: &Deployment, now: Timestamp) -> DeploymentRow {
    let meta = &deployment.metadata;
    let spec = deployment.spec.as_ref();
    let status = deployment.status.as_ref();
    let number =
        |number: Option<i32>| u32::try_from(number.unwrap_or_default()).unwrap_or_default();
    let pod = spec.and_then(|spec| spec.template.spec.as_ref());
    let first = pod.and_then(|pod| pod.containers.first());
    DeploymentRow {
        name: meta.name.clone().unwrap_or_default(),
        wanted: number(spec.map(|spec| spec.replicas.unwrap_or(1))),
        ready: number(status.and_then(|status| status.ready_replicas)),
        updated: number(status.and_then(|status| status.updated_replicas)),
        available: number(status.and_then(|status| status.available_replicas)),
        age: age(meta.creation_timestamp.as_ref(), now),
        image: first.and_then(|c| c.image.clone()).unwrap_or_default(),
        selector: spec
            .and_then(|spec| spec.selector.match_labels.clone())
            .unwrap_or_default(),
    }
}

pub(super) fn service(service: &Service, behind: Option<&Endpoints>, now: Timestamp) -> ServiceRow {
    let meta = &service.metadata;
    let spec = service.spec.as_ref();
    let ports = spec.and_then(|spec| spec.ports.as_ref()).into_iter();
    let ports = ports.flatten().map(|port| {
        let protocol = port.protocol.as_deref().unwrap_or("TCP");
        format!("{}/{protocol}", port.port)
    });
    let subsets = || behind.and_then(|behind| behind.subsets.as_ref());
    let mut ready = Vec::new();
    let mut unready = 0;
    for subset in subsets().into_iter().flatten() {
        let port = subset.ports.iter().flatten().next().map(|port| port.port);
        let address = |each: &EndpointAddress| match port {
            Some(port) => format!("{}:{port}", each.ip),
            None => each.ip.clone(),
        };
        ready.extend(subset.addresses.iter().flatten().map(address));
        unready += subset.not_ready_addresses.iter().flatten().count();
    }
    ServiceRow {
        name: meta.name.clone().unwrap_or_default(),
        kind: spec
            .and_then(|spec| spec.type_.clone())
            .unwrap_or_else(|| "ClusterIP".to_owned()),
        address: spec
            .and_then(|spec| spec.cluster_ip.clone())
            .unwrap_or_default(),
        ports: ports.collect::<Vec<_>>().join(","),
        ready,
        unready: count(unready),
        age: age(meta.creation_timestamp.as_ref(), now),
    }
}

pub(super) fn event(event: &Event, now: Timestamp) -> EventRow {
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
        age: age(at.as_ref(), now),
        kind: event.type_.clone().unwrap_or_default(),
        reason: event.reason.clone().unwrap_or_default(),
        object: format!("{kind}/{name}"),
        message: event.message.clone().unwrap_or_default(),
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

/// How long ago `at` was; nothing where it is not known.
fn age(at: Option<&Time>, now: Timestamp) -> Period {
    at.map_or(Period::ZERO, |at| now.since(time(Some(at))))
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

    /// The first minute of 2026, at `second`.
    fn at(second: u64) -> Timestamp {
        Timestamp::from_millis(1_767_225_600_000 + second * 1_000)
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
            assert_eq!(pod(&made(state, deleted), at(0)).status, status);
        }
    }

    #[test]
    fn a_pod_s_row_has_what_kubectl_lists() {
        let row = pod(&made(json!({}), None), at(60));
        assert_eq!((row.ready, row.containers, row.restarts), (1, 1, 2));
        assert_eq!(
            (row.name.as_str(), row.address.as_str()),
            ("payment-1", "127.1.0.9")
        );
        assert_eq!(row.age, Period::from_secs(60));
        assert_eq!(row.restarted, Some(Period::ZERO));
        assert_eq!(row.labels.get("name").map(String::as_str), Some("payment"));
    }

    #[test]
    fn a_service_s_row_tells_ready_endpoints_from_those_that_are_not() {
        let made: Service = serde_json::from_value(json!({
            "metadata": { "name": "payment", "creationTimestamp": "2026-01-01T00:00:00Z" },
            "spec": { "clusterIP": "127.9.0.1", "ports": [{ "port": 80, "protocol": "TCP" }] } }))
        .expect("a Service");
        let subset = |key: &str| {
            json!({ "metadata": { "name": "payment" },
            "subsets": [{ key: [{ "ip": "127.1.0.9" }], "ports": [{ "port": 8080 }] }] })
        };
        for (behind, ready, unready) in [
            (subset("addresses"), vec!["127.1.0.9:8080"], 0),
            (subset("notReadyAddresses"), vec![], 1),
            (json!({ "metadata": { "name": "payment" } }), vec![], 0),
        ] {
            let behind: Endpoints = serde_json::from_value(behind).expect("Endpoints");
            let row = service(&made, Some(&behind), at(60));
            assert_eq!(
                (row.ready, row.unready),
                (ready.into_iter().map(str::to_owned).collect(), unready)
            );
            assert_eq!(
                (row.kind.as_str(), row.ports.as_str()),
                ("ClusterIP", "80/TCP")
            );
        }
    }

    #[test]
    fn an_event_s_age_counts_from_when_it_was_last_seen() {
        for (times, age) in [
            (
                json!({ "lastTimestamp": "2026-01-01T00:00:02Z", "eventTime": "2026-01-01T00:00:01.000000Z" }),
                58,
            ),
            (json!({ "eventTime": "2026-01-01T00:00:01.000000Z" }), 59),
            (json!({}), 60),
        ] {
            let mut json = json!({
                "metadata": { "creationTimestamp": "2026-01-01T00:00:00Z" }, "type": "Warning",
                "reason": "BackOff", "message": "restarting", "count": 4,
                "involvedObject": { "kind": "Pod", "name": "payment-1" } });
            if let (Some(into), Some(times)) = (json.as_object_mut(), times.as_object()) {
                into.extend(times.clone());
            }
            let row = event(&serde_json::from_value(json).expect("an Event"), at(60));
            assert_eq!(row.age, Period::from_secs(age));
            assert_eq!(
                (row.object.as_str(), row.kind.as_str()),
                ("pod/payment-1", "Warning")
            );
        }
    }
}
