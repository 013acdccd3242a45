//! A real Prometheus, where one is installed.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    unreachable_pub,
    reason = "helpers of a test fail it by panicking, and tell what was skipped"
)]

use std::path::PathBuf;
use std::process::Stdio;

use tokio::net::TcpListener;
use tokio::process::{Child, Command};

/// A server in a folder of its own, which goes with it.
pub struct Prometheus {
    process: Child,
    folder: PathBuf,
    /// Such as `http://127.0.0.1:9090`.
    pub url: String,
}

impl Drop for Prometheus {
    fn drop(&mut self) {
        // Whatever is left lies in the folder for temporary files.
        let _ = std::fs::remove_dir_all(&self.folder);
    }
}

impl Prometheus {
    /// Starts one with these files, of which `prometheus.yml` is its configuration; `ADDRESS` in
    /// them is where it listens. `None`, and a loud line, where it is not installed.
    pub async fn start(files: &[(&str, &str)], args: &[&str]) -> Option<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        drop(listener);
        let folder = std::env::temp_dir().join(format!("store-prometheus-{}", address.port()));
        std::fs::create_dir_all(&folder).unwrap();
        for (name, text) in files {
            let text = text.replace("ADDRESS", &address.to_string());
            std::fs::write(folder.join(name), text).unwrap();
        }
        let process = Command::new("prometheus")
            .current_dir(&folder)
            .args(["--config.file=prometheus.yml", "--storage.tsdb.path=data"])
            .arg(format!("--web.listen-address={address}"))
            .args(args)
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn();
        let Ok(process) = process else {
            println!("SKIPPED: no prometheus here (Debian: prometheus)");
            let _ = std::fs::remove_dir_all(&folder);
            return None;
        };
        Some(Self {
            process,
            folder,
            url: format!("http://{address}"),
        })
    }

    /// Whether its process has ended.
    pub fn has_ended(&mut self) -> bool {
        !matches!(self.process.try_wait(), Ok(None))
    }
}
