//! The debrief: the grade with its reasons, and the whole story.

use model::{Happening, Verdict};
use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::part::{clock, framed};
use crate::state::State;
use crate::story;

/// ```text
/// ┌ grade ───┐┌ what happened, what was done ─┐
/// └──────────┘└───────────────────────────────┘
/// ```
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let Some(verdict) = &state.over else {
        let text = "The debrief comes when the drill is over: resolve the incident (R), or wait for its time limit.";
        let text = Paragraph::new(text)
            .wrap(Wrap { trim: true })
            .block(framed("debrief", theme));
        frame.render_widget(text, area);
        return;
    };
    let [left, right] =
        Layout::horizontal([Constraint::Percentage(50), Constraint::Fill(1)]).areas(area);
    grade(frame, left, state, verdict);
    whole_story(frame, right, state);
}

fn grade(frame: &mut Frame<'_>, area: Rect, state: &State, verdict: &Verdict) {
    let theme = state.theme;
    let mut lines = Vec::new();
    match (&state.grade, verdict) {
        (Some(grade), _) => {
            let (word, style) = if grade.passed {
                ("✓ passed", theme.good())
            } else {
                ("✗ not passed", theme.bad())
            };
            lines.push(Line::from(vec![
                Span::styled(format!("{:.1} of 100 ", grade.total), theme.strong()),
                Span::styled(format!("{word} ({} needed)", grade.pass_mark), style),
            ]));
            lines.push(Line::default());
            for score in &grade.scores {
                let name = score.criterion.name();
                lines.push(Line::from(vec![
                    Span::styled(
                        format!("{name:11} {:>4.1}/{:<2} ", score.points, score.of),
                        theme.strong(),
                    ),
                    Span::raw(score.reason.clone()),
                ]));
            }
            for deduction in &grade.deductions {
                lines.push(Line::styled(
                    format!(
                        "taken      {:>5.1}    {}",
                        -deduction.points, deduction.reason
                    ),
                    theme.bad(),
                ));
            }
            if let Some((cap, reason)) = &grade.cap {
                lines.push(Line::styled(
                    format!("at most    {cap:>5}    {reason}"),
                    theme.bad(),
                ));
            }
        }
        (None, verdict) => {
            let style = match verdict {
                Verdict::Invalid(_) => theme.bad(),
                Verdict::Complete | Verdict::Interrupted => ratatui::style::Style::new(),
            };
            let mut rows = story::ungraded(verdict).into_iter();
            lines.extend(rows.next().map(|row| Line::styled(row, style)));
            lines.extend(rows.map(Line::raw));
        }
    }
    lines.push(Line::default());
    lines.extend(right_answer(state));
    lines.extend(clocks(state));
    let text = Paragraph::new(lines)
        .wrap(Wrap { trim: false })
        .block(framed("grade", theme));
    frame.render_widget(text, area);
}

fn right_answer(state: &State) -> Vec<Line<'static>> {
    let theme = state.theme;
    let rows = story::right_answer(&state.facts.scenario).into_iter();
    let lines = rows.enumerate().map(|(index, (label, text))| {
        let text = if index == 0 {
            Span::styled(text, theme.strong())
        } else {
            Span::raw(text)
        };
        Line::from(vec![
            Span::styled(format!("{label:12}"), theme.faint()),
            text,
        ])
    });
    lines.collect()
}

fn clocks(state: &State) -> Vec<Line<'static>> {
    let theme = state.theme;
    let mut lines = vec![Line::default()];
    for (name, text) in story::clock_rows(&state.timeline) {
        lines.push(Line::from(vec![
            Span::styled(format!("{name:14}"), theme.faint()),
            Span::raw(text),
        ]));
    }
    let cost = story::cost(&state.timeline);
    lines.extend(cost.map(|cost| Line::raw(cost.to_string())));
    lines
}

fn whole_story(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let height = usize::from(area.height.saturating_sub(2));
    let mut events = story::told(state.timeline.events());
    events.sort_by_key(|event| (event.at, event.seq));
    let last = events.len().saturating_sub(height);
    let lines = events
        .into_iter()
        .skip(state.debrief_scroll.min(last))
        .take(height)
        .map(|event| {
            let style = match &event.what {
                Happening::FaultInjected { .. } | Happening::FaultUndone { .. } => theme.bad(),
                Happening::AlertFired { .. } => theme.warn(),
                Happening::Responded { .. } => theme.accent(),
                Happening::Recovered => theme.good(),
                _ => theme.faint(),
            };
            Line::from(vec![
                Span::styled(
                    format!("{:>3} {} ", event.seq, clock(event.at)),
                    theme.faint(),
                ),
                Span::styled(story::event_text(&event.what), style),
            ])
        });
    let text = Paragraph::new(Vec::from_iter(lines)).block(framed("the whole story (j k)", theme));
    frame.render_widget(text, area);
}
