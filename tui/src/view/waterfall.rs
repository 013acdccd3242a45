//! One trace as a waterfall, and one of its spans in full.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};
use telemetry::Span as TraceSpan;

use super::part::{cut, framed, window};
use super::traces::millis;
use crate::state::{Depth, OpenTrace, State, facts, waterfall};
use crate::theme::Theme;

/// The trace, or the span that is selected in it.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State, open: &OpenTrace) {
    match (open.depth, open.span()) {
        (Depth::Span(from), Some(span)) => in_full(frame, area, state.theme, open, span, from),
        _ => all(frame, area, state, open),
    }
}

/// ```text
/// ┌ spans, each with its bar ─┐
/// ├───────────────────────────┤
/// └ the selected span ────────┘
/// ```
fn all(frame: &mut Frame<'_>, area: Rect, state: &State, open: &OpenTrace) {
    let theme = state.theme;
    let [list, one] = Layout::vertical([Constraint::Fill(1), Constraint::Length(8)]).areas(area);
    let trace = &open.trace;
    let spans = waterfall(trace);
    let starts = spans.iter().map(|(_, span)| span.start_nanos);
    let begin = starts.min().unwrap_or(0);
    let whole = trace.duration().as_secs_f64().max(1e-9);
    let at = |nanos: u64| nanos.saturating_sub(begin) as f64 / 1e9 / whole;
    let height = usize::from(list.height.saturating_sub(2));
    let width = usize::from(list.width.saturating_sub(2));
    let names = (width / 2).min(56);
    let bars = width.saturating_sub(names + 16);
    let from = window(open.selected, spans.len(), height);
    let rows = spans
        .iter()
        .enumerate()
        .skip(from)
        .take(height)
        .map(|(index, (depth, span))| {
            let here = index == open.selected;
            let own: Vec<(f64, f64)> = open
                .path
                .iter()
                .filter(|stretch| stretch.span_id == span.span_id)
                .map(|stretch| (at(stretch.from), at(stretch.to)))
                .collect();
            let path = if own.is_empty() { "  " } else { "• " };
            let (sign, style) = if span.failed() {
                ("✗", theme.bad())
            } else {
                (" ", theme.good())
            };
            let name = format!("{}{} {}", " ".repeat(*depth), span.service, span.name);
            let (offset, end) = (at(span.start_nanos), at(span.end_nanos()));
            Line::from(vec![
                Span::raw(if here { "▶" } else { " " }),
                Span::styled(sign, theme.bad()),
                Span::styled(path, theme.strong()),
                Span::styled(
                    format!("{:names$}", cut(&name, names)),
                    if here { theme.strong() } else { Style::new() },
                ),
                Span::raw(format!("{:>10} ", millis(span.duration.as_secs_f64()))),
                Span::styled(bar(offset, end - offset, &own, bars), style),
            ])
        });
    let title = format!(
        "trace {} · {} spans · {}",
        trace.trace_id,
        trace.spans.len(),
        millis(trace.duration().as_secs_f64())
    );
    let keys = " • █ critical path · Enter the span · l logs · M metrics · Esc back ";
    let block = framed(title, theme).title_bottom(Line::styled(keys, theme.faint()));
    frame.render_widget(Paragraph::new(Vec::from_iter(rows)).block(block), list);
    if let Some((_, span)) = spans.get(open.selected) {
        in_short(frame, one, theme, open, span);
    }
}

/// A bar of `share` of `width`, `offset` from its left; at least one cell. Where the end of
/// the trace waited for it (`own`, from and to), it is thick.
fn bar(offset: f64, share: f64, own: &[(f64, f64)], width: usize) -> String {
    let start = ((offset * width as f64) as usize).min(width.saturating_sub(1));
    let length =
        ((share * width as f64).round() as usize).clamp(1, (width - start.min(width)).max(1));
    let thick = |cell: usize| {
        own.iter().any(|(from, to)| {
            let first = ((from * width as f64) as usize).clamp(start, start + length - 1);
            let last = ((to * width as f64).ceil() as usize).clamp(first + 1, start + length);
            (first..last).contains(&cell)
        })
    };
    let cells = (start..start + length).map(|cell| if thick(cell) { '█' } else { '━' });
    " ".repeat(start).chars().chain(cells).collect()
}

/// When the span began, how long it took, and how much of that the trace waited for.
fn timing(open: &OpenTrace, span: &TraceSpan) -> String {
    let starts = open.trace.spans.iter().map(|span| span.start_nanos);
    let begin = starts.min().unwrap_or(0);
    let after = span.start_nanos.saturating_sub(begin) as f64 / 1e9;
    let own = open.on_path(span).as_secs_f64();
    let path = if own > 0.0 {
        format!("{} of its own on the critical path", millis(own))
    } else {
        "not on the critical path".to_owned()
    };
    let took = millis(span.duration.as_secs_f64());
    format!("began after {}, took {took}; {path}", millis(after))
}

fn in_short(frame: &mut Frame<'_>, area: Rect, theme: Theme, open: &OpenTrace, span: &TraceSpan) {
    let width = usize::from(area.width.saturating_sub(2));
    let mut lines = vec![Line::raw(cut(&timing(open, span), width))];
    let mut row = String::new();
    for (name, value) in facts(span) {
        if name == "status" && span.failed() {
            lines.push(Line::styled(cut(&format!("✗ {value}"), width), theme.bad()));
            continue;
        }
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

/// Everything that a span says, a line each.
fn in_full(
    frame: &mut Frame<'_>,
    area: Rect,
    theme: Theme,
    open: &OpenTrace,
    span: &TraceSpan,
    from: usize,
) {
    let facts = facts(span);
    let names = facts.iter().map(|(name, _)| name.chars().count());
    let names = names.max().unwrap_or_default();
    let rows = facts.iter().skip(from).map(|(name, value)| {
        let style = if name == "status" && span.failed() {
            theme.bad()
        } else {
            Style::new()
        };
        Line::from(vec![
            Span::styled(format!("{name:names$}  "), theme.accent()),
            Span::styled(value.clone(), style),
        ])
    });
    let mut lines = vec![Line::raw(timing(open, span)), Line::default()];
    lines.extend(rows);
    let title = format!("{} · {}", span.service, span.name);
    let keys = " Esc back · l logs · M metrics ";
    let block = framed(title, theme).title_bottom(Line::styled(keys, theme.faint()));
    let page = Paragraph::new(lines)
        .wrap(Wrap { trim: false })
        .block(block);
    frame.render_widget(page, area);
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
            assert_eq!(bar(offset, share, &[], 4), text);
        }
    }

    #[test]
    fn a_bar_is_thick_where_the_trace_waited_for_it() {
        for (own, text) in [
            (vec![(0.0, 1.0)], "████████"),
            (vec![(0.25, 0.5)], "━━██━━━━"),
            // However short, it shows.
            (vec![(0.0, 0.01), (0.99, 1.0)], "█━━━━━━█"),
            (vec![(1.0, 1.0)], "━━━━━━━█"),
        ] {
            assert_eq!(bar(0.0, 1.0, &own, 8), text, "{own:?}");
        }
    }
}
