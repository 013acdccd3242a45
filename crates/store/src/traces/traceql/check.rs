//! Checks that a query has a meaning: types fit, expressions are boolean where they must be.
//! What holds no attribute is computed while the query is read.

use super::ast::{Aggregate, Attribute, Expr, Intrinsic, MetricOp, Metrics, Op, Query, Scope};
use super::ast::{SecondStage, Stage};
use super::parser::{ParseError, anchored};
use crate::traces::value::{Type, Value, compute};

/// The most attributes that series can be grouped by.
const MAX_GROUPS: usize = 5;

type Checked = Result<(), ParseError>;

fn refuse(message: String) -> Checked {
    Err(ParseError::Meaning(message))
}

fn unsupported(what: &str) -> Checked {
    refuse(format!("{what} not yet supported"))
}

/// `a op b`, computed if it holds no attribute.
pub(super) fn folded(op: Op, left: Expr, right: Expr) -> Expr {
    let is_trace_id = |expr: &Expr| {
        matches!(
            expr,
            Expr::Attribute(Attribute::Intrinsic(Intrinsic::TraceId))
        )
    };
    let (of_left, of_right) = (is_trace_id(&left), is_trace_id(&right));
    let left = if of_right { short_id(left) } else { left };
    let right = if of_left { short_id(right) } else { right };
    let regex = match (op, &right) {
        (Op::Regex | Op::NotRegex, Expr::Literal(Value::Text(text))) => anchored(text),
        _ => None,
    };
    let expr = Expr::Binary(op, Box::new(left), Box::new(right), regex);
    if expr.references_span() || check(&expr).is_err() {
        return expr;
    }
    let Expr::Binary(_, left, right, regex) = &expr else {
        return expr;
    };
    let (Expr::Literal(a), Expr::Literal(b)) = (&**left, &**right) else {
        return expr;
    };
    match compute(op, a, b, regex.as_ref()) {
        Value::Nil => expr,
        value => Expr::Literal(value),
    }
}

/// Ids of traces are compared without leading zeros.
fn short_id(expr: Expr) -> Expr {
    match expr {
        Expr::Literal(Value::Text(id)) => {
            let short = id.trim_start_matches('0').to_owned();
            Expr::Literal(Value::Text(short.into()))
        }
        other => other,
    }
}

/// `-x`
pub(super) fn negative(inner: Expr) -> Expr {
    match inner {
        Expr::Literal(Value::Int(n)) => Expr::Literal(Value::Int(n.wrapping_neg())),
        Expr::Literal(Value::Float(n)) => Expr::Literal(Value::Float(-n)),
        Expr::Literal(Value::Duration(n)) => Expr::Literal(Value::Duration(n.wrapping_neg())),
        other => Expr::Negative(Box::new(other)),
    }
}

/// `!x`
pub(super) fn not(inner: Expr) -> Expr {
    match inner {
        Expr::Literal(Value::Bool(b)) => Expr::Literal(Value::Bool(!b)),
        other => Expr::Not(Box::new(other)),
    }
}

/// `x = nil` or `x != nil`
pub(super) fn presence(op: Op, inner: Expr) -> Expr {
    match (op, inner) {
        (Op::Equal, Expr::Literal(_)) => Expr::Literal(Value::Bool(false)),
        (_, Expr::Literal(_)) => Expr::Literal(Value::Bool(true)),
        (Op::Equal, inner) => Expr::Missing(Box::new(inner)),
        (_, inner) => Expr::Exists(Box::new(inner)),
    }
}

/// Checks a whole query.
pub(super) fn query(query: &Query) -> Checked {
    query.pipeline.iter().try_for_each(stage)?;
    query.metrics.as_ref().map_or(Ok(()), metrics)
}

fn stage(stage_: &Stage) -> Checked {
    match stage_ {
        Stage::Coalesce => Ok(()),
        Stage::Filter(expr) => filter(expr),
        Stage::Joined(_, left, right) => {
            stage(left)?;
            stage(right)
        }
        Stage::Wrapped(pipeline) => pipeline.iter().try_for_each(stage),
        Stage::Compare(op, left, right) => comparison(*op, left, right),
        Stage::By(expr) => {
            if !expr.references_span() {
                return refuse(format!(
                    "grouping field expressions must reference the span: {stage_}"
                ));
            }
            check(expr)
        }
        Stage::Select(attributes) => attributes.iter().try_for_each(known),
    }
}

fn filter(expr: &Expr) -> Checked {
    check(expr)?;
    if matches!(type_of(expr), Type::Bool | Type::Attribute) {
        return Ok(());
    }
    refuse(format!(
        "span filter field expressions must resolve to a boolean: {{ {expr} }}"
    ))
}

/// A comparison of span sets: an aggregate with a number, of all that could be written.
fn comparison(op: Op, left: &Aggregate, right: &Aggregate) -> Checked {
    aggregate(left)?;
    aggregate(right)?;
    let shown = || Stage::Compare(op, left.clone(), right.clone()).to_string();
    fitting(op, aggregate_type(left), aggregate_type(right), &shown)?;
    if !matches!(left, Aggregate::Count | Aggregate::Of(..)) {
        return unsupported("scalar filter lhs of type (%v)");
    }
    if !matches!(right, Aggregate::Literal(_)) {
        return unsupported("scalar filter rhs of type (%v)");
    }
    Ok(())
}

fn fitting(op: Op, left: Type, right: Type, shown: &dyn Fn() -> String) -> Checked {
    if !left.matches(right) {
        return refuse(format!(
            "binary operations must operate on the same type: {}",
            shown()
        ));
    }
    if !left.takes(op) || !right.takes(op) {
        return refuse(format!(
            "illegal operation for the given types: {}",
            shown()
        ));
    }
    Ok(())
}

fn aggregate(aggregate_: &Aggregate) -> Checked {
    match aggregate_ {
        Aggregate::Count | Aggregate::Literal(_) => Ok(()),
        Aggregate::Of(_, expr) => {
            check(expr)?;
            let kind = type_of(expr);
            if kind != Type::Attribute && !kind.is_number() {
                return refuse(format!(
                    "aggregate field expressions must resolve to a number type: {aggregate_}"
                ));
            }
            if !expr.references_span() {
                return refuse(format!(
                    "aggregate field expressions must reference the span: {aggregate_}"
                ));
            }
            Ok(())
        }
        Aggregate::Binary(op, left, right) => {
            aggregate(left)?;
            aggregate(right)?;
            let shown = || aggregate_.to_string();
            fitting(*op, aggregate_type(left), aggregate_type(right), &shown)
        }
        Aggregate::Pipeline(pipeline, last) => {
            pipeline.iter().try_for_each(stage)?;
            aggregate(last)
        }
    }
}

fn aggregate_type(aggregate_: &Aggregate) -> Type {
    match aggregate_ {
        Aggregate::Count => Type::Int,
        Aggregate::Of(_, expr) => type_of(expr),
        Aggregate::Literal(value) => Type::of(value).unwrap_or(Type::Attribute),
        Aggregate::Binary(_, left, right) => match aggregate_type(left) {
            Type::Attribute => aggregate_type(right),
            found => found,
        },
        Aggregate::Pipeline(_, last) => aggregate_type(last),
    }
}

fn metrics(metrics: &Metrics) -> Checked {
    let groups = metrics.by.len();
    // One place is needed for the bucket or the count that comes along.
    let most = match metrics.op {
        MetricOp::Quantile | MetricOp::Histogram | MetricOp::Avg => MAX_GROUPS - 1,
        _ => MAX_GROUPS,
    };
    if groups > most {
        return unsupported(&format!("metrics group by {groups} values"));
    }
    if let Some(q) = metrics.quantiles.iter().find(|q| !(0.0..=1.0).contains(*q)) {
        return refuse(format!("quantile must be between 0 and 1: {q}"));
    }
    if let Some(comparison) = &metrics.comparison {
        filter(&comparison.filter)?;
        if comparison.top <= 0 {
            return refuse(
                "compare() top number of values must be integer greater than 0".to_owned(),
            );
        }
        let (start, end) = comparison.window;
        if (start, end) != (0, 0) && (start <= 0 || end <= 0) {
            return refuse(
                "compare() timestamps must be positive integer unix nanoseconds".to_owned(),
            );
        }
        if (start, end) != (0, 0) && end <= start {
            return refuse(
                "compare() end timestamp must be greater than start timestamp".to_owned(),
            );
        }
    }
    for stage in &metrics.second {
        if let SecondStage::Top(n) | SecondStage::Bottom(n) = stage
            && *n <= 0
        {
            return refuse("limit must be greater than 0".to_owned());
        }
    }
    if metrics.op == MetricOp::Compare && !metrics.second.is_empty() {
        return refuse("`compare()` cannot be used with second stage functions".to_owned());
    }
    Ok(())
}

fn known(attribute: &Attribute) -> Checked {
    match attribute {
        Attribute::Parent(..) => unsupported("parent"),
        Attribute::Intrinsic(Intrinsic::Parent) => unsupported("intrinsic (parent)"),
        Attribute::Intrinsic(_) | Attribute::Named(..) => Ok(()),
    }
}

/// Checks an expression.
fn check(expr: &Expr) -> Checked {
    match expr {
        Expr::Literal(_) => Ok(()),
        Expr::Attribute(attribute) => known(attribute),
        Expr::Negative(inner) | Expr::Not(inner) => {
            check(inner)?;
            let kind = type_of(inner);
            let fits = match expr {
                Expr::Not(_) => kind == Type::Bool,
                _ => kind.is_number(),
            };
            if fits || kind == Type::Attribute {
                return Ok(());
            }
            refuse(format!("illegal operation for the given type: {expr}"))
        }
        Expr::Exists(inner) => check(inner),
        Expr::Missing(inner) => {
            check(inner)?;
            match &**inner {
                Expr::Attribute(Attribute::Intrinsic(intrinsic)) => refuse(format!(
                    "{0}=nil is not valid because intrinsics cannot be nil",
                    intrinsic.name()
                )),
                Expr::Attribute(Attribute::Named(Scope::Resource, name))
                    if name == "service.name" =>
                {
                    refuse(format!(
                        "resource.{name}=nil is not valid because resource.{name} cannot be nil"
                    ))
                }
                _ => Ok(()),
            }
        }
        Expr::Binary(op, left, right, regex) => {
            check(left)?;
            check(right)?;
            let shown = || expr.to_string();
            fitting(*op, type_of(left), type_of(right), &shown)?;
            if !matches!(op, Op::Regex | Op::NotRegex) || regex.is_some() {
                return Ok(());
            }
            match &**right {
                Expr::Literal(Value::Text(_)) => refuse(format!("invalid regex: {right}")),
                _ => refuse(format!("invalid type for =~ or !~: {right}")),
            }
        }
    }
}

/// The type of an expression, as far as it is known before a span is seen.
fn type_of(expr: &Expr) -> Type {
    match expr {
        Expr::Literal(value) => Type::of(value).unwrap_or(Type::Attribute),
        Expr::Attribute(Attribute::Intrinsic(intrinsic)) => match intrinsic {
            Intrinsic::Duration | Intrinsic::TraceDuration | Intrinsic::EventTimeSinceStart => {
                Type::Duration
            }
            Intrinsic::ChildCount
            | Intrinsic::NestedSetLeft
            | Intrinsic::NestedSetRight
            | Intrinsic::NestedSetParent => Type::Int,
            Intrinsic::Status => Type::Status,
            Intrinsic::Kind => Type::Kind,
            Intrinsic::Parent => Type::Nil,
            // A real server does not fix the type of these two.
            Intrinsic::InstrumentationName | Intrinsic::InstrumentationVersion => Type::Attribute,
            _ => Type::Text,
        },
        Expr::Attribute(_) => Type::Attribute,
        Expr::Negative(inner) | Expr::Not(inner) => type_of(inner),
        Expr::Exists(_) | Expr::Missing(_) => Type::Bool,
        Expr::Binary(op, left, right, _) if op.is_arithmetic() => match type_of(left) {
            Type::Attribute => type_of(right),
            found => found,
        },
        Expr::Binary(..) => Type::Bool,
    }
}
