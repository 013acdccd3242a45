//! The store itself: checks the configuration, binds, starts the parts, stops them.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::alertmanager::{self, Alertmanager, ConfigError};
use crate::clock::Clock;
use crate::collect::kubernetes::Client;
use crate::collect::scrape::{Scraper, Targets};
use crate::collect::{discovery, tail};
use crate::config::Config;
use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::metrics::api::{self, Api};
use crate::rules::{RuleError, Ruler};
use crate::traces::Traces;
use crate::{http, logs, otlp, traces};

/// A running store. Dropping it aborts its tasks; [`Store::stop`] waits for them.
#[derive(Debug)]
pub struct Store {
    addresses: Addresses,
    stop: CancellationToken,
    tasks: JoinSet<()>,
    metrics: Arc<Metrics>,
    logs: Arc<Logs>,
    traces: Arc<Traces>,
    ruler: Arc<Ruler>,
    alertmanager: Arc<Alertmanager>,
}

/// Where the APIs listen.
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
    /// OTLP over gRPC.
    pub otlp_grpc: SocketAddr,
}

/// Why a store could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// Rule files are wrong; all that is wrong is told, one line each.
    #[error("{}", lines(.0))]
    Rules(Vec<RuleError>),
    /// The Alertmanager's configuration is wrong.
    #[error("alertmanager configuration: {0}")]
    Alertmanager(#[from] ConfigError),
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
        let alertmanager = Alertmanager::new(config.alertmanager.as_deref(), clock)?;
        let alertmanager = Arc::new(alertmanager);
        let ruler = Ruler::new(&config.rules, config.rule_interval, Arc::clone(&metrics));
        let ruler = ruler.map_err(StoreError::Rules)?;
        let ruler = Arc::new(ruler.notifying(Arc::clone(&alertmanager)));
        let targets = Arc::new(Targets::default());
        let mut store = Self {
            addresses: Addresses {
                mimir: SocketAddr::new(config.bind, 0),
                loki: SocketAddr::new(config.bind, 0),
                tempo: SocketAddr::new(config.bind, 0),
                otlp: SocketAddr::new(config.bind, 0),
                otlp_grpc: SocketAddr::new(config.bind, 0),
            },
            stop: CancellationToken::new(),
            tasks: JoinSet::new(),
            metrics: Arc::clone(&metrics),
            logs: Arc::clone(&logs),
            traces: Arc::clone(&traces),
            ruler: Arc::clone(&ruler),
            alertmanager: Arc::clone(&alertmanager),
        };
        let otlp = otlp::router(Arc::clone(&logs), Arc::clone(&traces), Arc::clone(&metrics));
        let api = api::router(Api {
            metrics: Arc::clone(&metrics),
            ruler: Arc::clone(&ruler),
            targets: Arc::clone(&targets),
        });
        let api = api.merge(alertmanager::api::router(Arc::clone(&alertmanager)));
        let ports = config.ports;
        store.addresses.mimir = store.serve("Mimir", ports.mimir, api).await?;
        let mimir = store.addresses.mimir;
        alertmanager.set_external_url(format!("http://{mimir}/alertmanager"));
        ruler.set_external_url(format!("http://{mimir}/prometheus"));
        store.addresses.loki = store
            .serve("Loki", ports.loki, logs::router(Arc::clone(&logs)))
            .await?;
        store.addresses.tempo = store
            .serve("Tempo", ports.tempo, traces::router(Arc::clone(&traces)))
            .await?;
        let grpc = otlp.clone();
        store.addresses.otlp = store.serve("OTLP", ports.otlp, otlp).await?;
        store.addresses.otlp_grpc = store.serve("OTLP/gRPC", ports.otlp_grpc, grpc).await?;
        store.tasks.spawn(ruler.run(store.stop.clone()));
        store.tasks.spawn(alertmanager.run(store.stop.clone()));
        store.tasks.spawn(forget(
            metrics.clone(),
            config.limits.retention,
            store.stop.clone(),
        ));
        store.collect(&config, targets, clock);
        Ok(store)
    }

    fn collect(&mut self, config: &Config, targets: Arc<Targets>, clock: Clock) {
        let Some(access) = config.kubernetes.clone() else {
            return;
        };
        let client = Client::new(access.clone());
        let (sender, pods) = tokio::sync::watch::channel(discovery::Pods::default());
        let scraper = Scraper {
            metrics: Arc::clone(&self.metrics),
            targets,
            interval: config.scrape_interval,
            timeout: config.scrape_timeout,
        };
        let stop = &self.stop;
        self.tasks
            .spawn(discovery::run(client.clone(), sender, stop.clone()));
        self.tasks
            .spawn(scraper.run(pods.clone(), access, stop.clone()));
        self.tasks.spawn(tail::run(
            client,
            pods,
            Arc::clone(&self.logs),
            clock,
            stop.clone(),
        ));
    }

    /// Rules and alerts, for reading in this process.
    #[must_use]
    pub const fn ruler(&self) -> &Arc<Ruler> {
        &self.ruler
    }

    /// Alerts, silences and groups, for reading and writing in this process.
    #[must_use]
    pub const fn alertmanager(&self) -> &Arc<Alertmanager> {
        &self.alertmanager
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

/// How often what has grown too old is looked for.
const FORGET_EVERY: Duration = Duration::from_secs(60);

/// Drops metrics that are older than the retention.
async fn forget(metrics: Arc<Metrics>, retention: Duration, stop: CancellationToken) {
    let retention = i64::try_from(retention.as_millis()).unwrap_or(i64::MAX);
    let mut tick = tokio::time::interval(FORGET_EVERY);
    loop {
        tokio::select! {
            () = stop.cancelled() => return,
            _ = tick.tick() => {}
        }
        let oldest = metrics.clock().now_ms().saturating_sub(retention);
        metrics.head().truncate(oldest);
    }
}

fn lines(errors: &[RuleError]) -> String {
    let lines: Vec<String> = errors.iter().map(ToString::to_string).collect();
    lines.join("\n")
}
