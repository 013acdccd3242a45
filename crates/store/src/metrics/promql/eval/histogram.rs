//! Quantiles and fractions of classic histograms
//! (<https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile>).

use std::cmp::Ordering;

use super::groups::Groups;
use super::{Evaluated, Evaluator, Series, Value, absent, is_absent};
use crate::metrics::labels::{Labels, NAME};
use crate::metrics::promql::ast::Expr;
use crate::metrics::text::quote;

#[derive(Debug, Clone, Copy)]
struct Bucket {
    upper: f64,
    count: f64,
}

struct Histogram<'a> {
    labels: Labels,
    name: &'a str,
    buckets: Vec<(f64, &'a [f64])>,
}

impl Histogram<'_> {
    /// The buckets of a step, into the room of an earlier one.
    fn at(&self, step: usize, out: &mut Vec<Bucket>) {
        out.clear();
        out.extend(self.buckets.iter().filter_map(|(upper, values)| {
            let count = values.get(step).copied().filter(|v| !is_absent(*v))?;
            Some(Bucket {
                upper: *upper,
                count,
            })
        }));
    }
}

impl Evaluator<'_> {
    pub(super) fn histogram_quantile(&self, phi: &Expr, vector: &Expr) -> Evaluated<Value> {
        let phis = self.scalar(phi)?;
        let series = self.vector(vector)?;
        if !series.is_empty() {
            self.warn_quantiles(&phis, phi);
        }
        let (mut out, mut buckets) = (Vec::new(), Vec::new());
        for h in self.histograms(&series, vector) {
            let mut values = Vec::with_capacity(self.grid.len);
            for (n, phi) in phis.iter().enumerate() {
                h.at(n, &mut buckets);
                if buckets.is_empty() {
                    values.push(absent());
                    continue;
                }
                let (value, forced) = bucket_quantile(*phi, &mut buckets);
                values.push(value);
                if forced {
                    self.forced_monotonicity(h.name, vector);
                }
            }
            out.push(Series {
                labels: h.labels,
                values,
            });
        }
        out.retain(|s| s.values.iter().any(|v| !is_absent(*v)));
        Ok(Value::Vector(out))
    }

    pub(super) fn histogram_fraction(&self, args: &[Expr]) -> Evaluated<Value> {
        let [lower, upper, vector] = args else {
            return Ok(Value::Vector(Vec::new()));
        };
        let (lowers, uppers) = (self.scalar(lower)?, self.scalar(upper)?);
        let series = self.vector(vector)?;
        let (mut out, mut buckets) = (Vec::new(), Vec::new());
        for h in self.histograms(&series, vector) {
            let bounds = lowers.iter().zip(&uppers).enumerate();
            let values = bounds.map(|(n, (lower, upper))| {
                h.at(n, &mut buckets);
                if buckets.is_empty() {
                    absent()
                } else {
                    fraction(*lower, *upper, &mut buckets)
                }
            });
            let values = values.collect();
            out.push(Series {
                labels: h.labels,
                values,
            });
        }
        out.retain(|s| s.values.iter().any(|v| !is_absent(*v)));
        Ok(Value::Vector(out))
    }

    fn histograms<'s>(&self, series: &'s [Series], at: &Expr) -> Vec<Histogram<'s>> {
        let mut out: Vec<Histogram<'_>> = Vec::new();
        let mut groups = Groups::default();
        for s in series {
            let le = s.labels.get("le");
            let Some(upper) = parse_bound(le) else {
                let metric = s.labels.name();
                let mut message = format!(
                    "bucket label \"le\" is missing or has a malformed value of {}",
                    quote(le)
                );
                if !metric.is_empty() {
                    message += &format!(" for metric name {}", quote(metric));
                }
                self.warn(&message, at);
                continue;
            };
            let place = groups.place(&s.labels, |n| n != "le" && n != NAME);
            if place == out.len() {
                out.push(Histogram {
                    labels: Labels::default(),
                    name: s.labels.name(),
                    buckets: Vec::new(),
                });
            }
            if let Some(h) = out.get_mut(place) {
                h.buckets.push((upper, &s.values));
            }
        }
        for (h, labels) in out.iter_mut().zip(groups.into_labels()) {
            h.labels = labels;
            h.buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
        }
        out
    }

    fn forced_monotonicity(&self, metric: &str, at: &Expr) {
        let mut message = "input to histogram_quantile needed to be fixed for monotonicity (see https://prometheus.io/docs/prometheus/latest/querying/functions/#histogram_quantile)".to_owned();
        if !metric.is_empty() {
            message += &format!(" for metric name {}", quote(metric));
        }
        self.info(&message, at);
    }
}

fn parse_bound(le: &str) -> Option<f64> {
    match le {
        "+Inf" | "Inf" | "+inf" | "inf" => Some(f64::INFINITY),
        "-Inf" | "-inf" => Some(f64::NEG_INFINITY),
        _ => le.parse().ok(),
    }
}

/// Buckets with equal bounds become one; the list is sorted.
fn coalesce(buckets: &mut Vec<Bucket>) {
    buckets.dedup_by(|b, last| {
        let same = last.upper == b.upper;
        if same {
            last.count += b.count;
        }
        same
    });
}

/// Counts must not fall from bucket to bucket: tiny differences are taken as equal, others
/// are lifted, which is reported.
fn make_monotonic(buckets: &mut [Bucket]) -> bool {
    let mut forced = false;
    let mut previous = buckets.first().map_or(0.0, |b| b.count);
    for b in buckets.iter_mut().skip(1) {
        if b.count == previous {
            continue;
        }
        if almost_equal(previous, b.count) {
            b.count = previous;
        } else if b.count < previous {
            b.count = previous;
            forced = true;
        } else {
            previous = b.count;
        }
    }
    forced
}

fn almost_equal(a: f64, b: f64) -> bool {
    const TOLERANCE: f64 = 1e-12;
    if a.is_nan() && b.is_nan() || a == b {
        return true;
    }
    let sum = a.abs() + b.abs();
    let difference = (a - b).abs();
    if a == 0.0 || b == 0.0 || sum < f64::MIN_POSITIVE {
        return difference < TOLERANCE * f64::MIN_POSITIVE;
    }
    difference / sum.min(f64::MAX) < TOLERANCE
}

fn bucket_quantile(q: f64, buckets: &mut Vec<Bucket>) -> (f64, bool) {
    if q.is_nan() {
        return (f64::NAN, false);
    }
    if q < 0.0 {
        return (f64::NEG_INFINITY, false);
    }
    if q > 1.0 {
        return (f64::INFINITY, false);
    }
    if buckets.last().is_none_or(|b| b.upper != f64::INFINITY) {
        return (f64::NAN, false);
    }
    coalesce(buckets);
    let forced = make_monotonic(buckets);
    (interpolated(q, buckets), forced)
}

fn interpolated(q: f64, buckets: &[Bucket]) -> f64 {
    let [finite @ .., last] = buckets else {
        return f64::NAN;
    };
    let (Some(first), Some(highest)) = (finite.first(), finite.last()) else {
        return f64::NAN;
    };
    if last.count == 0.0 {
        return f64::NAN;
    }
    let rank = q * last.count;
    let at = finite.partition_point(|b| b.count.partial_cmp(&rank).is_none_or(Ordering::is_lt));
    let Some(bucket) = finite.get(at) else {
        return highest.upper;
    };
    if at == 0 && first.upper <= 0.0 {
        return first.upper;
    }
    let below = at.checked_sub(1).and_then(|n| finite.get(n));
    let (start, under) = below.map_or((0.0, 0.0), |b| (b.upper, b.count));
    start + (bucket.upper - start) * ((rank - under) / (bucket.count - under))
}

fn fraction(lower: f64, upper: f64, buckets: &mut Vec<Bucket>) -> f64 {
    if buckets.last().is_none_or(|b| b.upper != f64::INFINITY) {
        return f64::NAN;
    }
    coalesce(buckets);
    let count = buckets.last().map_or(0.0, |b| b.count);
    if count == 0.0 || lower.is_nan() || upper.is_nan() {
        return f64::NAN;
    }
    if lower >= upper {
        return 0.0;
    }
    let (lower, upper) = (
        rank_of(lower, buckets, count),
        rank_of(upper, buckets, count),
    );
    (upper - lower) / count
}

/// How many observations lie below `v`, interpolated within its bucket.
fn rank_of(v: f64, buckets: &[Bucket], count: f64) -> f64 {
    let mut rank = 0.0;
    let mut below = f64::NEG_INFINITY;
    for (n, b) in buckets.iter().enumerate() {
        if below >= v {
            return f64::min(rank, count);
        }
        if b.upper > v {
            let start = if n == 0 && b.upper > 0.0 { 0.0 } else { below };
            let at = rank + (b.count - rank) * (v - start) / (b.upper - start);
            return if at > count { count } else { at };
        }
        rank = b.count;
        below = b.upper;
    }
    count
}
