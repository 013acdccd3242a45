//! What outsiders may ask about the containers that the node knows: logs, usage, exec.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::log::ContainerLog;
use super::peers::Peer;
use super::runtime::{ProcessSpec, Running};

/// The containers of all pods, by namespace and name of the pod.
#[derive(Clone, Default)]
pub(crate) struct Registry {
    pods: Arc<Mutex<BTreeMap<(String, String), PodEntry>>>,
}

struct PodEntry {
    uid: String,
    containers: BTreeMap<String, Entry>,
}

/// What is known of one container.
#[derive(Clone, Default)]
pub(crate) struct Entry {
    pub(crate) log: Option<ContainerLog>,
    pub(crate) previous: Option<ContainerLog>,
    pub(crate) running: Option<Arc<dyn Running>>,
    pub(crate) spec: ProcessSpec,
    /// Where the pod's edge listens for each Service that the container names.
    pub(crate) peers: BTreeMap<Peer, SocketAddr>,
}

/// One pod's place in the registry. Dropping it takes the pod and its logs out.
pub(crate) struct Place {
    registry: Registry,
    key: (String, String),
    uid: String,
}

impl Registry {
    /// A place for a pod. It takes the place of an earlier pod of the same name.
    pub(crate) fn place(&self, namespace: &str, pod: &str, uid: &str) -> Place {
        let key = (namespace.to_owned(), pod.to_owned());
        let entry = PodEntry {
            uid: uid.to_owned(),
            containers: BTreeMap::new(),
        };
        self.lock().insert(key.clone(), entry);
        Place {
            registry: self.clone(),
            key,
            uid: uid.to_owned(),
        }
    }

    /// One container; the pod's first when no name is given.
    pub(crate) fn container(&self, namespace: &str, pod: &str, container: &str) -> Option<Entry> {
        let key = (namespace.to_owned(), pod.to_owned());
        self.lock().get(&key)?.containers.get(container).cloned()
    }

    /// The running containers of a pod.
    pub(crate) fn running(&self, namespace: &str, pod: &str) -> Vec<(String, Arc<dyn Running>)> {
        let key = (namespace.to_owned(), pod.to_owned());
        let pods = self.lock();
        let containers = pods.get(&key).map(|entry| entry.containers.iter());
        containers
            .into_iter()
            .flatten()
            .filter_map(|(name, entry)| Some((name.clone(), entry.running.clone()?)))
            .collect()
    }

    /// Namespace and name of every pod.
    pub(crate) fn pods(&self) -> Vec<(String, String)> {
        self.lock().keys().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(String, String), PodEntry>> {
        self.pods.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Changes what is known of a container.
    pub(crate) fn change(&self, container: &str, change: impl FnOnce(&mut Entry)) {
        let mut pods = self.registry.lock();
        if let Some(pod) = pods.get_mut(&self.key).filter(|pod| pod.uid == self.uid) {
            change(pod.containers.entry(container.to_owned()).or_default());
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut pods = self.registry.lock();
        if pods.get(&self.key).is_some_and(|pod| pod.uid == self.uid) {
            pods.remove(&self.key);
        }
    }
}
