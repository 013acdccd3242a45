//! The matrix, SLOs and suites are read; broken ones are refused.

use catalog::{Source, checks, matrix, suite};
use model::{Backend, Period, Recovery};

#[test]
fn a_matrix_is_read() {
    let text = "rows:\n  - { id: M01, shop: s, failed: f, impact: i, experience: e, detect: 10s, recovery: { itself: 30s } }\n  - { id: M02, shop: s, failed: f, impact: i, experience: e, detect: 10s, recovery: manual-restart }\n";
    let read = matrix(&Source::new("m.yaml", text)).expect("whole");
    let recoveries: Vec<Recovery> = read.rows.iter().map(|row| row.recovery).collect();
    assert_eq!(
        recoveries,
        [
            Recovery::Itself(Some(Period::from_secs(30))),
            Recovery::ManualRestart
        ]
    );
}

#[test]
fn broken_documents_are_refused_with_the_nearest_name() {
    let row = "rows:\n  - { id: M01, shop: s, failed: f, impact: i, experience: e, detect: 10, recovery: by-itself }\n";
    let check = "checks:\n  - { name: c, title: t, query: q, bound: { at-lest: 3 } }\n";
    let list = "name: n\ntitle: t\nscenario: [a]\n";
    let cases = [
        (
            matrix(&Source::new("m.yaml", row)).err(),
            ["m.yaml:2:", "`itself`"],
        ),
        (
            checks(&Source::new("c.yaml", check), None).err(),
            ["c.yaml:2:", "`at-least`"],
        ),
        (
            suite(&Source::new("s.yaml", list)).err(),
            ["s.yaml:3:1", "`scenarios`"],
        ),
    ];
    for (problems, expected) in cases {
        let text = problems.expect("refused").to_string();
        for part in expected {
            assert!(text.contains(part), "{part} in {text}");
        }
    }
}

#[test]
fn a_query_that_its_language_refuses_is_told_at_its_place() {
    let check = "checks:\n  - { name: c, title: t, query: 'sum(', bound: { at-most: 3 } }\n";
    let refuse = |_: Backend, text: &str| Err(format!("`{text}` has no end"));
    let problems = checks(&Source::new("c.yaml", check), Some(refuse)).err();
    let text = problems.expect("refused").to_string();
    assert!(
        text.starts_with("c.yaml:2:33: this is no query: `sum(` has no end"),
        "{text}"
    );
}
