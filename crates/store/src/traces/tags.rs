//! Names and values of tags, over all traces of a range.

use std::collections::BTreeSet;

use super::eval;
use super::spans::Trace;
use super::traceql::{Attribute, Intrinsic, Query};
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

/// Names by scope: resource, span, event, link, instrumentation.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(pub [BTreeSet<String>; 5]);

/// The scopes, in the order of [`Names`].
pub(crate) const SCOPES: [&str; 5] = ["resource", "span", "event", "link", "instrumentation"];

/// The spans that a filter leaves; all without one.
fn matching(query: Option<&Query>, trace: &Trace) -> Vec<usize> {
    match query {
        None => (0..trace.spans.len()).collect(),
        Some(query) => eval::run(&query.pipeline, trace)
            .into_iter()
            .flat_map(|set| set.spans)
            .collect(),
    }
}

impl Names {
    /// Adds the names of a trace.
    pub(crate) fn add(&mut self, query: Option<&Query>, trace: &Trace) {
        for at in matching(query, trace) {
            let stored = &trace.spans[at];
            let events = stored.span.events.iter().flat_map(|e| &e.attributes);
            let links = stored.span.links.iter().flat_map(|l| &l.attributes);
            let [resource, span, event, link, scope] = &mut self.0;
            let names = |set: &mut BTreeSet<String>, key: &str| {
                if !set.contains(key) {
                    set.insert(key.to_owned());
                }
            };
            for pair in &stored.resource.attributes {
                names(resource, &pair.key);
            }
            for pair in &stored.span.attributes {
                names(span, &pair.key);
            }
            for pair in events {
                names(event, &pair.key);
            }
            for pair in links {
                names(link, &pair.key);
            }
            for pair in &stored.scope.attributes {
                names(scope, &pair.key);
            }
        }
    }
}

/// The distinct values of an attribute over `traces`: pairs of type and text.
pub(crate) fn values<'a>(
    attribute: &Attribute,
    query: Option<&Query>,
    traces: impl Iterator<Item = &'a Trace>,
) -> BTreeSet<(String, &'static str)> {
    let mut out = BTreeSet::new();
    if let Attribute::Intrinsic(intrinsic) = attribute {
        let keywords: &[&str] = match intrinsic.plain() {
            Intrinsic::Kind => &KINDS,
            Intrinsic::Status => &STATUSES,
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
            | Intrinsic::EventTimeSinceStart => return out,
            _ => &[],
        };
        if !keywords.is_empty() {
            return keywords
                .iter()
                .map(|word| ((*word).to_owned(), "keyword"))
                .collect();
        }
    }
    for trace in traces {
        for at in matching(query, trace) {
            match trace.value(at, attribute) {
                Value::Nil => {}
                Value::List(list) => {
                    out.extend(list.iter().map(|item| (item.show(), item.kind())));
                }
                value => {
                    out.insert((value.show(), value.kind()));
                }
            }
        }
    }
    out
}
