//! For programs: one object with `outcomes`.

use serde_json::json;

use crate::outcome::DrillOutcome;

pub(super) fn render(outcomes: &[DrillOutcome]) -> String {
    let value = json!({
        "version": env!("CARGO_PKG_VERSION"),
        "outcomes": outcomes,
    });
    format!("{value:#}\n")
}
