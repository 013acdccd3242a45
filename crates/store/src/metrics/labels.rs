//! Label sets: sorted pairs, cheap to clone, compared as Prometheus compares them.

use std::cmp::Ordering;
use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

/// The label that holds a metric's name.
pub const NAME: &str = "__name__";

/// A set of labels, sorted by name; an absent label and an empty one are the same.
#[derive(Clone)]
pub struct Labels {
    all: Pairs,
    /// How many of them, from the first on, are not looked at: without its name a series'
    /// labels are the same list.
    skipped: u32,
}

type Pairs = Arc<[(Arc<str>, Arc<str>)]>;

impl Default for Labels {
    fn default() -> Self {
        Self::from(Arc::from([]))
    }
}

impl From<Pairs> for Labels {
    fn from(all: Pairs) -> Self {
        Self { all, skipped: 0 }
    }
}

impl PartialEq for Labels {
    fn eq(&self, other: &Self) -> bool {
        let (own, other) = (self.pairs(), other.pairs());
        own.len() == other.len()
            && (std::ptr::eq(own, other)
                || own
                    .iter()
                    .zip(other)
                    .all(|(a, b)| same(&a.1, &b.1) && same(&a.0, &b.0)))
    }
}

impl Eq for Labels {}

impl Hash for Labels {
    fn hash<H: Hasher>(&self, state: &mut H) {
        for (name, value) in self.pairs() {
            name.hash(state);
            value.hash(state);
        }
    }
}

impl PartialOrd for Labels {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Labels {
    fn cmp(&self, other: &Self) -> Ordering {
        let (own, other) = (self.pairs(), other.pairs());
        let pairs = own.iter().zip(other);
        pairs
            .map(|(a, b)| ordered(&a.0, &b.0).then_with(|| ordered(&a.1, &b.1)))
            .find(|order| order.is_ne())
            .unwrap_or_else(|| own.len().cmp(&other.len()))
    }
}

/// Texts of stored series are shared, so that most that are equal are the very same.
fn same(a: &Arc<str>, b: &Arc<str>) -> bool {
    Arc::ptr_eq(a, b) || a == b
}

fn ordered(a: &Arc<str>, b: &Arc<str>) -> Ordering {
    if Arc::ptr_eq(a, b) {
        Ordering::Equal
    } else {
        a.cmp(b)
    }
}

impl Labels {
    /// Appends the JSON object to `out`.
    pub(crate) fn write_json(&self, out: &mut String) {
        out.push('{');
        for (at, (name, value)) in self.pairs().iter().enumerate() {
            if at > 0 {
                out.push(',');
            }
            super::text::json(name, out);
            out.push(':');
            super::text::json(value, out);
        }
        out.push('}');
    }

    /// A JSON object.
    pub(crate) fn json(&self) -> serde_json::Value {
        let pairs = self.iter();
        pairs
            .map(|(name, value)| (name.to_string(), value.as_ref().into()))
            .collect::<serde_json::Map<_, _>>()
            .into()
    }

    /// From pairs in any order; of two with the same name the last stays, empty values go.
    pub fn new<N: Into<Arc<str>>, V: Into<Arc<str>>>(
        pairs: impl IntoIterator<Item = (N, V)>,
    ) -> Self {
        let mut all: Vec<(Arc<str>, Arc<str>)> = pairs
            .into_iter()
            .map(|(n, v)| (n.into(), v.into()))
            .collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        let mut kept: Vec<(Arc<str>, Arc<str>)> = Vec::with_capacity(all.len());
        for pair in all {
            if kept.last().is_some_and(|last| last.0 == pair.0) {
                kept.pop();
            }
            kept.push(pair);
        }
        kept.retain(|(_, v)| !v.is_empty());
        Self::from(Pairs::from(kept))
    }

    fn pairs(&self) -> &[(Arc<str>, Arc<str>)] {
        self.all.get(self.skipped as usize..).unwrap_or_default()
    }

    /// The value of `name`, empty when there is no such label.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.find(name).map_or("", |v| v)
    }

    /// The value of `name`, shared.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<str>> {
        let pairs = self.pairs();
        let at = pairs.binary_search_by(|(n, _)| n.as_ref().cmp(name)).ok()?;
        pairs.get(at).map(|(_, v)| v)
    }

    /// The metric's name, empty when it has none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.get(NAME)
    }

    /// All pairs, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>)> {
        self.pairs().iter().map(|(n, v)| (n, v))
    }

    /// How many labels there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.pairs().len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.pairs().is_empty()
    }

    /// Only the labels that `keep` accepts.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        let pairs = self.pairs();
        if pairs.iter().all(|(n, _)| keep(n)) {
            return self.clone();
        }
        let kept = pairs.iter().filter(|(n, _)| keep(n)).cloned();
        Self::from(kept.collect::<Pairs>())
    }

    /// Without the metric's name.
    #[must_use]
    pub fn without_name(&self) -> Self {
        match self.pairs().first() {
            // It stands first, unless another label begins with a capital letter or a digit.
            Some((first, _)) if &**first == NAME => Self {
                all: Arc::clone(&self.all),
                skipped: self.skipped + 1,
            },
            _ => self.filtered(|n| n != NAME),
        }
    }

    /// With `name` set to `value`; an empty value removes it.
    #[must_use]
    pub fn with(&self, name: &str, value: impl Into<Arc<str>>) -> Self {
        let value = value.into();
        Self::new(
            self.pairs()
                .iter()
                .filter(|(n, _)| n.as_ref() != name)
                .cloned()
                .chain([(Arc::from(name), value)]),
        )
    }
}

impl fmt::Debug for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// As Prometheus prints label sets in errors: `{a="b", c="d"}`.
impl fmt::Display for Labels {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("{")?;
        for (at, (n, v)) in self.pairs().iter().enumerate() {
            let comma = if at == 0 { "" } else { ", " };
            if is_label_name(n) {
                write!(f, "{comma}{n}={}", super::text::quote(v))?;
            } else {
                write!(
                    f,
                    "{comma}{}={}",
                    super::text::quote(n),
                    super::text::quote(v)
                )?;
            }
        }
        f.write_str("}")
    }
}

/// Whether `name` is a label name in the classic character set: `[a-zA-Z_][a-zA-Z0-9_]*`.
#[must_use]
pub fn is_label_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

/// Whether `name` is a metric name in the classic character set: as a label's, and colons.
#[must_use]
pub fn is_metric_name(name: &str) -> bool {
    let mut bytes = name.bytes();
    bytes
        .next()
        .is_some_and(|b| b.is_ascii_alphabetic() || b == b'_' || b == b':')
        && bytes.all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b':')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn without_its_name_a_series_is_like_any_other_with_these_labels() {
        for (pairs, rest) in [
            (vec![("__name__", "x"), ("a", "1")], vec![("a", "1")]),
            (vec![("A", "1"), ("__name__", "x")], vec![("A", "1")]),
            (vec![("__name__", "x")], vec![]),
            (vec![("a", "1")], vec![("a", "1")]),
        ] {
            let (left, want) = (Labels::new(pairs).without_name(), Labels::new(rest));
            assert_eq!(left, want);
            assert_eq!(left.cmp(&want), Ordering::Equal);
            assert_eq!(left.to_string(), want.to_string());
            assert_eq!(left.without_name(), want);
            let all = std::collections::HashSet::from([left, want]);
            assert_eq!(all.len(), 1);
        }
    }

    #[test]
    fn labels_are_sorted_and_empty_ones_go() {
        let l = Labels::new([("b", "1"), ("a", "2"), ("c", ""), ("b", "3")]);
        assert_eq!(l.to_string(), r#"{a="2", b="3"}"#);
        assert_eq!(l.get("c"), "");
        assert_eq!(l.with("a", "").to_string(), r#"{b="3"}"#);
        assert_eq!(
            l.with("0x", "y\n").to_string(),
            r#"{"0x"="y\n", a="2", b="3"}"#
        );
    }
}
