//! Checks that a query has a meaning: types fit, expressions are boolean where they must be.

use super::ast::{Aggregate, Attribute, Expr, Intrinsic, Op, Query, Stage};
use super::parser::{ParseError, anchored};
use crate::traces::Value;
use crate::traces::eval::compute;

/// What is known of an expression's type before it is evaluated.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Type {
    Attribute,
    Nil,
    Text,
    Number,
    Bool,
    Status,
    Kind,
}

/// Checks a query, and keeps its constants and regular expressions ready.
pub(super) fn query(query: &mut Query) -> Result<(), ParseError> {
    for stage in &mut query.pipeline {
        check_stage(stage)?;
    }
    if let Some(metrics) = &query.metrics {
        for attribute in metrics.attribute.iter().chain(&metrics.by) {
            known(attribute)?;
        }
    }
    Ok(())
}

fn check_stage(stage: &mut Stage) -> Result<(), ParseError> {
    match stage {
        Stage::Filter(None) | Stage::Coalesce => Ok(()),
        Stage::Filter(Some(expr)) => {
            fold(expr);
            let kind = type_of(expr)?;
            if matches!(kind, Type::Bool | Type::Attribute) {
                return Ok(());
            }
            Err(ParseError::Meaning(format!(
                "span filter field expressions must resolve to a boolean: {{ {expr} }}"
            )))
        }
        Stage::Joined(_, left, right) => {
            check_stage(left)?;
            check_stage(right)
        }
        Stage::Wrapped(pipeline) => pipeline.iter_mut().try_for_each(check_stage),
        Stage::Compare(_, left, right) => {
            aggregate(left)?;
            aggregate(right)
        }
        Stage::By(expr) => type_of(expr).map(|_| ()),
        Stage::Select(attributes) => attributes.iter().try_for_each(known),
    }
}

fn aggregate(aggregate_: &mut Aggregate) -> Result<(), ParseError> {
    match aggregate_ {
        Aggregate::Count | Aggregate::Literal(_) => Ok(()),
        Aggregate::Of(name, expr) => {
            if matches!(type_of(expr)?, Type::Number | Type::Attribute) {
                return Ok(());
            }
            Err(ParseError::Meaning(format!(
                "aggregate field expressions must resolve to a number type: {name}({expr})"
            )))
        }
        Aggregate::Binary(_, left, right) => {
            aggregate(left)?;
            aggregate(right)
        }
    }
}

fn known(attribute: &Attribute) -> Result<(), ParseError> {
    match attribute {
        Attribute::Parent(_) => Err(ParseError::Meaning("parent not yet supported".to_owned())),
        Attribute::Intrinsic(_) | Attribute::Named(..) => Ok(()),
    }
}

fn type_of(expr: &mut Expr) -> Result<Type, ParseError> {
    match expr {
        Expr::Literal(value) => Ok(match value {
            Value::Nil => Type::Nil,
            Value::Text(_) => Type::Text,
            Value::Int(_) | Value::Float(_) | Value::Duration(_) => Type::Number,
            Value::Bool(_) => Type::Bool,
            Value::Status(_) => Type::Status,
            Value::Kind(_) => Type::Kind,
            Value::List(_) => Type::Attribute,
        }),
        Expr::Attribute(attribute) => {
            known(attribute)?;
            Ok(match attribute {
                Attribute::Intrinsic(intrinsic) => match intrinsic.plain() {
                    Intrinsic::Duration
                    | Intrinsic::TraceDuration
                    | Intrinsic::ChildCount
                    | Intrinsic::NestedSetLeft
                    | Intrinsic::NestedSetRight
                    | Intrinsic::NestedSetParent
                    | Intrinsic::EventTimeSinceStart => Type::Number,
                    Intrinsic::Status => Type::Status,
                    Intrinsic::Kind => Type::Kind,
                    _ => Type::Text,
                },
                _ => Type::Attribute,
            })
        }
        Expr::Negative(inner) => type_of(inner),
        Expr::Not(inner) => type_of(inner).map(|_| Type::Bool),
        Expr::Binary(..) => binary(expr),
    }
}

fn binary(expr: &mut Expr) -> Result<Type, ParseError> {
    let shown = expr.to_string();
    let Expr::Binary(op, left, right, regex) = expr else {
        return Ok(Type::Bool);
    };
    let (a, b) = (type_of(left)?, type_of(right)?);
    let open = |t: Type| matches!(t, Type::Attribute | Type::Nil);
    if a != b && !open(a) && !open(b) {
        return Err(ParseError::Meaning(format!(
            "binary operations must operate on the same type: {shown}"
        )));
    }
    let fits = |t: Type, kinds: &[Type]| open(t) || kinds.contains(&t);
    let kinds: &[Type] = match op {
        Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Mod | Op::Pow => &[Type::Number],
        Op::And | Op::Or => &[Type::Bool],
        Op::Regex | Op::NotRegex => &[Type::Text],
        Op::Greater | Op::GreaterEqual | Op::Less | Op::LessEqual => &[Type::Number, Type::Text],
        Op::Equal | Op::NotEqual => &[
            Type::Number,
            Type::Text,
            Type::Bool,
            Type::Status,
            Type::Kind,
        ],
    };
    if !fits(a, kinds) || !fits(b, kinds) {
        return Err(ParseError::Meaning(format!(
            "illegal operation for the given types: {shown}"
        )));
    }
    // Ids of traces are compared without leading zeros.
    if let (Expr::Attribute(Attribute::Intrinsic(name)), Expr::Literal(Value::Text(text))) =
        (&**left, &mut **right)
        && matches!(name, Intrinsic::TraceId | Intrinsic::LinkTraceId)
        && matches!(op, Op::Equal | Op::NotEqual)
    {
        *text = text.trim_start_matches('0').to_lowercase();
    }
    if matches!(op, Op::Regex | Op::NotRegex)
        && let Expr::Literal(Value::Text(pattern)) = &**right
    {
        *regex = Some(anchored(pattern)?);
    }
    Ok(match op {
        Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Mod | Op::Pow => Type::Number,
        _ => Type::Bool,
    })
}

/// Computes what has no attribute in it.
fn fold(expr: &mut Expr) {
    let Expr::Binary(op, left, right, _) = expr else {
        return;
    };
    fold(left);
    fold(right);
    if let (Expr::Literal(a), Expr::Literal(b)) = (&**left, &**right)
        && matches!(
            op,
            Op::Add | Op::Sub | Op::Mul | Op::Div | Op::Mod | Op::Pow
        )
    {
        let value = compute(*op, a, b, None);
        if value != Value::Nil {
            *expr = Expr::Literal(value);
        }
    }
}
