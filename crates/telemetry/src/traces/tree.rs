//! A whole trace, read from OTLP's JSON.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use model::{Period, Timestamp};
use serde_json::Value;

use super::{at, lasting, whole};
use crate::Labels;

/// A whole trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Trace {
    /// Its id: 32 hex digits.
    pub trace_id: String,
    /// Its spans, in the order in which they began.
    pub spans: Vec<Span>,
}

impl Trace {
    /// The span without a parent in the trace that began first.
    pub fn root(&self) -> Option<&Span> {
        self.spans
            .iter()
            .find(|span| self.parent(span).is_none())
            .or(self.spans.first())
    }

    /// The span in which `span` was made, where the trace has it.
    pub fn parent(&self, span: &Span) -> Option<&Span> {
        let id = span.parent.as_ref()?;
        self.spans.iter().find(|other| other.span_id == *id)
    }

    /// The spans made directly within `span`, in the order in which they began.
    pub fn children<'a>(&'a self, span: &'a Span) -> impl Iterator<Item = &'a Span> {
        self.spans
            .iter()
            .filter(move |other| other.parent.as_deref() == Some(span.span_id.as_str()))
    }

    /// From the first start to the last end.
    pub fn duration(&self) -> Period {
        let first = self.spans.iter().map(|span| span.start_nanos).min();
        let last = self.spans.iter().map(Span::end_nanos).max();
        match (first, last) {
            (Some(first), Some(last)) => lasting(last.saturating_sub(first)),
            _ => Period::ZERO,
        }
    }
}

/// One span of a trace.
#[derive(Clone, Debug, PartialEq)]
pub struct Span {
    /// Its id: 16 hex digits.
    pub span_id: String,
    /// The id of the span in which it was made.
    pub parent: Option<String>,
    /// The service that made it (`service.name`).
    pub service: String,
    /// Its name.
    pub name: String,
    /// What kind of work it is.
    pub kind: SpanKind,
    /// When it began, in milliseconds.
    pub start: Timestamp,
    /// When it began, in nanoseconds since the Unix epoch.
    pub start_nanos: u64,
    /// How long it took.
    pub duration: Period,
    /// How it ended.
    pub status: SpanStatus,
    /// Its attributes.
    pub attributes: Labels,
    /// The attributes of the service that made it.
    pub resource: Labels,
}

impl Span {
    /// When it ended, in nanoseconds since the Unix epoch.
    pub fn end_nanos(&self) -> u64 {
        let nanos = u64::try_from(self.duration.duration().as_nanos()).unwrap_or(u64::MAX);
        self.start_nanos.saturating_add(nanos)
    }

    /// Whether it failed.
    pub fn failed(&self) -> bool {
        matches!(self.status, SpanStatus::Error(_))
    }
}

/// What kind of work a span is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SpanKind {
    /// Work within a service.
    #[default]
    Internal,
    /// Serving a request.
    Server,
    /// Waiting for another's answer.
    Client,
    /// Sending a message.
    Producer,
    /// Handling a message.
    Consumer,
}

/// How a span ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum SpanStatus {
    /// Nobody said.
    #[default]
    Unset,
    /// Well.
    Ok,
    /// It failed, and what it says about it.
    Error(String),
}

/// Reads Tempo's `batches`, OTLP's `resourceSpans`, or the latter within `trace`.
pub(super) fn read(id: &str, json: Value) -> Result<Trace, String> {
    let body = json.get("trace").unwrap_or(&json);
    let batches = body
        .get("batches")
        .or_else(|| body.get("resourceSpans"))
        .and_then(Value::as_array)
        .ok_or("a trace without `batches` or `resourceSpans`")?;
    let mut spans = Vec::new();
    for batch in batches {
        let resource = attributes(&batch["resource"]["attributes"]);
        let scopes = batch
            .get("scopeSpans")
            .or_else(|| batch.get("instrumentationLibrarySpans"));
        for scope in items(scopes) {
            for item in items(scope.get("spans")) {
                spans.push(span(item, &resource)?);
            }
        }
    }
    spans.sort_by_key(|span| span.start_nanos);
    Ok(Trace {
        trace_id: format!("{id:0>32}"),
        spans,
    })
}

fn items(list: Option<&Value>) -> &[Value] {
    list.and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

fn span(json: &Value, resource: &Labels) -> Result<Span, String> {
    let text = |name: &str| json.get(name).and_then(Value::as_str).unwrap_or_default();
    let start_nanos = whole(json.get("startTimeUnixNano"));
    let end = whole(json.get("endTimeUnixNano"));
    let parent = id(text("parentSpanId"), 16)?;
    Ok(Span {
        span_id: id(text("spanId"), 16)?,
        parent: (!parent.chars().all(|c| c == '0')).then_some(parent),
        service: resource.get("service.name").cloned().unwrap_or_default(),
        name: text("name").to_owned(),
        kind: kind(&json["kind"]),
        start: at(start_nanos),
        start_nanos,
        duration: lasting(end.saturating_sub(start_nanos)),
        status: status(&json["status"]),
        attributes: attributes(&json["attributes"]),
        resource: resource.clone(),
    })
}

/// An id as `digits` hex digits: OTLP's JSON has hex, Tempo's has base64.
fn id(text: &str, digits: usize) -> Result<String, String> {
    if text.len() == digits && text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
        return Ok(text.to_lowercase());
    }
    let bytes = STANDARD
        .decode(text)
        .map_err(|_| format!("`{text}` is no span id"))?;
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    Ok(format!("{hex:0>digits$}"))
}

fn kind(json: &Value) -> SpanKind {
    let number = json.as_u64();
    match (json.as_str().unwrap_or_default(), number) {
        ("SPAN_KIND_SERVER", _) | (_, Some(2)) => SpanKind::Server,
        ("SPAN_KIND_CLIENT", _) | (_, Some(3)) => SpanKind::Client,
        ("SPAN_KIND_PRODUCER", _) | (_, Some(4)) => SpanKind::Producer,
        ("SPAN_KIND_CONSUMER", _) | (_, Some(5)) => SpanKind::Consumer,
        _ => SpanKind::Internal,
    }
}

fn status(json: &Value) -> SpanStatus {
    let message = json.get("message").and_then(Value::as_str);
    match (
        json["code"].as_str().unwrap_or_default(),
        json["code"].as_u64(),
    ) {
        ("STATUS_CODE_ERROR", _) | (_, Some(2)) => {
            SpanStatus::Error(message.unwrap_or_default().to_owned())
        }
        ("STATUS_CODE_OK", _) | (_, Some(1)) => SpanStatus::Ok,
        _ => SpanStatus::Unset,
    }
}

/// OTLP's list of keys with typed values, as text by name.
pub(super) fn attributes(list: &Value) -> Labels {
    items(Some(list))
        .iter()
        .filter_map(|item| {
            let key = item.get("key")?.as_str()?;
            let typed = item.get("value")?.as_object()?;
            let value = match typed.values().next()? {
                Value::String(text) => text.clone(),
                other => other.to_string(),
            };
            Some((key.to_owned(), value))
        })
        .collect()
}
