//! A query that is being written, and under it what it may go on with.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Clear, Paragraph};

use super::frame::written;
use super::part::{cut, window};
use crate::state::{LineFor, Offers, Standing, State};

/// How many candidates are shown at once.
const SHOWN: u16 = 6;

/// ```text
/// PromQL> sum by (se
///               ▶ service   label
/// ```
///
/// The line stays where it is, whether there is a list or not: it is drawn over
/// the foot of `body`, which keeps its size.
pub(super) fn draw(frame: &mut Frame<'_>, body: Rect, foot: Rect, state: &State, line: LineFor) {
    let height = SHOWN.min(body.height / 2);
    let area = Rect {
        y: foot.y.saturating_sub(height),
        height: foot.height + height,
        ..foot
    };
    frame.render_widget(Clear, area);
    let top = Rect {
        height: 1.min(area.height),
        ..area
    };
    let prompt = line.prompt();
    let skip = written(frame, top, prompt, "", state);
    let under = Rect {
        y: area.y + top.height,
        height: area.height - top.height,
        ..area
    };
    let lines = match (line, &state.offers) {
        (LineFor::Search(language), _) => found(&state.found(language), under, state),
        (_, Some(offers)) if !offers.candidates().is_empty() => {
            let column = prompt.len() + offers.column().saturating_sub(skip);
            list(offers, column, under, state)
        }
        (_, Some(offers)) => vec![missing(offers, state).unwrap_or_else(|| keys(state))],
        (_, None) => vec![keys(state)],
    };
    frame.render_widget(Paragraph::new(lines), under);
}

/// The candidates, each under the place where it would stand.
fn list(offers: &Offers, column: usize, area: Rect, state: &State) -> Vec<Line<'static>> {
    let theme = state.theme;
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    let found = offers.candidates();
    let from = window(offers.taken().unwrap_or(0), found.len(), height);
    let rows = || found.iter().enumerate().skip(from).take(height);
    let longest = rows()
        .map(|(_, candidate)| candidate.text.chars().count())
        .max()
        .unwrap_or(0);
    // The mark stands before the text, what it is behind it.
    let indent = column
        .saturating_sub(2)
        .min(width.saturating_sub(longest + 18));
    let room = width.saturating_sub(indent + 16).max(1);
    let rows = rows().map(|(index, candidate)| {
        let here = offers.taken() == Some(index);
        let style = if here { theme.strong() } else { Style::new() };
        let text = cut(&candidate.text, room);
        let last = index + 1 == from + height && found.len() > height;
        let count = if last {
            format!("   {} of {}", index + 1, found.len())
        } else {
            String::new()
        };
        Line::from(vec![
            Span::raw(" ".repeat(indent)),
            Span::raw(if here { "▶ " } else { "  " }),
            Span::styled(format!("{text:longest$}"), style),
            Span::styled(
                format!("  {}{count}", candidate.kind.title()),
                theme.faint(),
            ),
        ])
    });
    rows.collect()
}

/// The earlier queries that fit, newest first.
fn found(queries: &[&str], area: Rect, state: &State) -> Vec<Line<'static>> {
    let (width, height) = (usize::from(area.width), usize::from(area.height));
    if queries.is_empty() {
        let text = "  no earlier query has this in it; Esc goes back";
        return vec![Line::styled(text, state.theme.faint())];
    }
    let from = window(state.search.chosen, queries.len(), height);
    let rows = queries.iter().enumerate().skip(from).take(height);
    let rows = rows.map(|(index, query)| {
        let here = index == state.search.chosen;
        let style = if here {
            state.theme.strong()
        } else {
            Style::new()
        };
        let mark = if here { "▶ " } else { "  " };
        Line::styled(cut(&format!("{mark}{query}"), width), style)
    });
    rows.collect()
}

/// Why there is nothing to offer, where more is to come or did not.
fn missing(offers: &Offers, state: &State) -> Option<Line<'static>> {
    let theme = state.theme;
    offers
        .wants()
        .iter()
        .find_map(|subject| match state.names.standing(subject)? {
            Standing::Asked => Some(Line::styled("  asking what there is …", theme.faint())),
            Standing::Failed(why) => Some(Line::styled(format!("  ! {why}"), theme.warn())),
            Standing::Answered => None,
        })
}

fn keys(state: &State) -> Line<'static> {
    let text = "  Enter asks  Tab completes  ↑ ↓ recall  Ctrl-R searches  Esc gives it up";
    Line::styled(text, state.theme.faint())
}
