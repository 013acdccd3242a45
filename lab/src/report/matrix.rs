//! The failure matrix, documented beside measured.

use std::fmt::Write;
use std::path::Path;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::json;

use super::table::Table;
use super::{junit, seconds};
use crate::cli::Format;
use crate::error::LabError;
use crate::exit::Exit;
use crate::matrix::{RowReport, Runs};
use crate::suite::{Spread, each_once};

/// `rows` in `format`.
pub(crate) fn render(rows: &[RowReport], format: Format) -> String {
    match format {
        Format::Text => in_text(rows),
        Format::Json => in_json(rows),
        Format::Junit => in_junit(rows),
        Format::Markdown => in_markdown(rows),
    }
}

/// Writes `results.json`, `junit.xml` and `report.md` into `dir`.
pub(crate) fn write(rows: &[RowReport], dir: &Path) -> Result<(), LabError> {
    super::write_all(dir, |format| render(rows, format))
}

fn in_json(rows: &[RowReport]) -> String {
    let mut value = json!({ "version": env!("CARGO_PKG_VERSION"), "rows": rows });
    let runs = Runs::of(rows);
    if !runs.is_empty() {
        value["several-runs"] = json!(runs);
    }
    format!("{value:#}\n")
}

fn in_text(rows: &[RowReport]) -> String {
    let mut out = String::new();
    let runs = Runs::of(rows);
    for row in shown_whole(rows, &runs) {
        let _ = writeln!(
            out,
            "{} {}: {} ({}, {})",
            row.row,
            row.failed,
            row.word(),
            row.scenario,
            seconds(row.took_ms)
        );
        for line in compared(row, Table::text).lines() {
            let _ = writeln!(out, "  {line}");
        }
        for why in reasons(row) {
            let _ = writeln!(out, "  {}: {why}", row.word());
        }
        let _ = writeln!(out);
    }
    if !runs.is_empty() {
        let _ = writeln!(out, "{}", several(&runs).text());
    }
    let _ = writeln!(out, "{}", summary(rows, &runs));
    out
}

/// Of several runs only those are shown whole that do not hold.
fn shown_whole<'r>(rows: &'r [RowReport], runs: &[Runs]) -> impl Iterator<Item = &'r RowReport> {
    let all = runs.is_empty();
    rows.iter()
        .filter(move |row| all || row.exit() != Exit::Passed)
}

/// Several runs of each row: how many held, and how early pages came.
fn several(runs: &[Runs]) -> Table {
    let mut table = Table::new([
        "row",
        "failed",
        "held",
        "to spare, least / middle / most",
        "",
    ]);
    for runs in runs {
        table.row(vec![
            runs.row.clone(),
            runs.failed.clone(),
            format!("{} of {}", runs.held, runs.runs),
            Spread::in_words(runs.margin_ms, |ms| format!("{:.1} s", ms / 1_000.0)),
            runs.word().to_owned(),
        ]);
    }
    table
}

fn in_markdown(rows: &[RowReport]) -> String {
    let runs = Runs::of(rows);
    let mut table = Table::new([
        "row",
        "failed",
        "result",
        "noticed after",
        "documented",
        "to spare",
    ]);
    for row in rows {
        table.row(vec![
            row.row.clone(),
            row.failed.clone(),
            row.word().to_owned(),
            row.detection.measured.clone(),
            row.detection.documented.clone(),
            margin(row),
        ]);
    }
    let mut out = format!(
        "# Failure matrix\n\n{}\n\n{}",
        summary(rows, &runs),
        table.markdown()
    );
    if !runs.is_empty() {
        let _ = write!(out, "\n## Several runs\n\n{}", several(&runs).markdown());
    }
    for row in shown_whole(rows, &runs) {
        let _ = writeln!(
            out,
            "\n## {} {}: {}\n\n{} ({})\n\n{}",
            row.row,
            row.failed,
            row.word(),
            row.impact,
            row.scenario,
            compared(row, Table::markdown)
        );
        for why in reasons(row) {
            let _ = writeln!(out, "- **{}**: {why}", row.word());
        }
    }
    out
}

/// The documented values of a row beside the measured ones.
fn compared(row: &RowReport, draw: fn(&Table) -> String) -> String {
    let mut table = Table::new(["", "documented", "measured"]);
    for (what, beside) in [
        ("journeys", &row.journeys),
        ("shows", &row.shows),
        ("detection", &row.detection),
        ("recovery", &row.recovery),
    ] {
        let measured = match (what, row.margin_ms) {
            ("detection", Some(_)) => format!("{}, {}", beside.measured, margin(row)),
            _ => beside.measured.clone(),
        };
        table.row(vec![what.to_owned(), beside.documented.clone(), measured]);
    }
    draw(&table)
}

fn margin(row: &RowReport) -> String {
    match row.margin_ms {
        None => "–".to_owned(),
        Some(late) if late < 0 => format!("{} too late", seconds(late.unsigned_abs())),
        Some(spare) => format!("{} to spare", seconds(spare.unsigned_abs())),
    }
}

fn reasons(row: &RowReport) -> Vec<&str> {
    let why = row.result.reason().into_iter();
    why.chain(row.broken.iter().map(String::as_str)).collect()
}

fn summary(rows: &[RowReport], runs: &[Runs]) -> String {
    let named = |wanted: fn(&RowReport) -> bool| {
        let rows = rows.iter().filter(|row| wanted(row));
        rows.map(|row| row.row.as_str()).collect::<Vec<&str>>()
    };
    let each = |rows: Vec<&str>| each_once(rows.into_iter()).join(", ");
    let holds = named(|row| row.exit() == Exit::Passed);
    let again = named(|row| row.made_again);
    let broken = named(|row| !row.made_again && row.exit() == Exit::Failed);
    let other = named(|row| !row.made_again && !matches!(row.exit(), Exit::Passed | Exit::Failed));
    let mut out = format!(
        "{} of {} {} hold",
        holds.len(),
        rows.len(),
        if runs.is_empty() {
            "rows"
        } else {
            "runs of rows"
        },
    );
    if !again.is_empty() {
        let _ = write!(out, "; measured once more: {}", each(again));
    }
    if !broken.is_empty() {
        let _ = write!(out, "; broken: {}", each(broken));
    }
    if !other.is_empty() {
        let _ = write!(out, "; not measured: {}", each(other));
    }
    out
}

fn in_junit(rows: &[RowReport]) -> String {
    let mut suite = TestSuite::new("failure matrix");
    for row in rows {
        let status = if row.made_again {
            let mut status = TestCaseStatus::skipped();
            status
                .set_message(reasons(row).join("; "))
                .set_type("measured once more");
            status
        } else if row.broken.is_empty() {
            junit::status(&row.result)
        } else {
            let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
            status
                .set_message(row.broken.join("; "))
                .set_type(row.word());
            status
        };
        let mut case = TestCase::new(format!("{} {}", row.row, row.failed), status);
        case.set_classname("shoplab.matrix");
        case.set_time(std::time::Duration::from_millis(row.took_ms));
        case.set_system_out(compared(row, Table::text));
        suite.add_test_case(case);
    }
    let mut report = Report::new("shoplab");
    report.add_test_suite(suite);
    junit::text(&report)
}
