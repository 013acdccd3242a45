//! One client's session: its SQLite connection, its transaction, its settings.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use bytes::BytesMut;
use pgwire::api::Type;
use pgwire::api::portal::Format;
use pgwire::error::PgWireResult;
use pgwire::messages::data::DataRow;
use pgwire::messages::response::TransactionStatus;
use rusqlite::Connection;
use rusqlite::types::Value;
use tokio::sync::OwnedMutexGuard;

use super::ddl::Definition;
use super::errors::{self, refuse};
use super::functions::{self, Identity};
use super::lexer::{Kind, Token};
use super::plan::{Action, Plan, Run, plan};
use super::server::Shared;
use super::settings::Settings;
use super::{time, types};

/// How many of SQLite's instructions run between two looks at the clock.
const INSTRUCTIONS_BETWEEN_LOOKS: i32 = 10_000;
/// Statements that a session keeps prepared.
const PREPARED: usize = 256;

/// What takes longer is logged, as PostgreSQL does with `log_min_duration_statement = 500ms`.
const SLOW: Duration = Duration::from_millis(500);

/// What a statement came to.
#[derive(Debug)]
pub(super) enum Outcome {
    /// Rows, encoded.
    Rows(Vec<DataRow>),
    /// Rows touched.
    Count(usize),
    /// Done, with a tag of its own or the plan's.
    Done(Option<&'static str>),
    Began,
    /// The transaction ended; the tag is `COMMIT` or `ROLLBACK`.
    Ended(&'static str),
    /// Back at a savepoint: the transaction goes on.
    Resumed,
}

/// The state of one session.
pub(super) struct Session {
    conn: Connection,
    shared: Arc<Shared>,
    settings: Settings,
    identity: Identity,
    /// Held from BEGIN to the end of a transaction that may write.
    write: Option<OwnedMutexGuard<()>>,
    read_only: bool,
}

impl Session {
    /// Opens the database for one client.
    pub(super) fn open(shared: Arc<Shared>) -> rusqlite::Result<Self> {
        let config = &shared.config;
        let conn = connect(&shared.file)?;
        let identity = Identity {
            user: config.user.clone(),
            database: config.database.clone(),
            now: Arc::new(AtomicI64::new(time::now())),
        };
        functions::register(&conn, &identity)?;
        if let Some(bytes) = config.faults.max_bytes {
            let page: i64 = conn.pragma_query_value(None, "page_size", |row| row.get(0))?;
            conn.pragma_update(None, "max_page_count", (bytes / page.max(1)).max(1))?;
        }
        let mut settings = Settings::default();
        if let Some(timeout) = config.statement_timeout {
            settings.set("statement_timeout", &timeout.as_millis().to_string());
        }
        Ok(Self {
            conn,
            shared,
            settings,
            identity,
            write: None,
            read_only: false,
        })
    }

    /// Understands a statement, at the time of Parse.
    pub(super) fn plan(
        &self,
        tokens: &[Token],
        given: &[Option<Type>],
        status: TransactionStatus,
    ) -> PgWireResult<Plan> {
        let plan = blocking(|| plan(tokens, given, &self.conn))?;
        allowed(&plan, status)?;
        Ok(plan)
    }

    pub(super) fn settings(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// Runs a statement.
    pub(super) async fn run(
        &mut self,
        plan: &Plan,
        params: &[Value],
        format: &Format,
        status: TransactionStatus,
    ) -> PgWireResult<Outcome> {
        let begun = Instant::now();
        let outcome = self.timed(plan, params, format, status).await;
        let took = begun.elapsed();
        self.shared
            .metrics
            .statement(took, &plan.verb, outcome.is_ok());
        if took >= SLOW
            && let Action::Run(run) = &plan.action
        {
            let milliseconds = took.as_secs_f64() * 1000.0;
            // Parameters are spelt as the client spelt them.
            let sql = run.sql.replace(" ?", " $");
            tracing::info!("duration: {milliseconds:.3} ms  statement: {sql}");
        }
        outcome
    }

    async fn timed(
        &mut self,
        plan: &Plan,
        params: &[Value],
        format: &Format,
        status: TransactionStatus,
    ) -> PgWireResult<Outcome> {
        allowed(plan, status)?;
        let Some(timeout) = self.settings.statement_timeout() else {
            return self.act(plan, params, format, status, None).await;
        };
        let deadline = Instant::now() + timeout;
        tokio::time::timeout(
            timeout,
            self.act(plan, params, format, status, Some(deadline)),
        )
        .await
        .unwrap_or_else(|_| {
            Err(refuse(
                "57014",
                "canceling statement due to statement timeout",
            ))
        })
    }

    async fn act(
        &mut self,
        plan: &Plan,
        params: &[Value],
        format: &Format,
        status: TransactionStatus,
        deadline: Option<Instant>,
    ) -> PgWireResult<Outcome> {
        let idle = status == TransactionStatus::Idle;
        if idle {
            self.identity.now.store(time::now(), Ordering::Relaxed);
        }
        match &plan.action {
            Action::Run(run) => {
                let _lock = self.prepare_to_write(plan, idle).await?;
                self.delay().await;
                let outcome = blocking(|| self.query(run, plan, params, format, deadline))?;
                if idle {
                    self.shared.metrics.commit();
                }
                Ok(outcome)
            }
            Action::Define(definition) => {
                let _lock = self.prepare_to_write(plan, idle).await?;
                blocking(|| self.define(definition, plan))?;
                Ok(Outcome::Done(None))
            }
            Action::Begin { read_only } => self.begin(*read_only, idle).await,
            Action::Commit if status == TransactionStatus::Error => self.rollback(),
            Action::Commit => self.commit(),
            Action::Rollback => self.rollback(),
            Action::Savepoint(_) | Action::RollbackTo(_) | Action::Release(_) if idle => {
                let verb = plan.verb.to_uppercase();
                Err(refuse(
                    "25P01",
                    &format!("{verb} can only be used in transaction blocks"),
                ))
            }
            Action::Savepoint(name) => self
                .savepoint("SAVEPOINT", name)
                .map(|()| Outcome::Done(None)),
            Action::Release(name) => self
                .savepoint("RELEASE", name)
                .map(|()| Outcome::Done(None)),
            Action::RollbackTo(name) => self
                .savepoint("ROLLBACK TO", name)
                .map(|()| Outcome::Resumed),
            Action::Set { name, value } => {
                self.settings.set(name, value);
                Ok(Outcome::Done(None))
            }
            Action::Reset(name) => {
                self.settings.reset(name);
                Ok(Outcome::Done(None))
            }
            Action::Show(name) => self.show(name, format),
            Action::Sleep(amount) => {
                let seconds = seconds(amount, params)?;
                tokio::time::sleep(seconds).await;
                Ok(Outcome::Rows(vec![row_of("", format)]))
            }
            Action::Nothing => Ok(Outcome::Done(None)),
        }
    }

    /// Starts the transaction that holds the statements of one simple query together.
    pub(super) async fn begin_implicit(&mut self) -> PgWireResult<()> {
        self.begin(false, true).await.map(|_| ())
    }

    pub(super) fn end_implicit(&mut self, failed: bool) -> PgWireResult<()> {
        if failed {
            self.rollback()
        } else {
            self.commit()
        }
        .map(|_| ())
    }

    /// Refuses what must not write, and takes the write lock where the transaction does not hold it.
    async fn prepare_to_write(
        &mut self,
        plan: &Plan,
        idle: bool,
    ) -> PgWireResult<Option<OwnedMutexGuard<()>>> {
        if !plan.writes() {
            return Ok(None);
        }
        let faults = &self.shared.config.faults;
        if faults.read_only || self.read_only || self.settings.read_only() {
            let verb = plan.tag.trim_end_matches(" 0");
            return Err(refuse(
                "25006",
                &format!("cannot execute {verb} in a read-only transaction"),
            ));
        }
        if faults.disk_full && plan.verb != "delete" {
            return Err(refuse(
                "53100",
                "could not extend file \"base/16384/16385\": No space left on device",
            ));
        }
        if !idle && self.write.is_some() {
            return Ok(None);
        }
        Ok(Some(self.shared.write.clone().lock_owned().await))
    }

    async fn delay(&mut self) {
        let delay = self.shared.config.faults.statement_delay;
        if !delay.is_zero() {
            tokio::time::sleep(delay).await;
        }
        self.shared.statements.wait().await;
    }

    async fn begin(&mut self, read_only: bool, idle: bool) -> PgWireResult<Outcome> {
        if !idle {
            return Ok(Outcome::Began);
        }
        self.read_only = read_only;
        if !read_only && !self.shared.config.faults.read_only {
            self.write = Some(self.shared.write.clone().lock_owned().await);
        }
        let sql = if self.write.is_some() {
            "BEGIN IMMEDIATE"
        } else {
            "BEGIN"
        };
        if let Err(error) = blocking(|| self.conn.execute_batch(sql)) {
            self.write = None;
            return Err(self.translate(&error, "begin"));
        }
        Ok(Outcome::Began)
    }

    fn commit(&mut self) -> PgWireResult<Outcome> {
        if !self.conn.is_autocommit()
            && let Err(error) = blocking(|| self.conn.execute_batch("COMMIT"))
        {
            let error = self.translate(&error, "commit");
            self.rollback()?;
            return Err(error);
        }
        self.write = None;
        self.read_only = false;
        self.shared.metrics.commit();
        Ok(Outcome::Ended("COMMIT"))
    }

    fn rollback(&mut self) -> PgWireResult<Outcome> {
        // SQLite has rolled back on its own after some errors.
        if !self.conn.is_autocommit() {
            blocking(|| self.conn.execute_batch("ROLLBACK"))
                .map_err(|error| self.translate(&error, "rollback"))?;
        }
        self.write = None;
        self.read_only = false;
        self.shared.metrics.rollback();
        Ok(Outcome::Ended("ROLLBACK"))
    }

    fn savepoint(&self, verb: &str, name: &str) -> PgWireResult<()> {
        let sql = format!("{verb} \"{}\"", name.replace('"', "\"\""));
        blocking(|| self.conn.execute_batch(&sql)).map_err(|error| {
            if error.to_string().contains("no such savepoint") {
                refuse("3B001", &format!("savepoint \"{name}\" does not exist"))
            } else {
                self.translate(&error, "savepoint")
            }
        })
    }

    fn show(&self, name: &str, format: &Format) -> PgWireResult<Outcome> {
        let value = match name {
            "max_connections" => Some(self.shared.config.max_connections.to_string()),
            "transaction_isolation_level" => self.settings.get("transaction_isolation"),
            name => self.settings.get(name),
        };
        let unknown = || {
            refuse(
                "42704",
                &format!("unrecognized configuration parameter \"{name}\""),
            )
        };
        Ok(Outcome::Rows(vec![row_of(
            &value.ok_or_else(unknown)?,
            format,
        )]))
    }

    fn define(&self, definition: &Definition, plan: &Plan) -> PgWireResult<()> {
        let translate = |error| errors::translate(&error, plan.failed(), &self.conn);
        match definition {
            Definition::Nothing => Ok(()),
            Definition::Run(all) => all
                .iter()
                .try_for_each(|sql| self.conn.execute_batch(sql))
                .map_err(translate),
            Definition::AddColumn { table, column, sql } => {
                let exists: bool = self
                    .conn
                    .query_row(
                        "SELECT EXISTS (SELECT 1 FROM pragma_table_info(?1) WHERE name = ?2)",
                        (table, column),
                        |row| row.get(0),
                    )
                    .map_err(translate)?;
                if exists {
                    Ok(())
                } else {
                    self.conn.execute_batch(sql).map_err(translate)
                }
            }
        }
    }

    fn query(
        &mut self,
        run: &Run,
        plan: &Plan,
        params: &[Value],
        format: &Format,
        deadline: Option<Instant>,
    ) -> PgWireResult<Outcome> {
        if let Some(deadline) = deadline {
            self.conn
                .progress_handler(
                    INSTRUCTIONS_BETWEEN_LOOKS,
                    Some(move || Instant::now() >= deadline),
                )
                .map_err(|error| self.translate(&error, &plan.verb))?;
        }
        let outcome = rows(&self.conn, run, plan, params, format);
        if deadline.is_some() {
            // Taking the handler away cannot fail on an open connection.
            let _ = self.conn.progress_handler(0, None::<fn() -> bool>);
        }
        outcome.map_err(|error| errors::translate(&error, plan.failed(), &self.conn))
    }

    fn translate(&self, error: &rusqlite::Error, verb: &str) -> pgwire::error::PgWireError {
        errors::translate(error, errors::Failed { verb, table: None }, &self.conn)
    }
}

/// A connection to the database file with this server's settings. A commit is in the write-ahead log, and so with the operating system, before it
/// is acknowledged: it survives a killed process. It is not flushed to the disk each time (`synchronous = NORMAL`): a power cut may lose the last.
pub(super) fn connect(file: &std::path::Path) -> rusqlite::Result<Connection> {
    let conn = Connection::open(file)?;
    conn.set_prepared_statement_cache_capacity(PREPARED);
    conn.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DML, false)?;
    conn.set_db_config(rusqlite::config::DbConfig::SQLITE_DBCONFIG_DQS_DDL, false)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    conn.pragma_update(None, "journal_mode", "WAL")?;
    conn.pragma_update(None, "synchronous", "NORMAL")?;
    conn.pragma_update(None, "foreign_keys", true)?;
    conn.pragma_update(None, "case_sensitive_like", true)?;
    conn.pragma_update(None, "cache_size", -1024)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    Ok(conn)
}

fn rows(
    conn: &Connection,
    run: &Run,
    plan: &Plan,
    params: &[Value],
    format: &Format,
) -> rusqlite::Result<Outcome> {
    let mut statement = conn.prepare_cached(&run.sql)?;
    for (at, value) in params.iter().enumerate().take(statement.parameter_count()) {
        statement.raw_bind_parameter(at + 1, value)?;
    }
    if plan.columns.is_empty() {
        let count = statement.raw_execute()?;
        return Ok(Outcome::Count(count));
    }
    let mut encoded = Vec::new();
    let mut rows = statement.raw_query();
    while let Some(row) = rows.next()? {
        let mut data = BytesMut::new();
        for (at, column) in plan.columns.iter().enumerate() {
            types::encode(
                &column.ty,
                format.format_for(at),
                row.get_ref(at)?,
                &mut data,
            );
        }
        encoded.push(DataRow::new(
            data,
            i16::try_from(plan.columns.len()).unwrap_or(i16::MAX),
        ));
    }
    Ok(Outcome::Rows(encoded))
}

fn row_of(text: &str, format: &Format) -> DataRow {
    let mut data = BytesMut::new();
    types::encode(
        &Type::TEXT,
        format.format_for(0),
        rusqlite::types::ValueRef::Text(text.as_bytes()),
        &mut data,
    );
    DataRow::new(data, 1)
}

fn allowed(plan: &Plan, status: TransactionStatus) -> PgWireResult<()> {
    if status == TransactionStatus::Error && !plan.ends_failure() {
        return Err(refuse(
            "25P02",
            "current transaction is aborted, commands ignored until end of transaction block",
        ));
    }
    Ok(())
}

fn seconds(amount: &Token, params: &[Value]) -> PgWireResult<Duration> {
    let seconds = match amount.kind {
        Kind::Param => match params.first() {
            Some(Value::Real(real)) => Some(*real),
            #[expect(clippy::cast_precision_loss, reason = "nobody sleeps for 2^53 seconds")]
            Some(Value::Integer(integer)) => Some(*integer as f64),
            Some(Value::Text(text)) => text.parse().ok(),
            _ => None,
        },
        _ => amount.text.parse().ok(),
    };
    let duration = seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok());
    duration.ok_or_else(|| refuse("22P02", "invalid input syntax for type double precision"))
}

/// Runs what may wait for the disk without holding up the runtime's other tasks.
fn blocking<T>(work: impl FnOnce() -> T) -> T {
    match tokio::runtime::Handle::try_current().map(|handle| handle.runtime_flavor()) {
        Ok(tokio::runtime::RuntimeFlavor::MultiThread) => tokio::task::block_in_place(work),
        _ => work(),
    }
}
