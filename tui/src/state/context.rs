//! What a stream wrote before and after one of its lines.

use telemetry::{Labels, LogLine};

/// How many lines are shown on each side.
const AROUND: usize = 10;
/// The labels that make a stream of a container; others may come from the query.
const OF_STREAM: [&str; 5] = ["namespace", "pod", "container", "app", "stream"];

/// A line among those that its stream wrote before and after it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct LogContext {
    /// Who wrote them.
    pub(crate) selector: String,
    /// Oldest first.
    pub(crate) lines: Vec<LogLine>,
    /// The line that was asked about.
    pub(crate) origin: usize,
    pub(crate) selected: usize,
}

impl LogContext {
    /// `origin` among `lines` of its stream, which may be in any order and there twice.
    pub(crate) fn of(origin: &LogLine, mut lines: Vec<LogLine>) -> Self {
        lines.push(origin.clone());
        lines.sort_by(|a, b| (a.nanos, &a.line).cmp(&(b.nanos, &b.line)));
        lines.dedup_by(|a, b| (a.nanos, &a.line) == (b.nanos, &b.line));
        let is_origin = |line: &LogLine| (line.nanos, &line.line) == (origin.nanos, &origin.line);
        let place = lines.iter().position(is_origin).unwrap_or_default();
        let from = place.saturating_sub(AROUND);
        let to = lines.len().min(place + AROUND + 1);
        Self {
            selector: selector(&origin.labels),
            lines: lines.drain(from..to).collect(),
            origin: place - from,
            selected: place - from,
        }
    }
}

/// The LogQL that selects the stream of these labels.
pub(crate) fn selector(labels: &Labels) -> String {
    let matchers = OF_STREAM
        .iter()
        .filter_map(|name| Some(format!("{name}={:?}", labels.get(*name)?)));
    format!("{{{}}}", matchers.collect::<Vec<_>>().join(", "))
}

#[cfg(test)]
mod tests {
    use model::Timestamp;

    use super::{Labels, LogContext, LogLine, selector};

    fn line(nanos: u64, text: &str) -> LogLine {
        LogLine {
            at: Timestamp::from_millis(nanos / 1_000_000),
            nanos,
            labels: Labels::new(),
            line: text.to_owned(),
        }
    }

    #[test]
    fn a_line_stands_among_ten_before_and_ten_after_it() {
        for (before, after, origin, count) in [(0, 0, 0, 1), (3, 2, 3, 6), (40, 40, 10, 21)] {
            let this = line(1_000, "this");
            // The answer has the line itself, and is in no order.
            let mut lines: Vec<LogLine> = (1..=after).map(|n| line(1_000 + n, "later")).collect();
            lines.extend((1..=before).map(|n| line(1_000 - n, "sooner")));
            lines.push(this.clone());
            let context = LogContext::of(&this, lines);
            assert_eq!((context.origin, context.lines.len()), (origin, count));
            assert_eq!(context.lines[context.origin], this);
            assert!(context.lines.is_sorted_by_key(|line| line.nanos));
        }
    }

    #[test]
    fn a_stream_is_selected_by_its_own_labels_alone() {
        let labels = [
            ("app", "carts"),
            ("namespace", "sock-shop"),
            ("level", "error"),
        ];
        let labels: Labels = labels
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .into();
        assert_eq!(selector(&labels), r#"{namespace="sock-shop", app="carts"}"#);
    }
}
