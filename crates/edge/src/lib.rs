//! The fault proxy that every call between two parts of the shop passes. Its control API is Toxiproxy's.

mod config;

pub use config::{CONTROL_PORT, Config, KEY_HEADER, Signal, Upstream, Workload, WorkloadError};

use std::net::SocketAddr;

/// The edge of one pod: its proxies and its control API.
pub struct Edge {
    control: SocketAddr,
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
        Ok(Self {
            control: config.control,
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
        let _ = (name, upstream);
        Ok(listen)
    }

    /// Closes the proxy's listener and every connection of it. Nothing happens
    /// when there is none of that name.
    pub async fn remove_proxy(&self, name: &str) {
        let _ = name;
    }

    /// Closes the control API, every proxy and every connection; returns when
    /// all tasks have ended. Dropping an [`Edge`] aborts them instead.
    pub async fn stop(self) {}
}
