//! The listener: accepts clients, counts them, and runs their connections.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use futures::{SinkExt, StreamExt};
use pgwire::api::{ClientInfo, NoopHandler, PgWireConnectionState};
use pgwire::error::{PgWireError, PgWireResult};
use pgwire::messages::PgWireFrontendMessage;
use pgwire::tokio::server::{negotiate_tls, process_error, process_message};
use shop_hooks::{Delay, Hook};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Mutex;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::errors::{self, fatal};
use super::handlers::{Connection, Extended};
use super::metrics::Metrics;
use super::startup::goodbye;
use super::{PostgresConfig, functions, session};
use crate::error::StoreError;
use crate::exporter;

/// What all connections share.
pub(super) struct Shared {
    pub(super) config: PostgresConfig,
    pub(super) file: PathBuf,
    /// One writer at a time, in the order of asking; SQLite's own lock is never waited for.
    pub(super) write: Arc<Mutex<()>>,
    pub(super) metrics: Metrics,
    /// Statements take longer while it is armed.
    pub(super) statements: Hook<Delay>,
    connected: AtomicUsize,
    started: Instant,
}

impl Shared {
    pub(super) fn ready(&self) -> PgWireResult<()> {
        if self.started.elapsed() < self.config.faults.startup {
            return Err(fatal("57P03", "the database system is starting up"));
        }
        Ok(())
    }

    /// Takes one of the connections that the server has.
    pub(super) fn slot(self: Arc<Self>) -> PgWireResult<Slot> {
        let slot = Slot(self);
        if slot.0.connected.fetch_add(1, Ordering::Relaxed) >= slot.0.config.max_connections {
            return Err(fatal("53300", "sorry, too many clients already"));
        }
        Ok(slot)
    }
}

/// A connection's place; dropping it makes room.
pub(super) struct Slot(Arc<Shared>);

impl Drop for Slot {
    fn drop(&mut self) {
        self.0.connected.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A PostgreSQL-speaking server that holds its ports and waits to be run.
pub struct PostgresServer {
    listener: TcpListener,
    exporter: Option<TcpListener>,
    shared: Arc<Shared>,
}

impl PostgresServer {
    /// Opens the data directory and the ports.
    ///
    /// # Errors
    /// A folder that cannot be written, a damaged database, a port that is taken.
    pub async fn bind(config: PostgresConfig) -> Result<Self, StoreError> {
        let folder = config.data.clone();
        std::fs::create_dir_all(&folder).map_err(|source| StoreError::Data {
            path: folder.clone(),
            source,
        })?;
        let file = folder.join(format!("{}.sqlite", config.database));
        let conn = session::connect(&file)?;
        conn.execute_batch(functions::CATALOG)?;
        drop(conn);
        let listener = exporter::bind(config.listen).await?;
        let exporter = match config.metrics {
            Some(addr) => Some(exporter::bind(addr).await?),
            None => None,
        };
        let shared = Arc::new(Shared {
            config,
            file,
            write: Arc::new(Mutex::new(())),
            metrics: Metrics::default(),
            statements: shop_hooks::statements(),
            connected: AtomicUsize::new(0),
            started: Instant::now(),
        });
        Ok(Self {
            listener,
            exporter,
            shared,
        })
    }

    /// The address that clients connect to.
    ///
    /// # Errors
    /// When the system does not tell it.
    pub fn addr(&self) -> Result<SocketAddr, StoreError> {
        Ok(self.listener.local_addr()?)
    }

    /// The address of the metrics, if they are served.
    #[must_use]
    pub fn metrics_addr(&self) -> Option<SocketAddr> {
        self.exporter
            .as_ref()
            .and_then(|listener| listener.local_addr().ok())
    }

    /// The hook by which every statement takes longer.
    #[must_use]
    pub fn statements(&self) -> &Hook<Delay> {
        &self.shared.statements
    }

    /// Serves until `cancel`, then ends all sessions.
    ///
    /// # Errors
    /// When the listener breaks.
    pub async fn serve(self, cancel: CancellationToken) -> Result<(), StoreError> {
        let Self {
            listener,
            exporter,
            shared,
        } = self;
        info!(address = %listener.local_addr()?, database = shared.config.database, "database system is ready to accept connections");
        let mut tasks = JoinSet::new();
        if let Some(exporter) = exporter {
            let shared = shared.clone();
            let render = move || {
                let connected = shared.connected.load(Ordering::Relaxed);
                shared.metrics.render(&shared.config, connected)
            };
            tasks.spawn(exporter::serve(exporter, render, cancel.clone()));
        }
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
                accepted = listener.accept() => match accepted {
                    Ok((socket, _)) => {
                        tasks.spawn(converse(socket, shared.clone(), cancel.clone()));
                    }
                    Err(error) => warn!(%error, "could not accept a connection"),
                },
            }
        }
        info!("received fast shutdown request");
        exporter::drain(tasks).await;
        info!("database system is shut down");
        Ok(())
    }
}

/// Runs one connection to its end.
async fn converse(socket: TcpStream, shared: Arc<Shared>, cancel: CancellationToken) {
    let peer = socket.peer_addr().ok();
    if let Err(error) = messages(socket, shared, cancel).await {
        tracing::debug!(?peer, %error, "connection lost");
    }
}

async fn messages(
    socket: TcpStream,
    shared: Arc<Shared>,
    cancel: CancellationToken,
) -> std::io::Result<()> {
    let Some(mut socket) = negotiate_tls(socket, None).await? else {
        return Ok(());
    };
    let connection = Connection::new(shared);
    let extended = Arc::new(Extended(connection.clone()));
    let noop = Arc::new(NoopHandler);
    loop {
        let message = tokio::select! {
            () = cancel.cancelled() => {
                socket.send(goodbye()).await?;
                return Ok(());
            }
            message = socket.next() => message,
        };
        let Some(Ok(message)) = message else {
            return Ok(());
        };
        if matches!(message, PgWireFrontendMessage::Terminate(_)) {
            return Ok(());
        }
        let by_sync = message.is_extended_query();
        let done = matches!(message, PgWireFrontendMessage::CancelRequest(_));
        let processed = tokio::select! {
            () = cancel.cancelled() => {
                socket.send(goodbye()).await?;
                return Ok(());
            }
            processed = process_message(
                message, &mut socket, connection.clone(), connection.clone(), extended.clone(), noop.clone(), noop.clone(),
            ) => processed,
        };
        if let Err(error) = processed {
            log(&error, &socket);
            let fatal = error.is_fatal();
            process_error(&mut socket, error, by_sync).await?;
            if fatal {
                return Ok(());
            }
        }
        if done {
            return Ok(());
        }
    }
}

/// Writes to the log what PostgreSQL would write there.
fn log<C: ClientInfo>(error: &PgWireError, client: &C) {
    let user = client.metadata().get("user").map_or("", String::as_str);
    let code = error.code();
    let text = match error {
        PgWireError::UserError(info) => info.message.clone(),
        other => other.to_string(),
    };
    let starting = matches!(
        client.state(),
        PgWireConnectionState::AwaitingStartup | PgWireConnectionState::AuthenticationInProgress
    );
    if error.is_fatal() || starting || errors::is_notable(code) {
        tracing::error!(code, user, severity = error.severity(), "{text}");
    } else {
        warn!(code, user, severity = error.severity(), "{text}");
    }
}
