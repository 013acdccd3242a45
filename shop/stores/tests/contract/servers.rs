//! Starts the servers that the contract is held against: ours in this process, and real ones where their programs are installed.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

pub(crate) mod postgres;
pub(crate) mod rabbitmq;
pub(crate) mod redis;

/// A port that was free a moment ago.
pub(crate) fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// The path of a program, in PATH or in a folder of its own.
pub(crate) fn program(name: &str, folders: &[PathBuf]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(folders.iter().cloned())
        .map(|folder| folder.join(name))
        .find(|path| path.is_file())
}

/// Says on the test's output that a part of the contract was not checked.
pub(crate) fn skipped(what: &str, package: &str) {
    eprintln!(
        "SKIPPED: {what} is not installed here (Debian package: {package}); only the embedded server was checked"
    );
}

/// Whether this process may become another user.
pub(crate) fn is_root() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    status
        .lines()
        .any(|line| line.starts_with("Uid:") && line.split_whitespace().nth(2) == Some("0"))
}

/// Lets another user work in a folder.
pub(crate) fn give(folder: &Path, user: &str) {
    let status = std::process::Command::new("chown")
        .arg("-R")
        .arg(user)
        .arg(folder)
        .status();
    assert!(status.is_ok_and(|status| status.success()), "chown {user}");
}

/// Another program may take a port between its choice and its use: so often a server is started before it counts as broken.
pub(crate) const ATTEMPTS: usize = 4;
const START: Duration = Duration::from_secs(20);
const TRY: Duration = Duration::from_secs(2);

/// Whether a server that was started answers in time.
pub(crate) async fn answers(mut asked: impl AsyncFnMut() -> bool) -> bool {
    let one_by_one = async {
        let mut often = tokio::time::interval(Duration::from_millis(20));
        loop {
            often.tick().await;
            if tokio::time::timeout(TRY, asked()).await == Ok(true) {
                return;
            }
        }
    };
    tokio::time::timeout(START, one_by_one).await.is_ok()
}

/// Waits until `ready` says so.
pub(crate) async fn until(what: &str, mut ready: impl AsyncFnMut() -> bool) {
    let waited = async {
        let mut often = tokio::time::interval(Duration::from_millis(10));
        loop {
            often.tick().await;
            if ready().await {
                return;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(60), waited)
        .await
        .unwrap_or_else(|_| panic!("{what} took too long"));
}
