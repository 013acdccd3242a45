//! The controllers: what makes the objects come true.
//!
//! One task watches every kind, notes what a change concerns (a [`Key`]), and reconciles each key from the objects as
//! they are. Reconciling is synchronous and works on memory only, so there are no races between controllers and a
//! change settles within milliseconds. **Nothing here polls**: the task sleeps until a change or a deadline.

mod autoscaler;
mod claim;
mod conditions;
mod cron_job;
mod deployment;
mod deployment_status;
mod endpoints;
mod garbage;
mod job;
mod namespace;
mod replica_set;
mod rollout;
mod scheduler;
mod template;

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde_json::Value;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

pub(crate) use cron_job::schedule::Schedule;
pub(crate) use garbage::{FOREGROUND, has_dependents, orphan_dependents};

use crate::objects::{Change, ChangeType, Kind, Objects, Watch, meta};
use crate::runtime::Runtime;
use crate::selector::LabelSelector;
use autoscaler::Autoscalers;

/// Something that may have to be brought in line.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Key {
    /// Where a Pod is to run.
    Schedule(String, String),
    ReplicaSet(String, String),
    Deployment(String, String),
    Endpoints(String, String),
    Claim(String, String),
    Job(String, String),
    CronJob(String, String),
    Autoscaler(String, String),
    Namespace(String),
    /// What the object with this uid owned, now that it is gone.
    Orphans(String),
    /// An object that waits for its dependents to go first.
    Foreground(Kind, String, String),
}

/// When a key is to be looked at again by itself.
type Again = Option<Duration>;

/// All controllers.
pub(crate) struct Controllers {
    objects: Objects,
    watches: Vec<(Kind, Watch)>,
    due: BTreeSet<Key>,
    later: HashMap<Key, Instant>,
    autoscalers: Autoscalers,
}

impl Controllers {
    /// Controllers that have everything before them. Autoscalers look at what `runtime` says that Pods use, once in
    /// each `autoscale_period`.
    pub(crate) fn new(
        objects: Objects,
        runtime: Arc<dyn Runtime>,
        autoscale_period: Duration,
    ) -> Self {
        let mut controllers = Self {
            objects: objects.clone(),
            watches: Vec::new(),
            due: BTreeSet::new(),
            later: HashMap::new(),
            autoscalers: Autoscalers::new(runtime, autoscale_period),
        };
        let watched = Kind::ALL
            .into_iter()
            .filter(|kind| !matches!(kind, Kind::Event | Kind::Lease));
        for kind in watched {
            let (present, watch) = objects.list_and_watch(kind);
            controllers.watches.push((kind, watch));
            for object in present {
                controllers.concerns(kind, &object, None, ChangeType::Added);
            }
        }
        controllers
    }

    /// Works until cancelled.
    pub(crate) async fn run(mut self, cancel: CancellationToken) {
        let mut latest = self.objects.changes();
        loop {
            latest.borrow_and_update();
            self.settle();
            let next = self.later.values().min().copied();
            tokio::select! {
                () = cancel.cancelled() => return,
                changed = latest.changed() => if changed.is_err() { return },
                () = until(next) => self.wake(),
            }
        }
    }

    /// Reconciles until nothing is left to do now.
    pub(crate) fn settle(&mut self) {
        loop {
            self.note_changes();
            let Some(key) = self.due.pop_first() else {
                return;
            };
            self.later.remove(&key);
            if let Some(after) = self.reconcile(&key) {
                self.later.insert(key, Instant::now() + after);
            }
        }
    }

    fn wake(&mut self) {
        let now = Instant::now();
        let due: Vec<_> = self
            .later
            .iter()
            .filter(|(_, at)| **at <= now)
            .map(|(key, _)| key.clone())
            .collect();
        for key in due {
            self.later.remove(&key);
            self.due.insert(key);
        }
    }

    fn reconcile(&mut self, key: &Key) -> Again {
        let objects = &self.objects;
        match key {
            Key::Schedule(namespace, name) => scheduler::reconcile(objects, namespace, name),
            Key::ReplicaSet(namespace, name) => {
                return replica_set::reconcile(objects, namespace, name);
            }
            Key::Deployment(namespace, name) => {
                return deployment::reconcile(objects, namespace, name);
            }
            Key::Endpoints(namespace, name) => endpoints::reconcile(objects, namespace, name),
            Key::Autoscaler(namespace, name) => {
                return self.autoscalers.reconcile(objects, namespace, name);
            }
            Key::Job(namespace, name) => {
                return job::reconcile(objects, namespace, name, Timestamp::now());
            }
            Key::CronJob(namespace, name) => {
                return cron_job::reconcile(objects, namespace, name, Timestamp::now());
            }
            Key::Claim(namespace, name) => claim::reconcile(objects, namespace, name),
            Key::Namespace(name) => namespace::reconcile(objects, name),
            Key::Orphans(uid) => garbage::collect(objects, uid),
            Key::Foreground(kind, namespace, name) => {
                garbage::foreground(objects, *kind, namespace, name);
            }
        }
        None
    }

    fn note_changes(&mut self) {
        let mut changes: Vec<(Kind, Change)> = Vec::new();
        let mut lost = Vec::new();
        for (kind, watch) in &mut self.watches {
            loop {
                match watch.take() {
                    Ok(Some(change)) => changes.push((*kind, change)),
                    Ok(None) => break,
                    Err(_) => {
                        lost.push(*kind);
                        break;
                    }
                }
            }
        }
        changes.sort_by_key(|(_, change)| change.revision);
        for (kind, change) in changes {
            self.concerns(
                kind,
                &change.object,
                change.previous.as_ref(),
                change.change,
            );
        }
        for kind in lost {
            self.start_over(kind);
        }
    }

    /// Too many changes at once were not seen one by one: look at everything of that kind.
    fn start_over(&mut self, kind: Kind) {
        let (present, fresh) = self.objects.list_and_watch(kind);
        if let Some((_, watch)) = self
            .watches
            .iter_mut()
            .find(|(watched, _)| *watched == kind)
        {
            *watch = fresh;
        }
        for object in present {
            self.concerns(kind, &object, None, ChangeType::Modified);
        }
    }

    /// Notes what a change of an object concerns.
    fn concerns(
        &mut self,
        kind: Kind,
        object: &Arc<Value>,
        previous: Option<&Arc<Value>>,
        change: ChangeType,
    ) {
        let (namespace, name) = (
            meta::namespace(object).to_owned(),
            meta::name(object).to_owned(),
        );
        let gone = change == ChangeType::Deleted;
        if gone {
            self.due.insert(Key::Orphans(meta::uid(object).to_owned()));
            self.due.insert(Key::Namespace(namespace.clone()));
            self.owners(&namespace, object);
        } else if meta::is_terminating(object)
            && !meta::items(object, "/metadata/finalizers").is_empty()
        {
            self.due
                .insert(Key::Foreground(kind, namespace.clone(), name.clone()));
        }
        match kind {
            Kind::Pod => {
                self.due.insert(Key::Schedule(namespace.clone(), name));
                self.pod(&namespace, object);
                if let Some(previous) = previous {
                    self.pod(&namespace, previous);
                }
                if gone {
                    self.waiting_deployment(&namespace, object);
                }
            }
            Kind::ReplicaSet => {
                self.due.insert(Key::ReplicaSet(namespace.clone(), name));
                self.owner_of_replica_set(&namespace, object);
            }
            Kind::Deployment => {
                self.due.insert(Key::Deployment(namespace, name));
            }
            Kind::Service | Kind::Endpoints => {
                self.due.insert(Key::Endpoints(namespace, name));
            }
            Kind::HorizontalPodAutoscaler => {
                // Its own status does not make it look again; the next look has its time.
                let asked = previous
                    .is_none_or(|previous| meta::generation(previous) != meta::generation(object));
                if gone {
                    self.autoscalers.forget(meta::uid(object));
                }
                if asked || gone {
                    self.due.insert(Key::Autoscaler(namespace, name));
                }
            }
            Kind::Job => {
                let owner = meta::controller(object).filter(|owner| owner["kind"] == "CronJob");
                if let Some(owner) = owner {
                    let owner = meta::text(owner, "/name").to_owned();
                    self.due.insert(Key::CronJob(namespace.clone(), owner));
                }
                self.due.insert(Key::Job(namespace, name));
            }
            Kind::CronJob => {
                self.due.insert(Key::CronJob(namespace, name));
            }
            Kind::Namespace => {
                self.due.insert(Key::Namespace(name));
            }
            Kind::PersistentVolumeClaim => {
                self.due.insert(Key::Claim(namespace, name));
            }
            Kind::Node => {
                for pod in self.objects.list(Kind::Pod, None) {
                    if meta::text(&pod, "/spec/nodeName").is_empty() {
                        let place = (
                            meta::namespace(&pod).to_owned(),
                            meta::name(&pod).to_owned(),
                        );
                        self.due.insert(Key::Schedule(place.0, place.1));
                    }
                }
            }
            _ => {}
        }
    }

    /// The ReplicaSets, Jobs and Services that a Pod counts for.
    fn pod(&mut self, namespace: &str, pod: &Value) {
        let owner = meta::controller(pod);
        if let Some(owner) = owner.filter(|owner| owner["kind"] == "ReplicaSet") {
            let name = meta::text(owner, "/name").to_owned();
            self.due.insert(Key::ReplicaSet(namespace.to_owned(), name));
        }
        if let Some(owner) = owner.filter(|owner| owner["kind"] == "Job") {
            let name = meta::text(owner, "/name").to_owned();
            self.due.insert(Key::Job(namespace.to_owned(), name));
        }
        if owner.is_none() {
            for set in self.objects.list(Kind::ReplicaSet, Some(namespace)) {
                if LabelSelector::of_workload(&set["spec"]["selector"])
                    .is_some_and(|wanted| wanted.matches(pod))
                {
                    let name = meta::name(&set).to_owned();
                    self.due.insert(Key::ReplicaSet(namespace.to_owned(), name));
                }
            }
        }
        for service in self.objects.list(Kind::Service, Some(namespace)) {
            if LabelSelector::of_service(&service["spec"]["selector"])
                .is_some_and(|wanted| wanted.matches(pod))
            {
                let name = meta::name(&service).to_owned();
                self.due.insert(Key::Endpoints(namespace.to_owned(), name));
            }
        }
    }

    /// A Deployment that is recreated waits for the last Pod of the old template to be gone.
    fn waiting_deployment(&mut self, namespace: &str, pod: &Value) {
        let set = meta::controller(pod).and_then(|owner| {
            let name = meta::text(owner, "/name");
            self.objects.find(Kind::ReplicaSet, namespace, name)
        });
        if let Some(set) = set {
            self.owner_of_replica_set(namespace, &set);
        }
    }

    fn owner_of_replica_set(&mut self, namespace: &str, set: &Value) {
        match meta::controller(set) {
            Some(owner) => {
                let name = meta::text(owner, "/name").to_owned();
                self.due.insert(Key::Deployment(namespace.to_owned(), name));
            }
            None => {
                for deployment in self.objects.list(Kind::Deployment, Some(namespace)) {
                    let name = meta::name(&deployment).to_owned();
                    self.due.insert(Key::Deployment(namespace.to_owned(), name));
                }
            }
        }
    }

    /// Owners that may be waiting for a dependent to be gone.
    fn owners(&mut self, namespace: &str, object: &Value) {
        for owner in meta::items(object, "/metadata/ownerReferences") {
            let kind =
                Kind::of_manifest(meta::text(owner, "/apiVersion"), meta::text(owner, "/kind"));
            if let Some(kind) = kind {
                let within = if kind.namespaced() { namespace } else { "" };
                let name = meta::text(owner, "/name").to_owned();
                self.due
                    .insert(Key::Foreground(kind, within.to_owned(), name));
            }
        }
    }
}

async fn until(at: Option<Instant>) {
    match at {
        Some(at) => tokio::time::sleep_until(at).await,
        None => std::future::pending().await,
    }
}

#[cfg(test)]
pub(crate) mod tests;
