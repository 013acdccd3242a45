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
        let probes = [
            (Kind::Startup, &container.startup_probe),
            (Kind::Liveness, &container.liveness_probe),
            (Kind::Readiness, &container.readiness_probe),
        ]
        .into_iter()
        .filter_map(|(kind, probe)| Some((kind, probe.clone()?)))
        .collect();
        Self {
            identity,
            policy,
            scale,
            restart: Backoff::new(scale),
            pull: Backoff::new(scale),
            probes,
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
            Note::warning("Failed", format!("Failed to pull image \"{image}\": {error}")),
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

    /// How long the present back-off is, for tests and messages.
    #[cfg(test)]
    fn wait(&self) -> Duration {
        self.restart.wait()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    fn container(probes: &[Kind]) -> Container {
        let probe = |kind| probes.contains(&kind).then(Probe::default);
        Container {
            startup_probe: probe(Kind::Startup),
            liveness_probe: probe(Kind::Liveness),
            readiness_probe: probe(Kind::Readiness),
            ..Container::default()
        }
    }

    fn lifecycle(policy: RestartPolicy, probes: &[Kind], now: Instant) -> Lifecycle {
        let identity = Identity {
            container: "c".into(),
            pod: "p_n(u)".into(),
            image: "nothing:1".into(),
        };
        Lifecycle::new(identity, policy, &container(probes), BackoffScale::default(), now)
    }

    fn ended(code: i32) -> Termination {
        Termination {
            code,
            reason: if code == 0 { "Completed" } else { "Error" },
            message: None,
            started: Timestamp::UNIX_EPOCH,
            finished: Timestamp::UNIX_EPOCH,
            container_id: String::new(),
        }
    }

    fn start(life: &mut Lifecycle, now: Instant) {
        assert_eq!(life.next(now).0, Next::Start);
        life.attempt(now);
        life.started(Timestamp::UNIX_EPOCH, "id".into());
    }

    fn reason(life: &Lifecycle) -> &'static str {
        match life.state() {
            State::Waiting { reason, .. } => reason,
            State::Running { .. } => "Running",
            State::Terminated(termination) => termination.reason,
        }
    }

    #[test]
    fn a_crashing_container_restarts_at_once_and_then_backs_off_and_doubles() {
        let mut now = Instant::now();
        let mut life = lifecycle(RestartPolicy::Always, &[], now);
        start(&mut life, now);
        now += SECOND;
        assert!(life.exited(ended(1), now).is_empty());
        assert_eq!(reason(&life), "Error");
        start(&mut life, now);
        assert_eq!((life.restarts(), life.last().map(|l| l.code)), (1, Some(1)));
        now += SECOND;
        let notes = life.exited(ended(2), now);
        assert_eq!(
            notes[0].message,
            "Back-off restarting failed container c in pod p_n(u)"
        );
        assert_eq!(
            life.state(),
            &State::Waiting {
                reason: "CrashLoopBackOff",
                message: Some("back-off 10s restarting failed container=c pod=p_n(u)".into()),
            }
        );
        assert_eq!(life.next(now).0, Next::Wait(now + 10 * SECOND));
        now += 10 * SECOND;
        start(&mut life, now);
        assert_eq!((life.restarts(), life.wait()), (2, 20 * SECOND));
    }

    #[test]
    fn the_restart_policy_decides_who_is_started_again() {
        for (policy, code, over) in [
            (RestartPolicy::Always, 0, false),
            (RestartPolicy::OnFailure, 0, true),
            (RestartPolicy::OnFailure, 1, false),
            (RestartPolicy::Never, 1, true),
        ] {
            let now = Instant::now();
            let mut life = lifecycle(policy, &[], now);
            start(&mut life, now);
            life.exited(ended(code), now);
            assert_eq!(life.is_over(), over, "{policy:?} {code}");
        }
    }

    #[test]
    fn an_unknown_image_is_tried_again_with_back_off() {
        let mut now = Instant::now();
        let mut life = lifecycle(RestartPolicy::Always, &[], now);
        assert_eq!(life.next(now).0, Next::Start);
        let notes = life.pull_failed("not found".into(), now);
        assert_eq!(
            notes[0].message,
            "Failed to pull image \"nothing:1\": not found"
        );
        assert_eq!(reason(&life), "ErrImagePull");
        let Next::Wait(flip) = life.next(now).0 else {
            panic!("it waits");
        };
        let (next, notes) = life.next(flip);
        assert_eq!(next, Next::Wait(now + 10 * SECOND));
        assert_eq!(notes[0].message, "Back-off pulling image \"nothing:1\"");
        assert_eq!(reason(&life), "ImagePullBackOff");
        now += 10 * SECOND;
        assert_eq!(life.next(now).0, Next::Start);
        assert_eq!(life.restarts(), 0);
    }

    #[test]
    fn readiness_and_liveness_wait_for_the_startup_probe() {
        let now = Instant::now();
        let all = [Kind::Startup, Kind::Liveness, Kind::Readiness];
        let mut life = lifecycle(RestartPolicy::Always, &all, now);
        start(&mut life, now);
        let active = |life: &Lifecycle| life.active_probes().map(|(k, _)| k).collect::<Vec<_>>();
        assert_eq!(active(&life), [Kind::Startup]);
        life.probed(Kind::Startup, &Answer::Success);
        assert_eq!(active(&life), [Kind::Liveness, Kind::Readiness]);
        assert!(life.is_started() && !life.is_ready());
        life.probed(Kind::Readiness, &Answer::Success);
        assert!(life.is_ready());
    }

    #[test]
    fn a_failed_liveness_probe_kills_with_kubelets_words() {
        let now = Instant::now();
        let mut life = lifecycle(RestartPolicy::Always, &[Kind::Liveness], now);
        start(&mut life, now);
        let failure = Answer::Failure("HTTP probe failed with statuscode: 500".into());
        assert!(!life.probed(Kind::Liveness, &failure).0);
        assert!(!life.probed(Kind::Liveness, &failure).0);
        let (kill, notes) = life.probed(Kind::Liveness, &failure);
        assert!(kill);
        let texts: Vec<&str> = notes.iter().map(|note| note.message.as_str()).collect();
        assert_eq!(
            texts,
            [
                "Liveness probe failed: HTTP probe failed with statuscode: 500",
                "Container c failed liveness probe, will be restarted",
            ]
        );
    }

    #[test]
    fn a_stopping_container_is_neither_ready_nor_started_again() {
        let now = Instant::now();
        let mut life = lifecycle(RestartPolicy::Always, &[], now);
        start(&mut life, now);
        assert!(life.is_ready());
        assert_eq!(life.stop()[0].message, "Stopping container c");
        assert!(!life.is_ready());
        life.exited(ended(143), now);
        assert!(life.is_over());
        assert_eq!(life.next(now).0, Next::Rest);
    }
}
