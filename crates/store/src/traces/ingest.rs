//! From OTLP's messages to what is kept, and back.

use std::sync::Arc;

use opentelemetry_proto::tonic::common::v1::{
    AnyValue, ArrayValue, InstrumentationScope, KeyValue, KeyValueList, any_value,
};
use opentelemetry_proto::tonic::resource::v1::Resource as OtlpResource;
use opentelemetry_proto::tonic::trace::v1::{self as otlp, ResourceSpans, ScopeSpans};

use super::pool::Pool;
use super::spans::{
    Attr, Attrs, Data, Event, Library, Link, Rare, Resource, Span, SpanId, Trace, find,
};

/// Bytes that the allocator needs for each allocation, about.
const ALLOCATION: usize = 16;

/// A span's message as what is kept; the id must be one of 8 bytes.
pub(super) fn span(pool: &mut Pool, id: SpanId, group: u32, span: otlp::Span) -> Span {
    let mut parent = SpanId::default();
    if span.parent_span_id.len() == parent.len() {
        parent.copy_from_slice(&span.parent_span_id);
    }
    let status = span.status.unwrap_or_default();
    let dropped = [
        span.dropped_attributes_count,
        span.dropped_events_count,
        span.dropped_links_count,
    ];
    let is_plain = status.message.is_empty()
        && span.trace_state.is_empty()
        && span.events.is_empty()
        && span.links.is_empty()
        && dropped == [0; 3];
    let rare = (!is_plain).then(|| {
        Box::new(Rare {
            message: pool.share(&status.message),
            state: pool.share(&span.trace_state),
            events: span.events.into_iter().map(|e| event(pool, e)).collect(),
            links: span.links.into_iter().map(|l| link(pool, l)).collect(),
            dropped,
        })
    });
    Span {
        id,
        parent,
        start: span.start_time_unix_nano,
        end: span.end_time_unix_nano,
        name: pool.share(&span.name),
        group,
        flags: span.flags,
        kind: u8::try_from(span.kind).ok().filter(|k| *k < 6).unwrap_or(0),
        status: u8::try_from(status.code)
            .ok()
            .filter(|c| *c < 3)
            .unwrap_or(0),
        attrs: named(pool, span.attributes),
        rare,
    }
}

fn event(pool: &mut Pool, event: otlp::span::Event) -> Event {
    Event {
        time: event.time_unix_nano,
        name: pool.share(&event.name),
        attrs: named(pool, event.attributes),
        dropped: event.dropped_attributes_count,
    }
}

fn link(pool: &mut Pool, link: otlp::span::Link) -> Link {
    Link {
        trace_id: link.trace_id.into(),
        span_id: link.span_id.into(),
        state: pool.share(&link.trace_state),
        attrs: named(pool, link.attributes),
        dropped: link.dropped_attributes_count,
        flags: link.flags,
    }
}

pub(super) fn resource(pool: &mut Pool, resource: OtlpResource) -> Resource {
    let attrs = named(pool, resource.attributes);
    let service = match find(&attrs, "service.name") {
        Some(Data::Text(name)) => Arc::clone(name),
        _ => pool.share(""),
    };
    Resource {
        service,
        attrs,
        dropped: resource.dropped_attributes_count,
    }
}

pub(super) fn library(pool: &mut Pool, scope: InstrumentationScope) -> Library {
    Library {
        name: pool.share(&scope.name),
        version: pool.share(&scope.version),
        attrs: named(pool, scope.attributes),
        dropped: scope.dropped_attributes_count,
    }
}

fn named(pool: &mut Pool, pairs: Vec<KeyValue>) -> Attrs {
    Attrs {
        names: pool.shape(pairs.iter().map(|pair| pair.key.as_str())),
        values: pairs.into_iter().map(|p| data(pool, p.value)).collect(),
    }
}

fn attrs(pool: &mut Pool, pairs: Vec<KeyValue>) -> Box<[Attr]> {
    let attr = |pair: KeyValue| Attr {
        key: pool.share(&pair.key),
        value: data(pool, pair.value),
    };
    pairs.into_iter().map(attr).collect()
}

fn data(pool: &mut Pool, any: Option<AnyValue>) -> Data {
    use any_value::Value as Any;
    match any.and_then(|any| any.value) {
        Some(Any::StringValue(text)) => Data::Text(pool.share(&text)),
        Some(Any::BoolValue(b)) => Data::Bool(b),
        Some(Any::IntValue(n)) => Data::Int(n),
        Some(Any::DoubleValue(n)) => Data::Float(n),
        Some(Any::BytesValue(bytes)) => Data::Bytes(bytes.into()),
        Some(Any::ArrayValue(list)) => {
            let items = list.values.into_iter();
            Data::List(items.map(|item| data(pool, Some(item))).collect())
        }
        Some(Any::KvlistValue(list)) => Data::Map(attrs(pool, list.values)),
        Some(_) | None => Data::Empty,
    }
}

/// About how many bytes a span takes, without what it shares.
pub(super) fn weight(span: &Span) -> usize {
    let mut bytes = size_of::<Span>() + ALLOCATION + weight_of(&span.attrs);
    if let Some(rare) = &span.rare {
        bytes += size_of::<Rare>() + ALLOCATION + rare.message.len();
        for event in &rare.events {
            bytes += size_of::<Event>() + weight_of(&event.attrs);
        }
        for link in &rare.links {
            bytes += size_of::<Link>() + 24 + 2 * ALLOCATION + weight_of(&link.attrs);
        }
    }
    bytes
}

fn weight_of(attrs: &Attrs) -> usize {
    let inner: usize = attrs.values.iter().map(weight_of_data).sum();
    size_of_val(&*attrs.values) + inner
}

fn weight_of_data(data: &Data) -> usize {
    match data {
        // Many are shared, which the pool knows and this does not: a part is counted.
        Data::Text(text) => ALLOCATION + text.len() / 2,
        Data::Bytes(bytes) => ALLOCATION + bytes.len(),
        Data::List(list) => {
            let inner: usize = list.iter().map(weight_of_data).sum();
            ALLOCATION + size_of_val(&**list) + inner
        }
        Data::Map(attrs) => {
            let inner: usize = attrs.iter().map(|attr| weight_of_data(&attr.value)).sum();
            ALLOCATION + size_of_val(&**attrs) + inner
        }
        Data::Empty | Data::Int(_) | Data::Float(_) | Data::Bool(_) => 0,
    }
}

/// The spans of a trace by resource and scope, as OTLP has them.
pub(super) fn batches(trace: &Trace) -> Vec<ResourceSpans> {
    let mut out: Vec<ResourceSpans> = Vec::new();
    // Where the spans of each group are put.
    let mut places: Vec<Option<(usize, usize)>> = vec![None; trace.groups.len()];
    for span in &trace.spans {
        let group = span.group as usize;
        let (batch, scope) = *places[group].get_or_insert_with(|| {
            let (resource, library) = &trace.groups[group];
            place(&mut out, to_resource(resource), to_scope(library))
        });
        let message = to_span(&trace.id, span);
        out[batch].scope_spans[scope].spans.push(message);
    }
    out
}

/// The batch and the scope that are equal to these, made if there are none.
fn place(
    out: &mut Vec<ResourceSpans>,
    resource: OtlpResource,
    scope: InstrumentationScope,
) -> (usize, usize) {
    let known = out
        .iter()
        .position(|b| b.resource.as_ref() == Some(&resource));
    let batch = known.unwrap_or_else(|| {
        out.push(ResourceSpans {
            resource: Some(resource),
            ..ResourceSpans::default()
        });
        out.len() - 1
    });
    let scopes = &mut out[batch].scope_spans;
    let known = scopes.iter().position(|s| s.scope.as_ref() == Some(&scope));
    let at = known.unwrap_or_else(|| {
        scopes.push(ScopeSpans {
            scope: Some(scope),
            ..ScopeSpans::default()
        });
        scopes.len() - 1
    });
    (batch, at)
}

fn to_resource(resource: &Resource) -> OtlpResource {
    OtlpResource {
        attributes: to_attributes(&resource.attrs),
        dropped_attributes_count: resource.dropped,
        ..OtlpResource::default()
    }
}

fn to_scope(library: &Library) -> InstrumentationScope {
    InstrumentationScope {
        name: library.name.to_string(),
        version: library.version.to_string(),
        attributes: to_attributes(&library.attrs),
        dropped_attributes_count: library.dropped,
    }
}

fn to_span(trace_id: &[u8; 16], span: &Span) -> otlp::Span {
    let rare = span.rare.as_deref().cloned().unwrap_or_default();
    otlp::Span {
        trace_id: trace_id.to_vec(),
        span_id: span.id.to_vec(),
        trace_state: rare.state.to_string(),
        parent_span_id: if span.is_root() {
            Vec::new()
        } else {
            span.parent.to_vec()
        },
        flags: span.flags,
        name: span.name.to_string(),
        kind: i32::from(span.kind),
        start_time_unix_nano: span.start,
        end_time_unix_nano: span.end,
        attributes: to_attributes(&span.attrs),
        dropped_attributes_count: rare.dropped[0],
        events: rare.events.iter().map(to_event).collect(),
        dropped_events_count: rare.dropped[1],
        links: rare.links.iter().map(to_link).collect(),
        dropped_links_count: rare.dropped[2],
        // Tempo writes a status always.
        status: Some(otlp::Status {
            message: rare.message.to_string(),
            code: i32::from(span.status),
        }),
    }
}

fn to_event(event: &Event) -> otlp::span::Event {
    otlp::span::Event {
        time_unix_nano: event.time,
        name: event.name.to_string(),
        attributes: to_attributes(&event.attrs),
        dropped_attributes_count: event.dropped,
    }
}

fn to_link(link: &Link) -> otlp::span::Link {
    otlp::span::Link {
        trace_id: link.trace_id.to_vec(),
        span_id: link.span_id.to_vec(),
        trace_state: link.state.to_string(),
        attributes: to_attributes(&link.attrs),
        dropped_attributes_count: link.dropped,
        flags: link.flags,
    }
}

fn to_attributes(attrs: &Attrs) -> Vec<KeyValue> {
    attrs.iter().map(|(key, value)| pair(key, value)).collect()
}

fn pair(key: &str, value: &Data) -> KeyValue {
    KeyValue {
        key: key.to_owned(),
        value: Some(to_any(value)),
        ..KeyValue::default()
    }
}

fn to_any(data: &Data) -> AnyValue {
    use any_value::Value as Any;
    AnyValue {
        value: match data {
            Data::Empty => None,
            Data::Text(text) => Some(Any::StringValue(text.to_string())),
            Data::Bool(b) => Some(Any::BoolValue(*b)),
            Data::Int(n) => Some(Any::IntValue(*n)),
            Data::Float(n) => Some(Any::DoubleValue(*n)),
            Data::Bytes(bytes) => Some(Any::BytesValue(bytes.to_vec())),
            Data::List(list) => Some(Any::ArrayValue(ArrayValue {
                values: list.iter().map(to_any).collect(),
            })),
            Data::Map(attrs) => Some(Any::KvlistValue(KeyValueList {
                values: attrs.iter().map(|a| pair(&a.key, &a.value)).collect(),
            })),
        },
    }
}
