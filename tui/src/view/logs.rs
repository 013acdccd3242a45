//! Logs: a query and its lines, the selected one in full.

use engine::{AnswerData, QueryAnswer};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};
use telemetry::LogLine;

use super::part::{clock, cut, framed, window};
use super::{asked, metrics};
use crate::completion::Language;
use crate::state::{Follow, LogContext, State};

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
    if let Some(context) = &state.logs.context {
        around(frame, list, state, context);
        whole(frame, one, state);
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
    if let Some(range) = state.logs.pinned_range() {
        title.push_str(&format!(" · {} to {}", clock(range.from), clock(range.to)));
    }
    if state.logs.follow == Follow::On {
        title.push_str(" · following");
    }
    if !state.logs.filter.is_empty() {
        title.push_str(&format!(" · filter {}", state.logs.filter));
    }
    let rows = Paragraph::new(Vec::from_iter(rows)).block(framed(title, theme));
    frame.render_widget(rows, list);
    whole(frame, one, state);
}

/// What a stream wrote before and after a line, oldest first.
fn around(frame: &mut Frame<'_>, area: Rect, state: &State, context: &LogContext) {
    let theme = state.theme;
    let height = usize::from(area.height.saturating_sub(2));
    let width = usize::from(area.width.saturating_sub(2));
    let from = window(context.selected, context.lines.len(), height);
    let lines = context.lines.iter().enumerate().skip(from).take(height);
    let rows = lines.map(|(index, line)| {
        let place = if index == context.origin { "»" } else { " " };
        let mut row = row(
            line,
            index == context.selected,
            width.saturating_sub(1),
            state,
        );
        row.spans.insert(1, Span::styled(place, theme.accent()));
        row
    });
    let title = format!("» among the lines of {}", context.selector);
    let block = framed(cut(&title, width.saturating_sub(2)), theme).title_bottom(Line::styled(
        " oldest first · Esc goes back ",
        theme.faint(),
    ));
    frame.render_widget(Paragraph::new(Vec::from_iter(rows)).block(block), area);
}

/// The selected line in full.
fn whole(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let text = state.logs.line().map_or("", |line| line.line.as_str());
    let text: Vec<Line<'static>> = text
        .lines()
        .map(|text| Line::from(sought(text, state, Style::new())))
        .collect();
    let whole = Paragraph::new(text)
        .wrap(Wrap { trim: false })
        .block(framed("the line", state.theme));
    frame.render_widget(whole, area);
}

/// `text` with what the filter seeks marked in it.
fn sought(text: &str, state: &State, style: Style) -> Vec<Span<'static>> {
    let wanted = state.logs.filter.as_str();
    if wanted.is_empty() || wanted.starts_with('!') {
        return vec![Span::styled(text.to_owned(), style)];
    }
    let mut spans = Vec::new();
    for (index, part) in text.split(wanted).enumerate() {
        if index > 0 {
            spans.push(state.theme.sought(wanted));
        }
        if !part.is_empty() {
            spans.push(Span::styled(part.to_owned(), style));
        }
    }
    spans
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
    let mut spans = vec![
        Span::raw(mark),
        Span::styled(format!("{} ", clock(line.at)), theme.faint()),
        Span::styled(format!("{sign} "), style),
        Span::styled(format!("{:13} ", cut(app, 13)), theme.accent()),
    ];
    let plain = if here { theme.strong() } else { Style::new() };
    spans.extend(sought(&body, state, plain));
    Line::from(spans)
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
