//! How alike several runs of one scenario were.

use serde::Serialize;

use crate::outcome::{DrillOutcome, DrillResult};

/// The runs of one scenario.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Stability {
    /// The scenario's name.
    pub(crate) scenario: String,
    /// How often it was run.
    pub(crate) runs: usize,
    /// How often it passed.
    pub(crate) passed: usize,
    /// The points.
    pub(crate) points: Option<Spread>,
    /// How long monitoring took to notice, in milliseconds.
    pub(crate) detected_in_ms: Option<Spread>,
}

/// Where numbers lie.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Spread {
    /// The smallest.
    pub(crate) min: f64,
    /// The one in the middle; the lower of two.
    pub(crate) median: f64,
    /// The largest.
    pub(crate) max: f64,
}

impl Stability {
    /// One for each scenario of `outcomes`, in their order.
    pub(crate) fn of(outcomes: &[DrillOutcome]) -> Vec<Self> {
        let names = each_once(outcomes.iter().map(|outcome| outcome.scenario.as_str()));
        let of = |name: &str| {
            let runs = || outcomes.iter().filter(|outcome| outcome.scenario == name);
            let passed = runs().filter(|run| run.result == DrillResult::Passed);
            let points = runs().filter_map(|run| run.grade.as_ref().map(|grade| grade.total));
            let detected = runs().filter_map(|run| run.detected_in_ms);
            Self {
                scenario: name.to_owned(),
                runs: runs().count(),
                passed: passed.count(),
                points: Spread::of(points.collect()),
                detected_in_ms: Spread::of(detected.map(|millis| millis as f64).collect()),
            }
        };
        names.into_iter().map(of).collect()
    }

    /// Whether it sometimes passed and sometimes did not.
    pub(crate) fn is_flake(&self) -> bool {
        self.passed > 0 && self.passed < self.runs
    }
}

/// Those of `names` that differ, in their order.
pub(crate) fn each_once<'n>(names: impl Iterator<Item = &'n str>) -> Vec<&'n str> {
    let mut once: Vec<&str> = Vec::new();
    for name in names {
        if !once.contains(&name) {
            once.push(name);
        }
    }
    once
}

impl Spread {
    /// All three of `spread` as `show` writes a number; a dash where there is none.
    pub(crate) fn in_words(spread: Option<Self>, show: impl Fn(f64) -> String) -> String {
        spread.map_or_else(
            || "–".to_owned(),
            |s| format!("{} / {} / {}", show(s.min), show(s.median), show(s.max)),
        )
    }

    /// Of `numbers`; of none there is none.
    pub(crate) fn of(mut numbers: Vec<f64>) -> Option<Self> {
        numbers.sort_by(f64::total_cmp);
        Some(Self {
            min: *numbers.first()?,
            median: *numbers.get((numbers.len() - 1) / 2)?,
            max: *numbers.last()?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spread_is_the_smallest_the_middle_and_the_largest() {
        for (numbers, expected) in [
            (vec![], None),
            (vec![3.0], Some((3.0, 3.0, 3.0))),
            (vec![9.0, 1.0, 4.0], Some((1.0, 4.0, 9.0))),
            (vec![4.0, 1.0, 9.0, 8.0], Some((1.0, 4.0, 9.0))),
        ] {
            let found = Spread::of(numbers).map(|s| (s.min, s.median, s.max));
            assert_eq!(found, expected);
        }
    }
}
