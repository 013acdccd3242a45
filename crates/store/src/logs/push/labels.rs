//! Labels of a stream that is pushed: as pairs, or written as `{name="value"}`.

use crate::logs::ingest::Fault;
use crate::logs::labels::{Labels, quote};
use crate::logs::logql::string_literal;

/// Labels from pairs, if each name is one.
pub(super) fn checked(pairs: Vec<(String, String)>) -> Result<Labels, Fault> {
    let wrong = pairs
        .iter()
        .find_map(|(name, _)| fault_of(name).map(|(at, c)| (name.len(), at, c)));
    if wrong.is_none() {
        return Ok(Labels::new(pairs));
    }
    let texts: Vec<String> = pairs
        .iter()
        .map(|(name, value)| format!("{name}={}", quote(value)))
        .collect();
    // The place is told as it is in the text.
    read(&format!("{{{}}}", texts.join(", ")))
}

/// Where a name has a character that names may not have.
fn fault_of(name: &str) -> Option<(usize, char)> {
    if name.is_empty() {
        return Some((0, '='));
    }
    name.char_indices()
        .find(|(at, c)| !(c.is_ascii_alphabetic() || *c == '_' || (*at > 0 && c.is_ascii_digit())))
}

/// Labels from their text, as Prometheus writes them.
pub(super) fn read(text: &str) -> Result<Labels, Fault> {
    pairs(text).map(Labels::new).map_err(|(at, message)| {
        let place = text[..at].chars().count() + 1;
        let error = format!("1:{place}: parse error: {message}");
        Fault::BadLabels(text.to_owned(), error)
    })
}

type Wrong = (usize, String);

fn pairs(text: &str) -> Result<Vec<(String, String)>, Wrong> {
    let inside = |c: char| format!("unexpected character inside braces: {c:?}");
    let mut at = skip(text, 0);
    if !text[at..].starts_with('{') {
        return Err((at, "unexpected end of input".to_owned()));
    }
    at = skip(text, at + 1);
    let mut out = Vec::new();
    while !text[at..].starts_with('}') {
        let rest = &text[at..];
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let name = &rest[..end];
        if let Some((offset, c)) = fault_of(name) {
            let c = rest[offset..].chars().next().unwrap_or(c);
            return Err(match c {
                '=' => (
                    at,
                    "unexpected \"=\" in label set, expected identifier or \"}\"".to_owned(),
                ),
                _ if rest.is_empty() => (at, "unexpected end of input inside braces".to_owned()),
                _ => (at + offset, inside(c)),
            });
        }
        at = skip(text, at + end);
        match text[at..].chars().next() {
            Some('=') => at = skip(text, at + 1),
            Some(c) => return Err((at, inside(c))),
            None => return Err((at, "unexpected end of input inside braces".to_owned())),
        }
        let (value, len) = string_literal(&text[at..])
            .filter(|_| text[at..].starts_with(['"', '`']))
            .ok_or_else(|| (at, "unterminated quoted string".to_owned()))?;
        out.push((name.to_owned(), value));
        at = skip(text, at + len);
        if text[at..].starts_with(',') {
            at = skip(text, at + 1);
        } else if !text[at..].starts_with('}') {
            return Err((at, "unexpected end of input inside braces".to_owned()));
        }
    }
    Ok(out)
}

fn skip(text: &str, at: usize) -> usize {
    text.len() - text[at..].trim_start().len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn labels_are_read_or_refused_with_their_place() {
        for (text, result) in [
            ("{app=\"a\", b=\"c\\\"\"}", Ok("{app=\"a\", b=\"c\\\"\"}")),
            (" { } ", Ok("{}")),
            ("{a=\"1\",}", Ok("{a=\"1\"}")),
            (
                "{a-b=\"x\"}",
                Err(
                    "error parsing labels '{a-b=\"x\"}' with error: 1:3: parse error: unexpected character inside braces: '-'",
                ),
            ),
            (
                "{1a=\"x\"}",
                Err(
                    "error parsing labels '{1a=\"x\"}' with error: 1:2: parse error: unexpected character inside braces: '1'",
                ),
            ),
            (
                "{a=\"x",
                Err(
                    "error parsing labels '{a=\"x' with error: 1:4: parse error: unterminated quoted string",
                ),
            ),
        ] {
            let read = read(text).map(|l| l.to_string()).map_err(|e| e.to_string());
            let wanted = result.map(str::to_owned).map_err(str::to_owned);
            assert_eq!(read, wanted, "{text}");
        }
        assert!(checked(vec![("a.b".to_owned(), "x".to_owned())]).is_err());
    }
}
