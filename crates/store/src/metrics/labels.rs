//! Label sets: sorted pairs, cheap to clone, compared as Prometheus compares them.

use std::fmt;
use std::sync::Arc;

/// The label that holds a metric's name.
pub const NAME: &str = "__name__";

/// A set of labels, sorted by name; an absent label and an empty one are the same.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Labels(Arc<[(Arc<str>, Arc<str>)]>);

impl Default for Labels {
    fn default() -> Self {
        Self(Arc::from([]))
    }
}

impl Labels {
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
        Self(kept.into())
    }

    /// The value of `name`, empty when there is no such label.
    #[must_use]
    pub fn get(&self, name: &str) -> &str {
        self.find(name).map_or("", |v| v)
    }

    /// The value of `name`, shared.
    #[must_use]
    pub fn find(&self, name: &str) -> Option<&Arc<str>> {
        let at = self
            .0
            .binary_search_by(|(n, _)| n.as_ref().cmp(name))
            .ok()?;
        self.0.get(at).map(|(_, v)| v)
    }

    /// The metric's name, empty when it has none.
    #[must_use]
    pub fn name(&self) -> &str {
        self.get(NAME)
    }

    /// All pairs, sorted by name.
    pub fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Arc<str>)> {
        self.0.iter().map(|(n, v)| (n, v))
    }

    /// How many labels there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether these are exactly the sorted `pairs`.
    #[must_use]
    pub fn is(&self, pairs: &[(&str, &str)]) -> bool {
        let own = self.0.iter().map(|(n, v)| (n.as_ref(), v.as_ref()));
        self.0.len() == pairs.len() && own.eq(pairs.iter().copied())
    }

    /// Only the labels that `keep` accepts.
    #[must_use]
    pub fn filtered(&self, keep: impl Fn(&str) -> bool) -> Self {
        if self.0.iter().all(|(n, _)| keep(n)) {
            return self.clone();
        }
        Self(self.0.iter().filter(|(n, _)| keep(n)).cloned().collect())
    }

    /// Without the metric's name.
    #[must_use]
    pub fn without_name(&self) -> Self {
        self.filtered(|n| n != NAME)
    }

    /// With `name` set to `value`; an empty value removes it.
    #[must_use]
    pub fn with(&self, name: &str, value: impl Into<Arc<str>>) -> Self {
        let value = value.into();
        Self::new(
            self.0
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
        for (at, (n, v)) in self.0.iter().enumerate() {
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
