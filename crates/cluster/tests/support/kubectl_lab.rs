//! A cluster with a fake node and the real `kubectl`.

#![expect(
    clippy::print_stdout,
    clippy::print_stderr,
    reason = "a skipped or failed test tells what it saw"
)]

#[path = "fake_node.rs"]
mod fake_node;

use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::Arc;
use std::time::Duration;

use cluster::objects::Objects;
use cluster::{Cluster, Config};
use fake_node::FakeNode;
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

/// A running cluster.
pub(crate) struct Lab {
    pub(crate) state: tempfile::TempDir,
    pub(crate) cluster: Cluster,
    pub(crate) node: FakeNode,
    work: tokio::task::JoinHandle<()>,
    kubectl: PathBuf,
}

impl Lab {
    /// A cluster, or nothing where there is no kubectl. `SHOPLAB_KUBECTL` names another one.
    pub(crate) async fn start() -> Option<Self> {
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

    pub(crate) fn command(&self, kubeconfig: &Path, args: &str) -> Command {
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
    pub(crate) async fn run(&self, args: &str) -> String {
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

    /// What a command says that does not go well.
    pub(crate) async fn fails(&self, args: &str) -> String {
        let mut command = self.command(self.cluster.kubeconfig_lab(), args);
        let output = tokio::time::timeout(Duration::from_secs(60), command.output());
        let output = output.await.unwrap().unwrap();
        assert!(!output.status.success(), "kubectl {args} went well");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    /// Whether this kubectl runs commands over WebSockets, as those from 1.31 on do.
    pub(crate) async fn speaks_websocket(&self) -> bool {
        let version = self.run("version --client -o json").await;
        let version: serde_json::Value = serde_json::from_str(&version).unwrap();
        let minor = version["clientVersion"]["minor"].as_str().unwrap();
        minor.trim_end_matches('+').parse::<u32>().unwrap() >= 31
    }

    /// Runs a command that opens an editor, with `editor` in its place.
    pub(crate) async fn edit(&self, args: &str, editor: &str) {
        let mut command = self.command(self.cluster.kubeconfig_lab(), args);
        let output = command.env("KUBE_EDITOR", editor).output().await.unwrap();
        let err = String::from_utf8_lossy(&output.stderr);
        assert!(output.status.success(), "kubectl {args}\n{err}");
    }

    /// What a responder's command says when it is refused.
    pub(crate) async fn refused(&self, args: &str) -> String {
        let output = self
            .command(self.cluster.kubeconfig_responder(), args)
            .output()
            .await
            .unwrap();
        assert!(!output.status.success(), "kubectl {args} went well");
        String::from_utf8_lossy(&output.stderr).into_owned()
    }

    pub(crate) async fn stop(self) {
        self.work.abort();
        self.cluster.stop().await;
    }
}

pub(crate) fn contains(text: &str, parts: &[&str]) {
    for part in parts {
        assert!(text.contains(part), "`{part}` is missing in:\n{text}");
    }
}
