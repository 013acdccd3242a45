//! What surrounds every screen: header, tabs, foot.

use model::{Severity, Verdict};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::text::{Line, Span};

use super::part::{clock, cut, short};
use crate::key;
use crate::state::{Focus, LineFor, Screen, State, Tone, complete};

/// Shop, title, clock; the page and its age.
pub(super) fn header(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let mut spans = vec![
        Span::styled(" shoplab ", theme.accent().patch(theme.strong())),
        Span::raw(format!("{} · ", state.facts.scenario.shop)),
        Span::styled(state.facts.scenario.title.clone(), theme.strong()),
    ];
    let (text, style) = status(state);
    let right = format!("{text}  {} UTC ", clock(state.now));
    let used: usize = spans.iter().map(Span::width).sum();
    let width = usize::from(area.width);
    let room = width.saturating_sub(used + right.chars().count());
    if room == 0 {
        let free = width.saturating_sub(right.chars().count() + 10);
        spans.truncate(1);
        spans.push(Span::raw(cut(&state.facts.scenario.title, free)));
    }
    spans.push(Span::raw(" ".repeat(room.max(1))));
    spans.push(Span::styled(right, style));
    frame.render_widget(Line::from(spans), area);
}

fn status(state: &State) -> (String, ratatui::style::Style) {
    let theme = state.theme;
    match &state.over {
        Some(Verdict::Complete) => return ("■ over".to_owned(), theme.accent()),
        Some(Verdict::Invalid(_)) => return ("■ invalid".to_owned(), theme.bad()),
        Some(Verdict::Interrupted) => return ("■ interrupted".to_owned(), theme.bad()),
        None => {}
    }
    let clocks = state.timeline.clocks();
    if let Some(recovered) = clocks.recovered {
        let since = short(state.now.since(recovered));
        return (format!("✓ recovered {since}"), theme.good());
    }
    let page = state
        .incident
        .firing
        .iter()
        .find(|firing| firing.severity == Severity::Page);
    match (clocks.paged, page) {
        (Some(paged), page) => {
            let name = page.map_or("page", |page| page.alert.as_str());
            let word = if state.acknowledged() {
                "✓ yours"
            } else {
                "‼ PAGE"
            };
            let since = short(state.now.since(paged));
            (format!("{word} {name} {since}"), theme.bad())
        }
        (None, _) if state.steady() => ("● steady".to_owned(), theme.good()),
        (None, _) => ("… getting ready".to_owned(), theme.faint()),
    }
}

/// The screens, the present one marked.
pub(super) fn tabs(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    let short = area.width < 90;
    let spans = Screen::ALL.iter().enumerate().flat_map(|(index, screen)| {
        let here = *screen == state.screen;
        let title = if short && !here {
            cut(screen.title(), 7)
        } else {
            screen.title().to_owned()
        };
        let text = if here {
            format!("▸{} {title}", index + 1)
        } else {
            format!(" {} {title}", index + 1)
        };
        let style = if here {
            theme.selected()
        } else {
            theme.faint()
        };
        [Span::styled(text, style), Span::raw(" ")]
    });
    frame.render_widget(Line::from_iter(spans), area);
}

/// The line being written behind `prompt`, and faint behind it what it may go on
/// with. Answers how many of its characters are out of sight on the left.
pub(super) fn written(
    frame: &mut Frame<'_>,
    area: Rect,
    prompt: &str,
    offer: &str,
    state: &State,
) -> usize {
    // The end of a long line stays in sight.
    let room = usize::from(area.width)
        .saturating_sub(prompt.len() + 1)
        .max(1);
    let skip = state.line.cursor().saturating_sub(room - 1);
    let text: String = state.line.text().chars().skip(skip).take(room).collect();
    let left = room.saturating_sub(text.chars().count());
    let column = prompt.len() + state.line.cursor() - skip;
    let offer = match offer {
        "" => String::new(),
        offer => cut(&format!("   {offer}"), left),
    };
    let spans = [
        Span::styled(prompt, state.theme.accent()),
        Span::raw(text),
        Span::styled(offer, state.theme.faint()),
    ];
    frame.render_widget(Line::from_iter(spans), area);
    frame.set_cursor_position((area.x + column as u16, area.y));
    skip
}

/// A line being written, a toast, or the keys.
pub(super) fn foot(frame: &mut Frame<'_>, area: Rect, state: &State) {
    let theme = state.theme;
    if let Focus::Line(line) = state.focus {
        let offer = match line {
            LineFor::Command => complete(state.line.text(), &state.facts.services).join(" | "),
            _ => String::new(),
        };
        written(frame, area, line.prompt(), &offer, state);
        return;
    }
    let line = match &state.toast {
        Some(toast) => {
            let (sign, style) = match toast.bad {
                Tone::Done => ("✓", theme.good()),
                Tone::Wrong => ("!", theme.bad()),
            };
            Line::styled(format!(" {sign} {}", toast.text), style)
        }
        None => Line::styled(format!(" {}", key::footer(state.screen)), theme.faint()),
    };
    frame.render_widget(line, area);
}
