//! Traces: a search, how long what it found took, and what is found.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::part::{clock, cut, framed, sparkline, window};
use super::{asked, map, waterfall};
use crate::completion::Language;
use crate::state::{Histogram, Side, State};
pub(super) use crate::words::millis;

/// How wide a bar of the durations is.
const BAR: usize = 2;
/// How wide what stands before them is.
const SPREAD_TITLE: usize = 14;

/// A search, the map, or the trace that is open.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    match &state.traces.open {
        Some(open) => waterfall::draw(frame, area, state, open),
        None => match state.traces.side {
            Side::Found => search(frame, area, state),
            Side::Map => map::draw(frame, area, state),
        },
    }
}

/// ```text
/// query, error
/// how the durations are spread
/// ┌ traces ─────────┐
/// └─────────────────┘
/// ```
fn search(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let asking = &state.traces.asking;
    let asked = asked::lines(asking, Language::TraceQl, area.width, theme);
    let [query, durations, list] = Layout::vertical([
        Constraint::Length(asked.len() as u16),
        Constraint::Length(2),
        Constraint::Fill(1),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(asked), query);
    spread(frame, durations, state);
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

/// How the durations of what was found are spread: bars, and the scale under them.
fn spread(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let found = state.traces.found();
    let room = usize::from(area.width).saturating_sub(SPREAD_TITLE + 2);
    let Some(histogram) = Histogram::of(found, room.min(96) / BAR) else {
        return;
    };
    let most = histogram.counts.iter().copied().max().unwrap_or_default();
    let bars: String = histogram
        .counts
        .iter()
        .map(|count| match count {
            0 => " ".repeat(BAR),
            count => sparkline(std::iter::once(Some(*count as f64)), most as f64).repeat(BAR),
        })
        .collect();
    let width = histogram.counts.len() * BAR;
    let tall = format!("█ {most} of {}", found.len());
    let lines = vec![
        Line::from(vec![
            Span::styled(format!(" {tall:SPREAD_TITLE$}"), theme.faint()),
            Span::styled(bars, theme.accent()),
        ]),
        Line::styled(
            format!(" {:SPREAD_TITLE$}{}", "durations", scale(&histogram, width)),
            theme.faint(),
        ),
    ];
    frame.render_widget(Paragraph::new(lines), area);
}

/// The least, the middle and the greatest duration under their places.
fn scale(histogram: &Histogram, width: usize) -> String {
    let [low, middle, high] = [histogram.low, histogram.middle(), histogram.high].map(millis);
    let left = width / 2;
    let middle = format!("{low:<left$}")
        .chars()
        .take(left)
        .collect::<String>()
        + &middle;
    let room = width.saturating_sub(high.chars().count());
    format!("{middle:<room$}{high}")
}
