//! Range aggregations: the numbers of the lines within a range before each step.

use std::sync::Arc;

use super::series::{Points, Series};
use super::{Eval, EvalError, Sample, Vectors};
use crate::logs::labels::Labels;
use crate::logs::logql::{
    Grouping, LabelFilter, MatchOp, RangeAgg, RangeOp, Renamed, Stage, VectorAgg, VectorOp,
};
use crate::logs::pipeline::{self, Base, Hints, Pipeline, Work};

/// A single group.
static WHOLE: Grouping = Grouping {
    without: false,
    names: Vec::new(),
};

/// The groups that the lines of `agg` are put into at once, when `outer` aggregates its series.
fn grouping<'q>(agg: &'q RangeAgg, outer: Option<&'q VectorAgg>) -> Option<&'q Grouping> {
    match (&agg.grouping, outer) {
        (Some(inner), _) => Some(inner),
        (None, Some(outer)) if outer.op == VectorOp::Sum && merges(agg.op) => {
            Some(outer.grouping.as_ref().unwrap_or(&WHOLE))
        }
        // Its series are not named after lines at all.
        _ if agg.op == RangeOp::AbsentOverTime => Some(&WHOLE),
        _ => None,
    }
}

/// Which labels the lines of `agg` need, when they are put into these groups.
fn hints(agg: &RangeAgg, grouping: Option<&Grouping>) -> Hints {
    let mut required = Vec::new();
    for stage in &agg.log.stages {
        stage_labels(stage, &mut required);
    }
    for filter in agg.unwrap.iter().flat_map(|unwrap| &unwrap.filters) {
        filter_labels(filter, &mut required);
    }
    let Some(Grouping {
        without: false,
        names,
    }) = grouping
    else {
        return Hints::default();
    };
    required.extend(names.iter().cloned());
    required.extend(agg.unwrap.iter().map(|unwrap| unwrap.label.clone()));
    // A label that clashes with one of the stream is called otherwise before it is found.
    let plain: Vec<String> = required
        .iter()
        .filter_map(|name| name.strip_suffix("_extracted").map(str::to_owned))
        .collect();
    required.extend(plain);
    required.sort_unstable();
    required.dedup();
    Hints {
        none: required.is_empty(),
        required,
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

/// The vectors of a range aggregation, that `outer` aggregates.
pub(super) fn vectors(
    eval: &Eval<'_>,
    agg: &RangeAgg,
    outer: Option<&VectorAgg>,
) -> Result<Vectors, EvalError> {
    let steps = eval.steps;
    let series = collect(eval, agg, grouping(agg, outer))?;
    let mut out: Vectors = vec![Vec::new(); steps.count()];
    let mut present = vec![false; steps.count()];
    for (labels, mut points) in series {
        eval.run.check()?;
        points.at.sort_by_key(|(ts, _)| *ts);
        if agg.unwrap.is_none() {
            points.sums.push(0.0);
            let mut sum = 0.0;
            points.sums.extend(points.at.iter().map(|(_, value)| {
                sum += value;
                sum
            }));
        }
        let labels = Arc::new(labels);
        for (index, vector) in out.iter_mut().enumerate() {
            let last = steps.at(index).saturating_sub(agg.offset);
            let first = last.saturating_sub(agg.range);
            let begin = points.at.partition_point(|(ts, _)| *ts <= first);
            let end = points.at.partition_point(|(ts, _)| *ts <= last);
            if begin >= end {
                continue;
            }
            present[index] = true;
            if agg.op == RangeOp::AbsentOverTime {
                continue;
            }
            let window = (first, last);
            let value = match points.sums.get(begin).zip(points.sums.get(end)) {
                Some((before, after)) => counted(agg, after - before),
                None => reduce(agg, &points.at[begin..end], window),
            };
            if let Some(value) = value {
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

/// The numbers of all lines, by series, sorted by labels.
fn collect(
    eval: &Eval<'_>,
    agg: &RangeAgg,
    grouping: Option<&Grouping>,
) -> Result<Vec<(Labels, Points)>, EvalError> {
    let shift = agg.offset.saturating_neg();
    let from = eval.steps.start.saturating_add(shift);
    let from = from.saturating_sub(agg.range).saturating_add(1);
    let to = eval.steps.end.saturating_add(shift).saturating_add(1);
    let pipeline = Pipeline::new(&agg.log.stages);
    let plain = pipeline.is_plain() && agg.unwrap.is_none();
    let hints = &hints(agg, grouping);
    let mut series = Series::new(agg, grouping, hints);
    for stream in eval.run.chunks(&agg.log.matchers, from, to)? {
        for chunk in &stream.chunks {
            let base = |set| Base::new(&stream.labels, chunk.metadata(set));
            // Lines with equal metadata are of one series where nothing is taken out of them.
            let mut known: Vec<Option<Vec<(i64, f64)>>> = vec![None; chunk.set_count()];
            let mut bases: Vec<Option<Base<'_>>> = vec![None; chunk.set_count()];
            let mut work: Option<Work<'_>> = None;
            for at in chunk.range(from, to) {
                let held = chunk.line(at);
                eval.run.read(chunk, &held)?;
                if !pipeline.leads(held.line) {
                    continue;
                }
                if plain {
                    eval.run.keep();
                    let points = known[held.set as usize].get_or_insert_default();
                    points.push((held.ts, number(agg, held.line)));
                    continue;
                }
                let base = bases[held.set as usize].get_or_insert_with(|| base(held.set));
                let work = work.get_or_insert_with(|| base.work(held.ts, held.line));
                work.restart(base, held.ts, held.line);
                if !pipeline.run(work, hints) {
                    continue;
                }
                let value = match &agg.unwrap {
                    Some(unwrap) => match pipeline::unwrap(unwrap, work) {
                        Some(value) => value,
                        None => continue,
                    },
                    None => number(agg, &work.line),
                };
                eval.run.keep();
                series.of(work)?.at.push((held.ts, value));
            }
            for (set, points) in (0_u32..).zip(known) {
                let Some(points) = points else { continue };
                series.of(&base(set).work(0, ""))?.at.extend(points);
            }
        }
    }
    Ok(series.sorted())
}

const fn number(agg: &RangeAgg, line: &str) -> f64 {
    match agg.op {
        RangeOp::BytesOverTime | RangeOp::BytesRate => line.len() as f64,
        _ => 1.0,
    }
}

/// The aggregations that count lines or bytes, of their sum.
fn counted(agg: &RangeAgg, sum: f64) -> Option<f64> {
    match agg.op {
        RangeOp::Rate | RangeOp::BytesRate => Some(sum / (agg.range as f64 / 1e9)),
        RangeOp::AbsentOverTime => None,
        _ => Some(sum),
    }
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
