//! PostgreSQL-speaking servers to test against.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use shop_hooks::{Delay, Hook};
use shop_stores::{PostgresConfig, PostgresFaults, PostgresServer};
use sqlx::postgres::PgConnectOptions;
use sqlx::{ConnectOptions, Executor};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{ATTEMPTS, answers, free_port, give, is_root, program, skipped};
use crate::postgres::{DATABASE, PASSWORD, USER};

/// A server with an empty database.
pub(crate) struct Server {
    port: u16,
    database: String,
    /// The URL of the metrics, where there are any.
    pub(crate) metrics: Option<String>,
    running: Running,
    _folder: TempDir,
}

enum Running {
    Embedded(CancellationToken, JoinHandle<()>, Hook<Delay>),
    Real(Child),
}

impl Server {
    /// A server of ours.
    pub(crate) async fn embedded(change: impl FnOnce(&mut PostgresConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut config = PostgresConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            metrics: Some("127.0.0.1:0".parse().unwrap()),
            data: folder.path().to_owned(),
            user: USER.to_owned(),
            password: PASSWORD.to_owned(),
            database: DATABASE.to_owned(),
            max_connections: 100,
            statement_timeout: None,
            faults: PostgresFaults::default(),
        };
        change(&mut config);
        let server = PostgresServer::bind(config).await.unwrap();
        let port = server.addr().unwrap().port();
        let metrics = server
            .metrics_addr()
            .map(|addr| format!("http://{addr}/metrics"));
        let statements = server.statements().clone();
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        let task = tokio::spawn(async move { server.serve(stop).await.unwrap() });
        Self {
            port,
            database: DATABASE.to_owned(),
            metrics,
            running: Running::Embedded(cancel, task, statements),
            _folder: folder,
        }
    }

    /// PostgreSQL itself, if it is installed.
    pub(crate) async fn real() -> Option<Self> {
        let versions = std::fs::read_dir("/usr/lib/postgresql")
            .into_iter()
            .flatten()
            .flatten();
        let folders: Vec<PathBuf> = versions.map(|entry| entry.path().join("bin")).collect();
        let (Some(initdb), Some(postgres)) =
            (program("initdb", &folders), program("postgres", &folders))
        else {
            skipped("PostgreSQL", "postgresql");
            return None;
        };
        for _ in 0..ATTEMPTS {
            let server = Self::start(&initdb, &postgres).await;
            if answers(async || server.options().connect().await.is_ok()).await {
                return Some(server);
            }
        }
        panic!("PostgreSQL did not start");
    }

    async fn start(initdb: &Path, postgres: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(folder.path().join("password"), PASSWORD).unwrap();
        let user = is_root()
            .then(|| user_id("postgres").expect("PostgreSQL's package makes the user postgres"));
        if user.is_some() {
            give(folder.path(), "postgres");
        }
        let as_user = |program: &Path| {
            let mut command = Command::new(program);
            command
                .current_dir(folder.path())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .kill_on_drop(true);
            if let Some((uid, gid)) = user {
                command.uid(uid).gid(gid);
            }
            command
        };
        let data = folder.path().join("data");
        let made = as_user(initdb)
            .arg("-D")
            .arg(&data)
            .args([
                "-U",
                USER,
                "-A",
                "scram-sha-256",
                "--pwfile",
                "password",
                "-E",
                "UTF8",
                "--no-sync",
                "--locale=C",
            ])
            .status()
            .await
            .unwrap();
        assert!(made.success(), "initdb failed");
        let port = free_port();
        let child = as_user(postgres)
            .arg("-D")
            .arg(&data)
            .arg("-k")
            .arg(folder.path())
            .arg("-p")
            .arg(port.to_string())
            .args(["-h", "127.0.0.1", "-c", "fsync=off"])
            .spawn()
            .unwrap();
        Self {
            port,
            database: "postgres".to_owned(),
            metrics: None,
            running: Running::Real(child),
            _folder: folder,
        }
    }

    /// Makes an empty database on a real server, and points at it.
    pub(crate) async fn renew(&mut self, name: &str) {
        self.database = "postgres".to_owned();
        let mut conn = self.options().connect().await.unwrap();
        conn.execute(sqlx::query(sqlx::AssertSqlSafe(format!(
            "CREATE DATABASE {name}"
        ))))
        .await
        .unwrap();
        self.database = name.to_owned();
    }

    /// How to connect.
    pub(crate) fn options(&self) -> PgConnectOptions {
        PgConnectOptions::new()
            .host("127.0.0.1")
            .port(self.port)
            .username(USER)
            .password(PASSWORD)
            .database(&self.database)
    }

    /// The URL for other clients.
    pub(crate) fn url(&self) -> String {
        format!(
            "postgres://{USER}:{PASSWORD}@127.0.0.1:{}/{}",
            self.port, self.database
        )
    }

    /// The database's name.
    pub(crate) fn database(&self) -> &str {
        &self.database
    }

    /// The hook of an embedded server by which everything takes longer.
    pub(crate) fn statements(&self) -> &Hook<Delay> {
        match &self.running {
            Running::Embedded(_, _, statements) => statements,
            Running::Real(..) => panic!("a real server has no hooks"),
        }
    }

    /// Ends the server and waits until it is gone.
    pub(crate) async fn stop(self) {
        match self.running {
            Running::Embedded(cancel, task, _) => {
                cancel.cancel();
                task.await.unwrap();
            }
            Running::Real(mut child) => child.kill().await.unwrap(),
        }
    }
}

/// The ids of a user and its group.
fn user_id(name: &str) -> Option<(u32, u32)> {
    let users = std::fs::read_to_string("/etc/passwd").ok()?;
    let line = users
        .lines()
        .find(|line| line.split(':').next() == Some(name))?;
    let mut fields = line.split(':').skip(2);
    Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
}
