//! What the API server asks of whatever runs the Pods: their logs and what they use.
//!
//! The node (`node::Node`) implements [`Runtime`]; tests use a fake. The node and the API server share nothing else
//! but [`crate::objects::Objects`].

use std::path::PathBuf;

use bytes::Bytes;
use tokio::sync::{mpsc, watch};

use crate::node::{BoxFuture, ExecError};

/// What runs the Pods of the cluster's one node.
pub trait Runtime: Send + Sync + 'static {
    /// Where the log of a container is; `None` when it has none (it never ran, or `run` names a run that is gone).
    fn logs(&self, namespace: &str, pod: &str, container: &str, run: LogRun) -> Option<LogSource>;

    /// What each container of a Pod uses now, by container name; empty when nothing runs.
    fn usage(&self, namespace: &str, pod: &str) -> Vec<(String, Usage)>;

    /// Runs a command beside a container's processes, with its environment; gives its exit code. What comes in by
    /// `stdin` is its input, and the end of that its end; what it prints goes to `output`. The command is killed when
    /// the future is dropped or nobody takes its output any more.
    fn exec(
        &self,
        request: ExecRequest,
        stdin: mpsc::Receiver<Bytes>,
        output: mpsc::Sender<(ExecStream, Bytes)>,
    ) -> BoxFuture<'_, Result<i32, ExecError>>;
}

/// A command to be run.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ExecRequest {
    /// The Pod's namespace.
    pub namespace: String,
    /// The Pod.
    pub pod: String,
    /// The container.
    pub container: String,
    /// The program and its arguments.
    pub command: Vec<String>,
    /// Whether it has an input; without, its input is empty.
    pub with_stdin: bool,
    /// Whether a person sits before it: its input and output are lines of a terminal.
    pub tty: bool,
}

/// Where a command's output came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecStream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// Which run of a container a log is wanted of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogRun {
    /// The present run, or the last one when nothing runs.
    Current,
    /// The run before the present one (`kubectl logs --previous`).
    Previous,
}

/// The log of one run of a container.
///
/// The file has lines in the CRI's format: `<RFC 3339 with nanoseconds> <stdout|stderr> <F|P> <text>`, in UTC.
#[derive(Clone, Debug)]
pub struct LogSource {
    /// The file.
    pub path: PathBuf,
    /// The count of bytes written so far. The sender is dropped when the run has ended and all is written, so that a
    /// follower wakes at each line and ends by itself. `None` for a run that is over.
    pub written: Option<watch::Receiver<u64>>,
}

/// What a container uses.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Usage {
    /// CPUs in use, as a rate over the last seconds. One is a core, unless the node's `cpu_factor` says otherwise.
    pub cpu_cores: f64,
    /// CPU time since the start, in seconds, in the same unit.
    pub cpu_seconds_total: f64,
    /// Resident memory in bytes.
    pub memory_bytes: u64,
    /// How its CPU limit held it back; `None` without a limit.
    pub throttling: Option<Throttling>,
}

/// What the kernel's fair scheduler counts of a group with a CPU limit (`cpu.stat`), since the start.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Throttling {
    /// Periods of 100 ms in which the container ran.
    pub periods: u64,
    /// Periods at whose end it was stopped because its quota was used up.
    pub throttled_periods: u64,
    /// How long it was stopped, in seconds.
    pub throttled_seconds: f64,
}

/// A runtime for tests.
#[cfg(test)]
pub(crate) mod fake {
    use super::*;

    /// Pods without logs, whose main container uses what the function says of the Pod's name.
    pub(crate) struct Using<F>(pub(crate) F);

    impl<F: Fn(&str) -> Option<Usage> + Send + Sync + 'static> Runtime for Using<F> {
        fn exec(
            &self,
            _: ExecRequest,
            _: mpsc::Receiver<Bytes>,
            _: mpsc::Sender<(ExecStream, Bytes)>,
        ) -> BoxFuture<'_, Result<i32, ExecError>> {
            Box::pin(async { Ok(0) })
        }

        fn logs(&self, _: &str, _: &str, _: &str, _: LogRun) -> Option<LogSource> {
            None
        }

        fn usage(&self, _: &str, pod: &str) -> Vec<(String, Usage)> {
            let usage = (self.0)(pod).map(|usage| ("main".to_owned(), usage));
            usage.into_iter().collect()
        }
    }
}
