//! The words of a TraceQL query, with their places.

use super::parser::ParseError;
use crate::traces::Value;

/// What a word is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A name that is no word of the language.
    Ident,
    /// The name of an attribute, after its scope.
    Attribute,
    /// A text, a number, a duration.
    Literal(Value),
    /// A word or sign of the language.
    Sign,
    /// The end.
    End,
}

/// A word.
#[derive(Clone, Debug)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
    pub(super) line: usize,
    pub(super) col: usize,
}

impl Token {
    /// Its name in messages.
    pub(super) fn name(&self) -> &str {
        match &self.kind {
            Kind::Ident | Kind::Attribute => "IDENTIFIER",
            Kind::Literal(Value::Text(_)) => "STRING",
            Kind::Literal(Value::Int(_)) => "INTEGER",
            Kind::Literal(Value::Float(_)) => "FLOAT",
            Kind::Literal(Value::Duration(_)) => "DURATION",
            Kind::Literal(_) | Kind::Sign => &self.text,
            Kind::End => "$end",
        }
    }
}

const SCOPES: [&str; 14] = [
    "parent.span.",
    "parent.resource.",
    "parent.",
    "span.",
    "resource.",
    "event.",
    "link.",
    "instrumentation.",
    "trace:",
    "span:",
    "event:",
    "link:",
    "instrumentation:",
    "parent:",
];

const WORDS: [&str; 66] = [
    "duration",
    "name",
    "status",
    "statusMessage",
    "kind",
    "childCount",
    "rootName",
    "rootServiceName",
    "rootService",
    "traceDuration",
    "nestedSetLeft",
    "nestedSetRight",
    "nestedSetParent",
    "id",
    "parentID",
    "timeSinceStart",
    "spanID",
    "traceID",
    "version",
    "true",
    "false",
    "nil",
    "ok",
    "error",
    "unset",
    "unspecified",
    "internal",
    "server",
    "client",
    "producer",
    "consumer",
    "count",
    "avg",
    "min",
    "max",
    "sum",
    "by",
    "select",
    "coalesce",
    "rate",
    "count_over_time",
    "min_over_time",
    "max_over_time",
    "avg_over_time",
    "sum_over_time",
    "quantile_over_time",
    "histogram_over_time",
    "compare",
    "topk",
    "bottomk",
    "with",
    "parent",
    "trace:",
    "span:",
    "event:",
    "link:",
    "instrumentation:",
    "span.",
    "resource.",
    "event.",
    "link.",
    "instrumentation.",
    "parent.",
    "parent.span.",
    "parent.resource.",
    "parent:",
];

const SIGNS: [&str; 38] = [
    "&>>", "&<<", "!>>", "!<<", "&&", "||", ">>", "<<", "&>", "&<", "&~", "!>", "!<", "!=", "!~",
    ">=", "<=", "=~", "{", "}", "(", ")", ",", "|", "=", ">", "<", "~", "+", "-", "*", "/", "%",
    "^", "!", ".", "[", "]",
];

/// Splits `input` into words; the last is [`Kind::End`].
pub(super) fn lex(input: &str) -> Result<Vec<Token>, ParseError> {
    let mut out: Vec<Token> = Vec::new();
    let (mut at, mut line, mut line_start) = (0, 1, 0);
    loop {
        let rest = &input[at..];
        let Some(c) = rest.chars().next() else {
            break;
        };
        if c.is_whitespace() {
            at += c.len_utf8();
            if c == '\n' {
                line += 1;
                line_start = at;
            }
            continue;
        }
        if rest.starts_with("//") {
            at += rest.find('\n').unwrap_or(rest.len());
            continue;
        }
        let col = input[line_start..at].chars().count() + 1;
        let after_scope = out
            .last()
            .is_some_and(|t| t.kind == Kind::Sign && t.text.ends_with('.'));
        let (kind, text, len) =
            word(rest, c, after_scope).map_err(|message| ParseError::at(line, col, &message))?;
        out.push(Token {
            kind,
            text,
            line,
            col,
        });
        at += len;
    }
    out.push(Token {
        kind: Kind::End,
        text: String::new(),
        line,
        col: input[line_start..].chars().count() + 1,
    });
    Ok(out)
}

fn word(rest: &str, c: char, after_scope: bool) -> Result<(Kind, String, usize), String> {
    if after_scope {
        return Ok(attribute(rest));
    }
    if c == '"' || c == '`' {
        let (text, len) = crate::logs::string_literal(rest).ok_or("literal not terminated")?;
        return Ok((Kind::Literal(Value::Text(text.clone())), text, len));
    }
    let digit_follows = |text: &str| text.starts_with(|c: char| c.is_ascii_digit());
    if c.is_ascii_digit() || (c == '.' && digit_follows(&rest[1..])) {
        return number(rest);
    }
    if c.is_alphabetic() || c == '_' {
        if let Some(scope) = SCOPES.iter().find(|scope| rest.starts_with(**scope)) {
            return Ok((Kind::Sign, (*scope).to_owned(), scope.len()));
        }
        let len = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let text = rest[..len].to_owned();
        let kind = if WORDS.contains(&text.as_str()) {
            Kind::Sign
        } else {
            Kind::Ident
        };
        return Ok((kind, text, len));
    }
    SIGNS
        .iter()
        .find(|sign| rest.starts_with(**sign))
        .map(|sign| (Kind::Sign, (*sign).to_owned(), sign.len()))
        .ok_or_else(|| format!("syntax error: unexpected {c}"))
}

/// The name of an attribute: up to a space or a sign; parts may be quoted.
fn attribute(rest: &str) -> (Kind, String, usize) {
    let mut name = String::new();
    let mut at = 0;
    while let Some(c) = rest[at..].chars().next() {
        if c == '"' {
            let Some((text, len)) = crate::logs::string_literal(&rest[at..]) else {
                break;
            };
            name.push_str(&text);
            at += len;
        } else if c.is_whitespace() || "{}()=~!<>&|^,".contains(c) {
            break;
        } else {
            name.push(c);
            at += c.len_utf8();
        }
    }
    (Kind::Attribute, name, at)
}

fn number(rest: &str) -> Result<(Kind, String, usize), String> {
    let len = rest
        .find(|c: char| !(c.is_alphanumeric() || c == '.'))
        .unwrap_or(rest.len());
    let text = &rest[..len];
    if text.ends_with(|c: char| c.is_alphabetic()) {
        let nanos = crate::logs::go_duration(text)
            .or_else(|| crate::logs::range_duration(text))
            .ok_or_else(|| format!("not a valid duration string: {text:?}"))?;
        return Ok((Kind::Literal(Value::Duration(nanos)), text.to_owned(), len));
    }
    let value = match text.parse::<i64>() {
        Ok(n) => Value::Int(n),
        Err(_) => Value::Float(text.parse().map_err(|_| format!("bad number {text:?}"))?),
    };
    Ok((Kind::Literal(value), text.to_owned(), len))
}
