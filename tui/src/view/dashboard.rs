//! The dashboard of one service: small charts in a grid.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph};
use telemetry::Matrix;

use super::part::{cut, framed, short, sparkline, window};
use super::plot::{Drawn, Plot, Weight};
use super::unit::Unit;
use crate::state::{PAGE, Panel, Shown, State};
use crate::theme::Theme;

/// How wide a panel wants to be.
const WIDTH: u16 = 40;
/// How high it is at least; more rows of them are scrolled.
const HEIGHT: u16 = 8;
/// The least room in which a chart says something.
const CHART: (u16, u16) = (20, 4);

/// ```text
/// ┌ service ──────────┐
/// ├ panel ┬ panel ────┤
/// └ panel ┴ panel ────┘
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let panels = state.panels();
    let columns = usize::from((area.width / WIDTH).clamp(1, 3));
    let rows = panels.len().div_ceil(columns);
    let [head, grid] = Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(area);
    let fitting = usize::from(grid.height / HEIGHT).clamp(1, rows.max(1));
    let first = window(state.metrics.dashboard.selected / columns, rows, fitting);
    frame.render_widget(heading(state, first, fitting, rows), head);
    let lines = Layout::vertical(vec![Constraint::Fill(1); fitting]).split(grid);
    for (row, line) in lines.iter().enumerate() {
        let cells = Layout::horizontal(vec![Constraint::Fill(1); columns]).split(*line);
        for (column, cell) in cells.iter().enumerate() {
            let index = (first + row) * columns + column;
            if let Some(one) = panels.get(index) {
                let here = index == state.metrics.dashboard.selected;
                panel(frame, *cell, state, one, if here { "▶" } else { "" });
            }
        }
    }
}

/// Whose dashboard it is, and which part of it is in sight.
fn heading(state: &State, first: usize, fitting: usize, rows: usize) -> Line<'static> {
    let theme = state.theme;
    let dashboard = &state.metrics.dashboard;
    let name = state
        .dashboard_service()
        .map_or("no service", |service| service.as_str());
    let sight = if rows > fitting {
        format!(" · rows {}-{} of {rows}", first + 1, first + fitting)
    } else {
        String::new()
    };
    Line::from(vec![
        Span::styled("Dashboard ", theme.accent()),
        Span::styled(name.to_owned(), theme.strong()),
        Span::styled(
            format!(
                " {}/{}{sight} · last {} · [ ] another · d back",
                dashboard.service + 1,
                state.facts.services.len(),
                short(state.metrics.span()),
            ),
            theme.faint(),
        ),
    ])
}

fn panel(frame: &mut Frame<'_>, area: Rect, state: &State, panel: &Panel, mark: &str) {
    let theme = state.theme;
    let unit = Unit::of(&panel.query);
    let shown = state.metrics.dashboard.shown(&panel.query);
    let data = shown.and_then(|shown| shown.data.as_ref());
    let value = data.and_then(|(_, matrix)| last(matrix));
    let value = value.map_or_else(String::new, |value| format!(": {}", unit.show(value)));
    let room = usize::from(area.width).saturating_sub(value.chars().count() + 6);
    let block = block(
        format!("{mark}{}{value}", cut(panel.title, room)),
        mark,
        theme,
    );
    let mut inner = block.inner(area);
    frame.render_widget(block, area);
    if let Some(text) = shown.and_then(|shown| stale(shown, state)) {
        let [line, rest] =
            Layout::vertical([Constraint::Length(1), Constraint::Fill(1)]).areas(inner);
        let text = cut(&text, usize::from(line.width));
        frame.render_widget(Line::styled(text, theme.faint()), line);
        inner = rest;
    }
    let Some((range, matrix)) = data else {
        if shown.is_none() {
            frame.render_widget(Line::styled("…", theme.warn()), inner);
        }
        return;
    };
    if inner.width < CHART.0 || inner.height < CHART.1 {
        let line = small(matrix, usize::from(inner.width));
        frame.render_widget(Paragraph::new(line), inner);
        return;
    }
    let series = matrix.series.iter().take(PAGE).enumerate();
    let lines = series.map(|(index, series)| Drawn {
        points: &series.points,
        style: theme.series(index),
        weight: Weight::Thin,
    });
    let plot = Plot {
        lines: lines.collect(),
        range: *range,
        unit,
        cursor: None,
        theme,
    };
    frame.render_widget(plot, inner);
}

fn block(title: String, mark: &str, theme: Theme) -> Block<'static> {
    let block = framed(title, theme);
    if mark.is_empty() {
        block
    } else {
        block
            .border_style(theme.accent())
            .title_style(theme.strong())
    }
}

/// Why a panel is not fresh, and how old it is.
fn stale(shown: &Shown, state: &State) -> Option<String> {
    let why = shown.trouble.as_ref()?;
    Some(match &shown.data {
        Some((range, _)) => {
            let age = short(state.now.since(range.to));
            format!("! {age} old: {why}")
        }
        None => format!("! {why}"),
    })
}

/// The newest value; of several series the greatest.
fn last(matrix: &Matrix) -> Option<f64> {
    let values = matrix.series.iter().filter_map(|series| series.last());
    let values = values.map(|point| point.value).filter(|v| v.is_finite());
    values.reduce(f64::max)
}

/// The first series in one row, for where a chart has no room.
fn small(matrix: &Matrix, width: usize) -> String {
    let Some(series) = matrix.series.first() else {
        return cut("no samples", width);
    };
    let points = &series.points[series.points.len().saturating_sub(width)..];
    let values = points.iter().map(|point| point.value);
    let largest = values.clone().filter(|v| v.is_finite()).fold(0.0, f64::max);
    sparkline(values.map(|v| v.is_finite().then_some(v)), largest)
}
