//! PostgreSQL: a bounded pool whose statements are spans and metrics.

mod migrate;
mod pool;
mod value;

use std::sync::Arc;
use std::time::{Duration, Instant};

use instrument::{Metrics, Outcome, span};
use shop_hooks::{Hook, Nothing};
use sqlx::postgres::{PgArguments, PgConnectOptions, PgQueryResult};
use sqlx::query::Query;
use sqlx::{Connection, PgConnection, Postgres};
use tracing::Instrument;

use crate::context::Context;
use crate::env::ConfigError;
pub use migrate::Migration;
use pool::Pool;
pub use value::{Row, Value};

/// How long a statement may wait for a connection and for its answer together.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long the health check may take.
const PING_TIMEOUT: Duration = Duration::from_secs(1);
/// Connections of one instance, unless `DATABASE_POOL` says otherwise.
const CONNECTIONS: u32 = 8;

/// Why a statement was not executed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DbError {
    /// The database does not answer, or takes nobody in.
    #[error("{peer} is unreachable: {reason}")]
    Unreachable {
        /// The store's name.
        peer: &'static str,
        /// What happened.
        reason: String,
    },
    /// No connection was free, or no answer came, in time.
    #[error("{peer}: database connection timeout after {} s", TIMEOUT.as_secs())]
    Timeout {
        /// The store's name.
        peer: &'static str,
    },
    /// The row exists already.
    #[error("{peer} has that already: {reason}")]
    Duplicate {
        /// The store's name.
        peer: &'static str,
        /// What the database said.
        reason: String,
    },
    /// The database refused the statement.
    #[error("{peer} refused: {reason}")]
    Refused {
        /// The store's name.
        peer: &'static str,
        /// What the database said.
        reason: String,
    },
}

/// A database; clones share its connections.
#[derive(Clone, Debug)]
pub struct Database {
    peer: &'static str,
    pool: Arc<Pool>,
    metrics: Metrics,
}

type Statement<'q> = Query<'q, Postgres, PgArguments>;

impl Database {
    pub(crate) fn new(peer: &'static str, context: &Context) -> Result<Self, ConfigError> {
        let expected = "the URL of a database such as `postgres://user:password@host:5432/name`";
        let url = context.env().url("DATABASE_URL", "postgres", expected)?;
        let size = context.env().number(
            "DATABASE_POOL",
            CONNECTIONS,
            "a number of connections such as `8`",
        )?;
        let options: PgConnectOptions = url.as_str().parse().map_err(|_| ConfigError::Invalid {
            variable: "DATABASE_URL".to_owned(),
            found: format!("postgres://***{}", url.path()),
            expected,
        })?;
        let pool = Arc::new(Pool::new(options, size.max(1)));
        context.hooks().all().add(&exhaustion(pool.clone()));
        Ok(Self {
            peer,
            pool,
            metrics: context.metrics().clone(),
        })
    }

    /// The rows that a statement answers with.
    ///
    /// # Errors
    /// When the statement is not executed.
    pub async fn rows(&self, sql: &'static str, values: &[Value]) -> Result<Vec<Row>, DbError> {
        let work =
            async |connection: &mut PgConnection| bound(sql, values).fetch_all(connection).await;
        let rows = self.measured(sql, work).await?;
        Ok(rows
            .into_iter()
            .map(|row| Row::new(self.peer, row))
            .collect())
    }

    /// The first row that a statement answers with, if there is one.
    ///
    /// # Errors
    /// When the statement is not executed.
    pub async fn row(&self, sql: &'static str, values: &[Value]) -> Result<Option<Row>, DbError> {
        Ok(self.rows(sql, values).await?.into_iter().next())
    }

    /// Executes a statement and answers how many rows it touched.
    ///
    /// # Errors
    /// When the statement is not executed.
    pub async fn execute(&self, sql: &'static str, values: &[Value]) -> Result<u64, DbError> {
        let work =
            async |connection: &mut PgConnection| bound(sql, values).execute(connection).await;
        let done: PgQueryResult = self.measured(sql, work).await?;
        Ok(done.rows_affected())
    }

    /// Executes statements, all or none, and answers how many rows each touched.
    ///
    /// # Errors
    /// When one is not executed; then none is.
    pub async fn all(
        &self,
        statements: &[(&'static str, Vec<Value>)],
    ) -> Result<Vec<u64>, DbError> {
        let work = async |connection: &mut PgConnection| {
            let mut transaction = connection.begin().await?;
            let mut touched = Vec::with_capacity(statements.len());
            for (sql, values) in statements {
                let done = bound(sql, values).execute(&mut *transaction).await?;
                touched.push(done.rows_affected());
            }
            transaction.commit().await?;
            Ok(touched)
        };
        let first = statements.first().map_or("BEGIN", |(sql, _)| sql);
        self.measured(first, work).await
    }

    /// Asks whether the database answers, for at most a second.
    ///
    /// # Errors
    /// When it does not.
    pub async fn ping(&self) -> Result<(), DbError> {
        let work = async |connection: &mut PgConnection| connection.ping().await;
        match tokio::time::timeout(PING_TIMEOUT, self.attempt(work)).await {
            Ok(answered) => answered,
            Err(_) => Err(DbError::Timeout { peer: self.peer }),
        }
    }

    /// Runs `work` on a connection of the pool, as one span and one measurement.
    async fn measured<T>(
        &self,
        sql: &str,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, DbError> {
        let operation = sql.split_whitespace().next().unwrap_or_default();
        let span = span::database("postgresql", self.peer, operation, sql);
        let since = Instant::now();
        let attempt = tokio::time::timeout(TIMEOUT, self.attempt(work));
        let result = match attempt.instrument(span.clone()).await {
            Ok(result) => result,
            Err(_) => Err(DbError::Timeout { peer: self.peer }),
        };
        let outcome = match &result {
            Ok(_) | Err(DbError::Duplicate { .. }) => Outcome::Ok,
            Err(DbError::Timeout { .. }) => Outcome::Timeout,
            Err(_) => Outcome::Error,
        };
        self.metrics
            .stored(self.peer, operation, outcome, since.elapsed());
        if let Err(error) = &result {
            span::fail(&span, "postgresql", &error.to_string());
            span.in_scope(|| tracing::warn!("{error}"));
        }
        result
    }

    async fn attempt<T>(
        &self,
        work: impl AsyncFnOnce(&mut PgConnection) -> Result<T, sqlx::Error>,
    ) -> Result<T, DbError> {
        let mut lent = self.pool.lend().await.map_err(|error| self.error(&error))?;
        let done = work(&mut lent.connection).await;
        let result = done.map_err(|error| self.error(&error));
        match &result {
            Err(DbError::Unreachable { .. }) => self.pool.forget_idle(),
            _ => lent.give_back(),
        }
        result
    }

    fn error(&self, error: &sqlx::Error) -> DbError {
        let (peer, reason) = (self.peer, error.to_string());
        match error {
            sqlx::Error::PoolTimedOut => DbError::Timeout { peer },
            sqlx::Error::Database(error) if error.is_unique_violation() => {
                DbError::Duplicate { peer, reason }
            }
            sqlx::Error::Database(error) => match error.code().as_deref() {
                // Too many connections, starting up, shutting down: nothing is wrong with the statement.
                Some("53300" | "57P01" | "57P02" | "57P03") => {
                    DbError::Unreachable { peer, reason }
                }
                _ => DbError::Refused { peer, reason },
            },
            sqlx::Error::Io(io) if io.kind() == std::io::ErrorKind::ConnectionRefused => {
                DbError::Unreachable {
                    peer,
                    reason: format!("connection refused to {peer}:5432"),
                }
            }
            sqlx::Error::Io(_)
            | sqlx::Error::Tls(_)
            | sqlx::Error::Protocol(_)
            | sqlx::Error::PoolClosed => DbError::Unreachable { peer, reason },
            _ => DbError::Refused { peer, reason },
        }
    }
}

/// `pool`: while it is armed all connections are taken, and statements wait in vain.
fn exhaustion(pool: Arc<Pool>) -> Hook<Nothing> {
    Hook::with_effect("pool", move |_: Nothing| {
        let pool = pool.clone();
        async move {
            let _held = pool.hold_all().await;
            std::future::pending::<()>().await;
        }
    })
}

fn bound<'q>(sql: &'static str, values: &'q [Value]) -> Statement<'q> {
    values
        .iter()
        .fold(sqlx::query(sql), |query, value| match value {
            Value::Text(text) => query.bind(text.as_str()),
            Value::MaybeText(text) => query.bind(text.as_deref()),
            Value::Int(number) => query.bind(number),
            Value::Float(number) => query.bind(number),
        })
}
