//! No baseline may win, whatever the incident is: every kind of answer against
//! a drill that goes as well for the baseline as it can.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use engine::Baseline;
use engine::baseline::{moves, spliced};
use model::{
    Action, Answer, CallEdge, Diagnosis, Event, FailureMode, Fault, Happening, Hypothesis, Load,
    LoadShape, MatrixRow, Move, Outcome, Period, Recovery, Responder, Response, Rubric, Scenario,
    ServiceName, Severity, Timeline, Timestamp, Verdict,
};

const SERVICES: [&str; 6] = [
    "carts",
    "front-end",
    "orders",
    "payment",
    "rabbitmq",
    "user",
];

fn services() -> Vec<ServiceName> {
    SERVICES.map(ServiceName::from).to_vec()
}

/// What can be right: every mode at the service that the constant answer names
/// and at another, with a fix that a baseline happens to do, without any, and
/// where nothing is wrong.
fn answers() -> Vec<Answer> {
    let mut answers = Vec::new();
    for cause in [None, Some("carts"), Some("payment")] {
        for mode in FailureMode::ALL {
            for severity in [Severity::Info, Severity::Ticket, Severity::Page] {
                for fix in 0..4 {
                    answers.push(answer(cause.map(ServiceName::from), mode, severity, fix));
                }
            }
        }
    }
    answers
}

fn answer(cause: Option<ServiceName>, mode: FailureMode, severity: Severity, fix: u8) -> Answer {
    let fixes = match (&cause, fix) {
        (None, _) | (_, 0) => Vec::new(),
        (Some(at), 1) => vec![Action::RolloutRestart(at.clone())],
        (Some(at), 2) => vec![Action::RolloutUndo(at.clone())],
        (Some(at), _) => vec![Action::Scale {
            service: at.clone(),
            replicas: 0,
        }],
    };
    Answer {
        cause,
        mode,
        severity,
        fixes,
        wrong: Vec::new(),
    }
}

fn scenario(answer: Answer) -> Scenario {
    Scenario {
        name: "any".to_owned(),
        title: String::new(),
        shop: "sock-shop".into(),
        matrix: None,
        level: 1,
        briefing: String::new(),
        load: Load {
            shape: LoadShape::Steady,
            users: 1,
        },
        steady_state: Vec::new(),
        timeline: Vec::new(),
        hypothesis: Hypothesis::default(),
        answer,
        hints: Vec::new(),
        responders: BTreeMap::new(),
        pass_mark: 60,
        time_limit: Period::from_secs(600),
        recovery_window: Period::from_secs(10),
    }
}

/// The row that the scenario stands for, where something is wrong.
fn row(answer: &Answer) -> Option<MatrixRow> {
    let failed = answer.cause.clone()?;
    Some(MatrixRow {
        id: "M01".into(),
        shop: "sock-shop".into(),
        failed,
        impact: String::new(),
        experience: String::new(),
        journeys: Vec::new(),
        shows: Vec::new(),
        detect: Period::from_secs(10),
        recovery: Recovery::Itself(None),
    })
}

/// A drill in which the page comes at once, `said` comes with it, all changes
/// are accepted, and the shop has recovered a moment later.
fn drill(responder: Responder, answer: &Answer, said: Vec<Response>) -> Timeline {
    let mut happened = vec![
        Happening::Started {
            scenario: Box::new(scenario(answer.clone())),
            row: row(answer),
            rubric: Rubric::default(),
            seed: 1,
            responder: responder.clone(),
            version: String::new(),
        },
        Happening::ShopReady {
            services: services(),
            calls: vec![CallEdge {
                from: "front-end".into(),
                to: "carts".into(),
            }],
        },
    ];
    if let Some(cause) = &answer.cause {
        let mut args = serde_json::Map::new();
        args.insert("service".to_owned(), cause.as_str().into());
        happened.push(Happening::FaultInjected {
            injection: 1,
            fault: Fault {
                kind: "hang".to_owned(),
                args,
            },
            lease: Period::from_secs(30),
        });
        happened.push(Happening::AlertFired {
            alert: "Down".into(),
            severity: Severity::Page,
            service: Some(cause.clone()),
            summary: String::new(),
            runbook: String::new(),
        });
    }
    for response in said {
        let outcome = match response {
            Response::Act(_) => Outcome::Accepted,
            _ => Outcome::Noted,
        };
        happened.push(Happening::Responded {
            by: responder.clone(),
            response,
            outcome,
        });
    }
    if answer.cause.is_some() {
        happened.push(Happening::Recovered);
    }
    happened.push(Happening::Finished(Verdict::Complete));
    let events = (0..).zip(happened).map(|(seq, what)| Event {
        seq,
        at: Timestamp::from_millis(1_000 + seq),
        what,
    });
    Timeline::new(events.collect())
}

fn said(kind: Baseline) -> Vec<Response> {
    let says = moves(kind, &services()).into_iter();
    says.filter_map(|step| match step {
        Move::Acknowledge => Some(Response::Acknowledge),
        Move::Declare(severity) => Some(Response::Declare(severity)),
        Move::Diagnose(diagnosis) => Some(Response::Diagnose(diagnosis)),
        Move::Act(action) => Some(Response::Act(action)),
        Move::Resolve => Some(Response::Resolve),
        Move::When(_) | Move::Query(_) | Move::Update(_) => None,
    })
    .collect()
}

fn responder(kind: Baseline) -> Responder {
    Responder::Baseline(kind.name().to_owned())
}

fn points(timeline: &Timeline) -> f64 {
    let grade = grader::grade(timeline, &Rubric::default()).expect("graded");
    grade.total
}

#[test]
fn no_baseline_passes_on_any_kind_of_answer() {
    let mut highest: BTreeMap<&str, f64> = BTreeMap::new();
    for answer in answers() {
        for kind in Baseline::ALL {
            let timeline = drill(responder(kind), &answer, said(kind));
            let points = points(&timeline);
            assert!(points < 60.0, "{kind:?} on {answer:?}: {points}");
            let most = highest.entry(kind.name()).or_default();
            *most = most.max(points);
        }
    }
    // Some are close: the bound is not there for nothing.
    assert!(highest["constant-answer"] >= 40.0, "{highest:?}");
    assert!(highest["nothing"] < 40.0, "{highest:?}");
}

#[test]
fn who_restarts_a_healthy_shop_or_raises_a_false_alarm_loses_nearly_all() {
    let healthy = answer(None, FailureMode::None, Severity::Info, 0);
    for (kind, most) in [
        (Baseline::RestartEverything, 0.0),
        (Baseline::ScaleEverythingToZero, 0.0),
        (Baseline::RollBackEverything, 0.0),
        (Baseline::ConstantAnswer, 30.0),
    ] {
        let points = points(&drill(responder(kind), &healthy, said(kind)));
        assert!(points <= most, "{kind:?}: {points}");
    }
}

#[test]
fn a_right_answer_that_was_guessed_is_not_worth_a_pass_and_one_with_evidence_is() {
    let answer = answer(None, FailureMode::None, Severity::Page, 0);
    let diagnose = Response::Diagnose(Diagnosis {
        cause: None,
        mode: FailureMode::None,
        impact: None,
    });
    let somebody = Responder::Trainee("somebody".to_owned());
    let declare = Response::Declare(Severity::Page);
    let guess = drill(somebody.clone(), &answer, vec![declare, diagnose]);
    assert!(points(&guess) <= 50.0, "{}", points(&guess));
    let looked = Happening::Responded {
        by: somebody,
        response: Response::Query(model::Query {
            backend: model::Backend::Metrics,
            text: "up".to_owned(),
        }),
        outcome: Outcome::Answered(model::Evidence {
            results: 14,
            ..model::Evidence::default()
        }),
    };
    let mut events = guess.events().to_vec();
    let before = Event {
        what: looked,
        ..events[1].clone()
    };
    events.insert(2, before);
    let with_evidence = points(&Timeline::new(events));
    assert!(with_evidence >= 90.0, "{with_evidence}");
}

#[test]
fn what_is_spliced_into_a_drill_of_nothing_is_graded_as_if_it_had_been_played() {
    for answer in answers().iter().filter(|answer| answer.cause.is_some()) {
        let nothing = drill(responder(Baseline::Nothing), answer, Vec::new());
        for kind in [Baseline::ConstantAnswer, Baseline::BlameTheLab] {
            let played = drill(responder(kind), answer, said(kind));
            let spliced = spliced(kind, &nothing).expect("it only talks");
            let apart = (points(&spliced) - points(&played)).abs();
            assert!(apart < 0.2, "{kind:?} on {answer:?}");
        }
    }
}
