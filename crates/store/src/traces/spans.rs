//! A trace and its spans, as they are kept: texts shared, one allocation for each span's
//! attributes, what few spans have apart.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};

use foldhash::HashSet;

use super::summary::Summary;
use super::tree::Tree;
use super::value::Value;

/// The names of attributes, in an order that many spans share.
pub(crate) type Shape = Arc<[Arc<str>]>;

/// Attributes: names, and a value for each.
#[derive(Clone, Debug, Default)]
pub(crate) struct Attrs {
    pub(crate) names: Shape,
    pub(crate) values: Box<[Data]>,
}

impl Attrs {
    /// Names and values, in order.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&Arc<str>, &Data)> {
        self.names.iter().zip(&self.values)
    }

    pub(crate) fn len(&self) -> usize {
        self.values.len()
    }
}

/// A member of a map.
#[derive(Clone, Debug)]
pub(crate) struct Attr {
    pub(crate) key: Arc<str>,
    pub(crate) value: Data,
}

/// The value of an attribute, as OTLP has it.
#[derive(Clone, Debug)]
pub(crate) enum Data {
    Empty,
    Text(Arc<str>),
    Int(i64),
    Float(f64),
    Bool(bool),
    Bytes(Box<[u8]>),
    List(Box<[Data]>),
    Map(Box<[Attr]>),
}

impl Data {
    /// As queries see it: maps, bytes and mixed lists are nothing to them.
    pub(crate) fn value(&self) -> Value<'_> {
        match self {
            Self::Text(text) => Value::text(text),
            Self::Int(n) => Value::Int(*n),
            Self::Float(n) => Value::Float(*n),
            Self::Bool(b) => Value::Bool(*b),
            Self::List(list) => {
                let like =
                    |item: &Self| std::mem::discriminant(item) == std::mem::discriminant(&list[0]);
                let scalar = |item: &Self| !matches!(item.value(), Value::Nil | Value::List(_));
                match list.len() {
                    0 => Value::Nil,
                    _ if !list.iter().all(|item| like(item) && scalar(item)) => Value::Nil,
                    1 => list[0].value(),
                    _ => Value::List(list.iter().map(Self::value).collect()),
                }
            }
            Self::Empty | Self::Bytes(_) | Self::Map(_) => Value::Nil,
        }
    }
}

/// The value of this name.
pub(crate) fn find<'a>(attrs: &'a Attrs, name: &str) -> Option<&'a Data> {
    let at = attrs.names.iter().position(|known| &**known == name)?;
    attrs.values.get(at)
}

/// The process that spans are of.
#[derive(Clone, Debug)]
pub(crate) struct Resource {
    /// `service.name`, or nothing.
    pub(crate) service: Arc<str>,
    pub(crate) attrs: Attrs,
    pub(crate) dropped: u32,
}

/// The library that made spans.
#[derive(Clone, Debug)]
pub(crate) struct Library {
    pub(crate) name: Arc<str>,
    pub(crate) version: Arc<str>,
    pub(crate) attrs: Attrs,
    pub(crate) dropped: u32,
}

/// Something that happened during a span.
#[derive(Clone, Debug)]
pub(crate) struct Event {
    pub(crate) time: u64,
    pub(crate) name: Arc<str>,
    pub(crate) attrs: Attrs,
    pub(crate) dropped: u32,
}

/// Another span that this one is about.
#[derive(Clone, Debug)]
pub(crate) struct Link {
    pub(crate) trace_id: Box<[u8]>,
    pub(crate) span_id: Box<[u8]>,
    pub(crate) state: Arc<str>,
    pub(crate) attrs: Attrs,
    pub(crate) dropped: u32,
    pub(crate) flags: u32,
}

/// What few spans have.
#[derive(Clone, Debug, Default)]
pub(crate) struct Rare {
    pub(crate) message: Arc<str>,
    pub(crate) state: Arc<str>,
    pub(crate) events: Box<[Event]>,
    pub(crate) links: Box<[Link]>,
    /// Dropped attributes, events and links.
    pub(crate) dropped: [u32; 3],
}

/// An id of 8 bytes; all 0 for none.
pub(crate) type SpanId = [u8; 8];

/// A span.
#[derive(Clone, Debug)]
pub(crate) struct Span {
    pub(crate) id: SpanId,
    pub(crate) parent: SpanId,
    /// Nanoseconds of its start and its end.
    pub(crate) start: u64,
    pub(crate) end: u64,
    pub(crate) name: Arc<str>,
    /// Its place in [`Trace::groups`].
    pub(crate) group: u32,
    pub(crate) flags: u32,
    /// OTLP's number.
    pub(crate) kind: u8,
    /// OTLP's number.
    pub(crate) status: u8,
    pub(crate) attrs: Attrs,
    pub(crate) rare: Option<Box<Rare>>,
}

impl Span {
    /// How long it took, in nanoseconds.
    pub(crate) const fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    pub(crate) fn message(&self) -> &str {
        self.rare.as_ref().map_or("", |rare| &rare.message)
    }

    pub(crate) fn events(&self) -> &[Event] {
        self.rare.as_ref().map_or(&[], |rare| &rare.events)
    }

    pub(crate) fn links(&self) -> &[Link] {
        self.rare.as_ref().map_or(&[], |rare| &rare.links)
    }

    pub(crate) fn is_root(&self) -> bool {
        self.parent == SpanId::default()
    }
}

/// From how many spans on a set tells which are known.
const MANY: usize = 32;

/// The spans of one trace.
#[derive(Clone, Debug, Default)]
pub(crate) struct Trace {
    pub(crate) id: [u8; 16],
    /// In the order in which they came.
    pub(crate) spans: Vec<Span>,
    /// Where spans come from.
    pub(crate) groups: Vec<(Arc<Resource>, Arc<Library>)>,
    /// The first root's place in `spans`.
    pub(crate) root: Option<usize>,
    /// Nanoseconds of the first start.
    pub(crate) start: u64,
    /// Nanoseconds of the last end.
    pub(crate) end: u64,
    /// Bytes of it as they came, which limits count.
    pub(crate) size: usize,
    /// About how many bytes it takes.
    pub(crate) bytes: usize,
    /// What its spans have.
    pub(crate) summary: Summary,
    known: HashSet<(SpanId, u8)>,
    tree: OnceLock<Tree>,
}

impl Trace {
    /// Adds a span, unless one of its id and kind is there already.
    pub(crate) fn add(&mut self, span: Span) -> bool {
        let key = (span.id, span.kind);
        if self.spans.len() < MANY {
            if self.spans.iter().any(|s| (s.id, s.kind) == key) {
                return false;
            }
        } else {
            if self.known.is_empty() {
                self.known = self.spans.iter().map(|s| (s.id, s.kind)).collect();
            }
            if !self.known.insert(key) {
                return false;
            }
        }
        if self.spans.is_empty() {
            (self.start, self.end) = (span.start, span.end);
        }
        self.start = self.start.min(span.start);
        self.end = self.end.max(span.end);
        if self.root.is_none() && span.is_root() {
            self.root = Some(self.spans.len());
        }
        self.summary.add_span(&span);
        self.spans.push(span);
        self.tree = OnceLock::new();
        true
    }

    /// Adds where some of its spans come from.
    pub(crate) fn add_group(&mut self, resource: Arc<Resource>, library: Arc<Library>) {
        self.summary.add_group(&resource, &library);
        self.groups.push((resource, library));
    }

    /// Makes its summary as large as it has to be, after what was added; the bytes it grew by.
    pub(crate) fn fit_summary(&mut self) -> usize {
        let before = self.summary.bytes();
        while self.summary.is_full() {
            let mut summary = self.summary.grown();
            for (resource, library) in &self.groups {
                summary.add_group(resource, library);
            }
            self.spans.iter().for_each(|span| summary.add_span(span));
            self.summary = summary;
        }
        self.summary.bytes() - before
    }

    /// How long it took, in nanoseconds.
    pub(crate) const fn duration(&self) -> u64 {
        self.end.saturating_sub(self.start)
    }

    /// How its spans stand to each other.
    pub(crate) fn tree(&self) -> &Tree {
        self.tree.get_or_init(|| Tree::of(&self.spans))
    }

    pub(crate) fn resource(&self, span: &Span) -> &Resource {
        &self.groups[span.group as usize].0
    }

    pub(crate) fn library(&self, span: &Span) -> &Library {
        &self.groups[span.group as usize].1
    }

    /// The root's service and name; empty without a root.
    pub(crate) fn root_names(&self) -> (&str, &str) {
        self.root.map_or(("", ""), |root| {
            let root = &self.spans[root];
            (&self.resource(root).service, &root.name)
        })
    }

    /// How many spans and errors each service has.
    pub(crate) fn services(&self) -> BTreeMap<&str, (usize, usize)> {
        let mut out: BTreeMap<&str, (usize, usize)> = BTreeMap::new();
        for span in &self.spans {
            let count = out.entry(&self.resource(span).service).or_default();
            count.0 += 1;
            count.1 += usize::from(span.status == 2);
        }
        out
    }
}
