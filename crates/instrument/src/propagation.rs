//! W3C trace context in HTTP headers and in maps of strings (AMQP headers).

use std::collections::BTreeMap;

use http::{HeaderMap, HeaderName, HeaderValue};
use opentelemetry::Context;
use opentelemetry::propagation::{Extractor, Injector, TextMapPropagator};
use opentelemetry_sdk::propagation::TraceContextPropagator;

/// Writes the current span's context into `headers` as `traceparent` and `tracestate`.
pub fn inject(headers: &mut HeaderMap) {
    TraceContextPropagator::new().inject(&mut Headers(headers));
}

/// The context that `headers` carry; an empty one when they carry none.
pub fn extract(headers: &HeaderMap) -> Context {
    TraceContextPropagator::new().extract_with_context(&Context::new(), &HeadersRef(headers))
}

/// The current span's context as a map of strings, as messages carry it.
pub fn to_map() -> BTreeMap<String, String> {
    let mut map = Map(BTreeMap::new());
    TraceContextPropagator::new().inject(&mut map);
    map.0
}

/// The context that a map of strings carries; an empty one when it carries none.
pub fn from_map(map: &BTreeMap<String, String>) -> Context {
    TraceContextPropagator::new().extract_with_context(&Context::new(), &MapRef(map))
}

struct Headers<'a>(&'a mut HeaderMap);

impl Injector for Headers<'_> {
    fn set(&mut self, key: &str, value: String) {
        if let (Ok(key), Ok(value)) = (HeaderName::try_from(key), HeaderValue::try_from(value)) {
            self.0.insert(key, value);
        }
    }
}

struct HeadersRef<'a>(&'a HeaderMap);

impl Extractor for HeadersRef<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).and_then(|value| value.to_str().ok())
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(HeaderName::as_str).collect()
    }
}

struct Map(BTreeMap<String, String>);

impl Injector for Map {
    fn set(&mut self, key: &str, value: String) {
        if !value.is_empty() {
            self.0.insert(key.to_owned(), value);
        }
    }
}

struct MapRef<'a>(&'a BTreeMap<String, String>);

impl Extractor for MapRef<'_> {
    fn get(&self, key: &str) -> Option<&str> {
        self.0.get(key).map(String::as_str)
    }

    fn keys(&self) -> Vec<&str> {
        self.0.keys().map(String::as_str).collect()
    }
}

#[cfg(test)]
mod tests {
    use opentelemetry::trace::TraceContextExt;
    use opentelemetry_sdk::trace::SdkTracerProvider;

    use super::*;
    use crate::log::JsonLines;
    use crate::log::logfmt::LogfmtLines;

    const PARENT: &str = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";
    const TRACE: &str = "4bf92f3577b34da6a3ce929d0e0e4736";

    fn with_traces(act: impl FnOnce()) {
        let provider = SdkTracerProvider::builder().build();
        let lines = JsonLines::new("test", std::io::sink());
        let logfmt = LogfmtLines::new(std::io::sink());
        let subscriber = crate::telemetry::subscriber(&provider, lines, logfmt);
        tracing::subscriber::with_default(subscriber, act);
    }

    #[test]
    fn a_server_span_continues_the_callers_trace_and_passes_it_on() {
        with_traces(|| {
            let mut incoming = HeaderMap::new();
            incoming.insert("traceparent", HeaderValue::from_static(PARENT));
            let span = crate::span::server("GET", "/x", "/x", &incoming);
            let _entered = span.enter();
            assert_eq!(crate::trace_id().as_deref(), Some(TRACE));

            let mut outgoing = HeaderMap::new();
            inject(&mut outgoing);
            let sent = outgoing["traceparent"].to_str().expect("ascii");
            assert!(sent.contains(TRACE), "{sent}");
            assert_ne!(sent, PARENT, "the span is the new parent");
        });
    }

    #[test]
    fn a_message_carries_the_trace_to_its_consumer() {
        with_traces(|| {
            let producer = crate::span::server("POST", "/shipping", "/shipping", &HeaderMap::new());
            let (sent, trace) = producer.in_scope(|| (to_map(), crate::trace_id()));
            let span = crate::span::consume("rabbitmq", "shipping-task", from_map(&sent));
            assert!(trace.is_some());
            assert_eq!(span.in_scope(crate::trace_id), trace);
        });
    }

    #[test]
    fn malformed_context_is_no_context() {
        for text in ["", "00-zz-00-01", "00-0-0-01"] {
            let map = BTreeMap::from([("traceparent".to_owned(), text.to_owned())]);
            assert!(!from_map(&map).span().span_context().is_valid(), "{text}");
        }
    }
}
