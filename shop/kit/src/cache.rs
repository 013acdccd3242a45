//! Redis: a few commands, each a span and a metric, never waiting long.

use std::time::{Duration, Instant};

use instrument::{Metrics, Outcome, span};
use redis::aio::{ConnectionManager, ConnectionManagerConfig};
use redis::{Cmd, FromRedisValue, RedisError};
use tracing::Instrument;
use url::Url;

/// How long one command, or connecting, may take.
const TIMEOUT: Duration = Duration::from_secs(1);

/// Why a command gave no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CacheError {
    /// Redis does not answer.
    #[error("{peer} is unreachable: {reason}")]
    Unreachable {
        /// The store's name.
        peer: &'static str,
        /// What happened.
        reason: String,
    },
    /// Redis answered with an error.
    #[error("{peer} refused: {reason}")]
    Refused {
        /// The store's name.
        peer: &'static str,
        /// What Redis said.
        reason: String,
    },
}

/// A Redis; clones share its connection.
#[derive(Clone)]
pub struct Cache {
    peer: &'static str,
    connection: ConnectionManager,
    metrics: Metrics,
}

impl std::fmt::Debug for Cache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Cache")
            .field("peer", &self.peer)
            .finish_non_exhaustive()
    }
}

impl Cache {
    /// The Redis `peer` at `url`; `None` when the client refuses the URL.
    pub(crate) fn new(peer: &'static str, url: &Url, metrics: Metrics) -> Option<Self> {
        let config = ConnectionManagerConfig::new()
            .set_number_of_retries(1)
            .set_min_delay(Duration::from_millis(50))
            .set_connection_timeout(Some(TIMEOUT))
            .set_response_timeout(Some(TIMEOUT));
        let client = redis::Client::open(url.as_str()).ok()?;
        let connection = ConnectionManager::new_lazy_with_config(client, config).ok()?;
        Some(Self {
            peer,
            connection,
            metrics,
        })
    }

    /// The text at `key`, if there is one; its time to live starts anew.
    ///
    /// # Errors
    /// When Redis does not answer, or with an error.
    pub async fn get(&self, key: &str, ttl: Duration) -> Result<Option<String>, CacheError> {
        let found: Option<String> = self.run("GET", redis::cmd("GET").arg(key)).await?;
        if found.is_some() {
            let expire = &mut redis::cmd("EXPIRE");
            self.run::<i64>("EXPIRE", expire.arg(key).arg(ttl.as_secs()))
                .await?;
        }
        Ok(found)
    }

    /// Keeps `text` at `key` for `ttl`.
    ///
    /// # Errors
    /// When Redis does not answer, or with an error.
    pub async fn set(&self, key: &str, text: &str, ttl: Duration) -> Result<(), CacheError> {
        let set = &mut redis::cmd("SET");
        self.run("SET", set.arg(key).arg(text).arg("EX").arg(ttl.as_secs()))
            .await
    }

    /// Removes what is at `key`.
    ///
    /// # Errors
    /// When Redis does not answer, or with an error.
    pub async fn delete(&self, key: &str) -> Result<(), CacheError> {
        self.run::<i64>("DEL", redis::cmd("DEL").arg(key))
            .await
            .map(drop)
    }

    /// Asks whether Redis answers.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), CacheError> {
        self.run::<String>("PING", &redis::cmd("PING"))
            .await
            .map(drop)
    }

    async fn run<T: FromRedisValue>(
        &self,
        operation: &'static str,
        command: &Cmd,
    ) -> Result<T, CacheError> {
        let span = span::database("redis", self.peer, operation, operation);
        let since = Instant::now();
        let attempt = async {
            let mut connection = self.connection.clone();
            let first = command.query_async(&mut connection).await;
            match first {
                // The connection broke while it was idle: it has been renewed by now.
                Err(error) if error.is_connection_dropped() => {
                    command.query_async(&mut connection).await
                }
                other => other,
            }
        };
        let within = tokio::time::timeout(TIMEOUT * 2, attempt);
        let result = match within.instrument(span.clone()).await {
            Ok(result) => result.map_err(|error| self.error(&error)),
            Err(_) => Err(CacheError::Unreachable {
                peer: self.peer,
                reason: "timeout".to_owned(),
            }),
        };
        let outcome = if result.is_ok() {
            Outcome::Ok
        } else {
            Outcome::Error
        };
        self.metrics
            .stored(self.peer, operation, outcome, since.elapsed());
        if let Err(error) = &result {
            span::fail(&span, "redis", &error.to_string());
            span.in_scope(|| tracing::warn!("{error}"));
        }
        result
    }

    fn error(&self, error: &RedisError) -> CacheError {
        let peer = self.peer;
        let reason = if error.is_connection_refusal() {
            format!("connection refused to {peer}:6379")
        } else {
            error.to_string()
        };
        if error.is_io_error() || error.is_timeout() || error.is_connection_dropped() {
            CacheError::Unreachable { peer, reason }
        } else {
            CacheError::Refused { peer, reason }
        }
    }
}
