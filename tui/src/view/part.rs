//! Small parts that several screens draw.

use model::Timestamp;
use ratatui::widgets::Block;

use crate::theme::Theme;
pub(super) use crate::words::{clock, short};

/// A framed part with a title.
pub(super) fn framed(title: impl Into<String>, theme: Theme) -> Block<'static> {
    Block::bordered()
        .border_style(theme.faint())
        .title(format!(" {} ", title.into()))
}

/// How long ago `at` was.
pub(super) fn ago(now: Timestamp, at: Timestamp) -> String {
    format!("{} ago", short(now.since(at)))
}

/// `values` as a row of bars, the largest at full height; gaps as dots.
pub(super) fn sparkline(values: impl Iterator<Item = Option<f64>>, largest: f64) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    values
        .map(|value| match value {
            None => '·',
            Some(value) => {
                let share = (value / largest.max(1e-9)).clamp(0.0, 1.0);
                BARS[((share * 7.0).round() as usize).min(7)]
            }
        })
        .collect()
}

/// The first of `rows` to show, so that `selected` is among `height` rows.
pub(super) fn window(selected: usize, rows: usize, height: usize) -> usize {
    let most = rows.saturating_sub(height);
    selected.saturating_sub(height / 2).min(most)
}

/// `text` cut to `width` characters, with a sign that it was.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    let mut cut: String = text.chars().take(width.saturating_sub(1)).collect();
    cut.push('…');
    cut
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_keeps_the_selected_row_in_sight() {
        for (selected, rows, height, first) in [(0, 5, 10, 0), (9, 20, 10, 4), (19, 20, 10, 10)] {
            assert_eq!(window(selected, rows, height), first);
        }
    }
}
