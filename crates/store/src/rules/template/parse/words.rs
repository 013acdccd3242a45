//! The words of an action.

use super::super::value::Value;

/// A word.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Word {
    Name(String),
    /// `.` with fields, if any.
    Dot(Vec<String>),
    /// `$x` with fields, if any.
    Variable(String, Vec<String>),
    Literal(Value),
    Open,
    /// `)` with the fields that follow it.
    Close(Vec<String>),
    Pipe,
    Declare,
    Assign,
    Comma,
}

/// The words up to `}}`, and what is left from there.
pub(super) fn words(text: &str) -> Result<(Vec<Word>, &str), String> {
    let mut out = Vec::new();
    let mut rest = text;
    loop {
        rest = rest.trim_start();
        if rest.starts_with("}}") || rest.starts_with("-}}") {
            return Ok((out, rest));
        }
        let (word, after) = word(rest)?;
        out.push(word);
        rest = after;
    }
}

fn word(text: &str) -> Result<(Word, &str), String> {
    for (sign, word) in [
        (":=", Word::Declare),
        ("=", Word::Assign),
        ("|", Word::Pipe),
        ("(", Word::Open),
        (",", Word::Comma),
    ] {
        if let Some(after) = text.strip_prefix(sign) {
            return Ok((word, after));
        }
    }
    let first = text.chars().next().ok_or("unclosed action")?;
    match first {
        ')' => {
            let (fields, after) = fields(text.get(1..).unwrap_or(""));
            Ok((Word::Close(fields), after))
        }
        '"' => quoted(text),
        '`' => {
            let body = text.get(1..).unwrap_or("");
            let (raw, after) = body
                .split_once('`')
                .ok_or("unterminated raw quoted string")?;
            Ok((Word::Literal(Value::Text(raw.to_owned())), after))
        }
        '$' => {
            let (name, after) = name(text.get(1..).unwrap_or(""));
            let (fields, after) = fields(after);
            Ok((Word::Variable(format!("${name}"), fields), after))
        }
        '.' if !text
            .get(1..)
            .is_some_and(|t| t.starts_with(|c: char| c.is_ascii_digit())) =>
        {
            let (found, after) = fields(text);
            if found.is_empty() {
                return Ok((Word::Dot(found), text.get(1..).unwrap_or("")));
            }
            Ok((Word::Dot(found), after))
        }
        c if c.is_ascii_digit() || "+-.".contains(c) => number(text),
        c if c.is_alphabetic() || c == '_' => {
            let (name, after) = name(text);
            Ok((
                match name {
                    "true" => Word::Literal(Value::Bool(true)),
                    "false" => Word::Literal(Value::Bool(false)),
                    "nil" => Word::Literal(Value::Nil),
                    _ => Word::Name(name.to_owned()),
                },
                after,
            ))
        }
        c => Err(format!("unexpected {c:?} in operand")),
    }
}

fn name(text: &str) -> (&str, &str) {
    let end = text.find(|c: char| !(c.is_alphanumeric() || c == '_'));
    text.split_at(end.unwrap_or(text.len()))
}

/// `.a.b` as far as it goes.
fn fields(text: &str) -> (Vec<String>, &str) {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(after) = rest.strip_prefix('.') {
        let (field, after) = name(after);
        if field.is_empty() {
            break;
        }
        found.push(field.to_owned());
        rest = after;
    }
    (found, rest)
}

fn quoted(text: &str) -> Result<(Word, &str), String> {
    let mut out = String::new();
    let mut chars = text.chars();
    chars.next();
    loop {
        match chars.next().ok_or("unterminated quoted string")? {
            '"' => return Ok((Word::Literal(Value::Text(out)), chars.as_str())),
            '\n' => return Err("unterminated quoted string".to_owned()),
            '\\' => match chars.next().ok_or("unterminated quoted string")? {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                'r' => out.push('\r'),
                c @ ('"' | '\\' | '\'') => out.push(c),
                c @ ('x' | 'u' | 'U') => {
                    let digits = match c {
                        'x' => 2,
                        'u' => 4,
                        _ => 8,
                    };
                    let hex: String = chars.by_ref().take(digits).collect();
                    let code = u32::from_str_radix(&hex, 16).ok().and_then(char::from_u32);
                    out.push(code.ok_or("invalid syntax in string")?);
                }
                _ => return Err("invalid syntax in string".to_owned()),
            },
            c => out.push(c),
        }
    }
}

fn number(text: &str) -> Result<(Word, &str), String> {
    let mut before = ' ';
    let end = text.find(|c: char| {
        let sign = "+-".contains(c) && (before == ' ' || "eE".contains(before));
        let part = c.is_ascii_alphanumeric() || c == '.' || c == '_' || sign;
        before = c;
        !part
    });
    let (word, after) = text.split_at(end.unwrap_or(text.len()));
    let plain = word.replace('_', "");
    let hex = plain
        .strip_prefix("0x")
        .or_else(|| plain.strip_prefix("0X"));
    let int = hex.map_or_else(|| plain.parse().ok(), |h| i64::from_str_radix(h, 16).ok());
    let value = match (int, plain.parse()) {
        (Some(n), _) => Value::Int(n),
        (None, Ok(n)) => Value::Number(n),
        (None, Err(_)) => return Err(format!("bad number syntax: \"{word}\"")),
    };
    Ok((Word::Literal(value), after))
}
