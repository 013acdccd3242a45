//! The seam to what runs containers: processes of the operating system, or a fake.

use std::future::Future;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use super::log::LogWriter;
use crate::runtime::{ExecStream, Usage};

/// A future that a trait object can give.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// What is to be run: everything is resolved, nothing is inherited.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ProcessSpec {
    /// The program and its arguments.
    pub command: Vec<String>,
    /// The whole environment.
    pub env: Vec<(String, String)>,
    /// Where it starts.
    pub working_dir: PathBuf,
    /// The memory above which it is killed, in bytes.
    pub memory_limit: Option<u64>,
    /// How many CPUs it may use at most. Held by stopping and continuing it, over periods of 100 ms.
    pub cpu_limit: Option<f64>,
}

/// How a process ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exit {
    /// The exit code; 128 + the signal's number where a signal ended it.
    pub code: i32,
    /// Whether it was killed because of its memory limit.
    pub oom_killed: bool,
    /// When.
    pub finished: Timestamp,
}

/// Why a process could not be started.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// There is no such program, or it may not be executed.
    #[error(
        "failed to create containerd task: failed to create shim task: exec: \"{program}\": {reason}: unknown"
    )]
    Program {
        /// The program.
        program: String,
        /// Why, in the words of a container runtime.
        reason: String,
    },
    /// The runtime is stopping, or the system refused.
    #[error("failed to start container: {0}")]
    System(String),
}

/// A signal to a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Signal {
    /// SIGKILL to the whole process group.
    Kill,
    /// SIGTERM to the main process.
    Terminate,
    /// SIGSTOP to the whole process group.
    Stop,
    /// SIGCONT to the whole process group.
    Continue,
}

/// A container that was started. It goes on when this is dropped; `signal` ends it.
pub trait Running: Send + Sync {
    /// Sends a signal; nothing happens when it has ended.
    ///
    /// # Errors
    /// What the system said.
    fn signal(&self, signal: Signal) -> std::io::Result<()>;

    /// Becomes `Some` when it has ended and its output is written.
    fn exit(&self) -> watch::Receiver<Option<Exit>>;

    /// What it uses now.
    fn usage(&self) -> Usage;
}

/// The output of a command that was run to its end inside a container.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecOutput {
    /// The exit code; 128 + the signal's number where a signal ended it.
    pub code: i32,
    /// Standard output.
    pub stdout: Vec<u8>,
    /// Standard error.
    pub stderr: Vec<u8>,
}

/// The input and output of a command as they come.
#[derive(Debug)]
pub struct Streams {
    /// Its input; `None` for an empty one.
    pub stdin: Option<mpsc::Receiver<Bytes>>,
    /// Where its output goes.
    pub output: mpsc::Sender<(ExecStream, Bytes)>,
}

/// Why a command could not be run inside a container.
#[derive(Debug, thiserror::Error)]
pub enum ExecError {
    /// It could not be started.
    #[error(transparent)]
    Start(#[from] StartError),
    /// It took too long and was killed.
    #[error("command {command:?} timed out")]
    Timeout {
        /// The command's program.
        command: String,
    },
    /// Nobody took its output any more, and it was killed.
    #[error("the client is gone")]
    Abandoned,
    /// There is no such container, or it is not running.
    #[error("container not found (\"{0}\")")]
    NoContainer(String),
}

/// What runs containers.
pub trait ContainerRuntime: Send + Sync + 'static {
    /// The runtime as the node shows it, such as `process://1.0.0`.
    fn version(&self) -> String;

    /// Starts a container whose output goes to `log`.
    fn start(
        &self,
        spec: ProcessSpec,
        log: LogWriter,
    ) -> BoxFuture<'_, Result<Arc<dyn Running>, StartError>>;

    /// Runs a command with a container's environment to its end.
    fn exec(
        &self,
        spec: ProcessSpec,
        timeout: Duration,
    ) -> BoxFuture<'_, Result<ExecOutput, ExecError>>;

    /// Runs a command with a container's environment, its input and output passed on as they come. Gives its exit
    /// code. It is killed when the future is dropped or nobody takes its output any more.
    fn attach(&self, spec: ProcessSpec, streams: Streams) -> BoxFuture<'_, Result<i32, ExecError>>;

    /// Makes a request of a probe: a GET (status of the answer) or a connection.
    fn probe(&self, request: ProbeRequest) -> BoxFuture<'_, ProbeReply>;

    /// Ends everything that is left and frees what the runtime holds.
    fn stop(&self) -> BoxFuture<'_, ()>;
}

/// A probe over the network.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProbeRequest {
    /// Where.
    pub address: SocketAddr,
    /// The path and headers of a GET; `None` only connects.
    pub http: Option<HttpProbe>,
    /// How long it may take.
    pub timeout: Duration,
}

/// The GET of a probe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HttpProbe {
    /// The path with its query, beginning with `/`.
    pub path: String,
    /// Further headers.
    pub headers: Vec<(String, String)>,
}

/// What a probe met.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProbeReply {
    /// The connection stands.
    Connected,
    /// The status of the answer.
    Status(u16),
    /// No answer, and why, in Go's words.
    Unreachable(String),
}
