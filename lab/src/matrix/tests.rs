use super::*;
use model::{Action, Fault, Responder, SeenText, Severity};

fn row(recovery: Recovery) -> MatrixRow {
    MatrixRow {
        id: "M06".into(),
        shop: "sock-shop".into(),
        failed: "payment".into(),
        impact: "orders fail".to_owned(),
        experience: "\"Payment failed\"".to_owned(),
        journeys: vec!["checkout".into()],
        shows: vec!["payment failed".to_owned()],
        detect: Period::from_secs(15),
        recovery,
    }
}

fn journey(name: &str, requests: u64, failed: u64, text: &str) -> JourneyImpact {
    JourneyImpact {
        journey: name.into(),
        requests,
        failed,
        slow: 0,
        seen: vec![SeenText {
            step: "POST /orders".to_owned(),
            text: text.to_owned(),
            times: failed,
        }],
    }
}

/// What a drill was like: seconds at which things happened, and what customers met.
struct Drill {
    page: Option<u64>,
    act: Option<u64>,
    recovered: Option<u64>,
    journeys: Vec<JourneyImpact>,
}

impl Default for Drill {
    fn default() -> Self {
        Self {
            page: Some(108),
            act: Some(112),
            recovered: Some(120),
            journeys: vec![journey("checkout", 40, 30, "Payment failed")],
        }
    }
}

impl Drill {
    /// The fault goes in at 100 s, customers notice at 102 s.
    fn timeline(&self) -> Timeline {
        let mut happened = vec![(
            100,
            Happening::FaultInjected {
                injection: 1,
                fault: Fault {
                    kind: "hang".to_owned(),
                    args: serde_json::Map::new(),
                },
                lease: Period::from_secs(30),
            },
        )];
        let impact = model::Impact {
            journey: "checkout".into(),
            step: "POST /orders".to_owned(),
            seen: "Payment failed".to_owned(),
            trace_id: None,
        };
        happened.push((102, Happening::ImpactSeen(impact)));
        happened.extend(self.page.map(|at| {
            let fired = Happening::AlertFired {
                alert: "PaymentDown".into(),
                severity: Severity::Page,
                service: None,
                summary: String::new(),
                runbook: String::new(),
            };
            (at, fired)
        }));
        happened.extend(self.act.map(|at| {
            let responded = Happening::Responded {
                by: Responder::Script("expert".to_owned()),
                response: Response::Act(Action::RolloutRestart("payment".into())),
                outcome: Outcome::Accepted,
            };
            (at, responded)
        }));
        happened.extend(self.recovered.map(|at| (at, Happening::Recovered)));
        let journeys = self.journeys.clone();
        happened.push((130, Happening::Impacts { journeys }));
        let events = (0..).zip(happened).map(|(seq, (second, what))| Event {
            seq,
            at: Timestamp::from_millis(second * 1_000),
            what,
        });
        Timeline::new(events.collect())
    }

    fn verified(&self, recovery: Recovery, result: DrillResult) -> RowReport {
        let timeline = self.timeline();
        let mut outcome = DrillOutcome::read(&timeline, 1, "out/journals/x.jsonl".into());
        outcome.scenario = "payment-hangs".to_owned();
        outcome.took_ms = 48_300;
        outcome.result = result;
        verify(&row(recovery), &timeline, &outcome)
    }
}

#[test]
fn a_row_that_is_as_documented_holds_with_its_margin() {
    let report = Drill::default().verified(Recovery::ManualRestart, DrillResult::Passed);
    assert_eq!(report.broken, Vec::<String>::new());
    assert_eq!(report.exit(), Exit::Passed);
    assert_eq!(report.margin_ms, Some(9_000));
    assert_eq!(
        report.recovery.measured,
        "8s after `rollout restart payment`, not before"
    );
}

#[test]
fn a_measured_value_that_breaks_the_documented_one_is_named() {
    let manual = Recovery::ManualRestart;
    let itself = Recovery::Itself(Some(Period::from_secs(15)));
    let drill = Drill::default;
    let with = |journeys| Drill {
        journeys,
        ..drill()
    };
    let checkout = || journey("checkout", 40, 30, "Payment failed");
    for (drill, recovery, broken) in [
        (with(Vec::new()), manual, "journeys: none failed"),
        (
            with(vec![
                journey("checkout", 40, 0, ""),
                journey("browse", 40, 9, "Payment failed"),
            ]),
            manual,
            "journeys: checkout is documented to fail and did not",
        ),
        (
            with(vec![
                checkout(),
                journey("browse", 100, 40, "Payment failed"),
            ]),
            manual,
            "journeys: browse failed too, 40 of 100 requests, and is not documented to",
        ),
        (
            with(vec![journey("checkout", 40, 30, "status 500")]),
            manual,
            "shows: nobody saw \"payment failed\"",
        ),
        (
            with(vec![checkout(), journey("checkout", 40, 30, "status 500")]),
            manual,
            "shows: customers saw \"status 500\" 30 times, and the documents do not say so",
        ),
        (
            Drill {
                page: None,
                ..drill()
            },
            manual,
            "detection: no page came; one is due within 15s",
        ),
        (
            Drill {
                page: Some(118),
                act: Some(119),
                ..drill()
            },
            manual,
            "detection: the page came 16s after the first impact; 15s are documented",
        ),
        (
            Drill {
                recovered: Some(110),
                ..drill()
            },
            manual,
            "recovery: it recovered before somebody acted",
        ),
        (
            Drill {
                act: None,
                ..drill()
            },
            manual,
            "recovery: it recovered, and nobody had acted",
        ),
        (
            Drill {
                recovered: None,
                ..drill()
            },
            manual,
            "recovery: it did not recover",
        ),
        (
            Drill {
                act: None,
                ..drill()
            },
            itself,
            "recovery: it took 20s by itself; 15s are documented",
        ),
        (
            Drill {
                act: None,
                recovered: None,
                ..drill()
            },
            Recovery::Itself(None),
            "recovery: it did not recover by itself",
        ),
    ] {
        let failed = DrillResult::Failed("0 of 100 points; 60 are needed".to_owned());
        let report = drill.verified(recovery, failed);
        assert_eq!(report.broken.first().map(String::as_str), Some(broken));
        assert_eq!(report.exit(), Exit::Failed);
    }
}

#[test]
fn a_little_noise_in_another_journey_breaks_nothing() {
    let noisy = Drill {
        journeys: vec![
            journey("checkout", 40, 30, "Payment failed"),
            journey("browse", 200, 2, "Site unavailable"),
        ],
        ..Drill::default()
    };
    let report = noisy.verified(Recovery::ManualRestart, DrillResult::Passed);
    assert_eq!(report.broken, Vec::<String>::new());
    assert!(!report.journeys.measured.contains("browse"));
}

#[test]
fn a_drill_that_proves_nothing_breaks_no_row() {
    let invalid = DrillResult::Invalid("the fault did not bite".to_owned());
    let nothing = Drill {
        page: None,
        act: None,
        recovered: None,
        journeys: Vec::new(),
    };
    let report = nothing.verified(Recovery::ManualRestart, invalid);
    assert_eq!((report.exit(), report.broken.len()), (Exit::Invalid, 0));
}

/// Rows that hold, break and were not measured, for the tests of reporters.
pub(crate) fn rows() -> Vec<RowReport> {
    let holds = Drill::default().verified(Recovery::ManualRestart, DrillResult::Passed);
    let late = Drill {
        page: Some(118),
        act: Some(119),
        ..Drill::default()
    };
    let mut broken = late.verified(Recovery::ManualIntervention, DrillResult::Passed);
    broken.row = "M09".to_owned();
    let invalid = DrillResult::Invalid("the fault did not bite".to_owned());
    let nothing = Drill {
        page: None,
        act: None,
        recovered: None,
        journeys: Vec::new(),
    };
    let itself = Recovery::Itself(Some(Period::from_secs(30)));
    let mut unmeasured = nothing.verified(itself, invalid);
    unmeasured.row = "M12".to_owned();
    vec![holds, broken, unmeasured]
}

#[test]
fn of_a_row_that_was_made_again_the_other_run_counts() {
    let holds = || Drill::default().verified(Recovery::ManualRestart, DrillResult::Passed);
    let broken = || {
        let late = Drill {
            page: Some(140),
            ..Drill::default()
        };
        late.verified(Recovery::ManualRestart, DrillResult::Passed)
    };
    let interrupted =
        || Drill::default().verified(Recovery::ManualRestart, DrillResult::Interrupted);
    for (first, other, again, comes_to) in [
        (holds(), None, 0, Exit::Passed),
        (broken(), Some(holds()), 1, Exit::Passed),
        (broken(), Some(broken()), 1, Exit::Failed),
        (interrupted(), None, 0, Exit::Interrupted),
    ] {
        let mut reports = vec![first];
        assert_eq!(to_make_again(&mut reports).len(), again);
        reports.extend(other);
        assert_eq!(exit(&reports), comes_to);
    }
    // Who interrupts wants an end, not another run.
    assert_eq!(to_make_again(&mut [broken(), interrupted()]).len(), 0);
}
