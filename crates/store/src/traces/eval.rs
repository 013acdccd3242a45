//! Evaluates TraceQL over one trace at a time.

use regex::Regex;

use super::column::{Column, Single};
use super::fetch::{self, Condition, Request, Test};
use super::need::Need;
use super::spans::Trace;
use super::traceql::{Aggregate, Attribute, Expr, Fold, Op, Pipeline, Scope, SetOp, Stage};
use super::value::{Value, compute, order};

/// Spans of a trace that belong together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SpanSet {
    /// Places within the trace.
    pub(crate) spans: Vec<usize>,
    /// What grouping and aggregation found.
    pub(crate) attributes: Vec<(String, Value<'static>)>,
}

/// Why a trace could not be evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum EvalError {
    #[error(
        "spanset operators are not supported for multiple spansets per trace. consider using \
         coalesce()"
    )]
    ManySets,
    #[error("context deadline exceeded")]
    Late,
}

type Sets = Result<Vec<SpanSet>, EvalError>;

/// A pipeline, ready to be run over traces.
#[derive(Debug)]
pub(crate) struct Plan {
    steps: Vec<Step>,
    request: Request,
    /// What a trace must have for anything to be left of it.
    need: Need,
    /// The first conditions one by one, where spans have to be looked through by them.
    singles: Vec<Single>,
    /// What answers show of spans.
    shown: Vec<Column>,
}

#[derive(Debug)]
enum Step {
    Filter(Node),
    Joined(SetOp, Box<Step>, Box<Step>),
    Wrapped(Vec<Step>),
    Compare(Op, Number, Value<'static>),
    /// Grouping, with its name in answers.
    By(Node, String),
    /// What changes nothing.
    Pass,
    Coalesce,
}

/// An aggregate with its name in answers.
#[derive(Debug)]
struct Number {
    fold: Option<(Fold, Node)>,
    name: String,
}

/// An expression whose attributes are ready to be read.
#[derive(Debug)]
pub(crate) enum Node {
    Literal(Value<'static>),
    Column(Column),
    Negative(Box<Node>),
    Not(Box<Node>),
    Exists(Box<Node>),
    Missing(Box<Node>),
    Binary(Op, Box<Node>, Box<Node>, Option<Regex>),
}

impl Plan {
    /// Makes a pipeline ready, with further attributes that are needed of its spans.
    pub(crate) fn new(pipeline: &Pipeline, further: &[Attribute]) -> Self {
        let mut request = Request::of(pipeline);
        for attribute in further {
            if !request.names(attribute) {
                request.second.push(fetch::any(attribute.clone()));
            }
        }
        let mut shown: Vec<Column> = Vec::new();
        let mut show = |column: Column| {
            let known = shown.iter_mut().find(|c| c.attribute == column.attribute);
            match known {
                Some(known) => *known = column,
                None => shown.push(column),
            }
        };
        for condition in &request.first {
            for attribute in columns_of(&condition.attribute) {
                show(Column::of(&request, &attribute));
            }
        }
        for condition in &request.second {
            for attribute in columns_of(&condition.attribute) {
                show(Column::whole(&attribute));
            }
        }
        Self {
            steps: pipeline.iter().map(|stage| step(stage, &request)).collect(),
            singles: request.first.iter().map(Single::of).collect(),
            shown,
            request,
            need: Need::of(pipeline),
        }
    }

    /// The span sets that the pipeline leaves of a trace.
    ///
    /// # Errors
    /// [`EvalError`] for what the language has no meaning for.
    pub(crate) fn run(&self, trace: &Trace) -> Sets {
        if !self.need.is_met(trace) {
            return Ok(Vec::new());
        }
        let mut spans: Vec<usize> = (0..trace.spans.len()).collect();
        if self.request.strict {
            spans.retain(|at| self.is_read(trace, *at));
        }
        let all = SpanSet {
            spans,
            attributes: Vec::new(),
        };
        run(&self.steps, trace, vec![all])
    }

    /// How an attribute of the spans that are left is read, for series by it or of it. Where not
    /// all conditions must hold, groups see what conditions did not let through.
    pub(crate) fn column(&self, attribute: &Attribute, is_group: bool) -> Column {
        let first = &self.request.first;
        let named = first
            .iter()
            .any(|condition| condition.attribute == *attribute);
        if named && (self.request.all || !is_group) {
            Column::of(&self.request, attribute)
        } else {
            Column::whole(attribute)
        }
    }

    /// The attributes of a span that the query asks for.
    pub(crate) fn shown<'a>(
        &'a self,
        trace: &'a Trace,
        at: usize,
    ) -> Vec<(&'a Attribute, Value<'a>)> {
        let mut out = Vec::new();
        for column in &self.shown {
            let mut value = column.shown(trace, at);
            if value == Value::Nil {
                let missing = |c: &Condition| {
                    matches!(c.test, Test::Missing)
                        && columns_of(&c.attribute).contains(&column.attribute)
                };
                if !self.request.first.iter().any(missing) || !column.is_missing(trace, at) {
                    continue;
                }
                value = Value::text("nil");
            }
            out.push((&column.attribute, value));
        }
        out
    }

    /// Whether a server that reads by conditions sees a span at all.
    fn is_read(&self, trace: &Trace, at: usize) -> bool {
        let met = |single: &Single| single.is_met(trace, at);
        if self.request.all {
            return self.singles.iter().all(|one| {
                let same = |other: &&Single| other.attribute() == one.attribute();
                self.singles.iter().filter(same).any(met)
            });
        }
        let of_trace = |single: &Single| fetch::is_of_trace(single.attribute());
        self.request.every
            || self.singles.is_empty()
            || self.singles.iter().any(of_trace)
            || self.singles.iter().any(met)
    }
}

/// An attribute without a scope is one of the span and one of the resource.
fn columns_of(attribute: &Attribute) -> Vec<Attribute> {
    match attribute {
        Attribute::Named(Scope::Any, name) => vec![
            Attribute::Named(Scope::Span, name.clone()),
            Attribute::Named(Scope::Resource, name.clone()),
        ],
        other => vec![other.clone()],
    }
}

fn step(stage: &Stage, request: &Request) -> Step {
    match stage {
        Stage::Filter(expr) => Step::Filter(Node::of(expr, request)),
        Stage::Joined(op, left, right) => {
            let (left, right) = (step(left, request), step(right, request));
            Step::Joined(*op, Box::new(left), Box::new(right))
        }
        Stage::Wrapped(pipeline) => {
            Step::Wrapped(pipeline.iter().map(|stage| step(stage, request)).collect())
        }
        Stage::Compare(op, left, Aggregate::Literal(value)) => {
            let fold = match left {
                Aggregate::Of(fold, expr) => Some((*fold, Node::of(expr, request))),
                _ => None,
            };
            let name = left.to_string();
            Step::Compare(*op, Number { fold, name }, value.clone())
        }
        // Comparisons of anything else are refused when the query is checked.
        Stage::Compare(..) | Stage::Select(_) => Step::Pass,
        Stage::By(expr) => Step::By(Node::of(expr, request), stage.to_string()),
        Stage::Coalesce => Step::Coalesce,
    }
}

fn run(steps: &[Step], trace: &Trace, mut sets: Vec<SpanSet>) -> Sets {
    for step in steps {
        sets = step.run(trace, sets)?;
        sets.retain(|set| !set.spans.is_empty());
        if sets.is_empty() {
            break;
        }
    }
    Ok(sets)
}

impl Step {
    fn run(&self, trace: &Trace, sets: Vec<SpanSet>) -> Sets {
        match self {
            Self::Pass => Ok(sets),
            Self::Filter(node) => Ok(sets.into_iter().map(|s| filtered(node, trace, s)).collect()),
            Self::Wrapped(steps) => run(steps, trace, sets),
            Self::Coalesce => {
                let mut spans: Vec<usize> = sets.into_iter().flat_map(|set| set.spans).collect();
                spans.sort_unstable();
                Ok(vec![SpanSet {
                    spans,
                    attributes: Vec::new(),
                }])
            }
            Self::Joined(op, left, right) => {
                let mut out = Vec::new();
                for set in sets {
                    let a = left.run(trace, vec![set.clone()])?;
                    let b = right.run(trace, vec![set.clone()])?;
                    out.extend(joined(*op, a, b, trace, set)?);
                }
                Ok(out)
            }
            Self::By(node, name) => Ok(sets
                .into_iter()
                .flat_map(|set| grouped(node, name, trace, set))
                .collect()),
            Self::Compare(op, number, wanted) => Ok(sets
                .into_iter()
                .filter_map(|mut set| {
                    let found = number.of(trace, &set.spans)?;
                    let holds = compute(*op, &found, wanted, None).is_true();
                    set.attributes.push((number.name.clone(), found));
                    holds.then_some(set)
                })
                .collect()),
        }
    }
}

fn filtered(node: &Node, trace: &Trace, mut set: SpanSet) -> SpanSet {
    set.spans.retain(|at| node.value(trace, *at).is_true());
    set
}

fn joined(
    op: SetOp,
    left: Vec<SpanSet>,
    right: Vec<SpanSet>,
    trace: &Trace,
    set: SpanSet,
) -> Result<Option<SpanSet>, EvalError> {
    let there = |sets: &[SpanSet]| sets.iter().any(|set| !set.spans.is_empty());
    let flat =
        |sets: Vec<SpanSet>| -> Vec<usize> { sets.into_iter().flat_map(|set| set.spans).collect() };
    let mut spans = match op {
        SetOp::And if !there(&left) || !there(&right) => return Ok(None),
        SetOp::And | SetOp::Or => [flat(left), flat(right)].concat(),
        SetOp::Related { relation, form } => {
            if left.len() > 1 || right.len() > 1 {
                return Err(EvalError::ManySets);
            }
            let (left, right) = (flat(left), flat(right));
            trace.tree().related(relation, form, &left, &right)
        }
    };
    spans.sort_unstable();
    spans.dedup();
    Ok(Some(SpanSet {
        spans,
        attributes: set.attributes,
    }))
}

fn grouped(node: &Node, name: &str, trace: &Trace, set: SpanSet) -> Vec<SpanSet> {
    let mut groups: Vec<(Value<'_>, Vec<usize>)> = Vec::new();
    for at in set.spans {
        let key = node.value(trace, at);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, spans)) => spans.push(at),
            None => groups.push((key, vec![at])),
        }
    }
    let group = |(key, spans): (Value<'_>, Vec<usize>)| {
        let mut attributes = set.attributes.clone();
        attributes.push((name.to_owned(), key.owned()));
        SpanSet { spans, attributes }
    };
    groups.into_iter().map(group).collect()
}

impl Number {
    /// The number of a set, if its spans have any.
    fn of(&self, trace: &Trace, spans: &[usize]) -> Option<Value<'static>> {
        let Some((fold, node)) = &self.fold else {
            return Some(Value::Int(spans.len() as i64));
        };
        let values = spans.iter().map(|at| node.value(trace, *at));
        let mut values = values.filter(|value| *value != Value::Nil);
        let first = values.next()?.owned();
        Some(match fold {
            Fold::Min => values.fold(first, |a, b| least(a, b, std::cmp::Ordering::Less)),
            Fold::Max => values.fold(first, |a, b| least(a, b, std::cmp::Ordering::Greater)),
            Fold::Sum => values.fold(first, |a, b| sum(&a, &b)),
            Fold::Avg => {
                let mut count = 1;
                let mut total = first;
                for value in values {
                    total = sum(&total, &value);
                    count += 1;
                }
                match total {
                    Value::Int(n) => Value::Float(n as f64 / f64::from(count)),
                    Value::Float(n) => Value::Float(n / f64::from(count)),
                    Value::Duration(n) => Value::Duration(n / i64::from(count)),
                    other => other,
                }
            }
        })
    }
}

/// The one of two that is `wanted` beside the other.
fn least(a: Value<'static>, b: Value<'_>, wanted: std::cmp::Ordering) -> Value<'static> {
    if order(&b, &a) == Some(wanted) {
        b.owned()
    } else {
        a
    }
}

/// The sum of two of one type; what has another type is not added.
fn sum(a: &Value<'static>, b: &Value<'_>) -> Value<'static> {
    match (a, b) {
        (Value::Int(a), Value::Int(b)) => Value::Int(a.wrapping_add(*b)),
        (Value::Float(a), Value::Float(b)) => Value::Float(a + b),
        (Value::Duration(a), Value::Duration(b)) => Value::Duration(a.wrapping_add(*b)),
        _ => a.clone(),
    }
}

impl Node {
    /// Makes an expression ready.
    pub(crate) fn of(expr: &Expr, request: &Request) -> Self {
        let inner = |expr: &Expr| Box::new(Self::of(expr, request));
        match expr {
            Expr::Literal(value) => Self::Literal(value.clone()),
            Expr::Attribute(attribute) => Self::Column(Column::of(request, attribute)),
            Expr::Negative(x) => Self::Negative(inner(x)),
            Expr::Not(x) => Self::Not(inner(x)),
            Expr::Exists(x) => Self::Exists(inner(x)),
            Expr::Missing(x) => Self::Missing(inner(x)),
            Expr::Binary(op, a, b, regex) => Self::Binary(*op, inner(a), inner(b), regex.clone()),
        }
    }

    /// The same, reading attributes whatever they are.
    pub(crate) fn whole(expr: &Expr) -> Self {
        let inner = |expr: &Expr| Box::new(Self::whole(expr));
        match expr {
            Expr::Literal(value) => Self::Literal(value.clone()),
            Expr::Attribute(attribute) => Self::Column(Column::whole(attribute)),
            Expr::Negative(x) => Self::Negative(inner(x)),
            Expr::Not(x) => Self::Not(inner(x)),
            Expr::Exists(x) => Self::Exists(inner(x)),
            Expr::Missing(x) => Self::Missing(inner(x)),
            Expr::Binary(op, a, b, regex) => Self::Binary(*op, inner(a), inner(b), regex.clone()),
        }
    }

    /// What it gives for a span.
    pub(crate) fn value<'a>(&'a self, trace: &'a Trace, at: usize) -> Value<'a> {
        match self {
            Self::Literal(value) => value.borrowed(),
            Self::Column(column) => column.value(trace, at),
            Self::Negative(inner) => match inner.value(trace, at) {
                Value::Int(n) => Value::Int(n.wrapping_neg()),
                Value::Float(n) => Value::Float(-n),
                Value::Duration(n) => Value::Duration(n.wrapping_neg()),
                _ => Value::Nil,
            },
            Self::Not(inner) => match inner.value(trace, at) {
                Value::Bool(b) => Value::Bool(!b),
                _ => Value::Nil,
            },
            Self::Exists(inner) => Value::Bool(inner.value(trace, at) != Value::Nil),
            Self::Missing(inner) => Value::Bool(match &**inner {
                Self::Column(column) => column.is_missing(trace, at),
                _ => false,
            }),
            Self::Binary(Op::And, left, right, _) => {
                Value::Bool(left.value(trace, at).is_true() && right.value(trace, at).is_true())
            }
            Self::Binary(Op::Or, left, right, _) => {
                Value::Bool(left.value(trace, at).is_true() || right.value(trace, at).is_true())
            }
            Self::Binary(op, left, right, regex) => {
                let (a, b) = (left.value(trace, at), right.value(trace, at));
                compute(*op, &a, &b, regex.as_ref())
            }
        }
    }
}
