//! A node that runs nothing: Pods become ready, write one log line for each run, and go when they are told to. Those
//! of a Job have succeeded at once.

#![expect(clippy::unwrap_used, reason = "a test that cannot go on panics")]

use std::collections::HashMap;
use std::io::Write;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use cluster::node::{BoxFuture, ExecError};
use cluster::objects::{About, Change, EventType, Kind, Objects, meta};
use cluster::runtime::{ExecRequest, ExecStream, LogRun, LogSource, Runtime, Usage};
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt;
use tokio::sync::{mpsc, watch};

/// The fake node. Clones are the same node.
#[derive(Clone)]
pub(crate) struct FakeNode {
    objects: Objects,
    folder: Arc<tempfile::TempDir>,
    logs: Arc<Mutex<HashMap<String, watch::Sender<u64>>>>,
}

impl FakeNode {
    /// A node that registers itself with `objects`.
    pub(crate) fn new(objects: &Objects) -> Self {
        let node = json!({
            "metadata": { "name": "laptop", "labels": { "kubernetes.io/hostname": "laptop" } },
            "status": {
                "conditions": [{ "type": "Ready", "status": "True", "reason": "KubeletReady" }],
                "addresses": [{ "type": "InternalIP", "address": "127.0.0.1" }],
                "capacity": { "cpu": "4", "memory": "8Gi", "pods": "110" },
                "allocatable": { "cpu": "4", "memory": "8Gi", "pods": "110" },
                "nodeInfo": { "kubeletVersion": "v1.32.4" },
            },
        });
        objects.create(Kind::Node, node).unwrap();
        Self {
            objects: objects.clone(),
            folder: Arc::new(tempfile::tempdir().unwrap()),
            logs: Arc::default(),
        }
    }

    /// Works until it is aborted.
    pub(crate) async fn run(self) {
        let (present, mut watch) = self.objects.list_and_watch(Kind::Pod);
        for pod in present {
            self.see(&pod);
        }
        loop {
            let Change { object, .. } = watch.next().await.unwrap();
            self.see(&object);
        }
    }

    fn see(&self, pod: &Value) {
        let (namespace, name) = (meta::namespace(pod), meta::name(pod));
        if meta::text(pod, "/spec/nodeName").is_empty()
            || self.objects.find(Kind::Pod, namespace, name).is_none()
        {
            return;
        }
        if meta::is_terminating(pod) {
            self.logs.lock().unwrap().remove(name);
            self.objects
                .remove(Kind::Pod, namespace, name, Some(meta::uid(pod)));
            return;
        }
        if matches!(meta::text(pod, "/status/phase"), "Running" | "Succeeded") {
            return;
        }
        for (run, text) in [("previous", "an earlier run"), ("current", "hello from")] {
            let mut file = std::fs::File::create(self.path(name, run)).unwrap();
            writeln!(
                file,
                "2026-01-01T00:00:01.000000001Z stdout F {text} {name}"
            )
            .unwrap();
        }
        self.logs
            .lock()
            .unwrap()
            .insert(name.to_owned(), watch::Sender::new(1));
        let about = About::of(Kind::Pod, pod, "kubelet").container("main");
        self.objects
            .record_event(&about, EventType::Normal, "Started", "Started container");
        let changed = self.objects.modify(Kind::Pod, namespace, name, |pod| {
            let now = meta::now();
            let ends = meta::controller(pod).is_some_and(|owner| owner["kind"] == "Job");
            let state = if ends {
                json!({ "terminated": { "exitCode": 0, "reason": "Completed", "startedAt": now, "finishedAt": now } })
            } else {
                json!({ "running": { "startedAt": now } })
            };
            let containers: Vec<_> = meta::items(pod, "/spec/containers")
                .iter()
                .map(|container| {
                    json!({
                        "name": container["name"], "image": container["image"], "imageID": "", "ready": !ends, "started": true,
                        "restartCount": 1, "state": state,
                        "lastState": { "terminated": { "exitCode": 1, "reason": "Error", "finishedAt": now, "startedAt": now } },
                    })
                })
                .collect();
            pod["status"]["phase"] = if ends { "Succeeded" } else { "Running" }.into();
            pod["status"]["podIP"] = "127.0.0.1".into();
            pod["status"]["hostIP"] = "127.0.0.1".into();
            pod["status"]["startTime"] = now.clone().into();
            pod["status"]["containerStatuses"] = containers.into();
            let ready = json!({ "type": "Ready", "status": "True", "lastTransitionTime": now });
            pod["status"]["conditions"].as_array_mut().unwrap().push(ready);
        });
        drop(changed);
    }

    /// Adds a line to a Pod's log.
    pub(crate) fn say(&self, pod: &str, line: &str) {
        let mut file = std::fs::OpenOptions::new()
            .append(true)
            .open(self.path(pod, "current"))
            .unwrap();
        writeln!(file, "2026-01-01T00:00:02.000000001Z stdout F {line}").unwrap();
        self.logs.lock().unwrap()[pod].send_modify(|count| *count += 1);
    }

    /// Ends a Pod's log as the end of its container does.
    pub(crate) fn end_log(&self, pod: &str) {
        self.logs.lock().unwrap().remove(pod);
    }

    fn path(&self, pod: &str, run: &str) -> PathBuf {
        self.folder.path().join(format!("{pod}.{run}"))
    }
}

impl Runtime for FakeNode {
    /// The command runs on this machine.
    fn exec(
        &self,
        request: ExecRequest,
        mut stdin: mpsc::Receiver<Bytes>,
        output: mpsc::Sender<(ExecStream, Bytes)>,
    ) -> BoxFuture<'_, Result<i32, ExecError>> {
        Box::pin(async move {
            let mut child = tokio::process::Command::new(&request.command[0])
                .args(&request.command[1..])
                .stdin(std::process::Stdio::piped())
                .stdout(std::process::Stdio::piped())
                .stderr(std::process::Stdio::piped())
                .spawn()
                .unwrap();
            let mut input = child.stdin.take().unwrap();
            if request.with_stdin {
                while let Some(bytes) = stdin.recv().await {
                    input.write_all(&bytes).await.unwrap();
                }
            }
            drop(input);
            let ended = child.wait_with_output().await.unwrap();
            for (stream, bytes) in [
                (ExecStream::Stdout, ended.stdout),
                (ExecStream::Stderr, ended.stderr),
            ] {
                output.send((stream, bytes.into())).await.unwrap();
            }
            Ok(ended.status.code().unwrap())
        })
    }

    fn logs(&self, _: &str, pod: &str, _: &str, run: LogRun) -> Option<LogSource> {
        let (run, written) = match run {
            LogRun::Previous => ("previous", None),
            LogRun::Current => (
                "current",
                self.logs
                    .lock()
                    .unwrap()
                    .get(pod)
                    .map(watch::Sender::subscribe),
            ),
        };
        let path = self.path(pod, run);
        path.exists().then_some(LogSource { path, written })
    }

    fn usage(&self, namespace: &str, pod: &str) -> Vec<(String, Usage)> {
        let Some(pod) = self.objects.find(Kind::Pod, namespace, pod) else {
            return Vec::new();
        };
        let usage = Usage {
            cpu_cores: 0.015,
            cpu_seconds_total: 3.0,
            memory_bytes: 20 << 20,
            throttling: None,
        };
        let containers = meta::items(&pod, "/spec/containers").iter();
        containers
            .map(|container| (meta::text(container, "/name").to_owned(), usage))
            .collect()
    }
}
