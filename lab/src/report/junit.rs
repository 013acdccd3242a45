//! For CI systems: one test case a drill.

use std::time::Duration;

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::text;
use crate::outcome::{DrillOutcome, DrillResult};

pub(super) fn render(outcomes: &[DrillOutcome]) -> String {
    let mut suite = TestSuite::new("scenarios");
    for outcome in outcomes {
        suite.add_test_case(case(outcome));
    }
    let mut report = Report::new("shoplab");
    report.add_test_suite(suite);
    // Writing into memory fails only on characters that XML has no word for.
    report
        .to_string()
        .unwrap_or_else(|error| format!("<!-- {error} -->"))
}

fn case(outcome: &DrillOutcome) -> TestCase {
    let failed = |kind, why: &str| {
        let mut status = TestCaseStatus::non_success(kind);
        status.set_message(why).set_type(outcome.result.word());
        status
    };
    let reason = outcome.result.reason().unwrap_or_default();
    let status = match &outcome.result {
        DrillResult::Passed => TestCaseStatus::success(),
        DrillResult::Failed(_) => failed(NonSuccessKind::Failure, reason),
        DrillResult::Interrupted => TestCaseStatus::skipped(),
        DrillResult::Invalid(_) | DrillResult::NotUndone(_) | DrillResult::Broken(_) => {
            failed(NonSuccessKind::Error, reason)
        }
    };
    let mut case = TestCase::new(text::label(outcome), status);
    case.set_classname(format!("shoplab.{}", outcome.responder));
    case.set_time(Duration::from_millis(outcome.took_ms));
    case.set_system_out(text::details(outcome));
    case
}
