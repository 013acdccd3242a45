//! The critical path of a trace: what its end waited for.

use std::collections::{BTreeMap, BTreeSet};

use telemetry::{Span, Trace};

/// A stretch of time in which the end of the trace waited for the own work of one span.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stretch {
    pub(crate) span_id: String,
    /// In nanoseconds since the Unix epoch, as its end is.
    pub(crate) from: u64,
    pub(crate) to: u64,
}

/// The critical path of `trace`, in the order of time.
///
/// Walks back from the end of the root: at each moment it follows the child that ended
/// last, and whoever waited for that child counts only for the time in which no child of
/// its own was followed. What goes on after the root's end held nobody up.
///
/// Source: Zhang et al., "CRISP: Critical Path Analysis of Large-Scale Microservice
/// Architectures" (USENIX ATC 2022).
pub(crate) fn critical_path(trace: &Trace) -> Vec<Stretch> {
    let Some(root) = trace.root() else {
        return Vec::new();
    };
    let mut children: BTreeMap<&str, Vec<&Span>> = BTreeMap::new();
    for span in &trace.spans {
        if let Some(parent) = &span.parent {
            children.entry(parent).or_default().push(span);
        }
    }
    let mut walk = Walk {
        children,
        seen: BTreeSet::from([root.span_id.as_str()]),
        path: Vec::new(),
    };
    walk.back(root, root.start_nanos, root.end_nanos());
    walk.path.reverse();
    walk.path
}

struct Walk<'a> {
    children: BTreeMap<&'a str, Vec<&'a Span>>,
    /// A trace with a loop among its parents must not be walked for ever.
    seen: BTreeSet<&'a str>,
    path: Vec<Stretch>,
}

impl<'a> Walk<'a> {
    /// Walks back through `span` from `until`, not beyond `since`.
    fn back(&mut self, span: &'a Span, since: u64, until: u64) {
        let mut now = until;
        // A child that outlives its parent held it up until its end, no longer; one that
        // began before it did so by another clock.
        let start = |child: &Span| child.start_nanos.max(since);
        let end = |child: &Span| child.end_nanos().min(until);
        let mut children = self
            .children
            .remove(span.span_id.as_str())
            .unwrap_or_default();
        children.sort_by_key(|child| std::cmp::Reverse((end(child), start(child))));
        for child in children {
            // What still ran when the next one began was not waited for.
            let waited_for = start(child) < end(child) && end(child) <= now;
            if !waited_for || !self.seen.insert(&child.span_id) {
                continue;
            }
            self.own(span, end(child), now);
            self.back(child, start(child), end(child));
            now = start(child);
        }
        self.own(span, since, now);
    }

    fn own(&mut self, span: &Span, from: u64, to: u64) {
        if from < to {
            self.path.push(Stretch {
                span_id: span.span_id.clone(),
                from,
                to,
            });
        }
    }
}

#[cfg(test)]
mod tests {
    use model::{Period, Timestamp};
    use telemetry::{Span, SpanKind, SpanStatus, Trace};

    use super::critical_path;

    /// A span called by its id, of a parent, from and to in milliseconds.
    type Given = (&'static str, Option<&'static str>, u64, u64);

    fn trace(spans: &[Given]) -> Trace {
        let span = |(id, parent, from, to): &Given| Span {
            span_id: (*id).to_owned(),
            parent: parent.map(str::to_owned),
            service: String::new(),
            name: String::new(),
            kind: SpanKind::Internal,
            start: Timestamp::from_millis(*from),
            start_nanos: from * 1_000_000,
            duration: Period::from_millis(to - from),
            status: SpanStatus::Unset,
            attributes: [].into(),
            resource: [].into(),
        };
        Trace {
            trace_id: String::new(),
            spans: spans.iter().map(span).collect(),
        }
    }

    #[test]
    fn the_path_follows_whoever_ended_last() {
        let root = ("root", None, 0, 100);
        for (what, spans, path) in [
            ("nothing", vec![], vec![]),
            ("a root alone", vec![root], vec![("root", 0, 100)]),
            (
                "one after the other",
                vec![
                    root,
                    ("a", Some("root"), 10, 40),
                    ("b", Some("root"), 50, 90),
                ],
                vec![
                    ("root", 0, 10),
                    ("a", 10, 40),
                    ("root", 40, 50),
                    ("b", 50, 90),
                    ("root", 90, 100),
                ],
            ),
            (
                "side by side: the shorter held nobody up",
                vec![
                    root,
                    ("a", Some("root"), 10, 40),
                    ("b", Some("root"), 10, 90),
                ],
                vec![("root", 0, 10), ("b", 10, 90), ("root", 90, 100)],
            ),
            (
                "overlapping: the first still ran when the second began",
                vec![
                    root,
                    ("a", Some("root"), 10, 60),
                    ("b", Some("root"), 50, 90),
                ],
                vec![("root", 0, 50), ("b", 50, 90), ("root", 90, 100)],
            ),
            (
                "deeper: time belongs to the innermost",
                vec![root, ("a", Some("root"), 10, 90), ("db", Some("a"), 20, 80)],
                vec![
                    ("root", 0, 10),
                    ("a", 10, 20),
                    ("db", 20, 80),
                    ("a", 80, 90),
                    ("root", 90, 100),
                ],
            ),
            (
                "a child that outlives its parent counts until the parent's end",
                vec![
                    root,
                    ("a", Some("root"), 60, 130),
                    ("db", Some("a"), 110, 120),
                ],
                vec![("root", 0, 60), ("a", 60, 100)],
            ),
            (
                "what begins after the end held nobody up",
                vec![root, ("late", Some("root"), 150, 170)],
                vec![("root", 0, 100)],
            ),
            (
                "a child that began before its parent, by another clock",
                vec![root, ("a", Some("root"), 10, 90), ("b", Some("a"), 5, 50)],
                vec![
                    ("root", 0, 10),
                    ("b", 10, 50),
                    ("a", 50, 90),
                    ("root", 90, 100),
                ],
            ),
            (
                "a loop among parents",
                vec![("x", Some("y"), 0, 10), ("y", Some("x"), 0, 10)],
                vec![("y", 0, 10)],
            ),
        ] {
            let found = critical_path(&trace(&spans));
            let found: Vec<(&str, u64, u64)> = found
                .iter()
                .map(|s| (s.span_id.as_str(), s.from / 1_000_000, s.to / 1_000_000))
                .collect();
            assert_eq!(found, path, "{what}");
        }
    }
}
