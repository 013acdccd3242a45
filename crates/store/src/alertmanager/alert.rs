//! An alert as Alertmanager keeps it: what identifies it, how updates are merged, how alerts
//! are ordered.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use crate::metrics::Labels;

/// An alert that somebody sent.
#[derive(Debug, Clone, PartialEq)]
pub struct Alert {
    /// What identifies it.
    pub labels: Labels,
    /// What it says.
    pub annotations: BTreeMap<String, String>,
    /// Where it comes from; may be empty.
    pub generator_url: String,
    /// Since when it is firing, milliseconds since the epoch.
    pub starts_at: i64,
    /// When it is resolved, or was.
    pub ends_at: i64,
    /// When it was last heard of.
    pub updated_at: i64,
    /// Whether `ends_at` is only a guess: the sender named no end.
    pub timeout: bool,
}

impl Alert {
    /// Identifies it by its labels.
    #[must_use]
    pub fn fingerprint(&self) -> u64 {
        fingerprint(&self.labels)
    }

    /// Whether it is over at `t`.
    #[must_use]
    pub const fn resolved_at(&self, t: i64) -> bool {
        self.ends_at <= t
    }

    /// What is known after `newer` about the same alert was heard.
    #[must_use]
    pub fn merged(&self, newer: Self, now: i64) -> Self {
        let overlaps = (newer.ends_at > self.starts_at && newer.ends_at < self.ends_at)
            || (newer.starts_at > self.starts_at && newer.starts_at < self.ends_at);
        if !overlaps {
            return newer;
        }
        let (older, mut merged) = if newer.updated_at < self.updated_at {
            (newer, self.clone())
        } else {
            (self.clone(), newer)
        };
        merged.starts_at = merged.starts_at.min(older.starts_at);
        let outlives = older.ends_at > merged.ends_at;
        let rules = if merged.resolved_at(now) {
            older.resolved_at(now)
        } else {
            // An end that the sender named rules over one that was guessed.
            !older.timeout
        };
        if outlives && rules {
            merged.ends_at = older.ends_at;
        }
        merged
    }
}

/// The FNV-1a hash over sorted names and values, each followed by a byte that is not UTF-8:
/// how Prometheus' libraries identify label sets.
#[must_use]
pub(super) fn fingerprint(labels: &Labels) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut add = |bytes: &[u8]| {
        for byte in bytes.iter().chain(&[0xff]) {
            hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
        }
    };
    for (name, value) in labels.iter() {
        add(name.as_bytes());
        add(value.as_bytes());
    }
    hash
}

/// The order in which notifications and groups list alerts: by job, by instance, then by
/// the number of labels and the labels themselves.
#[must_use]
pub(super) fn order(a: &Labels, b: &Labels) -> Ordering {
    for name in ["job", "instance"] {
        let ordered = match (a.find(name), b.find(name)) {
            (None, None) => Ordering::Equal,
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (Some(x), Some(y)) => x.cmp(y),
        };
        if ordered.is_ne() {
            return ordered;
        }
    }
    a.len().cmp(&b.len()).then_with(|| {
        let pairs = a.iter().zip(b.iter());
        pairs
            .map(|((n, v), (m, w))| {
                // Who lacks the lesser name comes first.
                n.cmp(m).reverse().then_with(|| v.cmp(w))
            })
            .find(|ordered| ordered.is_ne())
            .unwrap_or(Ordering::Equal)
    })
}

/// RFC 3339 with milliseconds, as the API writes times.
#[must_use]
pub(super) fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map_or_else(|_| NEVER.to_owned(), |t| format!("{t:.3}"))
}

/// Go's zero time.
pub(super) const NEVER: &str = "0001-01-01T00:00:00Z";

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(starts_at: i64, ends_at: i64, updated_at: i64, timeout: bool) -> Alert {
        Alert {
            labels: Labels::new([("alertname", "A")]),
            annotations: BTreeMap::new(),
            generator_url: String::new(),
            starts_at,
            ends_at,
            updated_at,
            timeout,
        }
    }

    #[test]
    fn fingerprints_are_those_of_a_real_alertmanager() {
        for (labels, want) in [
            (
                vec![("alertname", "A"), ("job", "j"), ("severity", "warning")],
                "0ba17abc0f51c785",
            ),
            (
                vec![
                    ("alertname", "A"),
                    ("job", "j"),
                    ("severity", "critical"),
                    ("n", "2"),
                ],
                "a66ece66c5b8ac0e",
            ),
        ] {
            assert_eq!(format!("{:016x}", fingerprint(&Labels::new(labels))), want);
        }
    }

    #[test]
    fn updates_are_merged_when_their_times_overlap() {
        // Known, then heard, then what is kept (start, end); now is 100.
        for (known, heard, want) in [
            // A later update of a firing alert keeps its start.
            (
                alert(10, 200, 10, true),
                alert(50, 240, 50, true),
                (10, 240),
            ),
            // A resolution ends it.
            (alert(10, 200, 10, true), alert(20, 90, 90, false), (10, 90)),
            // An end that was named outlives a guessed one.
            (
                alert(10, 300, 10, false),
                alert(50, 250, 50, true),
                (10, 300),
            ),
            // It fires anew after it was over.
            (
                alert(10, 40, 40, false),
                alert(60, 250, 60, true),
                (60, 250),
            ),
        ] {
            let kept = known.merged(heard, 100);
            assert_eq!((kept.starts_at, kept.ends_at), want);
        }
    }

    #[test]
    fn alerts_are_ordered_by_job_and_instance_first() {
        let labels = |pairs: &[(&'static str, &'static str)]| Labels::new(pairs.to_vec());
        let a = labels(&[("job", "a"), ("instance", "2"), ("x", "1")]);
        let b = labels(&[("job", "a"), ("instance", "1"), ("x", "2"), ("y", "1")]);
        let c = labels(&[("alertname", "z")]);
        assert_eq!(order(&a, &b), Ordering::Greater);
        assert_eq!(order(&a, &c), Ordering::Less);
        assert_eq!(order(&c, &c), Ordering::Equal);
    }
}
