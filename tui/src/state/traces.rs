//! The traces screen: search and waterfall.

use engine::{AnswerData, QueryAnswer};
use telemetry::{Span, Trace, TraceSummary};

use super::Asking;

/// The traces screen.
#[derive(Clone, Debug)]
pub(crate) struct TracesPane {
    pub(crate) asking: Asking<QueryAnswer>,
    pub(crate) selected: usize,
    /// The trace that is open, and the span that is selected in it.
    pub(crate) open: Option<(Trace, usize)>,
    pub(crate) trouble: Option<String>,
}

impl TracesPane {
    pub(crate) fn new() -> Self {
        let ready = vec![
            ("failed", "{ status = error }".to_owned()),
            ("slow", "{ duration > 1s }".to_owned()),
            ("checkouts", r#"{ name = "POST /orders" }"#.to_owned()),
            ("all", "{ }".to_owned()),
        ];
        Self {
            asking: Asking::new(ready),
            selected: 0,
            open: None,
            trouble: None,
        }
    }

    /// The traces that were found, newest first.
    pub(crate) fn found(&self) -> &[TraceSummary] {
        match self.asking.reply.data() {
            Some(QueryAnswer {
                data: AnswerData::Traces(traces),
                ..
            }) => traces,
            _ => &[],
        }
    }
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
