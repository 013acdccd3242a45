//! Traces: a search, and a trace as a waterfall.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use telemetry::{Span as TraceSpan, SpanStatus, Trace};

use super::asked;
use super::part::{clock, cut, framed, window};
use crate::completion::Language;
use crate::state::State;
use crate::state::waterfall;

/// A search, or the trace that is open.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    match &state.traces.open {
        Some((trace, selected)) => open(frame, area, state, trace, *selected),
        None => search(frame, area, state),
    }
}

fn search(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let asking = &state.traces.asking;
    let asked = asked::lines(asking, Language::TraceQl, area.width, theme);
    let height = asked.len() as u16;
    let [query, list] =
        Layout::vertical([Constraint::Length(height), Constraint::Fill(1)]).areas(area);
    frame.render_widget(Paragraph::new(asked), query);
    let found = state.traces.found();
    let height = usize::from(list.height.saturating_sub(2));
    let width = usize::from(list.width.saturating_sub(40));
    let from = window(state.traces.selected, found.len(), height);
    let rows = found
        .iter()
        .enumerate()
        .skip(from)
        .take(height)
        .map(|(index, trace)| {
            let here = index == state.traces.selected;
            let mark = if here { "▶" } else { " " };
            let name = format!("{} {}", trace.root_service, trace.root_name);
            Line::from(vec![
                Span::raw(mark),
                Span::styled(format!("{} ", clock(trace.start)), theme.faint()),
                Span::styled(format!("{} ", cut(&trace.trace_id, 9)), theme.accent()),
                Span::raw(format!("{:>9}  ", millis(trace.duration.as_secs_f64()))),
                Span::styled(
                    cut(&name, width),
                    if here {
                        theme.strong()
                    } else {
                        ratatui::style::Style::new()
                    },
                ),
            ])
        });
    let title = format!("{} traces, newest first", found.len());
    frame.render_widget(
        Paragraph::new(Vec::from_iter(rows)).block(framed(title, theme)),
        list,
    );
}

/// ```text
/// ┌ spans, each with its bar ─┐
/// └ the selected span ────────┘
/// ```
fn open(frame: &mut Frame<'_>, area: Rect, state: &State, trace: &Trace, selected: usize) {
    let theme = state.theme;
    let [list, one] = Layout::vertical([Constraint::Fill(1), Constraint::Length(9)]).areas(area);
    let spans = waterfall(trace);
    let begin = spans
        .iter()
        .map(|(_, span)| span.start_nanos)
        .min()
        .unwrap_or(0);
    let end = spans
        .iter()
        .map(|(_, span)| span.end_nanos())
        .max()
        .unwrap_or(1);
    let whole = end.saturating_sub(begin).max(1) as f64;
    let height = usize::from(list.height.saturating_sub(2));
    let width = usize::from(list.width.saturating_sub(2));
    let names = (width / 2).min(56);
    let bars = width.saturating_sub(names + 14);
    let from = window(selected, spans.len(), height);
    let rows = spans
        .iter()
        .enumerate()
        .skip(from)
        .take(height)
        .map(|(index, (depth, span))| {
            let here = index == selected;
            let mark = if here { "▶" } else { " " };
            let sign = if span.failed() { "✗" } else { " " };
            let name = format!("{}{} {}", " ".repeat(*depth), span.service, span.name);
            let style = if span.failed() {
                theme.bad()
            } else {
                theme.good()
            };
            let offset = span.start_nanos.saturating_sub(begin) as f64 / whole;
            let share = span.end_nanos().saturating_sub(span.start_nanos) as f64 / whole;
            Line::from(vec![
                Span::raw(mark),
                Span::styled(sign, theme.bad()),
                Span::styled(
                    format!("{:names$}", cut(&name, names)),
                    if here {
                        theme.strong()
                    } else {
                        ratatui::style::Style::new()
                    },
                ),
                Span::raw(format!("{:>10} ", millis(span.duration.as_secs_f64()))),
                Span::styled(bar(offset, share, bars), style),
            ])
        });
    let title = format!(
        "trace {} · {} spans · {} · Esc goes back",
        trace.trace_id,
        trace.spans.len(),
        millis(trace.duration().as_secs_f64())
    );
    frame.render_widget(
        Paragraph::new(Vec::from_iter(rows)).block(framed(title, theme)),
        list,
    );
    if let Some((_, span)) = spans.get(selected) {
        details(frame, one, state, span);
    }
}

/// A bar of `share` of `width`, `offset` from its left; at least one cell.
fn bar(offset: f64, share: f64, width: usize) -> String {
    let start = ((offset * width as f64) as usize).min(width.saturating_sub(1));
    let length =
        ((share * width as f64).round() as usize).clamp(1, (width - start.min(width)).max(1));
    format!("{}{}", " ".repeat(start), "━".repeat(length))
}

fn details(frame: &mut Frame<'_>, area: Rect, state: &State, span: &TraceSpan) {
    let theme = state.theme;
    let width = usize::from(area.width.saturating_sub(2));
    let mut lines = Vec::new();
    if let SpanStatus::Error(message) = &span.status {
        lines.push(Line::styled(
            cut(&format!("✗ {message}"), width),
            theme.bad(),
        ));
    }
    let mut row = String::new();
    for (name, value) in &span.attributes {
        let part = format!("{name}={value}  ");
        if row.chars().count() + part.chars().count() > width && !row.is_empty() {
            lines.push(Line::raw(std::mem::take(&mut row)));
        }
        row.push_str(&part);
    }
    lines.push(Line::raw(cut(&row, width)));
    let title = format!("{} · {}", span.service, span.name);
    frame.render_widget(Paragraph::new(lines).block(framed(title, theme)), area);
}

/// Seconds in the unit that fits.
fn millis(seconds: f64) -> String {
    match seconds {
        s if s >= 1.0 => format!("{s:.2} s"),
        s if s >= 0.001 => format!("{:.1} ms", s * 1e3),
        s => format!("{:.0} µs", s * 1e6),
    }
}

#[cfg(test)]
mod tests {
    use super::bar;

    #[test]
    fn a_bar_stays_within_its_row_and_is_never_nothing() {
        for (offset, share, text) in [
            (0.0, 1.0, "━━━━"),
            (0.5, 0.25, "  ━"),
            (1.0, 0.0, "   ━"),
            (0.9, 0.9, "   ━"),
        ] {
            assert_eq!(bar(offset, share, 4), text);
        }
    }
}
