//! The label index: from a label's name and value to the series that have it.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use super::series::SeriesRef;
use crate::metrics::labels::{Labels, NAME};
use crate::metrics::matcher::{MatchOp, Matcher};

type Values = BTreeMap<Arc<str>, Vec<u32>>;

/// Series by label set, and postings by label.
#[derive(Debug, Default)]
pub(super) struct Index {
    by_labels: HashMap<Labels, u32>,
    series: Vec<Option<SeriesRef>>,
    free: Vec<u32>,
    postings: HashMap<Arc<str>, Values>,
}

impl Index {
    pub(super) fn len(&self) -> usize {
        self.by_labels.len()
    }

    /// How many series the metric has.
    pub(super) fn count(&self, metric: &str) -> usize {
        let names = self.postings.get(NAME);
        names
            .and_then(|values| values.get(metric))
            .map_or(0, Vec::len)
    }

    pub(super) fn all(&self) -> Vec<SeriesRef> {
        self.series.iter().flatten().cloned().collect()
    }

    pub(super) fn get(&self, labels: &Labels) -> Option<SeriesRef> {
        let id = *self.by_labels.get(labels)?;
        self.at(id).cloned()
    }

    /// The series with these labels; names and values are shared with other series.
    pub(super) fn get_or_insert(
        &mut self,
        labels: &Labels,
        make: impl FnOnce() -> SeriesRef,
    ) -> SeriesRef {
        if let Some(found) = self.get(labels) {
            return found;
        }
        let id = self.free.pop().unwrap_or_else(|| {
            self.series.push(None);
            u32::try_from(self.series.len() - 1).unwrap_or(u32::MAX)
        });
        let shared = Labels::new(labels.iter().map(|(n, v)| self.posting(n, v, id)));
        let series = make().with_labels(shared.clone());
        self.by_labels.insert(shared, id);
        if let Some(slot) = self.series.get_mut(id as usize) {
            *slot = Some(series.clone());
        }
        series
    }

    pub(super) fn remove(&mut self, gone: &[SeriesRef]) {
        for series in gone {
            // Only when the index still means this very series, and it is still empty.
            if !series.retire() {
                continue;
            }
            let Some(id) = self.by_labels.remove(series.labels()) else {
                continue;
            };
            for (n, v) in series.labels().iter() {
                let Some(values) = self.postings.get_mut(n) else {
                    continue;
                };
                if let Some(ids) = values.get_mut(v) {
                    ids.retain(|i| *i != id);
                    if ids.is_empty() {
                        values.remove(v);
                    }
                }
                if values.is_empty() {
                    self.postings.remove(n);
                }
            }
            if let Some(slot) = self.series.get_mut(id as usize) {
                *slot = None;
            }
            self.free.push(id);
        }
    }

    pub(super) fn select(&self, matchers: &[Matcher]) -> Vec<SeriesRef> {
        let mut narrowest: Option<Vec<u32>> = None;
        for m in matchers.iter().filter(|m| !m.accepts("")) {
            let ids = self.candidates(m);
            if narrowest.as_ref().is_none_or(|n| ids.len() < n.len()) {
                narrowest = Some(ids);
            }
        }
        let passes = |s: &&SeriesRef| matchers.iter().all(|m| m.matches(s.labels()));
        match narrowest {
            Some(ids) => ids
                .into_iter()
                .filter_map(|id| self.at(id))
                .filter(passes)
                .cloned()
                .collect(),
            None => self
                .series
                .iter()
                .flatten()
                .filter(passes)
                .cloned()
                .collect(),
        }
    }

    fn candidates(&self, m: &Matcher) -> Vec<u32> {
        let Some(values) = self.postings.get(m.name.as_str()) else {
            return Vec::new();
        };
        if m.op == MatchOp::Equal {
            return values.get(m.value.as_str()).cloned().unwrap_or_default();
        }
        if let Some(literals) = m.literals() {
            return literals
                .iter()
                .filter_map(|l| values.get(*l))
                .flatten()
                .copied()
                .collect::<std::collections::BTreeSet<u32>>()
                .into_iter()
                .collect();
        }
        values
            .iter()
            .filter(|(v, _)| m.accepts(v))
            .flat_map(|(_, ids)| ids.iter().copied())
            .collect()
    }

    fn posting(&mut self, name: &Arc<str>, value: &Arc<str>, id: u32) -> (Arc<str>, Arc<str>) {
        let name = match self.postings.get_key_value(name) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::clone(name),
        };
        let values = self.postings.entry(Arc::clone(&name)).or_default();
        let value = match values.get_key_value(value) {
            Some((known, _)) => Arc::clone(known),
            None => Arc::clone(value),
        };
        values.entry(Arc::clone(&value)).or_default().push(id);
        (name, value)
    }

    fn at(&self, id: u32) -> Option<&SeriesRef> {
        self.series.get(id as usize).and_then(Option::as_ref)
    }
}
