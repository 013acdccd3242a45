//! The kubelet of the cluster's one node: runs the Pods bound to it as processes.
//!
//! ```text
//! Node ── Worker (one task per pod) ── Lifecycle (state machine per container) ── Thresholds (per probe)
//!   │        ├ Sandbox: PodAddress, PodEdge (the pod's edge), Volumes
//!   │        └ Instance: Running (ContainerRuntime), log, probes
//!   ├ Endpoints (ready endpoints of Services, for all edges)
//!   └ Registry (logs and usage, for the API server)
//! ```
//!
//! The node meets the rest of the cluster in [`Objects`] only: it watches Pods with its name in `spec.nodeName`, and
//! writes their status, their Events, and the Node object.

mod address;
mod backoff;
mod endpoints;
mod environment;
pub mod fake;
pub mod guard;
mod image;
mod lifecycle;
pub mod log;
mod object;
mod peers;
mod pod;
mod pod_edge;
mod ports;
mod probe;
mod proc;
pub mod process;
mod registry;
pub mod runtime;
mod shared;
mod sources;
mod spec;
mod status;
mod volume;

use std::collections::HashMap;
use std::net::Ipv4Addr;
use std::path::PathBuf;
use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio_util::sync::CancellationToken;

use crate::objects::{About, Change, ChangeType, EventType, Kind, Objects, StoreError, meta};
use crate::runtime::{ExecRequest, ExecStream, LogRun, LogSource, Usage};
use pod::{Update, Worker};
use registry::{Entry, Registry};
use shared::Shared;

pub use address::AddressError;
pub use backoff::BackoffScale;
pub use image::{Image, ImageRule};
pub use log::{LogLimits, LogOptions, LogStream};
pub use process::{ProcessConfig, ProcessError, ProcessRuntime};
pub use runtime::{BoxFuture, ContainerRuntime, ExecError, ExecOutput};

/// How a node is to be. Plain data.
#[derive(Clone, Debug)]
pub struct Config {
    /// The node's name.
    pub name: String,
    /// Where volumes, logs and notes about processes go. Made when missing; of this lab alone.
    pub state_dir: PathBuf,
    /// Where labs tell each other which addresses they use; the same for all labs of a machine.
    pub lock_dir: PathBuf,
    /// What stands for which image; the first rule that fits.
    pub images: Vec<ImageRule>,
    /// See [`ProcessConfig::guard`].
    pub guard: Option<(PathBuf, Vec<String>)>,
    /// The key of the edges' control APIs and of the services' hooks. Without it the edges are open and the hooks shut.
    pub lab_key: Option<String>,
    /// See [`ProcessConfig::cpu_factor`].
    pub cpu_factor: f64,
    /// The scale of all back-offs.
    pub backoff: BackoffScale,
    /// How much output is kept of each container instance.
    pub log_limits: LogLimits,
    /// The seed of what is random in the edges.
    pub seed: u64,
}

impl Config {
    /// The usual: node `shoplab`, kubelet's back-off, no images, no guard, no key.
    pub fn new(state_dir: impl Into<PathBuf>) -> Self {
        Self {
            name: "shoplab".to_owned(),
            state_dir: state_dir.into(),
            lock_dir: std::env::temp_dir().join("shoplab-addresses"),
            images: Vec::new(),
            guard: None,
            lab_key: None,
            cpu_factor: 1.0,
            backoff: BackoffScale::default(),
            log_limits: LogLimits::default(),
            seed: 0,
        }
    }
}

/// Why a node could not be started.
#[derive(Debug, thiserror::Error)]
pub enum NodeError {
    /// No addresses.
    #[error(transparent)]
    Address(#[from] AddressError),
    /// The process runtime.
    #[error(transparent)]
    Process(#[from] ProcessError),
    /// The Node object was refused.
    #[error("the node could not be registered: {0}")]
    Register(#[from] StoreError),
}

/// The one node of the cluster. [`Node::stop`] ends it in order; dropping it cancels it, and the runtime kills what
/// still runs.
pub struct Node {
    shared: Arc<Shared>,
    name: String,
    cancel: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// What can be asked of the node's containers. Cheap to clone; it is what the API server holds.
#[derive(Clone)]
pub struct Inspector {
    registry: Registry,
    objects: Objects,
    runtime: Arc<dyn ContainerRuntime>,
}

impl Node {
    /// Starts a node whose containers are processes, until [`Node::stop`] or `cancel`.
    ///
    /// # Errors
    /// [`NodeError`]
    pub fn start(
        objects: Objects,
        config: Config,
        cancel: &CancellationToken,
    ) -> Result<Self, NodeError> {
        let runtime = ProcessRuntime::start(ProcessConfig {
            guard: config.guard.clone(),
            state_dir: config.state_dir.clone(),
            path: None,
            cpu_factor: config.cpu_factor,
        })?;
        Self::start_with(objects, config, Arc::new(runtime), cancel)
    }

    /// Starts a node with another runtime.
    ///
    /// # Errors
    /// [`NodeError`]
    pub fn start_with(
        objects: Objects,
        config: Config,
        runtime: Arc<dyn ContainerRuntime>,
        cancel: &CancellationToken,
    ) -> Result<Self, NodeError> {
        let slice = address::Slice::take(&config.lock_dir)?;
        object::register(
            &objects,
            &object::Facts {
                name: &config.name,
                ip: slice.node().to_string(),
                network: slice.network(),
                runtime: runtime.version(),
                cpu_factor: config.cpu_factor,
                images: config
                    .images
                    .iter()
                    .map(|rule| rule.pattern.clone())
                    .collect(),
            },
        )?;
        let key_hash = config.lab_key.as_ref().map(|key| {
            use sha2::{Digest, Sha256};
            status::hex(&Sha256::digest(key.as_bytes()))
        });
        let cancel = cancel.child_token();
        let endpoints = endpoints::Endpoints::new(objects.clone());
        let follower = tokio::spawn(endpoints.clone().run(cancel.clone()));
        let shared = Arc::new(Shared {
            host_ip: slice.node(),
            slice,
            objects,
            runtime,
            registry: Registry::default(),
            endpoints,
            images: config.images,
            state_dir: config.state_dir,
            lab_key: config.lab_key,
            key_hash,
            backoff: config.backoff,
            log_limits: config.log_limits,
            seed: config.seed,
        });
        let pods = Pods {
            shared: shared.clone(),
            node: config.name.clone(),
            known: HashMap::new(),
            workers: JoinSet::new(),
            cancel: cancel.clone(),
        };
        Ok(Self {
            shared,
            name: config.name,
            tasks: vec![follower, tokio::spawn(pods.run())],
            cancel,
        })
    }

    /// The node's own address, which is the pods' `hostIP`.
    pub fn ip(&self) -> Ipv4Addr {
        self.shared.host_ip
    }

    /// What can be asked of the containers.
    pub fn inspector(&self) -> Inspector {
        Inspector {
            registry: self.shared.registry.clone(),
            objects: self.shared.objects.clone(),
            runtime: self.shared.runtime.clone(),
        }
    }

    /// Ends every container (SIGTERM, after 1.5 s SIGKILL), closes the edges and gives the addresses back.
    pub async fn stop(mut self) {
        object::unregister(&self.shared.objects, &self.name);
        self.cancel.cancel();
        for task in std::mem::take(&mut self.tasks) {
            if let Err(error) = task.await {
                tracing::warn!(%error, "a task of the node ended badly");
            }
        }
        self.shared.runtime.stop().await;
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.cancel.cancel();
    }
}

impl Inspector {
    /// Reads a container's log; `None` when there is none.
    pub fn read_log(
        &self,
        namespace: &str,
        pod: &str,
        container: &str,
        options: LogOptions,
    ) -> Option<LogStream> {
        let Entry { log, previous, .. } = self.registry.container(namespace, pod, container)?;
        let log = if options.previous { previous } else { log };
        Some(log?.read(options))
    }

    /// A command as it runs in a running container, with the Services that it names led through the Pod's edge.
    fn command(&self, request: &ExecRequest) -> Result<runtime::ProcessSpec, ExecError> {
        let ExecRequest {
            namespace,
            pod,
            container,
            command,
            ..
        } = request;
        let entry = self
            .registry
            .container(namespace, pod, container)
            .filter(|entry| entry.running.is_some())
            .ok_or_else(|| ExecError::NoContainer(container.clone()))?;
        let lead = |word: &String| {
            let mentions = peers::mentions("", word, namespace, &self.objects);
            peers::rewrite(word, &mentions, |mention| {
                let edge = entry.peers.get(&mention.peer).copied();
                // A Service that the Pod does not use has no edge here; it can be reached all the same.
                let address = edge.or_else(|| {
                    let ready = endpoints::current(&self.objects, &mention.peer);
                    ready.first().copied()
                });
                address.map(|address| address.to_string())
            })
        };
        Ok(runtime::ProcessSpec {
            command: command.iter().map(lead).collect(),
            memory_limit: None,
            cpu_limit: None,
            ..entry.spec
        })
    }

    /// What all containers together use.
    pub fn total_usage(&self) -> Usage {
        let mut total = Usage::default();
        for (namespace, pod) in self.registry.pods() {
            for (_, running) in self.registry.running(&namespace, &pod) {
                let usage = running.usage();
                total.cpu_cores += usage.cpu_cores;
                total.cpu_seconds_total += usage.cpu_seconds_total;
                total.memory_bytes += usage.memory_bytes;
            }
        }
        total
    }
}

impl crate::runtime::Runtime for Inspector {
    fn exec(
        &self,
        request: ExecRequest,
        stdin: mpsc::Receiver<Bytes>,
        output: mpsc::Sender<(ExecStream, Bytes)>,
    ) -> BoxFuture<'_, Result<i32, ExecError>> {
        Box::pin(async move {
            let spec = self.command(&request)?;
            let streams = runtime::Streams {
                stdin: request.with_stdin.then_some(stdin),
                output,
            };
            self.runtime.attach(spec, streams).await
        })
    }

    fn logs(&self, namespace: &str, pod: &str, container: &str, run: LogRun) -> Option<LogSource> {
        let Entry { log, previous, .. } = self.registry.container(namespace, pod, container)?;
        let log = match run {
            LogRun::Current => log,
            LogRun::Previous => previous,
        };
        Some(log?.source())
    }

    fn usage(&self, namespace: &str, pod: &str) -> Vec<(String, Usage)> {
        let running = self.registry.running(namespace, pod);
        running
            .into_iter()
            .map(|(name, running)| (name, running.usage()))
            .collect()
    }
}

/// The task that gives every pod of the node its worker.
struct Pods {
    shared: Arc<Shared>,
    node: String,
    known: HashMap<String, watch::Sender<Update>>,
    workers: JoinSet<String>,
    cancel: CancellationToken,
}

impl Pods {
    async fn run(mut self) {
        let cancel = self.cancel.clone();
        cancel.run_until_cancelled(self.follow()).await;
        while let Some(ended) = self.workers.join_next().await {
            self.ended(ended);
        }
    }

    async fn follow(&mut self) {
        loop {
            let (pods, mut watch) = self.shared.objects.list_and_watch(Kind::Pod);
            let present: Vec<&str> = pods.iter().map(|pod| meta::uid(pod)).collect();
            let gone: Vec<String> = self
                .known
                .keys()
                .filter(|uid| !present.contains(&uid.as_str()))
                .cloned()
                .collect();
            for uid in gone {
                self.gone(&uid);
            }
            for pod in pods {
                self.present(pod);
            }
            loop {
                tokio::select! {
                    change = watch.next() => match change {
                        Ok(Change { change: ChangeType::Deleted, object, .. }) => self.gone(meta::uid(&object)),
                        Ok(Change { object, .. }) => self.present(object),
                        // The watch fell behind: everything is read again.
                        Err(_) => break,
                    },
                    Some(ended) = self.workers.join_next() => self.ended(ended),
                }
            }
        }
    }

    fn present(&mut self, object: Arc<Value>) {
        if meta::text(&object, "/spec/nodeName") != self.node {
            return;
        }
        let uid = meta::uid(&object).to_owned();
        if let Some(updates) = self.known.get(&uid) {
            updates.send_replace(Update::Present(object));
            return;
        }
        let pod = match spec::Pod::read(&object) {
            Ok(pod) => pod,
            Err(error) => {
                let about = About::of(Kind::Pod, &object, "kubelet");
                let message = format!("the pod cannot be read: {error}");
                let objects = &self.shared.objects;
                objects.record_event(&about, EventType::Warning, "FailedSync", &message);
                return;
            }
        };
        let (sender, updates) = watch::channel(Update::Present(object.clone()));
        self.known.insert(uid.clone(), sender);
        let worker = Worker::new(self.shared.clone(), pod, object);
        let cancel = self.cancel.clone();
        self.workers.spawn(async move {
            worker.run(updates, cancel).await;
            uid
        });
    }

    fn gone(&mut self, uid: &str) {
        if let Some(updates) = self.known.get(uid) {
            updates.send_replace(Update::Gone);
        }
    }

    fn ended(&mut self, ended: Result<String, tokio::task::JoinError>) {
        match ended {
            Ok(uid) => {
                self.known.remove(&uid);
            }
            Err(error) => tracing::warn!(%error, "the worker of a pod ended badly"),
        }
    }
}

#[cfg(test)]
mod tests;
