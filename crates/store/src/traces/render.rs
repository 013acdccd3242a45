//! Traces as Tempo gives them: OTLP's JSON with ids in base64, or protobuf.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::trace::v1::{ResourceSpans, ScopeSpans, Span};
use serde_json::{Map, Value as Json, json};

use super::spans::Trace;
use super::value::Value;

/// The spans of a trace by resource and scope.
pub(crate) fn batches(trace: &Trace) -> Vec<ResourceSpans> {
    let mut out: Vec<ResourceSpans> = Vec::new();
    for stored in &trace.spans {
        let known = out
            .iter()
            .position(|batch| batch.resource.as_ref() == Some(&*stored.resource));
        let at = known.unwrap_or_else(|| {
            out.push(ResourceSpans {
                resource: Some((*stored.resource).clone()),
                ..ResourceSpans::default()
            });
            out.len() - 1
        });
        let scopes = &mut out[at].scope_spans;
        let known = scopes
            .iter()
            .position(|scope| scope.scope.as_ref() == Some(&*stored.scope));
        let at = known.unwrap_or_else(|| {
            scopes.push(ScopeSpans {
                scope: Some((*stored.scope).clone()),
                ..ScopeSpans::default()
            });
            scopes.len() - 1
        });
        let mut span = stored.span.clone();
        // Tempo writes a status always.
        span.status.get_or_insert_default();
        scopes[at].spans.push(span);
    }
    out
}

/// The same as JSON.
pub(crate) fn batches_json(trace: &Trace) -> Json {
    batches(trace)
        .iter()
        .map(|batch| {
            let resource = batch.resource.as_ref();
            let mut out = Map::new();
            let of_resource = resource
                .map(|r| r.attributes.as_slice())
                .unwrap_or_default();
            out.insert(
                "resource".to_owned(),
                with_attributes(Map::new(), of_resource),
            );
            let scopes: Vec<Json> = batch.scope_spans.iter().map(scope).collect();
            out.insert("scopeSpans".to_owned(), Json::Array(scopes));
            Json::Object(out)
        })
        .collect()
}

fn scope(scope: &ScopeSpans) -> Json {
    let mut head = Map::new();
    let mut attributes: &[KeyValue] = &[];
    if let Some(scope) = &scope.scope {
        put_text(&mut head, "name", &scope.name);
        put_text(&mut head, "version", &scope.version);
        attributes = &scope.attributes;
    }
    let spans: Vec<Json> = scope.spans.iter().map(span).collect();
    json!({"scope": with_attributes(head, attributes), "spans": spans})
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

fn with_attributes(mut map: Map<String, Json>, attributes: &[KeyValue]) -> Json {
    if !attributes.is_empty() {
        let list: Vec<Json> = attributes
            .iter()
            .map(|pair| {
                let value = Value::of(pair.value.as_ref()).to_json();
                json!({"key": pair.key, "value": value})
            })
            .collect();
        map.insert("attributes".to_owned(), Json::Array(list));
    }
    Json::Object(map)
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
    put_text(
        &mut map,
        "kind",
        KINDS.get(span.kind as usize).copied().unwrap_or(""),
    );
    put_time(&mut map, "startTimeUnixNano", span.start_time_unix_nano);
    put_time(&mut map, "endTimeUnixNano", span.end_time_unix_nano);
    let Json::Object(mut map) = with_attributes(map, &span.attributes) else {
        return Json::Null;
    };
    put_number(
        &mut map,
        "droppedAttributesCount",
        span.dropped_attributes_count,
    );
    if !span.events.is_empty() {
        let events = span.events.iter().map(|event| {
            let mut map = Map::new();
            put_time(&mut map, "timeUnixNano", event.time_unix_nano);
            put_text(&mut map, "name", &event.name);
            with_attributes(map, &event.attributes)
        });
        map.insert("events".to_owned(), events.collect());
    }
    put_number(&mut map, "droppedEventsCount", span.dropped_events_count);
    if !span.links.is_empty() {
        let links = span.links.iter().map(|link| {
            let mut map = Map::new();
            put_bytes(&mut map, "traceId", &link.trace_id);
            put_bytes(&mut map, "spanId", &link.span_id);
            put_text(&mut map, "traceState", &link.trace_state);
            with_attributes(map, &link.attributes)
        });
        map.insert("links".to_owned(), links.collect());
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
