//! The node with a fake runtime and a paused clock: what a pod's object shows in each case.

use std::time::Duration;

use serde_json::json;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, timeout};

use super::fake::{FakeContainer, FakeRuntime};
use super::runtime::{ProbeReply, Signal};
use super::*;
use crate::objects::DeleteOptions;

/// A node and its world.
struct Lab {
    objects: Objects,
    runtime: FakeRuntime,
    started: UnboundedReceiver<FakeContainer>,
    node: Node,
    _dir: tempfile::TempDir,
}

const NAME: &str = "shoplab";

fn lab() -> Lab {
    let dir = tempfile::tempdir().unwrap();
    let objects = Objects::new();
    let (runtime, started) = FakeRuntime::new();
    let config = Config {
        lock_dir: dir.path().join("locks"),
        images: vec![ImageRule {
            pattern: "shoplab/{shop}/{service}:{release}".into(),
            program: "/bin/shoplab".into(),
            args: vec!["shop".into(), "{shop}/{service}".into()],
            env: vec![("SHOP_RELEASE".into(), "{release}".into())],
        }],
        lab_key: Some("key".into()),
        ..Config::new(dir.path())
    };
    let node = Node::start_with(
        objects.clone(),
        config,
        Arc::new(runtime.clone()),
        &CancellationToken::new(),
    )
    .unwrap();
    Lab {
        objects,
        runtime,
        started,
        node,
        _dir: dir,
    }
}

/// A pod of one container, with more in its spec and in the container's.
fn pod(container: Value, spec: Value) -> Value {
    let mut pod = json!({
        "metadata": {"name": "carts-1", "namespace": "shop", "labels": {"name": "carts"}},
        "spec": {
            "nodeName": NAME,
            "terminationGracePeriodSeconds": 10,
            "containers": [{"name": "carts", "image": "shoplab/sock-shop/carts:v1"}],
        },
    });
    let merge = |into: &mut Value, from: Value| {
        for (key, value) in from.as_object().unwrap() {
            into[key] = value.clone();
        }
    };
    merge(&mut pod["spec"]["containers"][0], container);
    merge(&mut pod["spec"], spec);
    pod
}

impl Lab {
    fn create(&self, pod: Value) {
        self.objects.create(Kind::Pod, pod).unwrap();
    }

    async fn started(&mut self) -> FakeContainer {
        let next = timeout(Duration::from_secs(900), self.started.recv());
        next.await.expect("a container starts").unwrap()
    }

    fn pod(&self) -> Arc<Value> {
        self.objects.get(Kind::Pod, "shop", "carts-1").unwrap()
    }

    /// Waits until the pod is as wanted.
    async fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Arc<Value> {
        let mut watch = self.objects.watch(Kind::Pod, None).unwrap();
        let look = async {
            while !wanted(&self.pod()) {
                watch.next().await.unwrap();
            }
        };
        let seen = timeout(Duration::from_secs(900), look).await;
        assert!(seen.is_ok(), "never {what}: {:#}", self.pod()["status"]);
        self.pod()
    }

    async fn gone(&self) {
        let mut watch = self.objects.watch(Kind::Pod, None).unwrap();
        while self.objects.find(Kind::Pod, "shop", "carts-1").is_some() {
            watch.next().await.unwrap();
        }
    }

    /// Waits for an Event.
    async fn until_event(&self, reason: &str) {
        let mut watch = self.objects.watch(Kind::Event, None).unwrap();
        let look = async {
            while self.events(reason).is_empty() {
                watch.next().await.unwrap();
            }
        };
        let seen = timeout(Duration::from_secs(900), look).await;
        assert!(seen.is_ok(), "no event {reason}");
    }

    fn events(&self, reason: &str) -> Vec<String> {
        let events = self.objects.list(Kind::Event, Some("shop"));
        events
            .iter()
            .filter(|event| event["reason"] == reason)
            .map(|event| meta::text(event, "/message").to_owned())
            .collect()
    }
}

fn container(pod: &Value) -> &Value {
    &pod["status"]["containerStatuses"][0]
}

fn is_ready(pod: &Value) -> bool {
    meta::condition_is_true(pod, "Ready")
}

fn value<'a>(container: &'a FakeContainer, name: &str) -> Option<&'a str> {
    let mut env = container.spec.env.iter();
    env.find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

#[tokio::test(start_paused = true)]
async fn a_pod_runs_its_image_with_its_own_environment_and_is_ready() {
    let mut lab = lab();
    lab.create(pod(
        json!({"args": ["--at", "$(POD_IP)"], "env": [
            {"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}
        ]}),
        json!({}),
    ));
    let started = lab.started().await;
    let pod = lab.until("ready", is_ready).await;
    let ip = meta::text(&pod, "/status/podIP");
    assert_eq!(
        started.spec.command,
        ["/bin/shoplab", "shop", "sock-shop/carts", "--at", ip]
    );
    assert_eq!(value(&started, "SHOP_RELEASE"), Some("v1"));
    assert_eq!(value(&started, "CONTROL_PORT"), Some("8475"));
    assert_eq!(
        value(&started, "CONTROL_KEY_SHA256"),
        Some("2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683")
    );
    assert_eq!(value(&started, "HOSTNAME"), Some("carts-1"));
    assert_eq!(value(&started, "HOME"), None);
    assert_eq!(pod["status"]["phase"], "Running");
    assert_eq!(pod["status"]["hostIP"], lab.node.ip().to_string());
    for (reason, message) in [
        (
            "Pulled",
            "Container image \"shoplab/sock-shop/carts:v1\" already present on machine",
        ),
        ("Created", "Created container: carts"),
        ("Started", "Started container carts"),
    ] {
        assert_eq!(lab.events(reason), [message]);
    }
}

#[tokio::test(start_paused = true)]
async fn a_crashing_container_goes_into_crash_loop_back_off_and_comes_back() {
    let mut lab = lab();
    lab.create(pod(json!({}), json!({})));
    lab.started().await.end(1);
    lab.started().await.end(1);
    let pod = lab
        .until("in back-off", |pod| {
            container(pod)["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        })
        .await;
    assert_eq!(container(&pod)["restartCount"], 1);
    assert_eq!(container(&pod)["lastState"]["terminated"]["exitCode"], 1);
    assert_eq!(
        container(&pod)["lastState"]["terminated"]["reason"],
        "Error"
    );
    assert_eq!(pod["status"]["phase"], "Running");
    assert!(!is_ready(&pod));
    let before = Instant::now();
    lab.started().await.end_by_memory();
    assert_eq!(before.elapsed().as_secs(), 10);
    lab.started().await;
    assert_eq!(before.elapsed().as_secs(), 30);
    let pod = lab.until("running again", is_ready).await;
    assert_eq!(container(&pod)["restartCount"], 3);
    assert_eq!(
        container(&pod)["lastState"]["terminated"]["reason"],
        "OOMKilled"
    );
    assert_eq!(container(&pod)["lastState"]["terminated"]["exitCode"], 137);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_image_is_never_started() {
    let lab = lab();
    lab.create(pod(json!({"image": "nothing:1"}), json!({})));
    let reason = |wanted: &'static str| {
        move |pod: &Value| container(pod)["state"]["waiting"]["reason"] == wanted
    };
    lab.until("refused", reason("ErrImagePull")).await;
    let pod = lab.until("in back-off", reason("ImagePullBackOff")).await;
    assert_eq!(
        container(&pod)["state"]["waiting"]["message"],
        "Back-off pulling image \"nothing:1\""
    );
    assert_eq!(pod["status"]["phase"], "Pending");
    assert_eq!(lab.events("Pulling"), ["Pulling image \"nothing:1\""]);
    assert!(
        lab.events("Failed")
            .contains(&"Error: ErrImagePull".to_owned())
    );
    assert_eq!(container(&pod)["restartCount"], 0);
}

#[tokio::test(start_paused = true)]
async fn readiness_follows_its_probe_and_liveness_restarts() {
    let mut lab = lab();
    lab.runtime.answer(80, ProbeReply::Status(503));
    let probe = |path: &str, threshold: u32| json!({"httpGet": {"path": path, "port": "http"}, "periodSeconds": 1, "failureThreshold": threshold});
    lab.create(pod(
        json!({
            "ports": [{"name": "http", "containerPort": 80}],
            "readinessProbe": probe("/ready", 2),
            "livenessProbe": {"tcpSocket": {"port": 81}, "periodSeconds": 1, "failureThreshold": 3},
        }),
        json!({}),
    ));
    let first = lab.started().await;
    let pod = lab
        .until("running", |pod| pod["status"]["phase"] == "Running")
        .await;
    assert!(!is_ready(&pod));
    lab.until_event("Unhealthy").await;
    lab.runtime.answer(80, ProbeReply::Status(200));
    lab.until("ready", is_ready).await;
    lab.runtime.answer(
        81,
        ProbeReply::Unreachable("dial tcp: connection refused".into()),
    );
    let again = lab.started().await;
    assert_eq!(*first.signals().borrow(), [Signal::Terminate]);
    assert!(again.signals().borrow().is_empty());
    assert_eq!(
        lab.events("Killing"),
        ["Container carts failed liveness probe, will be restarted"]
    );
    let unhealthy = lab.events("Unhealthy");
    assert!(
        unhealthy
            .contains(&"Readiness probe failed: HTTP probe failed with statuscode: 503".to_owned())
    );
    assert!(unhealthy.contains(&"Liveness probe failed: dial tcp: connection refused".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_deleted_pod_is_unready_at_once_and_gone_when_its_container_has_ended() {
    let mut lab = lab();
    lab.runtime.ignore_terminate();
    lab.create(pod(
        json!({"lifecycle": {"preStop": {"exec": {}}}}),
        json!({}),
    ));
    let started = lab.started().await;
    lab.until("ready", is_ready).await;
    let before = Instant::now();
    let options = DeleteOptions::default();
    lab.objects
        .delete(Kind::Pod, "shop", "carts-1", &options)
        .unwrap();
    lab.until("unready", |pod| !is_ready(pod)).await;
    assert_eq!(before.elapsed().as_secs(), 0);
    lab.gone().await;
    assert_eq!(before.elapsed().as_secs(), 10);
    assert_eq!(
        *started.signals().borrow(),
        [Signal::Terminate, Signal::Kill]
    );
    assert_eq!(lab.events("Killing"), ["Stopping container carts"]);
    assert_eq!(lab.events("FailedPreStopHook").len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_delete_with_no_grace_kills_at_once() {
    let mut lab = lab();
    lab.runtime.ignore_terminate();
    lab.create(pod(json!({}), json!({})));
    let started = lab.started().await;
    let options = DeleteOptions {
        grace_seconds: Some(0),
        ..DeleteOptions::default()
    };
    lab.objects
        .delete(Kind::Pod, "shop", "carts-1", &options)
        .unwrap();
    let mut signals = started.signals();
    signals
        .wait_for(|all| all == &[Signal::Kill])
        .await
        .unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_pod_that_is_not_restarted_ends_with_the_phase_of_its_exit_code() {
    for (policy, code, phase) in [
        ("Never", 0, "Succeeded"),
        ("Never", 3, "Failed"),
        ("OnFailure", 0, "Succeeded"),
    ] {
        let mut lab = lab();
        lab.create(pod(json!({}), json!({"restartPolicy": policy})));
        lab.started().await.end(code);
        let pod = lab
            .until("over", |pod| pod["status"]["phase"] == phase)
            .await;
        assert_eq!(container(&pod)["state"]["terminated"]["exitCode"], code);
        assert!(!is_ready(&pod));
    }
}

#[tokio::test(start_paused = true)]
async fn init_containers_come_first_and_one_after_another() {
    let mut lab = lab();
    let init = |name: &str| json!({"name": name, "image": "shoplab/sock-shop/init:v1"});
    lab.create(pod(
        json!({}),
        json!({"initContainers": [init("one"), init("two")]}),
    ));
    lab.started().await.end(1);
    let again = lab.started().await;
    let pod = lab
        .until("initializing", |pod| {
            pod["status"]["initContainerStatuses"][0]["restartCount"] == 1
        })
        .await;
    assert_eq!(
        container(&pod)["state"]["waiting"]["reason"],
        "PodInitializing"
    );
    assert_eq!(pod["status"]["phase"], "Pending");
    again.end(0);
    lab.started().await.end(0);
    let main = lab.started().await;
    assert_eq!(main.spec.command[2], "sock-shop/carts");
    lab.until("ready", is_ready).await;
}

#[tokio::test(start_paused = true)]
async fn a_missing_config_map_holds_the_container_until_it_is_there() {
    let mut lab = lab();
    lab.create(pod(
        json!({"envFrom": [{"configMapRef": {"name": "settings"}}]}),
        json!({}),
    ));
    let pod = lab
        .until("held", |pod| {
            container(pod)["state"]["waiting"]["reason"] == "CreateContainerConfigError"
        })
        .await;
    assert_eq!(
        container(&pod)["state"]["waiting"]["message"],
        "configmap \"settings\" not found"
    );
    let settings =
        json!({"metadata": {"name": "settings", "namespace": "shop"}, "data": {"MODE": "fast"}});
    lab.objects.create(Kind::ConfigMap, settings).unwrap();
    let started = lab.started().await;
    assert_eq!(value(&started, "MODE"), Some("fast"));
}

#[tokio::test(start_paused = true)]
async fn a_container_that_cannot_be_started_ends_with_128() {
    let lab = lab();
    lab.runtime.refuse_starts();
    lab.create(pod(json!({}), json!({})));
    let pod = lab
        .until("in back-off", |pod| {
            container(pod)["state"]["waiting"]["reason"] == "CrashLoopBackOff"
        })
        .await;
    let last = &container(&pod)["lastState"]["terminated"];
    assert_eq!(
        (&last["exitCode"], &last["reason"]),
        (&json!(128), &json!("StartError"))
    );
}

#[tokio::test(start_paused = true)]
async fn logs_can_be_read_also_of_the_instance_before() {
    let mut lab = lab();
    lab.create(pod(json!({}), json!({})));
    let first = lab.started().await;
    first.print("one\n");
    first.end(1);
    let second = lab.started().await;
    second.print("two\n");
    let inspector = lab.node.inspector();
    let read = |previous| {
        let options = LogOptions {
            previous,
            ..LogOptions::default()
        };
        inspector
            .read_log("shop", "carts-1", "carts", options)
            .unwrap()
    };
    use futures::StreamExt;
    assert_eq!(read(false).collect::<Vec<_>>().await.concat(), b"two\n");
    assert_eq!(read(true).collect::<Vec<_>>().await.concat(), b"one\n");
    assert!(
        inspector
            .read_log("shop", "carts-1", "no", LogOptions::default())
            .is_none()
    );
}

#[tokio::test(start_paused = true)]
async fn a_value_that_names_a_service_leads_to_the_pods_own_edge_over_restarts() {
    let mut lab = lab();
    let service = json!({"metadata": {"name": "payment", "namespace": "shop"}, "spec": {"ports": [{"port": 80}]}});
    lab.objects.create(Kind::Service, service).unwrap();
    lab.create(pod(
        json!({"env": [
            {"name": "PAYMENT_URL", "value": "http://payment"},
            {"name": "USER_URL", "value": "http://user"},
            {"name": "LOGIN", "value": "payment"}
        ]}),
        json!({}),
    ));
    let first = lab.started().await;
    let url = value(&first, "PAYMENT_URL").unwrap().to_owned();
    let ip = meta::text(&lab.pod(), "/status/podIP").to_owned();
    assert!(url.starts_with(&format!("http://{ip}:")), "{url}");
    assert_eq!(value(&first, "USER_URL"), Some("http://user"));
    assert_eq!(value(&first, "LOGIN"), Some("payment"));
    let address = url.trim_start_matches("http://").to_owned();
    tokio::net::TcpStream::connect(&address).await.unwrap();
    let service = json!({"metadata": {"name": "user", "namespace": "shop"}, "spec": {"ports": [{"port": 80}]}});
    lab.objects.create(Kind::Service, service).unwrap();
    first.end(1);
    let second = lab.started().await;
    assert_eq!(value(&second, "PAYMENT_URL"), Some(url.as_str()));
    assert!(value(&second, "USER_URL").unwrap().contains(&ip));
    let now = DeleteOptions {
        grace_seconds: Some(0),
        ..DeleteOptions::default()
    };
    lab.objects
        .delete(Kind::Pod, "shop", "carts-1", &now)
        .unwrap();
    lab.node.stop().await;
    assert!(tokio::net::TcpStream::connect(&address).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn stopping_the_node_ends_everything_within_three_seconds() {
    let mut lab = lab();
    lab.runtime.ignore_terminate();
    lab.create(pod(json!({}), json!({"terminationGracePeriodSeconds": 60})));
    let started = lab.started().await;
    lab.until("ready", is_ready).await;
    let before = Instant::now();
    lab.node.stop().await;
    assert!(
        before.elapsed() < Duration::from_secs(3),
        "{:?}",
        before.elapsed()
    );
    assert_eq!(started.signals().borrow().last(), Some(&Signal::Kill));
    let node = lab.objects.get(Kind::Node, "", NAME).unwrap();
    assert!(!meta::condition_is_true(&node, "Ready"));
}

#[tokio::test(start_paused = true)]
async fn limits_reach_the_runtime_as_numbers() {
    for (limits, cpu, memory) in [
        (json!({}), None, None),
        (
            json!({"cpu": "300m", "memory": "1Mi"}),
            Some(0.3),
            Some(1 << 20),
        ),
        (json!({"cpu": 2}), Some(2.0), None),
        (json!({"cpu": "1m"}), Some(0.01), None),
    ] {
        let mut lab = lab();
        lab.create(pod(json!({"resources": {"limits": limits}}), json!({})));
        let spec = lab.started().await.spec;
        assert_eq!(
            (spec.cpu_limit, spec.memory_limit),
            (cpu, memory),
            "{limits}"
        );
        lab.node.stop().await;
    }
}
