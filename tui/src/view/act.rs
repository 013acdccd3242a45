//! Runbook commands, chosen from lists.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::part::{framed, window};
use crate::state::{KINDS, State};

/// ```text
/// ┌ services ─┐┌ what to do ───────────┐
/// │           │├ the same by kubectl ──┤
/// └───────────┘└───────────────────────┘
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let [left, right] =
        Layout::horizontal([Constraint::Length(32), Constraint::Fill(1)]).areas(area);
    let [kinds, line] = Layout::vertical([
        Constraint::Length(KINDS.len() as u16 + 2),
        Constraint::Fill(1),
    ])
    .areas(right);
    let height = usize::from(left.height.saturating_sub(2));
    let from = window(state.act.service, state.facts.services.len(), height);
    let services = state
        .facts
        .services
        .iter()
        .enumerate()
        .skip(from)
        .take(height);
    let services = services.map(|(index, service)| {
        let here = index == state.act.service;
        let mark = if here { "▶ " } else { "  " };
        let replicas = state.replicas(service);
        let style = if here {
            theme.selected()
        } else {
            ratatui::style::Style::new()
        };
        Line::styled(format!("{mark}{service:16} {replicas:>2} pod(s)"), style)
    });
    let list = Paragraph::new(Vec::from_iter(services)).block(framed("service", theme));
    frame.render_widget(list, left);
    let rows = KINDS.iter().enumerate().map(|(index, kind)| {
        let here = index == state.act.kind;
        let mark = if here { "▶ " } else { "  " };
        let style = if here {
            theme.selected()
        } else {
            ratatui::style::Style::new()
        };
        Line::styled(format!("{mark}{}", kind.title()), style)
    });
    frame.render_widget(
        Paragraph::new(Vec::from_iter(rows)).block(framed("what to do (h l)", theme)),
        kinds,
    );
    let mut text = Vec::new();
    if let Some(action) = state.chosen_action() {
        let command = action.kubectl(state.facts.scenario.shop.as_str());
        text.push(Line::from(vec![
            Span::styled("$ ", theme.faint()),
            Span::raw(command),
        ]));
        text.push(Line::default());
        text.push(Line::raw(state.blast_radius(&action)));
    }
    let text = Paragraph::new(text)
        .wrap(Wrap { trim: false })
        .block(framed("the same by kubectl", theme));
    frame.render_widget(text, line);
}
