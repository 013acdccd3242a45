//! Range aggregations: the numbers of the lines within a range before each step.

use std::collections::HashMap;
use std::sync::Arc;

use super::{Eval, EvalError, Sample, Vectors};
use crate::logs::labels::Labels;
use crate::logs::logql::{
    Grouping, LabelFilter, MatchOp, RangeAgg, RangeOp, Renamed, Stage, VectorAgg, VectorOp,
};
use crate::logs::pipeline::{self, Hints, Work};

/// Which labels the lines of `agg` need, when `outer` aggregates its series.
pub(super) fn hints(agg: &RangeAgg, outer: Option<&VectorAgg>) -> Hints {
    let (grouping, none_wanted) = match (&agg.grouping, outer) {
        (Some(inner), _) => (Some(inner), inner.names.is_empty() && !inner.without),
        (None, Some(outer)) if outer.op == VectorOp::Sum && merges(agg.op) => match &outer.grouping
        {
            Some(outer) => (Some(outer), outer.names.is_empty() && !outer.without),
            None => (None, true),
        },
        _ => (None, false),
    };
    let mut required = Vec::new();
    for stage in &agg.log.stages {
        stage_labels(stage, &mut required);
    }
    if let Some(unwrap) = &agg.unwrap {
        required.push(unwrap.label.clone());
        for filter in &unwrap.filters {
            filter_labels(filter, &mut required);
        }
    }
    if none_wanted {
        return Hints {
            none: required.is_empty(),
            required,
        };
    }
    match grouping {
        Some(Grouping {
            without: false,
            names,
        }) => {
            required.extend(names.iter().cloned());
            Hints {
                none: false,
                required,
            }
        }
        _ => Hints::default(),
    }
}

/// Whether samples of several series may be put together before the aggregation.
const fn merges(op: RangeOp) -> bool {
    matches!(
        op,
        RangeOp::Rate
            | RangeOp::CountOverTime
            | RangeOp::BytesRate
            | RangeOp::BytesOverTime
            | RangeOp::SumOverTime
    )
}

fn stage_labels(stage: &Stage, out: &mut Vec<String>) {
    match stage {
        Stage::Label(filter) => filter_labels(filter, out),
        Stage::LineFormat(template) => out.extend(template.fields()),
        Stage::LabelFormat(formats) => {
            for (_, format) in formats {
                match format {
                    Renamed::Label(label) => out.push(label.clone()),
                    Renamed::Template(template) => out.extend(template.fields()),
                }
            }
        }
        Stage::Keep(names) | Stage::Drop(names) => {
            out.extend(names.iter().map(|(name, _)| name.clone()));
        }
        _ => {}
    }
}

fn filter_labels(filter: &LabelFilter, out: &mut Vec<String>) {
    match filter {
        LabelFilter::And(a, b) | LabelFilter::Or(a, b) => {
            filter_labels(a, out);
            filter_labels(b, out);
        }
        LabelFilter::Text(matcher) => out.push(matcher.name.clone()),
        LabelFilter::Compare { name, .. } | LabelFilter::Ip { name, .. } => out.push(name.clone()),
    }
}

type Points = Vec<(i64, f64)>;

/// The vectors of a range aggregation.
pub(super) fn vectors(
    eval: &Eval<'_>,
    agg: &RangeAgg,
    hints: &Hints,
) -> Result<Vectors, EvalError> {
    let steps = eval.steps;
    let mut series: HashMap<Labels, Points> = HashMap::new();
    let from = steps.start - agg.offset - agg.range;
    let to = steps.end - agg.offset;
    for stream in eval.store.select(&agg.log.matchers, from, to + 1) {
        eval.check_time()?;
        for entry in &stream.entries {
            let mut work = Work::new(&stream.labels, &entry.metadata, entry.ts, &entry.line);
            if !pipeline::run(&agg.log.stages, &mut work, hints) {
                continue;
            }
            let value = match &agg.unwrap {
                Some(unwrap) => match pipeline::unwrap(unwrap, &mut work, hints) {
                    Some(value) => value,
                    None => continue,
                },
                None if matches!(agg.op, RangeOp::BytesOverTime | RangeOp::BytesRate) => {
                    work.line.len() as f64
                }
                None => 1.0,
            };
            if let Some((kind, _)) = &work.error {
                return Err(EvalError::Pipeline {
                    kind: kind.clone(),
                    labels: work.result().to_string(),
                });
            }
            let labels = match &agg.grouping {
                Some(grouping) => group(grouping, &work.result()),
                None => work.result(),
            };
            series.entry(labels).or_default().push((entry.ts, value));
        }
    }
    let mut out: Vectors = vec![Vec::new(); steps.count()];
    let mut series: Vec<(Labels, Points)> = series.into_iter().collect();
    series.sort_by(|a, b| a.0.cmp(&b.0));
    let mut present = vec![false; steps.count()];
    for (labels, mut points) in series {
        points.sort_by_key(|(ts, _)| *ts);
        let labels = Arc::new(labels);
        for (index, vector) in out.iter_mut().enumerate() {
            let last = steps.at(index) - agg.offset;
            let begin = points.partition_point(|(ts, _)| *ts <= last - agg.range);
            let end = points.partition_point(|(ts, _)| *ts <= last);
            if begin >= end {
                continue;
            }
            present[index] = true;
            if agg.op == RangeOp::AbsentOverTime {
                continue;
            }
            let window = (last - agg.range, last);
            if let Some(value) = reduce(agg, &points[begin..end], window) {
                vector.push(Sample {
                    labels: Arc::clone(&labels),
                    value,
                });
            }
        }
    }
    if agg.op == RangeOp::AbsentOverTime {
        let labels = Arc::new(absent_labels(agg));
        for (vector, present) in out.iter_mut().zip(present) {
            if !present {
                vector.push(Sample {
                    labels: Arc::clone(&labels),
                    value: 1.0,
                });
            }
        }
    }
    Ok(out)
}

/// The labels of a group.
pub(super) fn group(grouping: &Grouping, labels: &Labels) -> Labels {
    if grouping.without {
        labels.without(&grouping.names)
    } else {
        labels.only(&grouping.names)
    }
}

fn absent_labels(agg: &RangeAgg) -> Labels {
    let matchers = &agg.log.matchers;
    matchers
        .iter()
        .filter(|m| m.op == MatchOp::Equal)
        .filter(|m| matchers.iter().filter(|n| n.name == m.name).count() == 1)
        .map(|m| (m.name.clone(), m.value.clone()))
        .collect()
}

fn reduce(agg: &RangeAgg, points: &[(i64, f64)], window: (i64, i64)) -> Option<f64> {
    let seconds = agg.range as f64 / 1e9;
    let values = || points.iter().map(|(_, value)| *value);
    let count = points.len() as f64;
    let sum = || values().sum::<f64>();
    Some(match agg.op {
        RangeOp::Rate | RangeOp::BytesRate => sum() / seconds,
        RangeOp::CountOverTime => count,
        RangeOp::BytesOverTime | RangeOp::SumOverTime => sum(),
        RangeOp::AvgOverTime => mean(values()),
        RangeOp::MinOverTime => values().fold(f64::INFINITY, f64::min),
        RangeOp::MaxOverTime => values().fold(f64::NEG_INFINITY, f64::max),
        RangeOp::FirstOverTime => points.first()?.1,
        RangeOp::LastOverTime => points.last()?.1,
        RangeOp::StdvarOverTime => variance(values()),
        RangeOp::StddevOverTime => variance(values()).sqrt(),
        RangeOp::QuantileOverTime => quantile(agg.param?, values().collect()),
        RangeOp::RateCounter => rate_counter(points, window, seconds)?,
        RangeOp::AbsentOverTime => return None,
    })
}

fn mean(values: impl Iterator<Item = f64>) -> f64 {
    let (mut mean, mut count) = (0.0, 0.0);
    for value in values {
        count += 1.0;
        mean += (value - mean) / count;
    }
    mean
}

/// Population variance, by Welford's method.
pub(super) fn variance(values: impl Iterator<Item = f64>) -> f64 {
    let (mut mean, mut count, mut squares) = (0.0, 0.0, 0.0);
    for value in values {
        count += 1.0;
        let delta = value - mean;
        mean += delta / count;
        squares += delta * (value - mean);
    }
    squares / count
}

/// Linear between the two nearest ranks, as Prometheus defines it.
fn quantile(q: f64, mut values: Vec<f64>) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(f64::total_cmp);
    let rank = q * (values.len() - 1) as f64;
    let low = rank.floor() as usize;
    let high = (low + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    values[low] * (1.0 - weight) + values[high] * weight
}

/// Prometheus' `rate`: resets are added up, and the ends are extrapolated.
/// Source: <https://prometheus.io/docs/prometheus/latest/querying/functions/#rate>.
fn rate_counter(points: &[(i64, f64)], window: (i64, i64), seconds: f64) -> Option<f64> {
    let (first, last) = (points.first()?, points.last()?);
    if points.len() < 2 {
        return Some(0.0);
    }
    let mut result = last.1 - first.1;
    for pair in points.windows(2) {
        if pair[1].1 < pair[0].1 {
            result += pair[0].1;
        }
    }
    let to_start = (first.0 - window.0) as f64 / 1e9;
    let to_end = (window.1 - last.0) as f64 / 1e9;
    let sampled = (last.0 - first.0) as f64 / 1e9;
    let average = sampled / (points.len() - 1) as f64;
    let mut to_start = to_start;
    if result > 0.0 && first.1 >= 0.0 {
        to_start = to_start.min(sampled * (first.1 / result));
    }
    let threshold = average * 1.1;
    let mut extended = sampled;
    extended += if to_start < threshold {
        to_start
    } else {
        average / 2.0
    };
    extended += if to_end < threshold {
        to_end
    } else {
        average / 2.0
    };
    Some(result * (extended / sampled) / seconds)
}
