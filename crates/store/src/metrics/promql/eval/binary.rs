//! Arithmetic and comparison between scalars and vectors, with vector matching
//! (<https://prometheus.io/docs/prometheus/latest/querying/operators/>).

use std::collections::HashMap;

use super::{EvalError, Evaluated, Evaluator, Series, Value, absent, is_absent, merged};
use crate::metrics::labels::{Labels, NAME};
use crate::metrics::promql::ast::{Binary, Card, MatchMode, Matching, Node, Op, Returns};

impl Evaluator<'_> {
    pub(super) fn binary(&self, b: &Binary) -> Evaluated<Value> {
        // `a + b + c` leans to the left, as far as it is long: that side is gone down without
        // recursion, for which there might not be stack enough.
        let (mut lowest, mut above) = (b, Vec::new());
        while let Node::Binary(inner) = &lowest.lhs.node {
            above.push(lowest);
            lowest = inner;
        }
        let mut value = self.joined(lowest, self.expr(&lowest.lhs)?)?;
        for b in above.into_iter().rev() {
            value = self.joined(b, value)?;
        }
        Ok(value)
    }

    /// What comes of an operator whose left side is known.
    fn joined(&self, b: &Binary, lhs: Value) -> Evaluated<Value> {
        match (lhs, self.expr(&b.rhs)?) {
            (Value::Scalar(l), Value::Scalar(r)) => {
                let both = l.into_iter().zip(r);
                Ok(Value::Scalar(
                    both.map(|(l, r)| scalars(b.op, l, r)).collect(),
                ))
            }
            (Value::Vector(l), Value::Scalar(r)) => {
                with_scalar(b, l, |n, v| (v, r.get(n).copied().unwrap_or(f64::NAN)))
            }
            (Value::Scalar(l), Value::Vector(r)) => {
                with_scalar(b, r, |n, v| (l.get(n).copied().unwrap_or(f64::NAN), v))
            }
            (Value::Vector(l), Value::Vector(r)) => {
                let Some(matching) = &b.matching else {
                    return Err(EvalError::Execution("vectors without matching".to_owned()));
                };
                if b.op.is_set() {
                    return Ok(Value::Vector(super::sets::combine(b.op, matching, l, r)?));
                }
                self.check()?;
                Ok(Value::Vector(vectors(b, matching, l, r, self.grid.len)?))
            }
            _ => Err(EvalError::Execution(
                "binary expression must contain only scalar and instant vector types".to_owned(),
            )),
        }
    }
}

fn scalars(op: Op, l: f64, r: f64) -> f64 {
    match element(op, l, r) {
        _ if op.is_comparison() => f64::from(u8::from(compare(op, l, r))),
        (v, _) => v,
    }
}

fn compare(op: Op, l: f64, r: f64) -> bool {
    match op {
        Op::Eq => l == r,
        Op::Ne => l != r,
        Op::Gt => l > r,
        Op::Lt => l < r,
        Op::Ge => l >= r,
        Op::Le => l <= r,
        _ => true,
    }
}

/// The value, and whether a comparison keeps it.
fn element(op: Op, l: f64, r: f64) -> (f64, bool) {
    let v = match op {
        Op::Add => l + r,
        Op::Sub => l - r,
        Op::Mul => l * r,
        Op::Div => l / r,
        Op::Mod => l % r,
        Op::Pow => l.powf(r),
        Op::Atan2 => l.atan2(r),
        _ => l,
    };
    (v, compare(op, l, r))
}

fn drops_name(b: &Binary) -> bool {
    !b.op.is_comparison() || b.returns == Returns::Bool
}

/// `operands` gives left and right for the vector's value at step `n`.
fn with_scalar(
    b: &Binary,
    mut series: Vec<Series>,
    operands: impl Fn(usize, f64) -> (f64, f64),
) -> Evaluated<Value> {
    for s in &mut series {
        if drops_name(b) {
            s.labels = s.labels.without_name();
        }
        for (n, v) in s.values.iter_mut().enumerate() {
            if is_absent(*v) {
                continue;
            }
            let (l, r) = operands(n, *v);
            *v = match element(b.op, l, r) {
                (_, kept) if b.returns == Returns::Bool => f64::from(u8::from(kept)),
                (result, _) if !b.op.is_comparison() => result,
                (_, true) => *v,
                (_, false) => absent(),
            };
        }
    }
    series.retain(|s| s.values.iter().any(|v| !is_absent(*v)));
    Ok(Value::Vector(merged(series)?))
}

/// The labels by which two series find each other.
pub(super) fn signature(labels: &Labels, matching: &Matching) -> Labels {
    let listed = |n: &str| matching.labels.iter().any(|l| l == n);
    match matching.mode {
        MatchMode::On => labels.filtered(listed),
        MatchMode::Ignoring => labels.filtered(|n| n != NAME && !listed(n)),
    }
}

fn present(series: &[Series], len: usize) -> Vec<bool> {
    let mut any = vec![false; len];
    for s in series {
        for (seen, v) in any.iter_mut().zip(&s.values) {
            *seen |= !is_absent(*v);
        }
    }
    any
}

fn vectors(
    b: &Binary,
    matching: &Matching,
    lhs: Vec<Series>,
    rhs: Vec<Series>,
    len: usize,
) -> Evaluated<Vec<Series>> {
    let (left_any, right_any) = (present(&lhs, len), present(&rhs, len));
    let active: Vec<bool> = left_any
        .iter()
        .zip(&right_any)
        .map(|(l, r)| *l && *r)
        .collect();
    let swapped = matching.card == Card::OneToMany;
    let (many, one) = if swapped { (rhs, lhs) } else { (lhs, rhs) };
    // Which series of the "one" side each match group has at each step.
    let mut groups: HashMap<Labels, Vec<Option<usize>>> = HashMap::new();
    for (at, s) in one.iter().enumerate() {
        let signature = signature(&s.labels, matching);
        let slots = groups.entry(signature).or_insert_with(|| vec![None; len]);
        for (n, (slot, v)) in slots.iter_mut().zip(&s.values).enumerate() {
            if is_absent(*v) || !active.get(n).copied().unwrap_or(false) {
                continue;
            }
            if let Some(other) = slot.and_then(|o| one.get(o)) {
                return Err(duplicate(matching, s, other, swapped));
            }
            *slot = Some(at);
        }
    }
    let mut out: Vec<Series> = Vec::new();
    let mut places: HashMap<Labels, usize> = HashMap::new();
    let mut taken: HashMap<Labels, Vec<bool>> = HashMap::new();
    for s in &many {
        let key = signature(&s.labels, matching);
        let Some(slots) = groups.get(&key) else {
            continue;
        };
        let mut result: Option<(usize, usize)> = None;
        let mut seen = (matching.card == Card::OneToOne).then(|| {
            let seen = taken.entry(key);
            seen.or_insert_with(|| vec![false; len])
        });
        for (n, v) in s.values.iter().enumerate() {
            let Some(other) = slots.get(n).copied().flatten().filter(|_| !is_absent(*v)) else {
                continue;
            };
            let Some(partner) = one.get(other) else {
                continue;
            };
            let w = partner.values.get(n).copied().unwrap_or(f64::NAN);
            let (l, r) = if swapped { (w, *v) } else { (*v, w) };
            let value = match element(b.op, l, r) {
                (_, kept) if b.returns == Returns::Bool => f64::from(u8::from(kept)),
                (_, false) => continue,
                (value, true) => value,
            };
            if let Some(seen) = seen.as_mut() {
                if seen.get(n).copied().unwrap_or(false) {
                    return Err(EvalError::Execution("multiple matches for labels: many-to-one matching must be explicit (group_left/group_right)".to_owned()));
                }
                if let Some(slot) = seen.get_mut(n) {
                    *slot = true;
                }
            }
            let place = match result {
                Some((with, place)) if with == other => place,
                _ => {
                    let labels = result_labels(b, matching, &s.labels, &partner.labels);
                    let place = *places.entry(labels.clone()).or_insert_with(|| {
                        out.push(Series {
                            labels,
                            values: vec![absent(); len],
                        });
                        out.len() - 1
                    });
                    result = Some((other, place));
                    place
                }
            };
            if let Some(slot) = out.get_mut(place).and_then(|s| s.values.get_mut(n)) {
                if !is_absent(*slot) {
                    return Err(EvalError::Execution(if matching.card == Card::OneToOne {
                        "vector cannot contain metrics with the same labelset".to_owned()
                    } else {
                        "multiple matches for labels: grouping labels must ensure unique matches"
                            .to_owned()
                    }));
                }
                *slot = value;
            }
        }
    }
    Ok(out)
}

fn duplicate(matching: &Matching, new: &Series, old: &Series, swapped: bool) -> EvalError {
    let group = signature(&new.labels, matching);
    let side = if swapped { "left" } else { "right" };
    EvalError::Execution(format!(
        "found duplicate series for the match group {group} on the {side} hand-side of the operation: [{}, {}];many-to-many matching not allowed: matching labels must be unique on one side",
        new.labels, old.labels
    ))
}

fn result_labels(b: &Binary, matching: &Matching, many: &Labels, one: &Labels) -> Labels {
    let mut labels = many.clone();
    if drops_name(b) {
        labels = labels.without_name();
    }
    if matching.card == Card::OneToOne {
        let listed = |n: &str| matching.labels.iter().any(|l| l == n);
        labels = match matching.mode {
            MatchMode::On => labels.filtered(listed),
            MatchMode::Ignoring => labels.filtered(|n| !listed(n)),
        };
    }
    for name in &matching.include {
        labels = labels.with(name, one.get(name));
    }
    labels
}
