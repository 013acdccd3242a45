//! One thread that starts every process and lives as long as the runtime: the death signal follows the thread that
//! made the child, and tokio's threads come and go.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, mpsc};
use std::thread::JoinHandle;

use tokio::process::{Child, Command};
use tokio::sync::oneshot;

use super::super::runtime::{ProcessSpec, StartError};
use super::lock;

pub(super) struct Spawner {
    thread: Mutex<Option<(mpsc::Sender<Order>, JoinHandle<()>)>>,
    guard: Option<(PathBuf, Vec<String>)>,
}

struct Order {
    command: Command,
    reply: oneshot::Sender<io::Result<Child>>,
}

impl Spawner {
    pub(super) fn start(guard: Option<(PathBuf, Vec<String>)>) -> io::Result<Self> {
        let (orders, inbox) = mpsc::channel::<Order>();
        let tokio = tokio::runtime::Handle::try_current().map_err(io::Error::other)?;
        let thread = std::thread::Builder::new()
            .name("container-starter".to_owned())
            .spawn(move || {
                let _entered = tokio.enter();
                for mut order in inbox {
                    // When nobody waits any more the child is dropped, and so killed.
                    let _ = order.reply.send(order.command.spawn());
                }
            })?;
        Ok(Self {
            thread: Mutex::new(Some((orders, thread))),
            guard,
        })
    }

    /// Starts a process in a group of its own, through the guard.
    pub(super) async fn spawn(
        &self,
        spec: ProcessSpec,
        path: &str,
        [stdin, stdout, stderr]: [Stdio; 3],
    ) -> Result<Child, StartError> {
        let program = spec.command.first().cloned().unwrap_or_default();
        let file = find(&program, path, &spec.working_dir)?;
        let mut command = match &self.guard {
            Some((guard, args)) => {
                let mut command = Command::new(guard);
                command.args(args).arg("exec");
                command.arg(std::process::id().to_string());
                command.arg("--").arg(&file);
                command
            }
            None => Command::new(&file),
        };
        command
            .args(spec.command.iter().skip(1))
            .env_clear()
            .env("PATH", path)
            .envs(spec.env)
            .current_dir(&spec.working_dir)
            .stdin(stdin)
            .stdout(stdout)
            .stderr(stderr)
            .process_group(0)
            .kill_on_drop(true);
        let (reply, child) = oneshot::channel();
        let sent = match &*lock(&self.thread) {
            Some((orders, _)) => orders.send(Order { command, reply }).is_ok(),
            None => false,
        };
        let stopping = || StartError::System("the runtime is stopping".to_owned());
        if !sent {
            return Err(stopping());
        }
        match child.await {
            Ok(Ok(child)) => Ok(child),
            Ok(Err(error)) => Err(StartError::System(error.to_string())),
            Err(_) => Err(stopping()),
        }
    }

    /// Ends the thread. The kernel kills every guarded process that is left.
    pub(super) fn stop(&self) {
        let Some((orders, thread)) = lock(&self.thread).take() else {
            return;
        };
        drop(orders);
        if thread.join().is_err() {
            tracing::warn!("the thread that starts containers panicked");
        }
    }
}

/// The file of a program, looked for in `path` when it has no slash.
fn find(program: &str, path: &str, working_dir: &Path) -> Result<PathBuf, StartError> {
    let failed = |reason: &str| StartError::Program {
        program: program.to_owned(),
        reason: reason.to_owned(),
    };
    if program.is_empty() {
        return Err(failed("no command specified"));
    }
    if program.contains('/') {
        let file = working_dir.join(program);
        return match file.metadata() {
            Ok(meta) if meta.is_dir() => Err(failed("is a directory")),
            Ok(meta) if is_executable(&meta) => Ok(file),
            Ok(_) => Err(failed("permission denied")),
            Err(_) => Err(StartError::Program {
                program: program.to_owned(),
                reason: format!("stat {program}: no such file or directory"),
            }),
        };
    }
    std::env::split_paths(path)
        .map(|dir| dir.join(program))
        .find(|file| {
            file.metadata()
                .is_ok_and(|meta| meta.is_file() && is_executable(&meta))
        })
        .ok_or_else(|| failed("executable file not found in $PATH"))
}

fn is_executable(meta: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::PermissionsExt;
    meta.permissions().mode() & 0o111 != 0
}
