//! For CI systems: one test case a drill.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::text as in_text;
use crate::outcome::{DrillOutcome, DrillResult};

pub(super) fn render(outcomes: &[DrillOutcome]) -> String {
    let mut report = Report::new("shoplab");
    report.add_test_suite(drills(outcomes));
    text(&report)
}

/// A test case for each of `outcomes`.
pub(super) fn drills(outcomes: &[DrillOutcome]) -> TestSuite {
    let mut suite = TestSuite::new("scenarios");
    for outcome in outcomes {
        suite.add_test_case(case(outcome));
    }
    suite
}

/// `report` as XML.
pub(super) fn text(report: &Report) -> String {
    // Writing into memory fails only on characters that XML has no word for.
    report
        .to_string()
        .unwrap_or_else(|error| format!("<!-- {error} -->"))
}

/// How CI systems call `result`.
pub(super) fn status(result: &DrillResult) -> TestCaseStatus {
    let failed = |kind| {
        let mut status = TestCaseStatus::non_success(kind);
        let reason = result.reason().unwrap_or_default();
        status.set_message(reason).set_type(result.word());
        status
    };
    match result {
        DrillResult::Passed => TestCaseStatus::success(),
        DrillResult::Failed(_) => failed(NonSuccessKind::Failure),
        DrillResult::Interrupted => TestCaseStatus::skipped(),
        DrillResult::Invalid(_) | DrillResult::NotUndone(_) | DrillResult::Broken(_) => {
            failed(NonSuccessKind::Error)
        }
    }
}

fn case(outcome: &DrillOutcome) -> TestCase {
    let mut case = TestCase::new(in_text::label(outcome), status(&outcome.result));
    case.set_classname(format!("shoplab.{}", outcome.responder));
    case.set_time(Duration::from_millis(outcome.took_ms));
    case.set_system_out(in_text::details(outcome));
    case
}
