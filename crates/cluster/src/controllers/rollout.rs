//! The arithmetic of a rolling update, as Kubernetes' deployment controller does it. Pure.

use serde_json::Value;

use crate::objects::meta;

/// How far a rolling update may stray from the wanted number of Pods.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Room {
    pub(super) surge: i64,
    pub(super) unavailable: i64,
}

/// One ReplicaSet in numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Counts {
    /// Wanted Pods.
    pub(super) spec: i64,
    /// Available Pods.
    pub(super) available: i64,
}

impl Counts {
    pub(super) fn of(set: &Value) -> Self {
        Self {
            spec: meta::number(set, "/spec/replicas").unwrap_or(0),
            available: meta::number(set, "/status/availableReplicas").unwrap_or(0),
        }
    }
}

impl Room {
    /// The room that a Deployment gives: percentages of the wanted number, surge rounded up, the other down; never
    /// nothing of both.
    pub(super) fn of(deployment: &Value, wanted: i64) -> Self {
        let rolling = &deployment["spec"]["strategy"]["rollingUpdate"];
        let surge = resolve(&rolling["maxSurge"], wanted, f64::ceil);
        let unavailable = resolve(&rolling["maxUnavailable"], wanted, f64::floor);
        if surge == 0 && unavailable == 0 {
            return Self {
                surge,
                unavailable: 1,
            };
        }
        Self {
            surge,
            unavailable: unavailable.min(wanted.max(1)),
        }
    }

    /// How many Pods the new ReplicaSet shall have now.
    pub(super) fn new_size(self, wanted: i64, new: Counts, total: i64) -> i64 {
        if new.spec >= wanted {
            return wanted;
        }
        let free = (wanted + self.surge - total).max(0);
        new.spec + free.min(wanted - new.spec)
    }

    /// How many Pods the old ReplicaSets shall have now, oldest first: those that do not work go first, then as many
    /// as availability allows.
    pub(super) fn old_sizes(self, wanted: i64, new: Counts, old: &[Counts]) -> Vec<i64> {
        let mut sizes: Vec<i64> = old.iter().map(|counts| counts.spec).collect();
        let total: i64 = new.spec + sizes.iter().sum::<i64>();
        let minimum = (wanted - self.unavailable).max(0);
        let most = total - minimum - (new.spec - new.available).max(0);
        if most <= 0 {
            return sizes;
        }
        let mut cleaned = 0;
        for (size, counts) in sizes.iter_mut().zip(old) {
            let broken = (*size - counts.available).max(0).min(most - cleaned);
            *size -= broken;
            cleaned += broken;
        }
        let available: i64 = new.available + old.iter().map(|counts| counts.available).sum::<i64>();
        let mut spare = (available - minimum).max(0);
        for size in &mut sizes {
            let gone = (*size).min(spare);
            *size -= gone;
            spare -= gone;
        }
        sizes
    }
}

fn resolve(value: &Value, wanted: i64, round: fn(f64) -> f64) -> i64 {
    match value {
        Value::Number(number) => number.as_i64().unwrap_or(0).max(0),
        Value::String(text) => match text.strip_suffix('%') {
            Some(percent) => {
                round(percent.parse::<f64>().unwrap_or(0.0) * wanted as f64 / 100.0) as i64
            }
            None => text.parse().unwrap_or(0),
        },
        _ => 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn counts(spec: i64, available: i64) -> Counts {
        Counts { spec, available }
    }

    #[test]
    fn percentages_round_in_favour_of_service() {
        for (surge, unavailable, wanted, expected) in [
            (json!("25%"), json!("25%"), 1, (1, 0)),
            (json!("25%"), json!("25%"), 10, (3, 2)),
            (json!(0), json!(0), 3, (0, 1)),
            (json!(2), json!("100%"), 3, (2, 3)),
        ] {
            let strategy =
                json!({ "rollingUpdate": { "maxSurge": surge, "maxUnavailable": unavailable } });
            let room = Room::of(&json!({ "spec": { "strategy": strategy } }), wanted);
            assert_eq!((room.surge, room.unavailable), expected);
        }
    }

    #[test]
    fn the_new_set_grows_within_the_surge() {
        let room = Room {
            surge: 1,
            unavailable: 0,
        };
        assert_eq!(room.new_size(3, counts(0, 0), 3), 1);
        assert_eq!(room.new_size(3, counts(1, 0), 4), 1);
        assert_eq!(room.new_size(3, counts(5, 5), 5), 3);
    }

    #[test]
    fn old_sets_shrink_only_as_far_as_availability_allows() {
        let room = Room {
            surge: 1,
            unavailable: 0,
        };
        assert_eq!(room.old_sizes(3, counts(1, 0), &[counts(3, 3)]), [3]);
        assert_eq!(room.old_sizes(3, counts(1, 1), &[counts(3, 3)]), [2]);
        // What is broken goes first, even though nothing new is available.
        assert_eq!(room.old_sizes(1, counts(1, 0), &[counts(1, 0)]), [1]);
        let loose = Room {
            surge: 1,
            unavailable: 1,
        };
        assert_eq!(loose.old_sizes(2, counts(1, 0), &[counts(2, 1)]), [1]);
    }
}
