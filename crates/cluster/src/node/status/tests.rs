//! Phases, conditions and container states.

use serde_json::json;
use tokio::time::Instant;

use super::*;
use crate::node::backoff::BackoffScale;
use crate::node::lifecycle::Identity;

fn pod(policy: &str) -> Pod {
    Pod::read(&json!({
        "metadata": {"name": "p", "namespace": "n", "uid": "u"},
        "spec": {"restartPolicy": policy, "containers": [{"name": "c", "image": "postgres:16"}]}
    }))
    .unwrap()
}

fn life(pod: &Pod) -> Lifecycle {
    let identity = Identity {
        container: "c".into(),
        pod: pod.full_name(),
        image: "postgres:16".into(),
    };
    let policy = pod.spec.restart_policy;
    let container = &pod.spec.containers[0];
    Lifecycle::new(
        identity,
        policy,
        container,
        BackoffScale::default(),
        Instant::now(),
    )
}

fn start(life: &mut Lifecycle) {
    life.attempt(Instant::now());
    life.started(Timestamp::UNIX_EPOCH, "process://1".into());
}

fn end(life: &mut Lifecycle, code: i32) {
    let termination = Termination {
        code,
        reason: if code == 0 { "Completed" } else { "Error" },
        message: None,
        started: Timestamp::UNIX_EPOCH,
        finished: Timestamp::UNIX_EPOCH,
        container_id: "process://1".into(),
    };
    life.exited(termination, Instant::now());
}

fn seen(pod: &Pod, life: &Lifecycle) -> Value {
    let view = View {
        pod,
        init: Vec::new(),
        containers: vec![Seen {
            spec: &pod.spec.containers[0],
            life,
        }],
        pod_ip: Some("127.1.1.2".into()),
        host_ip: "127.1.1.1".into(),
        start_time: Timestamp::UNIX_EPOCH,
        failure: None,
    };
    status(&view, &Value::Null, Timestamp::UNIX_EPOCH)
}

#[test]
fn the_phase_follows_containers_and_restart_policy() {
    for (policy, codes, phase) in [
        ("Always", &[][..], "Running"),
        ("Always", &[0], "Running"),
        ("Always", &[1, 1, 1], "Running"),
        ("OnFailure", &[0], "Succeeded"),
        ("OnFailure", &[1, 0], "Succeeded"),
        ("OnFailure", &[1], "Running"),
        ("Never", &[0], "Succeeded"),
        ("Never", &[3], "Failed"),
    ] {
        let pod = pod(policy);
        let mut life = life(&pod);
        assert_eq!(seen(&pod, &life)["phase"], "Pending");
        start(&mut life);
        for (index, code) in codes.iter().enumerate() {
            if index > 0 {
                start(&mut life);
            }
            end(&mut life, *code);
        }
        assert_eq!(seen(&pod, &life)["phase"], phase, "{policy} {codes:?}");
    }
}

#[test]
fn a_running_container_makes_the_pod_ready() {
    let pod = pod("Always");
    let mut life = life(&pod);
    let before = seen(&pod, &life);
    assert_eq!(before["conditions"][2]["reason"], "ContainersNotReady");
    assert_eq!(
        before["conditions"][2]["message"],
        "containers with unready status: [c]"
    );
    start(&mut life);
    let after = seen(&pod, &life);
    for condition in after["conditions"].as_array().unwrap() {
        assert_eq!(condition["status"], "True", "{condition}");
    }
    let container = &after["containerStatuses"][0];
    assert_eq!(
        container["state"]["running"]["startedAt"],
        "1970-01-01T00:00:00Z"
    );
    assert_eq!(container["containerID"], "process://1");
    assert!(
        container["imageID"]
            .as_str()
            .unwrap()
            .starts_with("docker.io/library/postgres@sha256:")
    );
}

#[test]
fn a_condition_keeps_its_time_while_it_stays_the_same() {
    let pod = pod("Always");
    let life = life(&pod);
    let view = View {
        pod: &pod,
        init: Vec::new(),
        containers: vec![Seen {
            spec: &pod.spec.containers[0],
            life: &life,
        }],
        pod_ip: None,
        host_ip: String::new(),
        start_time: Timestamp::UNIX_EPOCH,
        failure: None,
    };
    let first = status(&view, &Value::Null, Timestamp::UNIX_EPOCH);
    let later = Timestamp::UNIX_EPOCH + jiff::SignedDuration::from_secs(60);
    assert_eq!(status(&view, &first, later), first);
}

#[test]
fn the_class_of_service_follows_the_resources() {
    for (resources, class) in [
        (json!({}), "BestEffort"),
        (json!({"requests": {"cpu": "100m"}}), "Burstable"),
        (
            json!({"limits": {"cpu": "1", "memory": "1Gi"}}),
            "Guaranteed",
        ),
        (
            json!({"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}),
            "Burstable",
        ),
    ] {
        let pod =
            Pod::read(&json!({"spec": {"containers": [{"name": "c", "resources": resources}]}}));
        assert_eq!(qos_class(&pod.unwrap()), class);
    }
}
