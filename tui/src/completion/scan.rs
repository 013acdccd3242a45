//! A query in pieces, as far as it is written.

use super::Language;

/// A piece of a query.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Piece<'a> {
    pub(super) kind: Shape,
    pub(super) text: &'a str,
    /// Where it begins, in bytes.
    pub(super) from: usize,
}

/// What a piece is made of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// A name or a word of the language.
    Word,
    /// A number or a length of time.
    Number,
    /// A text in quotes.
    Text,
    /// A text whose quotes are still open, or a comment.
    Open(char),
    /// A bracket, an operator.
    Sign,
}

/// Signs of two characters, in all three languages.
const LONG: [&str; 14] = [
    "|=", "|~", "|>", "!=", "!~", "!>", "=~", "==", ">=", "<=", "&&", "||", ">>", "<<",
];

/// Whether `c` can stand in a word of `language`.
pub(super) fn in_word(language: Language, c: char) -> bool {
    match language {
        Language::PromQl => c.is_alphanumeric() || matches!(c, '_' | ':'),
        Language::LogQl => c.is_alphanumeric() || c == '_',
        // Names of attributes have nearly everything in them.
        Language::TraceQl => !c.is_whitespace() && !"{}()=~!<>&|^,\"`".contains(c),
    }
}

/// What stands at the cursor, and what before it.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    /// What stands before it.
    pub(super) pieces: Vec<Piece<'a>>,
    pub(super) at: At<'a>,
    /// Where what stands at it begins, in bytes.
    pub(super) from: usize,
}

/// What stands at the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum At<'a> {
    /// A word that is being written.
    Word(&'a str),
    /// A text in this quote, or a comment behind `#`.
    Open(char, &'a str),
    /// A space, or the begin of the query.
    Space,
    /// A sign or a quote, to which a word would stick.
    Sign,
}

impl<'a> Cursor<'a> {
    /// The cursor at the end of `before`.
    pub(super) fn behind(language: Language, before: &'a str) -> Self {
        let mut pieces = scan(language, before);
        let touching = |last: &mut Piece<'_>| {
            last.from + last.text.len() == before.len()
                && matches!(last.kind, Shape::Word | Shape::Number | Shape::Open(_))
        };
        let (at, from) = match pieces.pop_if(touching) {
            Some(Piece {
                kind: Shape::Open(quote),
                text,
                from,
            }) => (At::Open(quote, text), from),
            Some(word) => (At::Word(word.text), word.from),
            None if before.is_empty() || before.ends_with(char::is_whitespace) => {
                (At::Space, before.len())
            }
            None => (At::Sign, before.len()),
        };
        Self { pieces, at, from }
    }

    /// The word that is being written; empty where none is.
    pub(super) fn word(&self) -> &'a str {
        match self.at {
            At::Word(word) => word,
            _ => "",
        }
    }
}

/// Splits what is written.
fn scan(language: Language, text: &str) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let mut at = 0;
    while let Some(first) = text[at..].chars().next() {
        let rest = &text[at..];
        let (kind, length) = match first {
            c if c.is_whitespace() => {
                at += c.len_utf8();
                continue;
            }
            '"' | '`' => quoted(rest, first),
            '\'' if language == Language::PromQl => quoted(rest, first),
            '#' if language != Language::TraceQl => (Shape::Open('#'), rest.len()),
            c if in_word(language, c) => {
                let kind = if c.is_ascii_digit() {
                    Shape::Number
                } else {
                    Shape::Word
                };
                let point = |c| kind == Shape::Number && c == '.';
                let end = rest.find(|c| !in_word(language, c) && !point(c));
                (kind, end.unwrap_or(rest.len()))
            }
            c => {
                let long = LONG.iter().any(|sign| rest.starts_with(sign));
                (Shape::Sign, if long { 2 } else { c.len_utf8() })
            }
        };
        pieces.push(Piece {
            kind,
            text: &rest[..length],
            from: at,
        });
        at += length;
    }
    pieces
}

/// The text in quotes at the start of `rest`, and its length with them.
fn quoted(rest: &str, quote: char) -> (Shape, usize) {
    let mut escaped = false;
    for (at, c) in rest.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            // Between backticks nothing is escaped.
            '\\' if quote != '`' => escaped = true,
            c if c == quote => return (Shape::Text, at + 1),
            _ => {}
        }
    }
    (Shape::Open(quote), rest.len())
}
