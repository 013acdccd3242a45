//! Aggregation operators: one accumulator per group and step.

use std::collections::HashMap;

use super::groups::Groups;
use super::math::{KahanSum, Mean, Variance, nan_first, quantile};
use super::{EvalError, Evaluated, Evaluator, Series, absent, is_absent};
use crate::metrics::labels::{Labels, NAME};
use crate::metrics::promql::ast::{Aggregate, AggregateOp, Expr, Grouping};
use crate::metrics::text::{general, plain};

/// 2^63: what does not fit into a 64-bit integer any more.
const LARGEST_COUNT: f64 = 9_223_372_036_854_775_808.0;

impl Evaluator<'_> {
    pub(super) fn aggregate(&self, a: &Aggregate) -> Evaluated<Vec<Series>> {
        match a.op {
            AggregateOp::CountValues => self.count_values(a),
            AggregateOp::Topk | AggregateOp::Bottomk => self.top(a),
            AggregateOp::Quantile => self.quantile(a),
            _ => {
                let series = self.vector(&a.expr)?;
                Ok(fold(a, &series, self.grid.len))
            }
        }
    }

    fn param<'e>(&self, a: &'e Aggregate) -> Evaluated<&'e Expr> {
        a.param
            .as_ref()
            .ok_or_else(|| EvalError::Execution("missing aggregation parameter".to_owned()))
    }

    fn quantile(&self, a: &Aggregate) -> Evaluated<Vec<Series>> {
        let param = self.param(a)?;
        let phis = self.scalar(param)?;
        let series = self.vector(&a.expr)?;
        if !series.is_empty() {
            self.warn_quantiles(&phis, param);
        }
        let mut out = Vec::new();
        for (labels, members) in groups(&a.grouping, &series) {
            let values = phis.iter().enumerate().map(|(n, phi)| {
                let mut values: Vec<f64> = step(&members, n).map(|(_, v)| v).collect();
                if values.is_empty() {
                    absent()
                } else {
                    quantile(*phi, &mut values)
                }
            });
            out.push(Series {
                labels,
                values: values.collect(),
            });
        }
        Ok(out)
    }

    /// Warns of each quantile that is not between 0 and 1.
    pub(super) fn warn_quantiles(&self, phis: &[f64], at: &Expr) {
        for phi in phis.iter().filter(|q| q.is_nan() || **q < 0.0 || **q > 1.0) {
            let shown = general(*phi);
            let message = format!("quantile value should be between 0 and 1, got {shown}");
            self.warn(&message, at);
        }
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "checked to be between 1 and the largest count"
    )]
    fn top(&self, a: &Aggregate) -> Evaluated<Vec<Series>> {
        let ks = self.scalar(self.param(a)?)?;
        for k in &ks {
            if k.is_nan() {
                return Err(EvalError::Execution("Parameter value is NaN".to_owned()));
            }
            if *k >= LARGEST_COUNT {
                return Err(EvalError::Execution(format!(
                    "Scalar value {} overflows int64",
                    plain(*k)
                )));
            }
            if *k <= -LARGEST_COUNT {
                return Err(EvalError::Execution(format!(
                    "Scalar value {} underflows int64",
                    plain(*k)
                )));
            }
        }
        let series = self.vector(&a.expr)?;
        let mut out: Vec<Series> = Vec::new();
        for (_, members) in groups(&a.grouping, &series) {
            let mut kept: Vec<Series> = Vec::new();
            let mut places: HashMap<usize, usize> = HashMap::new();
            for (n, k) in ks.iter().enumerate() {
                if *k < 1.0 {
                    continue;
                }
                let mut ranked: Vec<(usize, f64)> = step(&members, n).collect();
                ranked.sort_by(|(_, x), (_, y)| rank(a.op, *x, *y));
                for (member, v) in ranked.into_iter().take(*k as usize) {
                    let place = *places.entry(member).or_insert_with(|| {
                        kept.push(Series {
                            labels: members
                                .get(member)
                                .map(|s| s.labels.clone())
                                .unwrap_or_default(),
                            values: vec![absent(); ks.len()],
                        });
                        kept.len() - 1
                    });
                    if let Some(slot) = kept.get_mut(place).and_then(|s| s.values.get_mut(n)) {
                        *slot = v;
                    }
                }
            }
            out.append(&mut kept);
        }
        Ok(out)
    }

    fn count_values(&self, a: &Aggregate) -> Evaluated<Vec<Series>> {
        let label = self.text(self.param(a)?)?;
        if label.is_empty() || label.contains('\u{fffd}') {
            return Err(EvalError::Execution(format!(
                "invalid label name {label:?}"
            )));
        }
        let series = self.vector(&a.expr)?;
        let mut out: Vec<Series> = Vec::new();
        let mut places: HashMap<Labels, usize> = HashMap::new();
        for s in &series {
            for (n, v) in s.values.iter().enumerate().filter(|(_, v)| !is_absent(**v)) {
                // The new label comes first, so that grouping by it works as in Prometheus.
                let labels = match &a.grouping {
                    Grouping::By(_) => group_labels(&a.grouping, &s.labels).with(&label, plain(*v)),
                    Grouping::Without(_) => {
                        group_labels(&a.grouping, &s.labels).with(&label, plain(*v))
                    }
                };
                let place = *places.entry(labels.clone()).or_insert_with(|| {
                    out.push(Series {
                        labels,
                        values: vec![absent(); self.grid.len],
                    });
                    out.len() - 1
                });
                if let Some(slot) = out.get_mut(place).and_then(|s| s.values.get_mut(n)) {
                    *slot = if is_absent(*slot) { 1.0 } else { *slot + 1.0 };
                }
            }
        }
        Ok(out)
    }
}

/// Best first; NaN is the worst, whatever is looked for.
fn rank(op: AggregateOp, a: f64, b: f64) -> std::cmp::Ordering {
    match (a.is_nan(), b.is_nan()) {
        (false, false) if op == AggregateOp::Topk => nan_first(b, a),
        (false, false) => nan_first(a, b),
        (a, b) => a.cmp(&b),
    }
}

fn group_labels(grouping: &Grouping, labels: &Labels) -> Labels {
    labels.filtered(keeps(grouping))
}

fn keeps<'g>(grouping: &'g Grouping) -> impl Fn(&str) -> bool + 'g {
    move |n| match grouping {
        Grouping::By(names) => names.iter().any(|l| l == n),
        Grouping::Without(names) => n != NAME && !names.iter().any(|l| l == n),
    }
}

/// The groups in the order of their first series.
fn groups<'s>(grouping: &Grouping, series: &'s [Series]) -> Vec<(Labels, Vec<&'s Series>)> {
    let mut groups = Groups::default();
    let mut members: Vec<Vec<&Series>> = Vec::new();
    for s in series {
        let place = groups.place(&s.labels, keeps(grouping));
        if place == members.len() {
            members.push(Vec::new());
        }
        if let Some(members) = members.get_mut(place) {
            members.push(s);
        }
    }
    groups.into_labels().into_iter().zip(members).collect()
}

/// The values that are present at a step, with their series' place.
fn step<'s>(members: &'s [&Series], n: usize) -> impl Iterator<Item = (usize, f64)> + 's {
    members
        .iter()
        .enumerate()
        .filter_map(move |(at, s)| s.values.get(n).map(|v| (at, *v)))
        .filter(|(_, v)| !is_absent(*v))
}

fn fold(a: &Aggregate, series: &[Series], len: usize) -> Vec<Series> {
    let groups = groups(&a.grouping, series).into_iter();
    groups
        .map(|(labels, members)| Series {
            labels,
            values: match a.op {
                AggregateOp::Sum => each_step(&members, len, KahanSum::add, KahanSum::total),
                AggregateOp::Avg => each_step(&members, len, Mean::add, Mean::value),
                AggregateOp::Min => each_step(&members, len, Extreme::lower, Extreme::value),
                AggregateOp::Max => each_step(&members, len, Extreme::raise, Extreme::value),
                AggregateOp::Stddev => {
                    each_step(&members, len, Variance::add, |x| x.value().sqrt())
                }
                AggregateOp::Stdvar => each_step(&members, len, Variance::add, Variance::value),
                AggregateOp::Group => each_step(&members, len, |_: &mut f64, _| {}, |_| 1.0),
                _ => each_step(&members, len, |n: &mut f64, _| *n += 1.0, |n| n),
            },
        })
        .collect()
}

/// Folds the members' values of each step; there is nothing where no member has a value.
fn each_step<A: Default>(
    members: &[&Series],
    len: usize,
    add: impl Fn(&mut A, f64),
    finish: impl Fn(A) -> f64,
) -> Vec<f64> {
    let mut steps: Vec<Option<A>> = Vec::new();
    steps.resize_with(len, || None);
    for s in members {
        for (step, v) in steps.iter_mut().zip(&s.values) {
            if !is_absent(*v) {
                add(step.get_or_insert_default(), *v);
            }
        }
    }
    steps
        .into_iter()
        .map(|step| step.map_or(absent(), &finish))
        .collect()
}

/// The smallest or largest value so far; NaN gives way to anything.
#[derive(Debug, Default)]
struct Extreme(Option<f64>);

impl Extreme {
    fn lower(&mut self, v: f64) {
        if self.0.is_none_or(|e| v < e || e.is_nan()) {
            self.0 = Some(v);
        }
    }

    fn raise(&mut self, v: f64) {
        if self.0.is_none_or(|e| v > e || e.is_nan()) {
            self.0 = Some(v);
        }
    }

    fn value(self) -> f64 {
        self.0.unwrap_or(f64::NAN)
    }
}
