//! From pages to samples: target labels, `up`, staleness markers for what vanishes.

use std::collections::HashMap;

use super::exposition::{Format, PageError, Pairs, labels_of, parse};
use crate::metrics::head::{Exemplar, SeriesRef};
use crate::metrics::{AppendError, Head, Labels, stale};

/// How far in the future a page may say that its samples are (Prometheus: 10 minutes). Whatever
/// was taken decides what is too old to be taken.
const MAX_AHEAD_MS: i64 = 10 * 60 * 1000;

/// Writes the pages of one target.
#[derive(Debug)]
pub struct PageWriter {
    target: Pairs,
    known: HashMap<String, Known>,
    own: HashMap<&'static str, SeriesRef>,
    round: u64,
    last_t: i64,
    added: u32,
}

#[derive(Debug)]
struct Known {
    series: SeriesRef,
    seen: u64,
    /// The page named the times itself, so that its absence says nothing.
    timed: bool,
}

impl PageWriter {
    /// For a target with these labels (`job`, `instance`, ...).
    #[must_use]
    pub fn new(target: Pairs) -> Self {
        Self {
            target,
            known: HashMap::new(),
            own: HashMap::new(),
            round: 0,
            last_t: i64::MIN,
            added: 0,
        }
    }

    /// How many series the last page had that the one before had not.
    #[must_use]
    pub const fn added(&self) -> u32 {
        self.added
    }

    /// Writes a page that was read at `t`; returns how many samples it had.
    ///
    /// # Errors
    /// When the page is not in its format; nothing of it is written then.
    pub fn page(
        &mut self,
        head: &Head,
        text: &str,
        format: Format,
        t: i64,
    ) -> Result<usize, PageError> {
        let page = parse(text, format)?;
        let kinds: HashMap<&str, &str> = page
            .metadata
            .iter()
            .map(|(name, m)| (name.as_str(), m.kind.as_str()))
            .collect();
        self.round += 1;
        self.last_t = self.last_t.max(t);
        self.added = 0;
        for sample in &page.samples {
            let at = sample.t.unwrap_or(t);
            if at > t.saturating_add(MAX_AHEAD_MS) {
                tracing::debug!(series = sample.series, at, "sample out of bounds");
                continue;
            }
            let written = self.sample(head, sample.series, &kinds, at, sample.value);
            match written {
                Ok(series) => {
                    if let Some((labels, value, time)) = &sample.exemplar {
                        let exemplar = Exemplar {
                            labels: Labels::new(labels.clone()),
                            value: *value,
                            t: time.unwrap_or(at),
                        };
                        head.add_exemplar(series.labels(), exemplar);
                    }
                    let known = Known {
                        series,
                        seen: self.round,
                        timed: sample.t.is_some(),
                    };
                    let before = self.known.insert(sample.series.to_owned(), known);
                    self.added += u32::from(before.is_none());
                }
                Err(error) => tracing::debug!(series = sample.series, %error, "sample refused"),
            }
        }
        self.end_unseen(head, t);
        let count = page.samples.len();
        for (name, metadata) in page.metadata {
            head.set_metadata(&name, metadata);
        }
        Ok(count)
    }

    /// A failed read: everything that the last page had ends.
    pub fn failed(&mut self, head: &Head, t: i64) {
        self.round += 1;
        self.last_t = self.last_t.max(t);
        self.added = 0;
        self.end_unseen(head, t);
    }

    /// A value about the target itself, such as `up`.
    pub fn own(&mut self, head: &Head, name: &'static str, t: i64, v: f64) {
        let known = self.own.get(name);
        if known.is_some_and(|series| matches!(head.append_to(series, t, v), Ok(true))) {
            return;
        }
        let name_pair = ("__name__".to_owned(), name.to_owned());
        let labels = Labels::new(self.target.iter().cloned().chain([name_pair]));
        if let Ok(series) = head.append(&labels, t, v) {
            self.own.insert(name, series);
        }
    }

    /// The target is gone: all its series end.
    pub fn end(mut self, head: &Head, t: i64) {
        let t = t.max(self.last_t.saturating_add(1));
        self.failed(head, t);
        for series in self.own.values() {
            // A series that was evicted meanwhile needs no end.
            let _ = head.append_to(series, t, stale());
        }
    }

    fn sample(
        &self,
        head: &Head,
        text: &str,
        kinds: &HashMap<&str, &str>,
        t: i64,
        v: f64,
    ) -> Result<SeriesRef, AppendError> {
        if let Some(known) = self.known.get(text)
            && head.append_to(&known.series, t, v)?
        {
            return Ok(known.series.clone());
        }
        // The page was read, so that its series are well-formed but for their labels.
        let pairs = labels_of(text).unwrap_or_default();
        head.append(&self.labels(pairs, kinds), t, v)
    }

    fn labels(&self, pairs: Pairs, kinds: &HashMap<&str, &str>) -> Labels {
        let name = pairs
            .iter()
            .find(|(n, _)| n == "__name__")
            .map_or(String::new(), |(_, v)| v.clone());
        let histogram = name
            .strip_suffix("_bucket")
            .is_some_and(|family| kinds.get(family) == Some(&"histogram"));
        let summary = kinds.get(name.as_str()) == Some(&"summary");
        let own = pairs.into_iter().map(|(n, v)| {
            let bound = (n == "le" && histogram) || (n == "quantile" && summary);
            let v = if bound { as_float(v) } else { v };
            // An empty label is none, so that nothing clashes with it.
            let clash = !v.is_empty() && self.target.iter().any(|(t, _)| *t == n);
            (if clash { format!("exported_{n}") } else { n }, v)
        });
        let own: Pairs = own.filter(|(_, v)| !v.is_empty()).collect();
        Labels::new(own.into_iter().chain(self.target.iter().cloned()))
    }

    fn end_unseen(&mut self, head: &Head, t: i64) {
        let round = self.round;
        self.known.retain(|_, known| {
            if known.seen == round {
                return true;
            }
            if !known.timed {
                // A series that was evicted meanwhile needs no end.
                let _ = head.append_to(&known.series, t, stale());
            }
            false
        });
    }
}

/// `1` as `1.0`: bounds are written as floats, whatever the client writes.
fn as_float(text: String) -> String {
    let Ok(v) = text.parse::<f64>() else {
        return text;
    };
    let shown = crate::metrics::text::general(v);
    if shown.contains(['.', 'e', 'I', 'N']) {
        shown
    } else {
        format!("{shown}.0")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Limits;

    #[test]
    fn a_sample_of_the_far_future_is_not_taken() {
        let head = Head::new(&Limits::default());
        let mut writer = PageWriter::new(Vec::new());
        let page = "a 1 600001\nb 1 9223372036854775807\nc 1 600000\nd 1\n";
        assert_eq!(writer.page(&head, page, Format::Text, 0), Ok(4));
        assert_eq!((head.series_count(), head.newest()), (2, Some(600_000)));
    }
}
