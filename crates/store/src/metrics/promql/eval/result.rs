//! From the evaluator's values to answers.

use super::{EvalError, Evaluated, Evaluator, Series, Value, is_absent};
use crate::metrics::Sample;
use crate::metrics::labels::Labels;
use crate::metrics::promql::ast::{Expr, Node};

/// What a query gave.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// The data.
    pub answer: Answer,
    /// Something is probably wrong with the answer.
    pub warnings: Vec<String>,
    /// Something may be wrong with the query.
    pub infos: Vec<String>,
    /// How many samples were loaded.
    pub samples: usize,
    /// How many samples the steps saw, each step's counted anew.
    pub queryable: usize,
}

/// The data of an answer.
#[derive(Debug, Clone)]
pub enum Answer {
    /// One number at the time of the query.
    Scalar(Sample),
    /// A string.
    Text(String),
    /// One sample per series.
    Vector(Vec<(Labels, Sample)>),
    /// Samples per series.
    Matrix(Vec<RangeSeries>),
}

/// A series with its samples.
#[derive(Debug, Clone)]
pub struct RangeSeries {
    /// Its labels.
    pub labels: Labels,
    /// Its samples, in order of time.
    pub samples: Vec<Sample>,
}

pub(super) fn answer(ev: &Evaluator<'_>, expr: &Expr) -> Evaluated<Answer> {
    let inner = expr.unwrapped();
    if matches!(inner.node, Node::Matrix(..) | Node::Subquery(_)) {
        return range_vector(ev, inner);
    }
    let grid = ev.grid;
    let value = ev.expr(expr)?;
    if ev.shared.instant {
        let at = |v: &[f64]| Sample {
            t: grid.start,
            v: v.first().copied().unwrap_or(f64::NAN),
        };
        return Ok(match value {
            Value::Scalar(values) => Answer::Scalar(at(&values)),
            Value::Text(t) => Answer::Text(t),
            Value::Vector(series) => Answer::Vector(
                series
                    .into_iter()
                    .filter(|s| s.values.first().is_some_and(|v| !is_absent(*v)))
                    .map(|s| (s.labels, at(&s.values)))
                    .collect(),
            ),
        });
    }
    let series = match value {
        Value::Scalar(values) => vec![Series {
            labels: Labels::default(),
            values,
        }],
        Value::Vector(series) => series,
        Value::Text(_) => {
            return Err(EvalError::Execution(
                "a string cannot be evaluated over a range".to_owned(),
            ));
        }
    };
    let mut matrix: Vec<RangeSeries> = series
        .into_iter()
        .map(|s| RangeSeries {
            labels: s.labels,
            samples: grid
                .times()
                .zip(s.values)
                .filter(|(_, v)| !is_absent(*v))
                .map(|(t, v)| Sample { t, v })
                .collect(),
        })
        .filter(|s| !s.samples.is_empty())
        .collect();
    matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(Answer::Matrix(matrix))
}

/// A range vector as the whole answer of an instant query.
fn range_vector(ev: &Evaluator<'_>, expr: &Expr) -> Evaluated<Answer> {
    let window = ev.window_of(expr)?;
    let (from, to) = window.bounds(ev.grid.start);
    let mut matrix = Vec::new();
    ev.each_series(expr, |labels, samples| {
        ev.count_queryable(ev.seen(samples, window));
        let within = samples.iter().filter(|s| s.t > from && s.t <= to);
        let samples: Vec<Sample> = within.copied().collect();
        if !samples.is_empty() {
            let labels = labels.clone();
            matrix.push(RangeSeries { labels, samples });
        }
        Ok(())
    })?;
    matrix.sort_by(|a, b| a.labels.cmp(&b.labels));
    Ok(Answer::Matrix(matrix))
}
