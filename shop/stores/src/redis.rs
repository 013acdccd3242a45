//! A server that speaks Redis' protocol (RESP2, RESP3 after `HELLO 3`) and keeps strings and hashes in memory.
//!
//! Keys expire when they are asked for and in a cycle. With `maxmemory` writes are refused or the longest unused keys evicted. Nothing is saved: a
//! restart forgets everything.

use std::net::SocketAddr;
use std::time::Duration;

use crate::env::Env;
use crate::error::StoreError;

pub use server::RedisServer;

mod commands;
mod connection;
mod data;
mod hashes;
mod metrics;
mod resp;
mod server;
mod strings;

/// The version of Redis that this server says it is.
const VERSION: &str = "7.2.5";

/// Everything that a server is told when it starts.
#[derive(Clone, Debug)]
pub struct RedisConfig {
    /// Where clients connect; port 0 lets the kernel choose.
    pub listen: SocketAddr,
    /// Where `/metrics` is served, if anywhere.
    pub metrics: Option<SocketAddr>,
    /// Clients have to give it before anything else (NOAUTH); `None` lets everybody in.
    pub password: Option<String>,
    /// Bytes that keys and values may take; 0 for no bound.
    pub max_memory: u64,
    /// What happens beyond that.
    pub eviction: Eviction,
    /// Clients that may be connected at a time.
    pub max_clients: usize,
    /// What is wrong with this server.
    pub faults: RedisFaults,
}

/// What a server does that has no memory left.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Eviction {
    /// It refuses writes with OOM (`noeviction`).
    Refuse,
    /// It drops keys that were not used for long (`allkeys-lru`).
    LeastRecentlyUsed,
}

impl Eviction {
    fn name(self) -> &'static str {
        match self {
            Self::Refuse => "noeviction",
            Self::LeastRecentlyUsed => "allkeys-lru",
        }
    }
}

impl std::str::FromStr for Eviction {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "noeviction" => Ok(Self::Refuse),
            "allkeys-lru" => Ok(Self::LeastRecentlyUsed),
            _ => Err("expected noeviction or allkeys-lru".to_owned()),
        }
    }
}

/// Incidents that a server plays; all off by default.
#[derive(Clone, Debug, Default)]
pub struct RedisFaults {
    /// For this long after the start commands are refused with LOADING.
    pub loading: Duration,
    /// Every write is refused with READONLY.
    pub read_only: bool,
    /// Every command takes this much longer.
    pub command_delay: Duration,
}

impl RedisConfig {
    /// Reads the environment: `POD_IP`, `PORT`, `METRICS_PORT`, `REDIS_PASSWORD`, `REDIS_MAXMEMORY` (bytes, or `1mb`), `REDIS_MAXMEMORY_POLICY`,
    /// `REDIS_MAXCLIENTS`, and the incidents `REDIS_LOADING_MS`, `REDIS_READ_ONLY`, `REDIS_COMMAND_DELAY_MS`.
    ///
    /// # Errors
    /// A value that is not what its name wants.
    pub fn from_env(env: &Env) -> Result<Self, StoreError> {
        let memory = env.text("REDIS_MAXMEMORY", "0");
        Ok(Self {
            listen: env.address("PORT", 6379)?,
            metrics: Some(env.address("METRICS_PORT", 9121)?),
            password: env.get("REDIS_PASSWORD"),
            max_memory: bytes(&memory).ok_or_else(|| StoreError::Setting {
                name: "REDIS_MAXMEMORY".to_owned(),
                value: memory,
                expected: "expected bytes, such as 1048576 or 1mb".to_owned(),
            })?,
            eviction: env.parse("REDIS_MAXMEMORY_POLICY", Eviction::Refuse)?,
            max_clients: env.parse("REDIS_MAXCLIENTS", 10_000)?,
            faults: RedisFaults {
                loading: Duration::from_millis(env.parse("REDIS_LOADING_MS", 0)?),
                read_only: env.flag("REDIS_READ_ONLY")?,
                command_delay: Duration::from_millis(env.parse("REDIS_COMMAND_DELAY_MS", 0)?),
            },
        })
    }
}

/// An amount of memory as Redis writes it: `100`, `1k`, `1kb`, `5mb`, `1gb`.
fn bytes(text: &str) -> Option<u64> {
    let text = text.trim().to_ascii_lowercase();
    let split = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    let (count, unit) = text.split_at(split);
    let scale = match unit {
        "" | "b" => 1,
        "k" => 1000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    count.parse::<u64>().ok()?.checked_mul(scale)
}
