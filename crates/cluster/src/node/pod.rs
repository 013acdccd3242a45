//! One pod: a task that brings its containers to where the API object wants them, and writes its status.

mod start;
mod unit;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::address::PodAddress;
use super::lifecycle::{Identity, Lifecycle, Next, Note};
use super::pod_edge::PodEdge;
use super::ports::{self, Shifts};
use super::registry::Place;
use super::shared::Shared;
use super::sources::ObjectSources;
use super::spec::{Pod, RestartPolicy};
use super::status::{self, View};
use super::volume::{self, Folders, Volumes};
use crate::objects::{About, EventType, Kind, meta};
use unit::{Happening, Surroundings, Unit, What};

/// The longest grace when the node itself stops.
const LAST_GRACE: Duration = Duration::from_millis(1_500);

/// What the node tells a pod's worker.
#[derive(Clone, Debug)]
pub(super) enum Update {
    /// The object as it is now.
    Present(Arc<Value>),
    /// The object is gone: everything is killed.
    Gone,
}

/// The task of one pod.
pub(super) struct Worker {
    node: Arc<Shared>,
    pod: Pod,
    object: Arc<Value>,
    place: Place,
    folder: PathBuf,
    start_time: Timestamp,
    units: Vec<Unit>,
    /// How many of the units are init containers; they come first.
    init: usize,
    /// The unit that the edge signals: the first that is no init container.
    main: usize,
    shifts: Shifts,
    events: mpsc::UnboundedSender<Happening>,
    happenings: mpsc::UnboundedReceiver<Happening>,
    stopping: bool,
    /// The object is gone, or the node stops: no status is written any more.
    silent: bool,
    retry_at: Option<Instant>,
    last_ip: Option<String>,
}

/// What a pod has as long as its containers may run.
pub(super) struct Sandbox {
    address: PodAddress,
    edge: PodEdge,
    volumes: Volumes,
}

impl Worker {
    pub(super) fn new(node: Arc<Shared>, pod: Pod, object: Arc<Value>) -> Self {
        let now = Instant::now();
        let unit = |container: &super::spec::Container, policy: RestartPolicy| {
            let identity = Identity {
                container: container.name.clone(),
                pod: pod.full_name(),
                image: container.image.clone(),
            };
            let life = Lifecycle::new(identity, policy, container, node.backoff, now);
            Unit::new(container.clone(), life)
        };
        let policy = pod.spec.restart_policy;
        let init = pod.spec.init_containers.iter();
        let mut units: Vec<Unit> = init
            .map(|one| unit(one, status::init_policy(policy)))
            .collect();
        let init = units.len();
        units.extend(pod.spec.containers.iter().map(|one| unit(one, policy)));
        let (events, happenings) = mpsc::unbounded_channel();
        let metadata = &pod.metadata;
        let place = node
            .registry
            .place(&metadata.namespace, &metadata.name, &metadata.uid);
        Self {
            folder: node.state_dir.join("pods").join(&metadata.uid),
            place,
            node,
            object,
            start_time: Timestamp::now(),
            units,
            init,
            main: init,
            shifts: Shifts::new(),
            events,
            happenings,
            stopping: false,
            silent: false,
            retry_at: None,
            last_ip: None,
            pod,
        }
    }

    /// Runs until the pod is gone, or everything is stopped because of `cancel`.
    pub(super) async fn run(
        mut self,
        mut updates: watch::Receiver<Update>,
        cancel: CancellationToken,
    ) {
        let mut sandbox = None;
        let mut cancelled = false;
        let present = updates.borrow_and_update().clone();
        self.update(present);
        loop {
            if sandbox.is_none() && !self.stopping && !self.is_over() {
                sandbox = self.open().await;
            }
            if let Some(open) = &mut sandbox {
                self.sync(open).await;
            }
            if self.is_over() && self.is_quiet() {
                self.close(sandbox.take()).await;
            }
            self.publish();
            if self.stopping && self.is_quiet() {
                break;
            }
            let due = self.due();
            tokio::select! {
                changed = updates.changed() => {
                    let update = match changed {
                        Ok(()) => updates.borrow_and_update().clone(),
                        Err(_) => Update::Gone,
                    };
                    self.update(update);
                }
                Some(happening) = self.happenings.recv() => {
                    self.happened(happening, &sandbox).await;
                }
                () = wait_until(due) => {}
                () = cancel.cancelled(), if !cancelled => {
                    cancelled = true;
                    self.silent = true;
                    self.terminate(self.pod.grace().min(LAST_GRACE));
                }
            }
        }
        self.close(sandbox.take()).await;
        self.finish();
    }

    /// Address, edge and volumes; `None` when one cannot be had, to be tried again.
    async fn open(&mut self) -> Option<Sandbox> {
        let now = Instant::now();
        if self.retry_at.is_some_and(|at| at > now) {
            return None;
        }
        match self.try_open().await {
            Ok(sandbox) => {
                self.retry_at = None;
                for unit in &mut self.units[self.init..] {
                    if self.init > 0 {
                        unit.life.hold("PodInitializing", None);
                    }
                }
                Some(sandbox)
            }
            Err((reason, message)) => {
                self.retry_at = Some(now + self.node.backoff.initial / 5);
                let about = About::of(Kind::Pod, &self.object, "kubelet");
                self.node
                    .objects
                    .record_event(&about, EventType::Warning, reason, &message);
                None
            }
        }
    }

    async fn try_open(&mut self) -> Result<Sandbox, (&'static str, String)> {
        let namespace = &self.pod.metadata.namespace;
        let folders = Folders {
            pod: self.folder.clone(),
            claims: self.node.state_dir.join("claims").join(namespace),
        };
        let sources = ObjectSources {
            objects: &self.node.objects,
            namespace,
        };
        let volumes = volume::prepare(&self.pod, &folders, &sources, &|claim| {
            sources.has_claim(claim)
        })
        .map_err(|error| ("FailedMount", error.to_string()))?;
        let no_sandbox = |error: String| {
            let message = format!("Failed to create pod sandbox: {error}");
            ("FailedCreatePodSandBox", message)
        };
        let address = self
            .node
            .slice
            .allocate()
            .ok_or_else(|| no_sandbox("no IP addresses available in range".to_owned()))?;
        let key = self.node.lab_key.clone();
        let edge = PodEdge::open(address.ip(), namespace, key, self.node.seed)
            .await
            .map_err(|error| no_sandbox(error.to_string()))?;
        self.shift_ports(&address);
        self.last_ip = Some(address.ip().to_string());
        Ok(Sandbox {
            address,
            edge,
            volumes,
        })
    }

    /// Ports that may not be bound are shifted, in the API object too.
    fn shift_ports(&mut self, address: &PodAddress) {
        let shifts = ports::shifts(&self.pod, |port| ports::may_bind(address.ip(), port));
        if shifts.is_empty() {
            return;
        }
        let metadata = &self.pod.metadata;
        let changed =
            self.node
                .objects
                .modify(Kind::Pod, &metadata.namespace, &metadata.name, |pod| {
                    if meta::uid(pod) == metadata.uid {
                        ports::apply(pod, &shifts);
                    }
                });
        let Ok(pod) = changed
            .map_err(|_| ())
            .and_then(|object| Pod::read(&object).map_err(|_| ()))
        else {
            return;
        };
        for (unit, container) in self.units[self.init..].iter_mut().zip(pod.spec.containers) {
            unit.life.set_probes(&container);
            unit.spec = container;
        }
        self.shifts = shifts;
    }

    /// Brings every container to where it should be now.
    async fn sync(&mut self, sandbox: &mut Sandbox) {
        let now = Instant::now();
        for index in 0..self.units.len() {
            self.units[index].kill_if_due(now);
            if self.may_start(index) {
                let (next, notes) = self.units[index].life.next(now);
                self.tell(index, notes);
                if next == Next::Start {
                    self.start(index, sandbox).await;
                }
            }
            let around = Surroundings {
                unit: index,
                ip: sandbox.address.ip(),
                runtime: &self.node.runtime,
                events: &self.events,
            };
            self.units[index].probe(&around);
        }
    }

    /// Init containers run one after another, the others when all of them succeeded.
    fn may_start(&self, index: usize) -> bool {
        let before = &self.units[..index.min(self.init)];
        !self.stopping && before.iter().all(|unit| unit.life.has_succeeded())
    }

    /// When something is due without anything happening.
    fn due(&mut self) -> Option<Instant> {
        let now = Instant::now();
        let mut all: Vec<Instant> = self.retry_at.into_iter().collect();
        for index in 0..self.units.len() {
            all.extend(self.units[index].kill_at);
            if self.may_start(index)
                && let Some(due) = self.units[index].life.due()
            {
                all.push(due.max(now));
            }
        }
        all.into_iter().min()
    }

    fn update(&mut self, update: Update) {
        match update {
            Update::Gone => {
                self.silent = true;
                self.terminate(Duration::ZERO);
            }
            Update::Present(object) => {
                if let Ok(pod) = Pod::read(&object) {
                    self.pod.metadata = pod.metadata;
                }
                self.object = object;
                if self.pod.is_deleting() {
                    self.terminate(self.pod.grace());
                }
            }
        }
    }

    /// Ends the pod's containers within `grace`.
    fn terminate(&mut self, grace: Duration) {
        let first = !self.stopping;
        self.stopping = true;
        let now = Instant::now();
        for index in 0..self.units.len() {
            let unit = &mut self.units[index];
            let mut notes = unit.life.stop();
            let hooks = unit.spec.lifecycle.as_ref();
            if first
                && unit.instance.is_some()
                && hooks.is_some_and(|hooks| hooks.pre_stop.is_some())
            {
                notes.push(Note::warning(
                    "FailedPreStopHook",
                    "PreStopHook skipped: this node runs no hooks".to_owned(),
                ));
            }
            unit.terminate(grace, now);
            self.tell(index, notes);
        }
    }

    async fn happened(&mut self, happening: Happening, sandbox: &Option<Sandbox>) {
        let Happening {
            unit: index,
            instance,
            what,
        } = happening;
        let unit = &mut self.units[index];
        if unit.instance.as_ref().map(unit::Instance::number) != Some(instance) {
            return;
        }
        match what {
            What::Probed(kind, answer) => {
                if !unit.hears(kind) {
                    return;
                }
                let (kill, notes) = unit.life.probed(kind, &answer);
                if kill {
                    let grace = unit
                        .life
                        .probe_grace(kind)
                        .unwrap_or_else(|| self.pod.grace());
                    unit.terminate(grace, Instant::now());
                }
                self.tell(index, notes);
            }
            What::Exited(exit) => {
                unit.kill_at = None;
                let Some(instance) = unit.instance.take() else {
                    return;
                };
                let termination = instance.termination(&exit);
                instance.close().await;
                let notes = self.units[index].life.exited(termination, Instant::now());
                let name = &self.units[index].spec.name;
                self.place.change(name, |entry| entry.running = None);
                if let Some(sandbox) = sandbox.as_ref().filter(|_| index == self.main) {
                    sandbox.edge.main().set(None);
                }
                self.tell(index, notes);
            }
        }
    }

    /// Writes Events about a container.
    fn tell(&self, unit: usize, notes: Vec<Note>) {
        if notes.is_empty() {
            return;
        }
        let about =
            About::of(Kind::Pod, &self.object, "kubelet").container(&self.units[unit].spec.name);
        for note in notes {
            let kind = if note.warning {
                EventType::Warning
            } else {
                EventType::Normal
            };
            self.node
                .objects
                .record_event(&about, kind, note.reason, &note.message);
        }
    }

    /// Writes the status where it changed.
    fn publish(&self) {
        if self.silent {
            return;
        }
        let view = View {
            pod: &self.pod,
            init: self.units[..self.init].iter().map(Unit::seen).collect(),
            containers: self.units[self.init..].iter().map(Unit::seen).collect(),
            pod_ip: self.last_ip.clone(),
            host_ip: self.node.host_ip.to_string(),
            start_time: self.start_time,
            failure: None,
        };
        let metadata = &self.pod.metadata;
        let written =
            self.node
                .objects
                .modify(Kind::Pod, &metadata.namespace, &metadata.name, |pod| {
                    if meta::uid(pod) == metadata.uid {
                        let before = pod.get("status").cloned().unwrap_or_default();
                        pod["status"] = status::status(&view, &before, Timestamp::now());
                    }
                });
        if let Err(error) = written {
            tracing::debug!(pod = metadata.name, %error, "the status of a pod was not written");
        }
    }

    /// Whether no container will ever be started again.
    fn is_over(&self) -> bool {
        let failed = |unit: &Unit| unit.life.is_over() && !unit.life.has_succeeded();
        self.units[..self.init].iter().any(failed)
            || (!self.units.is_empty() && self.units.iter().all(|unit| unit.life.is_over()))
    }

    /// Whether no container runs.
    fn is_quiet(&self) -> bool {
        self.units.iter().all(|unit| unit.instance.is_none())
    }

    /// Gives up edge and address.
    async fn close(&self, sandbox: Option<Sandbox>) {
        if let Some(sandbox) = sandbox {
            sandbox.edge.close().await;
            drop(sandbox.address);
        }
    }

    /// Takes away what was the pod's own, and the object.
    fn finish(self) {
        let Self {
            node,
            pod,
            place,
            folder,
            silent,
            ..
        } = self;
        drop(place);
        if let Err(error) = std::fs::remove_dir_all(&folder)
            && error.kind() != std::io::ErrorKind::NotFound
        {
            tracing::warn!(%error, folder = %folder.display(), "a pod's folder was not deleted");
        }
        let metadata = &pod.metadata;
        if !silent {
            node.objects.remove(
                Kind::Pod,
                &metadata.namespace,
                &metadata.name,
                Some(&metadata.uid),
            );
        }
    }
}

/// Waits for a time; for ever when there is none.
async fn wait_until(due: Option<Instant>) {
    match due {
        Some(due) => sleep_until(due).await,
        None => std::future::pending().await,
    }
}
