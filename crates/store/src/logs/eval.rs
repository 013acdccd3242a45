//! Evaluates LogQL: lines through pipelines, and vectors step by step.

mod binary;
mod range;
mod vector;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

pub(crate) use binary::arithmetic;

use super::labels::Labels;
use super::logql::{LogExpr, SampleExpr};
use super::pipeline::{self, Hints, Origin, Work};
use super::storage::Logs;

/// Why a query has no answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EvalError {
    /// Lines whose labels hold an error cannot become numbers.
    #[error(
        "pipeline error: '{kind}' for series: '{labels}'.\nUse a label filter to intentionally skip this error. (e.g | __error__!=\"{kind}\").\nTo skip all potential errors you can match empty errors.(e.g __error__=\"\")\nThe label filter can also be specified after unwrap. (e.g | unwrap latency | __error__=\"\" )\n"
    )]
    Pipeline {
        /// Which error.
        kind: String,
        /// The line's labels.
        labels: String,
    },
    /// Series of two vectors do not find each other as the query says.
    #[error("{0}")]
    Matching(&'static str),
    /// It took too long.
    #[error("context deadline exceeded")]
    Timeout,
    /// More series than a query may give.
    #[error("maximum of series ({0}) reached for a single query")]
    TooManySeries(usize),
}

/// The most series that a query may give (`max_query_series`).
pub(crate) const MAX_SERIES: usize = 500;

/// The times at which a query is asked, in nanoseconds.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Steps {
    /// The first.
    pub start: i64,
    /// Not after this.
    pub end: i64,
    /// Between two.
    pub step: i64,
}

impl Steps {
    fn count(&self) -> usize {
        if self.end < self.start {
            return 0;
        }
        ((self.end - self.start) / self.step.max(1)) as usize + 1
    }

    fn at(&self, index: usize) -> i64 {
        self.start + self.step * index as i64
    }
}

/// One number of a vector.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sample {
    /// The series' labels.
    pub labels: Arc<Labels>,
    /// The number.
    pub value: f64,
}

/// The vector at every step.
pub(crate) type Vectors = Vec<Vec<Sample>>;

/// What an expression is evaluated with.
pub(crate) struct Eval<'a> {
    store: &'a Logs,
    steps: Steps,
    started: Instant,
}

impl<'a> Eval<'a> {
    /// Over `store`, at `steps`.
    pub(crate) fn new(store: &'a Logs, steps: Steps) -> Self {
        Self {
            store,
            steps,
            started: Instant::now(),
        }
    }

    fn check_time(&self) -> Result<(), EvalError> {
        if self.started.elapsed() > self.store.config().query_timeout {
            return Err(EvalError::Timeout);
        }
        Ok(())
    }

    /// The vectors of an expression, one for every step.
    ///
    /// # Errors
    /// [`EvalError`].
    pub(crate) fn vectors(&self, expr: &SampleExpr) -> Result<Vectors, EvalError> {
        self.check_time()?;
        match expr {
            SampleExpr::Literal(n) | SampleExpr::Scalar(n) => Ok(vec![
                vec![Sample {
                    labels: Arc::default(),
                    value: *n,
                }];
                self.steps.count()
            ]),
            SampleExpr::Range(agg) => range::vectors(self, agg, &range::hints(agg, None)),
            SampleExpr::Vector(agg) => {
                let inner = match &*agg.inner {
                    SampleExpr::Range(inner) => {
                        range::vectors(self, inner, &range::hints(inner, Some(agg)))?
                    }
                    other => self.vectors(other)?,
                };
                Ok(inner
                    .into_iter()
                    .map(|samples| vector::aggregate(agg, samples))
                    .collect())
            }
            SampleExpr::Binary(expr) => {
                let left = self.vectors(&expr.left)?;
                let right = self.vectors(&expr.right)?;
                left.into_iter()
                    .zip(right)
                    .map(|(left, right)| binary::join(expr, left, right))
                    .collect()
            }
            SampleExpr::LabelReplace {
                inner,
                target,
                replacement,
                source,
                regex,
                ..
            } => {
                let mut cache: HashMap<Arc<Labels>, Arc<Labels>> = HashMap::new();
                let mut replace = |labels: &Arc<Labels>| {
                    let made = cache.entry(Arc::clone(labels)).or_insert_with(|| {
                        let value = labels.get(source).unwrap_or("");
                        let Some(captures) = regex.captures(value) else {
                            return Arc::clone(labels);
                        };
                        let mut text = String::new();
                        captures.expand(replacement, &mut text);
                        let mut made = Labels::clone(labels);
                        if text.is_empty() {
                            made.remove(target);
                        } else {
                            made.set(target, text);
                        }
                        Arc::new(made)
                    });
                    Arc::clone(made)
                };
                let mut vectors = self.vectors(inner)?;
                for sample in vectors.iter_mut().flatten() {
                    sample.labels = replace(&sample.labels);
                }
                Ok(vectors)
            }
        }
    }
}

/// A line that a query gives.
#[derive(Clone, Debug)]
pub(crate) struct Row {
    /// Nanoseconds since the epoch.
    pub ts: i64,
    /// The line after the pipeline.
    pub line: String,
    /// All labels.
    pub labels: Labels,
    /// The stream's labels that are left, structured metadata, parsed labels.
    pub parts: [Labels; 3],
}

/// Newest or oldest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    /// Oldest first.
    Forward,
    /// Newest first.
    Backward,
}

/// The lines of a log query within `start <= ts < end`, at most `limit`; `interval` leaves out
/// lines that come sooner than that after the last one of the answer.
///
/// # Errors
/// [`EvalError::Timeout`].
pub(crate) fn lines(
    store: &Logs,
    log: &LogExpr,
    bounds: (i64, i64),
    direction: Direction,
    limit: usize,
    interval: i64,
) -> Result<Vec<Row>, EvalError> {
    let selected = store.select(&log.matchers, bounds.0, bounds.1);
    let mut order: Vec<(i64, usize, usize)> = selected
        .iter()
        .enumerate()
        .flat_map(|(s, stream)| {
            stream
                .entries
                .iter()
                .enumerate()
                .map(move |(e, entry)| (entry.ts, s, e))
        })
        .collect();
    order.sort_unstable();
    if direction == Direction::Backward {
        order.reverse();
    }
    let hints = Hints::default();
    let started = Instant::now();
    let mut out = Vec::new();
    let mut last: Option<i64> = None;
    for (at, (ts, stream, entry)) in order.into_iter().enumerate() {
        if at % 4096 == 0 && started.elapsed() > store.config().query_timeout {
            return Err(EvalError::Timeout);
        }
        if out.len() >= limit {
            break;
        }
        let entry = &selected[stream].entries[entry];
        let mut work = Work::new(&selected[stream].labels, &entry.metadata, ts, &entry.line);
        if !pipeline::run(&log.stages, &mut work, &hints) {
            continue;
        }
        if interval > 0 && last.is_some_and(|last| (ts - last).abs() < interval) {
            continue;
        }
        last = Some(ts);
        out.push(Row {
            ts,
            labels: work.result(),
            parts: [Origin::Stream, Origin::Metadata, Origin::Parsed].map(|o| work.of(o)),
            line: work.line.into_owned(),
        });
    }
    Ok(out)
}
