//! What an edge is made of: plain data, and the seams to its pod.

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::sync::watch;

/// Where an edge stands and what it may reach. Plain data; nothing is bound
/// before [`Edge::start`](crate::Edge::start).
#[derive(Clone)]
pub struct Config {
    /// Where the control API listens: the pod's address and port 8474. Port 0
    /// lets the kernel choose.
    pub control: SocketAddr,
    /// The key that every control request must carry in [`KEY_HEADER`]. Without
    /// the right one every path answers 404 with an empty body. `None` leaves
    /// the API open, as Toxiproxy's is.
    pub key: Option<String>,
    /// Where the service's own hooks listen (the pod's address and its
    /// `CONTROL_PORT`); `ANY /hooks/*` is relayed there. `None`: 404.
    pub hooks: Option<SocketAddr>,
    /// The pod's main container, for `POST /process/signal`. `None`: 501.
    pub workload: Option<Arc<dyn Workload>>,
    /// The seed of everything random: jitter, slices and toxicity.
    pub seed: u64,
}

/// The request header that carries the lab's key.
pub const KEY_HEADER: &str = "x-lab-key";

/// The port of the control API on a pod, which is Toxiproxy's.
pub const CONTROL_PORT: u16 = 8474;

/// Where a proxy sends what it accepts.
#[derive(Clone, Debug)]
pub enum Upstream {
    /// One address, `host:port`, looked up anew for every connection.
    Address(String),
    /// The ready endpoints of a Service, in turn; one that refuses is passed
    /// over for the next. While there are none, a connection is accepted (the
    /// listener must stand) and reset at once, before anything is read: its
    /// client sees `connection reset`, where kube-proxy would have let it see
    /// `connection refused`.
    ///
    /// A proxy without endpoints shows in the control API as upstream
    /// `endpoints`, and keeps its endpoints while its upstream is left so.
    Endpoints(watch::Receiver<Vec<SocketAddr>>),
}

/// A signal to the pod's main container.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Signal {
    /// SIGKILL: dies at once.
    #[serde(rename = "KILL")]
    Kill,
    /// SIGSTOP: stands still until [`Signal::Continue`].
    #[serde(rename = "STOP")]
    Stop,
    /// SIGCONT: goes on after [`Signal::Stop`].
    #[serde(rename = "CONT")]
    Continue,
    /// SIGTERM: is asked to end.
    #[serde(rename = "TERM")]
    Terminate,
}

/// The pod's main container, as far as an edge can reach it.
pub trait Workload: Send + Sync {
    /// Sends `signal` to the main process. Must not block.
    ///
    /// # Errors
    /// [`WorkloadError::NotRunning`] while the container has no process (in
    /// back-off, or finished); [`WorkloadError::Failed`] when the system refuses.
    fn signal(&self, signal: Signal) -> Result<(), WorkloadError>;
}

/// Why a signal did not reach the pod's main container.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum WorkloadError {
    /// There is no process to signal.
    #[error("the main container is not running")]
    NotRunning,
    /// The system refused.
    #[error("the signal could not be sent: {0}")]
    Failed(String),
}
