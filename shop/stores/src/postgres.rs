//! A server that speaks PostgreSQL's wire protocol over SQLite.
//!
//! Simple and extended queries, prepared statements, transactions with savepoints, and PostgreSQL's error codes. One writer at a time holds a
//! lock that is fair; readers never wait. What is committed survives a killed process (see [`PostgresConfig::data`]).

use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use crate::env::Env;
use crate::error::StoreError;

pub use server::PostgresServer;

mod casts;
mod columns;
mod ddl;
mod errors;
mod functions;
mod handlers;
mod infer;
mod lexer;
mod metrics;
mod plan;
mod server;
mod session;
mod settings;
mod startup;
mod time;
mod translate;
mod types;

/// The version of PostgreSQL that this server says it is.
const VERSION: &str = "16.6";

/// Everything that a server is told when it starts.
#[derive(Clone, Debug)]
pub struct PostgresConfig {
    /// Where clients connect; port 0 lets the kernel choose.
    pub listen: SocketAddr,
    /// Where `/metrics` is served, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// The folder of the database file. Commits are in the operating system's hands before they are acknowledged.
    pub data: PathBuf,
    /// The one user.
    pub user: String,
    /// Its password.
    pub password: String,
    /// The one database.
    pub database: String,
    /// Clients that may be connected at a time; one more is refused with 53300.
    pub max_connections: usize,
    /// How long a statement may take before 57014, where a client has set nothing else; `None` for ever.
    pub statement_timeout: Option<Duration>,
    /// What is wrong with this server.
    pub faults: PostgresFaults,
}

/// Incidents that a server plays; all off by default.
#[derive(Clone, Debug, Default)]
pub struct PostgresFaults {
    /// For this long after the start clients are refused with 57P03.
    pub startup: Duration,
    /// Every write is refused with 25006.
    pub read_only: bool,
    /// Every insert and update is refused with 53100.
    pub disk_full: bool,
    /// Every statement takes this much longer.
    pub statement_delay: Duration,
    /// The database may not outgrow this many bytes; beyond, 53100.
    pub max_bytes: Option<i64>,
}

impl PostgresConfig {
    /// Reads the environment: `POSTGRES_USER`, `POSTGRES_PASSWORD`, `POSTGRES_DB`, `PGDATA`, `POD_IP`, `PORT`, `METRICS_PORT`,
    /// `POSTGRES_MAX_CONNECTIONS`, `POSTGRES_STATEMENT_TIMEOUT_MS`, and the incidents `POSTGRES_STARTUP_MS`, `POSTGRES_READ_ONLY`,
    /// `POSTGRES_DISK_FULL`, `POSTGRES_STATEMENT_DELAY_MS`, `POSTGRES_MAX_BYTES`.
    ///
    /// # Errors
    /// A value that is not what its name wants.
    pub fn from_env(env: &Env) -> Result<Self, StoreError> {
        let user = env.text("POSTGRES_USER", "postgres");
        Ok(Self {
            listen: env.address("PORT", 5432)?,
            metrics: Some(env.address("METRICS_PORT", 9187)?),
            data: env.text("PGDATA", "./pgdata").into(),
            password: env.text("POSTGRES_PASSWORD", &user),
            database: env.text("POSTGRES_DB", &user),
            user,
            max_connections: env.parse("POSTGRES_MAX_CONNECTIONS", 100)?,
            statement_timeout: env
                .optional("POSTGRES_STATEMENT_TIMEOUT_MS")?
                .map(Duration::from_millis),
            faults: PostgresFaults {
                startup: Duration::from_millis(env.parse("POSTGRES_STARTUP_MS", 0)?),
                read_only: env.flag("POSTGRES_READ_ONLY")?,
                disk_full: env.flag("POSTGRES_DISK_FULL")?,
                statement_delay: Duration::from_millis(
                    env.parse("POSTGRES_STATEMENT_DELAY_MS", 0)?,
                ),
                max_bytes: env.optional("POSTGRES_MAX_BYTES")?,
            },
        })
    }
}

/// `2025-10-18 09:24:28` of microseconds since 1970.
pub(crate) fn timestamp(unix_micros: i64) -> String {
    time::render(time::from_unix(unix_micros), false)
}
