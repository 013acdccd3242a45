//! The node with real processes: small commands of the system, real clocks, real signals.

#![expect(clippy::unwrap_used, reason = "a test may panic")]

use std::path::Path;
use std::time::Duration;

use cluster::node::{Config, ImageRule, Inspector, LogOptions, Node};
use cluster::objects::{DeleteOptions, Kind, Objects, meta};
use cluster::runtime::{ExecRequest, ExecStream, Runtime};
use futures::StreamExt;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

struct Lab {
    objects: Objects,
    node: Node,
    inspector: Inspector,
    dir: tempfile::TempDir,
}

/// A lab whose image `sh` is the shell of the system.
fn lab() -> Lab {
    let dir = tempfile::tempdir().unwrap();
    let objects = Objects::new();
    let config = Config {
        images: vec![ImageRule {
            pattern: "sh".into(),
            program: "sh".into(),
            args: vec!["-c".into()],
            env: Vec::new(),
        }],
        lab_key: Some("key".into()),
        lock_dir: dir.path().join("locks"),
        ..Config::new(dir.path())
    };
    let node = Node::start(objects.clone(), config, &CancellationToken::new()).unwrap();
    let inspector = node.inspector();
    Lab {
        objects,
        node,
        inspector,
        dir,
    }
}

impl Lab {
    /// Creates the pod `p` that runs a script.
    fn run(&self, script: &str, container: Value, spec: Value) {
        let mut pod = json!({
            "metadata": {"name": "p", "namespace": "shop"},
            "spec": {
                "nodeName": "shoplab",
                "restartPolicy": "Never",
                "containers": [{"name": "c", "image": "sh", "imagePullPolicy": "IfNotPresent", "args": [script]}]
            }
        });
        for (key, value) in container.as_object().unwrap() {
            pod["spec"]["containers"][0][key] = value.clone();
        }
        for (key, value) in spec.as_object().unwrap() {
            pod["spec"][key] = value.clone();
        }
        self.objects.create(Kind::Pod, pod).unwrap();
    }

    async fn until(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        let mut watch = self.objects.watch(Kind::Pod, None).unwrap();
        let look = async {
            loop {
                let pod = self.objects.get(Kind::Pod, "shop", "p").unwrap();
                if wanted(&pod) {
                    return Value::clone(&pod);
                }
                watch.next().await.unwrap();
            }
        };
        let Ok(pod) = tokio::time::timeout(Duration::from_secs(30), look).await else {
            let pod = self.objects.get(Kind::Pod, "shop", "p").unwrap();
            panic!("never {what}: {:#}", pod["status"]);
        };
        pod
    }

    async fn ended(&self) -> Value {
        let pod = self
            .until("ended", |pod| {
                pod.pointer("/status/containerStatuses/0/state/terminated")
                    .is_some()
            })
            .await;
        pod["status"]["containerStatuses"][0]["state"]["terminated"].clone()
    }

    async fn log(&self) -> String {
        let options = LogOptions {
            follow: true,
            ..LogOptions::default()
        };
        let log = self.inspector.read_log("shop", "p", "c", options).unwrap();
        let bytes: Vec<_> = log.collect().await;
        String::from_utf8(bytes.concat()).unwrap()
    }

    async fn first_line(&self) -> String {
        self.until("running", |pod| pod["status"]["phase"] == "Running")
            .await;
        let options = LogOptions {
            follow: true,
            ..LogOptions::default()
        };
        let mut log = self.inspector.read_log("shop", "p", "c", options).unwrap();
        let bytes = log.next().await.unwrap();
        String::from_utf8_lossy(&bytes)
            .lines()
            .next()
            .unwrap()
            .to_owned()
    }
}

fn lives(pid: &str) -> bool {
    match std::fs::read_to_string(format!("/proc/{pid}/stat")) {
        Ok(stat) => !stat.contains(") Z "),
        Err(_) => false,
    }
}

/// Waits until a process is gone: SIGKILL takes a moment.
async fn gone(pid: &str) {
    let look = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(5));
        while lives(pid) {
            ticks.tick().await;
        }
    };
    let gone = tokio::time::timeout(Duration::from_secs(10), look).await;
    assert!(gone.is_ok(), "process {pid} lives on");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_container_sees_its_own_environment_and_nothing_of_the_labs() {
    let lab = lab();
    let container = json!({"env": [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A)2"}]});
    lab.run("echo $B; env | sort; echo bad >&2", container, json!({}));
    assert_eq!(lab.ended().await["exitCode"], 0);
    let log = lab.log().await;
    let mut names: Vec<&str> = log
        .lines()
        .filter_map(|line| Some(line.split_once('=')?.0))
        .collect();
    names.retain(|name| !matches!(*name, "PWD" | "SHLVL" | "_" | "OLDPWD"));
    assert_eq!(
        names,
        [
            "A",
            "B",
            "CONTROL_KEY_SHA256",
            "CONTROL_PORT",
            "HOSTNAME",
            "PATH"
        ]
    );
    assert!(log.starts_with("12\n") && log.contains("bad\n"), "{log}");
    lab.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn exit_codes_and_signals_are_told_as_kubernetes_does() {
    for (script, code, reason) in [
        ("exit 0", 0, "Completed"),
        ("exit 3", 3, "Error"),
        ("kill -9 $$$$", 137, "Error"),
        ("kill -TERM $$$$", 143, "Error"),
    ] {
        let lab = lab();
        lab.run(script, json!({}), json!({}));
        let ended = lab.ended().await;
        assert_eq!(
            (&ended["exitCode"], &ended["reason"]),
            (&json!(code), &json!(reason)),
            "{script}"
        );
        lab.node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn too_much_memory_is_oom_killed_with_137() {
    let lab = lab();
    lab.run(
        "exec dd if=/dev/zero of=/dev/null bs=256M count=100000",
        json!({"resources": {"limits": {"memory": "64Mi"}}}),
        json!({}),
    );
    let ended = lab.ended().await;
    assert_eq!(
        (&ended["exitCode"], &ended["reason"]),
        (&json!(137), &json!("OOMKilled"))
    );
    lab.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_delete_terminates_then_kills_and_leaves_no_child() {
    let lab = lab();
    let script = "trap '' TERM; sleep 1000 & echo $!; while :; do sleep 0.05; done";
    lab.run(
        script,
        json!({}),
        json!({"terminationGracePeriodSeconds": 1}),
    );
    let child = lab.first_line().await;
    assert!(lives(&child));
    let mut watch = lab.objects.watch(Kind::Pod, None).unwrap();
    lab.objects
        .delete(Kind::Pod, "shop", "p", &DeleteOptions::default())
        .unwrap();
    let before = std::time::Instant::now();
    while lab.objects.find(Kind::Pod, "shop", "p").is_some() {
        watch.next().await.unwrap();
    }
    assert!(before.elapsed() >= Duration::from_secs(1));
    gone(&child).await;
    lab.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_main_process_started_ends_with_it() {
    for script in [
        "sleep 1000 & echo $!; exit 0",
        "sleep 1000 & echo $!; kill -9 $$$$",
    ] {
        let lab = lab();
        lab.run(script, json!({}), json!({}));
        lab.ended().await;
        let child = lab.log().await.trim().to_owned();
        assert!(!child.is_empty(), "{script}");
        gone(&child).await;
        lab.node.stop().await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn stopping_the_node_leaves_no_process_and_no_folder_of_a_pod() {
    let lab = lab();
    let script = "trap '' TERM; sleep 1000 & echo $!; wait; sleep 1000";
    lab.run(
        script,
        json!({}),
        json!({"volumes": [{"name": "tmp", "emptyDir": {}}]}),
    );
    let child = lab.first_line().await;
    let before = std::time::Instant::now();
    let Lab { node, dir, .. } = lab;
    node.stop().await;
    assert!(
        before.elapsed() < Duration::from_secs(3),
        "{:?}",
        before.elapsed()
    );
    gone(&child).await;
    assert_eq!(
        std::fs::read_dir(dir.path().join("pods")).unwrap().count(),
        0
    );
    assert_eq!(
        std::fs::read_dir(dir.path().join("run")).unwrap().count(),
        0
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn volumes_are_folders_that_paths_in_values_and_arguments_lead_to() {
    let lab = lab();
    let claim = json!({"metadata": {"name": "data", "namespace": "shop"}});
    lab.objects
        .create(Kind::PersistentVolumeClaim, claim)
        .unwrap();
    lab.run(
        "echo kept > $DATA/file; echo $0; echo $0 > $0",
        json!({
            "args": ["echo kept > $DATA/file; echo more > $0", "/tmp/x"],
            "env": [{"name": "DATA", "value": "/var/lib/data"}],
            "volumeMounts": [{"name": "data", "mountPath": "/var/lib/data"}, {"name": "tmp", "mountPath": "/tmp"}]
        }),
        json!({"volumes": [
            {"name": "data", "persistentVolumeClaim": {"claimName": "data"}}, {"name": "tmp", "emptyDir": {}}
        ]}),
    );
    assert_eq!(lab.ended().await["exitCode"], 0);
    let uid = meta::uid(&lab.objects.get(Kind::Pod, "shop", "p").unwrap()).to_owned();
    let read = |path: &str| std::fs::read_to_string(lab.dir.path().join(path));
    assert_eq!(read("claims/shop/data/file").unwrap(), "kept\n");
    assert_eq!(
        read(&format!("pods/{uid}/volumes/tmp/x")).unwrap(),
        "more\n"
    );
    lab.objects
        .delete(Kind::Pod, "shop", "p", &DeleteOptions::default())
        .unwrap();
    lab.node.stop().await;
    assert_eq!(read("claims/shop/data/file").unwrap(), "kept\n");
    assert!(!Path::new(&lab.dir.path().join(format!("pods/{uid}"))).exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_program_that_is_not_there_is_a_start_error() {
    let lab = lab();
    lab.run(
        "",
        json!({"command": ["no-such-program"], "args": []}),
        json!({}),
    );
    let ended = lab.ended().await;
    assert_eq!(
        (&ended["exitCode"], &ended["reason"]),
        (&json!(128), &json!("StartError"))
    );
    assert!(
        ended["message"]
            .as_str()
            .unwrap()
            .contains("executable file not found in $PATH"),
        "{ended}"
    );
    lab.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_to_a_service_passes_the_pods_edge_to_a_ready_endpoint() {
    let lab = lab();
    let server = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = server.local_addr().unwrap().port();
    let service = json!({"metadata": {"name": "payment", "namespace": "shop"}, "spec": {"ports": [{"port": 80}]}});
    lab.objects.create(Kind::Service, service).unwrap();
    let endpoints = json!({
        "metadata": {"name": "payment", "namespace": "shop"},
        "subsets": [{"addresses": [{"ip": "127.0.0.1"}], "ports": [{"port": port}]}]
    });
    lab.objects.create(Kind::Endpoints, endpoints).unwrap();
    let container = json!({"env": [{"name": "PEER", "value": "payment:80"}]});
    lab.run("echo $PEER; sleep 1000", container, json!({}));
    let address = lab.first_line().await;
    let (mut client, answered) = tokio::join!(
        async { tokio::net::TcpStream::connect(&address).await.unwrap() },
        async {
            let (mut stream, _) = server.accept().await.unwrap();
            stream.write_all(b"paid").await.unwrap();
        }
    );
    let () = answered;
    let mut text = String::new();
    client.read_to_string(&mut text).await.unwrap();
    assert_eq!(text, "paid");
    // A command that names the Service is led the same way.
    let (_, printed) = exec(&lab, &["echo", "http://payment/charges"], None).await;
    assert_eq!(printed[0], format!("http://{address}/charges\n"));
    // The edge's control API knows the lab's key and signals the container.
    let pod = lab.objects.get(Kind::Pod, "shop", "p").unwrap();
    let control = format!(
        "http://{}:8474/process/signal",
        meta::text(&pod, "/status/podIP")
    );
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let body = json!({"signal": "KILL"});
    let refused = http.post(&control).json(&body).send().await.unwrap();
    assert_eq!(refused.status(), 404);
    let done = http
        .post(&control)
        .header("x-lab-key", "key")
        .json(&body)
        .send()
        .await
        .unwrap();
    assert!(done.status().is_success(), "{done:?}");
    assert_eq!(lab.ended().await["exitCode"], 137);
    lab.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_reach_the_pods_own_address() {
    let lab = lab();
    let probe =
        json!({"exec": {"command": ["sh", "-c", "test -f $HOSTNAME.ready"]}, "periodSeconds": 1});
    lab.run(
        "touch $HOSTNAME.ready; sleep 1000",
        json!({"readinessProbe": probe}),
        json!({}),
    );
    lab.until("ready", |pod| meta::condition_is_true(pod, "Ready"))
        .await;
    lab.node.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn usage_is_counted_while_a_container_works() {
    let lab = lab();
    lab.run("while :; do :; done", json!({}), json!({}));
    let used = async {
        let mut ticks = tokio::time::interval(Duration::from_millis(50));
        loop {
            ticks.tick().await;
            let usage = lab.inspector.usage("shop", "p");
            if let Some((name, usage)) = usage.first()
                && usage.cpu_cores > 0.05
            {
                return (name.clone(), *usage);
            }
        }
    };
    let (name, usage) = tokio::time::timeout(Duration::from_secs(20), used)
        .await
        .unwrap();
    assert_eq!(name, "c");
    assert!(
        usage.cpu_seconds_total > 0.0 && usage.memory_bytes > 0,
        "{usage:?}"
    );
    lab.node.stop().await;
}

/// Runs a command in the container `c`; its code, what it printed, and its complaints.
async fn exec(lab: &Lab, command: &[&str], input: Option<&str>) -> (i32, [String; 2]) {
    let request = ExecRequest {
        namespace: "shop".into(),
        pod: "p".into(),
        container: "c".into(),
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        with_stdin: input.is_some(),
        tty: false,
    };
    let (sender, stdin) = mpsc::channel(1);
    if let Some(input) = input {
        sender.send(input.to_owned().into()).await.unwrap();
    }
    drop(sender);
    let (output, mut printed) = mpsc::channel(8);
    let mut all = [Vec::new(), Vec::new()];
    let (code, ()) = tokio::join!(lab.inspector.exec(request, stdin, output), async {
        while let Some((stream, bytes)) = printed.recv().await {
            let place = usize::from(stream == ExecStream::Stderr);
            all[place].extend_from_slice(&bytes);
        }
    });
    (
        code.unwrap(),
        all.map(|text| String::from_utf8(text).unwrap()),
    )
}

#[tokio::test(flavor = "multi_thread")]
async fn exec_runs_beside_the_container_with_its_environment() {
    let lab = lab();
    let container = json!({"env": [{"name": "A", "value": "1"}]});
    lab.run("sleep 1000", container, json!({}));
    lab.until("running", |pod| pod["status"]["phase"] == "Running")
        .await;
    let (code, output) = exec(&lab, &["sh", "-c", "echo $A; echo no >&2; exit 4"], None).await;
    assert_eq!(code, 4);
    assert_eq!((output[0].as_str(), output[1].as_str()), ("1\n", "no\n"));
    let (code, output) = exec(
        &lab,
        &["sh", "-c", "read line; echo got $line; cat"],
        Some("a\nb"),
    )
    .await;
    assert_eq!((code, output[0].as_str()), (0, "got a\nb"));
    lab.node.stop().await;
}

/// The processor seconds that a process used so far, in the kernel's own count.
fn burnt_by(pid: &str) -> f64 {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap();
    let fields: Vec<&str> = stat[stat.rfind(')').unwrap()..]
        .split_whitespace()
        .collect();
    let ticks = |at: usize| fields[at].parse::<f64>().unwrap();
    (ticks(12) + ticks(13)) / 100.0
}

/// The processor seconds that the container `c`, which prints its pid, uses in `span`.
async fn burnt(lab: &Lab, span: Duration) -> f64 {
    let pid = lab.first_line().await;
    // The quota is spread over periods: a window of several is looked at.
    let mut ticks = tokio::time::interval(span);
    ticks.tick().await;
    let before = burnt_by(&pid);
    ticks.tick().await;
    burnt_by(&pid) - before
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cpu_limit_holds_a_container_to_its_share() {
    const BURN: &str = "echo $$$$; while :; do :; done";
    let span = Duration::from_secs(2);
    let free = lab();
    free.run(BURN, json!({}), json!({}));
    let unlimited = burnt(&free, span).await;
    free.node.stop().await;
    let held = lab();
    let limits = json!({"resources": {"limits": {"cpu": "50m"}}});
    held.run(BURN, limits, json!({}));
    let limited = burnt(&held, span).await;
    // 0.1 s are due; the kernel counts in ticks, and the machine has other work.
    assert!((0.02..0.3).contains(&limited), "{limited} s with a limit");
    assert!(
        unlimited > limited * 1.3,
        "{unlimited} s without, {limited} s with a limit"
    );
    let usage = held.inspector.usage("shop", "p")[0].1;
    let throttling = usage.throttling.unwrap();
    assert!(
        throttling.periods >= 10 && throttling.throttled_periods >= 5,
        "{throttling:?}"
    );
    assert!(throttling.throttled_seconds > 0.5, "{throttling:?}");
    held.node.stop().await;
}

/// Whether a process is stopped by a signal.
fn stopped(pid: &str) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .unwrap_or_default()
        .contains(") T ")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_frozen_container_stays_frozen_when_its_quota_would_let_it_run() {
    let lab = lab();
    let limits = json!({"resources": {"limits": {"cpu": "200m"}}});
    lab.run("echo $$$$; while :; do :; done", limits, json!({}));
    let pid = lab.first_line().await;
    let pod = lab.objects.get(Kind::Pod, "shop", "p").unwrap();
    let control = format!(
        "http://{}:8474/process/signal",
        meta::text(&pod, "/status/podIP")
    );
    let http = reqwest::Client::builder().no_proxy().build().unwrap();
    let signal = async |name: &str| {
        let sent = http.post(&control).header("x-lab-key", "key");
        let sent = sent.json(&json!({"signal": name})).send().await.unwrap();
        assert!(sent.status().is_success(), "{sent:?}");
    };
    signal("STOP").await;
    let mut ticks = tokio::time::interval(Duration::from_millis(50));
    let stops = async {
        while !stopped(&pid) {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), stops)
        .await
        .unwrap();
    let used = burnt_by(&pid);
    // Long enough for any debt to be paid, and for many a period to begin.
    for _ in 0..60 {
        ticks.tick().await;
        assert!(stopped(&pid));
    }
    assert_eq!(burnt_by(&pid), used);
    signal("CONT").await;
    let runs = async {
        while burnt_by(&pid) <= used {
            ticks.tick().await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), runs)
        .await
        .unwrap();
    lab.node.stop().await;
    gone(&pid).await;
}
