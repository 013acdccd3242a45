//! Traces as Tempo gives them in JSON: OTLP's, with ids in base64 and enums by name.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::{AnyValue, KeyValue, any_value};
use opentelemetry_proto::tonic::trace::v1::span::{Event, Link};
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use serde_json::{Map, Value as Json, json};

use super::value::json_float;

/// The spans of a trace by resource and scope.
pub(crate) fn batches_json(batches: &[ResourceSpans]) -> Json {
    let batch = |batch: &ResourceSpans| {
        let resource = batch.resource.clone().unwrap_or_default();
        let mut head = with_attributes(Map::new(), &resource.attributes);
        let dropped = resource.dropped_attributes_count;
        put_number(&mut head, "droppedAttributesCount", dropped);
        let scopes: Vec<Json> = batch.scope_spans.iter().map(scope).collect();
        json!({"resource": head, "scopeSpans": scopes})
    };
    batches.iter().map(batch).collect()
}

fn scope(spans: &ScopeSpans) -> Json {
    let scope = spans.scope.clone().unwrap_or_default();
    let mut head = Map::new();
    put_text(&mut head, "name", &scope.name);
    put_text(&mut head, "version", &scope.version);
    let mut head = with_attributes(head, &scope.attributes);
    let dropped = scope.dropped_attributes_count;
    put_number(&mut head, "droppedAttributesCount", dropped);
    let spans: Vec<Json> = spans.spans.iter().map(span).collect();
    json!({"scope": head, "spans": spans})
}

fn put_text(map: &mut Map<String, Json>, name: &str, value: &str) {
    if !value.is_empty() {
        map.insert(name.to_owned(), Json::from(value));
    }
}

fn put_bytes(map: &mut Map<String, Json>, name: &str, value: &[u8]) {
    if !value.is_empty() {
        map.insert(name.to_owned(), Json::from(STANDARD.encode(value)));
    }
}

fn put_number(map: &mut Map<String, Json>, name: &str, value: u32) {
    if value != 0 {
        map.insert(name.to_owned(), Json::from(value));
    }
}

fn put_time(map: &mut Map<String, Json>, name: &str, value: u64) {
    if value != 0 {
        map.insert(name.to_owned(), Json::from(value.to_string()));
    }
}

fn with_attributes(mut map: Map<String, Json>, attributes: &[KeyValue]) -> Map<String, Json> {
    if !attributes.is_empty() {
        map.insert("attributes".to_owned(), pairs(attributes));
    }
    map
}

/// Attributes as a list.
pub(crate) fn pairs(attributes: &[KeyValue]) -> Json {
    let pair = |pair: &KeyValue| json!({"key": pair.key, "value": any(pair.value.as_ref())});
    attributes.iter().map(pair).collect()
}

fn any(value: Option<&AnyValue>) -> Json {
    use any_value::Value as Any;
    match value.and_then(|any| any.value.as_ref()) {
        Some(Any::StringValue(text)) => json!({"stringValue": text}),
        Some(Any::BoolValue(b)) => json!({"boolValue": b}),
        Some(Any::IntValue(n)) => json!({"intValue": n.to_string()}),
        Some(Any::DoubleValue(n)) => json!({"doubleValue": json_float(*n)}),
        Some(Any::BytesValue(bytes)) => json!({"bytesValue": STANDARD.encode(bytes)}),
        Some(Any::ArrayValue(list)) => {
            let values: Vec<Json> = list.values.iter().map(|item| any(Some(item))).collect();
            json!({"arrayValue": {"values": values}})
        }
        Some(Any::KvlistValue(list)) => json!({"kvlistValue": {"values": pairs(&list.values)}}),
        Some(_) | None => json!({}),
    }
}

fn span(span: &Span) -> Json {
    const KINDS: [&str; 6] = [
        "",
        "SPAN_KIND_INTERNAL",
        "SPAN_KIND_SERVER",
        "SPAN_KIND_CLIENT",
        "SPAN_KIND_PRODUCER",
        "SPAN_KIND_CONSUMER",
    ];
    let mut map = Map::new();
    put_bytes(&mut map, "traceId", &span.trace_id);
    put_bytes(&mut map, "spanId", &span.span_id);
    put_text(&mut map, "traceState", &span.trace_state);
    put_bytes(&mut map, "parentSpanId", &span.parent_span_id);
    put_number(&mut map, "flags", span.flags);
    put_text(&mut map, "name", &span.name);
    let kind = KINDS.get(span.kind as usize).copied().unwrap_or("");
    put_text(&mut map, "kind", kind);
    put_time(&mut map, "startTimeUnixNano", span.start_time_unix_nano);
    put_time(&mut map, "endTimeUnixNano", span.end_time_unix_nano);
    let mut map = with_attributes(map, &span.attributes);
    let dropped = span.dropped_attributes_count;
    put_number(&mut map, "droppedAttributesCount", dropped);
    if !span.events.is_empty() {
        map.insert("events".to_owned(), span.events.iter().map(event).collect());
    }
    put_number(&mut map, "droppedEventsCount", span.dropped_events_count);
    if !span.links.is_empty() {
        map.insert("links".to_owned(), span.links.iter().map(link).collect());
    }
    put_number(&mut map, "droppedLinksCount", span.dropped_links_count);
    let mut status = Map::new();
    if let Some(found) = &span.status {
        put_text(&mut status, "message", &found.message);
        let code = match found.code {
            1 => "STATUS_CODE_OK",
            2 => "STATUS_CODE_ERROR",
            _ => "",
        };
        put_text(&mut status, "code", code);
    }
    map.insert("status".to_owned(), Json::Object(status));
    Json::Object(map)
}

fn event(event: &Event) -> Map<String, Json> {
    let mut map = Map::new();
    put_time(&mut map, "timeUnixNano", event.time_unix_nano);
    put_text(&mut map, "name", &event.name);
    let mut map = with_attributes(map, &event.attributes);
    let dropped = event.dropped_attributes_count;
    put_number(&mut map, "droppedAttributesCount", dropped);
    map
}

fn link(link: &Link) -> Map<String, Json> {
    let mut map = Map::new();
    put_bytes(&mut map, "traceId", &link.trace_id);
    put_bytes(&mut map, "spanId", &link.span_id);
    put_text(&mut map, "traceState", &link.trace_state);
    let mut map = with_attributes(map, &link.attributes);
    let dropped = link.dropped_attributes_count;
    put_number(&mut map, "droppedAttributesCount", dropped);
    put_number(&mut map, "flags", link.flags);
    map
}
