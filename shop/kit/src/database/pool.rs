//! Connections to one database: a bounded number, made when needed, checked when they were idle.
//!
//! sqlx's own pool tries again for as long as a caller may wait when the database
//! refuses connections; here the caller learns of it at once.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Connection, PgConnection};
use tokio::sync::{Semaphore, SemaphorePermit};

/// How long connecting, or checking an idle connection, may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// A connection that was idle for longer is checked before it is used.
const FRESH: Duration = Duration::from_secs(1);

/// The connections to one database.
#[derive(Debug)]
pub(super) struct Pool {
    options: PgConnectOptions,
    permits: Semaphore,
    size: u32,
    idle: Mutex<Vec<Idle>>,
}

#[derive(Debug)]
struct Idle {
    connection: PgConnection,
    since: Instant,
}

/// All connections of a pool in one hand: whoever wants one waits until this is dropped.
#[derive(Debug)]
pub(super) struct Held<'a> {
    _connections: Vec<PgConnection>,
    _permits: SemaphorePermit<'a>,
}

/// A connection that somebody uses. Dropping it closes it: whatever happens to a
/// statement, nobody else reads its answer.
#[derive(Debug)]
pub(super) struct Lent<'a> {
    pub(super) connection: PgConnection,
    pool: &'a Pool,
    _permit: SemaphorePermit<'a>,
}

impl Pool {
    pub(super) fn new(options: PgConnectOptions, size: u32) -> Self {
        Self {
            options,
            permits: Semaphore::new(size as usize),
            size,
            idle: Mutex::default(),
        }
    }

    /// A connection; waits while all are in use.
    pub(super) async fn lend(&self) -> Result<Lent<'_>, sqlx::Error> {
        let permit = self
            .permits
            .acquire()
            .await
            .map_err(|_| sqlx::Error::PoolClosed)?;
        let connection = match self.take_idle().await {
            Some(connection) => connection,
            None => self.connect().await?,
        };
        Ok(Lent {
            connection,
            pool: self,
            _permit: permit,
        })
    }

    /// Takes all connections as they become free, before anybody who asks later. Those that
    /// did not exist are made, as far as the database lets them.
    pub(super) async fn hold_all(&self) -> Result<Held<'_>, sqlx::Error> {
        let permits = self
            .permits
            .acquire_many(self.size)
            .await
            .map_err(|_| sqlx::Error::PoolClosed)?;
        let mut connections = Vec::new();
        for _ in 0..self.size {
            let idle = self.take_idle().await;
            let Some(connection) = (match idle {
                Some(connection) => Some(connection),
                None => self.connect().await.ok(),
            }) else {
                break;
            };
            connections.push(connection);
        }
        Ok(Held {
            _connections: connections,
            _permits: permits,
        })
    }

    async fn take_idle(&self) -> Option<PgConnection> {
        loop {
            let mut idle = self.lock().pop()?;
            if idle.since.elapsed() < FRESH {
                return Some(idle.connection);
            }
            let checked = tokio::time::timeout(CONNECT_TIMEOUT, idle.connection.ping()).await;
            if matches!(checked, Ok(Ok(()))) {
                return Some(idle.connection);
            }
        }
    }

    async fn connect(&self) -> Result<PgConnection, sqlx::Error> {
        let connecting = tokio::time::timeout(CONNECT_TIMEOUT, self.options.connect());
        connecting.await.unwrap_or(Err(sqlx::Error::PoolTimedOut))
    }

    /// Closes the connections that nobody uses.
    pub(super) fn forget_idle(&self) {
        self.lock().clear();
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Idle>> {
        self.idle.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Lent<'_> {
    /// Gives back a connection that is in order.
    pub(super) fn give_back(self) {
        let since = Instant::now();
        self.pool.lock().push(Idle {
            connection: self.connection,
            since,
        });
    }
}
