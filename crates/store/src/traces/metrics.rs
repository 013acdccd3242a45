//! TraceQL's metrics functions.
//!
//! Source: <https://grafana.com/docs/tempo/latest/metrics-from-traces/metrics-queries/functions/>.

mod answer;
mod cell;
mod compare;
mod exemplars;
mod second;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

pub(crate) use answer::{instant_series, range_series};
use cell::{Cell, Measure};
use exemplars::{Exemplar, Picker};

use super::column::Column;
use super::eval::{EvalError, Plan};
use super::scan::{CHUNK, in_parts, threads};
use super::spans::Trace;
use super::traceql::{MetricOp, Metrics, Query};
use super::value::Value;

/// When a metrics query looks, in nanoseconds; a point stands for the step before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    /// The first point.
    pub(crate) start: i64,
    /// The last point.
    pub(crate) end: i64,
    /// Between two.
    pub(crate) step: i64,
}

impl Range {
    pub(crate) const fn count(&self) -> usize {
        (self.end.saturating_sub(self.start) / self.step) as usize + 1
    }

    /// The point whose step holds a time.
    pub(crate) fn index(&self, ts: i64) -> Option<usize> {
        let at = ts
            .saturating_sub(self.start)
            .saturating_add(self.step - 1)
            .div_euclid(self.step);
        usize::try_from(at).ok().filter(|at| *at < self.count())
    }

    /// The time of a point in milliseconds.
    pub(crate) const fn millis(&self, index: usize) -> i64 {
        self.start
            .saturating_add(self.step.saturating_mul(index as i64))
            / 1_000_000
    }
}

/// A series: its labels and one number for each point, NaN where there is none.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    pub(crate) labels: Vec<(String, Value<'static>)>,
    pub(crate) points: Vec<f64>,
    pub(crate) exemplars: Vec<Exemplar>,
}

/// What a metrics query is asked with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Asked {
    pub(crate) range: Range,
    /// How many exemplars at most, over all series.
    pub(crate) exemplars: usize,
    /// Until when it must be answered.
    pub(crate) deadline: Instant,
}

/// So many groups are compared one by one, before others are looked up.
const FEW: usize = 16;

/// The most points of all series together that are held while spans are read.
const MAX_CELLS: usize = 4_000_000;

/// The spans of one group.
#[derive(Debug)]
struct Group {
    /// A value for each attribute of `by`.
    values: Vec<Value<'static>>,
    cells: Vec<Cell>,
}

/// The series of a query.
///
/// # Errors
/// [`EvalError`] for what the language has no meaning for.
pub(crate) fn series(
    query: &Query,
    metrics: &Metrics,
    traces: &[Arc<Trace>],
    asked: Asked,
) -> Result<Vec<Series>, EvalError> {
    let further: Vec<_> = metrics
        .attribute
        .iter()
        .chain(&metrics.by)
        .cloned()
        .collect();
    let plan = Plan::new(&query.pipeline, &further);
    let mut out = match &metrics.comparison {
        Some(comparison) => compare::series(&plan, comparison, traces, asked)?,
        None => grouped(&plan, metrics, traces, asked)?,
    };
    for stage in &metrics.second {
        second::apply(stage, &mut out);
    }
    Ok(out)
}

fn grouped(
    plan: &Plan,
    metrics: &Metrics,
    traces: &[Arc<Trace>],
    asked: Asked,
) -> Result<Vec<Series>, EvalError> {
    let mut order: Vec<&Arc<Trace>> = traces.iter().collect();
    // As blocks hold them: what a sum makes of absent numbers depends on the order.
    order.sort_unstable_by_key(|trace| trace.id);
    let parts = match metrics.op {
        MetricOp::Sum | MetricOp::Avg => 1,
        _ => threads(order.len()),
    };
    let mut parts = in_parts(&order, parts, |part| read(plan, metrics, part, asked)).into_iter();
    let empty = || (Groups::new(plan, metrics, asked.range), Picker::new(0));
    let (mut groups, mut picker) = parts.next().transpose()?.unwrap_or_else(empty);
    for part in parts {
        let (others, offers) = part?;
        let places = groups.merge(others);
        picker.append(offers, &places);
    }
    let Groups { list, measure, .. } = groups;
    let mut out = Vec::new();
    for (at, group) in list.iter().enumerate() {
        let candidates = picker.of_group(at, plan, &measure);
        let mut series = finish(metrics, group, asked.range);
        exemplars::attach(&mut series, candidates, metrics, asked.range);
        out.append(&mut series);
    }
    out.sort_by_cached_key(|series| answer::key(&series.labels));
    Ok(out)
}

/// The groups of some traces, and the exemplars that they offer.
fn read<'p>(
    plan: &Plan,
    metrics: &'p Metrics,
    traces: &[&Arc<Trace>],
    asked: Asked,
) -> Result<(Groups<'p>, Picker), EvalError> {
    let mut groups = Groups::new(plan, metrics, asked.range);
    let mut picker = Picker::new(asked.exemplars);
    for chunk in traces.chunks(CHUNK) {
        if Instant::now() > asked.deadline {
            return Err(EvalError::Late);
        }
        for trace in chunk {
            for at in plan.run(trace)?.into_iter().flat_map(|set| set.spans) {
                if let Some(group) = groups.add(trace, at) {
                    picker.offer(trace, at, group);
                }
            }
        }
    }
    Ok((groups, picker))
}

struct Groups<'p> {
    metrics: &'p Metrics,
    range: Range,
    by: Vec<Column>,
    measure: Measure,
    list: Vec<Group>,
    known: HashMap<String, usize>,
    /// The group of the last span: mostly that of the next, too.
    last: usize,
}

impl<'p> Groups<'p> {
    fn new(plan: &Plan, metrics: &'p Metrics, range: Range) -> Self {
        let mut groups = Self {
            metrics,
            range,
            by: metrics.by.iter().map(|a| plan.column(a, true)).collect(),
            measure: Measure::new(plan, metrics),
            list: Vec::new(),
            known: HashMap::new(),
            last: usize::MAX,
        };
        // Without groups there is a series even if there is no span.
        let always = !matches!(
            metrics.op,
            MetricOp::Avg | MetricOp::Quantile | MetricOp::Histogram
        );
        if metrics.by.is_empty() && always {
            groups.group(Vec::new());
        }
        groups
    }

    /// The group of some values, made if there is none; none any more if there are too many.
    fn group(&mut self, values: Vec<Value<'_>>) -> Option<usize> {
        if self.list.get(self.last).is_some_and(|g| g.values == values) {
            return Some(self.last);
        }
        let few = &self.list[..self.list.len().min(FEW)];
        if let Some(at) = few.iter().position(|g| g.values == values) {
            self.last = at;
            return Some(at);
        }
        let mut key = String::new();
        for value in &values {
            key.push_str(value.kind());
            key.push('\0');
            key.push_str(&value.show());
            key.push('\0');
        }
        if let Some(at) = self.known.get(&key) {
            self.last = *at;
            return Some(*at);
        }
        let count = self.range.count();
        // One is always held.
        if self.list.len() * count > MAX_CELLS {
            return None;
        }
        self.last = self.list.len();
        self.known.insert(key, self.last);
        self.list.push(Group {
            values: values.into_iter().map(Value::owned).collect(),
            cells: vec![Cell::default(); count],
        });
        Some(self.last)
    }

    /// Adds the groups of other traces; the place of each is told.
    fn merge(&mut self, others: Self) -> Vec<Option<usize>> {
        let op = self.metrics.op;
        let mut places = Vec::new();
        for other in others.list {
            let place = self.group(other.values);
            if let Some(at) = place {
                let cells = self.list[at].cells.iter_mut().zip(&other.cells);
                cells.for_each(|(cell, more)| cell.merge(op, more));
            }
            places.push(place);
        }
        places
    }

    /// Adds a span to its group, which is told.
    fn add(&mut self, trace: &Trace, at: usize) -> Option<usize> {
        let index = self.range.index(trace.spans[at].start as i64)?;
        let number = self.measure.of(trace, at)?;
        let values = self
            .by
            .iter()
            .map(|column| column.value(trace, at))
            .collect();
        let group = self.group(values)?;
        self.list[group].cells[index].observe(self.metrics.op, number);
        Some(group)
    }
}

fn finish(metrics: &Metrics, group: &Group, range: Range) -> Vec<Series> {
    let seconds = range.step as f64 / 1e9;
    let mut labels: Vec<(String, Value<'static>)> = metrics
        .by
        .iter()
        .map(ToString::to_string)
        .zip(group.values.iter().cloned())
        .filter(|(_, value)| *value != Value::Nil)
        .collect();
    let series = |labels: Vec<(String, Value<'static>)>, point: &dyn Fn(&Cell) -> f64| Series {
        labels,
        points: group.cells.iter().map(point).collect(),
        exemplars: Vec::new(),
    };
    let with = |name: &str, number: f64| {
        let mut labels = labels.clone();
        labels.push((name.to_owned(), Value::Float(number)));
        labels
    };
    match metrics.op {
        MetricOp::Quantile => metrics
            .quantiles
            .iter()
            .map(|q| series(with("p", *q), &|cell| cell.quantile(*q)))
            .collect(),
        MetricOp::Histogram => cell::bounds(&group.cells)
            .into_iter()
            .map(|bound| series(with("__bucket", bound), &|cell| cell.bucket(bound)))
            .collect(),
        op => {
            if labels.is_empty() {
                labels.push(match metrics.by.first() {
                    Some(attribute) => (attribute.to_string(), Value::Nil),
                    None => ("__name__".to_owned(), Value::text(op.name())),
                });
            }
            vec![series(labels, &|cell| cell.number(op, seconds))]
        }
    }
}
