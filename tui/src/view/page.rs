//! A text about something in the cluster, with what is sought marked.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::Style;
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use super::part::{cut, framed, window};
use crate::state::{Follow, Page, State};
use crate::theme::Theme;

/// The page, the marked line in sight; under it the line of a shell that shows the same.
pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, page: &Page, state: &State) {
    let theme = state.theme;
    let height = usize::from(area.height.saturating_sub(2));
    let width = usize::from(area.width.saturating_sub(2));
    let from = window(page.at, page.lines.len(), height);
    let rows = page.lines.iter().enumerate().skip(from).take(height);
    let rows = rows.map(|(index, text)| {
        let here = index == page.at;
        let style = if here { theme.strong() } else { Style::new() };
        let text: String = text.chars().skip(page.shift).collect();
        let text = cut(&text, width.saturating_sub(1));
        let mut spans = vec![Span::raw(if here { "▶" } else { " " })];
        spans.extend(marked(&text, &page.sought, style, theme));
        Line::from(spans)
    });
    let mut title = page.source.title();
    if page.follow == Follow::On {
        title.push_str(" · following");
    }
    if !page.sought.is_empty() {
        title.push_str(&format!(" · {}", found(page)));
    }
    title.push_str(" · Esc goes back");
    let shell = page.source.kubectl(state.facts.scenario.shop.as_str());
    let block = framed(cut(&title, width.saturating_sub(2)), theme)
        .title_bottom(cut(&format!(" {shell} "), width));
    frame.render_widget(Paragraph::new(Vec::from_iter(rows)).block(block), area);
}

/// Which of the lines that were found is marked.
fn found(page: &Page) -> String {
    let hits = page.hits();
    let sought = &page.sought;
    match hits.iter().position(|hit| *hit == page.at) {
        Some(index) => format!("{sought:?}: line {} of {}", index + 1, hits.len()),
        None if hits.is_empty() => format!("{sought:?}: no line"),
        None => format!("{sought:?}: {} line(s)", hits.len()),
    }
}

/// `text` with every place marked that has `sought`, in whichever case.
fn marked(text: &str, sought: &str, style: Style, theme: Theme) -> Vec<Span<'static>> {
    let plain = |text: &[char]| Span::styled(String::from_iter(text), style);
    let letters: Vec<char> = text.chars().collect();
    let lower = |letter: &char| letter.to_lowercase().next().unwrap_or(*letter);
    let wanted: Vec<char> = sought.chars().map(|letter| lower(&letter)).collect();
    if wanted.is_empty() {
        return vec![plain(&letters)];
    }
    let folded: Vec<char> = letters.iter().map(lower).collect();
    let (mut spans, mut at, mut from) = (Vec::new(), 0, 0);
    while at + wanted.len() <= folded.len() {
        let end = at + wanted.len();
        if folded[at..end] != wanted {
            at += 1;
            continue;
        }
        spans.push(plain(&letters[from..at]));
        spans.push(theme.sought(&String::from_iter(&letters[at..end])));
        (at, from) = (end, end);
    }
    spans.push(plain(&letters[from..]));
    spans
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sought_is_marked_wherever_it_stands() {
        for (text, sought, seen) in [
            ("no Error, an error", "error", "no [Error], an [error]"),
            ("aaa", "aa", "[aa]a"),
            ("für ÜBER", "über", "für [ÜBER]"),
            ("short", "much longer", "short"),
            ("as it is", "", "as it is"),
        ] {
            let spans = marked(text, sought, Style::new(), Theme::Plain);
            let all: String = spans.iter().map(|span| span.content.as_ref()).collect();
            assert_eq!(all, seen);
        }
    }
}
