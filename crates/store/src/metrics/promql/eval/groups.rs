//! Which series belong together: those whose kept labels are the same.

use std::collections::HashMap;
use std::hash::{BuildHasher, Hash, Hasher, RandomState};

use crate::metrics::labels::Labels;

/// Groups in the order in which they were first met. A label set is made for each group only,
/// not for each series.
#[derive(Debug, Default)]
pub(super) struct Groups {
    labels: Vec<Labels>,
    /// By the hash of the kept labels, the groups that have it.
    places: HashMap<u64, Vec<usize>>,
    hasher: RandomState,
}

impl Groups {
    /// The place of the group of these labels, of which those that `keep` accepts count.
    pub(super) fn place(&mut self, labels: &Labels, keep: impl Fn(&str) -> bool) -> usize {
        let kept = || labels.iter().filter(|(n, _)| keep(n));
        let mut hasher = self.hasher.build_hasher();
        for pair in kept() {
            pair.hash(&mut hasher);
        }
        let places = self.places.entry(hasher.finish()).or_default();
        for place in places.iter() {
            if self.labels.get(*place).is_some_and(|g| g.iter().eq(kept())) {
                return *place;
            }
        }
        places.push(self.labels.len());
        self.labels.push(labels.filtered(&keep));
        self.labels.len() - 1
    }

    /// The labels of each, by place.
    pub(super) fn into_labels(self) -> Vec<Labels> {
        self.labels
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn series_with_the_same_kept_labels_share_a_place() {
        let mut groups = Groups::default();
        let places: Vec<usize> = [("1", "x"), ("2", "x"), ("1", "y"), ("2", "y")]
            .iter()
            .map(|(a, b)| groups.place(&Labels::new([("a", *a), ("b", *b)]), |n| n == "a"))
            .collect();
        assert_eq!(places, [0, 1, 0, 1]);
        let want = ["1", "2"].map(|a| Labels::new([("a", a)]));
        assert_eq!(groups.into_labels(), want);
    }
}
