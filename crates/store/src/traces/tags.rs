//! Names and values of tags, over all traces of a range.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::column::Column;
use super::eval::Node;
use super::fetch::{RESOURCE_COLUMNS, SPAN_COLUMNS};
use super::spans::{Attr, Data, Trace, find};
use super::traceql::{Attribute, Expr, Intrinsic, Op, Query, Scope, Stage};
use super::value::{KINDS, STATUSES, Value};

/// The intrinsics that Tempo lists.
pub(crate) const INTRINSICS: [&str; 24] = [
    "duration",
    "event:name",
    "event:timeSinceStart",
    "instrumentation:name",
    "instrumentation:version",
    "kind",
    "link:spanID",
    "link:traceID",
    "name",
    "rootName",
    "rootServiceName",
    "span:duration",
    "span:id",
    "span:kind",
    "span:name",
    "span:parentID",
    "span:status",
    "span:statusMessage",
    "status",
    "statusMessage",
    "trace:duration",
    "trace:id",
    "trace:rootName",
    "trace:rootService",
];

/// The scopes, in the order of [`Names`].
pub(crate) const SCOPES: [&str; 5] = ["resource", "span", "event", "link", "instrumentation"];

/// Which spans tags are looked for in.
#[derive(Debug)]
pub(crate) struct Filter(Node, Expr);

impl Filter {
    /// What a query says of single spans. `None` for all spans: where attributes without a scope
    /// are named, or different ones with `||` between, a server does not filter tags.
    pub(crate) fn of(query: &Query) -> Option<Self> {
        let Some(Stage::Filter(expr)) = query.pipeline.first() else {
            return None;
        };
        let expr = tests_of(expr)?;
        let usable = is_scoped(&expr) && alternatives_are_alike(&expr);
        usable.then(|| Self(Node::whole(&expr), expr))
    }

    fn takes(&self, trace: &Trace, at: usize) -> bool {
        self.0.value(trace, at).is_true()
    }

    /// The value that the filter says the attribute has.
    pub(crate) fn fixes(&self, attribute: &Attribute) -> Option<&Value<'static>> {
        fixed(&self.1, attribute)
    }
}

fn fixed<'a>(expr: &'a Expr, attribute: &Attribute) -> Option<&'a Value<'static>> {
    match expr {
        Expr::Binary(Op::And, left, right, _) => {
            fixed(left, attribute).or_else(|| fixed(right, attribute))
        }
        Expr::Binary(Op::Equal, left, right, _) => match (&**left, &**right) {
            (Expr::Attribute(a), Expr::Literal(v)) | (Expr::Literal(v), Expr::Attribute(a)) => {
                (a == attribute).then_some(v)
            }
            _ => None,
        },
        _ => None,
    }
}

/// The comparisons of an expression; attributes that only have to be there are no tests.
fn tests_of(expr: &Expr) -> Option<Expr> {
    match expr {
        Expr::Attribute(_) | Expr::Literal(_) => None,
        Expr::Binary(op @ (Op::And | Op::Or), left, right, _) => {
            match (tests_of(left), tests_of(right)) {
                (Some(a), Some(b)) => Some(Expr::Binary(*op, Box::new(a), Box::new(b), None)),
                (one, other) => one.or(other),
            }
        }
        other => Some(other.clone()),
    }
}

fn is_scoped(expr: &Expr) -> bool {
    match expr {
        Expr::Literal(_) => true,
        Expr::Attribute(attribute) => !matches!(attribute, Attribute::Named(Scope::Any, _)),
        Expr::Negative(x) | Expr::Not(x) | Expr::Exists(x) | Expr::Missing(x) => is_scoped(x),
        Expr::Binary(_, left, right, _) => is_scoped(left) && is_scoped(right),
    }
}

fn alternatives_are_alike(expr: &Expr) -> bool {
    match expr {
        Expr::Binary(Op::And, left, right, _) => {
            alternatives_are_alike(left) && alternatives_are_alike(right)
        }
        Expr::Binary(Op::Or, ..) => {
            let mut sides = Vec::new();
            alternatives(expr, &mut sides);
            let first = sides.first().cloned().flatten();
            first.is_some() && sides.iter().all(|side| *side == first)
        }
        _ => true,
    }
}

/// What each side of a chain of `||` compares, and how; nothing for what is no comparison.
fn alternatives(expr: &Expr, out: &mut Vec<Option<(Attribute, Op)>>) {
    match expr {
        Expr::Binary(Op::Or, left, right, _) => {
            alternatives(left, out);
            alternatives(right, out);
        }
        Expr::Binary(op @ (Op::Equal | Op::Regex), left, right, _) => {
            out.push(match (&**left, &**right) {
                (Expr::Attribute(attribute), Expr::Literal(_)) => Some((attribute.clone(), *op)),
                _ => None,
            });
        }
        _ => out.push(None),
    }
}

/// Names by scope.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(pub(crate) [BTreeSet<Arc<str>>; 5]);

impl Names {
    /// Adds the names of a trace. With a filter over all scopes, a server joins events and links
    /// and so sees neither of spans that have only one of them.
    pub(crate) fn add(&mut self, filter: Option<&Filter>, all_scopes: bool, trace: &Trace) {
        let mut last = u32::MAX;
        for (at, span) in trace.spans.iter().enumerate() {
            if filter.is_some_and(|filter| !filter.takes(trace, at)) {
                continue;
            }
            let [resources, spans, events, links, libraries] = &mut self.0;
            if span.group != last {
                last = span.group;
                put(resources, &trace.resource(span).attrs);
                put(libraries, &trace.library(span).attrs);
            }
            put(spans, &span.attrs);
            let is_joined = filter.is_some() && all_scopes;
            if is_joined && span.events().is_empty() != span.links().is_empty() {
                continue;
            }
            span.events()
                .iter()
                .for_each(|event| put(events, &event.attrs));
            span.links().iter().for_each(|link| put(links, &link.attrs));
        }
    }
}

impl Names {
    /// Adds the names that have a column of their own and are there at all: whatever the filter,
    /// a server tells of these.
    pub(crate) fn add_columns(&mut self, traces: &[Arc<Trace>]) {
        let mut resources = BTreeSet::new();
        let mut spans = BTreeSet::new();
        for trace in traces {
            for (resource, _) in &trace.groups {
                put(&mut resources, &resource.attrs);
            }
            trace
                .spans
                .iter()
                .for_each(|span| put(&mut spans, &span.attrs));
        }
        resources.retain(|name| RESOURCE_COLUMNS.contains(&&**name));
        spans.retain(|name| SPAN_COLUMNS.contains(&&**name));
        self.0[0].append(&mut resources);
        self.0[1].append(&mut spans);
    }
}

fn put(set: &mut BTreeSet<Arc<str>>, attrs: &[Attr]) {
    for attr in attrs {
        if !set.contains(&attr.key) {
            set.insert(Arc::clone(&attr.key));
        }
    }
}

/// Values that are the same whatever there is: `None` for an attribute that is looked for.
pub(crate) fn fixed_values(attribute: &Attribute) -> Option<&'static [&'static str]> {
    let Attribute::Intrinsic(intrinsic) = attribute else {
        return None;
    };
    match intrinsic {
        Intrinsic::Kind => Some(&KINDS),
        Intrinsic::Status => Some(&STATUSES),
        // What has as many values as there are spans is not listed.
        Intrinsic::Duration
        | Intrinsic::TraceDuration
        | Intrinsic::SpanId
        | Intrinsic::ParentId
        | Intrinsic::TraceId
        | Intrinsic::LinkSpanId
        | Intrinsic::LinkTraceId
        | Intrinsic::NestedSetLeft
        | Intrinsic::NestedSetRight
        | Intrinsic::NestedSetParent
        | Intrinsic::ChildCount
        | Intrinsic::Parent
        | Intrinsic::EventTimeSinceStart => Some(&[]),
        _ => None,
    }
}

/// The distinct values of an attribute over `traces`: pairs of text and type.
pub(crate) fn values(
    attribute: &Attribute,
    filter: Option<&Filter>,
    traces: &[Arc<Trace>],
) -> BTreeSet<(String, &'static str)> {
    let mut out = BTreeSet::new();
    let mut add = |value: Value<'_>| match value {
        Value::Nil => {}
        Value::List(list) => out.extend(list.iter().map(|item| (item.show(), item.kind()))),
        value => {
            out.insert((value.show(), value.kind()));
        }
    };
    let column = Column::whole(attribute);
    let of_data = |data: Option<&Data>, add: &mut dyn FnMut(Value<'_>)| {
        if let Some(data) = data {
            add(data.value());
        }
    };
    for trace in traces {
        for (at, span) in trace.spans.iter().enumerate() {
            if filter.is_some_and(|filter| !filter.takes(trace, at)) {
                continue;
            }
            match attribute {
                Attribute::Named(Scope::Any, name) => {
                    of_data(find(&span.attrs, name), &mut add);
                    of_data(find(&trace.resource(span).attrs, name), &mut add);
                    for event in span.events() {
                        of_data(find(&event.attrs, name), &mut add);
                    }
                    for link in span.links() {
                        of_data(find(&link.attrs, name), &mut add);
                    }
                    of_data(find(&trace.library(span).attrs, name), &mut add);
                }
                Attribute::Named(Scope::Event, name) => {
                    for event in span.events() {
                        of_data(find(&event.attrs, name), &mut add);
                    }
                }
                Attribute::Named(Scope::Link, name) => {
                    for link in span.links() {
                        of_data(find(&link.attrs, name), &mut add);
                    }
                }
                Attribute::Intrinsic(Intrinsic::EventName) => {
                    for event in span.events() {
                        add(Value::text(&event.name));
                    }
                }
                _ => add(column.value(trace, at)),
            }
        }
    }
    out
}
