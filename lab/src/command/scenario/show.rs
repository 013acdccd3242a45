//! `shoplab scenario show`: a scenario as an author reviews it.

use std::fmt::Write;

use model::{
    Backend, FailureMatrix, MatrixRow, Move, Recovery, Scenario, Severity, StepAction, Trigger,
};

use super::{fault_in_words, listed, scenarios, symptom_in_words};
use crate::cli::ShowScenario;
use crate::error::LabError;

/// The scenarios that are asked for, for people.
pub(super) fn show(args: &ShowScenario) -> Result<String, LabError> {
    let (scenarios, vocabulary) = scenarios(&args.scenario, &args.places)?;
    let part = if args.answer {
        Part::All
    } else {
        Part::Question
    };
    let shown: Vec<String> = scenarios
        .iter()
        .map(|scenario| text(scenario, &vocabulary.matrix, part))
        .collect();
    Ok(shown.join("\n"))
}

/// How much is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    /// What happens and what is expected.
    Question,
    /// What is right, too.
    All,
}

fn text(scenario: &Scenario, matrix: &FailureMatrix, part: Part) -> String {
    let mut out = String::new();
    // Writing into a String does not fail.
    let _ = head(&mut out, scenario);
    let _ = happens(&mut out, scenario);
    let _ = expected(&mut out, scenario, matrix);
    if part == Part::All {
        let _ = answer(&mut out, scenario);
        let _ = responders(&mut out, scenario);
    }
    out
}

fn line(out: &mut String, name: &str, value: &str) -> std::fmt::Result {
    match value.is_empty() {
        true => Ok(()),
        false => writeln!(out, "  {name:<14} {value}"),
    }
}

fn head(out: &mut String, scenario: &Scenario) -> std::fmt::Result {
    let Scenario {
        name, shop, level, ..
    } = scenario;
    writeln!(out, "{name}, level {level}, {shop}\n{}\n", scenario.title)?;
    for text in scenario.briefing.lines() {
        writeln!(out, "  {text}")?;
    }
    Ok(())
}

fn happens(out: &mut String, scenario: &Scenario) -> std::fmt::Result {
    writeln!(out, "\nWhat happens")?;
    line(
        out,
        "load",
        &format!("{} customers at once", scenario.load.users),
    )?;
    line(out, "steady state", &listed(&scenario.steady_state))?;
    for step in &scenario.timeline {
        let what = match &step.action {
            StepAction::Inject(fault) => format!("inject {}", fault_in_words(fault)),
            StepAction::Change(action) => format!("change: {action}"),
        };
        let lasts = step.lasts.map(|lasts| format!(", for {lasts}"));
        let what = format!("{what}{}", lasts.unwrap_or_default());
        line(out, &format!("after {}", step.at), &what)?;
    }
    for (index, hint) in scenario.hints.iter().enumerate() {
        let what = format!(
            "{} after the page, {} points: {}",
            hint.after, hint.cost, hint.text
        );
        line(out, &format!("hint {}", index + 1), &what)?;
    }
    line(
        out,
        "time limit",
        &format!("{} after the first step", scenario.time_limit),
    )
}

fn expected(out: &mut String, scenario: &Scenario, matrix: &FailureMatrix) -> std::fmt::Result {
    let hypothesis = &scenario.hypothesis;
    writeln!(out, "\nWhat is expected")?;
    let symptoms: Vec<String> = hypothesis.symptoms.iter().map(symptom_in_words).collect();
    if symptoms.is_empty() {
        line(out, "symptoms", "none: nothing is wrong for customers")?;
    } else {
        line(
            out,
            "symptoms",
            &format!("{}, within {}", symptoms.join(", or "), hypothesis.within),
        )?;
    }
    line(out, "alerts", &listed(&hypothesis.alerts))?;
    line(out, "silent", &listed(&hypothesis.silent))?;
    line(out, "spreads to", &listed(&hypothesis.spreads_to))?;
    line(
        out,
        "recovered",
        &format!(
            "when the checks hold again for {}",
            scenario.recovery_window
        ),
    )?;
    line(
        out,
        "pass mark",
        &format!("{} of 100 points", scenario.pass_mark),
    )?;
    match scenario.matrix.as_ref().and_then(|id| matrix.row(id)) {
        Some(row) => documented(out, row),
        None => Ok(()),
    }
}

fn documented(out: &mut String, row: &MatrixRow) -> std::fmt::Result {
    writeln!(out, "\nWhat row {} of the failure matrix documents", row.id)?;
    line(out, "failed", row.failed.as_str())?;
    line(out, "impact", &row.impact)?;
    line(out, "experience", &row.experience)?;
    line(out, "journeys", &listed(&row.journeys))?;
    line(out, "shows", &row.shows.join(" | "))?;
    line(
        out,
        "detection",
        &format!("within {} of the first user impact", row.detect),
    )?;
    let recovery = match row.recovery {
        Recovery::Itself(None) => "by itself".to_owned(),
        Recovery::Itself(Some(within)) => format!("by itself, within {within}"),
        Recovery::ManualRestart => "somebody restarts it".to_owned(),
        Recovery::ManualIntervention => "somebody has to intervene".to_owned(),
    };
    line(out, "recovery", &recovery)
}

fn answer(out: &mut String, scenario: &Scenario) -> std::fmt::Result {
    let answer = &scenario.answer;
    writeln!(out, "\nWhat is right")?;
    let cause = answer.cause.as_ref().map_or("none", |cause| cause.as_str());
    line(out, "cause", cause)?;
    line(
        out,
        "mode",
        &format!("{}: {}", answer.mode, answer.mode.meaning()),
    )?;
    line(out, "severity", severity(answer.severity))?;
    let fixes = match answer.fixes.is_empty() {
        true => "none: it recovers by itself".to_owned(),
        false => listed(&answer.fixes),
    };
    line(out, "fixes", &fixes)?;
    line(out, "wrong", &listed(&answer.wrong))
}

fn responders(out: &mut String, scenario: &Scenario) -> std::fmt::Result {
    for (name, moves) in &scenario.responders {
        writeln!(out, "\nHow `{name}` responds")?;
        for (index, made) in moves.iter().enumerate() {
            writeln!(out, "  {:>2}. {}", index + 1, in_words(made))?;
        }
    }
    Ok(())
}

fn in_words(made: &Move) -> String {
    match made {
        Move::When(Trigger::Page) => "wait for a page".to_owned(),
        Move::When(Trigger::Alert(alert)) => format!("wait for {alert}"),
        Move::When(Trigger::Recovered) => "wait until the checks hold again".to_owned(),
        Move::When(Trigger::Elapsed(period)) => format!("wait {period}"),
        Move::Acknowledge => "take the page".to_owned(),
        Move::Declare(level) => format!("declare {}", severity(*level)),
        Move::Query(query) => {
            let backend = match query.backend {
                Backend::Metrics => "metrics",
                Backend::Logs => "logs",
                Backend::Traces => "traces",
            };
            format!("ask {backend}: {}", query.text)
        }
        Move::Diagnose(said) => {
            let cause = said.cause.as_ref().map_or("none", |cause| cause.as_str());
            let impact = said.impact.as_ref().map(|row| format!(", impact {row}"));
            format!(
                "diagnose {cause}, {}{}",
                said.mode,
                impact.unwrap_or_default()
            )
        }
        Move::Act(action) => action.to_string(),
        Move::Update(text) => format!("tell: {text}"),
        Move::Resolve => "resolve".to_owned(),
    }
}

fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Info => "info",
        Severity::Ticket => "ticket",
        Severity::Page => "page",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Places;

    fn shown(scenario: &str, answer: bool) -> String {
        let args = ShowScenario {
            scenario: scenario.to_owned(),
            answer,
            places: Places {
                assets: None,
                state: None,
            },
        };
        show(&args).expect("shown")
    }

    #[test]
    fn the_answer_is_shown_only_when_it_is_asked_for() {
        let question = shown("payment-hangs", false);
        assert!(!question.contains("What is right"), "{question}");
        insta::assert_snapshot!("question", question);
        insta::assert_snapshot!("answer", shown("payment-hangs", true));
    }

    #[test]
    fn a_day_on_which_nothing_is_wrong_is_shown_as_one() {
        insta::assert_snapshot!(shown("harmless-deploy", true));
    }
}
