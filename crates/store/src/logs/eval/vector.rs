//! Vector aggregations.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::sync::Arc;

use super::Sample;
use super::range::{group, variance};
use crate::logs::labels::Labels;
use crate::logs::logql::{VectorAgg, VectorOp};

/// Aggregates the vector of one step.
pub(super) fn aggregate(agg: &VectorAgg, mut samples: Vec<Sample>) -> Vec<Sample> {
    match agg.op {
        VectorOp::Sort => {
            samples.sort_by(|a, b| a.value.total_cmp(&b.value));
            return samples;
        }
        VectorOp::SortDesc => {
            samples.sort_by(|a, b| b.value.total_cmp(&a.value));
            return samples;
        }
        _ => {}
    }
    let mut groups: BTreeMap<Labels, Vec<Sample>> = BTreeMap::new();
    for sample in samples {
        let labels = match &agg.grouping {
            Some(grouping) => group(grouping, &sample.labels),
            None => Labels::default(),
        };
        groups.entry(labels).or_default().push(sample);
    }
    let mut out = Vec::with_capacity(groups.len());
    for (labels, members) in groups {
        match agg.op {
            VectorOp::Topk | VectorOp::ApproxTopk => {
                out.extend(ranked(members, agg.param, |a, b| b.total_cmp(&a)));
            }
            VectorOp::Bottomk => out.extend(ranked(members, agg.param, |a, b| a.total_cmp(&b))),
            op => out.push(Sample {
                labels: Arc::new(labels),
                value: reduce(op, &members),
            }),
        }
    }
    out
}

fn ranked(
    mut members: Vec<Sample>,
    count: Option<usize>,
    order: impl Fn(f64, f64) -> Ordering,
) -> Vec<Sample> {
    members.sort_by(|a, b| order(a.value, b.value));
    members.truncate(count.unwrap_or(usize::MAX));
    members
}

fn reduce(op: VectorOp, members: &[Sample]) -> f64 {
    let values = || members.iter().map(|s| s.value);
    match op {
        VectorOp::Avg => values().sum::<f64>() / members.len() as f64,
        VectorOp::Count => members.len() as f64,
        VectorOp::Min => values().fold(f64::INFINITY, f64::min),
        VectorOp::Max => values().fold(f64::NEG_INFINITY, f64::max),
        VectorOp::Stdvar => variance(values()),
        VectorOp::Stddev => variance(values()).sqrt(),
        _ => values().sum(),
    }
}
