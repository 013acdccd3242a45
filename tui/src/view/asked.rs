//! The query line above an answer, and what went wrong with it, under the
//! offending word where the backend told its place.

use engine::QueryAnswer;
use ratatui::text::{Line, Span};
use telemetry::Position;
use unicode_width::UnicodeWidthStr;

use super::part::cut;
use crate::completion::Language;
use crate::state::{Asking, Reply};
use crate::theme::Theme;

/// The query, its title, how far its answer is, and an error under it:
///
/// ```text
/// PromQL rate(up{service=orders}[1m])
///                        ^~~~~~
/// ! 1:17: parse error: unexpected identifier "orders" in label matching
/// ```
pub(super) fn lines(
    asking: &Asking<QueryAnswer>,
    language: Language,
    width: u16,
    theme: Theme,
) -> Vec<Line<'static>> {
    let width = usize::from(width);
    let title = asking
        .title()
        .map_or(String::new(), |title| format!("{title}: "));
    let before = format!("{} {title}", language.title()).width();
    let room = width.saturating_sub(before + 3);
    let mark = mark(asking, language);
    let (query, skip) = excerpt(&asking.query, mark.as_ref(), room);
    let mut first = vec![
        Span::styled(format!("{} ", language.title()), theme.accent()),
        Span::styled(title, theme.faint()),
        Span::raw(query.clone()),
    ];
    if asking.waiting > 0 {
        first.push(Span::styled(" …", theme.warn()));
    }
    let mut lines = vec![Line::from(first)];
    if let Some(mark) = mark {
        let until: String = query.chars().take(mark.from.saturating_sub(skip)).collect();
        let indent = " ".repeat(before + until.width());
        let signs = cut(&mark.signs(), width.saturating_sub(indent.len()));
        lines.push(Line::styled(format!("{indent}{signs}"), theme.bad()));
    }
    lines.push(match &asking.reply {
        Reply::Failed(refusal, kept) => {
            let note = if kept.is_some() {
                " (below: the last answer)"
            } else {
                ""
            };
            let why = cut(&format!("! {}{note}", refusal.why), width);
            Line::styled(why, theme.bad())
        }
        Reply::Nothing if asking.waiting == 0 => Line::styled(
            "r asks, i writes another, n and p take ready-made ones",
            theme.faint(),
        ),
        Reply::Nothing | Reply::Data(_) => Line::default(),
    });
    lines
}

/// The word of a query that a backend did not take, in characters.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Mark {
    from: usize,
    to: usize,
    /// Where exactly the backend points to.
    at: usize,
}

impl Mark {
    /// `^` where the backend points to, `~` under the rest of the word.
    fn signs(&self) -> String {
        let sign = |index| if index == self.at { '^' } else { '~' };
        (self.from..self.to).map(sign).collect()
    }
}

/// Where the query that is shown is wrong, if its backend told that.
fn mark(asking: &Asking<QueryAnswer>, language: Language) -> Option<Mark> {
    let Reply::Failed(refusal, _) = &asking.reply else {
        return None;
    };
    let shown = refusal.query == asking.query;
    let place = refusal.place.filter(|_| shown)?;
    word_at(&asking.query, language, place)
}

/// The word at `place`; queries are of one line.
fn word_at(query: &str, language: Language, place: Position) -> Option<Mark> {
    let column = usize::try_from(place.column).ok()?.checked_sub(1)?;
    if place.line != 1 {
        return None;
    }
    let letters: Vec<char> = query.chars().collect();
    let at = match language {
        // Prometheus counts bytes, Loki and Tempo count characters.
        Language::PromQl => query
            .char_indices()
            .take_while(|(byte, _)| *byte < column)
            .count(),
        Language::LogQl | Language::TraceQl => column.min(letters.len()),
    };
    let in_word = |c: &char| c.is_alphanumeric() || "_.:".contains(*c);
    let (from, to) = match letters.get(at) {
        Some('"' | '`') => {
            let length = letters[at + 1..].iter().position(|c| *c == letters[at]);
            (at, length.map_or(letters.len(), |length| at + length + 2))
        }
        Some(c) if in_word(c) => {
            let back = letters[..at].iter().rev().take_while(|c| in_word(c));
            let on = letters[at..].iter().take_while(|c| in_word(c));
            (at - back.count(), at + on.count())
        }
        // A sign, or the end of the query.
        _ => (at, at + 1),
    };
    Some(Mark { from, to, at })
}

/// What of `query` is shown in `room`, and how many of its characters are left out
/// before that: the mark stays in sight.
fn excerpt(query: &str, mark: Option<&Mark>, room: usize) -> (String, usize) {
    let count = query.chars().count();
    let out = mark.is_some_and(|mark| mark.to.min(mark.from + room / 2) >= room);
    if count <= room || room < 4 || !out {
        return (cut(query, room), 0);
    }
    let from = mark.map_or(0, |mark| mark.from);
    let skip = from
        .saturating_sub(room / 2)
        .min(count.saturating_sub(room));
    let rest: String = query.chars().skip(skip + 1).collect();
    (format!("…{}", cut(&rest, room - 1)), skip)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_whole_word_is_marked_where_the_backend_points_to() {
        use Language::{LogQl, PromQl, TraceQl};
        for (language, query, column, signs) in [
            (PromQl, "sum(up{a=b})", 10, "         ^"),
            (PromQl, "rate(foo_total[5m]))", 20, "                   ^"),
            (PromQl, "up{", 4, "   ^"),
            (PromQl, "up{service=orders}", 12, "           ^~~~~~"),
            (PromQl, "up{service=orders}", 14, "           ~~^~~~"),
            // Bytes here, characters there.
            (PromQl, "{a=\"ü\"} bad", 10, "        ^~~"),
            (LogQl, "{a=\"ü\"} bad", 9, "        ^~~"),
            (LogQl, "{app=payment}", 6, "     ^~~~~~~"),
            (LogQl, "{app=}", 6, "     ^"),
            (TraceQl, "{ name = \"a b\" x }", 10, "         ^~~~~"),
            (TraceQl, "{ span.http.route == }", 3, "  ^~~~~~~~~~~~~~~"),
            (TraceQl, "{", 99, " ^"),
        ] {
            let place = Position { line: 1, column };
            let mark = word_at(query, language, place).expect("a place");
            let drawn = format!("{}{}", " ".repeat(mark.from), mark.signs());
            assert_eq!(drawn, signs, "{query}");
        }
        let elsewhere = Position { line: 2, column: 1 };
        assert_eq!(word_at("up", PromQl, elsewhere), None);
    }

    #[test]
    fn a_long_query_is_shown_where_it_is_wrong() {
        let query = "sum by (service) (rate(http_requests_total{service=orders}[1m]))";
        for (from, room, shown, skip) in [
            (51, 80, query, 0),
            (18, 40, "sum by (service) (rate(http_requests_to…", 0),
            (51, 40, "…tp_requests_total{service=orders}[1m]))", 24),
            (51, 20, "…{service=orders}[1…", 41),
        ] {
            let mark = Mark {
                from,
                to: from + 6,
                at: from,
            };
            assert_eq!(excerpt(query, Some(&mark), room), (shown.to_owned(), skip));
        }
    }
}
