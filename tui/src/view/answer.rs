//! The answer form.

use model::FailureMode;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};
use ratatui::widgets::{Paragraph, Wrap};

use super::part::framed;
use crate::state::{Field, State};

/// Four fields, each changed with h and l.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let mut lines = vec![
        Line::styled(
            "What is wrong? The last answer before the end counts.",
            theme.faint(),
        ),
        Line::default(),
    ];
    for (index, field) in Field::ALL.into_iter().enumerate() {
        let here = index == state.answer.field;
        let (name, value, note) = shown(state, field);
        let mark = if here { "▶ " } else { "  " };
        let style = if here {
            theme.selected()
        } else {
            theme.strong()
        };
        lines.push(Line::from(vec![
            Span::raw(format!("{mark}{name:14}")),
            Span::raw("‹ "),
            Span::styled(value, style),
            Span::raw(" ›  "),
            Span::styled(note, theme.faint()),
        ]));
        lines.push(Line::default());
    }
    lines.push(Line::styled(
        "  Enter submits · R resolves when the shop has recovered",
        theme.faint(),
    ));
    if let Some(diagnosis) = &state.answer.submitted {
        let cause = diagnosis
            .cause
            .as_ref()
            .map_or("nothing is wrong", |cause| cause.as_str());
        lines.push(Line::default());
        lines.push(Line::styled(
            format!("  ✓ submitted: {cause}, {}", diagnosis.mode),
            theme.good(),
        ));
    }
    let form = Paragraph::new(lines)
        .wrap(Wrap { trim: false })
        .block(framed("your answer", theme));
    frame.render_widget(form, area);
}

/// A field's name, its value and what the value means.
fn shown(state: &State, field: Field) -> (&'static str, String, String) {
    let form = &state.answer;
    match field {
        Field::Cause => {
            let cause = form.causes.get(form.cause).cloned().flatten();
            let value = cause.map_or("none".to_owned(), |cause| cause.to_string());
            (
                "cause",
                value,
                "the service at fault; none if nothing is wrong".to_owned(),
            )
        }
        Field::Mode => {
            let mode = FailureMode::ALL[form.mode];
            ("failure mode", mode.to_string(), mode.meaning().to_owned())
        }
        Field::Impact => {
            let id = form.impacts.get(form.impact).cloned().flatten();
            let row = id
                .as_ref()
                .and_then(|id| state.facts.rows.iter().find(|row| row.id == *id));
            let (value, note) = row.map_or(
                (
                    "none".to_owned(),
                    "customers notice nothing of the matrix".to_owned(),
                ),
                |row| (row.impact.clone(), format!("they see: {}", row.experience)),
            );
            ("impact", value, note)
        }
        Field::Severity => {
            let (value, note) = match form.severity() {
                model::Severity::Info => ("info", "worth knowing"),
                model::Severity::Ticket => ("ticket", "wants attention in working hours"),
                model::Severity::Page => ("page", "worth waking somebody"),
            };
            ("severity", value.to_owned(), note.to_owned())
        }
    }
}
