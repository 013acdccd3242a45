//! What came of a suite, for every reader.

use std::fmt::Write;
use std::path::Path;
use std::time::Duration;

use engine::Baseline;
use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};
use serde_json::json;

use super::table::Table;
use super::{junit, markdown, seconds, text};
use crate::cli::Format;
use crate::error::LabError;
use crate::exit::Exit;
use crate::outcome::DrillResult;
use crate::suite::{Searched, Spread, Stability, SuiteReport, Tried, TriedKind, Way};

/// `report` in `format`.
pub(crate) fn render(report: &SuiteReport, format: Format) -> String {
    match format {
        Format::Text => in_text(report),
        Format::Json => in_json(report),
        Format::Junit => in_junit(report),
        Format::Markdown => in_markdown(report),
    }
}

/// Writes `results.json`, `junit.xml` and `report.md` into `dir`.
pub(crate) fn write(report: &SuiteReport, dir: &Path) -> Result<(), LabError> {
    super::write_all(dir, |format| render(report, format))
}

fn in_json(report: &SuiteReport) -> String {
    let exit = report.exit().code();
    let mut value = json!({ "version": env!("CARGO_PKG_VERSION"), "exit": exit });
    if let (Some(all), Ok(serde_json::Value::Object(fields))) =
        (value.as_object_mut(), serde_json::to_value(report))
    {
        all.extend(fields);
    }
    format!("{value:#}\n")
}

fn in_text(report: &SuiteReport) -> String {
    let mut out = text::render(&report.outcomes);
    for (title, body) in sections(report, Table::text) {
        let _ = write!(out, "\n{title}\n{body}");
    }
    let _ = writeln!(out, "\n{}", summary(report));
    out
}

fn in_markdown(report: &SuiteReport) -> String {
    let mut out = format!(
        "# Suite {}\n\n{}\n\n{}\n\n",
        report.suite,
        report.title,
        summary(report)
    );
    for (title, body) in sections(report, Table::markdown) {
        let _ = writeln!(out, "## {title}\n\n{body}");
    }
    out.push_str(&markdown::render(&report.outcomes).replacen("# Drills", "## Drills", 1));
    out
}

/// One line: what was run and what it came to.
fn summary(report: &SuiteReport) -> String {
    let mut out = format!("suite {}, seed {}", report.suite, report.seed);
    if let Some(shard) = &report.shard {
        let _ = write!(out, ", part {shard}");
    }
    let drills = report.outcomes.len();
    let passed = report
        .outcomes
        .iter()
        .filter(|outcome| outcome.result == DrillResult::Passed);
    let _ = write!(out, ": {} of {drills} drills passed", passed.count());
    if !report.tried.is_empty() {
        let held = |tried: &&Tried| tried.result == DrillResult::Passed;
        let held = report.tried.iter().filter(held).count();
        let _ = write!(
            out,
            "; {held} of {} ways that must not win did not",
            report.tried.len()
        );
    }
    if !report.searched.is_empty() {
        let clean = |searched: &&Searched| searched.leaks.is_empty();
        let clean = report.searched.iter().filter(clean).count();
        let _ = write!(
            out,
            "; {clean} of {} searches found nothing of the answer",
            report.searched.len()
        );
    }
    let flakes = report
        .stability
        .iter()
        .filter(|runs| runs.is_flake())
        .count();
    if !report.stability.is_empty() {
        let _ = write!(out, "; {flakes} flakes");
    }
    if !report.once_more.is_empty() {
        let _ = write!(
            out,
            "; {} drills were INVALID at first and run once more",
            report.once_more.len()
        );
    }
    if report.left_out > 0 {
        let _ = write!(out, "; {} drills were not begun", report.left_out);
    }
    let _ = write!(out, "; took {}", seconds(report.took_ms));
    out
}

/// The parts that a report has besides its drills, each with its title.
fn sections(report: &SuiteReport, draw: fn(&Table) -> String) -> Vec<(&'static str, String)> {
    let mut sections = Vec::new();
    let mut add = |title, table: Table| {
        if !table.is_empty() {
            sections.push((title, draw(&table)));
        }
    };
    add(
        "Baselines: points, none may reach the pass mark",
        baselines(report),
    );
    add(
        "Wrong fixes: none may reach the pass mark",
        wrong_fixes(report),
    );
    add("Ways that won, or were not tried", lost(report));
    add(
        "Leaks: what a responder can read of the answer",
        leaks(report),
    );
    add("INVALID at first, and run once more", once_more(report));
    add(
        "Several runs: smallest / median / largest",
        stability(report),
    );
    sections
}

/// Scenario by baseline.
fn baselines(report: &SuiteReport) -> Table {
    let of_kind = |tried: &&Tried| tried.kind == TriedKind::Baseline;
    let names = Baseline::ALL.map(Baseline::name);
    let mut table = Table::new(["scenario", "pass mark"].into_iter().chain(names));
    let mut scenarios: Vec<&str> = Vec::new();
    for tried in report.tried.iter().filter(of_kind) {
        if !scenarios.contains(&tried.scenario.as_str()) {
            scenarios.push(&tried.scenario);
        }
    }
    for scenario in scenarios {
        let here = || {
            let all = report.tried.iter().filter(of_kind);
            all.filter(|tried| tried.scenario == scenario)
        };
        let mark = here().map(|tried| tried.pass_mark).max().unwrap_or(0);
        let mut row = vec![scenario.to_owned(), mark.to_string()];
        row.extend(names.iter().map(|name| {
            let tried = here().find(|tried| tried.who == *name);
            tried.map_or_else(|| "–".to_owned(), points)
        }));
        table.row(row);
    }
    table
}

/// Points; `~` where the way was put into another one's drill, `!` where it won.
fn points(tried: &Tried) -> String {
    let Some(points) = tried.points else {
        return tried.result.word().to_owned();
    };
    let way = match tried.way {
        Way::Played => "",
        Way::Spliced => "~",
    };
    let won = match tried.result {
        DrillResult::Passed => "",
        _ => "!",
    };
    format!("{way}{points:.1}{won}")
}

fn wrong_fixes(report: &SuiteReport) -> Table {
    let mut table = Table::new(["scenario", "wrong fix", "points", "pass mark"]);
    for tried in &report.tried {
        if tried.kind == TriedKind::WrongFix {
            table.row(vec![
                tried.scenario.clone(),
                tried.who.clone(),
                points(tried),
                tried.pass_mark.to_string(),
            ]);
        }
    }
    table
}

fn lost(report: &SuiteReport) -> Table {
    let mut table = Table::new(["scenario", "way", "result", "why"]);
    for tried in &report.tried {
        if tried.result != DrillResult::Passed {
            table.row(vec![
                tried.scenario.clone(),
                tried.who.clone(),
                tried.result.word().to_owned(),
                tried.result.reason().unwrap_or_default().to_owned(),
            ]);
        }
    }
    table
}

fn leaks(report: &SuiteReport) -> Table {
    let mut table = Table::new(["scenario", "word", "place", "text"]);
    for searched in &report.searched {
        for leak in &searched.leaks {
            table.row(vec![
                searched.scenario.clone(),
                leak.word.clone(),
                leak.place.clone(),
                leak.text.clone(),
            ]);
        }
    }
    table
}

fn once_more(report: &SuiteReport) -> Table {
    let mut table = Table::new(["drill", "why", "journal of the first run"]);
    for first in &report.once_more {
        table.row(vec![
            first.drill.clone(),
            first.why.clone(),
            first.journal.display().to_string(),
        ]);
    }
    table
}

fn stability(report: &SuiteReport) -> Table {
    let mut table = Table::new(["scenario", "passed", "points", "noticed after", ""]);
    for runs in &report.stability {
        table.row(vec![
            runs.scenario.clone(),
            format!("{} of {}", runs.passed, runs.runs),
            Spread::in_words(runs.points, |points| format!("{points:.1}")),
            Spread::in_words(runs.detected_in_ms, |millis| seconds(millis as u64)),
            verdict(runs).to_owned(),
        ]);
    }
    table
}

fn verdict(runs: &Stability) -> &'static str {
    match (runs.is_flake(), runs.passed) {
        (true, _) => "FLAKE",
        (false, 0) => "FAILED",
        (false, _) => "stable",
    }
}

fn in_junit(report: &SuiteReport) -> String {
    let mut all = Report::new("shoplab");
    all.add_test_suite(junit::drills(&report.outcomes));
    if !report.tried.is_empty() {
        let mut suite = TestSuite::new("must not win");
        suite.add_test_cases(report.tried.iter().map(tried_case));
        all.add_test_suite(suite);
    }
    if !report.searched.is_empty() {
        let mut suite = TestSuite::new("leaks");
        suite.add_test_cases(report.searched.iter().map(searched_case));
        all.add_test_suite(suite);
    }
    if !report.once_more.is_empty() {
        let mut suite = TestSuite::new("run once more");
        suite.add_test_cases(report.once_more.iter().map(|first| {
            let mut status = TestCaseStatus::skipped();
            status.set_message(first.why.clone());
            status.set_type(Exit::Invalid.word());
            let mut case = TestCase::new(first.drill.clone(), status);
            case.set_classname("shoplab.once-more");
            case
        }));
        all.add_test_suite(suite);
    }
    junit::text(&all)
}

fn tried_case(tried: &Tried) -> TestCase {
    let name = format!("{}: {}", tried.scenario, tried.who);
    let mut case = TestCase::new(name, junit::status(&tried.result));
    case.set_classname("shoplab.must-not-win");
    if let Some(points) = tried.points {
        case.set_system_out(format!("{points:.1} points; {} to pass", tried.pass_mark));
    }
    case
}

fn searched_case(searched: &Searched) -> TestCase {
    let status = if searched.leaks.is_empty() {
        TestCaseStatus::success()
    } else {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Failure);
        status.set_message(format!("{} leaks", searched.leaks.len()));
        status.set_type(Exit::Failed.word());
        status
    };
    let mut case = TestCase::new(searched.scenario.clone(), status);
    case.set_classname("shoplab.leaks");
    case.set_time(Duration::ZERO);
    let found = searched.leaks.iter();
    let lines = found.map(|leak| format!("{} in {}: {}\n", leak.word, leak.place, leak.text));
    case.set_system_out(lines.collect::<String>());
    case
}
