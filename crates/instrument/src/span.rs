//! Spans with the attributes of OpenTelemetry's semantic conventions.
//!
//! Only spans made here are exported: their target is [`TARGET`], and the spans
//! of libraries are left out.

use http::HeaderMap;
use opentelemetry::trace::TraceContextExt;
use tracing::{Span, field};
use tracing_opentelemetry::OpenTelemetrySpanExt;

use crate::propagation;

/// The target of every exported span.
pub const TARGET: &str = "span";

/// The span of a request being served; continues the caller's trace when
/// `headers` carry one.
pub fn server(method: &str, route: &str, path: &str, headers: &HeaderMap) -> Span {
    let span = tracing::info_span!(
        target: "span",
        "server",
        otel.name = format!("{method} {route}"),
        otel.kind = "server",
        otel.status_code = field::Empty,
        http.request.method = method,
        http.route = route,
        url.path = path,
        http.response.status_code = field::Empty,
    );
    adopt(&span, propagation::extract(headers));
    span
}

/// The span of a request to `peer` at `address`.
pub fn client(method: &str, peer: &str, address: &str, path: &str) -> Span {
    tracing::info_span!(
        target: "span",
        "client",
        otel.name = format!("{method} {peer}"),
        otel.kind = "client",
        otel.status_code = field::Empty,
        otel.status_description = field::Empty,
        http.request.method = method,
        url.path = path,
        peer.service = peer,
        server.address = address,
        http.response.status_code = field::Empty,
        error.r#type = field::Empty,
    )
}

/// The span of one statement sent to the database or cache `peer`; `system` is
/// `postgresql` or `redis`, `operation` such as `SELECT`.
pub fn database(system: &str, peer: &str, operation: &str, statement: &str) -> Span {
    tracing::info_span!(
        target: "span",
        "database",
        otel.name = format!("{operation} {peer}"),
        otel.kind = "client",
        otel.status_code = field::Empty,
        otel.status_description = field::Empty,
        db.system.name = system,
        db.operation.name = operation,
        db.query.text = statement,
        peer.service = peer,
        error.r#type = field::Empty,
    )
}

/// The span of a message being published to `queue` on `peer`.
pub fn publish(peer: &str, queue: &str) -> Span {
    tracing::info_span!(
        target: "span",
        "publish",
        otel.name = format!("send {queue}"),
        otel.kind = "producer",
        otel.status_code = field::Empty,
        otel.status_description = field::Empty,
        messaging.system = "rabbitmq",
        messaging.destination.name = queue,
        messaging.operation.r#type = "send",
        peer.service = peer,
        error.r#type = field::Empty,
    )
}

/// The span of a message of `queue` being handled; continues the trace of
/// `context`, which came with the message.
pub fn consume(peer: &str, queue: &str, context: opentelemetry::Context) -> Span {
    let span = tracing::info_span!(
        target: "span",
        "consume",
        otel.name = format!("process {queue}"),
        otel.kind = "consumer",
        otel.status_code = field::Empty,
        otel.status_description = field::Empty,
        messaging.system = "rabbitmq",
        messaging.destination.name = queue,
        messaging.operation.r#type = "process",
        peer.service = peer,
        error.r#type = field::Empty,
    );
    adopt(&span, context);
    span
}

/// Marks a span of this module as failed, with the kind of error in `error.type`.
pub fn fail(span: &Span, kind: &str, description: &str) {
    span.record("otel.status_code", "ERROR");
    span.record("otel.status_description", description);
    span.record("error.type", kind);
}

fn adopt(span: &Span, context: opentelemetry::Context) {
    if context.span().span_context().is_valid() {
        // Fails only without a tracing layer, where there is no trace to continue.
        drop(span.set_parent(context));
    }
}
