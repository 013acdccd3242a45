use std::collections::BTreeMap;

use super::*;
use crate::checks::Measured;
use model::{
    Answer, Bound, Check, FailureMode, Hypothesis, Load, LoadShape, Ratio, Severity, Step, Symptom,
};

const SECOND: Period = Period::from_secs(1);

fn at(second: u64) -> Timestamp {
    Timestamp::from_millis(second * 1_000)
}

pub(crate) fn scenario(timeline: Vec<Step>, symptoms: Vec<Symptom>) -> Scenario {
    Scenario {
        name: "test".to_owned(),
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
        timeline,
        hypothesis: Hypothesis {
            symptoms,
            within: Period::from_secs(10),
            ..Hypothesis::default()
        },
        answer: Answer {
            cause: None,
            mode: FailureMode::None,
            severity: Severity::Info,
            fixes: Vec::new(),
            wrong: Vec::new(),
        },
        hints: Vec::new(),
        responders: BTreeMap::new(),
        pass_mark: 60,
        time_limit: Period::from_secs(60),
        recovery_window: Period::from_secs(3),
    }
}

fn inject(second: u64) -> Step {
    Step {
        at: Period::from_secs(second),
        action: StepAction::Inject(Fault {
            kind: "hang".to_owned(),
            args: serde_json::Map::new(),
        }),
        lasts: None,
    }
}

fn below_half() -> Symptom {
    Symptom::Slo {
        check: "availability".into(),
        below: Ratio::new(0.5),
    }
}

/// A drill that is told, second by second, what the one check shows.
struct Told {
    conduct: Conduct,
    book: CheckBook,
    check: Check,
    responding: Responding,
}

impl Told {
    fn new(scenario: Scenario, after_moves: Option<Period>) -> Self {
        let check = Check {
            name: "availability".into(),
            title: String::new(),
            query: String::new(),
            bound: Bound::AtLeast(Ratio::new(0.95).expect("a ratio")),
        };
        let limits = Limits {
            after_moves,
            ..Limits::default()
        };
        let mut book = CheckBook::default();
        note(&mut book, &check, 0, 1.0);
        Self {
            conduct: Conduct::new(scenario, &limits, at(0), &book),
            book,
            check,
            responding: Responding::default(),
        }
    }

    /// What happens at `second` when the check shows `value`, as short words.
    fn second(&mut self, second: u64, value: f64) -> Vec<String> {
        note(&mut self.book, &self.check, second, value);
        let commands = self
            .conduct
            .step(at(second), &self.book, true, self.responding);
        let words = |command: &Command| match command {
            Command::Record(at, what) => match what.as_ref() {
                Happening::Recovered => format!("recovered {}", at.as_millis() / 1_000),
                Happening::FaultBit { .. } => "bit".to_owned(),
                Happening::Relapsed { check } => format!("relapsed {check}"),
                other => format!("{other:?}"),
            },
            Command::Inject(fault, _) => fault.kind.clone(),
            Command::Change(action) => action.to_string(),
            Command::End(Verdict::Invalid(why)) => format!("invalid: {why}"),
            Command::End(verdict) => format!("{verdict:?}"),
        };
        if commands.iter().any(|c| matches!(c, Command::Inject(..))) {
            self.conduct.injected(at(second));
        }
        commands.iter().map(words).collect()
    }

    /// The words of all `seconds`, each with its second.
    fn tell(&mut self, seconds: &[(u64, f64)]) -> Vec<String> {
        let mut told = Vec::new();
        for (second, value) in seconds {
            let words = self.second(*second, *value);
            told.extend(words.iter().map(|word| format!("{second} {word}")));
        }
        told
    }
}

fn note(book: &mut CheckBook, check: &Check, second: u64, value: f64) {
    book.note(
        check,
        &Measured {
            check: check.name.clone(),
            at: at(second),
            value: Some(value),
        },
    );
}

#[test]
fn a_fault_goes_in_bites_is_ended_and_the_drill_ends_with_the_responder() {
    let mut told = Told::new(scenario(vec![inject(5)], vec![below_half()]), None);
    assert_eq!(
        told.tell(&[(1, 1.0), (4, 1.0), (5, 1.0), (6, 0.9), (7, 0.4), (8, 0.1)]),
        ["5 hang", "7 bit"]
    );
    assert_eq!(
        told.tell(&[
            (9, 1.0),
            (10, 0.9),
            (11, 0.97),
            (13, 1.0),
            (14, 1.0),
            (15, 1.0)
        ]),
        ["14 recovered 11"]
    );
    told.responding.resolved = true;
    assert_eq!(told.tell(&[(16, 1.0)]), ["16 Complete"]);
}

#[test]
fn what_was_recovered_can_be_lost_again() {
    let mut told = Told::new(scenario(vec![inject(1)], vec![below_half()]), None);
    told.responding.resolved = true;
    let seconds = [(1, 1.0), (2, 0.2), (3, 1.0), (5, 1.0), (6, 0.5), (7, 1.0)];
    assert_eq!(told.tell(&seconds), ["1 hang", "2 bit"]);
    assert_eq!(told.tell(&[(10, 1.0)]), ["10 recovered 7", "10 Complete"]);
    told.responding.resolved = false;
    assert_eq!(told.tell(&[(11, 0.9)]), ["11 relapsed availability"]);
    assert_eq!(told.tell(&[(12, 1.0), (15, 1.0)]), ["15 recovered 12"]);
}

#[test]
fn a_fault_that_does_not_bite_in_time_makes_the_drill_invalid() {
    let mut told = Told::new(scenario(vec![inject(5)], vec![below_half()]), None);
    let why = "invalid: the fault did not bite: no availability below 50% within 10s";
    assert_eq!(
        told.tell(&[(5, 1.0), (10, 0.9), (15, 0.9), (16, 0.9)]),
        ["5 hang".to_owned(), format!("16 {why}")]
    );
}

#[test]
fn a_symptom_that_shows_before_the_fault_makes_the_drill_invalid() {
    let mut told = Told::new(scenario(vec![inject(5)], vec![below_half()]), None);
    assert_eq!(
        told.tell(&[(4, 0.3), (5, 0.3)]),
        ["5 invalid: availability showed the symptom before any fault went in"]
    );
}

#[test]
fn complaints_count_from_the_injection_where_there_is_one() {
    let deploy = Step {
        at: SECOND,
        action: StepAction::Change(Action::RolloutRestart("catalogue".into())),
        lasts: None,
    };
    for (timeline, counts_from) in [
        (vec![], Some(at(0))),
        (vec![deploy.clone()], Some(at(1))),
        (vec![deploy.clone(), inject(5)], Some(at(5))),
        (vec![deploy, inject(9)], None),
    ] {
        let mut told = Told::new(scenario(timeline, vec![below_half()]), None);
        told.tell(&[(1, 1.0), (5, 1.0), (6, 0.4)]);
        assert_eq!(told.conduct.complaints_from(), counts_from);
    }
}

#[test]
fn a_healthy_case_ends_when_somebody_says_what_it_is() {
    let deploy = Step {
        at: SECOND,
        action: StepAction::Change(Action::RolloutRestart("catalogue".into())),
        lasts: None,
    };
    let mut told = Told::new(scenario(vec![deploy], Vec::new()), None);
    told.responding.diagnosed = true;
    assert_eq!(told.second(0, 1.0), [""; 0], "the timeline is played first");
    assert_eq!(
        told.second(1, 1.0),
        ["rollout restart catalogue", "Complete"]
    );
}

#[test]
fn a_played_responder_makes_all_of_its_moves_in_a_healthy_case() {
    let mut told = Told::new(scenario(Vec::new(), Vec::new()), None);
    told.responding.played = true;
    told.responding.diagnosed = true;
    assert_eq!(told.tell(&[(1, 1.0)]), [""; 0]);
    told.responding.moved = Some(at(2));
    assert_eq!(told.tell(&[(2, 1.0)]), ["2 Complete"]);
}

#[test]
fn time_runs_out_after_the_limit_or_after_the_last_move() {
    for (moved, after, end) in [
        (None, None, 62),
        (Some(at(20)), None, 62),
        (Some(at(20)), Some(Period::from_secs(10)), 30),
        // Moves that were made before anything happened wait for it.
        (Some(at(0)), Some(Period::from_secs(10)), 12),
    ] {
        let mut told = Told::new(scenario(vec![inject(2)], vec![below_half()]), after);
        told.responding.moved = moved;
        let seconds: Vec<(u64, f64)> = (1..70)
            .map(|s| (s, if s > 2 { 0.1 } else { 1.0 }))
            .collect();
        let words = told.tell(&seconds);
        let ended = words.iter().find(|word| word.ends_with("Complete"));
        assert_eq!(
            ended,
            Some(&format!("{end} Complete")),
            "{moved:?} {after:?}"
        );
    }
}

#[test]
fn an_early_end_is_complete_only_once_the_fault_bit() {
    let mut told = Told::new(scenario(vec![inject(1)], vec![below_half()]), None);
    assert!(matches!(told.conduct.finished_early(), Verdict::Invalid(_)));
    told.tell(&[(1, 1.0), (2, 0.1)]);
    assert_eq!(told.conduct.finished_early(), Verdict::Complete);
}
