//! Matchers as routes, silences and filters write them: `severity="page"`, `{job=~"a|b"}`
//! (<https://prometheus.io/docs/alerting/latest/configuration/#matcher>).

use crate::metrics::{MatchOp, Matcher};

/// One matcher: a label's name, an operator, and a value with or without quotes.
///
/// # Errors
/// Alertmanager's message when it is none.
pub(super) fn parse(text: &str) -> Result<Matcher, String> {
    let bad = || format!("bad matcher format: {text}");
    let (name, rest) = name(text.trim_start()).ok_or_else(bad)?;
    let rest = rest.trim_start();
    let (op, rest) = operator(rest).ok_or_else(bad)?;
    let value = unquote(rest.trim())?;
    Matcher::new(&name, op, &value)
}

/// Matchers between optional braces, separated by commas outside of quotes.
///
/// # Errors
/// The message of the first that is none.
pub(super) fn parse_list(text: &str) -> Result<Vec<Matcher>, String> {
    let text = text.trim();
    let text = text.strip_prefix('{').unwrap_or(text);
    let text = text.strip_suffix('}').unwrap_or(text);
    let mut parts = vec![String::new()];
    let (mut quoted, mut escaped) = (false, false);
    for c in text.chars() {
        match c {
            ',' if !quoted => {
                parts.push(String::new());
                continue;
            }
            '"' if !escaped => quoted = !quoted,
            _ => {}
        }
        escaped = c == '\\' && !escaped;
        if let Some(last) = parts.last_mut() {
            last.push(c);
        }
    }
    if parts.last().is_some_and(|last| last.trim().is_empty()) {
        parts.pop();
    }
    parts.iter().map(|part| parse(part)).collect()
}

/// All matchers accept the labels that `get` tells; an absent label is empty.
#[must_use]
pub(super) fn all_match(matchers: &[Matcher], labels: &crate::metrics::Labels) -> bool {
    matchers.iter().all(|m| m.matches(labels))
}

/// Whether two matchers say the same.
#[must_use]
pub(super) fn same(a: &Matcher, b: &Matcher) -> bool {
    (a.name.as_str(), a.op, a.value.as_str()) == (b.name.as_str(), b.op, b.value.as_str())
}

/// `{a="b",c=~"d"}`, as keys of groups contain it.
#[must_use]
pub(super) fn show(matchers: &[Matcher]) -> String {
    let all: Vec<String> = matchers.iter().map(ToString::to_string).collect();
    format!("{{{}}}", all.join(","))
}

fn name(text: &str) -> Option<(String, &str)> {
    if let Some(rest) = text.strip_prefix('"') {
        let end = rest.find('"')?;
        let (name, rest) = (rest.get(..end)?, rest.get(end + 1..)?);
        return (!name.is_empty()).then(|| (name.to_owned(), rest));
    }
    let end = text
        .find(|c: char| !(c.is_ascii_alphanumeric() || c == '_' || c == ':'))
        .unwrap_or(text.len());
    let (name, rest) = text.split_at(end);
    let good = name.starts_with(|c: char| !c.is_ascii_digit());
    good.then(|| (name.to_owned(), rest))
}

fn operator(text: &str) -> Option<(MatchOp, &str)> {
    [
        ("=~", MatchOp::Regex),
        ("!=", MatchOp::NotEqual),
        ("!~", MatchOp::NotRegex),
        ("=", MatchOp::Equal),
    ]
    .into_iter()
    .find_map(|(word, op)| Some((op, text.strip_prefix(word)?)))
}

/// The value, without its quotes and escapes; a stray backslash stands for itself.
fn unquote(raw: &str) -> Result<String, String> {
    let wrong = || format!("matcher value contains unescaped double quote: {raw}");
    let quoted = raw.starts_with('"');
    let body = raw.strip_prefix('"').unwrap_or(raw);
    let mut out = String::with_capacity(body.len());
    let mut chars = body.chars();
    let mut closed = !quoted;
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some('n') => out.push('\n'),
                Some(c @ ('"' | '\\')) => out.push(c),
                Some(c) => out.extend(['\\', c]),
                None => out.push('\\'),
            },
            '"' if quoted && chars.as_str().is_empty() => closed = true,
            '"' => return Err(wrong()),
            c => out.push(c),
        }
    }
    if closed { Ok(out) } else { Err(wrong()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matchers_are_read_with_and_without_quotes() {
        for (text, want) in [
            ("foo=bar", r#"foo="bar""#),
            (" foo != \"a b\" ", r#"foo!="a b""#),
            (r#"foo=~"a\"b|c\\d""#, r#"foo=~"a\"b|c\\d""#),
            ("foo!~5..", r#"foo!~"5..""#),
            ("foo=", r#"foo="""#),
            (r#""foo bar"=baz"#, r#""foo bar"="baz""#),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), want, "{text}");
        }
        for (text, want) in [
            ("a", "bad matcher format: a"),
            ("1a=b", "bad matcher format: 1a=b"),
            (
                "a=\"b",
                "matcher value contains unescaped double quote: \"b",
            ),
        ] {
            assert_eq!(parse(text).unwrap_err(), want);
        }
    }

    #[test]
    fn lists_are_split_outside_of_quotes() {
        for (text, want) in [
            (r#"{a="b", c=~"d,e", }"#, r#"{a="b",c=~"d,e"}"#),
            ("a=b,c!=d", r#"{a="b",c!="d"}"#),
            ("{}", "{}"),
        ] {
            assert_eq!(show(&parse_list(text).unwrap()), want, "{text}");
        }
    }
}
