//! The incident: briefing, what pages, SLOs, what customers see.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::part::{ago, clock, cut, framed, sparkline};
use crate::state::State;
use crate::story::event_text;
use crate::update::shown_during_drill;
use crate::words::paragraphs;

/// ```text
/// ┌ briefing ──────┐┌ SLOs ───────────────┐
/// ├ alerts ────────┤├ customers' view ────┤
/// └ what happened ─┘└─────────────────────┘
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(48), Constraint::Fill(1)]).areas(area);
    let [brief, alerts, story] = Layout::vertical([
        Constraint::Length(11),
        Constraint::Fill(1),
        Constraint::Fill(1),
    ])
    .areas(left);
    let slos_height = (state.incident.slos.len() as u16) * 2 + 2;
    let [slos, customers] =
        Layout::vertical([Constraint::Length(slos_height), Constraint::Fill(1)]).areas(right);
    briefing(frame, brief, state);
    firing(frame, alerts, state);
    happened(frame, story, state);
    measured(frame, slos, state);
    complaints(frame, customers, state);
}

fn briefing(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let briefing = &state.facts.scenario.briefing;
    let mut lines: Vec<Line<'_>> = paragraphs(briefing).map(Line::from).collect();
    for (label, address) in &state.facts.addresses {
        lines.push(Line::from(vec![
            Span::styled(format!("{label}: "), theme.faint()),
            Span::raw(address.clone()),
        ]));
    }
    let text = Paragraph::new(lines)
        .wrap(Wrap { trim: true })
        .block(framed("briefing", theme));
    frame.render_widget(text, area);
}

fn firing(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let width = usize::from(area.width.saturating_sub(2));
    let mut lines = Vec::new();
    for alert in &state.incident.firing {
        let sign = match alert.severity {
            model::Severity::Page => "‼ page  ",
            model::Severity::Ticket => "! ticket",
            model::Severity::Info => "· trend ",
        };
        lines.push(Line::from(vec![
            Span::styled(
                format!("{sign} {}", alert.alert),
                theme.severity(alert.severity),
            ),
            Span::styled(format!("  {}", ago(state.now, alert.since)), theme.faint()),
        ]));
        lines.push(Line::raw(cut(&format!("  {}", alert.summary), width)));
        lines.push(Line::styled(
            cut(&format!("  {}", alert.runbook), width),
            theme.faint(),
        ));
    }
    if lines.is_empty() {
        lines.push(Line::styled("no alert fires", theme.faint()));
    }
    frame.render_widget(Paragraph::new(lines).block(framed("alerts", theme)), area);
}

fn happened(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let height = usize::from(area.height.saturating_sub(2));
    let width = usize::from(area.width.saturating_sub(12));
    let lines = state
        .timeline
        .events()
        .iter()
        .rev()
        .filter(|event| shown_during_drill(&event.what))
        .take(height)
        .map(|event| {
            Line::from(vec![
                Span::styled(format!("{} ", clock(event.at)), theme.faint()),
                Span::raw(cut(&event_text(&event.what), width)),
            ])
        });
    let text = Paragraph::new(Vec::from_iter(lines)).block(framed("what happened", theme));
    frame.render_widget(text, area);
}

fn measured(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let width = usize::from(area.width.saturating_sub(4));
    let mut lines = Vec::new();
    for slo in &state.incident.slos {
        let (sign, style, value) = match slo.now() {
            None => ("…", theme.faint(), "–".to_owned()),
            Some((None, _)) => ("✗", theme.bad(), "no data".to_owned()),
            Some((Some(value), true)) => ("✓", theme.good(), slo.check.bound.show(value)),
            Some((Some(value), false)) => ("✗", theme.bad(), slo.check.bound.show(value)),
        };
        lines.push(Line::from(vec![
            Span::styled(format!("{sign} {value:>7} "), style),
            Span::raw(cut(&slo.check.title, width.saturating_sub(10))),
        ]));
        let largest = slo.values.iter().flatten().fold(1e-9_f64, |a, b| a.max(*b));
        let skip = slo.values.len().saturating_sub(width.saturating_sub(10));
        let bars = sparkline(slo.values.iter().skip(skip).copied(), largest);
        lines.push(Line::styled(format!("          {bars}"), style));
    }
    frame.render_widget(Paragraph::new(lines).block(framed("SLOs", theme)), area);
}

fn complaints(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let width = usize::from(area.width.saturating_sub(2));
    let height = usize::from(area.height.saturating_sub(2));
    let mut lines = Vec::new();
    if let Some(trouble) = &state.incident.trouble {
        lines.push(Line::styled(format!("! {trouble}"), theme.bad()));
    }
    for complaint in state.incident.complaints.iter().take(height) {
        let text = format!("{:22} {}", complaint.step, complaint.seen);
        lines.push(Line::from(vec![
            Span::styled(format!("{} ", clock(complaint.at)), theme.faint()),
            Span::raw(cut(&text, width.saturating_sub(9))),
        ]));
    }
    if lines.is_empty() {
        let text = if state.steady() {
            "everybody is happy"
        } else {
            "the shop is getting ready"
        };
        lines.push(Line::styled(text, theme.faint()));
    }
    let title = "what customers see (last two minutes)";
    frame.render_widget(Paragraph::new(lines).block(framed(title, theme)), area);
}
