//! The two servers, each in a process of its own, and what they use.

use std::io::{BufRead, BufReader};
use std::net::TcpListener;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use store::{Config, Limits, Ports, Store};

/// The argument by which this program is the server.
pub(crate) const SERVE: &str = "serve";

/// A server that ends with this value.
pub(crate) struct Server {
    child: Child,
    /// Such as `http://127.0.0.1:9090/api/v1`.
    pub(crate) base: String,
    /// Where Prometheus keeps its data.
    directory: Option<String>,
}

impl Drop for Server {
    fn drop(&mut self) {
        self.child.kill().expect("its end");
        self.child.wait().expect("its end");
        if let Some(directory) = &self.directory {
            std::fs::remove_dir_all(directory).expect("its data to be removed");
        }
    }
}

impl Server {
    /// Our own: this very program.
    pub(crate) fn store() -> Self {
        let program = std::env::current_exe().expect("a program");
        let mut child = Command::new(program)
            .arg(SERVE)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a store");
        let mut address = String::new();
        BufReader::new(child.stdout.take().expect("its output"))
            .read_line(&mut address)
            .expect("its address");
        Self {
            child,
            base: format!("http://{}/prometheus/api/v1", address.trim()),
            directory: None,
        }
    }

    /// Prometheus, if it is installed.
    pub(crate) async fn prometheus(client: &reqwest::Client) -> Option<Self> {
        let directory = std::env::temp_dir().join(format!("metrics-speed-{}", std::process::id()));
        std::fs::create_dir_all(&directory).expect("a directory");
        let file = directory.join("prometheus.yml");
        std::fs::write(&file, "global: {scrape_interval: 5s}\n").expect("a file");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        drop(listener);
        let option = |name: &str, value: &Path| format!("--{name}={}", value.display());
        let started = Command::new("prometheus")
            .arg(option("config.file", &file))
            .arg(option("storage.tsdb.path", &directory.join("data")))
            .arg(format!("--web.listen-address={address}"))
            .arg("--web.enable-remote-write-receiver")
            .arg("--log.level=error")
            .stdin(Stdio::null())
            .spawn();
        let directory = directory.display().to_string();
        let Ok(child) = started else {
            std::fs::remove_dir_all(directory).expect("its data to be removed");
            return None;
        };
        let server = Self {
            child,
            base: format!("http://{address}/api/v1"),
            directory: Some(directory),
        };
        let ready = format!("http://{address}/-/ready");
        let mut tick = tokio::time::interval(Duration::from_millis(50));
        loop {
            tick.tick().await;
            let answer = client.get(&ready).send().await;
            if answer.is_ok_and(|a| a.status().is_success()) {
                return Some(server);
            }
        }
    }

    /// Megabytes in memory that are this process' own, shared pages counted in part.
    pub(crate) fn megabytes(&self) -> f64 {
        let path = format!("/proc/{}/smaps_rollup", self.child.id());
        let text = std::fs::read_to_string(path).unwrap_or_default();
        let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
        let kilobytes = line.and_then(|line| line.split_whitespace().next()?.parse().ok());
        kilobytes.unwrap_or(0.0) / 1024.0
    }

    /// Seconds that its threads have computed.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        let tasks = std::fs::read_dir(format!("/proc/{}/task", self.child.id()));
        let tasks = tasks.into_iter().flatten().flatten();
        tasks.map(|task| on_cpu(&task.path())).sum()
    }
}

/// Seconds that this thread has computed.
pub(crate) fn own_cpu_seconds() -> f64 {
    on_cpu(Path::new("/proc/thread-self"))
}

fn on_cpu(task: &Path) -> f64 {
    let text = std::fs::read_to_string(task.join("schedstat")).unwrap_or_default();
    let first = text.split_whitespace().next();
    first.and_then(|n| n.parse().ok()).unwrap_or(0.0) / 1e9
}

/// Bounds that leave room for the whole comparison.
pub(crate) fn limits() -> Limits {
    Limits {
        metrics_bytes: 4 << 30,
        max_series: 0,
        ..Limits::default()
    }
}

/// Serves until the standard input ends.
pub(crate) fn serve() {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    let config = Config {
        ports: Ports::any(),
        limits: limits(),
        ..Config::default()
    };
    let store = runtime.block_on(Store::start(config)).expect("a store");
    println!("{}", store.addresses().mimir);
    let mut end = String::new();
    std::io::stdin().read_line(&mut end).expect("an end");
    runtime.block_on(store.stop());
}
