//! The store itself: checks the configuration, binds, starts the parts, stops them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::clock::Clock;
use crate::config::Config;
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::traces::Traces;
use crate::{http, logs, metrics, otlp, traces};

/// A running store. Dropping it aborts its tasks; [`Store::stop`] waits for them.
#[derive(Debug)]
pub struct Store {
    addresses: Addresses,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    metrics: Arc<Metrics>,
    logs: Arc<Logs>,
    traces: Arc<Traces>,
}

/// Where the four APIs listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Addresses {
    /// Mimir's HTTP API, paths below `/prometheus`.
    pub mimir: SocketAddr,
    /// Loki's HTTP API.
    pub loki: SocketAddr,
    /// Tempo's HTTP API.
    pub tempo: SocketAddr,
    /// OTLP over HTTP.
    pub otlp: SocketAddr,
}

/// Why a store could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// An API could be bound neither to its port nor to any other.
    #[error("cannot listen for {what} on {address}: {source}; give another address to bind")]
    Bind {
        /// Which API.
        what: &'static str,
        /// The address that was tried.
        address: SocketAddr,
        /// What the kernel said.
        source: io::Error,
    },
}

impl Store {
    /// Checks `config`, binds the listeners and starts collecting.
    ///
    /// # Errors
    /// [`StoreError`]; nothing is left running then.
    pub async fn start(config: Config) -> Result<Self, StoreError> {
        let clock = Clock::system();
        let metrics = Arc::new(Metrics::new(&config.limits, clock));
        let logs = Arc::new(Logs::new(&config.limits, clock));
        let traces = Arc::new(Traces::new(&config.limits, clock));
        let mut store = Self {
            addresses: Addresses {
                mimir: SocketAddr::new(config.bind, 0),
                loki: SocketAddr::new(config.bind, 0),
                tempo: SocketAddr::new(config.bind, 0),
                otlp: SocketAddr::new(config.bind, 0),
            },
            stop: CancellationToken::new(),
            tasks: JoinSet::new(),
            metrics: Arc::clone(&metrics),
            logs: Arc::clone(&logs),
            traces: Arc::clone(&traces),
        };
        let otlp = otlp::router(Arc::clone(&logs), Arc::clone(&traces), Arc::clone(&metrics));
        let ports = config.ports;
        store.addresses.mimir = store
            .serve("Mimir", ports.mimir, metrics::router(Arc::clone(&metrics)))
            .await?;
        store.addresses.loki = store
            .serve("Loki", ports.loki, logs::router(Arc::clone(&logs)))
            .await?;
        store.addresses.tempo = store
            .serve("Tempo", ports.tempo, traces::router(Arc::clone(&traces)))
            .await?;
        store.addresses.otlp = store.serve("OTLP", ports.otlp, otlp).await?;
        Ok(store)
    }

    /// Where the APIs listen; other ports than configured when those were taken.
    #[must_use]
    pub const fn addresses(&self) -> Addresses {
        self.addresses
    }

    /// The metrics, for reading and writing in this process.
    #[must_use]
    pub const fn metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    /// The logs, for reading and writing in this process.
    #[must_use]
    pub const fn logs(&self) -> &Arc<Logs> {
        &self.logs
    }

    /// The traces, for reading and writing in this process.
    #[must_use]
    pub const fn traces(&self) -> &Arc<Traces> {
        &self.traces
    }

    /// Stops collecting and serving; returns when every task has ended.
    pub async fn stop(mut self) {
        self.stop.cancel();
        while self.tasks.join_next().await.is_some() {}
    }

    async fn serve(
        &mut self,
        what: &'static str,
        port: u16,
        router: axum::Router,
    ) -> Result<SocketAddr, StoreError> {
        let wanted = SocketAddr::new(self.addresses.mimir.ip(), port);
        let failed = |source| StoreError::Bind {
            what,
            address: wanted,
            source,
        };
        let listener = http::bind(wanted.ip(), port).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        let stop = self.stop.clone();
        self.tasks.spawn(async move {
            if let Err(error) = http::serve(listener, router, stop).await {
                tracing::error!(what, %error, "listener failed");
            }
        });
        Ok(address)
    }
}
