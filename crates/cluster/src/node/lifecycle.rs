//! The life of one container as kubelet sees it: waiting, running, terminated,
//! restarted. A state machine without I/O; the pod's worker feeds and obeys it.

use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use super::backoff::{Backoff, BackoffScale, go_duration};
use super::probe::{Answer, Kind, Thresholds, Verdict};
use super::spec::{Container, Probe, RestartPolicy};

/// How an instance of a container ended.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Termination {
    /// The exit code; 128 + the signal's number where a signal ended it.
    pub(crate) code: i32,
    /// `Completed`, `Error`, `OOMKilled`, `StartError`.
    pub(crate) reason: &'static str,
    /// More about it, where there is more.
    pub(crate) message: Option<String>,
    pub(crate) started: Timestamp,
    pub(crate) finished: Timestamp,
    pub(crate) container_id: String,
}

/// Where a container stands.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum State {
    Waiting {
        reason: &'static str,
        message: Option<String>,
    },
    Running {
        since: Timestamp,
    },
    Terminated(Termination),
}

/// Something to be told as an Event of the pod.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Note {
    pub(crate) warning: bool,
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

impl Note {
    pub(crate) fn normal(reason: &'static str, message: String) -> Self {
        Self {
            warning: false,
            reason,
            message,
        }
    }

    pub(crate) fn warning(reason: &'static str, message: String) -> Self {
        Self {
            warning: true,
            reason,
            message,
        }
    }
}

/// What a container wants next.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Next {
    /// To be started.
    Start,
    /// To be asked again at this time.
    Wait(Instant),
    /// Nothing, until something happens.
    Rest,
}

/// What a container is known by.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) container: String,
    /// `name_namespace(uid)`.
    pub(crate) pod: String,
    pub(crate) image: String,
}

/// The state machine.
#[derive(Debug)]
pub(crate) struct Lifecycle {
    identity: Identity,
    policy: RestartPolicy,
    scale: BackoffScale,
    restart: Backoff,
    pull: Backoff,
    probes: Vec<(Kind, Probe)>,
    thresholds: Vec<(Kind, Thresholds)>,
    state: State,
    last: Option<Termination>,
    /// When the next thing is due; `None` where nothing is.
    due: Option<Instant>,
    failed_at: Option<Instant>,
    instances: u32,
    container_id: Option<String>,
    started: bool,
    ready: bool,
    stopping: bool,
}

impl Lifecycle {
    /// A container that has not been tried yet.
    pub(crate) fn new(
        identity: Identity,
        policy: RestartPolicy,
        container: &Container,
        scale: BackoffScale,
        now: Instant,
    ) -> Self {
        Self {
            identity,
            policy,
            scale,
            restart: Backoff::new(scale),
            pull: Backoff::new(scale),
            probes: probes(container),
            thresholds: Vec::new(),
            state: State::Waiting {
                reason: "ContainerCreating",
                message: None,
            },
            last: None,
            due: Some(now),
            failed_at: None,
            instances: 0,
            container_id: None,
            started: false,
            ready: false,
            stopping: false,
        }
    }

    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// How the instance before the present one ended.
    pub(crate) fn last(&self) -> Option<&Termination> {
        self.last.as_ref()
    }

    pub(crate) fn restarts(&self) -> u32 {
        self.instances.saturating_sub(1)
    }

    pub(crate) fn container_id(&self) -> Option<&str> {
        self.container_id.as_deref()
    }

    /// Whether it may be sent requests.
    pub(crate) fn is_ready(&self) -> bool {
        self.ready && !self.stopping
    }

    /// Whether it has passed its startup probe, or has none.
    pub(crate) fn is_started(&self) -> bool {
        self.started
    }

    pub(crate) fn is_running(&self) -> bool {
        matches!(self.state, State::Running { .. })
    }

    /// Whether it ended and will not be started again.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.state, State::Terminated(_)) && self.due.is_none()
    }

    /// Whether it ended well and will not be started again.
    pub(crate) fn has_succeeded(&self) -> bool {
        self.is_over()
            && matches!(&self.state, State::Terminated(termination) if termination.code == 0)
    }

    /// When something is due.
    pub(crate) fn due(&self) -> Option<Instant> {
        self.due.filter(|_| !self.stopping)
    }

    /// The probes, when their ports have changed before the first start.
    pub(crate) fn set_probes(&mut self, container: &Container) {
        self.probes = probes(container);
    }

    /// The grace of a container that fails this probe, where the probe has its own.
    pub(crate) fn probe_grace(&self, kind: Kind) -> Option<Duration> {
        let (_, probe) = self.probes.iter().find(|(known, _)| *known == kind)?;
        let seconds = probe.termination_grace_period_seconds?;
        Some(Duration::from_secs(u64::try_from(seconds).unwrap_or(0)))
    }

    /// Why the pod waits, while its first container has not begun.
    pub(crate) fn hold(&mut self, reason: &'static str, message: Option<String>) {
        if matches!(self.state, State::Waiting { .. }) && self.instances == 0 {
            self.state = State::Waiting { reason, message };
        }
    }

    /// What is due at `now`.
    pub(crate) fn next(&mut self, now: Instant) -> (Next, Vec<Note>) {
        match self.due {
            _ if self.stopping => (Next::Rest, Vec::new()),
            None => (Next::Rest, Vec::new()),
            Some(due) if due > now => (Next::Wait(due), Vec::new()),
            Some(_) => self.flip_pull(now),
        }
    }

    /// `ErrImagePull` becomes `ImagePullBackOff` at the next look, as in kubelet.
    fn flip_pull(&mut self, now: Instant) -> (Next, Vec<Note>) {
        let State::Waiting {
            reason: "ErrImagePull",
            ..
        } = self.state
        else {
            return (Next::Start, Vec::new());
        };
        let image = &self.identity.image;
        let message = format!("Back-off pulling image \"{image}\"");
        let due = self.pull.due(self.failed_at.unwrap_or(now)).max(now);
        self.due = Some(due);
        self.state = State::Waiting {
            reason: "ImagePullBackOff",
            message: Some(message.clone()),
        };
        let notes = vec![
            Note::normal("BackOff", message),
            Note::warning("Failed", "Error: ImagePullBackOff".to_owned()),
        ];
        (Next::Wait(due), notes)
    }

    /// The image could not be had.
    pub(crate) fn pull_failed(&mut self, error: String, now: Instant) -> Vec<Note> {
        let image = &self.identity.image;
        let notes = vec![
            Note::warning(
                "Failed",
                format!("Failed to pull image \"{image}\": {error}"),
            ),
            Note::warning("Failed", "Error: ErrImagePull".to_owned()),
        ];
        self.pull.attempt(now, now);
        self.failed_at = Some(now);
        self.due = Some(now + self.scale.initial / 5);
        self.state = State::Waiting {
            reason: "ErrImagePull",
            message: Some(error),
        };
        notes
    }

    /// The container's configuration cannot be made; it is tried again.
    pub(crate) fn config_failed(&mut self, error: String, now: Instant) -> Vec<Note> {
        self.due = Some(now + self.scale.initial / 2);
        let note = Note::warning("Failed", format!("Error: {error}"));
        self.state = State::Waiting {
            reason: "CreateContainerConfigError",
            message: Some(error),
        };
        vec![note]
    }

    /// An instance is about to be started; gives its number, from 0.
    pub(crate) fn attempt(&mut self, now: Instant) -> u32 {
        if let Some(failed) = self.failed_at.filter(|_| self.instances > 0) {
            self.restart.attempt(failed, now);
        }
        if let State::Terminated(termination) = &self.state {
            self.last = Some(termination.clone());
        }
        self.due = None;
        self.instances += 1;
        self.instances - 1
    }

    /// The instance runs.
    pub(crate) fn started(&mut self, at: Timestamp, container_id: String) -> Vec<Note> {
        self.container_id = Some(container_id);
        self.state = State::Running { since: at };
        self.started = !self.has(Kind::Startup);
        self.ready = self.started && !self.has(Kind::Readiness);
        self.thresholds = self
            .probes
            .iter()
            .map(|(kind, probe)| (*kind, Thresholds::new(*kind, probe)))
            .collect();
        vec![Note::normal(
            "Started",
            format!("Started container {}", self.identity.container),
        )]
    }

    /// The probes that run at present: the startup probe alone until it has
    /// passed, then the others.
    pub(crate) fn active_probes(&self) -> impl Iterator<Item = (Kind, &Probe)> {
        let running = self.is_running() && !self.stopping;
        let started = self.started;
        self.probes
            .iter()
            .filter(move |(kind, _)| running && (*kind == Kind::Startup) != started)
            .map(|(kind, probe)| (*kind, probe))
    }

    fn has(&self, kind: Kind) -> bool {
        self.probes.iter().any(|(known, _)| *known == kind)
    }

    /// A probe answered. `true` where the container is to be killed.
    pub(crate) fn probed(&mut self, kind: Kind, answer: &Answer) -> (bool, Vec<Note>) {
        if !self.is_running() || self.stopping {
            return (false, Vec::new());
        }
        let mut notes = Vec::new();
        match answer {
            Answer::Failure(why) => notes.push(Note::warning(
                "Unhealthy",
                format!("{} probe failed: {why}", kind.title()),
            )),
            Answer::Error(why) => notes.push(Note::warning(
                "ProbeWarning",
                format!("{} probe errored: {why}", kind.title()),
            )),
            Answer::Success => {}
        }
        let verdict = self
            .thresholds
            .iter_mut()
            .find(|(known, _)| *known == kind)
            .map_or(Verdict::Unchanged, |(_, counts)| counts.observe(answer));
        let mut kill = false;
        match (kind, verdict) {
            (_, Verdict::Unchanged) | (Kind::Liveness, Verdict::Passed) => {}
            (Kind::Startup, Verdict::Passed) => {
                self.started = true;
                self.ready = !self.has(Kind::Readiness);
            }
            (Kind::Readiness, Verdict::Passed) => self.ready = true,
            (Kind::Readiness, Verdict::Failed) => self.ready = false,
            (Kind::Startup | Kind::Liveness, Verdict::Failed) => {
                kill = true;
                notes.push(Note::normal(
                    "Killing",
                    format!(
                        "Container {} failed {} probe, will be restarted",
                        self.identity.container,
                        kind.title().to_ascii_lowercase()
                    ),
                ));
            }
        }
        (kill, notes)
    }

    /// The instance ended (or could not be started).
    pub(crate) fn exited(&mut self, termination: Termination, now: Instant) -> Vec<Note> {
        self.ready = false;
        self.started = false;
        self.thresholds.clear();
        self.failed_at = Some(now);
        let again = !self.stopping
            && match self.policy {
                RestartPolicy::Always => true,
                RestartPolicy::OnFailure => termination.code != 0,
                RestartPolicy::Never => false,
            };
        let due = self.restart.due(now);
        self.due = again.then_some(due);
        if !again || due <= now {
            self.state = State::Terminated(termination);
            return Vec::new();
        }
        self.last = Some(termination);
        let Identity { container, pod, .. } = &self.identity;
        self.state = State::Waiting {
            reason: "CrashLoopBackOff",
            message: Some(format!(
                "back-off {} restarting failed container={container} pod={pod}",
                go_duration(due - now)
            )),
        };
        vec![Note::warning(
            "BackOff",
            format!("Back-off restarting failed container {container} in pod {pod}"),
        )]
    }

    /// The pod is to end: nothing is started or probed any more.
    pub(crate) fn stop(&mut self) -> Vec<Note> {
        if self.stopping {
            return Vec::new();
        }
        self.stopping = true;
        self.due = None;
        if !self.is_running() {
            return Vec::new();
        }
        vec![Note::normal(
            "Killing",
            format!("Stopping container {}", self.identity.container),
        )]
    }
}

fn probes(container: &Container) -> Vec<(Kind, Probe)> {
    [
        (Kind::Startup, &container.startup_probe),
        (Kind::Liveness, &container.liveness_probe),
        (Kind::Readiness, &container.readiness_probe),
    ]
    .into_iter()
    .filter_map(|(kind, probe)| Some((kind, probe.clone()?)))
    .collect()
}

#[cfg(test)]
mod tests;
