//! Which series a line belongs to. Most lines belong to one that is known: what decides it is
//! looked up before labels are made of it.

use std::collections::HashMap;

use super::EvalError;
use super::range::group;
use crate::logs::labels::Labels;
use crate::logs::logql::{Grouping, RangeAgg};
use crate::logs::pipeline::{Hints, PRESERVE, Work};

/// Lines that are remembered by what decides their series; so many that they are forgotten
/// rather than to let them take ever more memory.
const MAX_KNOWN: usize = 1 << 16;

/// The numbers of one series, in order of time.
#[derive(Debug, Default)]
pub(super) struct Points {
    /// Nanoseconds, and the number.
    pub at: Vec<(i64, f64)>,
    /// Sums up to each point, where numbers are whole, so that sums of them are exact.
    pub sums: Vec<f64>,
}

/// The series of an aggregation, by their labels.
pub(super) struct Series<'q> {
    agg: &'q RangeAgg,
    grouping: Option<&'q Grouping>,
    hints: &'q Hints,
    series: Vec<Points>,
    by_labels: HashMap<Labels, usize>,
    by_key: HashMap<Box<[u8]>, usize>,
    key: Vec<u8>,
}

impl<'q> Series<'q> {
    /// None yet; lines will be put into the groups of `grouping`.
    pub(super) fn new(agg: &'q RangeAgg, grouping: Option<&'q Grouping>, hints: &'q Hints) -> Self {
        Self {
            agg,
            grouping,
            hints,
            series: Vec::new(),
            by_labels: HashMap::new(),
            by_key: HashMap::new(),
            key: Vec::new(),
        }
    }

    /// The series that a line belongs to. An error is one's own series if it was asked for,
    /// and else ends the query.
    ///
    /// # Errors
    /// [`EvalError::Pipeline`].
    pub(super) fn of(&mut self, work: &Work<'_>) -> Result<&mut Points, EvalError> {
        let at = if work.failed() {
            self.named(self.labels(work)?)
        } else {
            self.write_key(work);
            match self.by_key.get(self.key.as_slice()) {
                Some(at) => *at,
                None => {
                    let at = self.named(self.labels(work)?);
                    if self.by_key.len() >= MAX_KNOWN {
                        self.by_key.clear();
                    }
                    self.by_key.insert(self.key.as_slice().into(), at);
                    at
                }
            }
        };
        Ok(&mut self.series[at])
    }

    /// All of them, sorted by their labels.
    pub(super) fn sorted(mut self) -> Vec<(Labels, Points)> {
        let mut all: Vec<(Labels, Points)> = self
            .by_labels
            .into_iter()
            .map(|(labels, at)| (labels, std::mem::take(&mut self.series[at])))
            .collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all
    }

    fn named(&mut self, labels: Labels) -> usize {
        let next = self.series.len();
        let at = *self.by_labels.entry(labels).or_insert(next);
        if at == next {
            self.series.push(Points::default());
        }
        at
    }

    /// Writes all that the labels of a line's series are made of.
    fn write_key(&mut self, work: &Work<'_>) {
        let key = &mut self.key;
        key.clear();
        let mut text = |text: &str| {
            key.extend_from_slice(&text.len().to_le_bytes());
            key.extend_from_slice(text.as_bytes());
        };
        match self.grouping {
            Some(Grouping {
                without: false,
                names,
            }) => {
                for (name, value) in work.each() {
                    if names.iter().any(|wanted| wanted == name) {
                        text(name);
                        text(value);
                    }
                }
            }
            _ => {
                for (name, value) in work.each() {
                    text(name);
                    text(value);
                }
            }
        }
    }

    fn labels(&self, work: &Work<'_>) -> Result<Labels, EvalError> {
        let mut labels = work.result();
        if let Some(kind) = &work.error {
            if self.hints.preserves_errors() {
                labels.set(PRESERVE, "true");
                return Ok(labels);
            }
            return Err(EvalError::Pipeline {
                kind: kind.clone(),
                labels: labels.to_string(),
            });
        }
        match (self.grouping, &self.agg.unwrap) {
            (Some(grouping), unwrap) => {
                labels = group(grouping, &labels);
                if grouping.without {
                    unwrap.iter().for_each(|u| labels.remove(&u.label));
                }
            }
            (None, Some(unwrap)) => labels.remove(&unwrap.label),
            (None, None) => {}
        }
        Ok(labels)
    }
}
