//! Functions of range vectors: one window of samples at a time.

use super::math::{KahanSum, Mean, Variance, quantile};
use super::{Evaluated, Evaluator, Series, Value, absent, unique};
use crate::metrics::labels::NAME;
use crate::metrics::promql::ast::{Expr, Node};
use crate::metrics::text::quote;
use crate::metrics::{MatchOp, Sample};

/// The window that a function sees at one step.
pub(super) struct View<'a> {
    samples: &'a [Sample],
    /// The window's ends, milliseconds.
    start: i64,
    end: i64,
    /// The step's own time.
    t: i64,
    /// Whether any of the series' values is below the one before.
    falls: bool,
    /// The scalar argument at this step, if there is one.
    arg: f64,
}

/// How many samples may be looked at before somebody asks whether there is time left.
const SAMPLES_BETWEEN_CHECKS: usize = 1 << 20;

type RangeFunction = fn(&View<'_>) -> Option<f64>;

/// The function with this name, if it is one of range vectors.
pub(super) fn range_function(name: &str) -> Option<RangeFunction> {
    Some(match name {
        "rate" => |w| extrapolated(w, true).map(|v| v / seconds(w.end - w.start)),
        "increase" => |w| extrapolated(w, true),
        "delta" => |w| extrapolated(w, false),
        "irate" => |w| instant_change(w, true),
        "idelta" => |w| instant_change(w, false),
        "deriv" => |w| {
            let first = w.samples.first().filter(|_| w.samples.len() > 1)?;
            Some(regression(w.samples, first.t).0)
        },
        "predict_linear" => |w| {
            w.samples.get(1)?;
            let (slope, intercept) = regression(w.samples, w.t);
            Some(slope * w.arg + intercept)
        },
        "avg_over_time" => |w| {
            let mut mean = Mean::default();
            w.samples.iter().for_each(|s| mean.add(s.v));
            Some(mean.value())
        },
        "sum_over_time" => |w| {
            let mut sum = KahanSum::default();
            w.samples.iter().for_each(|s| sum.add(s.v));
            Some(sum.total())
        },
        "stddev_over_time" => |w| variance(w).map(f64::sqrt),
        "stdvar_over_time" => variance,
        "min_over_time" => |w| extreme(w, |v, best| v < best),
        "max_over_time" => |w| extreme(w, |v, best| v > best),
        "count_over_time" => |w| Some(count(w.samples.len())),
        "last_over_time" => |w| w.samples.last().map(|s| s.v),
        "first_over_time" => |w| w.samples.first().map(|s| s.v),
        "present_over_time" => |_| Some(1.0),
        "changes" => |w| {
            let changed = |p: &[Sample]| p[0].v != p[1].v && !(p[0].v.is_nan() && p[1].v.is_nan());
            Some(count(w.samples.windows(2).filter(|p| changed(p)).count()))
        },
        "resets" => |w| {
            Some(count(
                w.samples.windows(2).filter(|p| p[1].v < p[0].v).count(),
            ))
        },
        "quantile_over_time" => |w| {
            let mut values: Vec<f64> = w.samples.iter().map(|s| s.v).collect();
            Some(quantile(w.arg, &mut values))
        },
        _ => return None,
    })
}

impl Evaluator<'_> {
    pub(super) fn range_call(
        &self,
        name: &str,
        f: RangeFunction,
        vector: &Expr,
        scalar: Option<&Expr>,
    ) -> Evaluated<Value> {
        let args = scalar.map(|e| self.scalar(e)).transpose()?;
        let window = self.window_of(vector)?;
        let keeps_name = matches!(name, "last_over_time" | "first_over_time");
        let counts = matches!(name, "rate" | "increase");
        let quantiles = scalar.filter(|_| name == "quantile_over_time");
        let (mut out, mut seen) = (Vec::new(), 0);
        self.each_series(vector, |labels, samples| {
            if let (Some(args), Some(at), true) = (&args, quantiles, out.is_empty()) {
                self.warn_quantiles(args, at);
            }
            self.count_steps()?;
            let falls = samples.windows(2).any(|p| p[1].v < p[0].v);
            let mut values = Vec::with_capacity(self.grid.len);
            let (mut first, mut next, mut any) = (0, 0, false);
            let mut looked_at = 0;
            for (n, t) in self.grid.times().enumerate() {
                let (start, end) = window.bounds(t);
                while samples.get(next).is_some_and(|s| s.t <= end) {
                    next += 1;
                }
                while first < next && samples.get(first).is_some_and(|s| s.t <= start) {
                    first += 1;
                }
                let samples = samples.get(first..next).unwrap_or_default();
                seen += samples.len();
                looked_at += samples.len() + 1;
                if looked_at > SAMPLES_BETWEEN_CHECKS {
                    looked_at = 0;
                    self.check()?;
                }
                let value = if samples.is_empty() {
                    None
                } else {
                    let arg = args.as_ref().and_then(|a| a.get(n)).copied();
                    f(&View {
                        samples,
                        start,
                        end,
                        t,
                        falls,
                        arg: arg.unwrap_or(f64::NAN),
                    })
                };
                any |= value.is_some();
                values.push(value.unwrap_or(absent()));
            }
            self.check()?;
            if any && counts {
                self.doubt_counter(labels.name(), vector);
            }
            if any {
                let labels = if keeps_name {
                    labels.clone()
                } else {
                    labels.without_name()
                };
                out.push(Series { labels, values });
            }
            Ok(())
        })?;
        self.count_queryable(seen);
        if keeps_name || of_one_metric(vector) {
            return Ok(Value::Vector(out));
        }
        Ok(Value::Vector(unique(out)?))
    }

    /// Says so when the name of something rated does not look like a counter's.
    fn doubt_counter(&self, name: &str, at: &Expr) {
        let counter = ["_total", "_sum", "_count", "_bucket"];
        if name.is_empty() || counter.iter().any(|end| name.ends_with(end)) {
            return;
        }
        let message = format!(
            "metric might not be a counter, name does not end in _total/_sum/_count/_bucket: {}",
            quote(name)
        );
        self.info(&message, at);
    }
}

/// Whether all series have the same name, so that they still differ without it.
fn of_one_metric(vector: &Expr) -> bool {
    let Node::Matrix(selector, _) = &vector.unwrapped().node else {
        return false;
    };
    let mut matchers = selector.matchers.iter();
    matchers.any(|m| m.name == NAME && m.op == MatchOp::Equal)
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
const fn seconds(ms: i64) -> f64 {
    ms as f64 / 1000.0
}

#[expect(clippy::cast_precision_loss, reason = "far below 2^53")]
const fn count(n: usize) -> f64 {
    n as f64
}

/// Growth within the window, extrapolated to its ends as far as the samples' spacing
/// allows; a counter is not taken below zero.
fn extrapolated(w: &View<'_>, counter: bool) -> Option<f64> {
    let (first, last) = (w.samples.first()?, w.samples.last()?);
    if w.samples.len() < 2 {
        return None;
    }
    let mut result = last.v - first.v;
    if counter && w.falls {
        for pair in w.samples.windows(2) {
            if pair[1].v < pair[0].v {
                result += pair[0].v;
            }
        }
    }
    let sampled = seconds(last.t - first.t);
    let average = sampled / count(w.samples.len() - 1);
    let threshold = average * 1.1;
    let mut to_start = seconds(first.t - w.start);
    let mut to_end = seconds(w.end - last.t);
    if to_start >= threshold {
        to_start = average / 2.0;
    }
    if counter && result > 0.0 && first.v >= 0.0 {
        to_start = to_start.min(sampled * (first.v / result));
    }
    if to_end >= threshold {
        to_end = average / 2.0;
    }
    Some(result * ((sampled + to_start + to_end) / sampled))
}

fn instant_change(w: &View<'_>, rate: bool) -> Option<f64> {
    let [.., previous, last] = w.samples else {
        return None;
    };
    let interval = last.t - previous.t;
    if interval == 0 {
        return None;
    }
    if !rate {
        return Some(last.v - previous.v);
    }
    let change = if last.v < previous.v {
        last.v
    } else {
        last.v - previous.v
    };
    Some(change / seconds(interval))
}

fn variance(w: &View<'_>) -> Option<f64> {
    let mut variance = Variance::default();
    w.samples.iter().for_each(|s| variance.add(s.v));
    Some(variance.value())
}

fn extreme(w: &View<'_>, better: impl Fn(f64, f64) -> bool) -> Option<f64> {
    let mut best = w.samples.first()?.v;
    for s in w.samples {
        if better(s.v, best) || best.is_nan() {
            best = s.v;
        }
    }
    Some(best)
}

/// Slope and intercept at `intercept_t` of the least squares line.
fn regression(samples: &[Sample], intercept_t: i64) -> (f64, f64) {
    let first = samples.first().map_or(f64::NAN, |s| s.v);
    if samples.iter().skip(1).all(|s| s.v == first) {
        if first.is_infinite() {
            return (f64::NAN, f64::NAN);
        }
        return (0.0, first);
    }
    let (mut x_sum, mut y_sum) = (KahanSum::default(), KahanSum::default());
    let (mut xy_sum, mut xx_sum) = (KahanSum::default(), KahanSum::default());
    for s in samples {
        let x = seconds(s.t - intercept_t);
        x_sum.add(x);
        y_sum.add(s.v);
        xy_sum.add(x * s.v);
        xx_sum.add(x * x);
    }
    let n = count(samples.len());
    let [x, y, xy, xx] = [x_sum, y_sum, xy_sum, xx_sum].map(|k| k.sum + k.c);
    let slope = (xy - x * y / n) / (xx - x * x / n);
    (slope, y / n - slope * x / n)
}
