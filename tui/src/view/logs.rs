//! Logs: a query and its lines, the selected one in full.

use engine::{AnswerData, QueryAnswer};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};
use telemetry::LogLine;

use super::part::{clock, cut, framed, window};
use super::{asked, metrics};
use crate::completion::Language;
use crate::state::{Follow, State};

/// ```text
/// ┌ query, error ─┐
/// ├ lines ────────┤
/// └ one line ─────┘
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let asking = &state.logs.asking;
    let asked = asked::lines(asking, Language::LogQl, area.width, theme);
    let [query, list, one] = Layout::vertical([
        Constraint::Length(asked.len() as u16),
        Constraint::Fill(1),
        Constraint::Length(7),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(asked), query);
    if let Some(QueryAnswer {
        data: AnswerData::Series(matrix),
        range,
        ..
    }) = asking.reply.data()
    {
        metrics::chart(frame, list.union(one), state, matrix, *range);
        return;
    }
    let lines = state.logs.lines();
    let height = usize::from(list.height.saturating_sub(2));
    let width = usize::from(list.width.saturating_sub(2));
    let from = window(state.logs.selected, lines.len(), height);
    let rows = lines
        .iter()
        .enumerate()
        .skip(from)
        .take(height)
        .map(|(index, line)| row(line, index == state.logs.selected, width, state));
    let mut title = format!("{} lines, newest first", lines.len());
    if state.logs.follow == Follow::On {
        title.push_str(" · following");
    }
    if !state.logs.filter.is_empty() {
        title.push_str(&format!(" · filter {}", state.logs.filter));
    }
    let rows = Paragraph::new(Vec::from_iter(rows)).block(framed(title, theme));
    frame.render_widget(rows, list);
    let text = lines
        .get(state.logs.selected)
        .map_or("", |line| line.line.as_str());
    let whole = Paragraph::new(text)
        .wrap(Wrap { trim: false })
        .block(framed("the line", theme));
    frame.render_widget(whole, one);
}

fn row(line: &LogLine, here: bool, width: usize, state: &State) -> Line<'static> {
    let theme = state.theme;
    let level = line.level().unwrap_or_default();
    let (sign, style) = match level.as_str() {
        "error" | "fatal" | "critical" => ("E", theme.bad()),
        "warn" | "warning" => ("W", theme.warn()),
        "" => (" ", theme.faint()),
        _ => ("i", theme.faint()),
    };
    let app = line.labels.get("app").map_or("", String::as_str);
    let text = readable(line);
    let mark = if here { "▶" } else { " " };
    let body = cut(&text, width.saturating_sub(27));
    Line::from(vec![
        Span::raw(mark),
        Span::styled(format!("{} ", clock(line.at)), theme.faint()),
        Span::styled(format!("{sign} "), style),
        Span::styled(format!("{:13} ", cut(app, 13)), theme.accent()),
        Span::styled(
            body,
            if here {
                theme.strong()
            } else {
                ratatui::style::Style::new()
            },
        ),
    ])
}

/// A JSON line as its message and what else is worth reading; any other as it is.
fn readable(line: &LogLine) -> String {
    let text = |name: &str| match line.field(name) {
        Some(value) => value
            .as_str()
            .map_or_else(|| value.to_string(), str::to_owned),
        None => String::new(),
    };
    let message = text("msg");
    if message.is_empty() {
        return line.line.clone();
    }
    let mut out = message;
    for name in [
        "method",
        "path",
        "journey",
        "step",
        "status",
        "duration_ms",
        "seen",
        "error",
        "peer",
    ] {
        let value = text(name);
        if !value.is_empty() {
            out.push_str(&format!(" {name}={value}"));
        }
    }
    out
}
