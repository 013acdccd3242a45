//! The map of the shop: callers above whom they call, with how often and how well.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::part::{cut, window};
use super::traces::millis;
use crate::state::{Edge, OwnCalls, Row, ServiceMap, State, WINDOW};
use crate::theme::Theme;

/// The width of all columns but the first.
const FIGURES: usize = 48;

/// ```text
/// heading
/// rows: a service in its tree, and the calls to it
/// what the selected row means
/// keys
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let [head, list, foot] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Fill(1),
        Constraint::Length(2),
    ])
    .areas(area);
    let width = usize::from(area.width);
    let names = width.saturating_sub(FIGURES).min(60);
    let pane = &state.traces.map;
    let waiting = if pane.waiting > 0 { " …" } else { "" };
    let title = format!("calls of the last {WINDOW}{waiting}");
    let heading = format!(
        " {:names$} {:>7} {:>7} {:>8} {:>8}  marks",
        cut(&title, names),
        "calls/s",
        "failed",
        "median",
        "95 %",
    );
    frame.render_widget(Line::styled(heading, theme.accent()), head);
    let empty = ServiceMap::default();
    let map = pane.map.as_ref().unwrap_or(&empty);
    let height = usize::from(list.height);
    let from = window(pane.selected, map.rows.len(), height);
    let rows = map.rows.iter().enumerate().skip(from).take(height);
    let mut lines: Vec<Line<'static>> = rows
        .map(|(index, row)| line(map, row, index == pane.selected, names, theme))
        .collect();
    if lines.is_empty() {
        let why = match &pane.map {
            None => " the map comes with the first answer",
            Some(_) => " nobody called anybody in this time",
        };
        lines.push(Line::raw(why));
    }
    frame.render_widget(Paragraph::new(lines), list);
    let keys = "Enter slow or failed  e failed  m the list  … whose own calls are elsewhere";
    let said = match (&pane.trouble, pane.row()) {
        (Some(why), _) => Line::styled(cut(&format!("! {why}"), width), theme.bad()),
        (None, Some(row)) => Line::raw(cut(&sentence(map, row), width)),
        (None, None) => Line::default(),
    };
    let keys = Line::styled(cut(&format!(" {keys}"), width), theme.faint());
    frame.render_widget(Paragraph::new(vec![said, keys]), foot);
}

fn line(map: &ServiceMap, row: &Row, here: bool, names: usize, theme: Theme) -> Line<'static> {
    let edge = map.edge(row);
    let mark = if here { "▶" } else { " " };
    let own = match row.own {
        OwnCalls::Here => "",
        OwnCalls::Elsewhere => " …",
    };
    let room = names.saturating_sub(row.branch.chars().count());
    let name = cut(&format!("{}{own}", row.service), room);
    // A store that is called after its system needs no second word.
    let system = edge
        .and_then(|edge| edge.system.as_deref())
        .filter(|system| *system != row.service)
        .map_or(String::new(), |system| format!(" {system}"));
    let rest = room.saturating_sub(name.chars().count());
    let style = if here { theme.strong() } else { Style::new() };
    let mut spans = vec![
        Span::raw(mark),
        Span::styled(cut(&row.branch, names), theme.faint()),
        Span::styled(name, style),
        Span::styled(format!("{:rest$}", cut(&system, rest)), theme.faint()),
    ];
    spans.extend(
        edge.into_iter()
            .flat_map(|edge| figures(edge, style, theme)),
    );
    Line::from(spans)
}

fn figures(edge: &Edge, style: Style, theme: Theme) -> [Span<'static>; 5] {
    let seconds = |seconds: Option<f64>| seconds.map_or("-".to_owned(), millis);
    let calls = rate(edge.calls);
    let failing = if edge.is_failing() {
        theme.bad()
    } else {
        style
    };
    let slow = if edge.is_slow() { theme.warn() } else { style };
    let (words, worst) = match (edge.is_failing(), edge.is_slow()) {
        (true, true) => ("FAILS SLOW", failing),
        (true, false) => ("FAILS", failing),
        (false, true) => ("SLOW", slow),
        (false, false) => ("", style),
    };
    [
        Span::styled(format!(" {calls:>7}"), style),
        Span::styled(format!(" {:>7}", share(edge.share_failed())), failing),
        Span::styled(format!(" {:>8}", seconds(edge.median)), style),
        Span::styled(format!(" {:>8}", seconds(edge.slowest)), slow),
        Span::styled(format!("  {words}"), worst),
    ]
}

/// What the selected row is, in full.
fn sentence(map: &ServiceMap, row: &Row) -> String {
    match map.edge(row) {
        None => format!(" {}: nobody calls it", row.service),
        Some(edge) => format!(
            " {} → {}: {} calls, {} failed",
            edge.caller, edge.callee, edge.calls, edge.failed
        ),
    }
}

/// Calls a second of so many in the time of the map.
fn rate(calls: f64) -> String {
    match calls / WINDOW.as_secs_f64() {
        r if r >= 100.0 => format!("{r:.0}"),
        r => format!("{r:.2}"),
    }
}

/// A share as a percentage; nothing is told apart from little.
fn share(share: f64) -> String {
    match share {
        s if s <= 0.0 => "-".to_owned(),
        s if s < 0.001 => "<0.1 %".to_owned(),
        s if s >= 0.9995 => "100 %".to_owned(),
        s => format!("{:.1} %", s * 100.0),
    }
}

#[cfg(test)]
mod tests {
    use super::share;

    #[test]
    fn no_failure_is_told_apart_from_few() {
        for (value, text) in [
            (0.0, "-"),
            (0.000_4, "<0.1 %"),
            (0.049, "4.9 %"),
            (0.999, "99.9 %"),
            (1.0, "100 %"),
        ] {
            assert_eq!(share(value), text);
        }
    }
}
