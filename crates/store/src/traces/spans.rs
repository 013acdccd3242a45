//! A trace and its spans: the tree, and what each span has to say.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::{InstrumentationScope, KeyValue};
use opentelemetry_proto::tonic::resource::v1::Resource;
use opentelemetry_proto::tonic::trace::v1::Span;

use super::traceql::{Attribute, Intrinsic, Scope};
use super::value::{KINDS, STATUSES, Value};
use crate::otlp::hex;

/// A span with where it comes from.
#[derive(Clone, Debug)]
pub struct Stored {
    /// As it came.
    pub span: Span,
    /// Its process.
    pub resource: Arc<Resource>,
    /// Its library.
    pub scope: Arc<InstrumentationScope>,
}

/// Where a span stands in its tree, as nested sets number it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// Nested set's left number; 0 outside of the tree.
    pub left: i64,
    /// Nested set's right number.
    pub right: i64,
    /// The parent's left number; -1 for a root, 0 outside of the tree.
    pub parent: i64,
    /// How many children.
    pub children: i64,
}

/// The spans of one trace.
#[derive(Clone, Debug, Default)]
pub struct Trace {
    /// 16 bytes.
    pub id: Vec<u8>,
    /// The spans, in the order in which they came.
    pub spans: Vec<Stored>,
    /// One for each span.
    pub places: Vec<Place>,
    /// The root's place in `spans`.
    pub root: Option<usize>,
    /// Nanoseconds of the first start.
    pub start: u64,
    /// Nanoseconds of the last end.
    pub end: u64,
    /// About how many bytes it takes.
    pub bytes: usize,
}

fn find<'a>(attributes: &'a [KeyValue], name: &str) -> Option<&'a KeyValue> {
    attributes.iter().find(|pair| pair.key == name)
}

fn get(attributes: &[KeyValue], name: &str) -> Value {
    find(attributes, name).map_or(Value::Nil, |pair| Value::of(pair.value.as_ref()))
}

/// The name of the service that a resource is.
pub(crate) fn service(resource: &Resource) -> String {
    match get(&resource.attributes, "service.name") {
        Value::Text(name) => name,
        _ => String::new(),
    }
}

impl Trace {
    /// Counts bounds, root and places again after spans were added.
    pub fn settle(&mut self) {
        self.start = self
            .spans
            .iter()
            .map(|s| s.span.start_time_unix_nano)
            .min()
            .unwrap_or(0);
        self.end = self
            .spans
            .iter()
            .map(|s| s.span.end_time_unix_nano)
            .max()
            .unwrap_or(0);
        self.root = self
            .spans
            .iter()
            .position(|s| s.span.parent_span_id.iter().all(|b| *b == 0));
        let ids: HashMap<&[u8], usize> = self
            .spans
            .iter()
            .enumerate()
            .map(|(at, s)| (s.span.span_id.as_slice(), at))
            .collect();
        let mut children: Vec<Vec<usize>> = vec![Vec::new(); self.spans.len()];
        let mut roots = Vec::new();
        for (at, stored) in self.spans.iter().enumerate() {
            if stored.span.parent_span_id.iter().all(|b| *b == 0) {
                roots.push(at);
            } else if let Some(parent) = ids.get(stored.span.parent_span_id.as_slice()) {
                children[*parent].push(at);
            }
        }
        let mut places = vec![Place::default(); self.spans.len()];
        for (place, list) in places.iter_mut().zip(&children) {
            place.children = list.len() as i64;
        }
        let mut next = 1;
        for root in roots {
            places[root].parent = -1;
            number(root, &children, &mut places, &mut next);
        }
        self.places = places;
    }

    /// Whether `a` is the parent of `b`; spans outside of the tree have none.
    pub fn is_parent(&self, a: usize, b: usize) -> bool {
        self.places[a].left > 0 && self.places[b].parent == self.places[a].left
    }

    /// Whether `a` is an ancestor of `b`; spans outside of the tree have none.
    pub fn is_ancestor(&self, a: usize, b: usize) -> bool {
        let (x, y) = (self.places[a], self.places[b]);
        x.left > 0 && y.left > 0 && x.left < y.left && y.right < x.right
    }

    /// Whether `a` and `b` have one parent; spans outside of the tree have none.
    pub fn are_siblings(&self, a: usize, b: usize) -> bool {
        a != b && self.places[a].parent > 0 && self.places[a].parent == self.places[b].parent
    }

    /// The root's service and name.
    pub fn root_names(&self) -> (String, String) {
        self.root.map_or((String::new(), String::new()), |root| {
            let root = &self.spans[root];
            (service(&root.resource), root.span.name.clone())
        })
    }

    /// How many spans and errors each service has.
    pub fn services(&self) -> BTreeMap<String, (usize, usize)> {
        let mut out: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for stored in &self.spans {
            let count = out.entry(service(&stored.resource)).or_default();
            count.0 += 1;
            count.1 += usize::from(stored.span.status.as_ref().is_some_and(|s| s.code == 2));
        }
        out
    }

    /// What a span has of this name. Events and links give a list where there are several.
    pub fn value(&self, at: usize, attribute: &Attribute) -> Value {
        let stored = &self.spans[at];
        match attribute {
            Attribute::Intrinsic(intrinsic) => self.intrinsic(at, *intrinsic),
            Attribute::Parent(_) => Value::Nil,
            Attribute::Named(scope, name) => match scope {
                Scope::Span => get(&stored.span.attributes, name),
                Scope::Resource => get(&stored.resource.attributes, name),
                Scope::Any => match get(&stored.span.attributes, name) {
                    Value::Nil => get(&stored.resource.attributes, name),
                    found => found,
                },
                Scope::Instrumentation => get(&stored.scope.attributes, name),
                Scope::Event => many(stored.span.events.iter().map(|e| get(&e.attributes, name))),
                Scope::Link => many(stored.span.links.iter().map(|l| get(&l.attributes, name))),
            },
        }
    }

    fn intrinsic(&self, at: usize, intrinsic: Intrinsic) -> Value {
        let stored = &self.spans[at];
        let span = &stored.span;
        let place = self.places[at];
        let text = |text: &str| Value::Text(text.to_owned());
        match intrinsic.plain() {
            Intrinsic::Duration => Value::Duration(
                span.end_time_unix_nano
                    .saturating_sub(span.start_time_unix_nano) as i64,
            ),
            Intrinsic::Name => text(&span.name),
            Intrinsic::Status => {
                let code = span.status.as_ref().map_or(0, |s| s.code) as usize;
                Value::Status(STATUSES.get(code).copied().unwrap_or("unset"))
            }
            Intrinsic::StatusMessage => {
                text(span.status.as_ref().map_or("", |s| s.message.as_str()))
            }
            Intrinsic::Kind => Value::Kind(
                KINDS
                    .get(span.kind as usize)
                    .copied()
                    .unwrap_or("unspecified"),
            ),
            Intrinsic::ChildCount => Value::Int(place.children),
            Intrinsic::RootName => Value::Text(self.root_names().1),
            Intrinsic::RootServiceName => Value::Text(self.root_names().0),
            Intrinsic::TraceDuration => Value::Duration(self.end.saturating_sub(self.start) as i64),
            Intrinsic::NestedSetLeft => Value::Int(place.left),
            Intrinsic::NestedSetRight => Value::Int(place.right),
            Intrinsic::NestedSetParent => Value::Int(place.parent),
            Intrinsic::TraceId => Value::Text(short(&self.id)),
            Intrinsic::SpanId => Value::Text(hex(&span.span_id)),
            Intrinsic::ParentId => Value::Text(hex(&span.parent_span_id)),
            Intrinsic::EventName => many(span.events.iter().map(|e| text(&e.name))),
            Intrinsic::EventTimeSinceStart => many(span.events.iter().map(|e| {
                Value::Duration(e.time_unix_nano.saturating_sub(span.start_time_unix_nano) as i64)
            })),
            Intrinsic::LinkSpanId => many(span.links.iter().map(|l| Value::Text(hex(&l.span_id)))),
            Intrinsic::LinkTraceId => {
                many(span.links.iter().map(|l| Value::Text(short(&l.trace_id))))
            }
            Intrinsic::InstrumentationName => text(&stored.scope.name),
            Intrinsic::InstrumentationVersion => text(&stored.scope.version),
            _ => Value::Nil,
        }
    }
}

/// Numbers a tree without recursion, so that a deep one cannot overflow the stack.
fn number(root: usize, children: &[Vec<usize>], places: &mut [Place], next: &mut i64) {
    let mut stack: Vec<(usize, usize)> = vec![(root, 0)];
    places[root].left = *next;
    *next += 1;
    while let Some((at, child)) = stack.pop() {
        match children[at].get(child) {
            Some(&inner) if places[inner].left == 0 => {
                stack.push((at, child + 1));
                places[inner].left = *next;
                places[inner].parent = places[at].left;
                *next += 1;
                stack.push((inner, 0));
            }
            Some(_) => stack.push((at, child + 1)),
            None => {
                places[at].right = *next;
                *next += 1;
            }
        }
    }
}

/// An id of a trace as searches show it: without leading zeros.
fn short(id: &[u8]) -> String {
    hex(id).trim_start_matches('0').to_owned()
}

fn many(values: impl Iterator<Item = Value>) -> Value {
    let mut found: Vec<Value> = values.filter(|v| *v != Value::Nil).collect();
    match found.len() {
        0 => Value::Nil,
        1 => found.remove(0),
        _ => Value::List(found),
    }
}
