//! The schemas of the smaller documents.

use serde_json::{Value, json};

use super::Names;
use super::forms::{list, map, one_key, one_of, period, share, text, words};
use crate::keys::{self, BOUNDS, CHECK, MATRIX, PROOFS, RECOVERIES, ROW, SLOS, SUITE};

pub(super) fn suite() -> Value {
    map(SUITE, &["name", "title", "scenarios"], |key| match key {
        "scenarios" => list(&text(), 1),
        "with" => list(&words(PROOFS), 0),
        _ => text(),
    })
}

pub(super) fn matrix(names: &Names<'_>) -> Value {
    const NEEDED: [&str; 7] = [
        "id",
        "shop",
        "failed",
        "impact",
        "experience",
        "detect",
        "recovery",
    ];
    let row = map(ROW, &NEEDED, |key| match key {
        "shop" => one_of(&names.shops),
        "failed" => one_of(&names.services),
        "journeys" => list(&one_of(&names.journeys), 0),
        "shows" => list(&text(), 0),
        "detect" => period(),
        "recovery" => json!({ "oneOf": [
            words(RECOVERIES),
            one_key(&[("itself", "the platform recovers alone, within this time")], |_| period()),
        ] }),
        _ => text(),
    });
    map(MATRIX, &["rows"], |_| list(&row, 1))
}

pub(super) fn slos() -> Value {
    let check = map(CHECK, &keys::names(CHECK), |key| match key {
        "bound" => one_key(BOUNDS, |bound| match bound {
            "at-least" => share(),
            "within" => period(),
            _ => json!({ "type": "number" }),
        }),
        _ => text(),
    });
    map(SLOS, &["checks"], |_| list(&check, 1))
}
