//! A line of text with a cursor and a history.

/// A line that is being written.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Input {
    text: String,
    /// In characters.
    cursor: usize,
}

impl Input {
    /// A line that holds `text`, the cursor behind it.
    pub(crate) fn holding(text: impl Into<String>) -> Self {
        let text = text.into();
        let cursor = text.chars().count();
        Self { text, cursor }
    }

    pub(crate) fn text(&self) -> &str {
        &self.text
    }

    /// The cursor's place, in characters.
    pub(crate) fn cursor(&self) -> usize {
        self.cursor
    }

    pub(crate) fn insert(&mut self, text: &str) {
        let at = self.byte(self.cursor);
        let clean: String = text.chars().filter(|c| !c.is_control()).collect();
        self.text.insert_str(at, &clean);
        self.cursor += clean.chars().count();
    }

    pub(crate) fn backspace(&mut self) {
        if self.cursor > 0 {
            self.cursor -= 1;
            let at = self.byte(self.cursor);
            self.text.remove(at);
        }
    }

    pub(crate) fn delete(&mut self) {
        let at = self.byte(self.cursor);
        if at < self.text.len() {
            self.text.remove(at);
        }
    }

    /// Deletes back to the start of the word.
    pub(crate) fn delete_word(&mut self) {
        let before: Vec<char> = self.text.chars().take(self.cursor).collect();
        let spaces = before
            .iter()
            .rev()
            .take_while(|c| c.is_whitespace())
            .count();
        let letters = before
            .iter()
            .rev()
            .skip(spaces)
            .take_while(|c| !c.is_whitespace())
            .count();
        for _ in 0..spaces + letters {
            self.backspace();
        }
    }

    pub(crate) fn clear(&mut self) {
        *self = Self::default();
    }

    pub(crate) fn left(&mut self) {
        self.cursor = self.cursor.saturating_sub(1);
    }

    pub(crate) fn right(&mut self) {
        self.cursor = (self.cursor + 1).min(self.text.chars().count());
    }

    pub(crate) fn home(&mut self) {
        self.cursor = 0;
    }

    pub(crate) fn end(&mut self) {
        self.cursor = self.text.chars().count();
    }

    /// The line with `text` in place of `range` (in characters), the cursor behind it.
    pub(crate) fn replaced(&self, range: std::ops::Range<usize>, text: &str) -> Self {
        let (from, to) = (self.byte(range.start), self.byte(range.end));
        Self {
            text: format!("{}{text}{}", &self.text[..from], &self.text[to..]),
            cursor: range.start + text.chars().count(),
        }
    }

    fn byte(&self, index: usize) -> usize {
        self.text
            .char_indices()
            .nth(index)
            .map_or(self.text.len(), |(at, _)| at)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_is_edited_where_the_cursor_stands() {
        let mut line = Input::holding("rate(üp)");
        line.left();
        line.insert("[5s]");
        assert_eq!(line.text(), "rate(üp[5s])");
        line.home();
        line.delete();
        line.right();
        line.backspace();
        assert_eq!(line.text(), "te(üp[5s])");
        line.end();
        line.insert(" by x\n");
        line.delete_word();
        assert_eq!((line.text(), line.cursor()), ("te(üp[5s]) by ", 14));
    }
}
