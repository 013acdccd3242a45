//! AMQP-speaking servers to test against.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use lapin::{Connection, ConnectionProperties};
use shop_stores::{RabbitConfig, RabbitFaults, RabbitServer};
use tempfile::TempDir;
use tokio::process::{Child, Command};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use super::{ATTEMPTS, answers, free_port, program, skipped};

/// A server without queues.
pub(crate) struct Server {
    /// Its port on 127.0.0.1.
    pub(crate) port: u16,
    /// The base URL of the management API.
    pub(crate) management: String,
    /// The URL of the metrics, where there are any.
    pub(crate) metrics: Option<String>,
    running: Running,
}

enum Running {
    Embedded(CancellationToken, JoinHandle<()>, Option<TempDir>),
    Real(Box<Node>),
}

/// RabbitMQ and what it started.
struct Node {
    child: Child,
    epmd: Option<(PathBuf, u16)>,
    _folder: TempDir,
}

impl Drop for Node {
    fn drop(&mut self) {
        // The shell script, the virtual machine and its helpers are one process group.
        if let Some(group) = self.child.id() {
            let _ = std::process::Command::new("kill")
                .args(["-KILL", "--", &format!("-{group}")])
                .status();
        }
        if let Some((epmd, port)) = &self.epmd {
            let _ = std::process::Command::new(epmd)
                .args(["-port", &port.to_string(), "-kill"])
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .status();
        }
    }
}

impl Server {
    /// A server of ours.
    pub(crate) async fn embedded(change: impl FnOnce(&mut RabbitConfig)) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut server = Self::embedded_in(folder.path(), change).await;
        if let Running::Embedded(_, _, kept) = &mut server.running {
            *kept = Some(folder);
        }
        server
    }

    /// A server of ours on the data of another.
    pub(crate) async fn embedded_in(folder: &Path, change: impl FnOnce(&mut RabbitConfig)) -> Self {
        let loopback = Some("127.0.0.1:0".parse().unwrap());
        let mut config = RabbitConfig {
            listen: "127.0.0.1:0".parse().unwrap(),
            management: loopback,
            metrics: loopback,
            data: folder.to_owned(),
            user: "guest".to_owned(),
            password: "guest".to_owned(),
            max_connections: 100,
            memory_limit: None,
            faults: RabbitFaults::default(),
        };
        change(&mut config);
        let server = RabbitServer::bind(config).await.unwrap();
        let port = server.addr().unwrap().port();
        let management = format!("http://{}", server.management_addr().unwrap());
        let metrics = server
            .metrics_addr()
            .map(|addr| format!("http://{addr}/metrics"));
        let cancel = CancellationToken::new();
        let stop = cancel.clone();
        let task = tokio::spawn(async move { server.serve(stop).await.unwrap() });
        Self {
            port,
            management,
            metrics,
            running: Running::Embedded(cancel, task, None),
        }
    }

    /// RabbitMQ itself, if it is installed; all it writes is in a folder of its own.
    pub(crate) async fn real() -> Option<Self> {
        let versions = std::fs::read_dir("/usr/lib/rabbitmq/lib")
            .into_iter()
            .flatten()
            .flatten();
        let folders: Vec<PathBuf> = versions.map(|entry| entry.path().join("sbin")).collect();
        // Debian's script in PATH changes the user and the folders; the one beside the program does not.
        let Some(script) = folders
            .iter()
            .map(|folder| folder.join("rabbitmq-server"))
            .find(|path| path.is_file())
        else {
            skipped("RabbitMQ", "rabbitmq-server");
            return None;
        };
        for _ in 0..ATTEMPTS {
            let server = Self::start(&script);
            let overview = format!("{}/api/overview", server.management);
            let serves = async || {
                server.try_connect().await.is_ok() && reqwest::get(&overview).await.is_ok()
            };
            if answers(serves).await {
                return Some(server);
            }
        }
        panic!("RabbitMQ did not start");
    }

    fn start(script: &Path) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let (port, distribution, epmd_port, management) =
            (free_port(), free_port(), free_port(), free_port());
        let config = format!("management.tcp.port = {management}\nmanagement.tcp.ip = 127.0.0.1\n");
        std::fs::write(folder.path().join("rabbitmq.conf"), config).unwrap();
        std::fs::write(
            folder.path().join("enabled_plugins"),
            "[rabbitmq_management].\n",
        )
        .unwrap();
        let child = Command::new(script)
            .current_dir(folder.path())
            .process_group(0)
            .env("HOME", folder.path())
            .env("RABBITMQ_NODENAME", format!("contract{port}@localhost"))
            .env("RABBITMQ_NODE_IP_ADDRESS", "127.0.0.1")
            .env("RABBITMQ_NODE_PORT", port.to_string())
            .env("RABBITMQ_DIST_PORT", distribution.to_string())
            .env("RABBITMQ_MNESIA_BASE", folder.path().join("mnesia"))
            .env("RABBITMQ_LOG_BASE", folder.path().join("log"))
            .env("RABBITMQ_CONFIG_FILE", folder.path().join("rabbitmq"))
            .env("RABBITMQ_CONF_ENV_FILE", folder.path().join("none"))
            .env(
                "RABBITMQ_ENABLED_PLUGINS_FILE",
                folder.path().join("enabled_plugins"),
            )
            .env("ERL_EPMD_PORT", epmd_port.to_string())
            .env("ERL_EPMD_ADDRESS", "127.0.0.1")
            // Lets it be told to end.
            .env("ERL_EPMD_RELAXED_COMMAND_CHECK", "1")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let epmd = program("epmd", &[]).map(|path| (path, epmd_port));
        let management = format!("http://127.0.0.1:{management}");
        Self {
            port,
            management,
            metrics: None,
            running: Running::Real(Box::new(Node {
                child,
                epmd,
                _folder: folder,
            })),
        }
    }

    /// The URL that services get.
    pub(crate) fn url(&self) -> String {
        format!("amqp://guest:guest@127.0.0.1:{}", self.port)
    }

    pub(crate) async fn try_connect(&self) -> lapin::Result<Connection> {
        Connection::connect(&self.url(), ConnectionProperties::default()).await
    }

    /// Ends the server and waits until it is gone.
    pub(crate) async fn stop(self) {
        match self.running {
            Running::Embedded(cancel, task, _folder) => {
                cancel.cancel();
                task.await.unwrap();
            }
            Running::Real(node) => drop(node),
        }
    }
}
