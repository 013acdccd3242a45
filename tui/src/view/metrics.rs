//! Metrics: a query, its chart, and the series under it.

use model::Timestamp;
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;
use telemetry::{Matrix, Series, TimeRange};

use super::part::{ago, clock, cut, framed, short};
use super::plot::{Drawn, Plot, Weight};
use super::unit::Unit;
use super::{asked, dashboard};
use crate::completion::Language;
use crate::state::{
    MetricsPane, MetricsView, PAGE, Reply, RightEdge, SeriesDrawn, State, point_at,
};

/// ```text
/// ┌ query, error ─┐
/// ├ chart ────────┤
/// └ series ───────┘
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let metrics = &state.metrics;
    if metrics.view == MetricsView::Dashboard {
        return dashboard::draw(frame, area, state);
    }
    let listed = metrics.page().len().max(1) as u16;
    let mut lines = asked::lines(&metrics.asking, Language::PromQl, area.width, state.theme);
    if let Some(stale) = stale(state) {
        lines.truncate(1);
        let stale = cut(&stale, usize::from(area.width));
        lines.push(Line::styled(stale, state.theme.faint()));
    }
    let [query, chart, list] = Layout::vertical([
        Constraint::Length(lines.len() as u16),
        Constraint::Fill(1),
        Constraint::Length(listed + 2),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(lines), query);
    let Some(answer) = metrics.asking.reply.data() else {
        let empty = Paragraph::new("nothing was asked yet").block(framed("chart", state.theme));
        frame.render_widget(empty, chart);
        return;
    };
    let unit = Unit::of(&metrics.answered);
    selection(frame, chart, state, answer.range, unit);
    legend(frame, list, state, unit);
}

/// Why what is shown is not fresh, and how old it is.
fn stale(state: &State) -> Option<String> {
    let why = state.metrics.live.trouble.as_ref()?;
    match &state.metrics.asking.reply {
        Reply::Data(answer) => Some(format!(
            "not refreshed for {}: {why}",
            short(state.now.since(answer.range.to))
        )),
        Reply::Nothing | Reply::Failed(..) => None,
    }
}

/// The series that are chosen, the selected one over the others.
fn selection(frame: &mut Frame<'_>, area: Rect, state: &State, range: TimeRange, unit: Unit) {
    let theme = state.theme;
    let metrics = &state.metrics;
    let shown = metrics.shown();
    let weight = |index| {
        if index == metrics.selected && shown.len() > 1 {
            Weight::Thick
        } else {
            Weight::Thin
        }
    };
    let mut order: Vec<usize> = shown.clone().collect();
    order.sort_by_key(|index| *index == metrics.selected);
    let lines = order.into_iter().filter_map(|index| {
        Some(Drawn {
            points: &metrics.series().get(index)?.points,
            style: theme.series(index % PAGE),
            weight: weight(index),
        })
    });
    let block = framed(title(metrics, range, state.now), theme);
    let plot = Plot {
        lines: lines.collect(),
        range,
        unit,
        cursor: metrics.cursor,
        theme,
    };
    frame.render_widget(plot, block.inner(area));
    frame.render_widget(block, area);
}

/// Which time is shown, and where in it the cursor is.
fn title(metrics: &MetricsPane, range: TimeRange, now: Timestamp) -> String {
    let length = short(range.length());
    let span = match metrics.edge {
        RightEdge::Now => format!("last {length}"),
        RightEdge::At(_) => format!("{length} up to {} · 0 goes back to now", clock(range.to)),
    };
    match metrics.cursor {
        None => span,
        Some(at) => format!("{span} · ┆ {} ({})", clock(at), ago(now, at)),
    }
}

/// Draws what a query of logs counted, over `range`.
pub(super) fn chart(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    matrix: &Matrix,
    range: TimeRange,
) {
    let theme = state.theme;
    let series = matrix.series.iter().take(PAGE).enumerate();
    let lines = series.map(|(index, series)| Drawn {
        points: &series.points,
        style: theme.series(index),
        weight: Weight::Thin,
    });
    let block = framed(format!("last {}", short(range.length())), theme);
    let plot = Plot {
        lines: lines.collect(),
        range,
        unit: Unit::of(&state.logs.asking.query),
        cursor: None,
        theme,
    };
    frame.render_widget(plot, block.inner(area));
    frame.render_widget(block, area);
}

/// The series of the page, each with its value at the cursor, or its last.
fn legend(frame: &mut Frame<'_>, area: Rect, state: &State, unit: Unit) {
    let theme = state.theme;
    let metrics = &state.metrics;
    let page = metrics.page();
    let width = usize::from(area.width.saturating_sub(18));
    let value = |series: &Series| match metrics.cursor {
        Some(at) => point_at(series, at),
        None => series.last().map(|point| point.value),
    };
    let rows = metrics.series().get(page.clone()).unwrap_or_default();
    let lines = rows.iter().zip(page.clone()).map(|(series, index)| {
        let here = index == metrics.selected;
        let mark = if here { "▶" } else { " " };
        let drawn = metrics.shown().contains(&index);
        let line = match (drawn, here && metrics.drawn == SeriesDrawn::Page) {
            (true, true) => "━ ",
            (true, false) => "─ ",
            (false, _) => "  ",
        };
        let value = value(series).map_or_else(|| "-".to_owned(), |value| unit.show(value));
        let style = if here { theme.strong() } else { Style::new() };
        Line::from(vec![
            Span::raw(mark),
            Span::styled(line, theme.series(index % PAGE)),
            Span::raw(format!("{value:>12} ")),
            Span::styled(cut(&series.title(), width), style),
        ])
    });
    let mut title = match metrics.series().len() {
        1 => "1 series".to_owned(),
        count if count > PAGE => format!(
            "series {} to {} of {count} · PgDn PgUp",
            page.start + 1,
            page.end
        ),
        count => format!("{count} series"),
    };
    if metrics.drawn == SeriesDrawn::Selected {
        title.push_str(" · one drawn, s draws all");
    }
    if metrics.cursor.is_some() {
        title.push_str(" · values at the cursor");
    }
    frame.render_widget(
        Paragraph::new(Vec::from_iter(lines)).block(framed(title, theme)),
        area,
    );
}
