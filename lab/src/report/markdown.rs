//! For merge requests and wikis: a table, then each drill's grade.

use std::fmt::Write;

use super::{seconds, text};
use crate::outcome::DrillOutcome;

pub(super) fn render(outcomes: &[DrillOutcome]) -> String {
    let mut out = String::from(
        "# Drills\n\n| scenario | result | points | detected (documented) | customers first saw |\n|---|---|---|---|---|\n",
    );
    for outcome in outcomes {
        let points = outcome
            .grade
            .as_ref()
            .map_or("–".to_owned(), |grade| grade.total.to_string());
        let detected = outcome.detected_in_ms.map_or("–".to_owned(), seconds);
        let within = outcome.detect_within_ms.map_or("–".to_owned(), seconds);
        let _ = writeln!(
            out,
            "| {} | {} | {points} | {detected} ({within}) | {} |",
            text::label(outcome),
            outcome.result.word(),
            outcome.seen.as_deref().unwrap_or("–").replace('|', "\\|"),
        );
    }
    for outcome in outcomes {
        let _ = writeln!(out, "\n## {}\n\n{}\n", text::label(outcome), outcome.title);
        if let Some(reason) = outcome.result.reason() {
            let _ = writeln!(out, "**{}**: {reason}\n", outcome.result.word());
        }
        let Some(grade) = &outcome.grade else {
            continue;
        };
        let _ = writeln!(out, "| criterion | points | why |\n|---|---|---|");
        for score in &grade.scores {
            let _ = writeln!(
                out,
                "| {} | {} of {} | {} |",
                score.criterion.name(),
                score.points,
                score.of,
                score.reason.replace('|', "\\|")
            );
        }
        for deduction in &grade.deductions {
            let _ = writeln!(
                out,
                "| taken | −{} | {} |",
                deduction.points, deduction.reason
            );
        }
        if let Some((cap, reason)) = &grade.cap {
            let _ = writeln!(out, "| at most | {cap} | {reason} |");
        }
        let _ = writeln!(
            out,
            "| **total** | **{}** | {} to pass |",
            grade.total, grade.pass_mark
        );
    }
    out
}
