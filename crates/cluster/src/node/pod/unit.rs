//! One container of a pod: its state machine, its running instance, its probes.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval_at};

use super::super::lifecycle::{Lifecycle, Termination};
use super::super::probe::{Answer, Kind};
use super::super::runtime::{
    ContainerRuntime, ExecError, Exit, HttpProbe, ProbeReply, ProbeRequest, ProcessSpec, Running,
    Signal,
};
use super::super::spec::{Container, Probe};
use super::super::status::Seen;

/// The longest wait before the first look of a probe without an initial delay: kubelet's own comes at a random
/// moment of the period.
const FIRST_LOOK: Duration = Duration::from_millis(250);

/// Something that happened to a container.
#[derive(Debug)]
pub(super) struct Happening {
    pub(super) unit: usize,
    /// Which instance; what an earlier one still says is not heard.
    pub(super) instance: u32,
    pub(super) what: What,
}

#[derive(Debug)]
pub(super) enum What {
    Exited(Exit),
    Probed(Kind, Answer),
}

/// One container of the pod.
pub(super) struct Unit {
    pub(super) spec: Container,
    pub(super) life: Lifecycle,
    pub(super) instance: Option<Instance>,
    /// When SIGKILL follows SIGTERM.
    pub(super) kill_at: Option<Instant>,
}

/// A running instance and all tasks that belong to it.
pub(super) struct Instance {
    number: u32,
    started: Timestamp,
    started_at: Instant,
    id: String,
    running: Arc<dyn Running>,
    process: ProcessSpec,
    tasks: JoinSet<()>,
    probing: Vec<Kind>,
}

/// What the tasks of an instance need to know.
pub(super) struct Surroundings<'a> {
    pub(super) unit: usize,
    pub(super) ip: std::net::Ipv4Addr,
    pub(super) runtime: &'a Arc<dyn ContainerRuntime>,
    pub(super) events: &'a mpsc::UnboundedSender<Happening>,
}

impl Instance {
    pub(super) fn new(
        number: u32,
        id: String,
        started: Timestamp,
        running: Arc<dyn Running>,
        process: ProcessSpec,
        around: &Surroundings<'_>,
    ) -> Self {
        let mut tasks = JoinSet::new();
        let mut exit = running.exit();
        let events = around.events.clone();
        let unit = around.unit;
        tasks.spawn(async move {
            let ended = match exit.wait_for(Option::is_some).await {
                Ok(exit) => exit.clone(),
                Err(_) => None,
            };
            let exit = ended.unwrap_or_else(|| Exit {
                code: 255,
                oom_killed: false,
                finished: Timestamp::now(),
            });
            let what = What::Exited(exit);
            // Without a worker nobody needs to know.
            let _ = events.send(Happening {
                unit,
                instance: number,
                what,
            });
        });
        Self {
            number,
            started,
            started_at: Instant::now(),
            id,
            running,
            process,
            tasks,
            probing: Vec::new(),
        }
    }

    pub(super) fn number(&self) -> u32 {
        self.number
    }

    pub(super) fn signal(&self, signal: Signal) {
        if let Err(error) = self.running.signal(signal) {
            tracing::warn!(%error, container = self.id, "a container could not be signalled");
        }
    }

    /// How it ended, with the reason as Kubernetes names it.
    pub(super) fn termination(&self, exit: &Exit) -> Termination {
        Termination {
            code: exit.code,
            reason: match (exit.oom_killed, exit.code) {
                (true, _) => "OOMKilled",
                (false, 0) => "Completed",
                (false, _) => "Error",
            },
            message: None,
            started: self.started,
            finished: exit.finished,
            container_id: self.id.clone(),
        }
    }

    /// Ends its tasks and waits for their end.
    pub(super) async fn close(mut self) {
        self.tasks.shutdown().await;
    }
}

impl Unit {
    pub(super) fn new(spec: Container, life: Lifecycle) -> Self {
        Self {
            spec,
            life,
            instance: None,
            kill_at: None,
        }
    }

    /// Asks the container to end; SIGKILL follows at the end of `grace`. An earlier end stays.
    pub(super) fn terminate(&mut self, grace: Duration, now: Instant) {
        let Some(instance) = &self.instance else {
            return;
        };
        let kill_at = now + grace;
        if self.kill_at.is_none() && !grace.is_zero() {
            instance.signal(Signal::Terminate);
        }
        self.kill_at = Some(self.kill_at.map_or(kill_at, |earlier| earlier.min(kill_at)));
        self.kill_if_due(now);
    }

    pub(super) fn kill_if_due(&mut self, now: Instant) {
        if let (Some(instance), Some(at)) = (&self.instance, self.kill_at)
            && at <= now
        {
            instance.signal(Signal::Kill);
            self.kill_at = None;
        }
    }

    /// Starts the probes that are active now and not started yet.
    pub(super) fn probe(&mut self, around: &Surroundings<'_>) {
        let Some(instance) = &mut self.instance else {
            return;
        };
        let active: Vec<(Kind, Probe)> = self
            .life
            .active_probes()
            .map(|(kind, probe)| (kind, probe.clone()))
            .collect();
        for (kind, probe) in active {
            if instance.probing.contains(&kind) {
                continue;
            }
            instance.probing.push(kind);
            let prober = Prober {
                first: instance.started_at + first_look(&probe),
                target: target(&probe, &self.spec, around.ip, &instance.process),
                runtime: around.runtime.clone(),
                period: probe.period(),
                timeout: probe.timeout(),
            };
            let (unit, number) = (around.unit, instance.number);
            let events = around.events.clone();
            instance.tasks.spawn(async move {
                prober
                    .run(|answer| {
                        let what = What::Probed(kind, answer);
                        events
                            .send(Happening {
                                unit,
                                instance: number,
                                what,
                            })
                            .is_ok()
                    })
                    .await;
            });
        }
    }

    /// What of it stands in the status.
    pub(super) fn seen(&self) -> Seen<'_> {
        Seen {
            spec: &self.spec,
            life: &self.life,
        }
    }

    /// A startup probe that has passed is not asked any more: its answers are not heard.
    pub(super) fn hears(&self, kind: Kind) -> bool {
        self.life.active_probes().any(|(active, _)| active == kind)
    }
}

fn first_look(probe: &Probe) -> Duration {
    match probe.initial_delay() {
        Duration::ZERO => FIRST_LOOK.min(probe.period() / 4),
        delay => delay,
    }
}

/// What a probe asks.
enum Target {
    Network(ProbeRequest),
    Exec(ProcessSpec),
    Impossible(String),
}

fn target(
    probe: &Probe,
    container: &Container,
    ip: std::net::Ipv4Addr,
    process: &ProcessSpec,
) -> Target {
    let address = |port, host: &Option<String>| {
        let port = container.port(port).ok_or("couldn't find port")?;
        let ip = match host.as_deref() {
            None | Some("") => ip,
            Some(host) => host.parse().map_err(|_| "host names are not supported")?,
        };
        Ok::<_, &str>(std::net::SocketAddr::from((ip, port)))
    };
    let timeout = probe.timeout();
    if let Some(exec) = &probe.exec {
        return Target::Exec(ProcessSpec {
            command: exec.command.clone(),
            memory_limit: None,
            cpu_limit: None,
            ..process.clone()
        });
    }
    let request = if let Some(get) = &probe.http_get {
        if get.scheme.as_deref().is_some_and(|scheme| scheme != "HTTP") {
            return Target::Impossible("only the scheme HTTP is supported".to_owned());
        }
        let path = get.path.as_deref().unwrap_or("/");
        let http = HttpProbe {
            path: format!("/{}", path.trim_start_matches('/')),
            headers: get
                .http_headers
                .iter()
                .map(|header| (header.name.clone(), header.value.clone()))
                .collect(),
        };
        address(&get.port, &get.host).map(|address| ProbeRequest {
            address,
            http: Some(http),
            timeout,
        })
    } else if let Some(tcp) = &probe.tcp_socket {
        address(&tcp.port, &tcp.host).map(|address| ProbeRequest {
            address,
            http: None,
            timeout,
        })
    } else {
        Err("missing probe handler")
    };
    match request {
        Ok(request) => Target::Network(request),
        Err(reason) => Target::Impossible(reason.to_owned()),
    }
}

struct Prober {
    target: Target,
    runtime: Arc<dyn ContainerRuntime>,
    first: Instant,
    period: Duration,
    timeout: Duration,
}

impl Prober {
    /// Asks again and again, as long as somebody hears.
    async fn run(self, heard: impl Fn(Answer) -> bool) {
        let first = self.first.max(Instant::now());
        let mut ticks = interval_at(first, self.period);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            if !heard(self.ask().await) {
                return;
            }
        }
    }

    async fn ask(&self) -> Answer {
        match &self.target {
            Target::Impossible(reason) => Answer::Error(reason.clone()),
            Target::Network(request) => match self.runtime.probe(request.clone()).await {
                ProbeReply::Connected => Answer::Success,
                ProbeReply::Status(200..400) => Answer::Success,
                ProbeReply::Status(code) => {
                    Answer::Failure(format!("HTTP probe failed with statuscode: {code}"))
                }
                ProbeReply::Unreachable(reason) => Answer::Failure(reason),
            },
            Target::Exec(spec) => match self.runtime.exec(spec.clone(), self.timeout).await {
                Ok(output) if output.code == 0 => Answer::Success,
                Ok(output) => {
                    let mut text = String::from_utf8_lossy(&output.stdout).into_owned();
                    text.push_str(&String::from_utf8_lossy(&output.stderr));
                    Answer::Failure(text)
                }
                Err(ExecError::Timeout { command }) => {
                    let limit = super::super::backoff::go_duration(self.timeout);
                    Answer::Failure(format!(
                        "command timed out: \"{command}\" timed out after {limit}"
                    ))
                }
                Err(error) => Answer::Error(error.to_string()),
            },
        }
    }
}
