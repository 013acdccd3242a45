//! Redis-speaking servers to test against.

use std::path::Path;
use std::process::Stdio;

use shop_hooks::{Delay, Hook};
use shop_stores::{Eviction, RedisConfig, RedisFaults, RedisServer};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{ATTEMPTS, answers, free_port, program, skipped};

/// A server with no keys.
pub(crate) struct Server {
    /// Its port on 127.0.0.1.
    pub(crate) port: u16,
    /// The URL of the metrics, where there are any.
    pub(crate) metrics: Option<String>,
    running: Running,
}

enum Running {
    Embedded(CancellationToken, JoinHandle<()>, Hook<Delay>),
    Real(Child, TempDir),
}

impl Server {
    /// A server of ours.
    pub(crate) async fn embedded(change: impl FnOnce(&mut RedisConfig)) -> Self {
        let mut config = RedisConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            metrics: Some("127.0.0.1:0".parse().unwrap()),
            password: None,
            max_memory: 0,
            eviction: Eviction::Refuse,
            max_clients: 100,
            faults: RedisFaults::default(),
        };
        change(&mut config);
        let server = RedisServer::bind(config).await.unwrap();
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
            metrics,
            running: Running::Embedded(cancel, task, statements),
        }
    }

    /// Redis itself, if it is installed.
    pub(crate) async fn real() -> Option<Self> {
        let Some(redis) = program("redis-server", &[]) else {
            skipped("Redis", "redis-server");
            return None;
        };
        for _ in 0..ATTEMPTS {
            let server = Self::start(&redis);
            if answers(async || server.try_connect().await.is_ok()).await {
                return Some(server);
            }
        }
        panic!("Redis did not start");
    }

    fn start(redis: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let port = free_port();
        let child = Command::new(redis)
            .current_dir(folder.path())
            .args([
                "--port",
                &port.to_string(),
                "--bind",
                "127.0.0.1",
                "--save",
                "",
                "--appendonly",
                "no",
            ])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        Self {
            port,
            metrics: None,
            running: Running::Real(child, folder),
        }
    }

    /// The URL that services get.
    pub(crate) fn url(&self) -> String {
        format!("redis://127.0.0.1:{}", self.port)
    }

    pub(crate) async fn try_connect(
        &self,
    ) -> redis::RedisResult<redis::aio::MultiplexedConnection> {
        redis::Client::open(self.url())?
            .get_multiplexed_async_connection()
            .await
    }

    pub(crate) async fn connect(&self) -> redis::aio::MultiplexedConnection {
        self.try_connect().await.unwrap()
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
            Running::Real(mut child, _folder) => child.kill().await.unwrap(),
        }
    }
}
