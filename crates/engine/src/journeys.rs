//! What each journey of the customers met, counted from their record.

use std::collections::BTreeMap;

use model::{JourneyImpact, JourneyName, SeenText};
use telemetry::{Labels, Matrix};

/// What came back of the customers' record: requests by `journey` and
/// `outcome`, and those that did not go well by `journey`, `step` and `seen`.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Counts {
    pub(crate) requests: Matrix,
    pub(crate) seen: Matrix,
}

/// What every journey that was made met, by the journeys' names.
pub(crate) fn impacts(counts: &Counts) -> Vec<JourneyImpact> {
    let mut journeys: BTreeMap<&str, JourneyImpact> = BTreeMap::new();
    for (labels, count) in counted(&counts.requests) {
        let Some(journey) = named(&mut journeys, labels) else {
            continue;
        };
        journey.requests += count;
        match text(labels, "outcome") {
            "failed" => journey.failed += count,
            "slow" => journey.slow += count,
            _ => {}
        }
    }
    for (labels, times) in counted(&counts.seen) {
        let Some(journey) = named(&mut journeys, labels) else {
            continue;
        };
        journey.seen.push(SeenText {
            step: text(labels, "step").to_owned(),
            text: text(labels, "seen").to_owned(),
            times,
        });
    }
    let mut met: Vec<JourneyImpact> = journeys.into_values().collect();
    for journey in &mut met {
        journey.seen.sort_by(|a, b| {
            let words = |seen: &SeenText| (seen.step.clone(), seen.text.clone());
            b.times.cmp(&a.times).then_with(|| words(a).cmp(&words(b)))
        });
    }
    met
}

/// The entry of the journey that `labels` name; none where they name none.
fn named<'m, 'l>(
    journeys: &'m mut BTreeMap<&'l str, JourneyImpact>,
    labels: &'l Labels,
) -> Option<&'m mut JourneyImpact> {
    let name = labels.get("journey").filter(|name| !name.is_empty())?;
    Some(journeys.entry(name).or_insert_with(|| JourneyImpact {
        journey: JourneyName::from(name.as_str()),
        requests: 0,
        failed: 0,
        slow: 0,
        seen: Vec::new(),
    }))
}

/// The last value of each series, as the count that it is.
fn counted(matrix: &Matrix) -> impl Iterator<Item = (&Labels, u64)> {
    matrix.series.iter().filter_map(|series| {
        let count = series.last()?.value.round();
        (count >= 1.0).then_some((&series.labels, count as u64))
    })
}

fn text<'l>(labels: &'l Labels, name: &str) -> &'l str {
    labels.get(name).map_or("", String::as_str)
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Timestamp;
    use telemetry::{Point, Series};

    fn series(labels: &[(&str, &str)], count: f64) -> Series {
        let owned = |text: &&str| (*text).to_owned();
        Series {
            labels: labels.iter().map(|(a, b)| (owned(a), owned(b))).collect(),
            points: vec![Point {
                at: Timestamp::default(),
                value: count,
            }],
        }
    }

    #[test]
    fn every_journey_is_told_with_what_its_customers_saw() {
        let requests =
            |journey, outcome, count| series(&[("journey", journey), ("outcome", outcome)], count);
        let seen = |step, text, count| {
            let labels = [("journey", "checkout"), ("step", step), ("seen", text)];
            series(&labels, count)
        };
        let counts = Counts {
            requests: Matrix {
                series: vec![
                    requests("checkout", "ok", 20.0),
                    requests("checkout", "failed", 9.0),
                    requests("checkout", "slow", 1.0),
                    requests("browse", "ok", 50.0),
                    requests("", "failed", 3.0),
                ],
            },
            seen: Matrix {
                series: vec![
                    seen("POST /orders", "waited too long", 1.0),
                    seen("POST /orders", "Payment failed", 9.0),
                    seen("GET /orders", "Order failed", 0.0),
                ],
            },
        };
        let met = impacts(&counts);
        let [browse, checkout] = &met[..] else {
            panic!("{met:?}");
        };
        assert_eq!((browse.requests, browse.failed), (50, 0));
        assert_eq!(checkout.journey, "checkout");
        assert_eq!(
            (checkout.requests, checkout.failed, checkout.slow),
            (30, 9, 1)
        );
        let texts: Vec<&str> = checkout
            .seen
            .iter()
            .map(|seen| seen.text.as_str())
            .collect();
        assert_eq!(texts, ["Payment failed", "waited too long"]);
    }
}
