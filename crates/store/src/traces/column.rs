//! Reads an attribute of a span as a query's conditions let it through.

use std::borrow::Cow;

use super::fetch::{Condition, Keep, Request, Test};
use super::hex::{span_hex, trace_hex};
use super::spans::{Attrs, Event, Link, Trace, find};
use super::traceql::{Attribute, Intrinsic, Scope};
use super::value::Value;

/// An attribute, ready to be read.
#[derive(Clone, Debug)]
pub(crate) struct Column {
    pub(crate) attribute: Attribute,
    /// Of the scope itself; of the span for an attribute without one.
    keep: Keep,
    /// Of the resource, for an attribute without a scope.
    resource: Keep,
    /// What one event or link must meet as a whole.
    together: Vec<(Attribute, Keep)>,
    /// Whether the first event that has the attribute decides, read or not.
    first_decides: bool,
}

const fn is_of_event(attribute: &Attribute) -> bool {
    matches!(
        attribute,
        Attribute::Named(Scope::Event, _)
            | Attribute::Intrinsic(Intrinsic::EventName | Intrinsic::EventTimeSinceStart)
    )
}

const fn is_of_link(attribute: &Attribute) -> bool {
    matches!(
        attribute,
        Attribute::Named(Scope::Link, _)
            | Attribute::Intrinsic(Intrinsic::LinkSpanId | Intrinsic::LinkTraceId)
    )
}

fn scope_of(attribute: &Attribute) -> Scope {
    match attribute {
        Attribute::Named(Scope::Any, _) => Scope::Span,
        Attribute::Named(scope, _) => *scope,
        _ => Scope::Any,
    }
}

/// Whether a condition on `asked` reads `attribute`.
fn names(asked: &Attribute, attribute: &Attribute) -> bool {
    if asked == attribute {
        return true;
    }
    match (asked, attribute) {
        (
            Attribute::Named(Scope::Any, asked),
            Attribute::Named(Scope::Span | Scope::Resource, name),
        ) => asked == name,
        _ => false,
    }
}

impl Column {
    /// An attribute as the conditions of a request let it through.
    pub(crate) fn of(request: &Request, attribute: &Attribute) -> Self {
        if !request.first.iter().any(|c| names(&c.attribute, attribute)) {
            return Self::whole(attribute);
        }
        let mut column = Self::of_conditions(&request.first, attribute);
        column.first_decides = !request.all && matches!(attribute, Attribute::Named(..));
        let alike = |other: &Attribute| {
            (is_of_event(attribute) && is_of_event(other))
                || (is_of_link(attribute) && is_of_link(other))
        };
        if request.all {
            let inner = request.first.iter().map(|condition| &condition.attribute);
            for other in inner.filter(|other| alike(other) && *other != attribute) {
                let keep = Keep::of(&request.first, other, scope_of(other));
                column.together.push((other.clone(), keep));
            }
        }
        column
    }

    fn of_conditions(conditions: &[Condition], attribute: &Attribute) -> Self {
        Self {
            attribute: attribute.clone(),
            keep: Keep::of(conditions, attribute, scope_of(attribute)),
            resource: Keep::of(conditions, attribute, Scope::Resource),
            together: Vec::new(),
            first_decides: false,
        }
    }

    /// An attribute whatever it is.
    pub(crate) fn whole(attribute: &Attribute) -> Self {
        Self {
            attribute: attribute.clone(),
            keep: Keep::all(),
            resource: Keep::all(),
            together: Vec::new(),
            first_decides: false,
        }
    }

    /// What expressions see of it.
    pub(crate) fn value<'a>(&self, trace: &'a Trace, at: usize) -> Value<'a> {
        let span = &trace.spans[at];
        match &self.attribute {
            Attribute::Parent(..) => Value::Nil,
            Attribute::Named(Scope::Any, name) => match find(&span.attrs, name) {
                Some(data) => self.keep.filter(data.value()),
                None => read(&trace.resource(span).attrs, name, &self.resource),
            },
            Attribute::Named(Scope::Span, name) => read(&span.attrs, name, &self.keep),
            Attribute::Named(Scope::Resource, name) => {
                read(&trace.resource(span).attrs, name, &self.keep)
            }
            Attribute::Named(Scope::Instrumentation, name) => {
                read(&trace.library(span).attrs, name, &self.keep)
            }
            Attribute::Intrinsic(intrinsic) if !self.is_repeated() => {
                self.keep.filter(intrinsic_of(trace, at, *intrinsic))
            }
            _ => self.repeated(trace, at).next().unwrap_or(Value::Nil),
        }
    }

    /// What answers show of it: of several events the last one.
    pub(crate) fn shown<'a>(&self, trace: &'a Trace, at: usize) -> Value<'a> {
        if !self.is_repeated() {
            return self.value(trace, at);
        }
        let mut found = self
            .repeated(trace, at)
            .filter(|value| *value != Value::Nil);
        let first = found.next();
        found.last().or(first).unwrap_or(Value::Nil)
    }

    fn is_repeated(&self) -> bool {
        is_of_event(&self.attribute) || is_of_link(&self.attribute)
    }

    /// The values of all events or links that are read.
    fn repeated<'s, 'a: 's>(
        &'s self,
        trace: &'a Trace,
        at: usize,
    ) -> Box<dyn Iterator<Item = Value<'a>> + 's> {
        let span = &trace.spans[at];
        if is_of_event(&self.attribute) {
            let start = span.start;
            Box::new(self.each(span.events(), move |e, a, k| of_event(e, start, a, k)))
        } else {
            Box::new(self.each(span.links(), of_link))
        }
    }

    fn each<'s, 'a: 's, T>(
        &'s self,
        items: &'a [T],
        read: impl Fn(&'a T, &Attribute, &Keep) -> Option<Value<'a>> + 's,
    ) -> impl Iterator<Item = Value<'a>> + 's {
        let nothing = |value: &Option<Value<'_>>| matches!(value, None | Some(Value::Nil));
        items.iter().filter_map(move |item| {
            let met = |(other, keep): &(Attribute, Keep)| !nothing(&read(item, other, keep));
            if !self.together.iter().all(met) {
                return None;
            }
            let value = read(item, &self.attribute, &self.keep)?;
            (self.first_decides || value != Value::Nil).then_some(value)
        })
    }

    /// Whether the span has no such attribute at all. Without a scope it is enough that the
    /// span or its resource has none.
    pub(crate) fn is_missing(&self, trace: &Trace, at: usize) -> bool {
        let span = &trace.spans[at];
        match &self.attribute {
            Attribute::Intrinsic(_) | Attribute::Parent(..) => false,
            Attribute::Named(scope, name) => match scope {
                Scope::Any => {
                    find(&span.attrs, name).is_none()
                        || find(&trace.resource(span).attrs, name).is_none()
                }
                Scope::Span => find(&span.attrs, name).is_none(),
                Scope::Resource => find(&trace.resource(span).attrs, name).is_none(),
                Scope::Instrumentation => find(&trace.library(span).attrs, name).is_none(),
                Scope::Event => {
                    let events = span.events();
                    events.is_empty() || events.iter().any(|e| find(&e.attrs, name).is_none())
                }
                Scope::Link => {
                    let links = span.links();
                    links.is_empty() || links.iter().any(|l| find(&l.attrs, name).is_none())
                }
            },
        }
    }
}

/// A condition by itself, ready to be looked at.
#[derive(Clone, Debug)]
pub(crate) struct Single {
    column: Column,
    is_missing: bool,
}

impl Single {
    pub(crate) fn of(condition: &Condition) -> Self {
        let alone = std::slice::from_ref(condition);
        Self {
            column: Column::of_conditions(alone, &condition.attribute),
            is_missing: matches!(condition.test, Test::Missing),
        }
    }

    pub(crate) const fn attribute(&self) -> &Attribute {
        &self.column.attribute
    }

    /// Whether a span meets it.
    pub(crate) fn is_met(&self, trace: &Trace, at: usize) -> bool {
        if self.is_missing {
            return self.column.is_missing(trace, at);
        }
        self.column.shown(trace, at) != Value::Nil
    }
}

fn read<'a>(attrs: &'a Attrs, name: &str, keep: &Keep) -> Value<'a> {
    find(attrs, name).map_or(Value::Nil, |data| keep.filter(data.value()))
}

fn of_event<'a>(
    event: &'a Event,
    start: u64,
    attribute: &Attribute,
    keep: &Keep,
) -> Option<Value<'a>> {
    match attribute {
        Attribute::Named(_, name) => find(&event.attrs, name).map(|data| keep.filter(data.value())),
        Attribute::Intrinsic(Intrinsic::EventName) => Some(keep.filter(Value::text(&event.name))),
        _ => {
            let since = event.time.saturating_sub(start);
            Some(keep.filter(Value::Duration(since as i64)))
        }
    }
}

fn of_link<'a>(link: &'a Link, attribute: &Attribute, keep: &Keep) -> Option<Value<'a>> {
    match attribute {
        Attribute::Named(_, name) => find(&link.attrs, name).map(|data| keep.filter(data.value())),
        Attribute::Intrinsic(Intrinsic::LinkTraceId) => {
            Some(keep.filter(Value::Text(Cow::Owned(trace_hex(&link.trace_id)))))
        }
        _ => Some(keep.filter(Value::Text(Cow::Owned(span_hex(&link.span_id))))),
    }
}

/// What all spans of a trace share; nothing for what is each span's own.
pub(crate) fn of_trace(trace: &Trace, intrinsic: Intrinsic) -> Value<'_> {
    match intrinsic {
        Intrinsic::RootName => Value::text(trace.root_names().1),
        Intrinsic::RootServiceName => Value::text(trace.root_names().0),
        Intrinsic::TraceDuration => Value::Duration(trace.duration() as i64),
        Intrinsic::TraceId => Value::Text(Cow::Owned(trace_hex(&trace.id))),
        _ => Value::Nil,
    }
}

fn intrinsic_of(trace: &Trace, at: usize, intrinsic: Intrinsic) -> Value<'_> {
    let span = &trace.spans[at];
    let owned = |text: String| Value::Text(Cow::Owned(text));
    match intrinsic {
        Intrinsic::Duration => Value::Duration(span.duration() as i64),
        Intrinsic::Name => Value::text(&span.name),
        Intrinsic::Status => Value::Status(span.status),
        Intrinsic::StatusMessage => Value::text(span.message()),
        Intrinsic::Kind => Value::Kind(span.kind),
        Intrinsic::ChildCount => Value::Int(trace.tree().place(at).children.into()),
        Intrinsic::NestedSetLeft => Value::Int(trace.tree().place(at).left.into()),
        Intrinsic::NestedSetRight => Value::Int(trace.tree().place(at).right.into()),
        Intrinsic::NestedSetParent => Value::Int(trace.tree().place(at).parent.into()),
        Intrinsic::RootName
        | Intrinsic::RootServiceName
        | Intrinsic::TraceDuration
        | Intrinsic::TraceId => of_trace(trace, intrinsic),
        Intrinsic::SpanId => owned(span_hex(&span.id)),
        Intrinsic::ParentId => owned(span_hex(&span.parent)),
        Intrinsic::InstrumentationName => Value::text(&trace.library(span).name),
        Intrinsic::InstrumentationVersion => Value::text(&trace.library(span).version),
        Intrinsic::Parent
        | Intrinsic::EventName
        | Intrinsic::EventTimeSinceStart
        | Intrinsic::LinkSpanId
        | Intrinsic::LinkTraceId => Value::Nil,
    }
}
