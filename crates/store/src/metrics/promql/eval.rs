//! Evaluating a query series by series over its whole range.
//!
//! Every expression gives, for each of its series, one value per step (or none). An instant
//! query is a range of one step. Semantics are those of Prometheus 3
//! (<https://prometheus.io/docs/prometheus/latest/querying/basics/>).

use std::cell::{Cell, RefCell};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::time::Instant;

mod aggregate;
mod annotations;
mod binary;
mod call;
mod groups;
mod histogram;
mod label_calls;
mod math;
mod range;
mod result;
mod select;
mod sets;
mod time;

use super::ast::{Expr, Node, Sign, Type};
use crate::metrics::head::Head;
use crate::metrics::labels::Labels;
use crate::metrics::{STALE_BITS, stale};
use annotations::Annotations;
pub use result::{Answer, Outcome, RangeSeries};

/// How long an instant selector looks back for the last sample.
pub const LOOKBACK: Duration = Duration::from_secs(5 * 60);
/// The step of subqueries that name none (Prometheus' default evaluation interval).
const SUBQUERY_STEP_MS: i64 = 60_000;

/// What to evaluate, and when.
#[derive(Debug, Clone)]
pub struct Request<'a> {
    /// The query's text; answers name places in it.
    pub query: &'a str,
    /// The parsed query.
    pub expr: &'a Expr,
    /// Time of the first step, milliseconds since the epoch.
    pub start: i64,
    /// Time of the last step at most.
    pub end: i64,
    /// Milliseconds between steps; `None` for an instant query at `start`.
    pub step: Option<i64>,
    /// How long an instant selector looks back.
    pub lookback: Duration,
    /// Samples that may be loaded.
    pub max_samples: usize,
    /// When to give up.
    pub deadline: Option<Instant>,
}

/// Why an evaluation failed; the texts are Prometheus'.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum EvalError {
    /// The query cannot be evaluated on this data.
    #[error("{0}")]
    Execution(String),
    /// It took longer than allowed.
    #[error("query timed out in expression evaluation")]
    Timeout,
    /// Nobody waits for the answer any more.
    #[error("query was canceled in expression evaluation")]
    Canceled,
    /// It loads more samples than allowed.
    #[error("query processing would load too many samples into memory in query execution")]
    TooManySamples,
}

impl From<String> for EvalError {
    fn from(message: String) -> Self {
        Self::Execution(message)
    }
}

/// Evaluates a request; setting `cancel` ends it early.
///
/// # Errors
/// [`EvalError`]; nothing partial is given.
pub fn evaluate(
    head: &Head,
    request: &Request<'_>,
    cancel: &AtomicBool,
) -> Result<Outcome, EvalError> {
    let shared = Shared {
        head,
        query: request.query,
        start: request.start,
        end: if request.step.is_some() {
            request.end
        } else {
            request.start
        },
        instant: request.step.is_none(),
        lookback: i64::try_from(request.lookback.as_millis()).unwrap_or(i64::MAX),
        max_samples: request.max_samples,
        samples: Cell::new(0),
        steps: Cell::new(0),
        queryable: Cell::new(0),
        deadline: request.deadline,
        cancel,
        annotations: RefCell::default(),
    };
    let ev = Evaluator {
        shared: &shared,
        grid: Grid::new(request.start, shared.end, request.step.unwrap_or(1)),
        inner: false,
    };
    let answer = result::answer(&ev, request.expr)?;
    let (warnings, infos) = shared.annotations.into_inner().into_lists();
    Ok(Outcome {
        answer,
        warnings,
        infos,
        samples: shared.samples.get(),
        queryable: shared.queryable.get(),
    })
}

/// What one query shares among its nested evaluations.
struct Shared<'a> {
    head: &'a Head,
    query: &'a str,
    start: i64,
    end: i64,
    instant: bool,
    lookback: i64,
    max_samples: usize,
    samples: Cell<usize>,
    /// Steps for which series have room, with a value or without.
    steps: Cell<usize>,
    /// Samples that the steps of the query saw, each step's counted anew.
    queryable: Cell<usize>,
    deadline: Option<Instant>,
    cancel: &'a AtomicBool,
    annotations: RefCell<Annotations>,
}

/// The steps at which an expression is evaluated.
#[derive(Debug, Clone, Copy)]
struct Grid {
    start: i64,
    step: i64,
    len: usize,
}

impl Grid {
    fn new(start: i64, end: i64, step: i64) -> Self {
        let step = step.max(1);
        let len = usize::try_from(end.saturating_sub(start) / step).map_or(0, |n| n + 1);
        Self {
            start,
            step,
            len: if end < start { 0 } else { len },
        }
    }

    fn times(self) -> impl Iterator<Item = i64> {
        (0..self.len).map(move |n| self.time(n))
    }

    fn time(self, n: usize) -> i64 {
        let passed = i64::try_from(n).unwrap_or(i64::MAX);
        self.start.saturating_add(passed.saturating_mul(self.step))
    }

    fn end(self) -> i64 {
        self.time(self.len.saturating_sub(1))
    }
}

/// A series' values, one per step; [`absent`] where there is none.
#[derive(Debug, Clone)]
struct Series {
    labels: Labels,
    values: Vec<f64>,
}

const fn is_absent(v: f64) -> bool {
    v.to_bits() == STALE_BITS
}

const fn absent() -> f64 {
    stale()
}

/// The value of an expression over the grid.
enum Value {
    Scalar(Vec<f64>),
    Vector(Vec<Series>),
    Text(String),
}

type Evaluated<T> = Result<T, EvalError>;

struct Evaluator<'a> {
    shared: &'a Shared<'a>,
    grid: Grid,
    /// Whether it evaluates the inside of a subquery.
    inner: bool,
}

impl<'a> Evaluator<'a> {
    fn on(&self, grid: Grid) -> Evaluator<'a> {
        Evaluator {
            shared: self.shared,
            grid,
            inner: true,
        }
    }

    /// Counts what the steps of the query see; a subquery counts by its results alone.
    fn count_queryable(&self, n: usize) {
        if !self.inner {
            let total = self.shared.queryable.get() + n;
            self.shared.queryable.set(total);
        }
    }

    fn expr(&self, expr: &Expr) -> Evaluated<Value> {
        self.check()?;
        Ok(match &expr.node {
            Node::Number(n) => Value::Scalar(vec![n.value; self.grid.len]),
            Node::Text(t) => Value::Text(t.clone()),
            Node::Paren(inner) => self.expr(inner)?,
            Node::Selector(s) => Value::Vector(self.instant_selector(s)?),
            Node::Unary(sign, inner) => self.unary(*sign, inner)?,
            Node::Binary(b) => self.binary(b)?,
            Node::Aggregate(a) => Value::Vector(self.aggregate(a)?),
            Node::Call(f, args) => self.call(f, args, expr)?,
            Node::Matrix(..) | Node::Subquery(_) => {
                return Err(EvalError::Execution(
                    "range vectors can only be given to functions".to_owned(),
                ));
            }
        })
    }

    fn vector(&self, expr: &Expr) -> Evaluated<Vec<Series>> {
        match self.expr(expr)? {
            Value::Vector(v) => Ok(v),
            Value::Scalar(_) | Value::Text(_) => Err(mismatch(expr, Type::Vector)),
        }
    }

    fn scalar(&self, expr: &Expr) -> Evaluated<Vec<f64>> {
        match self.expr(expr)? {
            Value::Scalar(v) => Ok(v),
            Value::Vector(_) | Value::Text(_) => Err(mismatch(expr, Type::Scalar)),
        }
    }

    fn text(&self, expr: &Expr) -> Evaluated<String> {
        match self.expr(expr)? {
            Value::Text(t) => Ok(t),
            Value::Vector(_) | Value::Scalar(_) => Err(mismatch(expr, Type::Text)),
        }
    }

    fn unary(&self, sign: Sign, inner: &Expr) -> Evaluated<Value> {
        let value = self.expr(inner)?;
        if sign == Sign::Plus {
            return Ok(value);
        }
        Ok(match value {
            Value::Scalar(values) => Value::Scalar(values.into_iter().map(|v| -v).collect()),
            Value::Vector(series) => Value::Vector(unique(map_values(series, |v| -v))?),
            Value::Text(_) => return Err(mismatch(inner, Type::Vector)),
        })
    }

    /// Gives up when the time has run out or nobody waits.
    fn check(&self) -> Evaluated<()> {
        if self.shared.cancel.load(Ordering::Relaxed) {
            return Err(EvalError::Canceled);
        }
        if self.shared.deadline.is_some_and(|d| Instant::now() >= d) {
            return Err(EvalError::Timeout);
        }
        Ok(())
    }

    fn count_samples(&self, n: usize) -> Evaluated<()> {
        let total = self.shared.samples.get() + n;
        self.shared.samples.set(total);
        if total > self.shared.max_samples {
            return Err(EvalError::TooManySamples);
        }
        self.check()
    }

    /// Counts the room that another series takes. Where there are fewer values than steps it may
    /// be twice the number of samples, before it is held to be too many.
    fn count_steps(&self) -> Evaluated<()> {
        let total = self.shared.steps.get().saturating_add(self.grid.len);
        self.shared.steps.set(total);
        if total > self.shared.max_samples.saturating_mul(2) {
            return Err(EvalError::TooManySamples);
        }
        Ok(())
    }

    fn warn(&self, message: &str, at: &Expr) {
        let place = super::place(self.shared.query, at.span.0);
        let mut all = self.shared.annotations.borrow_mut();
        all.warn(format!("PromQL warning: {message} ({place})"));
    }

    fn info(&self, message: &str, at: &Expr) {
        let place = super::place(self.shared.query, at.span.0);
        let mut all = self.shared.annotations.borrow_mut();
        all.info(format!("PromQL info: {message} ({place})"));
    }
}

fn mismatch(expr: &Expr, want: Type) -> EvalError {
    EvalError::Execution(format!(
        "expected {}, got {}",
        want.documented(),
        expr.value_type().documented()
    ))
}

/// Applies `f` to each value and drops the metric's name.
fn map_values(mut series: Vec<Series>, f: impl Fn(f64) -> f64) -> Vec<Series> {
    for s in &mut series {
        s.labels = s.labels.without_name();
        for v in &mut s.values {
            if !is_absent(*v) {
                *v = f(*v);
            }
        }
    }
    series
}

/// Refuses two series with the same labels.
fn unique(series: Vec<Series>) -> Evaluated<Vec<Series>> {
    let mut seen = std::collections::HashSet::with_capacity(series.len());
    if series.iter().all(|s| seen.insert(&s.labels)) {
        return Ok(series);
    }
    Err(same_labelset())
}

/// Joins series with the same labels; refused when two have a value at the same step.
fn merged(series: Vec<Series>) -> Evaluated<Vec<Series>> {
    let mut places = std::collections::HashMap::with_capacity(series.len());
    let mut out: Vec<Series> = Vec::with_capacity(series.len());
    for s in series {
        let at = *places.entry(s.labels.clone()).or_insert(out.len());
        let Some(into) = out.get_mut(at) else {
            out.push(s);
            continue;
        };
        for (a, b) in into.values.iter_mut().zip(&s.values) {
            if is_absent(*b) {
                continue;
            }
            if !is_absent(*a) {
                return Err(same_labelset());
            }
            *a = *b;
        }
    }
    Ok(out)
}

fn same_labelset() -> EvalError {
    EvalError::Execution("vector cannot contain metrics with the same labelset".to_owned())
}
