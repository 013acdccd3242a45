//! The fault proxy that every call between two parts of the shop passes. Its control API is Toxiproxy's.
//!
//! ```text
//! Edge ── Registry ── Proxy (listener) ── connection::relay (one task each)
//!   └ api (axum)        └ toxics (watch)      └ Pipe × 2 ── Stage (one per toxic)
//! ```
//! What a toxic does to data is decided by `stage` and `pipe`, which know
//! neither sockets nor clocks. A change of toxics is one value in a watch
//! channel, so that removing one never waits for a connection.

mod api;
mod chance;
pub mod client;
mod config;
mod connection;
mod metrics;
mod pipe;
mod proxy;
mod registry;
mod stage;
mod toxic;

pub use config::{CONTROL_PORT, Config, KEY_HEADER, Signal, Upstream, Workload, WorkloadError};
pub use toxic::{
    Bandwidth, Latency, LimitData, Slicer, SlowClose, Stream, Timeout, Toxic, ToxicKind,
};

use std::net::SocketAddr;
use std::sync::Arc;

use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::registry::{AddError, Registry};

/// The edge of one pod: its proxies and its control API.
///
/// Dropping it aborts everything; [`Edge::stop`] ends it in order.
pub struct Edge {
    control: SocketAddr,
    registry: Arc<Registry>,
    cancel: CancellationToken,
    tasks: Vec<JoinHandle<()>>,
}

/// Why an edge, or one of its proxies, could not be made.
#[derive(Debug, thiserror::Error)]
pub enum EdgeError {
    /// The address is taken or not ours.
    #[error("cannot listen on {address} for {what}: {source}; free that address or choose another")]
    Bind {
        /// What was to listen: the control API or a proxy's name.
        what: String,
        /// Where.
        address: SocketAddr,
        /// What the system said.
        source: std::io::Error,
    },
    /// A proxy of that name stands already.
    #[error("a proxy named `{0}` exists already; remove it first")]
    Exists(String),
}

impl Edge {
    /// Binds the control API and serves it until [`Edge::stop`].
    ///
    /// # Errors
    /// [`EdgeError::Bind`] when the control address cannot be bound.
    pub async fn start(config: Config) -> Result<Self, EdgeError> {
        let bind = |source| EdgeError::Bind {
            what: "the edge's control API".to_owned(),
            address: config.control,
            source,
        };
        let listener = TcpListener::bind(config.control).await.map_err(bind)?;
        let control = listener.local_addr().map_err(bind)?;
        let registry = Arc::new(Registry::new(config));
        let cancel = CancellationToken::new();
        let server = tokio::spawn(api::serve(listener, registry.clone(), cancel.clone()));
        let keeper = tokio::spawn({
            let (registry, cancel) = (registry.clone(), cancel.clone());
            async move { registry.keep_leases(cancel).await }
        });
        Ok(Self {
            control,
            registry,
            cancel,
            tasks: vec![server, keeper],
        })
    }

    /// Where the control API listens.
    pub fn control(&self) -> SocketAddr {
        self.control
    }

    /// Makes a proxy named `name` that listens on `listen` and passes on to
    /// `upstream`. Answers the address that was bound (port 0: the kernel's choice).
    ///
    /// # Errors
    /// [`EdgeError::Exists`], or [`EdgeError::Bind`] when `listen` cannot be bound.
    pub async fn add_proxy(
        &self,
        name: &str,
        listen: SocketAddr,
        upstream: Upstream,
    ) -> Result<SocketAddr, EdgeError> {
        let proxy = self.registry.make(name, &listen.to_string(), upstream);
        match self.registry.add(proxy.clone(), true).await {
            Ok(()) => Ok(proxy.fields().listen.parse().unwrap_or(listen)),
            Err(AddError::Exists) => Err(EdgeError::Exists(name.to_owned())),
            Err(AddError::Bind(source)) => Err(EdgeError::Bind {
                what: format!("the proxy `{name}`"),
                address: listen,
                source,
            }),
        }
    }

    /// Closes the proxy's listener and every connection of it. Nothing happens
    /// when there is none of that name.
    pub async fn remove_proxy(&self, name: &str) {
        self.registry.remove(name).await;
    }

    /// Closes the control API, every proxy and every connection; returns when
    /// all tasks have ended.
    pub async fn stop(mut self) {
        self.cancel.cancel();
        for task in std::mem::take(&mut self.tasks) {
            if let Err(error) = task.await {
                tracing::warn!(%error, "a task of the edge ended badly");
            }
        }
        self.registry.stop().await;
    }
}

impl Drop for Edge {
    fn drop(&mut self) {
        self.cancel.cancel();
        for task in &self.tasks {
            task.abort();
        }
        self.registry.abort();
    }
}
