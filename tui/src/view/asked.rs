//! The query line above an answer, and what went wrong with it.

use engine::QueryAnswer;
use ratatui::text::{Line, Span};

use super::part::cut;
use crate::state::{Asking, Reply};
use crate::theme::Theme;

/// The query, its title, how far its answer is, and an error under it.
pub(super) fn lines(
    asking: &Asking<QueryAnswer>,
    language: &str,
    width: u16,
    theme: Theme,
) -> Vec<Line<'static>> {
    let width = usize::from(width);
    let title = asking
        .title()
        .map_or(String::new(), |title| format!("{title}: "));
    let room = width.saturating_sub(language.len() + title.chars().count() + 4);
    let mut first = vec![
        Span::styled(format!("{language} "), theme.accent()),
        Span::styled(title, theme.faint()),
        Span::raw(cut(&asking.query, room)),
    ];
    if asking.waiting > 0 {
        first.push(Span::styled(" …", theme.warn()));
    }
    let mut lines = vec![Line::from(first)];
    lines.push(match &asking.reply {
        Reply::Failed(why, kept) => {
            let note = if kept.is_some() {
                " (below: the last answer)"
            } else {
                ""
            };
            Line::styled(cut(&format!("! {why}{note}"), width), theme.bad())
        }
        Reply::Nothing if asking.waiting == 0 => Line::styled(
            "r asks, i writes another, n and p take ready-made ones",
            theme.faint(),
        ),
        Reply::Nothing | Reply::Data(_) => Line::default(),
    });
    lines
}
