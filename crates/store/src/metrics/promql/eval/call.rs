//! Function calls: which function does what.

use std::f64::consts::PI;

use super::label_calls::absent_labels;
use super::range::range_function;
use super::time::calendar_function;
use super::{
    EvalError, Evaluated, Evaluator, Series, Value, absent, is_absent, map_values, math, merged,
};
use crate::metrics::labels::Labels;
use crate::metrics::promql::ast::{Expr, Function, Node};

impl Evaluator<'_> {
    pub(super) fn call(&self, f: &Function, args: &[Expr], call: &Expr) -> Evaluated<Value> {
        let first = args.first();
        if let Some(range) = range_function(f.name) {
            let (vector, scalar) = match (f.name, args) {
                ("quantile_over_time", [phi, vector]) => (Some(vector), Some(phi)),
                (_, [vector, scalar]) => (Some(vector), Some(scalar)),
                _ => (first, None),
            };
            if let Some(vector) = vector {
                return self.range_call(f.name, range, vector, scalar);
            }
        }
        if let Some(calendar) = calendar_function(f.name) {
            return self.calendar(calendar, first);
        }
        match (f.name, args) {
            ("time", _) => Ok(Value::Scalar(self.times())),
            ("pi", _) => Ok(Value::Scalar(vec![PI; self.grid.len])),
            ("vector", [v]) => Ok(Value::Vector(vec![Series {
                labels: Labels::default(),
                values: self.scalar(v)?,
            }])),
            ("scalar", [v]) => self.to_scalar(v),
            ("absent", [v]) => self.absent(v),
            ("absent_over_time", [v]) => self.absent_over_time(v),
            ("timestamp", [v]) => self.timestamp(v),
            ("sort", [v]) => self.sort(v, call, false),
            ("sort_desc", [v]) => self.sort(v, call, true),
            ("label_replace", _) => self.label_replace(args),
            ("label_join", _) => self.label_join(args),
            ("histogram_quantile", [phi, v]) => self.histogram_quantile(phi, v),
            ("histogram_fraction", _) => self.histogram_fraction(args),
            ("clamp", [v, low, high]) => self.clamp(v, Some(low), Some(high)),
            ("clamp_min", [v, low]) => self.clamp(v, Some(low), None),
            ("clamp_max", [v, high]) => self.clamp(v, None, Some(high)),
            ("round", [v, rest @ ..]) => self.round(v, rest.first()),
            (name, [v]) if name.starts_with("histogram_") => {
                // These want native histograms; floats have nothing to give.
                self.vector(v)?;
                Ok(Value::Vector(Vec::new()))
            }
            (name, [v]) => match elementwise(name) {
                Some(g) => Ok(Value::Vector(merged(map_values(self.vector(v)?, g))?)),
                None => Err(unsupported(name)),
            },
            (name, _) => Err(unsupported(name)),
        }
    }

    #[expect(clippy::cast_precision_loss, reason = "times fit well into 53 bits")]
    fn times(&self) -> Vec<f64> {
        self.grid.times().map(|t| t as f64 / 1000.0).collect()
    }

    fn calendar(&self, f: fn(f64) -> f64, arg: Option<&Expr>) -> Evaluated<Value> {
        let series = match arg {
            Some(v) => self.vector(v)?,
            None => vec![Series {
                labels: Labels::default(),
                values: self.times(),
            }],
        };
        Ok(Value::Vector(merged(map_values(series, f))?))
    }

    fn to_scalar(&self, vector: &Expr) -> Evaluated<Value> {
        let series = self.vector(vector)?;
        let single = |n: usize| {
            let mut present = series
                .iter()
                .filter_map(|s| s.values.get(n))
                .filter(|v| !is_absent(**v));
            match (present.next(), present.next()) {
                (Some(v), None) => *v,
                _ => f64::NAN,
            }
        };
        Ok(Value::Scalar((0..self.grid.len).map(single).collect()))
    }

    fn absent(&self, vector: &Expr) -> Evaluated<Value> {
        let series = self.vector(vector)?;
        let values = (0..self.grid.len).map(|n| {
            let any = series
                .iter()
                .any(|s| s.values.get(n).is_some_and(|v| !is_absent(*v)));
            if any { absent() } else { 1.0 }
        });
        Ok(Value::Vector(vec![Series {
            labels: absent_labels(vector),
            values: values.collect(),
        }]))
    }

    fn absent_over_time(&self, vector: &Expr) -> Evaluated<Value> {
        let window = self.window_of(vector)?;
        let mut values = vec![1.0; self.grid.len];
        self.each_series(vector, |_, samples| {
            self.count_queryable(self.seen(samples, window));
            for (v, t) in values.iter_mut().zip(self.grid.times()) {
                let (after, until) = window.bounds(t);
                let next = samples.partition_point(|s| s.t <= after);
                if samples.get(next).is_some_and(|s| s.t <= until) {
                    *v = absent();
                }
            }
            Ok(())
        })?;
        Ok(Value::Vector(vec![Series {
            labels: absent_labels(vector),
            values,
        }]))
    }

    fn timestamp(&self, vector: &Expr) -> Evaluated<Value> {
        if let Node::Selector(s) = &vector.unwrapped().node {
            return Ok(Value::Vector(merged(map_values(
                self.instant_timestamps(s)?,
                |v| v,
            ))?));
        }
        let times = self.times();
        let mut series = self.vector(vector)?;
        for s in &mut series {
            s.labels = s.labels.without_name();
            for (v, t) in s.values.iter_mut().zip(&times) {
                if !is_absent(*v) {
                    *v = *t;
                }
            }
        }
        Ok(Value::Vector(merged(series)?))
    }

    fn clamp(&self, v: &Expr, low: Option<&Expr>, high: Option<&Expr>) -> Evaluated<Value> {
        let low = low.map(|e| self.scalar(e)).transpose()?;
        let high = high.map(|e| self.scalar(e)).transpose()?;
        let mut series = self.vector(v)?;
        for s in &mut series {
            s.labels = s.labels.without_name();
            for (n, v) in s
                .values
                .iter_mut()
                .enumerate()
                .filter(|(_, v)| !is_absent(**v))
            {
                let low = low.as_ref().and_then(|l| l.get(n)).copied();
                let high = high.as_ref().and_then(|h| h.get(n)).copied();
                *v = match (low, high) {
                    (Some(l), Some(h)) if h < l => absent(),
                    (Some(l), Some(h)) => math::max(l, math::min(h, *v)),
                    (Some(l), None) => math::max(l, *v),
                    (None, Some(h)) => math::min(h, *v),
                    (None, None) => *v,
                };
            }
        }
        Ok(Value::Vector(merged(series)?))
    }

    fn round(&self, v: &Expr, to: Option<&Expr>) -> Evaluated<Value> {
        let to = to.map(|e| self.scalar(e)).transpose()?;
        let mut series = self.vector(v)?;
        for s in &mut series {
            s.labels = s.labels.without_name();
            for (n, v) in s
                .values
                .iter_mut()
                .enumerate()
                .filter(|(_, v)| !is_absent(**v))
            {
                let inverse = 1.0 / to.as_ref().and_then(|t| t.get(n)).copied().unwrap_or(1.0);
                *v = (*v * inverse + 0.5).floor() / inverse;
            }
        }
        Ok(Value::Vector(merged(series)?))
    }
}

fn unsupported(name: &str) -> EvalError {
    EvalError::Execution(format!("function {name:?} is not supported"))
}

fn elementwise(name: &str) -> Option<fn(f64) -> f64> {
    Some(match name {
        "abs" => f64::abs,
        "ceil" => f64::ceil,
        "floor" => f64::floor,
        "exp" => f64::exp,
        "sqrt" => f64::sqrt,
        "ln" => f64::ln,
        "log2" => f64::log2,
        "log10" => f64::log10,
        "sin" => f64::sin,
        "cos" => f64::cos,
        "tan" => f64::tan,
        "asin" => f64::asin,
        "acos" => f64::acos,
        "atan" => f64::atan,
        "sinh" => f64::sinh,
        "cosh" => f64::cosh,
        "tanh" => f64::tanh,
        "asinh" => f64::asinh,
        "acosh" => f64::acosh,
        "atanh" => f64::atanh,
        "rad" => |v| v * PI / 180.0,
        "deg" => |v| v * 180.0 / PI,
        "sgn" => |v| {
            if v < 0.0 {
                -1.0
            } else if v > 0.0 {
                1.0
            } else {
                v
            }
        },
        _ => return None,
    })
}
