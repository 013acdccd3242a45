//! Questions and help over the screen.

use ratatui::Frame;
use ratatui::layout::{Constraint, Flex, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Clear, Paragraph, Wrap};

use crate::key::{self, Binding};
use crate::state::{Focus, State};

/// Draws what has the focus, if it is a dialog.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let (title, lines) = match &state.focus {
        Focus::Screen | Focus::Line(_) => return,
        Focus::Confirm(action) => (
            "change the shop?",
            vec![
                Line::styled(action.to_string(), theme.strong()),
                Line::default(),
                Line::raw(state.blast_radius(action)),
                Line::default(),
                Line::styled(
                    action.kubectl(state.facts.scenario.shop.as_str()),
                    theme.faint(),
                ),
                Line::default(),
                yes_no(),
            ],
        ),
        Focus::ConfirmResolve => (
            "resolve?",
            vec![
                Line::raw("Say that the incident is over. Your last diagnosis counts."),
                Line::raw("The drill ends as soon as the shop has held its SLOs for a while."),
                Line::default(),
                yes_no(),
            ],
        ),
        Focus::ConfirmLeave => (
            "leave?",
            vec![
                Line::raw("The drill ends without a grade; everything is undone and stopped."),
                Line::default(),
                yes_no(),
            ],
        ),
        Focus::Help => ("help · any key closes", help(state)),
    };
    let width = 76.min(area.width.saturating_sub(2));
    let height = (lines.len() as u16 + 2).min(area.height);
    let [column] = Layout::horizontal([Constraint::Length(width)])
        .flex(Flex::Center)
        .areas(area);
    let [place] = Layout::vertical([Constraint::Length(height)])
        .flex(Flex::Center)
        .areas(column);
    frame.render_widget(Clear, place);
    let block = Block::bordered()
        .border_style(theme.accent())
        .title(format!(" {title} "));
    frame.render_widget(
        Paragraph::new(lines)
            .wrap(Wrap { trim: false })
            .block(block),
        place,
    );
}

fn yes_no() -> Line<'static> {
    Line::raw("y or Enter: yes      n or Esc: no")
}

fn help(state: &State) -> Vec<Line<'static>> {
    let theme = state.theme;
    let row = |binding: &Binding| {
        Line::from(vec![
            Span::styled(format!(" {:20}", binding.keys), theme.accent()),
            Span::raw(binding.does),
        ])
    };
    let mut lines: Vec<Line<'static>> = key::EVERYWHERE.iter().map(row).collect();
    let own = key::of_screen(state.screen);
    if !own.is_empty() {
        lines.push(Line::styled(
            format!(" on {}", state.screen.title()),
            theme.strong(),
        ));
        lines.extend(own.iter().map(row));
    }
    lines
}
