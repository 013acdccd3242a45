//! What came of one drill, for every reporter.

use std::path::PathBuf;

use model::{Clocks, Grade, Happening, Period, Responder, Timeline, Undone, Verdict};
use serde::Serialize;

use crate::exit::Exit;

/// What came of one drill.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct DrillOutcome {
    /// The scenario's name.
    pub(crate) scenario: String,
    /// Its title.
    pub(crate) title: String,
    /// Which of several runs, from 1.
    pub(crate) run: u16,
    /// The seed.
    pub(crate) seed: u64,
    /// Who responded.
    pub(crate) responder: String,
    /// How it ended.
    pub(crate) result: DrillResult,
    /// The grade, where it was graded.
    pub(crate) grade: Option<Grade>,
    /// When what happened.
    pub(crate) clocks: Clocks,
    /// From the first user-visible impact (the injection, where customers
    /// noticed nothing before) to the first page, in milliseconds.
    pub(crate) detected_in_ms: Option<u64>,
    /// The failure matrix' deadline for that, in milliseconds.
    pub(crate) detect_within_ms: Option<u64>,
    /// What the customers saw first.
    pub(crate) seen: Option<String>,
    /// How long the drill took, from its start to its end, in milliseconds.
    pub(crate) took_ms: u64,
    /// Its journal.
    pub(crate) journal: PathBuf,
}

/// How a drill ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum DrillResult {
    /// At or above the pass mark.
    Passed,
    /// Below the pass mark, or monitoring was late.
    Failed(String),
    /// It proves nothing, and why.
    Invalid(String),
    /// A fault could not be undone.
    NotUndone(String),
    /// Interrupted.
    Interrupted,
    /// It could not be run at all.
    Broken(String),
}

impl DrillResult {
    /// The exit code that it stands for.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Passed => Exit::Passed,
            Self::Failed(_) => Exit::Failed,
            Self::Invalid(_) => Exit::Invalid,
            Self::NotUndone(_) => Exit::NotUndone,
            Self::Interrupted => Exit::Interrupted,
            Self::Broken(_) => Exit::Platform,
        }
    }

    /// One word.
    pub(crate) fn word(&self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed(_) => "FAILED",
            Self::Invalid(_) => "INVALID",
            Self::NotUndone(_) => "NOT UNDONE",
            Self::Interrupted => "interrupted",
            Self::Broken(_) => "BROKEN",
        }
    }

    /// Why, where there is a reason.
    pub(crate) fn reason(&self) -> Option<&str> {
        match self {
            Self::Passed | Self::Interrupted => None,
            Self::Failed(why) | Self::Invalid(why) | Self::NotUndone(why) | Self::Broken(why) => {
                Some(why)
            }
        }
    }
}

impl DrillOutcome {
    /// Reads a finished drill; `run` counts from 1.
    pub(crate) fn read(timeline: &Timeline, run: u16, journal: PathBuf) -> Self {
        let clocks = timeline.clocks();
        let mut seed = 0;
        let mut responder = String::new();
        let mut deadline = None;
        let mut rubric = model::Rubric::default();
        let mut seen = None;
        for event in timeline.events() {
            match &event.what {
                Happening::Started {
                    seed: drawn,
                    responder: who,
                    row,
                    rubric: how,
                    ..
                } => {
                    seed = *drawn;
                    responder = name_of(who);
                    deadline = row.as_ref().map(|row| row.detect);
                    rubric = how.clone();
                }
                Happening::ImpactSeen(impact) if seen.is_none() => {
                    seen = Some(impact.seen.clone());
                }
                _ => {}
            }
        }
        let detected = clocks.detection();
        let grade = grader::grade(timeline, &rubric);
        let result = result(timeline, &grade, detected, deadline);
        let at = |event: Option<&model::Event>| event.map(|event| event.at).unwrap_or_default();
        let events = timeline.events();
        Self {
            scenario: timeline
                .scenario()
                .map_or_else(String::new, |s| s.name.clone()),
            title: timeline
                .scenario()
                .map_or_else(String::new, |s| s.title.clone()),
            run,
            seed,
            responder,
            result,
            grade: grade.ok(),
            clocks,
            detected_in_ms: detected.map(Period::as_millis),
            detect_within_ms: deadline.map(Period::as_millis),
            seen,
            took_ms: at(events.last()).since(at(events.first())).as_millis(),
            journal,
        }
    }

    /// A drill that could not be run at all.
    pub(crate) fn broken(scenario: &model::Scenario, run: u16, seed: u64, why: String) -> Self {
        Self {
            scenario: scenario.name.clone(),
            title: scenario.title.clone(),
            run,
            seed,
            responder: String::new(),
            result: DrillResult::Broken(why),
            grade: None,
            clocks: Clocks::default(),
            detected_in_ms: None,
            detect_within_ms: None,
            seen: None,
            took_ms: 0,
            journal: PathBuf::new(),
        }
    }
}

fn result(
    timeline: &Timeline,
    grade: &Result<Grade, grader::Ungraded>,
    detected: Option<Period>,
    deadline: Option<Period>,
) -> DrillResult {
    for event in timeline.events() {
        if let Happening::FaultUndone {
            injection,
            how,
            verified,
        } = &event.what
            && (*how == Undone::Failed || !verified)
        {
            return DrillResult::NotUndone(format!("injection {injection} could not be undone"));
        }
    }
    for event in timeline.events() {
        match &event.what {
            Happening::Finished(Verdict::Invalid(why)) => return DrillResult::Invalid(why.clone()),
            Happening::Finished(Verdict::Interrupted) => return DrillResult::Interrupted,
            _ => {}
        }
    }
    let grade = match grade {
        Ok(grade) => grade,
        Err(why) => return DrillResult::Broken(why.to_string()),
    };
    if !grade.passed {
        return DrillResult::Failed(format!(
            "{} of 100 points; {} are needed",
            grade.total, grade.pass_mark
        ));
    }
    if let (Some(detected), Some(deadline)) = (detected, deadline)
        && detected > deadline
    {
        return DrillResult::Failed(format!(
            "monitoring noticed {detected} after the first impact; the failure matrix allows {deadline}"
        ));
    }
    match wrong_alerts(timeline) {
        Some(why) => DrillResult::Failed(why),
        None => DrillResult::Passed,
    }
}

/// What the author predicted of alerts and what did not come so.
fn wrong_alerts(timeline: &Timeline) -> Option<String> {
    let hypothesis = &timeline.scenario()?.hypothesis;
    let steady = |event: &&model::Event| matches!(event.what, Happening::SteadyState { .. });
    let from = timeline.events().iter().find(steady)?.at;
    let fired = |name: &model::AlertName| {
        timeline.events().iter().any(|event| {
            event.at >= from
                && matches!(&event.what, Happening::AlertFired { alert, .. } if alert == name)
        })
    };
    let silent = hypothesis.alerts.iter().find(|alert| !fired(alert));
    let loud = hypothesis.silent.iter().find(|alert| fired(alert));
    match (silent, loud) {
        (Some(alert), _) => Some(format!("{alert} was predicted and did not fire")),
        (None, Some(alert)) => Some(format!("{alert} fired and should have stayed silent")),
        (None, None) => None,
    }
}

fn name_of(responder: &Responder) -> String {
    match responder {
        Responder::Trainee(name)
        | Responder::Script(name)
        | Responder::Agent(name)
        | Responder::Baseline(name) => name.clone(),
    }
}
