//! Timelines and the grades that they earn.

#![expect(clippy::expect_used, reason = "a test fails by panicking")]

use std::collections::BTreeMap;

use grader::{Ungraded, grade};
use model::{
    Action, Answer, Backend, CallEdge, Change, Criterion, Diagnosis, Event, Evidence, FailureMode,
    Fault, Grade, Happening, Hypothesis, Load, LoadShape, MatrixRow, Outcome, Period, Query,
    Recovery, Responder, Response, Rubric, Scenario, ServiceName, ServiceSigns, Severity, Timeline,
    Timestamp, Verdict,
};

/// Writes a timeline, a second after another.
struct Story {
    timeline: Timeline,
    second: u64,
}

impl Story {
    fn of(cause: Option<&str>) -> Self {
        let mut story = Self {
            timeline: Timeline::default(),
            second: 1_000,
        };
        let row = cause.map(|_| MatrixRow {
            id: "M06".into(),
            shop: "sock-shop".into(),
            failed: "payment".into(),
            impact: "orders fail".into(),
            experience: "Payment failed".into(),
            detect: Period::from_secs(15),
            recovery: Recovery::ManualRestart,
            journeys: Vec::new(),
            shows: Vec::new(),
        });
        story.then(Happening::Started {
            scenario: Box::new(scenario(cause)),
            row,
            rubric: Rubric::default(),
            seed: 1,
            responder: Responder::Script("expert".into()),
            version: "0".into(),
        });
        let calls = [
            ("front-end", "orders"),
            ("orders", "payment"),
            ("orders", "carts"),
        ];
        story.then(Happening::ShopReady {
            services: ["front-end", "orders", "payment", "carts"]
                .map(ServiceName::from)
                .to_vec(),
            calls: calls
                .map(|(from, to)| CallEdge {
                    from: from.into(),
                    to: to.into(),
                })
                .to_vec(),
        });
        if cause.is_some() {
            let mut args = serde_json::Map::new();
            args.insert("service".into(), "payment".into());
            story.then(Happening::FaultInjected {
                injection: 1,
                fault: Fault {
                    kind: "hang".into(),
                    args,
                },
                lease: Period::from_secs(30),
            });
            story.then(Happening::AlertFired {
                alert: "PaymentDown".into(),
                severity: Severity::Page,
                service: Some("payment".into()),
                summary: String::new(),
                runbook: String::new(),
            });
        }
        story
    }

    fn then(&mut self, what: Happening) -> &mut Self {
        let seq = self.timeline.events().len() as u64;
        self.second += 1;
        self.timeline.push(Event {
            seq,
            at: Timestamp::from_millis(self.second * 1_000),
            what,
        });
        self
    }

    fn wait(&mut self, seconds: u64) -> &mut Self {
        self.second += seconds;
        self
    }

    fn does(&mut self, response: Response) -> &mut Self {
        let outcome = match &response {
            Response::Act(_) => Outcome::Accepted,
            _ => Outcome::Noted,
        };
        self.responds(response, outcome)
    }

    fn responds(&mut self, response: Response, outcome: Outcome) -> &mut Self {
        self.then(Happening::Responded {
            by: Responder::Script("expert".into()),
            response,
            outcome,
        })
    }

    fn asks(&mut self, backend: Backend, service: &str, troubles: u64) -> &mut Self {
        let query = Query {
            backend,
            text: "q".into(),
        };
        self.responds(
            Response::Query(query),
            Outcome::Answered(Evidence {
                results: 1,
                signs: vec![ServiceSigns {
                    service: service.into(),
                    troubles,
                    ..ServiceSigns::default()
                }],
                ..Evidence::default()
            }),
        )
    }

    fn diagnoses(&mut self, cause: Option<&str>, mode: FailureMode, impact: bool) -> &mut Self {
        self.does(Response::Diagnose(Diagnosis {
            cause: cause.map(Into::into),
            mode,
            impact: impact.then(|| "M06".into()),
        }))
    }

    fn grade(&mut self) -> Grade {
        self.then(Happening::Finished(Verdict::Complete));
        grade(&self.timeline, &Rubric::default()).expect("graded")
    }
}

fn scenario(cause: Option<&str>) -> Scenario {
    Scenario {
        name: "payment-hangs".into(),
        title: String::new(),
        shop: "sock-shop".into(),
        matrix: None,
        level: 2,
        briefing: String::new(),
        load: Load {
            shape: LoadShape::Steady,
            users: 1,
        },
        steady_state: vec![],
        timeline: vec![],
        hypothesis: Hypothesis::default(),
        answer: Answer {
            cause: cause.map(Into::into),
            mode: if cause.is_some() {
                FailureMode::Hang
            } else {
                FailureMode::None
            },
            severity: if cause.is_some() {
                Severity::Page
            } else {
                Severity::Info
            },
            fixes: vec![Action::RolloutRestart("payment".into())],
            wrong: vec![Action::RolloutRestart("orders".into())],
        },
        hints: vec![],
        responders: BTreeMap::new(),
        pass_mark: 60,
        time_limit: Period::from_secs(600),
        recovery_window: Period::from_secs(10),
    }
}

/// A flawless response.
fn flawless() -> Story {
    let mut story = Story::of(Some("payment"));
    story
        .does(Response::Acknowledge)
        .does(Response::Declare(Severity::Page))
        .asks(Backend::Metrics, "payment", 1)
        .asks(Backend::Logs, "orders", 3)
        .diagnoses(Some("payment"), FailureMode::Hang, true)
        .does(Response::Act(Action::RolloutRestart("payment".into())))
        .does(Response::Update("restarted payment".into()))
        .then(Happening::Recovered);
    story
}

fn points(grade: &Grade, criterion: Criterion) -> f64 {
    grade
        .scores
        .iter()
        .find(|score| score.criterion == criterion)
        .expect("criterion")
        .points
}

#[test]
fn a_flawless_response_earns_everything_and_every_point_names_its_events() {
    let grade = flawless().grade();
    assert_eq!(grade.total, 100.0, "{grade:#?}");
    assert!(grade.passed);
    assert!(grade.scores.iter().all(|score| !score.events.is_empty()));
}

#[test]
fn grading_twice_gives_the_same_bytes() {
    let mut story = flawless();
    let first = story.grade();
    let again = grade(&story.timeline, &Rubric::default()).expect("graded");
    assert_eq!(
        serde_json::to_string(&first).expect("json"),
        serde_json::to_string(&again).expect("json")
    );
}

#[test]
fn doing_nothing_earns_nothing() {
    let mut story = Story::of(Some("payment"));
    let grade = story.wait(60).then(Happening::Recovered).grade();
    assert_eq!(grade.total, 0.0, "{grade:#?}");
}

#[test]
fn locating_gives_part_credit_by_distance_in_the_call_graph() {
    for (named, expected) in [
        ("payment", 20.0),
        ("orders", 10.0),
        ("carts", 6.7),
        ("unknown", 0.0),
    ] {
        let mut story = Story::of(Some("payment"));
        let grade = story
            .diagnoses(Some(named), FailureMode::Hang, false)
            .grade();
        assert_eq!(points(&grade, Criterion::Locate), expected, "{named}");
    }
}

#[test]
fn a_similar_mode_earns_half_and_another_nothing() {
    for (mode, expected) in [
        (FailureMode::Hang, 15.0),
        (FailureMode::Freeze, 7.5),
        (FailureMode::Errors, 0.0),
    ] {
        let mut story = Story::of(Some("payment"));
        let grade = story.diagnoses(Some("payment"), mode, false).grade();
        assert_eq!(points(&grade, Criterion::Diagnose), expected, "{mode}");
    }
}

#[test]
fn a_late_recovery_earns_less_and_a_relapse_nothing() {
    let act = Response::Act(Action::RolloutRestart("payment".into()));
    for (wait, relapse, expected) in [
        (0, false, 25.0),
        (598, false, 12.5),
        (2_000, false, 0.0),
        (0, true, 0.0),
    ] {
        let mut story = Story::of(Some("payment"));
        story
            .does(act.clone())
            .wait(wait)
            .then(Happening::Recovered);
        if relapse {
            story.then(Happening::Relapsed {
                check: "checkout".into(),
            });
        }
        assert_eq!(
            points(&story.grade(), Criterion::Mitigate),
            expected,
            "{wait} {relapse}"
        );
    }
}

#[test]
fn leaving_a_service_without_pods_caps_mitigation_at_nothing() {
    let zero = || Action::Scale {
        service: "orders".into(),
        replicas: 0,
    };
    let by_action = Happening::Responded {
        by: Responder::Trainee("t".into()),
        response: Response::Act(zero()),
        outcome: Outcome::Accepted,
    };
    let by_kubectl = Happening::Changed(Change::Scaled {
        service: "orders".into(),
        from: 1,
        to: 0,
    });
    for what in [by_action, by_kubectl] {
        let mut story = flawless();
        let grade = story.then(what).grade();
        assert_eq!(points(&grade, Criterion::Mitigate), 0.0);
    }
    let mut story = flawless();
    let back = Action::Scale {
        service: "orders".into(),
        replicas: 1,
    };
    let grade = story
        .does(Response::Act(zero()))
        .does(Response::Act(back))
        .grade();
    assert_eq!(points(&grade, Criterion::Mitigate), 25.0);
}

#[test]
fn a_fix_made_with_kubectl_counts_like_one_made_at_the_console() {
    let restarted = |service: &str, reason: &str| {
        Happening::Changed(Change::Restarted {
            service: service.into(),
            reason: reason.into(),
        })
    };
    for (change, expected) in [
        (restarted("payment", "Deleted"), 25.0),
        (restarted("payment", "Error"), 0.0),
        (restarted("orders", "Deleted"), 0.0),
    ] {
        let mut story = Story::of(Some("payment"));
        story.then(change.clone()).then(Happening::Recovered);
        assert_eq!(
            points(&story.grade(), Criterion::Mitigate),
            expected,
            "{change:?}"
        );
    }
}

#[test]
fn only_evidence_before_the_diagnosis_counts() {
    let mut story = Story::of(Some("payment"));
    let grade = story
        .asks(Backend::Metrics, "carts", 5)
        .asks(Backend::Metrics, "payment", 0)
        .asks(Backend::Logs, "orders", 2)
        .diagnoses(Some("payment"), FailureMode::Hang, true)
        .asks(Backend::Traces, "payment", 5)
        .grade();
    assert_eq!(points(&grade, Criterion::Evidence), 5.0, "{grade:#?}");
}

#[test]
fn changes_cost_by_how_wrong_they_are() {
    for (action, expected) in [
        (Action::RolloutRestart("payment".into()), 0.0),
        (Action::DeletePod("payment".into()), 0.0),
        (Action::RolloutRestart("carts".into()), 5.0),
        (Action::RolloutRestart("orders".into()), 10.0),
    ] {
        let mut story = Story::of(Some("payment"));
        let grade = story.does(Response::Act(action.clone())).grade();
        let taken: f64 = grade
            .deductions
            .iter()
            .map(|deduction| deduction.points)
            .sum();
        assert_eq!(taken, expected, "{action}");
    }
}

#[test]
fn scaling_the_shop_to_nothing_caps_the_grade() {
    let mut story = flawless();
    for service in ["front-end", "orders", "carts"] {
        for replicas in [0, 1] {
            story.does(Response::Act(Action::Scale {
                service: service.into(),
                replicas,
            }));
        }
    }
    let grade = story.grade();
    assert_eq!(grade.cap.as_ref().map(|(cap, _)| *cap), Some(20));
    assert!(!grade.passed && grade.total <= 20.0, "{grade:#?}");
}

#[test]
fn a_healthy_shop_is_to_be_left_alone() {
    let mut calm = Story::of(None);
    calm.asks(Backend::Metrics, "payment", 0)
        .asks(Backend::Logs, "payment", 0)
        .does(Response::Declare(Severity::Info))
        .diagnoses(None, FailureMode::None, false)
        .does(Response::Update("all is well".into()));
    assert_eq!(calm.grade().total, 100.0);

    let mut rash = Story::of(None);
    rash.diagnoses(Some("payment"), FailureMode::Hang, false)
        .does(Response::Act(Action::RolloutRestart("carts".into())));
    let grade = rash.grade();
    assert_eq!(grade.total, 0.0, "{grade:#?}");
}

#[test]
fn hints_cost_what_they_say() {
    let mut story = flawless();
    let hint = Happening::HintGiven {
        index: 0,
        cost: 5,
        text: String::new(),
    };
    assert_eq!(story.then(hint).grade().total, 95.0);
}

#[test]
fn a_drill_that_proves_nothing_is_not_graded() {
    let ends = [
        (None, Ungraded::Unfinished),
        (
            Some(Verdict::Invalid("no bite".into())),
            Ungraded::Invalid("no bite".into()),
        ),
        (Some(Verdict::Interrupted), Ungraded::Interrupted),
    ];
    for (verdict, expected) in ends {
        let mut story = Story::of(Some("payment"));
        if let Some(verdict) = verdict {
            story.then(Happening::Finished(verdict));
        }
        assert_eq!(grade(&story.timeline, &Rubric::default()), Err(expected));
    }
    assert_eq!(
        grade(&Timeline::default(), &Rubric::default()),
        Err(Ungraded::NeverStarted)
    );
}
