//! Evaluates LogQL: lines through pipelines, and vectors step by step.

mod binary;
mod lines;
mod range;
mod run;
mod series;
mod vector;

use std::collections::HashMap;
use std::sync::Arc;

pub(crate) use binary::arithmetic;
pub(crate) use lines::{Direction, Row, lines};
pub(crate) use run::{Cancel, Cost, Run};

use super::labels::Labels;
use super::logql::{Binary, SampleExpr, VectorOp};

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
    #[error(
        "request timed out, decrease the duration of the request or add more label matchers (prefer exact match over regex match) to reduce the amount of data processed"
    )]
    Timeout,
    /// Nobody waits for the answer any more.
    #[error("the request was cancelled by the client")]
    Cancelled,
    /// More series than a query may give.
    #[error(
        "maximum number of series ({0}) reached for a single query; consider reducing query cardinality by adding more specific stream selectors, reducing the time range, or aggregating results with functions like sum(), count() or topk()"
    )]
    TooManySeries(usize),
    /// The streams hold more than a query may read.
    #[error(
        "the query would read too many bytes (query: {0}, limit: {1}); consider adding more specific stream selectors or reduce the time range of the query"
    )]
    TooManyBytes(String, String),
    /// Something that has to be switched on first.
    #[error("{0}")]
    Disabled(&'static str),
}

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
        (self.end.saturating_sub(self.start) / self.step.max(1)) as usize + 1
    }

    /// The time of one of them.
    pub(crate) fn at(&self, index: usize) -> i64 {
        let passed = self.step.saturating_mul(index as i64);
        self.start.saturating_add(passed)
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
    run: &'a Run<'a>,
    steps: Steps,
}

impl<'a> Eval<'a> {
    /// In `run`, at `steps`.
    pub(crate) const fn new(run: &'a Run<'a>, steps: Steps) -> Self {
        Self { run, steps }
    }

    /// What comes of an operator whose left side is known.
    fn joined(&self, expr: &Binary, left: Vectors) -> Result<Vectors, EvalError> {
        let right = self.vectors(&expr.right)?;
        left.into_iter()
            .zip(right)
            .map(|(left, right)| binary::join(expr, left, right))
            .collect()
    }

    /// The vectors of an expression, one for every step.
    ///
    /// # Errors
    /// [`EvalError`].
    pub(crate) fn vectors(&self, expr: &SampleExpr) -> Result<Vectors, EvalError> {
        self.run.check()?;
        match expr {
            SampleExpr::Literal(n) | SampleExpr::Scalar(n) => Ok(vec![
                vec![Sample {
                    labels: Arc::default(),
                    value: *n,
                }];
                self.steps.count()
            ]),
            SampleExpr::Range(agg) => range::vectors(self, agg, None),
            SampleExpr::Vector(agg) => {
                if agg.op == VectorOp::ApproxTopk
                    && !self.run.store.config().experimental.approx_topk
                {
                    return Err(EvalError::Disabled(
                        "approx_topk is not enabled. See -limits.shard_aggregations",
                    ));
                }
                let inner = match &*agg.inner {
                    SampleExpr::Range(inner) => range::vectors(self, inner, Some(agg))?,
                    other => self.vectors(other)?,
                };
                Ok(inner
                    .into_iter()
                    .map(|samples| vector::aggregate(agg, samples))
                    .collect())
            }
            SampleExpr::Binary(expr) => {
                // `a + b + c` leans to the left, as far as it is long: that side is gone down
                // without recursion, for which there might not be stack enough.
                let (mut lowest, mut above) = (expr, Vec::new());
                while let SampleExpr::Binary(inner) = &*lowest.left {
                    above.push(lowest);
                    lowest = inner;
                }
                let mut value = self.joined(lowest, self.vectors(&lowest.left)?)?;
                for expr in above.into_iter().rev() {
                    value = self.joined(expr, value)?;
                }
                Ok(value)
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
