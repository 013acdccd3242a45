//! The listener: accepts clients, reads their commands, and lets keys expire.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use shop_hooks::{Delay, Hook};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{info, warn};

use super::connection::Client;
use super::data::Keyspace;
use super::resp::{Reply, Version, command};
use super::{Eviction, RedisConfig, metrics};
use crate::error::StoreError;
use crate::exporter;

/// How often keys are looked through for expired ones.
const CYCLE: Duration = Duration::from_millis(100);

/// What takes longer is counted in the slow log: Redis' `slowlog-log-slower-than`.
const SLOW: Duration = Duration::from_millis(10);

/// What all connections share.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) config: RedisConfig,
    pub(super) started: Instant,
    pub(super) port: u16,
    /// Commands take longer while it is armed.
    pub(super) statements: Hook<Delay>,
    state: Mutex<State>,
}

/// The data, and what CONFIG SET can change.
#[derive(Debug)]
pub(super) struct State {
    pub(super) keys: Keyspace,
    pub(super) password: Option<String>,
    pub(super) max_memory: u64,
    pub(super) eviction: Eviction,
    pub(super) clients: usize,
    pub(super) accepted: u64,
    pub(super) rejected: u64,
    pub(super) commands: u64,
    /// How long all commands took together.
    pub(super) busy: Duration,
    /// Commands that took longer than [`SLOW`], as the slow log counts them.
    pub(super) slow: u64,
}

impl State {
    fn took(&mut self, time: Duration) {
        self.busy += time;
        self.slow += u64::from(time > SLOW);
    }
}

impl Shared {
    /// Commands run one after the other, as in Redis; none of them waits.
    pub(super) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A Redis-speaking server that holds its ports and waits to be run.
#[derive(Debug)]
pub struct RedisServer {
    listener: TcpListener,
    exporter: Option<TcpListener>,
    shared: Arc<Shared>,
}

impl RedisServer {
    /// Opens the ports.
    ///
    /// # Errors
    /// A port that is taken.
    pub async fn bind(config: RedisConfig) -> Result<Self, StoreError> {
        let listener = exporter::bind(config.listen).await?;
        let exporter = match config.metrics {
            Some(addr) => Some(exporter::bind(addr).await?),
            None => None,
        };
        let state = State {
            keys: Keyspace::default(),
            password: config.password.clone(),
            max_memory: config.max_memory,
            eviction: config.eviction,
            clients: 0,
            accepted: 0,
            rejected: 0,
            commands: 0,
            busy: Duration::ZERO,
            slow: 0,
        };
        let port = listener.local_addr()?.port();
        let shared = Arc::new(Shared {
            config,
            started: Instant::now(),
            port,
            statements: shop_hooks::statements(),
            state: Mutex::new(state),
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

    /// The hook by which every command takes longer.
    #[must_use]
    pub fn statements(&self) -> &Hook<Delay> {
        &self.shared.statements
    }

    /// Serves until `cancel`.
    ///
    /// # Errors
    /// When the listener breaks.
    pub async fn serve(self, cancel: CancellationToken) -> Result<(), StoreError> {
        let Self {
            listener,
            exporter,
            shared,
        } = self;
        info!(address = %listener.local_addr()?, "ready to accept connections tcp");
        let mut tasks = JoinSet::new();
        if let Some(exporter) = exporter {
            let shared = shared.clone();
            tasks.spawn(exporter::serve(
                exporter,
                move || metrics::render(&shared),
                cancel.clone(),
            ));
        }
        let mut cycle = tokio::time::interval(CYCLE);
        loop {
            tokio::select! {
                () = cancel.cancelled() => break,
                _ = cycle.tick() => shared.state().keys.expire_all(),
                Some(_) = tasks.join_next(), if !tasks.is_empty() => {}
                accepted = listener.accept() => match accepted {
                    Ok((socket, _)) => {
                        tasks.spawn(converse(socket, shared.clone(), cancel.clone()));
                    }
                    Err(error) => warn!(%error, "could not accept a connection"),
                },
            }
        }
        info!("user requested shutdown");
        exporter::drain(tasks).await;
        info!("redis is now ready to exit, bye bye");
        Ok(())
    }
}

/// A client's place; dropping it makes room.
struct Place(Arc<Shared>);

impl Drop for Place {
    fn drop(&mut self) {
        self.0.state().clients -= 1;
    }
}

async fn converse(mut socket: TcpStream, shared: Arc<Shared>, cancel: CancellationToken) {
    let (id, trusted, full) = {
        let mut state = shared.state();
        state.accepted += 1;
        state.clients += 1;
        let full = state.clients > shared.config.max_clients;
        state.rejected += u64::from(full);
        (state.accepted, state.password.is_none(), full)
    };
    let place = Place(shared.clone());
    if full {
        warn!("max number of clients reached");
        // The client may be gone already.
        let _ = socket
            .write_all(b"-ERR max number of clients reached\r\n")
            .await;
        return;
    }
    let talk = commands(&mut socket, Client::new(id, trusted), &shared);
    tokio::select! {
        () = cancel.cancelled() => {}
        talked = talk => if let Err(error) = talked {
            tracing::debug!(client = id, %error, "connection lost");
        },
    }
    drop(place);
}

async fn commands(
    socket: &mut TcpStream,
    mut client: Client,
    shared: &Arc<Shared>,
) -> std::io::Result<()> {
    socket.set_nodelay(true)?;
    let mut received = BytesMut::with_capacity(4096);
    let mut answers = BytesMut::new();
    loop {
        loop {
            let args = match command(&mut received) {
                Ok(Some(args)) => args,
                Ok(None) => break,
                Err(error) => {
                    Reply::Error(error).encode(Version::Two, &mut answers);
                    return socket.write_all(&answers).await;
                }
            };
            if args.is_empty() {
                continue;
            }
            let begun = Instant::now();
            let delay = shared.config.faults.command_delay;
            if !delay.is_zero() {
                tokio::time::sleep(delay).await;
            }
            shared.statements.wait().await;
            let reply = client.answer(&args, shared);
            shared.state().took(begun.elapsed());
            reply.encode(client.version, &mut answers);
            if client.leaves {
                return socket.write_all(&answers).await;
            }
        }
        if !answers.is_empty() {
            socket.write_all(&answers).await?;
            answers.clear();
        }
        if socket.read_buf(&mut received).await? == 0 {
            return Ok(());
        }
    }
}
