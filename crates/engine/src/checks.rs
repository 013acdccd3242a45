//! What the checks showed, and what is worth an Event.

use std::collections::{BTreeMap, BTreeSet};

use model::{AlertName, Check, CheckName, Observation, Symptom, Timestamp};

/// The last known state of every check, and the alerts that fire.
#[derive(Clone, Debug, Default)]
pub(crate) struct CheckBook {
    last: BTreeMap<CheckName, Observation>,
    firing: BTreeSet<AlertName>,
}

/// What one measurement brought.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Measured {
    /// The check.
    pub(crate) check: CheckName,
    /// When it was evaluated, by the backend's clock where it gave a sample.
    pub(crate) at: Timestamp,
    /// The sample; `None` where there was none.
    pub(crate) value: Option<f64>,
}

impl CheckBook {
    /// Notes a measurement; gives the observation when it is the first, or
    /// differs from the last in whether the check holds.
    ///
    /// No sample counts as not held. A sample that is no number (a share of
    /// nothing) says nothing: the check stays as it was.
    pub(crate) fn note(&mut self, check: &Check, measured: &Measured) -> Option<Observation> {
        let before = self.last.get(&check.name).map(|last| last.holds);
        let value = measured.value.filter(|value| value.is_finite()).map(round);
        let holds = match (measured.value, value) {
            (None, _) => false,
            (Some(_), Some(value)) => check.bound.holds(value),
            (Some(_), None) => before.unwrap_or(false),
        };
        let observation = Observation {
            check: check.name.clone(),
            value,
            holds,
        };
        self.last.insert(check.name.clone(), observation.clone());
        (before != Some(holds)).then_some(observation)
    }

    /// Notes which alerts fire now.
    pub(crate) fn note_firing(&mut self, firing: BTreeSet<AlertName>) {
        self.firing = firing;
    }

    /// The last observations, by the checks' names.
    pub(crate) fn observations(&self) -> Vec<Observation> {
        self.last.values().cloned().collect()
    }

    /// The checks that hold.
    pub(crate) fn holding(&self) -> Vec<CheckName> {
        self.last
            .values()
            .filter(|last| last.holds)
            .map(|last| last.check.clone())
            .collect()
    }

    /// The first of `checks` that does not hold.
    pub(crate) fn broken<'a>(&self, checks: &'a [CheckName]) -> Option<&'a CheckName> {
        checks
            .iter()
            .find(|name| !self.last.get(*name).is_some_and(|last| last.holds))
    }

    /// The first of `symptoms` that shows; an alert by its name in place of a
    /// check's. A check takes a number: without a sample there is nothing that
    /// could have been seen.
    pub(crate) fn shown(&self, symptoms: &[Symptom]) -> Option<Observation> {
        symptoms.iter().find_map(|symptom| match symptom {
            Symptom::Slo { check, below } => {
                let last = self.last.get(check)?;
                let value = last.value?;
                let shows = match below {
                    Some(ratio) => value < ratio.value(),
                    None => !last.holds,
                };
                shows.then(|| last.clone())
            }
            Symptom::Alert(alert) => self.firing.contains(alert).then(|| Observation {
                check: alert.as_str().into(),
                value: None,
                holds: false,
            }),
        })
    }
}

/// Six decimals: what is written into the journal is read back to the bit.
pub(crate) fn round(value: f64) -> f64 {
    let rounded = (value * 1e6).round() / 1e6;
    if rounded.is_finite() { rounded } else { value }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Bound, Ratio};

    fn check() -> Check {
        Check {
            name: "availability".into(),
            title: String::new(),
            query: String::new(),
            bound: Bound::AtLeast(Ratio::new(0.95).expect("a ratio")),
        }
    }

    fn measured(value: Option<f64>) -> Measured {
        Measured {
            check: "availability".into(),
            at: Timestamp::from_millis(1),
            value,
        }
    }

    #[test]
    fn the_first_value_and_every_change_are_worth_an_event() {
        let mut book = CheckBook::default();
        let nan = Some(f64::NAN);
        for (value, event) in [
            (Some(1.0), Some(true)),
            (Some(0.99), None),
            (nan, None),
            (Some(0.5), Some(false)),
            (nan, None),
            (Some(0.1), None),
            (Some(0.96), Some(true)),
            (None, Some(false)),
        ] {
            let changed = book.note(&check(), &measured(value));
            assert_eq!(changed.map(|seen| seen.holds), event, "{value:?}");
        }
    }

    #[test]
    fn a_symptom_shows_only_by_a_number_below_its_bound() {
        let symptom = |below: Option<f64>| Symptom::Slo {
            check: "availability".into(),
            below: below.and_then(Ratio::new),
        };
        for (value, below, shows) in [
            (Some(0.4), Some(0.5), true),
            (Some(0.6), Some(0.5), false),
            (Some(0.9), None, true),
            (Some(0.99), None, false),
            (None, None, false),
            (Some(f64::NAN), Some(0.5), false),
        ] {
            let mut book = CheckBook::default();
            book.note(&check(), &measured(value));
            let shown = book.shown(&[symptom(below)]).is_some();
            assert_eq!(shown, shows, "{value:?} {below:?}");
        }
    }

    #[test]
    fn an_alert_is_a_symptom_while_it_fires() {
        let mut book = CheckBook::default();
        let symptoms = [Symptom::Alert("QueueWithoutConsumer".into())];
        assert_eq!(book.shown(&symptoms), None);
        book.note_firing(BTreeSet::from(["QueueWithoutConsumer".into()]));
        let shown = book.shown(&symptoms).map(|seen| seen.check);
        assert_eq!(shown, Some("QueueWithoutConsumer".into()));
        book.note_firing(BTreeSet::from(["HighLatency".into()]));
        assert_eq!(book.shown(&symptoms), None);
    }
}
