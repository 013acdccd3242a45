//! The trace that is open: its waterfall, its critical path, one span in full.

use model::Period;
use telemetry::{Span, SpanKind, SpanStatus, TimeRange, Trace};

use super::path::{Stretch, critical_path};

/// How much time around a trace its logs are looked for: a line may be written a little
/// after the span that it tells of.
const AROUND: Period = Period::from_secs(2);

/// A trace that is looked at.
#[derive(Clone, Debug)]
pub(crate) struct OpenTrace {
    pub(crate) trace: Trace,
    pub(crate) path: Vec<Stretch>,
    /// The row of the waterfall.
    pub(crate) selected: usize,
    pub(crate) depth: Depth,
}

/// How near the trace is looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Depth {
    /// All spans, the selected one in short.
    Waterfall,
    /// The selected span in full, from this line on.
    Span(usize),
}

impl OpenTrace {
    pub(crate) fn new(trace: Trace) -> Self {
        Self {
            path: critical_path(&trace),
            trace,
            selected: 0,
            depth: Depth::Waterfall,
        }
    }

    /// The span that is selected.
    pub(crate) fn span(&self) -> Option<&Span> {
        waterfall(&self.trace)
            .get(self.selected)
            .map(|(_, span)| *span)
    }

    /// For how long the end of the trace waited for `span` itself.
    pub(crate) fn on_path(&self, span: &Span) -> Period {
        let own = self
            .path
            .iter()
            .filter(|stretch| stretch.span_id == span.span_id);
        let nanos = own.map(|stretch| stretch.to - stretch.from).sum();
        std::time::Duration::from_nanos(nanos).into()
    }

    /// The LogQL that finds the lines of the trace in `shop`, and when they were written.
    pub(crate) fn logs(&self, shop: &str) -> (String, TimeRange) {
        let id = &self.trace.trace_id;
        let query = format!(r#"{{namespace="{shop}"}} |= "{id}""#);
        let starts = self.trace.spans.iter().map(|span| span.start);
        let ends = self
            .trace
            .spans
            .iter()
            .map(|span| span.start.plus(span.duration));
        let range = TimeRange {
            from: starts.min().unwrap_or_default().minus(AROUND),
            to: ends.max().unwrap_or_default().plus(AROUND),
        };
        (query, range)
    }
}

/// The PromQL for what `service` answered, by status: requests and errors.
pub(crate) fn requests_of(service: &str) -> String {
    format!("sum by (status_code) (rate(http_requests_total{{service={service:?}}}[15s]))")
}

/// All that `span` says, attributes named as TraceQL names them.
pub(crate) fn facts(span: &Span) -> Vec<(String, String)> {
    let status = match &span.status {
        SpanStatus::Unset => "unset".to_owned(),
        SpanStatus::Ok => "ok".to_owned(),
        SpanStatus::Error(message) if message.is_empty() => "error".to_owned(),
        SpanStatus::Error(message) => format!("error: {message}"),
    };
    let kind = match span.kind {
        SpanKind::Internal => "internal",
        SpanKind::Server => "server",
        SpanKind::Client => "client",
        SpanKind::Producer => "producer",
        SpanKind::Consumer => "consumer",
    };
    let parent = span.parent.as_deref().unwrap_or("none");
    let own = [
        ("status", status.as_str()),
        ("kind", kind),
        ("span:id", span.span_id.as_str()),
        ("span:parentID", parent),
    ];
    let own = own.map(|(name, value)| (name.to_owned(), value.to_owned()));
    let attributes = span
        .attributes
        .iter()
        .map(|(name, value)| (format!("span.{name}"), value.clone()));
    let resource = span
        .resource
        .iter()
        .map(|(name, value)| (format!("resource.{name}"), value.clone()));
    own.into_iter().chain(attributes).chain(resource).collect()
}

/// The spans of `trace` in the order of a waterfall, each with its depth.
pub(crate) fn waterfall(trace: &Trace) -> Vec<(usize, &Span)> {
    fn descend<'a>(
        trace: &'a Trace,
        span: &'a Span,
        depth: usize,
        out: &mut Vec<(usize, &'a Span)>,
    ) {
        // A trace with a loop among its parents must not draw for ever.
        if depth > 64 || out.len() > 5_000 {
            return;
        }
        out.push((depth, span));
        for child in trace.children(span) {
            descend(trace, child, depth + 1, out);
        }
    }
    let mut out = Vec::with_capacity(trace.spans.len());
    for span in &trace.spans {
        if trace.parent(span).is_none() {
            descend(trace, span, 0, &mut out);
        }
    }
    out
}
