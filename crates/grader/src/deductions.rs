//! Safeguards: what a response may cost, and what caps it.

use model::{Action, Deduction};

use crate::criteria::looked;
use crate::facts::{Done, Facts};

/// Points for changing a service that is not at fault.
const COLLATERAL: f64 = 5.0;
/// Points for doing what the author named as wrong.
const WRONG_FIX: f64 = 10.0;
/// Points for changing a shop in which nothing is wrong.
const NEEDLESS: f64 = 20.0;
/// The most that changes can cost in all, so that one bad minute is not a zero.
const MOST: f64 = 40.0;
/// The most that a grade can be after a catastrophic act.
const CATASTROPHE_CAP: u32 = 20;
/// The most that a grade can be of somebody who neither looked nor acted: even
/// a right answer is a guess then, and a shop that recovers by itself is luck.
const GUESS_CAP: u32 = 50;

/// What is taken away, and the cap that an act set.
pub(crate) fn deductions(facts: &Facts<'_>) -> (Vec<Deduction>, Option<(u32, String)>) {
    let mut deductions = Vec::new();
    for hint in &facts.hints {
        deductions.push(Deduction {
            points: f64::from(hint.what),
            reason: "took a hint".to_owned(),
            events: vec![hint.seq],
        });
    }
    let mut left = MOST;
    for action in &facts.actions {
        if let Some((points, reason)) = price(facts, action.what) {
            let points = f64::min(points, left);
            left -= points;
            deductions.push(Deduction {
                points,
                reason,
                events: vec![action.seq],
            });
        }
    }
    (deductions, cap(facts))
}

/// What a change costs, unless it is one of the fixes.
fn price(facts: &Facts<'_>, action: &Action) -> Option<(f64, String)> {
    let answer = &facts.scenario.answer;
    if answer.fixes.contains(action) {
        return None;
    }
    if facts.healthy() {
        return Some((NEEDLESS, format!("{action}: nothing was wrong")));
    }
    if answer.wrong.contains(action) {
        return Some((
            WRONG_FIX,
            format!("{action}: does not help, and costs customers"),
        ));
    }
    (answer.cause.as_ref() != Some(action.service())).then(|| {
        (
            COLLATERAL,
            format!("{action}: that service was not at fault"),
        )
    })
}

/// Taking the whole shop away caps the grade, and so does guessing.
fn cap(facts: &Facts<'_>) -> Option<(u32, String)> {
    let to_zero: Vec<&Done<&Action>> = facts
        .actions
        .iter()
        .filter(|done| matches!(done.what, Action::Scale { replicas: 0, .. }))
        .collect();
    if to_zero.len() >= 3 {
        let reason = format!("{} services were scaled to nothing", to_zero.len());
        return Some((CATASTROPHE_CAP, reason));
    }
    let acted = !facts.actions.is_empty() || !facts.changes.is_empty();
    (!acted && looked(facts).is_empty()).then(|| {
        let reason = "neither looked nor acted: what was said is a guess";
        (GUESS_CAP, reason.to_owned())
    })
}
