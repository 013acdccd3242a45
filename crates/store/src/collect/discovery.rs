//! Which pods there are, as the Kubernetes API's list and watch tell.

use std::collections::BTreeMap;
use std::sync::Arc;

use tokio::sync::watch;

/// All pods known now; replaced as a whole at each change.
pub type Pods = Arc<Vec<Arc<Pod>>>;

/// Follow it with [`watch::Receiver::changed`]; scraping and tailing share one watch.
pub type PodsReceiver = watch::Receiver<Pods>;

/// What collecting needs to know about a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Pod {
    /// `metadata.uid`.
    pub uid: String,
    /// `metadata.namespace`.
    pub namespace: String,
    /// `metadata.name`.
    pub name: String,
    /// `metadata.labels`.
    pub labels: BTreeMap<String, String>,
    /// `metadata.annotations`.
    pub annotations: BTreeMap<String, String>,
    /// `status.podIP`, once there is one.
    pub ip: Option<String>,
    /// `status.phase`.
    pub phase: String,
    /// `spec.nodeName`.
    pub node: String,
    /// One entry per container of the spec, with its state.
    pub containers: Vec<Container>,
}

/// One container of a pod.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Container {
    /// Its name in the spec.
    pub name: String,
    /// `status.containerStatuses[].containerID`: another one after each restart.
    pub id: String,
    /// `status.containerStatuses[].restartCount`.
    pub restarts: u32,
    /// Whether it runs now.
    pub running: bool,
    /// Whether it has run at least once, so that there are logs to read.
    pub started: bool,
}
