//! What reporters make of outcomes, as their readers see it.

use model::{Clocks, Criterion, Deduction, Grade, Score, Timestamp};

use super::*;
use crate::outcome::DrillResult;

fn outcomes() -> Vec<DrillOutcome> {
    let at = |millis| Some(Timestamp::from_millis(millis));
    let score = |criterion, points, of, reason: &str| Score {
        criterion,
        points,
        of,
        reason: reason.to_owned(),
        events: vec![3],
    };
    let grade = |total: f64| Grade {
        scenario: "payment-hangs".into(),
        total,
        pass_mark: 60,
        passed: total >= 60.0,
        scores: vec![
            score(
                Criterion::Detect,
                15.0,
                15,
                "acknowledged 2s after the page",
            ),
            score(
                Criterion::Locate,
                10.0,
                20,
                "named orders, 1 call(s) away from payment",
            ),
        ],
        deductions: vec![Deduction {
            points: 5.0,
            reason: "took a hint".into(),
            events: vec![9],
        }],
        cap: (total < 60.0).then(|| (20, "3 services were scaled to nothing".into())),
    };
    let whole = DrillOutcome {
        scenario: "payment-hangs".into(),
        title: "Checkout says \"Payment failed\"".into(),
        run: 1,
        seed: 7,
        responder: "expert".into(),
        result: DrillResult::Passed,
        grade: Some(grade(95.0)),
        clocks: Clocks {
            injected: at(5_000),
            first_impact: at(7_000),
            paged: at(13_100),
            recovered: at(21_000),
            ..Clocks::default()
        },
        detected_in_ms: Some(6_100),
        detect_within_ms: Some(15_000),
        seen: Some("Payment failed".into()),
        took_ms: 48_300,
        journal: "out/payment-hangs.jsonl".into(),
    };
    let failed = DrillOutcome {
        run: 2,
        result: DrillResult::Failed("20 of 100 points; 60 are needed".into()),
        grade: Some(grade(20.0)),
        ..whole.clone()
    };
    let invalid = DrillOutcome {
        scenario: "front-end-crashes".into(),
        title: "The site is unavailable".into(),
        result: DrillResult::Invalid("the fault did not bite".into()),
        grade: None,
        clocks: Clocks::default(),
        detected_in_ms: None,
        seen: None,
        took_ms: 130_000,
        journal: "out/front-end-crashes.jsonl".into(),
        ..whole.clone()
    };
    vec![whole, failed, invalid]
}

#[test]
fn reporters_say_what_came_of_each_drill() {
    for (name, format) in [
        ("text", Format::Text),
        ("json", Format::Json),
        ("junit", Format::Junit),
        ("markdown", Format::Markdown),
    ] {
        let shown = render(&outcomes(), format);
        // JUnit stamps nothing of its own: what is written depends on outcomes alone.
        insta::assert_snapshot!(name, shown);
    }
}

#[test]
fn a_suite_s_report_has_all_that_was_proven() {
    let report = crate::suite::testing::report();
    for (name, format) in [
        ("suite_text", Format::Text),
        ("suite_json", Format::Json),
        ("suite_junit", Format::Junit),
        ("suite_markdown", Format::Markdown),
    ] {
        insta::assert_snapshot!(name, suite::render(&report, format));
    }
}

#[test]
fn the_matrix_is_shown_documented_beside_measured() {
    let rows = crate::matrix::tests::rows();
    for (name, format) in [
        ("matrix_text", Format::Text),
        ("matrix_json", Format::Json),
        ("matrix_junit", Format::Junit),
        ("matrix_markdown", Format::Markdown),
    ] {
        insta::assert_snapshot!(name, matrix::render(&rows, format));
    }
}

#[test]
fn what_was_measured_once_more_is_told_and_does_not_fail_the_matrix() {
    let mut rows = crate::matrix::tests::rows();
    let first = rows.clone();
    let again = crate::matrix::to_make_again(&mut rows);
    rows.extend(first.into_iter().filter(|row| again.contains(&row.row)));
    insta::assert_snapshot!("matrix_again_text", matrix::render(&rows, Format::Text));
    insta::assert_snapshot!("matrix_again_junit", matrix::render(&rows, Format::Junit));
}

#[test]
fn several_runs_of_the_matrix_are_told_by_row() {
    let mut rows = crate::matrix::tests::rows();
    rows.extend(crate::matrix::tests::rows());
    // What held the first time is late the second.
    rows[3] = crate::matrix::RowReport {
        row: rows[0].row.clone(),
        ..rows[1].clone()
    };
    insta::assert_snapshot!("matrix_repeated_text", matrix::render(&rows, Format::Text));
    insta::assert_snapshot!(
        "matrix_repeated_markdown",
        matrix::render(&rows, Format::Markdown)
    );
}
