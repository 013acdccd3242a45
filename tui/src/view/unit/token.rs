//! The words of a query, PromQL or LogQL.

/// A word of a query; spaces and comments are none.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Token<'a> {
    Number,
    Word(&'a str),
    /// Without its quotes.
    Text(&'a str),
    Sign(&'a str),
}

/// The words of `query`, as far as it can be read.
pub(super) fn tokens(query: &str) -> Vec<Token<'_>> {
    let mut tokens = Vec::new();
    let mut rest = query.trim_start();
    while let Some(first) = rest.chars().next() {
        let (token, length) = match first {
            '#' => (None, rest.find('\n').unwrap_or(rest.len())),
            '"' | '\'' | '`' => {
                let length = quoted(rest, first);
                let inner = rest[1..length].strip_suffix(first);
                (Some(Token::Text(inner.unwrap_or(&rest[1..length]))), length)
            }
            '0'..='9' | '.' => {
                let length = run(rest, |c| c.is_ascii_alphanumeric() || c == '.');
                (Some(Token::Number), length)
            }
            c if c.is_alphabetic() || matches!(c, '_' | ':') => {
                let length = run(rest, |c| c.is_alphanumeric() || matches!(c, '_' | ':'));
                (Some(Token::Word(&rest[..length])), length)
            }
            _ => {
                let pairs = ["==", "!=", ">=", "<=", "=~", "!~"];
                let two = pairs.iter().any(|pair| rest.starts_with(pair));
                let length = if two { 2 } else { first.len_utf8() };
                (Some(Token::Sign(&rest[..length])), length)
            }
        };
        tokens.extend(token);
        rest = rest[length..].trim_start();
    }
    tokens
}

/// How many bytes at the start of `text` are of `kind`.
fn run(text: &str, kind: impl Fn(char) -> bool) -> usize {
    text.find(|c| !kind(c)).unwrap_or(text.len())
}

/// How long the quoted text at the start of `text` is, its quotes included.
fn quoted(text: &str, quote: char) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' if quote != '`' => escaped = true,
            c if c == quote => return at + c.len_utf8(),
            _ => {}
        }
    }
    text.len()
}
