//! The runtime whose containers are processes of the operating system.
//!
//! Every container is a process group of its own. It dies with the lab by two ways (see [`guard`](super::guard)),
//! and what a lab left behind nevertheless is found by its notes when the next one starts.

mod exec;
mod group;
mod leftover;
mod quota;
mod reaper;
mod request;
mod spawner;

use std::io;
use std::path::PathBuf;
use std::process::Stdio;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use rustix::process::Pid;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::process::Child;
use tokio::sync::watch;
use tokio_util::task::TaskTracker;

use super::log::{LogWriter, Stream, StreamWriter};
use super::runtime::{
    BoxFuture, ContainerRuntime, ExecError, ExecOutput, Exit, ProbeReply, ProbeRequest,
    ProcessSpec, Running, Signal, StartError, Streams,
};
use crate::runtime::Usage;
use group::{Group, Groups};
use leftover::Notes;
use reaper::Reaper;
use spawner::Spawner;

/// How often the memory of a container with a limit is looked at.
const MEMORY_LOOK: Duration = Duration::from_millis(20);
/// How often processor time and group members are counted.
const USAGE_LOOK: Duration = Duration::from_millis(1_000);
/// How long output may still come from a group that was killed.
const LAST_WORDS: Duration = Duration::from_millis(500);

/// How processes are run. Plain data.
#[derive(Clone, Debug)]
pub struct ProcessConfig {
    /// The program and its first arguments through which every container is started so that it dies with the lab:
    /// this binary with a hidden subcommand that calls [`guard::main`](super::guard::main). Without it containers
    /// outlive a lab that is killed.
    pub guard: Option<(PathBuf, Vec<String>)>,
    /// Where the notes about running processes are kept, to find leftovers after a crash.
    pub state_dir: PathBuf,
    /// The `PATH` of containers; `None` for the usual minimal one.
    pub path: Option<String>,
    /// How many of this machine's cores one CPU of Kubernetes is worth: limits are this much wider, and usage is
    /// counted in the same unit. 1 for optimised programs; debug builds need several times as much processor time for
    /// the same work and want about 4.
    pub cpu_factor: f64,
}

impl Default for ProcessConfig {
    fn default() -> Self {
        Self {
            guard: None,
            state_dir: PathBuf::default(),
            path: None,
            cpu_factor: 1.0,
        }
    }
}

/// The `PATH` of a container that sets none.
pub const MINIMAL_PATH: &str = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// Why the runtime could not be made.
#[derive(Debug, thiserror::Error)]
pub enum ProcessError {
    /// Its folder cannot be written.
    #[error("cannot write the state folder {path}: {source}; choose another with more rights")]
    State {
        /// The folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Its threads or its reaper cannot be started.
    #[error("cannot start {what}: {source}")]
    Helper {
        /// What.
        what: &'static str,
        /// What the system said.
        source: io::Error,
    },
}

/// Containers as processes. Dropping it kills them.
pub struct ProcessRuntime {
    spawner: Spawner,
    groups: Groups,
    shared: Arc<Shared>,
    tracker: TaskTracker,
    cancel: tokio_util::sync::CancellationToken,
    client: reqwest::Client,
    path: String,
    cpu_factor: f64,
}

struct Shared {
    reaper: Option<Reaper>,
    notes: Notes,
}

/// One container.
struct Process {
    group: Arc<Group>,
    exit: watch::Receiver<Option<Exit>>,
}

impl ProcessRuntime {
    /// Makes the runtime and kills what an earlier lab of the same state folder left behind.
    /// Must be called within a tokio runtime.
    ///
    /// # Errors
    /// [`ProcessError`]
    pub fn start(config: ProcessConfig) -> Result<Self, ProcessError> {
        let notes = Notes::open(&config.state_dir).map_err(|source| ProcessError::State {
            path: config.state_dir.clone(),
            source,
        })?;
        notes.kill_leftovers();
        let spawner =
            Spawner::start(config.guard.clone()).map_err(|source| ProcessError::Helper {
                what: "the thread that starts containers",
                source,
            })?;
        let reaper = config
            .guard
            .map(|guard| Reaper::start(&guard))
            .transpose()
            .map_err(|source| ProcessError::Helper {
                what: "the reaper of containers",
                source,
            })?;
        let cancel = tokio_util::sync::CancellationToken::new();
        let tracker = TaskTracker::new();
        let groups = Groups::default();
        tracker.spawn(group::count(groups.clone(), USAGE_LOOK, cancel.clone()));
        Ok(Self {
            spawner,
            groups,
            shared: Arc::new(Shared { reaper, notes }),
            tracker,
            cancel,
            client: request::client(),
            path: config.path.unwrap_or_else(|| MINIMAL_PATH.to_owned()),
            cpu_factor: config.cpu_factor,
        })
    }

    async fn spawn(&self, spec: &ProcessSpec, stdin: Stdio) -> Result<Child, StartError> {
        let path = spec
            .env
            .iter()
            .find(|(name, _)| name == "PATH")
            .map_or(self.path.as_str(), |(_, value)| value);
        let streams = [stdin, Stdio::piped(), Stdio::piped()];
        self.spawner.spawn(spec.clone(), path, streams).await
    }
}

impl ContainerRuntime for ProcessRuntime {
    fn version(&self) -> String {
        format!("process://{}", env!("CARGO_PKG_VERSION"))
    }

    fn start(
        &self,
        spec: ProcessSpec,
        log: LogWriter,
    ) -> BoxFuture<'_, Result<Arc<dyn Running>, StartError>> {
        Box::pin(async move {
            let mut child = self.spawn(&spec, Stdio::null()).await?;
            let pid = pid_of(&child)?;
            let group = Arc::new(Group::new(pid, self.cpu_factor));
            self.shared.began(pid, &spec.command);
            self.groups.add(&group);
            let output = Output {
                stdout: child.stdout.take(),
                stderr: child.stderr.take(),
                log,
            };
            let (tx, exit) = watch::channel(None);
            self.tracker.spawn(watch_over(Watched {
                child,
                group: group.clone(),
                output,
                memory_limit: spec.memory_limit,
                cpu_limit: spec.cpu_limit,
                shared: self.shared.clone(),
                tx,
            }));
            let running: Arc<dyn Running> = Arc::new(Process { group, exit });
            Ok(running)
        })
    }

    fn exec(
        &self,
        spec: ProcessSpec,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<ExecOutput, ExecError>> {
        Box::pin(async move {
            let child = self.spawn(&spec, Stdio::null()).await?;
            exec::to_its_end(child, spec.command.join(" "), timeout).await
        })
    }

    fn attach(&self, spec: ProcessSpec, streams: Streams) -> BoxFuture<'_, Result<i32, ExecError>> {
        Box::pin(async move {
            let stdin = match streams.stdin {
                Some(_) => Stdio::piped(),
                None => Stdio::null(),
            };
            let child = self.spawn(&spec, stdin).await?;
            exec::attached(child, streams).await
        })
    }

    fn probe(&self, request: ProbeRequest) -> BoxFuture<'_, ProbeReply> {
        Box::pin(request::probe(self.client.clone(), request))
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async move {
            self.groups.kill_all();
            self.cancel.cancel();
            self.tracker.close();
            self.tracker.wait().await;
            self.spawner.stop();
            if let Some(reaper) = &self.shared.reaper {
                reaper.stop();
            }
        })
    }
}

impl Drop for ProcessRuntime {
    fn drop(&mut self) {
        self.cancel.cancel();
        self.groups.kill_all();
    }
}

impl Shared {
    fn began(&self, pid: Pid, command: &[String]) {
        if let Some(reaper) = &self.reaper {
            reaper.add(pid);
        }
        self.notes.add(pid, command);
    }

    fn ended(&self, pid: Pid) {
        if let Some(reaper) = &self.reaper {
            reaper.remove(pid);
        }
        self.notes.remove(pid);
    }
}

impl Running for Process {
    fn signal(&self, signal: Signal) -> io::Result<()> {
        self.group.signal(signal)
    }

    fn exit(&self) -> watch::Receiver<Option<Exit>> {
        self.exit.clone()
    }

    fn usage(&self) -> Usage {
        self.group.usage()
    }
}

struct Watched {
    child: Child,
    group: Arc<Group>,
    output: Output,
    memory_limit: Option<u64>,
    cpu_limit: Option<f64>,
    shared: Arc<Shared>,
    tx: watch::Sender<Option<Exit>>,
}

struct Output {
    stdout: Option<tokio::process::ChildStdout>,
    stderr: Option<tokio::process::ChildStderr>,
    log: LogWriter,
}

/// From start to end of one container: its output, its memory, its processor time, its exit.
async fn watch_over(watched: Watched) {
    let Watched {
        mut child,
        group,
        output,
        memory_limit,
        cpu_limit,
        shared,
        tx,
    } = watched;
    let copy = async {
        tokio::join!(
            copy(output.stdout, output.log.stream(Stream::Stdout)),
            copy(output.stderr, output.log.stream(Stream::Stderr)),
        );
    };
    tokio::pin!(copy);
    let mut oom_killed = false;
    let mut copied = false;
    let status = {
        let over = async {
            match memory_limit {
                Some(limit) => group.exceeds(limit, MEMORY_LOOK).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(over);
        let held = async {
            match cpu_limit {
                Some(limit) => group.keep_to(limit).await,
                None => std::future::pending().await,
            }
        };
        tokio::pin!(held);
        let ended = group::wait(&mut child, group.pid(), || group.end());
        tokio::pin!(ended);
        loop {
            tokio::select! {
                status = &mut ended => break status,
                () = &mut copy, if !copied => copied = true,
                never = &mut held => match never {},
                () = &mut over, if !oom_killed => {
                    oom_killed = true;
                    if let Err(error) = group.signal(Signal::Kill) {
                        tracing::warn!(%error, "a container over its memory limit could not be killed");
                    }
                }
            }
        }
    };
    let finished = Timestamp::now();
    if !copied {
        // A process that left the group may hold the pipe for ever.
        let _ = tokio::time::timeout(LAST_WORDS, &mut copy).await;
    }
    shared.ended(group.pid());
    let code = match status {
        Ok(status) => code(status),
        Err(_) => 255,
    };
    tx.send_replace(Some(Exit {
        code,
        oom_killed: oom_killed && code == 137,
        finished,
    }));
}

async fn copy(from: Option<impl AsyncRead + Unpin>, mut to: StreamWriter) {
    let Some(mut from) = from else { return };
    let mut buffer = vec![0; 32 * 1024];
    loop {
        match from.read(&mut buffer).await {
            Ok(0) | Err(_) => break,
            Ok(length) => to.write(&buffer[..length]),
        }
    }
    to.finish();
}

fn pid_of(child: &Child) -> Result<Pid, StartError> {
    child
        .id()
        .and_then(|pid| i32::try_from(pid).ok())
        .and_then(Pid::from_raw)
        .ok_or_else(|| StartError::System("the process ended at once".to_owned()))
}

fn code(status: std::process::ExitStatus) -> i32 {
    use std::os::unix::process::ExitStatusExt;
    status
        .code()
        .or_else(|| status.signal().map(|signal| 128 + signal))
        .unwrap_or(255)
}

/// Locks a mutex whose holder may have panicked: its data is still whole.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
