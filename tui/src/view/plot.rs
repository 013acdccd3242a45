//! Lines over time, with an axis of round numbers and a cursor.

use model::{Period, Timestamp};
use ratatui::buffer::Buffer;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Style};
use ratatui::symbols::Marker;
use ratatui::widgets::canvas::{Canvas, Context, Line as Stroke, Points};
use ratatui::widgets::{Paragraph, Widget};
use telemetry::{Point, TimeRange};

use super::axis::Axis;
use super::part::clock;
use super::unit::Unit;
use crate::theme::Theme;

/// How many rows stand between two ticks, at least.
const ROWS_A_TICK: usize = 3;

/// Lines over time.
pub(super) struct Plot<'a> {
    /// The last is drawn over the others.
    pub(super) lines: Vec<Drawn<'a>>,
    pub(super) range: TimeRange,
    pub(super) unit: Unit,
    pub(super) cursor: Option<Timestamp>,
    pub(super) theme: Theme,
}

/// One line.
pub(super) struct Drawn<'a> {
    pub(super) points: &'a [Point],
    pub(super) style: Style,
    pub(super) weight: Weight,
}

/// How strongly a line is drawn, so that it is told from others without colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Weight {
    Thin,
    Thick,
}

impl Plot<'_> {
    /// The least and the greatest of what is drawn, zero included; nothing
    /// where there is no number.
    fn bounds(&self) -> Option<(f64, f64)> {
        let points = self.lines.iter().flat_map(|line| line.points);
        let values = points.map(|point| point.value).filter(|v| v.is_finite());
        values.fold(None, |bounds, value| {
            let (low, high) = bounds.unwrap_or((0.0_f64, 0.0_f64));
            Some((low.min(value), high.max(value)))
        })
    }
}

/// ```text
/// tick ┤ lines
/// tick ┤
///       from      middle      to
/// ```
impl Widget for Plot<'_> {
    fn render(self, area: Rect, buffer: &mut Buffer) {
        let Some((low, high)) = self.bounds() else {
            Paragraph::new("no samples: the query matches nothing in this time")
                .render(area, buffer);
            return;
        };
        if area.height < 2 || area.width < 2 {
            return;
        }
        let rows = usize::from(area.height) - 1;
        let axis = Axis::over(self.unit, low, high, rows / ROWS_A_TICK + 1);
        let widest = axis.ticks.iter().map(|(_, text)| text.chars().count());
        let gutter = (widest.max().unwrap_or(0) as u16 + 2).min(area.width / 2);
        let [upper, times] =
            Layout::vertical([Constraint::Fill(1), Constraint::Length(1)]).areas(area);
        let [labels, lines] =
            Layout::horizontal([Constraint::Length(gutter), Constraint::Fill(1)]).areas(upper);
        ticks(&axis, labels, buffer, self.theme);
        let [_, times] =
            Layout::horizontal([Constraint::Length(gutter), Constraint::Fill(1)]).areas(times);
        dates(self.range, times, buffer, self.theme);
        let (from, to) = ends(self.range);
        Canvas::default()
            .marker(Marker::Braille)
            .x_bounds([from, to])
            .y_bounds([axis.low, axis.high])
            .paint(|context| {
                // A dot of the grid, by which a thick line is drawn twice.
                let dot = (axis.high - axis.low) / f64::from(lines.height.max(1) * 4 - 1);
                for line in &self.lines {
                    stroke(context, line, 0.0);
                    if line.weight == Weight::Thick {
                        stroke(context, line, dot);
                        stroke(context, line, -dot);
                    }
                }
            })
            .render(lines, buffer);
        if let Some(at) = self.cursor {
            cursor(self.range, at, lines, buffer, self.theme);
        }
    }
}

fn ends(range: TimeRange) -> (f64, f64) {
    let from = range.from.as_secs_f64();
    (from, range.to.as_secs_f64().max(from + 1.0))
}

fn ticks(axis: &Axis, area: Rect, buffer: &mut Buffer, theme: Theme) {
    let last = f64::from(area.height.saturating_sub(1));
    let width = usize::from(area.width.saturating_sub(2));
    for row in 0..area.height {
        buffer.set_string(area.right() - 1, area.y + row, "│", theme.faint());
    }
    for (value, text) in &axis.ticks {
        let share = (axis.high - value) / (axis.high - axis.low);
        let row = area.y + (share * last).round().clamp(0.0, last) as u16;
        let text = format!("{text:>width$} ┤");
        buffer.set_stringn(area.x, row, text, usize::from(area.width), theme.faint());
    }
}

/// The times at both ends, and in the middle where there is room.
fn dates(range: TimeRange, area: Rect, buffer: &mut Buffer, theme: Theme) {
    const LONG: u16 = 8;
    let middle = range.from.plus((range.length().duration() / 2).into());
    let width = area.width;
    for (time, column, wanted) in [
        (range.to, width.saturating_sub(LONG), LONG),
        (range.from, 0, 3 * LONG),
        (middle, width.saturating_sub(LONG) / 2, 5 * LONG),
    ] {
        if width >= wanted {
            buffer.set_string(area.x + column, area.y, clock(time), theme.faint());
        }
    }
}

/// Draws a line, `shift` above itself. Where points are missing it breaks: an
/// outage of what is measured is no straight line.
fn stroke(context: &mut Context<'_>, line: &Drawn<'_>, shift: f64) {
    let color = line.style.fg.unwrap_or(Color::Reset);
    let longest = gap(line.points);
    let place = |point: &Point| (point.at.as_secs_f64(), point.value + shift);
    let known = |point: &Point| point.value.is_finite();
    for pair in line.points.windows(2) {
        let [left, right] = pair else { continue };
        if known(left) && known(right) && right.at.since(left.at) <= longest {
            let ((x1, y1), (x2, y2)) = (place(left), place(right));
            context.draw(&Stroke::new(x1, y1, x2, y2, color));
        }
    }
    // Points that stand alone.
    let dots: Vec<(f64, f64)> = line.points.iter().filter(|p| known(p)).map(place).collect();
    context.draw(&Points::new(&dots, color));
}

/// How far apart two points may be that are still joined.
fn gap(points: &[Point]) -> Period {
    let steps = points.windows(2).filter_map(|pair| match pair {
        [left, right] => Some(right.at.since(left.at).as_millis()),
        _ => None,
    });
    let least = steps.filter(|step| *step > 0).min().unwrap_or(0);
    Period::from_millis(least * 5 / 2)
}

/// A line from top to bottom where nothing else is drawn.
fn cursor(range: TimeRange, at: Timestamp, area: Rect, buffer: &mut Buffer, theme: Theme) {
    let (from, to) = ends(range);
    let share = (at.as_secs_f64() - from) / (to - from);
    if !(0.0..=1.0).contains(&share) || area.is_empty() {
        return;
    }
    let column = area.x + (share * f64::from(area.width - 1)).round() as u16;
    for row in area.top()..area.bottom() {
        let cell = &mut buffer[(column, row)];
        if matches!(cell.symbol(), " " | "\u{2800}") {
            cell.set_symbol("┆").set_style(theme.accent());
        }
    }
}
