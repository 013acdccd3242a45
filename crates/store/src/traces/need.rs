//! What a trace must have for a query to find anything in it, asked of its summary before its
//! spans are looked at.

use regex::Regex;

use super::column;
use super::spans::Trace;
use super::summary::{Item, NAME};
use super::traceql::{Aggregate, Attribute, Expr, Form, Intrinsic, Op, Pipeline, SetOp, Stage};
use super::value::{Value, compute};

/// A condition that every trace meets in which a query finds something; others may meet it too.
#[derive(Clone, Debug)]
pub(crate) enum Need {
    Nothing,
    /// A key, or a key with its value.
    Item(Item),
    /// Something of the trace as a whole, of its spans' statuses, kinds or durations.
    Compare(Intrinsic, Op, Value<'static>, Option<Regex>),
    /// So many spans.
    Spans(Op, Value<'static>),
    All(Vec<Self>),
    Any(Vec<Self>),
}

impl Need {
    /// What a pipeline needs.
    pub(crate) fn of(pipeline: &Pipeline) -> Self {
        // What follows groups may be an error, which has to be found.
        let end = if pipeline.iter().any(is_joined) {
            pipeline.iter().position(has_groups)
        } else {
            None
        };
        let stages = &pipeline[..end.unwrap_or(pipeline.len())];
        Self::all(stages.iter().map(of_stage))
    }

    fn all(parts: impl Iterator<Item = Self>) -> Self {
        let mut list: Vec<Self> = parts.filter(|n| !matches!(n, Self::Nothing)).collect();
        match list.len() {
            0 => Self::Nothing,
            1 => list.remove(0),
            _ => Self::All(list),
        }
    }

    fn any(left: Self, right: Self) -> Self {
        if matches!(left, Self::Nothing) || matches!(right, Self::Nothing) {
            return Self::Nothing;
        }
        Self::Any(vec![left, right])
    }

    /// Whether a trace meets it.
    pub(crate) fn is_met(&self, trace: &Trace) -> bool {
        match self {
            Self::Nothing => true,
            Self::Item(item) => trace.summary.may_have(*item),
            Self::Compare(intrinsic, op, value, regex) => {
                compares(trace, *intrinsic, *op, value, regex.as_ref())
            }
            Self::Spans(op, value) => {
                compute(*op, &Value::Int(trace.spans.len() as i64), value, None).is_true()
            }
            Self::All(parts) => parts.iter().all(|part| part.is_met(trace)),
            Self::Any(parts) => parts.iter().any(|part| part.is_met(trace)),
        }
    }
}

fn is_joined(stage: &Stage) -> bool {
    match stage {
        Stage::Joined(..) => true,
        Stage::Wrapped(pipeline) => pipeline.iter().any(is_joined),
        _ => false,
    }
}

fn has_groups(stage: &Stage) -> bool {
    match stage {
        Stage::By(_) => true,
        Stage::Wrapped(pipeline) => pipeline.iter().any(has_groups),
        Stage::Joined(_, left, right) => has_groups(left) || has_groups(right),
        _ => false,
    }
}

fn of_stage(stage: &Stage) -> Need {
    match stage {
        Stage::Filter(expr) => of_expr(expr),
        Stage::Joined(op, left, right) => match op {
            SetOp::Or => Need::any(of_stage(left), of_stage(right)),
            // The right side is found where the left one is not.
            SetOp::Related {
                form: Form::Negated,
                ..
            } => of_stage(right),
            SetOp::And | SetOp::Related { .. } => {
                Need::all([of_stage(left), of_stage(right)].into_iter())
            }
        },
        Stage::Wrapped(pipeline) => Need::of(pipeline),
        // A set has no more spans than its trace.
        Stage::Compare(op, Aggregate::Count, Aggregate::Literal(value)) => match op {
            Op::Greater | Op::GreaterEqual => Need::Spans(*op, value.clone()),
            Op::Equal => Need::Spans(Op::GreaterEqual, value.clone()),
            _ => Need::Nothing,
        },
        Stage::Compare(..) | Stage::By(_) | Stage::Select(_) | Stage::Coalesce => Need::Nothing,
    }
}

/// What an expression needs to be true of a span.
pub(crate) fn of_expr(expr: &Expr) -> Need {
    match expr {
        Expr::Attribute(attribute) => of_key(attribute),
        Expr::Exists(inner) => match &**inner {
            Expr::Attribute(attribute) => of_key(attribute),
            _ => Need::Nothing,
        },
        Expr::Binary(Op::And, left, right, _) => {
            Need::all([of_expr(left), of_expr(right)].into_iter())
        }
        Expr::Binary(Op::Or, left, right, _) => Need::any(of_expr(left), of_expr(right)),
        Expr::Binary(op, left, right, regex) if !op.is_arithmetic() => match (&**left, &**right) {
            (Expr::Attribute(attribute), Expr::Literal(value)) => {
                of_comparison(attribute, *op, value, regex.as_ref())
            }
            (Expr::Literal(value), Expr::Attribute(attribute)) => {
                of_comparison(attribute, op.flipped(), value, regex.as_ref())
            }
            _ => Need::Nothing,
        },
        _ => Need::Nothing,
    }
}

fn of_key(attribute: &Attribute) -> Need {
    match attribute {
        Attribute::Named(_, name) => Need::Item(Item::key(name)),
        _ => Need::Nothing,
    }
}

fn of_comparison(
    attribute: &Attribute,
    op: Op,
    value: &Value<'static>,
    regex: Option<&Regex>,
) -> Need {
    let equal = |key: &str| {
        let item = Item::pair(key, value).filter(|_| op == Op::Equal);
        item.map(Need::Item)
    };
    match attribute {
        // What is compared has to be there.
        Attribute::Named(_, name) => equal(name).unwrap_or_else(|| of_key(attribute)),
        Attribute::Intrinsic(Intrinsic::Name) => equal(NAME).unwrap_or(Need::Nothing),
        Attribute::Intrinsic(
            intrinsic @ (Intrinsic::Status
            | Intrinsic::Kind
            | Intrinsic::Duration
            | Intrinsic::RootName
            | Intrinsic::RootServiceName
            | Intrinsic::TraceDuration),
        ) => Need::Compare(*intrinsic, op, value.clone(), regex.cloned()),
        _ => Need::Nothing,
    }
}

fn compares(
    trace: &Trace,
    intrinsic: Intrinsic,
    op: Op,
    wanted: &Value<'_>,
    regex: Option<&Regex>,
) -> bool {
    let holds = |op: Op, value: &Value<'_>| compute(op, value, wanted, regex).is_true();
    let summary = &trace.summary;
    let bits = |bits: u8| (0..8).filter(move |at| bits >> at & 1 == 1);
    let (shortest, longest) = (
        Value::Duration(summary.shortest as i64),
        Value::Duration(summary.longest as i64),
    );
    match intrinsic {
        Intrinsic::Status => bits(summary.statuses).any(|code| holds(op, &Value::Status(code))),
        Intrinsic::Kind => bits(summary.kinds).any(|code| holds(op, &Value::Kind(code))),
        Intrinsic::Duration => match op {
            Op::Greater | Op::GreaterEqual => holds(op, &longest),
            Op::Less | Op::LessEqual => holds(op, &shortest),
            Op::Equal => holds(Op::LessEqual, &shortest) && holds(Op::GreaterEqual, &longest),
            _ => true,
        },
        of_trace => holds(op, &column::of_trace(trace, of_trace)),
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry_proto::tonic::common::v1::KeyValue;
    use opentelemetry_proto::tonic::resource::v1::Resource;
    use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span, Status};

    use super::super::traceql::parse;
    use super::super::{Traces, Value};
    use super::*;
    use crate::Limits;
    use crate::clock::Clock;

    fn attributes(pairs: &[(&str, Value<'_>)]) -> Vec<KeyValue> {
        pairs.iter().map(|(key, value)| value.pair(key)).collect()
    }

    /// A root and its child, which failed.
    fn spans() -> ResourceSpans {
        let span = |id: u8, parent: Vec<u8>, name: &str, took: u64, code: i32| Span {
            trace_id: vec![1; 16],
            span_id: vec![id; 8],
            parent_span_id: parent,
            name: name.to_owned(),
            kind: 2,
            start_time_unix_nano: 1_000_000_000,
            end_time_unix_nano: 1_000_000_000 + took * 1_000_000,
            attributes: attributes(&[
                ("n", Value::Int(7)),
                (
                    "list",
                    Value::List(vec![Value::text("a"), Value::text("b")]),
                ),
            ]),
            status: Some(Status {
                message: String::new(),
                code,
            }),
            ..Span::default()
        };
        ResourceSpans {
            resource: Some(Resource {
                attributes: attributes(&[("service.name", Value::text("orders"))]),
                ..Resource::default()
            }),
            scope_spans: vec![ScopeSpans {
                spans: vec![
                    span(1, Vec::new(), "root", 20, 0),
                    span(2, vec![1; 8], "child", 5, 2),
                ],
                ..ScopeSpans::default()
            }],
            ..ResourceSpans::default()
        }
    }

    #[test]
    fn traces_are_passed_over_only_where_nothing_can_be_found() {
        let traces = Traces::new(&Limits::default(), Clock::at(2_000));
        traces.push(vec![spans()]).unwrap();
        let trace = traces.get(&[1; 16]).unwrap();
        for (query, is_met) in [
            ("{ }", true),
            ("{ resource.service.name = `orders` }", true),
            ("{ resource.service.name = `carts` }", false),
            ("{ .service.name != `orders` }", true),
            ("{ .missing != `orders` }", false),
            ("{ .missing = nil }", true),
            ("{ !(.missing = `a`) }", true),
            ("{ span.n = 7 && span.n > 100 }", true),
            ("{ span.n = 7.0 }", true),
            ("{ span.n = 8 || name = `root` }", true),
            ("{ span.n = 8 || name = `other` }", false),
            ("{ span.list = `b` }", true),
            ("{ span.list = `c` }", false),
            ("{ span.list =~ `c` }", true),
            ("{ name = `child` }", true),
            ("{ name = `other` }", false),
            ("{ rootName = `root` }", true),
            ("{ rootServiceName =~ `cart.*` }", false),
            ("{ status = error }", true),
            ("{ status = ok }", false),
            ("{ status != error }", true),
            ("{ kind = client }", false),
            ("{ duration > 19ms }", true),
            ("{ duration > 20ms }", false),
            ("{ duration < 5ms }", false),
            ("{ 5ms >= duration }", true),
            ("{ duration = 12ms }", true),
            ("{ traceDuration > 20ms }", false),
            ("{ name = `root` } >> { name = `other` }", false),
            ("{ name = `other` } !>> { name = `root` }", true),
            ("{ name = `other` } || { name = `root` }", true),
            ("{ name = `other` } && { name = `root` }", false),
            ("{ } | count() > 1", true),
            ("{ } | count() > 2", false),
            ("{ } | count() < 2", true),
            ("{ } | by(name) | { name = `other` }", false),
            // Several sets on a side are an error, which has to be found.
            ("{ } | by(name) | { name = `other` } >> { }", true),
        ] {
            let need = Need::of(&parse(query).unwrap().pipeline);
            assert_eq!(need.is_met(&trace), is_met, "{query}");
        }
    }
}
