//! A runtime for tests: containers that run until they are told to end, on tokio's clock.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use jiff::Timestamp;
use tokio::sync::{mpsc, watch};

use super::log::{LogWriter, Stream};
use super::runtime::{
    BoxFuture, ContainerRuntime, ExecError, ExecOutput, Exit, ProbeReply, ProbeRequest,
    ProcessSpec, Running, Signal, StartError, Streams,
};
use crate::runtime::{ExecStream, Usage};

/// The runtime. Each container that is started comes out of the receiver of [`FakeRuntime::new`].
#[derive(Clone)]
pub struct FakeRuntime {
    started: mpsc::UnboundedSender<FakeContainer>,
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    replies: HashMap<u16, ProbeReply>,
    unstartable: bool,
    stubborn: bool,
}

/// One container that was started.
#[derive(Clone)]
pub struct FakeContainer {
    /// What was to be run.
    pub spec: ProcessSpec,
    inner: Arc<Inner>,
}

struct Inner {
    exit: watch::Sender<Option<Exit>>,
    signals: watch::Sender<Vec<Signal>>,
    log: Mutex<Option<LogWriter>>,
    stubborn: bool,
}

impl FakeRuntime {
    /// A runtime, and what it starts.
    pub fn new() -> (Self, mpsc::UnboundedReceiver<FakeContainer>) {
        let (started, containers) = mpsc::unbounded_channel();
        let runtime = Self {
            started,
            state: Arc::default(),
        };
        (runtime, containers)
    }

    /// What probes of a port meet from now on; before, every GET is answered with 200.
    pub fn answer(&self, port: u16, reply: ProbeReply) {
        lock(&self.state).replies.insert(port, reply);
    }

    /// From now on no container can be started.
    pub fn refuse_starts(&self) {
        lock(&self.state).unstartable = true;
    }

    /// Containers that are started from now on take no notice of SIGTERM.
    pub fn ignore_terminate(&self) {
        lock(&self.state).stubborn = true;
    }
}

impl FakeContainer {
    /// Ends with an exit code.
    pub fn end(&self, code: i32) {
        self.inner.end(code, false);
    }

    /// Ends as a container that took too much memory.
    pub fn end_by_memory(&self) {
        self.inner.end(137, true);
    }

    /// Writes to standard output.
    pub fn print(&self, text: &str) {
        if let Some(log) = &*lock(&self.inner.log) {
            let mut stream = log.stream(Stream::Stdout);
            stream.write(text.as_bytes());
            stream.finish();
        }
    }

    /// The signals it got so far, and more as they come.
    pub fn signals(&self) -> watch::Receiver<Vec<Signal>> {
        self.inner.signals.subscribe()
    }
}

impl Inner {
    fn end(&self, code: i32, oom_killed: bool) {
        lock(&self.log).take();
        self.exit.send_if_modified(|exit| {
            let first = exit.is_none();
            exit.get_or_insert(Exit {
                code,
                oom_killed,
                finished: Timestamp::now(),
            });
            first
        });
    }
}

impl Running for FakeContainer {
    fn signal(&self, signal: Signal) -> std::io::Result<()> {
        self.inner.signals.send_modify(|all| all.push(signal));
        match signal {
            Signal::Kill => self.inner.end(137, false),
            Signal::Terminate if !self.inner.stubborn => self.inner.end(143, false),
            Signal::Terminate | Signal::Stop | Signal::Continue => {}
        }
        Ok(())
    }

    fn exit(&self) -> watch::Receiver<Option<Exit>> {
        self.inner.exit.subscribe()
    }

    fn usage(&self) -> Usage {
        Usage::default()
    }
}

impl ContainerRuntime for FakeRuntime {
    fn version(&self) -> String {
        "fake://1".to_owned()
    }

    fn start(
        &self,
        spec: ProcessSpec,
        log: LogWriter,
    ) -> BoxFuture<'_, Result<Arc<dyn Running>, StartError>> {
        Box::pin(async move {
            let state = lock(&self.state);
            if state.unstartable {
                return Err(StartError::Program {
                    program: spec.command.first().cloned().unwrap_or_default(),
                    reason: "executable file not found in $PATH".to_owned(),
                });
            }
            let inner = Inner {
                exit: watch::Sender::new(None),
                signals: watch::Sender::new(Vec::new()),
                log: Mutex::new(Some(log)),
                stubborn: state.stubborn,
            };
            drop(state);
            let container = FakeContainer {
                spec,
                inner: Arc::new(inner),
            };
            // A test that does not look at its containers has dropped the receiver.
            let _ = self.started.send(container.clone());
            let running: Arc<dyn Running> = Arc::new(container);
            Ok(running)
        })
    }

    fn exec(
        &self,
        _spec: ProcessSpec,
        _timeout: Duration,
    ) -> BoxFuture<'_, Result<ExecOutput, ExecError>> {
        Box::pin(async { Ok(ExecOutput::default()) })
    }

    fn attach(&self, spec: ProcessSpec, streams: Streams) -> BoxFuture<'_, Result<i32, ExecError>> {
        let words = spec.command.join(" ");
        Box::pin(async move {
            let said = (ExecStream::Stdout, Bytes::from(words));
            // A test that does not listen has dropped the receiver.
            let _ = streams.output.send(said).await;
            Ok(0)
        })
    }

    fn probe(&self, request: ProbeRequest) -> BoxFuture<'_, ProbeReply> {
        let known = lock(&self.state)
            .replies
            .get(&request.address.port())
            .cloned();
        let reply = known.unwrap_or(match request.http {
            Some(_) => ProbeReply::Status(200),
            None => ProbeReply::Connected,
        });
        Box::pin(async move { reply })
    }

    fn stop(&self) -> BoxFuture<'_, ()> {
        Box::pin(async {})
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
