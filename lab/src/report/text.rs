//! For people: a line a drill, then what there is to say about those that did not pass.

use std::fmt::Write;

use model::Grade;

use super::seconds;
use crate::outcome::{DrillOutcome, DrillResult};

pub(super) fn render(outcomes: &[DrillOutcome]) -> String {
    let width = outcomes.iter().map(|o| label(o).len()).max().unwrap_or(0);
    let mut out = String::new();
    for outcome in outcomes {
        let points = match &outcome.grade {
            Some(grade) => format!("{:>5.1}", grade.total),
            None => "    –".to_owned(),
        };
        let _ = writeln!(
            out,
            "{:11} {:width$}  {points}  {}",
            outcome.result.word(),
            label(outcome),
            clocks(outcome),
        );
    }
    for outcome in outcomes {
        if outcome.result != DrillResult::Passed {
            let _ = write!(out, "\n{}", details(outcome));
        }
    }
    let passed = outcomes
        .iter()
        .filter(|outcome| outcome.result == DrillResult::Passed)
        .count();
    let _ = writeln!(out, "\n{passed} of {} drills passed", outcomes.len());
    out
}

/// The scenario, and which run of several.
pub(super) fn label(outcome: &DrillOutcome) -> String {
    match outcome.run {
        0 | 1 => outcome.scenario.clone(),
        run => format!("{} #{run}", outcome.scenario),
    }
}

/// The clocks in one line.
fn clocks(outcome: &DrillOutcome) -> String {
    let clocks = &outcome.clocks;
    let mut parts = Vec::new();
    if let Some(detected) = outcome.detected_in_ms {
        let within = outcome
            .detect_within_ms
            .map_or_else(String::new, |within| format!(" (≤ {})", seconds(within)));
        parts.push(format!("detected {}{within}", seconds(detected)));
    }
    if let (Some(from), Some(to)) = (clocks.first_impact.or(clocks.injected), clocks.recovered) {
        parts.push(format!("recovered {}", seconds(to.since(from).as_millis())));
    }
    parts.push(format!("took {}", seconds(outcome.took_ms)));
    parts.join(", ")
}

/// All that there is to say about one drill.
pub(crate) fn details(outcome: &DrillOutcome) -> String {
    let mut out = String::new();
    let _ = write!(out, "{}: {}", label(outcome), outcome.result.word());
    if let Some(reason) = outcome.result.reason() {
        let _ = write!(out, ": {reason}");
    }
    let _ = writeln!(out);
    if let Some(seen) = &outcome.seen {
        let _ = writeln!(out, "  customers first saw: {seen}");
    }
    if let Some(grade) = &outcome.grade {
        out.push_str(&grade_text(grade));
    }
    if !outcome.journal.as_os_str().is_empty() {
        let _ = writeln!(out, "  journal: {}", outcome.journal.display());
    }
    out
}

/// A grade with its reasons.
pub(crate) fn grade_text(grade: &Grade) -> String {
    let mut out = String::new();
    for score in &grade.scores {
        let _ = writeln!(
            out,
            "  {:11} {:>4.1} of {:>2}  {}",
            score.criterion.name(),
            score.points,
            score.of,
            score.reason
        );
    }
    for deduction in &grade.deductions {
        let _ = writeln!(
            out,
            "  {:11} {:>4.1}        {}",
            "taken", -deduction.points, deduction.reason
        );
    }
    if let Some((cap, reason)) = &grade.cap {
        let _ = writeln!(out, "  {:11} {cap:>4}        {reason}", "at most");
    }
    let _ = writeln!(
        out,
        "  {:11} {:>4.1} of 100 ({} to pass)",
        "total", grade.total, grade.pass_mark
    );
    out
}
