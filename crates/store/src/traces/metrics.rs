//! TraceQL's metrics functions.
//!
//! Source: <https://grafana.com/docs/tempo/latest/metrics-from-traces/metrics-queries/functions/>.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Map, Value as Json, json};

use super::eval;
use super::spans::Trace;
use super::traceql::{MetricOp, Metrics, Query};
use super::value::Value;

/// When a metrics query looks, in nanoseconds; a point stands for the step before it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Range {
    /// The first point.
    pub start: i64,
    /// The last point.
    pub end: i64,
    /// Between two.
    pub step: i64,
}

impl Range {
    fn count(&self) -> usize {
        ((self.end - self.start) / self.step) as usize + 1
    }

    /// The point whose step holds a time.
    fn index(&self, ts: i64) -> Option<usize> {
        let at = (ts - self.start + self.step - 1).div_euclid(self.step);
        usize::try_from(at).ok().filter(|at| *at < self.count())
    }
}

/// A series: its labels and one number for each point that has one.
#[derive(Clone, Debug)]
pub(crate) struct Series {
    labels: Vec<(String, Value)>,
    points: Vec<Option<f64>>,
}

/// What the spans of one series have said.
#[derive(Clone, Debug)]
struct Cell {
    count: f64,
    sum: f64,
    min: f64,
    max: f64,
    /// Spans by the power of two that is not less than their value.
    buckets: BTreeMap<i64, f64>,
}

impl Default for Cell {
    fn default() -> Self {
        Self {
            count: 0.0,
            sum: 0.0,
            min: f64::INFINITY,
            max: f64::NEG_INFINITY,
            buckets: BTreeMap::new(),
        }
    }
}

type Keyed = BTreeMap<Vec<String>, (Vec<Value>, Vec<Cell>)>;

/// The series of a query; empty for functions that look at what is no number.
pub(crate) fn series(
    query: &Query,
    metrics: &Metrics,
    traces: &[Arc<Trace>],
    range: Range,
) -> Vec<Series> {
    let mut cells: Keyed = BTreeMap::new();
    if metrics.by.is_empty() && matches!(metrics.op, MetricOp::Rate | MetricOp::Count) {
        cells.insert(
            Vec::new(),
            (Vec::new(), vec![Cell::default(); range.count()]),
        );
    }
    for trace in traces {
        for set in eval::run(&query.pipeline, trace) {
            for at in set.spans {
                add(&mut cells, metrics, trace, at, range);
            }
        }
    }
    let mut out = Vec::new();
    for (_, (values, cells)) in cells {
        let mut labels: Vec<(String, Value)> = metrics
            .by
            .iter()
            .map(ToString::to_string)
            .zip(values)
            .collect();
        finish(metrics, &mut labels, &cells, range, &mut out);
    }
    rank(metrics, &mut out, range);
    out
}

fn add(cells: &mut Keyed, metrics: &Metrics, trace: &Trace, at: usize, range: Range) {
    let Some(index) = range.index(trace.spans[at].span.start_time_unix_nano as i64) else {
        return;
    };
    let mut number = 1.0;
    if let Some(attribute) = &metrics.attribute {
        let value = trace.value(at, attribute);
        let Some(found) = value.number() else { return };
        number = match value {
            Value::Duration(_) => found / 1e9,
            _ => found,
        };
    }
    let values: Vec<Value> = metrics
        .by
        .iter()
        .map(|attribute| match trace.value(at, attribute) {
            Value::Nil => Value::Text("nil".to_owned()),
            other => other,
        })
        .collect();
    let key = values.iter().map(Value::show).collect();
    let (_, cells) = cells
        .entry(key)
        .or_insert_with(|| (values, vec![Cell::default(); range.count()]));
    let cell = &mut cells[index];
    cell.count += 1.0;
    cell.sum += number;
    cell.min = cell.min.min(number);
    cell.max = cell.max.max(number);
    let scaled = number * 1e9;
    if scaled >= 2.0 {
        *cell.buckets.entry(scaled.log2().ceil() as i64).or_default() += 1.0;
    }
}

/// The upper bound of a bucket, in seconds.
fn bound(power: i64) -> f64 {
    2f64.powi(power as i32) / 1e9
}

fn finish(
    metrics: &Metrics,
    labels: &mut Vec<(String, Value)>,
    cells: &[Cell],
    range: Range,
    out: &mut Vec<Series>,
) {
    let seconds = range.step as f64 / 1e9;
    let with = |labels: &[(String, Value)], name: &str, value: Value| {
        let mut labels = labels.to_vec();
        labels.push((name.to_owned(), value));
        labels
    };
    match metrics.op {
        MetricOp::Compare => {}
        MetricOp::Quantile => {
            for q in &metrics.quantiles {
                out.push(Series {
                    labels: with(labels, "p", Value::Float(*q)),
                    points: cells
                        .iter()
                        .map(|cell| Some(quantile(*q, &cell.buckets)))
                        .collect(),
                });
            }
        }
        MetricOp::Histogram => {
            let powers: std::collections::BTreeSet<i64> = cells
                .iter()
                .flat_map(|cell| cell.buckets.keys().copied())
                .collect();
            for power in powers {
                out.push(Series {
                    labels: with(labels, "__bucket", Value::Float(bound(power))),
                    points: cells
                        .iter()
                        .map(|cell| Some(cell.buckets.get(&power).copied().unwrap_or(0.0)))
                        .collect(),
                });
            }
        }
        op => {
            if labels.is_empty() {
                labels.push(("__name__".to_owned(), Value::Text(op.name().to_owned())));
            }
            let point = |cell: &Cell| match op {
                MetricOp::Rate => Some(cell.count / seconds),
                MetricOp::Count => Some(cell.count),
                _ if cell.count == 0.0 => None,
                MetricOp::Min => Some(cell.min),
                MetricOp::Max => Some(cell.max),
                MetricOp::Sum => Some(cell.sum),
                _ => Some(cell.sum / cell.count),
            };
            out.push(Series {
                labels: labels.clone(),
                points: cells.iter().map(point).collect(),
            });
        }
    }
}

/// Exponential between the bounds of the bucket that holds the quantile.
fn quantile(q: f64, buckets: &BTreeMap<i64, f64>) -> f64 {
    let total: f64 = buckets.values().sum();
    if total == 0.0 {
        return 0.0;
    }
    // Whole spans: for few of them this is nearer to what one expects.
    let wanted = (q * total).ceil();
    if wanted <= 0.0 {
        return 0.0;
    }
    let mut before = 0.0;
    let mut lower = None;
    for (power, count) in buckets {
        if before + count >= wanted {
            if before + count == wanted {
                return bound(*power);
            }
            // From the last bucket that holds a span, however far away it is.
            let part = (wanted - before) / count;
            let (low, high) = (bound(lower.unwrap_or(power - 1)), bound(*power));
            return low * (high / low).powf(part);
        }
        before += count;
        lower = Some(*power);
    }
    buckets.keys().last().map_or(0.0, |power| bound(*power))
}

/// Keeps the greatest or least series at each point.
fn rank(metrics: &Metrics, series: &mut Vec<Series>, range: Range) {
    let Some((top, count)) = metrics.ranked else {
        return;
    };
    for index in 0..range.count() {
        let mut order: Vec<(usize, f64)> = series
            .iter()
            .enumerate()
            .filter_map(|(at, s)| s.points[index].map(|v| (at, v)))
            .collect();
        order.sort_by(|a, b| {
            if top {
                b.1.total_cmp(&a.1)
            } else {
                a.1.total_cmp(&b.1)
            }
        });
        for (at, _) in order.into_iter().skip(count) {
            series[at].points[index] = None;
        }
    }
    series.retain(|s| s.points.iter().any(Option::is_some));
}

fn labels(series: &Series) -> Json {
    series
        .labels
        .iter()
        .map(|(key, value)| json!({"key": key, "value": value.to_json()}))
        .collect()
}

/// The answer of a range query.
pub(crate) fn range_json(series: &[Series], range: Range) -> Json {
    let list: Vec<Json> = series
        .iter()
        .map(|one| {
            let samples: Vec<Json> = one
                .points
                .iter()
                .enumerate()
                .filter_map(|(at, value)| value.map(|value| (at, value)))
                .map(|(at, value)| {
                    let ms = (range.start + range.step * at as i64) / 1_000_000;
                    let mut map = Map::new();
                    map.insert("timestampMs".to_owned(), json!(ms.to_string()));
                    if value != 0.0 {
                        map.insert("value".to_owned(), json!(value));
                    }
                    Json::Object(map)
                })
                .collect();
            json!({"labels": labels(one), "samples": samples})
        })
        .collect();
    json!({"series": list, "metrics": {}})
}

/// The answer of an instant query: the last point alone.
pub(crate) fn instant_json(series: &[Series]) -> Json {
    let list: Vec<Json> = series
        .iter()
        .filter_map(|one| {
            let value = one.points.last().copied().flatten()?;
            let mut map = Map::new();
            map.insert("labels".to_owned(), labels(one));
            if value != 0.0 {
                map.insert("value".to_owned(), json!(value));
            }
            Some(Json::Object(map))
        })
        .collect();
    if list.is_empty() {
        return json!({"metrics": {}});
    }
    json!({"series": list, "metrics": {}})
}
