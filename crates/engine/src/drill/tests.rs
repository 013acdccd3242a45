use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use model::{
    Action, Answer, Backend, Bound, Check, Diagnosis, FailureMode, Fault, Hint, Hypothesis, Load,
    LoadShape, Move, Ratio, Responder, Rubric, Scenario, Severity, Step, StepAction, Symptom,
    Trigger, Undone, Verdict,
};
use telemetry::Backends;
use tempfile::TempDir;
use tokio::time::Instant;

use super::fake::{Fake, Nature};
use super::*;
use crate::{AnswerData, Limits, journal};

fn scenario() -> Scenario {
    let restart = Action::RolloutRestart("payment".into());
    Scenario {
        name: "payment-hangs".to_owned(),
        title: String::new(),
        shop: "sock-shop".into(),
        matrix: None,
        level: 1,
        briefing: String::new(),
        load: Load {
            shape: LoadShape::Steady,
            users: 1,
        },
        steady_state: vec!["availability".into()],
        timeline: vec![Step {
            at: Period::from_secs(5),
            action: StepAction::Inject(Fault {
                kind: "hang".to_owned(),
                args: serde_json::Map::new(),
            }),
            lasts: None,
        }],
        hypothesis: Hypothesis {
            symptoms: vec![Symptom::Slo {
                check: "availability".into(),
                below: Ratio::new(0.5),
            }],
            within: Period::from_secs(10),
            ..Hypothesis::default()
        },
        answer: Answer {
            cause: Some("payment".into()),
            mode: FailureMode::Hang,
            severity: Severity::Page,
            fixes: vec![restart.clone()],
            wrong: Vec::new(),
        },
        hints: vec![Hint {
            after: Period::from_secs(5),
            cost: 5,
            text: "Look at payment.".to_owned(),
        }],
        responders: BTreeMap::from([(
            "expert".to_owned(),
            vec![
                Move::When(Trigger::Alert("PaymentDown".into())),
                Move::Acknowledge,
                Move::Query(metrics("up")),
                Move::Diagnose(Diagnosis {
                    cause: Some("payment".into()),
                    mode: FailureMode::Hang,
                    impact: None,
                }),
                Move::Act(restart),
                Move::When(Trigger::Recovered),
                Move::When(Trigger::Elapsed(Period::from_secs(2))),
                Move::Resolve,
            ],
        )]),
        pass_mark: 60,
        time_limit: Period::from_secs(120),
        recovery_window: Period::from_secs(5),
    }
}

fn metrics(text: &str) -> Query {
    Query {
        backend: Backend::Metrics,
        text: text.to_owned(),
    }
}

/// A drill in a fake world, and its folder.
struct Given {
    fake: Arc<Fake>,
    drill: Drill,
    journal: PathBuf,
    _folder: TempDir,
}

fn given(nature: Nature, responder: Responder) -> Given {
    given_with(nature, responder, scenario())
}

fn given_with(nature: Nature, responder: Responder, scenario: Scenario) -> Given {
    let folder = tempfile::tempdir().expect("a folder");
    let journal = folder.path().join("drill.jsonl");
    let config = DrillConfig {
        scenario,
        row: None,
        checks: vec![Check {
            name: "availability".into(),
            title: String::new(),
            query: "q".to_owned(),
            bound: Bound::AtLeast(Ratio::new(0.95).expect("a ratio")),
        }],
        rubric: Rubric::default(),
        seed: 1,
        responder,
        journal: journal.clone(),
        injections: folder.path().join("injections"),
        kubeconfig: PathBuf::new(),
        manifests: Vec::new(),
        key: String::new(),
        backends: Backends {
            metrics_url: String::new(),
            logs_url: String::new(),
            traces_url: String::new(),
        },
        limits: Limits {
            after_moves: Some(Period::from_secs(20)),
            ..Limits::default()
        },
        version: "test".to_owned(),
    };
    let fake = Fake::new(nature);
    let drill = Drill::start_in(config, fake.world()).expect("started");
    Given {
        fake,
        drill,
        journal,
        _folder: folder,
    }
}

fn expert() -> Responder {
    Responder::Script("expert".to_owned())
}

fn trainee() -> Responder {
    Responder::Trainee("Ada".to_owned())
}

/// What happened, in short words.
fn words(timeline: &Timeline) -> Vec<String> {
    let word = |what: &Happening| match what {
        Happening::Started { .. } => "started".to_owned(),
        Happening::ShopReady { .. } => "ready".to_owned(),
        Happening::SteadyState { .. } => "steady".to_owned(),
        Happening::Observed(seen) => format!("{} holds: {}", seen.check, seen.holds),
        Happening::FaultInjected { .. } => "injected".to_owned(),
        Happening::FaultBit { .. } => "bit".to_owned(),
        Happening::ImpactSeen(impact) => format!("impact: {}", impact.seen),
        Happening::AlertFired { alert, .. } => format!("{alert} fired"),
        Happening::AlertResolved { alert, .. } => format!("{alert} resolved"),
        Happening::Responded {
            response, outcome, ..
        } => match outcome {
            Outcome::Refused(_) => "refused".to_owned(),
            _ => match response {
                Response::Act(action) => action.to_string(),
                Response::Query(query) => format!("asked {}", query.text),
                Response::Diagnose(_) => "diagnosed".to_owned(),
                other => format!("{other:?}").to_lowercase(),
            },
        },
        Happening::HintGiven { .. } => "hint given".to_owned(),
        Happening::Changed(_) => "changed".to_owned(),
        Happening::Recovered => "recovered".to_owned(),
        Happening::Relapsed { .. } => "relapsed".to_owned(),
        Happening::FaultUndone { how, verified, .. } => format!("undone: {how:?} {verified}"),
        Happening::Cost { .. } => "cost".to_owned(),
        Happening::Impacts { journeys } => format!("{} journeys hit", journeys.len()),
        Happening::Finished(Verdict::Invalid(why)) => format!("invalid: {why}"),
        Happening::Finished(verdict) => format!("{verdict:?}").to_lowercase(),
    };
    timeline.events().iter().map(|e| word(&e.what)).collect()
}

/// Waits for the first Event that `is`.
async fn until(drill: &Drill, is: impl Fn(&Happening) -> bool) {
    let mut events = drill.subscribe();
    while let Some(event) = events.next().await {
        if is(&event.what) {
            return;
        }
    }
    panic!("it never happened: {:?}", words(&drill.timeline()));
}

#[tokio::test(start_paused = true)]
async fn an_expert_solves_a_drill_and_all_of_it_is_in_the_journal() {
    let mut given = given(Nature::default(), expert());
    let timeline = given.drill.finished().await.expect("finished");
    assert_eq!(
        words(&timeline),
        [
            "started",
            "ready",
            "availability holds: true",
            "steady",
            "injected",
            "availability holds: false",
            "impact: Payment failed",
            "bit",
            "PaymentDown fired",
            "acknowledge",
            "asked up",
            "diagnosed",
            "rollout restart payment",
            "changed",
            "availability holds: true",
            "PaymentDown resolved",
            "recovered",
            "resolve",
            "undone: Reverted true",
            "cost",
            "1 journeys hit",
            "complete",
        ]
    );
    let reading = journal::read(&given.journal).expect("read");
    assert_eq!(reading.timeline, timeline);
    assert!(given.fake.is_clean());
    let clocks = timeline.clocks();
    let after = |clock: Option<model::Timestamp>| {
        let injected = clocks.injected.expect("injected");
        clock.expect("a clock").since(injected).as_millis()
    };
    assert_eq!(after(clocks.first_impact), 500);
    assert_eq!(after(clocks.paged), 3_000, "the ruler's own time");
    assert!(clocks.acted.is_some() && clocks.recovered.is_some());
}

#[tokio::test(start_paused = true)]
async fn an_injection_for_a_time_is_undone_while_the_drill_goes_on() {
    let mut scenario = scenario();
    scenario.timeline[0].lasts = Some(Period::from_secs(12));
    let moves = vec![Move::When(Trigger::Recovered), Move::Resolve];
    scenario.responders.insert("watcher".to_owned(), moves);
    let responder = Responder::Script("watcher".to_owned());
    let mut given = given_with(Nature::default(), responder, scenario);
    let timeline = given.drill.finished().await.expect("finished");
    let words = words(&timeline);
    let from = words.iter().position(|word| word == "PaymentDown fired");
    assert_eq!(
        words[from.expect("a page")..],
        [
            "PaymentDown fired",
            "undone: Reverted true",
            "availability holds: true",
            "PaymentDown resolved",
            "recovered",
            "resolve",
            "cost",
            "1 journeys hit",
            "complete",
        ]
    );
    assert!(given.fake.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_fault_that_does_not_bite_is_undone_and_the_drill_is_invalid() {
    let nature = Nature {
        broken: 0.9,
        ..Nature::default()
    };
    let mut given = given(nature, trainee());
    let timeline = given.drill.finished().await.expect("finished");
    let words = words(&timeline);
    let [.., undone, invalid] = &words[..] else {
        panic!("{words:?}");
    };
    assert_eq!(undone, "undone: Reverted true");
    assert!(
        invalid.contains("the fault did not bite: no availability below 50% within 10s"),
        "{invalid}"
    );
    assert!(given.fake.is_clean());
}

#[tokio::test(start_paused = true)]
async fn what_keeps_a_drill_from_its_start_is_said() {
    for (nature, why) in [
        (
            Nature {
                well: 0.4,
                ..Nature::default()
            },
            "no steady state within 1m30s: availability was 40.0%",
        ),
        (
            Nature {
                available: 1,
                ..Nature::default()
            },
            "the shop was not ready within 1m: payment 1/2, orders 1/2",
        ),
        (
            Nature {
                injectable: false,
                ..Nature::default()
            },
            "`hang` could not be injected: `hang` is not allowed here",
        ),
    ] {
        let mut given = given(nature, trainee());
        let timeline = given.drill.finished().await.expect("finished");
        let words = words(&timeline);
        let last = words.last().expect("an end");
        assert!(last.starts_with(&format!("invalid: {why}")), "{last}");
        assert!(given.fake.is_clean());
    }
}

#[tokio::test(start_paused = true)]
async fn an_interruption_undoes_everything_within_five_seconds() {
    for (undoable, undone) in [
        (true, "undone: Reverted true"),
        (false, "undone: Failed false"),
    ] {
        let nature = Nature {
            undoable,
            ..Nature::default()
        };
        let mut given = given(nature, trainee());
        until(&given.drill, |what| {
            matches!(what, Happening::FaultBit { .. })
        })
        .await;
        let began = Instant::now();
        let timeline = given.drill.stop(Stop::Interrupted).await.expect("stopped");
        assert!(
            began.elapsed() < Duration::from_secs(5),
            "{:?}",
            began.elapsed()
        );
        let words = words(&timeline);
        assert_eq!(words[words.len() - 2..], [undone, "interrupted"]);
    }
}

#[tokio::test(start_paused = true)]
async fn an_undo_that_hangs_at_the_end_is_cut_short_by_an_interruption() {
    let nature = Nature {
        undoable: false,
        ..Nature::default()
    };
    let mut given = given(nature, trainee());
    until(&given.drill, |what| {
        matches!(what, Happening::FaultBit { .. })
    })
    .await;
    given.drill.desk().stop(Stop::Finished);
    let mut phase = given.drill.desk();
    while phase.phase() != Phase::Ending {
        tokio::task::yield_now().await;
        phase = given.drill.desk();
    }
    let began = Instant::now();
    let timeline = given.drill.stop(Stop::Interrupted).await.expect("stopped");
    assert!(
        began.elapsed() < Duration::from_secs(5),
        "{:?}",
        began.elapsed()
    );
    let undone = Happening::FaultUndone {
        injection: 1,
        how: Undone::Failed,
        verified: false,
    };
    assert!(timeline.events().iter().any(|event| event.what == undone));
}

#[tokio::test(start_paused = true)]
async fn a_drill_that_is_dropped_undoes_what_it_broke() {
    let given = given(Nature::default(), trainee());
    until(&given.drill, |what| {
        matches!(what, Happening::FaultInjected { .. })
    })
    .await;
    let mut events = given.drill.subscribe();
    drop(given.drill);
    let mut last = None;
    while let Some(event) = events.next().await {
        last = Some(event.what);
    }
    assert_eq!(last, Some(Happening::Finished(Verdict::Interrupted)));
    assert!(given.fake.is_clean());
}

#[tokio::test(start_paused = true)]
async fn a_question_gives_its_data_and_is_on_record_as_evidence() {
    let mut given = given(Nature::default(), trainee());
    until(&given.drill, |what| {
        matches!(what, Happening::FaultBit { .. })
    })
    .await;
    let now = given.fake.clock.now();
    let range = TimeRange::last(Period::from_secs(1), now);
    let answer = given
        .drill
        .ask(metrics("up"), Some(range))
        .await
        .expect("answered");
    let AnswerData::Series(matrix) = &answer.data else {
        panic!("{answer:?}");
    };
    assert!(
        matrix.series[0]
            .points
            .iter()
            .all(|point| point.at >= range.from)
    );
    let signs = &answer.evidence.signs[0];
    assert_eq!((signs.before, signs.after), (Some(1.0), Some(0.0)));
    let refused = given.drill.ask(metrics(""), None).await;
    assert!(
        matches!(refused, Err(EngineError::Telemetry(_))),
        "{refused:?}"
    );
    let timeline = given.drill.stop(Stop::Finished).await.expect("stopped");
    let answered = Happening::Responded {
        by: trainee(),
        response: Response::Query(metrics("up")),
        outcome: Outcome::Answered(answer.evidence),
    };
    assert!(timeline.events().iter().any(|event| event.what == answered));
    assert!(words(&timeline).contains(&"refused".to_owned()));
    assert_eq!(
        words(&timeline).last().map(String::as_str),
        Some("complete")
    );
}

#[tokio::test(start_paused = true)]
async fn a_hint_is_given_when_it_is_due_and_only_once() {
    let given = given(Nature::default(), trainee());
    let hint = || given.drill.respond(Response::Hint);
    assert!(matches!(hint().await, Ok(Outcome::Refused(why)) if why.contains("before the page")));
    until(&given.drill, |what| {
        matches!(what, Happening::AlertFired { .. })
    })
    .await;
    let offer = given.drill.desk().hint().expect("a hint");
    assert!(
        offer.due_in.is_some_and(|due| due > Period::ZERO),
        "{offer:?}"
    );
    assert!(matches!(hint().await, Ok(Outcome::Refused(why)) if why.contains("comes in")));
    tokio::time::advance(Duration::from_secs(6)).await;
    assert_eq!(hint().await.expect("responded"), Outcome::Noted);
    assert_eq!(given.drill.desk().hint(), None);
    assert!(words(&given.drill.timeline()).contains(&"hint given".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_change_that_the_platform_refuses_is_on_record_and_after_the_end_nothing_is_done() {
    let mut given = given(Nature::default(), trainee());
    until(&given.drill, |what| {
        matches!(what, Happening::SteadyState { .. })
    })
    .await;
    let undo = Response::Act(Action::RolloutUndo("payment".into()));
    let refused = given.drill.respond(undo.clone()).await.expect("responded");
    assert_eq!(
        refused,
        Outcome::Refused("rollout undo payment: forbidden".to_owned())
    );
    given.drill.stop(Stop::Finished).await.expect("stopped");
    let late = given.drill.respond(undo).await;
    assert!(matches!(late, Err(EngineError::Over)), "{late:?}");
}

#[tokio::test(start_paused = true)]
async fn a_baseline_acts_on_the_page_or_when_nobody_calls_it() {
    for (breaks, acts) in [(true, true), (false, true)] {
        let mut scenario = scenario();
        if !breaks {
            scenario.timeline.clear();
            scenario.hypothesis.symptoms.clear();
        }
        let responder = Responder::Baseline(crate::Baseline::RestartEverything.name().to_owned());
        let mut given = given_with(Nature::default(), responder, scenario);
        let timeline = given.drill.finished().await.expect("finished");
        let words = words(&timeline);
        for service in ["payment", "orders"] {
            let restarted = words.contains(&format!("rollout restart {service}"));
            assert_eq!(restarted, acts, "{words:?}");
        }
        let place = |word: &str| words.iter().position(|w| w == word);
        if breaks {
            assert!(place("bit") < place("rollout restart payment"), "{words:?}");
        }
        assert_eq!(words.last().map(String::as_str), Some("complete"));
    }
}

#[tokio::test(start_paused = true)]
async fn doing_nothing_ends_the_drill_a_while_after_the_last_move() {
    let responder = Responder::Baseline(crate::Baseline::Nothing.name().to_owned());
    let mut given = given(Nature::default(), responder);
    let timeline = given.drill.finished().await.expect("finished");
    let clocks = timeline.clocks();
    assert_eq!(clocks.recovered, None);
    let lasted = clocks
        .finished
        .zip(clocks.injected)
        .map(|(end, began)| end.since(began));
    assert!(
        lasted.is_some_and(|lasted| lasted < Period::from_secs(25)),
        "{lasted:?}"
    );
}
