//! The cluster as the real `kubectl` sees it. Skipped, loudly, where there is no `kubectl`.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]
#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a skipped or failed test tells what it saw"
)]

#[path = "support/fake_node.rs"]
mod fake_node;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use cluster::objects::Objects;
use cluster::{Cluster, Config};
use fake_node::FakeNode;
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::process::Command;

const MANIFEST: &str = "\
apiVersion: v1
kind: Namespace
metadata: { name: shop }
---
apiVersion: apps/v1
kind: Deployment
metadata: { name: orders, namespace: shop, labels: { name: orders } }
spec:
  replicas: 2
  selector: { matchLabels: { name: orders } }
  template:
    metadata: { labels: { name: orders } }
    spec:
      containers:
        - name: orders
          image: shop/orders:v1
          ports: [{ name: http, containerPort: 8080 }]
          env: [{ name: PORT, value: \"8080\" }]
          resources: { limits: { cpu: 500m, memory: 500Mi } }
---
apiVersion: v1
kind: Service
metadata: { name: orders, namespace: shop }
spec: { selector: { name: orders }, ports: [{ name: http, port: 80, targetPort: http }] }
";

struct Lab {
    state: tempfile::TempDir,
    cluster: Cluster,
    node: FakeNode,
    work: tokio::task::JoinHandle<()>,
    kubectl: PathBuf,
}

impl Lab {
    /// A cluster, or nothing where there is no kubectl. `SHOPLAB_KUBECTL` names another one.
    async fn start() -> Option<Self> {
        let kubectl = std::env::var_os("SHOPLAB_KUBECTL")
            .map_or_else(|| PathBuf::from("kubectl"), PathBuf::from);
        if Command::new(&kubectl)
            .arg("version")
            .arg("--client")
            .output()
            .await
            .is_err()
        {
            eprintln!(
                "SKIPPED: there is no `{}` on this machine",
                kubectl.display()
            );
            return None;
        }
        let state = tempfile::tempdir().unwrap();
        let objects = Objects::new();
        let node = FakeNode::new(&objects);
        let work = tokio::spawn(node.clone().run());
        let cluster =
            Cluster::start_with(&Config::new(state.path()), objects, Arc::new(node.clone()))
                .await
                .unwrap();
        std::fs::write(state.path().join("shop.yaml"), MANIFEST).unwrap();
        Some(Self {
            state,
            cluster,
            node,
            work,
            kubectl,
        })
    }

    fn command(&self, kubeconfig: &Path, args: &str) -> Command {
        let mut command = Command::new(&self.kubectl);
        command
            .args(args.split_whitespace())
            .current_dir(self.state.path())
            .env("KUBECONFIG", kubeconfig)
            .env("HOME", self.state.path())
            .env_remove("HTTPS_PROXY")
            .env_remove("https_proxy")
            .stdin(Stdio::null())
            .kill_on_drop(true);
        command
    }

    /// What a command says when all goes well.
    async fn run(&self, args: &str) -> String {
        let command = self.command(self.cluster.kubeconfig_lab(), args).output();
        let output = tokio::time::timeout(Duration::from_secs(60), command)
            .await
            .unwrap()
            .unwrap();
        let (out, err) = (
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
        );
        assert!(output.status.success(), "kubectl {args}\n{out}{err}");
        println!("$ kubectl {args}\n{out}{err}");
        out.into_owned()
    }

    /// What a responder's command says when it is refused.
    async fn refused(&self, args: &str) -> String {
        let output = self
            .command(self.cluster.kubeconfig_responder(), args)
            .output()
            .await
            .unwrap();
        assert!(!output.status.success(), "kubectl {args} went well");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    async fn stop(self) {
        self.work.abort();
        self.cluster.stop().await;
    }
}

fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
}

#[tokio::test]
async fn the_commands_of_the_runbooks_work_as_printed() {
    let Some(lab) = Lab::start().await else {
        return;
    };
    contains(
        &lab.run("apply -f shop.yaml").await,
        &[
            "namespace/shop created",
            "deployment.apps/orders created",
            "service/orders created",
        ],
    );
    contains(
        &lab.run("-n shop rollout status deployment/orders --timeout=30s")
            .await,
        &["successfully rolled out"],
    );
    contains(
        &lab.run("apply -f shop.yaml").await,
        &[
            "deployment.apps/orders unchanged",
            "service/orders unchanged",
        ],
    );

    contains(
        &lab.run("-n shop get pods -o wide").await,
        &[
            "NAME",
            "READY",
            "STATUS",
            "RESTARTS",
            "NODE",
            "1/1",
            "Running",
            "127.0.0.1",
            "laptop",
        ],
    );
    contains(
        &lab.run("get deploy,rs,svc,ep,nodes,ns -A").await,
        &[
            "deployment.apps/orders",
            "2/2",
            "80/TCP",
            "127.0.0.1:8080",
            "Ready",
        ],
    );
    contains(
        &lab.run("-n shop get all").await,
        &[
            "pod/orders-",
            "service/orders",
            "deployment.apps/orders",
            "replicaset.apps/orders-",
        ],
    );
    contains(
        &lab.run("-n shop get pods -o yaml").await,
        &["kind: List", "pod-template-hash", "image: shop/orders:v1"],
    );
    let pods = lab
        .run("-n shop get pods -l name=orders -o jsonpath={.items[*].metadata.name}")
        .await;
    let pod = pods.split_whitespace().next().unwrap().to_owned();

    contains(
        &lab.run(&format!("-n shop describe pod {pod}")).await,
        &[
            "Status:",
            "Running",
            "Last State:",
            "Controlled By:",
            "ReplicaSet/orders-",
            "Events:",
            "Scheduled",
            "Successfully assigned",
        ],
    );
    contains(
        &lab.run("-n shop describe deployment orders").await,
        &[
            "RollingUpdateStrategy:",
            "2 desired | 2 updated | 2 total | 2 available",
            "MinimumReplicasAvailable",
            "ScalingReplicaSet",
        ],
    );
    contains(
        &lab.run("-n shop describe service orders").await,
        &["Endpoints:", "127.0.0.1:8080"],
    );
    contains(
        &lab.run("describe node laptop").await,
        &["Capacity:", "Non-terminated Pods:"],
    );

    contains(
        &lab.run(&format!("-n shop logs {pod}")).await,
        &[&format!("hello from {pod}")],
    );
    contains(
        &lab.run(&format!("-n shop logs --previous {pod}")).await,
        &["an earlier run"],
    );
    contains(
        &lab.run("-n shop logs deploy/orders --tail=1 --timestamps")
            .await,
        &["2026-01-01T00:00:01.000000001Z hello from"],
    );
    let mut follow = lab
        .command(
            lab.cluster.kubeconfig_lab(),
            &format!("-n shop logs -f {pod}"),
        )
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(follow.stdout.take().unwrap()).lines();
    contains(&lines.next_line().await.unwrap().unwrap(), &["hello from"]);
    lab.node.say(&pod, "and on");
    contains(&lines.next_line().await.unwrap().unwrap(), &["and on"]);
    lab.node.end_log(&pod);
    assert_eq!(lines.next_line().await.unwrap(), None);
    assert!(follow.wait().await.unwrap().success());

    contains(
        &lab.run("-n shop scale deployment/orders --replicas=3")
            .await,
        &["deployment.apps/orders scaled"],
    );
    lab.run("-n shop rollout status deployment/orders --timeout=30s")
        .await;
    contains(&lab.run("-n shop get deployment orders").await, &["3/3"]);
    lab.run("-n shop rollout restart deployment/orders").await;
    contains(
        &lab.run("-n shop rollout status deployment/orders --timeout=30s")
            .await,
        &["successfully rolled out"],
    );
    lab.run("-n shop set image deployment/orders orders=shop/orders:v2")
        .await;
    lab.run("-n shop rollout status deployment/orders --timeout=30s")
        .await;
    contains(
        &lab.run("-n shop rollout history deployment/orders").await,
        &["REVISION", "1", "2", "3"],
    );
    contains(
        &lab.run("-n shop rollout history deployment/orders --revision=3")
            .await,
        &["shop/orders:v2"],
    );
    contains(
        &lab.run("-n shop rollout undo deployment/orders").await,
        &["rolled back"],
    );
    lab.run("-n shop rollout status deployment/orders --timeout=30s")
        .await;
    contains(
        &lab.run("-n shop get deployment orders -o wide").await,
        &["shop/orders:v1"],
    );
    contains(
        &lab.run("-n shop rollout undo deployment/orders --to-revision=3")
            .await,
        &["rolled back"],
    );
    lab.run("-n shop rollout pause deployment/orders").await;
    lab.run("-n shop rollout resume deployment/orders").await;
    lab.run("-n shop set env deployment/orders LEVEL=debug")
        .await;
    lab.run("-n shop rollout status deployment/orders --timeout=30s")
        .await;

    let pods = lab.run("-n shop get pods -o name").await;
    let pod = pods.lines().next().unwrap();
    contains(
        &lab.run(&format!("-n shop delete {pod}")).await,
        &["deleted"],
    );
    lab.run("-n shop wait --for=condition=Available deployment/orders --timeout=30s")
        .await;
    contains(
        &lab.run("-n shop get events").await,
        &["LAST SEEN", "ScalingReplicaSet"],
    );
    lab.run("-n shop get events --sort-by=.lastTimestamp").await;
    lab.run("-n shop get events --field-selector reason=Scheduled -w --request-timeout=1s")
        .await;
    contains(
        &lab.run("-n shop top pods").await,
        &["CPU(cores)", "15m", "20Mi"],
    );
    contains(&lab.run("-n shop top pods --containers").await, &["orders"]);
    contains(&lab.run("top nodes").await, &["laptop", "45m", "1%"]);
    lab.run("-n shop label deployment orders owner=me").await;
    lab.run("-n shop annotate deployment orders note=x").await;
    contains(
        &lab.run("-n shop create configmap settings --from-literal=a=b")
            .await,
        &["created"],
    );
    contains(
        &lab.run("-n shop patch configmap settings --type merge -p {\"data\":{\"a\":\"c\"}}")
            .await,
        &["patched"],
    );
    contains(
        &lab.run("-n shop apply --server-side -f shop.yaml --force-conflicts")
            .await,
        &["serverside-applied"],
    );
    contains(
        &lab.run("-n shop create deployment extra --image=shop/extra:v1 --replicas=1 --port=80")
            .await,
        &["created"],
    );
    lab.run("-n shop rollout status deployment/extra --timeout=30s")
        .await;
    lab.run("-n shop create secret generic hidden --from-literal=a=b")
        .await;
    contains(
        &lab.run("api-resources").await,
        &["deployments", "deploy", "apps/v1", "PodMetrics"],
    );
    contains(&lab.run("auth can-i delete pods -n shop").await, &["yes"]);
    lab.run("get --raw /api/v1/namespaces/shop/pods").await;
    contains(
        &lab.run("-n shop delete deployment orders").await,
        &["deleted"],
    );
    contains(
        &lab.run("delete namespace shop --timeout=30s").await,
        &["deleted"],
    );

    lab.run("create namespace shoplab").await;
    contains(
        &lab.refused("-n shoplab get pods").await,
        &[
            "Forbidden",
            "User \"responder\" cannot list resource \"pods\"",
        ],
    );
    contains(
        &lab.refused("get pods --token=wrong").await,
        &["nauthorized"],
    );
    lab.stop().await;
}
