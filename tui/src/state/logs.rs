//! The logs screen: LogQL, follow, filter.

use engine::{AnswerData, QueryAnswer};
use telemetry::{LogLine, TimeRange};

use super::{Asking, Facts, LogContext};

/// The logs screen.
#[derive(Clone, Debug)]
pub(crate) struct LogsPane {
    pub(crate) asking: Asking<QueryAnswer>,
    pub(crate) follow: Follow,
    /// Lines without this text are left out; after a `!`, lines with it.
    pub(crate) filter: String,
    pub(crate) selected: usize,
    /// What one stream wrote around a line, while that is looked at.
    pub(crate) context: Option<LogContext>,
    /// A query that looks at a time of its own, however late it is asked.
    pinned: Option<(String, TimeRange)>,
}

/// Whether the query is asked again and again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Follow {
    On,
    Off,
}

impl LogsPane {
    pub(crate) fn new(facts: &Facts) -> Self {
        let shop = facts.scenario.shop.as_str();
        let mut ready = vec![
            (
                "warnings and errors of all services",
                format!(r#"{{namespace="{shop}"}} | json | level=~"warn|error""#),
            ),
            (
                "errors of the front end",
                format!(r#"{{namespace="{shop}", app="front-end"}} | json | level="error""#),
            ),
            (
                "failed requests",
                format!(r#"{{namespace="{shop}"}} | json | __error__="" | status >= 500"#),
            ),
            (
                "lines per service",
                format!(r#"sum by (app) (rate({{namespace="{shop}"}}[15s]))"#),
            ),
        ];
        ready.extend(facts.services.iter().map(|service| {
            (
                "one service",
                format!(r#"{{namespace="{shop}", app="{service}"}}"#),
            )
        }));
        Self {
            asking: Asking::new(ready),
            follow: Follow::Off,
            filter: String::new(),
            selected: 0,
            context: None,
            pinned: None,
        }
    }

    /// Takes a query that looks at `range` and at no other time.
    pub(crate) fn pin(&mut self, query: String, range: TimeRange) {
        self.asking.query.clone_from(&query);
        self.pinned = Some((query, range));
        // What is over grows no more.
        self.follow = Follow::Off;
        self.selected = 0;
        self.context = None;
    }

    /// The time at which the present query looks, where it has one of its own.
    pub(crate) fn pinned_range(&self) -> Option<TimeRange> {
        let (query, range) = self.pinned.as_ref()?;
        (*query == self.asking.query).then_some(*range)
    }

    /// The line that is selected.
    pub(crate) fn line(&self) -> Option<&LogLine> {
        match &self.context {
            Some(context) => context.lines.get(context.selected),
            None => self.lines().get(self.selected).copied(),
        }
    }

    /// The lines that pass the filter, newest first.
    pub(crate) fn lines(&self) -> Vec<&LogLine> {
        let Some(QueryAnswer {
            data: AnswerData::Lines(lines),
            ..
        }) = self.asking.reply.data()
        else {
            return Vec::new();
        };
        let (inverse, wanted) = match self.filter.strip_prefix('!') {
            Some(rest) => (true, rest),
            None => (false, self.filter.as_str()),
        };
        let passes = |line: &&LogLine| wanted.is_empty() || line.line.contains(wanted) != inverse;
        lines.iter().filter(passes).collect()
    }
}
