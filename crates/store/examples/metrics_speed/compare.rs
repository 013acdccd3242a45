//! Whether two answers say the same.

use std::collections::BTreeMap;

use serde_json::Value;

/// How far two values may be apart, relative to the larger.
const TOLERANCE: f64 = 1e-9;

type Samples = Vec<(f64, f64)>;

/// What differs first, if anything, in the answers to a query. Which of several equals are among
/// the largest is not said by anybody: of `topk` only the values are compared.
pub(crate) fn difference(query: &str, ours: &str, theirs: &str) -> Option<String> {
    let all = |answer| match query.starts_with("topk(") {
        true => ranked(&series(answer)),
        false => series(answer),
    };
    let (ours, theirs) = (all(ours), all(theirs));
    let keys = |all: &BTreeMap<String, Samples>| all.keys().cloned().collect::<Vec<_>>();
    if keys(&ours) != keys(&theirs) {
        let only = |a: &BTreeMap<String, Samples>, b: &BTreeMap<String, Samples>| {
            a.keys().find(|k| !b.contains_key(*k)).cloned()
        };
        return Some(format!(
            "{} series against {}; only ours {:?}, only theirs {:?}",
            ours.len(),
            theirs.len(),
            only(&ours, &theirs),
            only(&theirs, &ours)
        ));
    }
    for ((labels, ours), theirs) in ours.iter().zip(theirs.values()) {
        if ours.len() != theirs.len() {
            let (ours, theirs) = (ours.len(), theirs.len());
            return Some(format!("{labels}: {ours} values against {theirs}"));
        }
        for (a, b) in ours.iter().zip(theirs) {
            let near = (a.1 - b.1).abs() <= TOLERANCE * a.1.abs().max(b.1.abs());
            let same = near || a.1 == b.1 || a.1.is_nan() && b.1.is_nan();
            if a.0 != b.0 || !same {
                return Some(format!("{labels}: {a:?} against {b:?}"));
            }
        }
    }
    None
}

/// The values of each time, from the least to the largest, as series of their own.
fn ranked(all: &BTreeMap<String, Samples>) -> BTreeMap<String, Samples> {
    let mut samples: Samples = all.values().flatten().copied().collect();
    samples.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.total_cmp(&b.1)));
    BTreeMap::from([("in order".to_owned(), samples)])
}

/// How many series and values an answer has.
pub(crate) fn size(answer: &str) -> (usize, usize) {
    let all = series(answer);
    (all.len(), all.values().map(Vec::len).sum())
}

fn series(answer: &str) -> BTreeMap<String, Samples> {
    let answer: Value = serde_json::from_str(answer).expect("JSON");
    let mut all = BTreeMap::new();
    for series in answer["data"]["result"].as_array().into_iter().flatten() {
        let labels: BTreeMap<&String, &Value> =
            series["metric"].as_object().into_iter().flatten().collect();
        let values = series["values"].as_array().cloned();
        let values = values.unwrap_or_else(|| vec![series["value"].clone()]);
        let values = values.iter().map(|v| {
            let value = v[1].as_str().and_then(|v| v.parse().ok());
            (v[0].as_f64().unwrap_or(0.0), value.unwrap_or(f64::NAN))
        });
        all.insert(format!("{labels:?}"), values.collect());
    }
    all
}
