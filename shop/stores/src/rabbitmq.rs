//! A server that speaks AMQP 0-9-1 as RabbitMQ does.
//!
//! Exchanges, queues with bounds, publisher confirms, acknowledgements, prefetch, mandatory returns, `connection.blocked`; durable queues keep
//! persistent messages in a file that is only appended to. RabbitMQ's management API is served as far as an operator of a queue needs it.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::env::Env;
use crate::error::StoreError;

pub use server::RabbitServer;

mod broker;
mod channel;
mod connection;
mod declare;
mod deliver;
mod frames;
mod handshake;
mod journal;
mod management;
mod metrics;
mod policy;
mod queue;
mod routing;
mod server;
mod trouble;

/// The version of RabbitMQ that this server says it is.
const VERSION: &str = "3.13.7";
/// The only virtual host.
const VHOST: &str = "/";

/// Everything that a server is told when it starts.
#[derive(Clone, Debug)]
pub struct RabbitConfig {
    /// Where AMQP clients connect; port 0 lets the kernel choose.
    pub listen: SocketAddr,
    /// Where the management API is served, if anywhere.
    pub management: Option<SocketAddr>,
    /// Where `/metrics` is served, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// The folder of durable queues and their messages. A message is in the operating system's hands before it is confirmed.
    pub data: PathBuf,
    /// The one user.
    pub user: String,
    /// Its password.
    pub password: String,
    /// Connections that may be open at a time.
    pub max_connections: usize,
    /// Bytes of messages beyond which publishers are blocked; `None` for no bound.
    pub memory_limit: Option<u64>,
    /// What is wrong with this server.
    pub faults: RabbitFaults,
}

/// Incidents that a server plays; all off by default.
#[derive(Clone, Debug, Default)]
pub struct RabbitFaults {
    /// Publishers are blocked for this reason, such as `low on disk`.
    pub blocked: Option<String>,
    /// Every published message is refused: nack in confirm mode, lost otherwise.
    pub refuse_publishes: bool,
}

impl RabbitConfig {
    /// Reads the environment: `POD_IP`, `PORT`, `METRICS_PORT`, `MANAGEMENT_PORT`, `RABBITMQ_DEFAULT_USER`, `RABBITMQ_DEFAULT_PASS`,
    /// `RABBITMQ_MNESIA_DIR`, `RABBITMQ_MAX_CONNECTIONS`, `RABBITMQ_MEMORY_LIMIT` (bytes), and the incidents `RABBITMQ_BLOCKED` (the reason) and
    /// `RABBITMQ_REFUSE_PUBLISHES`.
    ///
    /// # Errors
    /// A value that is not what its name wants.
    pub fn from_env(env: &Env) -> Result<Self, StoreError> {
        Ok(Self {
            listen: env.address("PORT", 5672)?,
            management: Some(env.address("MANAGEMENT_PORT", 15672)?),
            metrics: Some(env.address("METRICS_PORT", 9090)?),
            data: env.text("RABBITMQ_MNESIA_DIR", "./mnesia").into(),
            user: env.text("RABBITMQ_DEFAULT_USER", "guest"),
            password: env.text("RABBITMQ_DEFAULT_PASS", "guest"),
            max_connections: env.parse("RABBITMQ_MAX_CONNECTIONS", 65_535)?,
            memory_limit: env.optional("RABBITMQ_MEMORY_LIMIT")?,
            faults: RabbitFaults {
                blocked: env.get("RABBITMQ_BLOCKED"),
                refuse_publishes: env.flag("RABBITMQ_REFUSE_PUBLISHES")?,
            },
        })
    }
}
