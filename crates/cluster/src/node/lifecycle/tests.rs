//! The container's life, step by step.

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
    Lifecycle::new(
        identity,
        policy,
        &container(probes),
        BackoffScale::default(),
        now,
    )
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
    assert_eq!(life.restarts(), 2);
    now += SECOND;
    life.exited(ended(2), now);
    assert_eq!(life.next(now).0, Next::Wait(now + 20 * SECOND));
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
