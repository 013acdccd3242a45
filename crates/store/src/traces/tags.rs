//! Names and values of tags, over all traces of a range.

use std::borrow::Cow;
use std::collections::{BTreeSet, HashSet};
use std::sync::Arc;

use super::column::Column;
use super::eval::Node;
use super::fetch::{RESOURCE_COLUMNS, SPAN_COLUMNS};
use super::need::{self, Need};
use super::spans::{Attrs, Data, Trace, find};
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
pub(crate) struct Filter {
    node: Node,
    expr: Expr,
    need: Need,
}

impl Filter {
    /// What a query says of single spans. `None` for all spans: where attributes without a scope
    /// are named, or different ones with `||` between, a server does not filter tags.
    pub(crate) fn of(query: &Query) -> Option<Self> {
        let Some(Stage::Filter(expr)) = query.pipeline.first() else {
            return None;
        };
        let expr = tests_of(expr)?;
        let usable = is_scoped(&expr) && alternatives_are_alike(&expr);
        usable.then(|| Self {
            node: Node::whole(&expr),
            need: need::of_expr(&expr),
            expr,
        })
    }

    /// Whether a trace has to be looked at.
    fn may_take(&self, trace: &Trace) -> bool {
        self.need.is_met(trace)
    }

    fn takes(&self, trace: &Trace, at: usize) -> bool {
        self.node.value(trace, at).is_true()
    }

    /// The value that the filter says the attribute has.
    pub(crate) fn fixes(&self, attribute: &Attribute) -> Option<&Value<'static>> {
        fixed(&self.expr, attribute)
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

/// Names of one scope.
#[derive(Clone, Debug, Default)]
pub(crate) struct Scoped {
    pub(crate) names: BTreeSet<Arc<str>>,
    /// Where the last names lie: most spans share theirs with the span before.
    last: usize,
}

impl Scoped {
    fn put(&mut self, attrs: &Attrs) {
        let address = attrs.names.as_ptr().addr();
        if self.last == address {
            return;
        }
        self.last = address;
        for name in &*attrs.names {
            if !self.names.contains(name) {
                self.names.insert(Arc::clone(name));
            }
        }
    }
}

/// Names by scope.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(pub(crate) [Scoped; 5]);

impl Names {
    /// Adds the names of a trace. With a filter over all scopes, a server joins events and links
    /// and so sees neither of spans that have only one of them.
    pub(crate) fn add(&mut self, filter: Option<&Filter>, all_scopes: bool, trace: &Trace) {
        if filter.is_some_and(|filter| !filter.may_take(trace)) {
            return;
        }
        let mut last = u32::MAX;
        for (at, span) in trace.spans.iter().enumerate() {
            if filter.is_some_and(|filter| !filter.takes(trace, at)) {
                continue;
            }
            let [resources, spans, events, links, libraries] = &mut self.0;
            if span.group != last {
                last = span.group;
                resources.put(&trace.resource(span).attrs);
                libraries.put(&trace.library(span).attrs);
            }
            spans.put(&span.attrs);
            let is_joined = filter.is_some() && all_scopes;
            if is_joined && span.events().is_empty() != span.links().is_empty() {
                continue;
            }
            span.events()
                .iter()
                .for_each(|event| events.put(&event.attrs));
            span.links().iter().for_each(|link| links.put(&link.attrs));
        }
    }

    /// Adds the names that have a column of their own and are there at all: whatever the filter,
    /// a server tells of these.
    pub(crate) fn add_columns(&mut self, trace: &Trace) {
        let mut put = |scope: usize, attrs: &Attrs, columns: &[&str]| {
            let has_column = |name: &&Arc<str>| columns.contains(&&***name);
            for name in attrs.names.iter().filter(has_column) {
                let names = &mut self.0[scope].names;
                if !names.contains(name) {
                    names.insert(Arc::clone(name));
                }
            }
        };
        for (resource, _) in &trace.groups {
            put(0, &resource.attrs, &RESOURCE_COLUMNS);
        }
        for span in &trace.spans {
            put(1, &span.attrs, &SPAN_COLUMNS);
        }
    }

    /// Adds what others have.
    pub(crate) fn append(&mut self, others: Self) {
        for (scope, mut other) in self.0.iter_mut().zip(others.0) {
            scope.names.append(&mut other.names);
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

/// Distinct values; texts stay where they are.
#[derive(Debug, Default)]
pub(crate) struct Values<'a> {
    texts: HashSet<&'a str>,
    others: HashSet<(&'static str, u64)>,
    shown: BTreeSet<(String, &'static str)>,
}

impl<'a> Values<'a> {
    fn add(&mut self, value: Value<'a>) {
        let bits = match &value {
            Value::Nil => return,
            Value::Text(Cow::Borrowed(text)) => {
                self.texts.insert(text);
                return;
            }
            Value::Int(n) | Value::Duration(n) => *n as u64,
            Value::Float(n) => n.to_bits(),
            Value::Bool(b) => u64::from(*b),
            Value::Status(n) | Value::Kind(n) => u64::from(*n),
            Value::Text(Cow::Owned(_)) | Value::List(_) => {
                self.show(&value);
                return;
            }
        };
        if self.others.insert((value.kind(), bits)) {
            self.show(&value);
        }
    }

    fn show(&mut self, value: &Value<'_>) {
        match value {
            Value::List(list) => list.iter().for_each(|item| self.show(item)),
            value => {
                self.shown.insert((value.show(), value.kind()));
            }
        }
    }

    fn data(&mut self, data: Option<&'a Data>) {
        if let Some(data) = data {
            self.add(data.value());
        }
    }

    /// Adds the values that an attribute has in a trace.
    pub(crate) fn read(
        &mut self,
        attribute: &Attribute,
        column: &Column,
        filter: Option<&Filter>,
        trace: &'a Trace,
    ) {
        if filter.is_some_and(|filter| !filter.may_take(trace)) {
            return;
        }
        for (at, span) in trace.spans.iter().enumerate() {
            if filter.is_some_and(|filter| !filter.takes(trace, at)) {
                continue;
            }
            let (events, links) = (span.events().iter(), span.links().iter());
            match attribute {
                Attribute::Named(Scope::Any, name) => {
                    self.data(find(&span.attrs, name));
                    self.data(find(&trace.resource(span).attrs, name));
                    events.for_each(|event| self.data(find(&event.attrs, name)));
                    links.for_each(|link| self.data(find(&link.attrs, name)));
                    self.data(find(&trace.library(span).attrs, name));
                }
                Attribute::Named(Scope::Event, name) => {
                    events.for_each(|event| self.data(find(&event.attrs, name)));
                }
                Attribute::Named(Scope::Link, name) => {
                    links.for_each(|link| self.data(find(&link.attrs, name)));
                }
                Attribute::Intrinsic(Intrinsic::EventName) => {
                    events.for_each(|event| self.add(Value::text(&event.name)));
                }
                _ => self.add(column.value(trace, at)),
            }
        }
    }

    /// Adds what others have.
    pub(crate) fn append(&mut self, mut others: Self) {
        self.texts.extend(others.texts);
        self.shown.append(&mut others.shown);
    }

    /// Pairs of text and type, in order.
    pub(crate) fn sorted(self) -> BTreeSet<(String, &'static str)> {
        let kind = Value::text("").kind();
        let texts = self.texts.into_iter();
        let mut out = self.shown;
        out.extend(texts.map(|text| (text.to_owned(), kind)));
        out
    }
}
