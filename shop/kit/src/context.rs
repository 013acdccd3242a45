//! What a service gets to work with: environment, metrics, peers, stores, tasks.

use std::sync::Arc;
use std::time::Duration;

use instrument::Metrics;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::cache::Cache;
use crate::database::{Database, Migration};
use crate::env::{ConfigError, Env};
use crate::families::Families;
use crate::hooks::ServiceHooks;
use crate::peer::Peer;
use crate::queue::Queue;
use crate::readiness::Readiness;
use crate::release::{Defect, Release};

/// How long background tasks may take to end.
const TASKS_END_WITHIN: Duration = Duration::from_secs(1);

/// What a service gets to work with; clones share it.
#[derive(Clone, Debug)]
pub struct Context(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    env: Env,
    metrics: Metrics,
    families: Families,
    release: Release,
    readiness: Readiness,
    hooks: ServiceHooks,
    tasks: TaskTracker,
    ending: CancellationToken,
    crashed: CancellationToken,
}

impl Context {
    /// A context of `release` with this environment.
    pub fn new(env: Env, metrics: Metrics, release: Release) -> Self {
        Self(Arc::new(Inner {
            env,
            metrics,
            families: Families::default(),
            release,
            readiness: Readiness::default(),
            hooks: ServiceHooks::default(),
            tasks: TaskTracker::new(),
            ending: CancellationToken::new(),
            crashed: CancellationToken::new(),
        }))
    }

    /// The environment.
    pub fn env(&self) -> &Env {
        &self.0.env
    }

    /// The metrics of this process.
    pub fn metrics(&self) -> &Metrics {
        &self.0.metrics
    }

    /// The families of metrics that the shop words itself.
    pub fn families(&self) -> &Families {
        &self.0.families
    }

    /// All metrics of this process, as `/metrics` answers them.
    pub fn exposition(&self) -> String {
        self.0.families.beside(&self.0.metrics.render())
    }

    /// Whether the running release carries `defect`.
    pub fn has(&self, defect: Defect) -> bool {
        self.0.release.defects.contains(&defect)
    }

    /// What the service waits for.
    pub fn readiness(&self) -> &Readiness {
        &self.0.readiness
    }

    /// The hooks by which faults reach into the service.
    pub fn hooks(&self) -> &ServiceHooks {
        &self.0.hooks
    }

    /// Runs a task beside the requests, until it ends or the service does.
    pub fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let ending = self.0.ending.clone();
        self.0.tasks.spawn(async move {
            ending.run_until_cancelled(task).await;
        });
    }

    /// Ends the process at once with exit code 1, as an error does that nobody catches;
    /// requests in flight get no answer.
    pub fn crash(&self, reason: impl std::fmt::Display) {
        tracing::error!("{reason}");
        self.0.crashed.cancel();
    }

    /// Waits until [`Context::crash`] was called.
    pub async fn crashed(&self) {
        self.0.crashed.cancelled().await;
    }

    /// Cancels the tasks of [`Context::spawn`] and waits for them.
    pub async fn end(&self) {
        self.0.ending.cancel();
        self.0.tasks.close();
        // A task that does not yield within the bound ends with the process.
        drop(tokio::time::timeout(TASKS_END_WITHIN, self.0.tasks.wait()).await);
    }

    /// The service named `peer`, whose base URL is in `variable`.
    ///
    /// # Errors
    /// When the variable is missing or not an http URL.
    pub fn peer(&self, peer: &'static str, variable: &str) -> Result<Peer, ConfigError> {
        let url = self.env().url(
            variable,
            "http",
            "the URL of a service such as `http://payment`",
        )?;
        Ok(Peer::new(peer, &url, self.metrics().clone()))
    }

    /// The database named `peer`, whose URL is in `DATABASE_URL`, migrated in the
    /// background; the service is not ready until that is done.
    ///
    /// # Errors
    /// When the variable is missing or not a PostgreSQL URL.
    pub fn database(
        &self,
        peer: &'static str,
        migrations: &'static [Migration],
    ) -> Result<Database, ConfigError> {
        let database = Database::new(peer, self)?;
        self.readiness().wait(peer, "not migrated yet");
        let (own, readiness) = (database.clone(), self.readiness().clone());
        self.spawn(async move { own.migrate(migrations, &readiness).await });
        Ok(database)
    }

    /// The Redis named `peer`, whose URL is in `variable`; connects on first use.
    ///
    /// # Errors
    /// When the variable is missing or not a Redis URL.
    pub fn cache(&self, peer: &'static str, variable: &str) -> Result<Cache, ConfigError> {
        let expected = "the URL of a Redis such as `redis://session-db:6379`";
        let url = self.env().url(variable, "redis", expected)?;
        Cache::new(peer, &url, self.metrics().clone()).ok_or_else(|| ConfigError::Invalid {
            variable: variable.to_owned(),
            found: format!("redis://***{}", url.path()),
            expected,
        })
    }

    /// The broker named `peer`, whose URL is in `AMQP_URL`; connects on first use.
    ///
    /// # Errors
    /// When the variable is missing or not an AMQP URL.
    pub fn queue(&self, peer: &'static str) -> Result<Queue, ConfigError> {
        let expected = "the URL of a broker such as `amqp://guest:guest@rabbitmq:5672`";
        let url = self.env().url("AMQP_URL", "amqp", expected)?;
        Ok(Queue::new(peer, &url, self.metrics().clone()))
    }
}
