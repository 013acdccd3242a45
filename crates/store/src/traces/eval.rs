//! Evaluates TraceQL over one trace at a time.

use regex::Regex;

use super::spans::Trace;
use super::structure;
use super::traceql::{Aggregate, Attribute, Expr, Op, Pipeline, SetOp, Stage};
use super::value::Value;

/// Spans of a trace that belong together.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct SpanSet {
    /// Places within the trace.
    pub spans: Vec<usize>,
    /// What grouping and aggregation found.
    pub attributes: Vec<(String, Value)>,
}

/// What a query asks of an attribute; without a test, whatever it is.
#[derive(Clone, Debug)]
pub(crate) struct Condition {
    /// The attribute.
    pub attribute: Attribute,
    /// The test that it stands in.
    pub test: Option<(Op, Value, Option<Regex>)>,
}

impl Condition {
    /// Whether a value is what the query asks for.
    pub(crate) fn wants(&self, value: &Value) -> bool {
        match &self.test {
            None => *value != Value::Nil,
            Some((op, wanted, regex)) => {
                compute(*op, value, wanted, regex.as_ref()) == Value::Bool(true)
            }
        }
    }
}

/// All that a pipeline asks of attributes.
pub(crate) fn conditions(pipeline: &Pipeline) -> Vec<Condition> {
    let mut out = Vec::new();
    pipeline.iter().for_each(|stage| of_stage(stage, &mut out));
    out
}

fn of_stage(stage: &Stage, out: &mut Vec<Condition>) {
    match stage {
        Stage::Filter(None) | Stage::Coalesce => {}
        Stage::Filter(Some(expr)) | Stage::By(expr) => of_expr(expr, out),
        Stage::Joined(_, left, right) => {
            of_stage(left, out);
            of_stage(right, out);
        }
        Stage::Wrapped(pipeline) => out.extend(conditions(pipeline)),
        Stage::Compare(_, left, right) => {
            of_aggregate(left, out);
            of_aggregate(right, out);
        }
        Stage::Select(attributes) => out.extend(attributes.iter().cloned().map(any)),
    }
}

const fn any(attribute: Attribute) -> Condition {
    Condition {
        attribute,
        test: None,
    }
}

fn of_aggregate(aggregate: &Aggregate, out: &mut Vec<Condition>) {
    match aggregate {
        Aggregate::Count | Aggregate::Literal(_) => {}
        Aggregate::Of(_, expr) => of_expr(expr, out),
        Aggregate::Binary(_, left, right) => {
            of_aggregate(left, out);
            of_aggregate(right, out);
        }
    }
}

/// Whether a comparison with a constant asks for certain values of an attribute.
fn testable(op: Op, value: &Value) -> bool {
    let computes = matches!(
        op,
        Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Mod | Op::Pow | Op::And | Op::Or
    );
    *value != Value::Nil && !computes
}

fn of_expr(expr: &Expr, out: &mut Vec<Condition>) {
    match expr {
        Expr::Literal(_) => {}
        Expr::Attribute(attribute) => out.push(any(attribute.clone())),
        Expr::Negative(inner) | Expr::Not(inner) => of_expr(inner, out),
        Expr::Binary(op, left, right, regex) => match (&**left, &**right) {
            (Expr::Attribute(attribute), Expr::Literal(value)) if testable(*op, value) => {
                out.push(Condition {
                    attribute: attribute.clone(),
                    test: Some((*op, value.clone(), regex.clone())),
                });
            }
            (Expr::Literal(value), Expr::Attribute(attribute)) if testable(*op, value) => {
                let turned = match op {
                    Op::Greater => Op::Less,
                    Op::GreaterEqual => Op::LessEqual,
                    Op::Less => Op::Greater,
                    Op::LessEqual => Op::GreaterEqual,
                    other => *other,
                };
                out.push(Condition {
                    attribute: attribute.clone(),
                    test: Some((turned, value.clone(), regex.clone())),
                });
            }
            _ => {
                of_expr(left, out);
                of_expr(right, out);
            }
        },
    }
}

/// The span sets that a pipeline leaves of a trace.
pub(crate) fn run(pipeline: &Pipeline, trace: &Trace) -> Vec<SpanSet> {
    let all = SpanSet {
        spans: (0..trace.spans.len()).collect(),
        attributes: Vec::new(),
    };
    run_over(pipeline, trace, vec![all])
}

fn run_over(pipeline: &Pipeline, trace: &Trace, mut sets: Vec<SpanSet>) -> Vec<SpanSet> {
    for stage in pipeline {
        sets = step(stage, trace, sets);
        sets.retain(|set| !set.spans.is_empty());
        if sets.is_empty() {
            break;
        }
    }
    sets
}

fn step(stage: &Stage, trace: &Trace, sets: Vec<SpanSet>) -> Vec<SpanSet> {
    match stage {
        Stage::Filter(None) | Stage::Select(_) => sets,
        Stage::Coalesce => {
            let mut spans: Vec<usize> = sets.into_iter().flat_map(|set| set.spans).collect();
            spans.sort_unstable();
            spans.dedup();
            vec![SpanSet {
                spans,
                attributes: Vec::new(),
            }]
        }
        Stage::Filter(Some(expr)) => sets
            .into_iter()
            .map(|mut set| {
                set.spans
                    .retain(|at| value(expr, trace, *at) == Value::Bool(true));
                set
            })
            .collect(),
        Stage::Wrapped(pipeline) => run_over(pipeline, trace, sets),
        Stage::Joined(op, left, right) => sets
            .into_iter()
            .filter_map(|set| joined(*op, left, right, trace, set))
            .collect(),
        Stage::By(expr) => sets
            .into_iter()
            .flat_map(|set| grouped(expr, trace, set))
            .collect(),
        Stage::Compare(op, left, right) => sets
            .into_iter()
            .filter_map(|mut set| {
                let a = aggregate(left, trace, &set.spans);
                let b = aggregate(right, trace, &set.spans);
                if compute(*op, &a, &b, None) != Value::Bool(true) {
                    return None;
                }
                for (side, found) in [(left, a), (right, b)] {
                    if !matches!(side, Aggregate::Literal(_)) {
                        set.attributes.push((side.to_string(), found));
                    }
                }
                Some(set)
            })
            .collect(),
    }
}

fn joined(op: SetOp, left: &Stage, right: &Stage, trace: &Trace, set: SpanSet) -> Option<SpanSet> {
    let side = |stage: &Stage| -> Vec<usize> {
        let mut spans: Vec<usize> = step(stage, trace, vec![set.clone()])
            .into_iter()
            .flat_map(|set| set.spans)
            .collect();
        spans.sort_unstable();
        spans.dedup();
        spans
    };
    let (left, right) = (side(left), side(right));
    let mut spans = match op {
        SetOp::And if left.is_empty() || right.is_empty() => return None,
        SetOp::And | SetOp::Or => [left, right].concat(),
        SetOp::Related {
            relation,
            negated,
            union,
        } => structure::related(trace, relation, negated, union, &left, &right),
    };
    spans.sort_unstable();
    spans.dedup();
    Some(SpanSet {
        spans,
        attributes: set.attributes,
    })
}

fn grouped(expr: &Expr, trace: &Trace, set: SpanSet) -> Vec<SpanSet> {
    let mut groups: Vec<(Value, Vec<usize>)> = Vec::new();
    for at in set.spans {
        let key = value(expr, trace, at);
        match groups.iter_mut().find(|(known, _)| *known == key) {
            Some((_, spans)) => spans.push(at),
            None => groups.push((key, vec![at])),
        }
    }
    groups
        .into_iter()
        .map(|(key, spans)| {
            let mut attributes = set.attributes.clone();
            attributes.push((format!("by({expr})"), key));
            SpanSet { spans, attributes }
        })
        .collect()
}

fn aggregate(aggregate_: &Aggregate, trace: &Trace, spans: &[usize]) -> Value {
    match aggregate_ {
        Aggregate::Count => Value::Int(spans.len() as i64),
        Aggregate::Literal(value) => value.clone(),
        Aggregate::Binary(op, left, right) => {
            let (a, b) = (
                aggregate(left, trace, spans),
                aggregate(right, trace, spans),
            );
            compute(*op, &a, &b, None)
        }
        Aggregate::Of(name, expr) => {
            let found: Vec<Value> = spans
                .iter()
                .map(|at| value(expr, trace, *at))
                .filter(|value| value.number().is_some())
                .collect();
            let numbers = || found.iter().filter_map(Value::number);
            if found.is_empty() {
                return Value::Nil;
            }
            let number = match *name {
                "avg" => numbers().sum::<f64>() / found.len() as f64,
                "min" => numbers().fold(f64::INFINITY, f64::min),
                "max" => numbers().fold(f64::NEG_INFINITY, f64::max),
                _ => numbers().sum(),
            };
            match found[0] {
                Value::Duration(_) => Value::Duration(number as i64),
                Value::Int(_) if *name != "avg" => Value::Int(number as i64),
                _ => Value::Float(number),
            }
        }
    }
}

/// What an expression gives for a span.
pub(crate) fn value(expr: &Expr, trace: &Trace, at: usize) -> Value {
    match expr {
        Expr::Literal(value) => value.clone(),
        Expr::Attribute(attribute) => trace.value(at, attribute),
        Expr::Negative(inner) => compute(Op::Sub, &Value::Int(0), &value(inner, trace, at), None),
        Expr::Not(inner) => match value(inner, trace, at) {
            Value::Bool(b) => Value::Bool(!b),
            _ => Value::Nil,
        },
        Expr::Binary(Op::And, left, right, _) => Value::Bool(
            value(left, trace, at) == Value::Bool(true)
                && value(right, trace, at) == Value::Bool(true),
        ),
        Expr::Binary(Op::Or, left, right, _) => Value::Bool(
            value(left, trace, at) == Value::Bool(true)
                || value(right, trace, at) == Value::Bool(true),
        ),
        Expr::Binary(op, left, right, regex) => {
            let (a, b) = (value(left, trace, at), value(right, trace, at));
            let nil = matches!(**right, Expr::Literal(Value::Nil))
                || matches!(**left, Expr::Literal(Value::Nil));
            match op {
                Op::Equal if nil => Value::Bool(a == Value::Nil && b == Value::Nil),
                Op::NotEqual if nil => Value::Bool(a != Value::Nil || b != Value::Nil),
                _ => compute(*op, &a, &b, regex.as_ref()),
            }
        }
    }
}

/// One operation. Comparisons with nothing, or of what cannot be compared, are false.
pub(crate) fn compute(op: Op, a: &Value, b: &Value, regex: Option<&Regex>) -> Value {
    if let Value::List(list) = a {
        let mut each = list.iter().map(|item| compute(op, item, b, regex));
        let hit = |v: Value| v == Value::Bool(true);
        return Value::Bool(match op {
            // None may be what it must not be.
            Op::NotEqual | Op::NotRegex => each.all(hit),
            _ => each.any(hit),
        });
    }
    if *a == Value::Nil || *b == Value::Nil {
        return match op {
            Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Mod | Op::Pow => Value::Nil,
            _ => Value::Bool(false),
        };
    }
    let order = || a.order(b);
    Value::Bool(match op {
        Op::Equal => order().is_some_and(std::cmp::Ordering::is_eq),
        Op::NotEqual => order().is_some_and(std::cmp::Ordering::is_ne),
        Op::Greater => order().is_some_and(std::cmp::Ordering::is_gt),
        Op::GreaterEqual => order().is_some_and(std::cmp::Ordering::is_ge),
        Op::Less => order().is_some_and(std::cmp::Ordering::is_lt),
        Op::LessEqual => order().is_some_and(std::cmp::Ordering::is_le),
        Op::Regex | Op::NotRegex => match (a, regex) {
            (Value::Text(text), Some(regex)) => regex.is_match(text) == (op == Op::Regex),
            _ => false,
        },
        Op::And => *a == Value::Bool(true) && *b == Value::Bool(true),
        Op::Or => *a == Value::Bool(true) || *b == Value::Bool(true),
        _ => return arithmetic(op, a, b),
    })
}

fn arithmetic(op: Op, a: &Value, b: &Value) -> Value {
    let (Some(x), Some(y)) = (a.number(), b.number()) else {
        return Value::Nil;
    };
    let number = match op {
        Op::Add => x + y,
        Op::Sub => x - y,
        Op::Mul => x * y,
        Op::Div => x / y,
        Op::Mod => x % y,
        _ => x.powf(y),
    };
    match (a, b) {
        (Value::Int(_), Value::Int(_)) if number.fract() == 0.0 => Value::Int(number as i64),
        (Value::Duration(_), _) | (_, Value::Duration(_)) => Value::Duration(number as i64),
        _ => Value::Float(number),
    }
}
