//! A small Kubernetes for one machine whose node runs containers as operating-system processes.
//!
//! [`Cluster`] is the whole: API server, controllers and node. [`objects::Objects`] is the memory in which its parts
//! meet; [`runtime::Runtime`] is what the API server asks of the node.

mod api;
mod cluster;
mod controllers;
mod defaults;
mod kubeconfig;
pub mod manifests;
pub mod node;
pub mod objects;
mod quantity;
pub mod runtime;
mod schema;
mod selector;
mod topology;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

pub use cluster::{Cluster, ClusterError, ServerError, TlsError};
pub use manifests::{ManifestError, Manifests};
pub use topology::Topology;

/// How a cluster is to be started.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where kubeconfigs, logs, volumes and other files go. Made when missing.
    pub state_dir: PathBuf,
    /// Where the API server listens with TLS; port 0 takes a free one.
    pub listen: SocketAddr,
    /// Where the API server listens with plain HTTP, for clients in this process.
    pub listen_plain: SocketAddr,
    /// Namespaces that responders can neither read nor change.
    pub hidden_namespaces: Vec<String>,
    /// How often HorizontalPodAutoscalers look at their metrics (`--horizontal-pod-autoscaler-sync-period`).
    pub autoscale_period: Duration,
    /// The node: which images stand for which programs, the lab's key and so on.
    pub node: node::Config,
}

impl Config {
    /// The usual: free loopback ports, namespace `shoplab` hidden from responders, a node without images; autoscalers look every 5 s
    /// instead of Kubernetes' 15, for drills are short.
    pub fn new(state_dir: impl Into<PathBuf>) -> Self {
        let any = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let state_dir = state_dir.into();
        Self {
            node: node::Config::new(state_dir.join("node")),
            state_dir,
            listen: any,
            listen_plain: any,
            autoscale_period: Duration::from_secs(5),
            hidden_namespaces: vec!["shoplab".to_owned()],
        }
    }
}
