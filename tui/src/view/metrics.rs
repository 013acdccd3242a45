//! Metrics: a query, its chart, and the series under it.

use engine::{AnswerData, QueryAnswer};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::symbols::Marker;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Axis, Chart, Dataset, GraphType, Paragraph};
use telemetry::Matrix;

use super::asked;
use super::part::{clock, cut, framed, short, window};
use crate::completion::Language;
use crate::state::State;

/// How many series are drawn; all are listed.
const DRAWN: usize = 8;

/// ```text
/// ┌ query, error ─┐
/// ├ chart ────────┤
/// └ series ───────┘
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let asking = &state.metrics.asking;
    let lines = asked::lines(asking, Language::PromQl, area.width, state.theme);
    let [query, chart, list] = Layout::vertical([
        Constraint::Length(lines.len() as u16),
        Constraint::Fill(2),
        Constraint::Length(DRAWN as u16 + 2),
    ])
    .areas(area);
    frame.render_widget(Paragraph::new(lines), query);
    let Some(QueryAnswer {
        data: AnswerData::Series(matrix),
        range,
        ..
    }) = asking.reply.data()
    else {
        let empty = Paragraph::new("nothing was asked yet").block(framed("chart", state.theme));
        frame.render_widget(empty, chart);
        return;
    };
    self::chart(frame, chart, state, matrix, *range);
    legend(frame, list, state, matrix);
}

/// Draws `matrix` over `range`; the logs screen uses it too.
pub(super) fn chart(
    frame: &mut Frame<'_>,
    area: Rect,
    state: &State,
    matrix: &Matrix,
    range: telemetry::TimeRange,
) {
    let theme = state.theme;
    let points: Vec<Vec<(f64, f64)>> = matrix
        .series
        .iter()
        .take(DRAWN)
        .map(|series| {
            let finite = series.points.iter().filter(|point| point.value.is_finite());
            finite
                .map(|point| (point.at.as_secs_f64(), point.value))
                .collect()
        })
        .collect();
    let values = points.iter().flatten().map(|(_, value)| *value);
    let (low, high) = values.fold((0.0_f64, f64::MIN), |(low, high), value| {
        (low.min(value), high.max(value))
    });
    if high == f64::MIN {
        let text = "no samples: the query matches nothing in this time";
        frame.render_widget(Paragraph::new(text).block(framed("chart", theme)), area);
        return;
    }
    let high = if high <= low { low + 1.0 } else { high * 1.05 };
    let (from, to) = (
        range.from.as_secs_f64(),
        range.to.as_secs_f64().max(range.from.as_secs_f64() + 1.0),
    );
    let sets = points.iter().enumerate().map(|(index, points)| {
        Dataset::default()
            .marker(Marker::Braille)
            .graph_type(GraphType::Line)
            .style(theme.series(index))
            .data(points)
    });
    let title = format!("last {}", short(range.length()));
    let middle = range.from.plus((range.length().duration() / 2).into());
    let chart = Chart::new(sets.collect())
        .block(framed(title, theme))
        .x_axis(
            Axis::default()
                .bounds([from, to])
                .style(theme.faint())
                .labels([clock(range.from), clock(middle), clock(range.to)]),
        )
        .y_axis(
            Axis::default()
                .bounds([low, high])
                .style(theme.faint())
                .labels([number(low), number((low + high) / 2.0), number(high)]),
        );
    frame.render_widget(chart, area);
}

fn legend(frame: &mut Frame<'_>, area: Rect, state: &State, matrix: &Matrix) {
    let theme = state.theme;
    let height = usize::from(area.height.saturating_sub(2));
    let width = usize::from(area.width.saturating_sub(16));
    let from = window(state.metrics.selected, matrix.series.len(), height);
    let rows = matrix.series.iter().enumerate().skip(from).take(height);
    let lines = rows.map(|(index, series)| {
        let here = index == state.metrics.selected;
        let value = series
            .last()
            .map_or_else(String::new, |point| number(point.value));
        let mark = if here { "▶" } else { " " };
        let style = if index < DRAWN {
            theme.series(index)
        } else {
            theme.faint()
        };
        Line::from(vec![
            Span::raw(mark),
            Span::styled("━ ", style),
            Span::raw(format!("{value:>10} ")),
            Span::styled(
                cut(&series.title(), width),
                if here {
                    theme.strong()
                } else {
                    theme.faint().patch(ratatui::style::Style::new())
                },
            ),
        ])
    });
    let title = match matrix.series.len() {
        1 => "1 series".to_owned(),
        count if count > DRAWN => format!("{count} series, the first {DRAWN} drawn"),
        count => format!("{count} series"),
    };
    frame.render_widget(
        Paragraph::new(Vec::from_iter(lines)).block(framed(title, theme)),
        area,
    );
}

/// A number as short as it can be told apart.
pub(super) fn number(value: f64) -> String {
    let size = value.abs();
    if !value.is_finite() {
        return value.to_string();
    }
    match size {
        s if s >= 1e9 => format!("{:.2}G", value / 1e9),
        s if s >= 1e6 => format!("{:.2}M", value / 1e6),
        s if s >= 1e4 => format!("{:.1}k", value / 1e3),
        s if s >= 100.0 => format!("{value:.0}"),
        s if s >= 1.0 => format!("{value:.2}"),
        s if s >= 0.001 => format!("{value:.4}"),
        0.0 => "0".to_owned(),
        _ => format!("{value:.1e}"),
    }
}

#[cfg(test)]
mod tests {
    use super::number;

    #[test]
    fn numbers_are_short_and_told_apart() {
        for (value, text) in [
            (0.0, "0"),
            (0.0123, "0.0123"),
            (1.5, "1.50"),
            (512.0, "512"),
            (25_300.0, "25.3k"),
            (104_857_600.0, "104.86M"),
            (f64::NAN, "NaN"),
        ] {
            assert_eq!(number(value), text);
        }
    }
}
