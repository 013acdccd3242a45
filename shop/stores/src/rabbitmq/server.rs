//! The listeners: AMQP, the management API, the metrics.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::broker::Broker;
use super::journal::Journal;
use super::{RabbitConfig, connection, management as api, metrics};
use crate::error::StoreError;
use crate::exporter;

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: RabbitConfig,
    broker: Mutex<Broker>,
}

impl Shared {
    /// The state; what is done with it never waits.
    pub(super) fn broker(&self) -> MutexGuard<'_, Broker> {
        self.broker.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// An AMQP-speaking server that holds its ports and waits to be run.
#[derive(Debug)]
pub struct RabbitServer {
    listener: TcpListener,
    management: Option<TcpListener>,
    exporter: Option<TcpListener>,
    shared: Arc<Shared>,
}

impl RabbitServer {
    /// Reads what outlived the last run, and opens the ports.
    ///
    /// # Errors
    /// A folder that cannot be written, a port that is taken.
    pub async fn bind(config: RabbitConfig) -> Result<Self, StoreError> {
        let (journal, alive) = Journal::open(&config.data).map_err(|source| StoreError::Data {
            path: config.data.clone(),
            source,
        })?;
        let broker = Broker::new(
            journal,
            alive,
            config.memory_limit,
            config.faults.blocked.clone(),
        );
        let listener = exporter::bind(config.listen).await?;
        let management = match config.management {
            Some(addr) => Some(exporter::bind(addr).await?),
            None => None,
        };
        let exporter = match config.metrics {
            Some(addr) => Some(exporter::bind(addr).await?),
            None => None,
        };
        Ok(Self {
            listener,
            management,
            exporter,
            shared: Arc::new(Shared {
                config,
                broker: Mutex::new(broker),
            }),
        })
    }

    /// The address that clients connect to.
    ///
    /// # Errors
    /// When the system does not tell it.
    pub fn addr(&self) -> Result<SocketAddr, StoreError> {
        Ok(self.listener.local_addr()?)
    }

    /// The address of the management API, if it is served.
    #[must_use]
    pub fn management_addr(&self) -> Option<SocketAddr> {
        self.management
            .as_ref()
            .and_then(|listener| listener.local_addr().ok())
    }

    /// The address of the metrics, if they are served.
    #[must_use]
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.exporter
            .as_ref()
            .and_then(|listener| listener.local_addr().ok())
    }

    /// Serves until `cancel`, then closes all connections.
    ///
    /// # Errors
    /// When the listener breaks.
    pub async fn serve(self, cancel: CancellationToken) -> Result<(), StoreError> {
        let Self {
            listener,
            management,
            exporter,
            shared,
        } = self;
        info!(address = %listener.local_addr()?, "server startup complete, ready to accept connections");
        let mut tasks = JoinSet::new();
        if let Some(exporter) = exporter {
            let shared = shared.clone();
            tasks.spawn(exporter::serve(
                exporter,
                move || metrics::render(&shared),
                cancel.clone(),
            ));
        }
        if let Some(management) = management {
            tasks.spawn(exporter::http(
                management,
                api::routes(shared.clone()),
                cancel.clone(),
            ));
        }
        let mut accepted_before = 0_u64;
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
                accepted = listener.accept() => match accepted {
                    Ok((socket, _)) => {
                        accepted_before += 1;
                        tasks.spawn(connection::converse(socket, accepted_before, shared.clone(), cancel.clone()));
                    }
                    Err(error) => warn!(%error, "could not accept a connection"),
                },
            }
        }
        info!("RabbitMQ is asked to stop");
        exporter::drain(tasks).await;
        info!("successfully stopped RabbitMQ");
        Ok(())
    }
}
