//! Whether the expert shows how the scenario is solved.

use model::{Move, Severity, Trigger};

use super::Look;
use crate::rule::Rule;

/// Notes where the expert falls short of the answer.
pub(super) fn check(look: &mut Look<'_>) {
    let Some(moves) = look.scenario.responders.get("expert") else {
        return;
    };
    whole(look, moves);
    for (index, made) in moves.iter().enumerate() {
        let path = format!("responders/expert/{index}");
        match made {
            Move::Diagnose(_) => diagnosis(look, made, &path),
            Move::Declare(severity) if *severity != look.scenario.answer.severity => {
                let (severity, right) = (word(*severity), word(look.scenario.answer.severity));
                let message = format!("the expert declares {severity}, and {right} is right");
                look.note(Rule::ExpertFalls, &path, message, "");
            }
            Move::Act(action) if !look.scenario.answer.fixes.contains(action) => {
                let message = format!("`{action}` is not among `fixes`");
                let help =
                    "an expert's change ends the incident: add it to `fixes`, or leave it out";
                look.note(Rule::ExpertFalls, &path, message, help);
            }
            Move::When(Trigger::Alert(alert))
                if look.scenario.hypothesis.silent.contains(alert) =>
            {
                let message = format!("the expert waits for `{alert}`, which stands in `silent`");
                look.note(Rule::ExpertFalls, &path, message, "");
            }
            _ => {}
        }
    }
}

/// An expert says what is wrong, and that it is over.
fn whole(look: &mut Look<'_>, moves: &[Move]) {
    let diagnoses = moves.iter().any(|made| matches!(made, Move::Diagnose(_)));
    let resolves = moves.iter().any(|made| matches!(made, Move::Resolve));
    let acts = moves.iter().any(|made| matches!(made, Move::Act(_)));
    let answer = &look.scenario.answer;
    let must_act = !answer.fixes.is_empty();
    for (lacks, message, help) in [
        (
            !diagnoses,
            "the expert never says what is wrong",
            "add `diagnose: { cause: ..., mode: ... }`",
        ),
        (
            !resolves,
            "the expert never says that it is over",
            "add `resolve: {}` as the last move",
        ),
        (
            must_act && !acts,
            "the expert makes none of the `fixes`",
            "add one of them, or empty `fixes` where the platform recovers alone",
        ),
    ] {
        if lacks {
            look.note(
                Rule::ExpertFalls,
                "responders/expert",
                message.to_owned(),
                help,
            );
        }
    }
}

fn diagnosis(look: &mut Look<'_>, made: &Move, path: &str) {
    let Move::Diagnose(said) = made else {
        return;
    };
    let answer = &look.scenario.answer;
    if said.cause != answer.cause || said.mode != answer.mode {
        let right = match &answer.cause {
            Some(cause) => format!("{cause} and {}", answer.mode),
            None => "none".to_owned(),
        };
        let message = format!("the expert's diagnosis is not the answer, which is {right}");
        look.note(Rule::ExpertFalls, &format!("{path}/diagnose"), message, "");
    } else if let (Some(row), Some(impact)) = (&look.scenario.matrix, &said.impact)
        && row != impact
    {
        let message = format!("the expert's impact is {impact}, and the scenario stands for {row}");
        look.note(
            Rule::ExpertFalls,
            &format!("{path}/diagnose/impact"),
            message,
            "",
        );
    }
}

/// A severity as it is authored.
fn word(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Ticket => "ticket",
        Severity::Page => "page",
    }
}
