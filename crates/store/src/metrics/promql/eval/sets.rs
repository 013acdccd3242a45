//! The set operators `and`, `or`, `unless`.

use std::collections::HashMap;

use super::binary::signature;
use super::{Evaluated, Series, absent, is_absent, merged};
use crate::metrics::labels::Labels;
use crate::metrics::promql::ast::{Matching, Op};

/// Which match groups are present at which step.
struct Presence(HashMap<Labels, Vec<bool>>);

impl Presence {
    fn of(series: &[Series], matching: &Matching) -> Self {
        let mut groups: HashMap<Labels, Vec<bool>> = HashMap::new();
        for s in series {
            let steps = groups
                .entry(signature(&s.labels, matching))
                .or_insert_with(|| vec![false; s.values.len()]);
            for (step, v) in steps.iter_mut().zip(&s.values) {
                *step |= !is_absent(*v);
            }
        }
        Self(groups)
    }

    /// The steps at which a group is present; none are given when it never is.
    fn of_group(&self, signature: &Labels) -> &[bool] {
        self.0.get(signature).map_or(&[], Vec::as_slice)
    }
}

pub(super) fn combine(
    op: Op,
    matching: &Matching,
    mut lhs: Vec<Series>,
    mut rhs: Vec<Series>,
) -> Evaluated<Vec<Series>> {
    match op {
        Op::And => keep(&mut lhs, matching, &Presence::of(&rhs, matching), true),
        Op::Unless => keep(&mut lhs, matching, &Presence::of(&rhs, matching), false),
        _ => {
            keep(&mut rhs, matching, &Presence::of(&lhs, matching), false);
            lhs.append(&mut rhs);
        }
    }
    merged(lhs)
}

/// Keeps the values at steps where the other side's presence is `wanted`.
fn keep(series: &mut Vec<Series>, matching: &Matching, other: &Presence, wanted: bool) {
    for s in series.iter_mut() {
        let steps = other.of_group(&signature(&s.labels, matching));
        for (n, v) in s.values.iter_mut().enumerate() {
            if steps.get(n).copied().unwrap_or(false) != wanted {
                *v = absent();
            }
        }
    }
    series.retain(|s| s.values.iter().any(|v| !is_absent(*v)));
}
