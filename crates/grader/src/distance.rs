//! How far apart two services are in the call graph.

use std::collections::{BTreeSet, VecDeque};

use model::{CallEdge, ServiceName};

/// The number of calls between `from` and `to`, in either direction; `None`
/// where no chain of calls joins them.
pub(crate) fn hops(calls: &[CallEdge], from: &ServiceName, to: &ServiceName) -> Option<u32> {
    let mut seen = BTreeSet::from([from]);
    let mut queue = VecDeque::from([(from, 0)]);
    while let Some((service, distance)) = queue.pop_front() {
        if service == to {
            return Some(distance);
        }
        for edge in calls {
            let next = match service {
                s if *s == edge.from => &edge.to,
                s if *s == edge.to => &edge.from,
                _ => continue,
            };
            if seen.insert(next) {
                queue.push_back((next, distance + 1));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hops_are_counted_along_calls_in_either_direction() {
        let calls =
            [("front-end", "orders"), ("orders", "payment"), ("x", "y")].map(|(from, to)| {
                CallEdge {
                    from: from.into(),
                    to: to.into(),
                }
            });
        for (from, to, expected) in [
            ("orders", "orders", Some(0)),
            ("orders", "payment", Some(1)),
            ("payment", "front-end", Some(2)),
            ("payment", "y", None),
        ] {
            assert_eq!(
                hops(&calls, &from.into(), &to.into()),
                expected,
                "{from} {to}"
            );
        }
    }
}
