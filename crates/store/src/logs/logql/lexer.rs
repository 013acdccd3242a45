//! The words of a LogQL query, with their places.

use super::parser::ParseError;
use super::units;

/// What a word is.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Kind {
    /// A name.
    Ident,
    /// A text, unquoted.
    Str,
    /// A plain number.
    Number(f64),
    /// A duration, in nanoseconds.
    Duration(i64),
    /// A size, in bytes.
    Bytes(f64),
    /// `[5m]`, in nanoseconds.
    Range(i64),
    /// `--strict`, `--keep-empty`.
    Flag,
    /// A keyword or sign.
    Sign,
    /// The end of the query.
    End,
}

/// A word.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    /// What it is.
    pub kind: Kind,
    /// Its text; of a string, what it says.
    pub text: String,
    /// Its place.
    pub line: usize,
    /// Its place.
    pub col: usize,
}

impl Token {
    /// Its name in messages.
    pub(crate) fn name(&self) -> &str {
        match self.kind {
            Kind::Ident => "IDENTIFIER",
            Kind::Str => "STRING",
            Kind::Number(_) => "NUMBER",
            Kind::Duration(_) => "DURATION",
            Kind::Bytes(_) => "BYTES",
            Kind::Range(_) => "RANGE",
            Kind::Flag => "PARSER_FLAG",
            Kind::Sign => &self.text,
            Kind::End => "$end",
        }
    }
}

const KEYWORDS: [&str; 24] = [
    "by",
    "without",
    "bool",
    "offset",
    "on",
    "ignoring",
    "group_left",
    "group_right",
    "or",
    "and",
    "unless",
    "json",
    "logfmt",
    "regexp",
    "pattern",
    "unpack",
    "line_format",
    "label_format",
    "keep",
    "drop",
    "decolorize",
    "unwrap",
    "variants",
    "of",
];

/// Names that are words of the language only before `(`.
const FUNCTIONS: [&str; 33] = [
    "rate",
    "rate_counter",
    "count_over_time",
    "bytes_rate",
    "bytes_over_time",
    "absent_over_time",
    "sum_over_time",
    "avg_over_time",
    "min_over_time",
    "max_over_time",
    "first_over_time",
    "last_over_time",
    "stddev_over_time",
    "stdvar_over_time",
    "quantile_over_time",
    "sum",
    "avg",
    "count",
    "min",
    "max",
    "stddev",
    "stdvar",
    "topk",
    "bottomk",
    "approx_topk",
    "sort",
    "sort_desc",
    "label_replace",
    "vector",
    "ip",
    "duration",
    "duration_seconds",
    "bytes",
];

const SIGNS: [&str; 30] = [
    "|=", "|~", "|>", "!=", "!~", "!>", "=~", "==", ">=", "<=", "{", "}", "(", ")", ",", "|", "=",
    ">", "<", "+", "-", "*", "/", "%", "^", "!", "[", "]", ".", ":",
];

/// Splits `input` into words; the last is [`Kind::End`].
///
/// # Errors
/// On a text without end, a range that is no duration, or a sign that is none of LogQL's.
pub(crate) fn lex(input: &str) -> Result<Vec<Token>, ParseError> {
    let mut lexer = Lexer {
        input,
        at: 0,
        line: 1,
        line_start: 0,
        out: Vec::new(),
    };
    while lexer.next()? {}
    Ok(lexer.out)
}

struct Lexer<'a> {
    input: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
    out: Vec<Token>,
}

impl Lexer<'_> {
    fn rest(&self) -> &str {
        &self.input[self.at..]
    }

    fn col(&self) -> usize {
        self.input[self.line_start..self.at].chars().count() + 1
    }

    fn push(&mut self, kind: Kind, text: String, len: usize) {
        let (line, col) = (self.line, self.col());
        for (offset, byte) in self.input[self.at..self.at + len].bytes().enumerate() {
            if byte == b'\n' {
                self.line += 1;
                self.line_start = self.at + offset + 1;
            }
        }
        self.at += len;
        self.out.push(Token {
            kind,
            text,
            line,
            col,
        });
    }

    fn next(&mut self) -> Result<bool, ParseError> {
        self.skip_space();
        let rest = self.rest();
        let Some(first) = rest.chars().next() else {
            self.push(Kind::End, String::new(), 0);
            return Ok(false);
        };
        if first == '[' {
            let (nanos, len) = self.range()?;
            let text = self.rest()[..len].to_owned();
            self.push(Kind::Range(nanos), text, len);
        } else if first == '"' || first == '`' {
            let Some((text, len)) = string(rest) else {
                return Err(ParseError::at(
                    self.line,
                    self.col(),
                    "literal not terminated",
                ));
            };
            self.push(Kind::Str, text, len);
        } else if let Some(flag) = rest.strip_prefix("--") {
            let len = flag
                .find(|c: char| !(c.is_ascii_alphanumeric() || c == '-' || c == '_'))
                .map_or(rest.len(), |n| n + 2);
            let text = rest[..len].to_owned();
            self.push(Kind::Flag, text, len);
        } else if first.is_ascii_digit()
            || (first == '.' && rest[1..].starts_with(|c: char| c.is_ascii_digit()))
        {
            self.number();
        } else if first.is_alphabetic() || first == '_' {
            self.word();
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            self.push(Kind::Sign, (*sign).to_owned(), sign.len());
        } else {
            return Err(ParseError::at(
                self.line,
                self.col(),
                &format!("syntax error: unexpected {first}"),
            ));
        }
        Ok(true)
    }

    fn skip_space(&mut self) {
        while let Some(c) = self.rest().chars().next() {
            if c == '#' {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            } else if c.is_whitespace() {
                self.at += c.len_utf8();
                if c == '\n' {
                    self.line += 1;
                    self.line_start = self.at;
                }
            } else {
                return;
            }
        }
    }

    fn range(&self) -> Result<(i64, usize), ParseError> {
        let rest = self.rest();
        let Some(end) = rest.find(']') else {
            return Err(ParseError::at(
                0,
                self.col(),
                "missing closing ']' in duration",
            ));
        };
        let text = rest[1..end].trim();
        match units::range(text) {
            Some(nanos) => Ok((nanos, end + 1)),
            None if text.is_empty() => Err(ParseError::at(0, self.col(), "empty duration string")),
            None => Err(ParseError::at(
                0,
                self.col(),
                &format!("not a valid duration string: {text:?}"),
            )),
        }
    }

    /// A number; with a unit after it, a duration or a size.
    fn number(&mut self) {
        let rest = self.rest();
        let unit_end = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '.'))
            .unwrap_or(rest.len());
        let word = rest[..unit_end].to_owned();
        if word.ends_with(|c: char| c.is_alphabetic()) {
            if let Some(nanos) = units::go_duration(&word).or_else(|| units::range(&word)) {
                return self.push(Kind::Duration(nanos), word, unit_end);
            }
            if let Some(bytes) = units::bytes(&word) {
                return self.push(Kind::Bytes(bytes), word, unit_end);
            }
        }
        let bytes = rest.as_bytes();
        let mut end = 0;
        while end < bytes.len() && (bytes[end].is_ascii_digit() || bytes[end] == b'.') {
            end += 1;
        }
        if end < bytes.len() && (bytes[end] | 0x20) == b'e' {
            let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
            let digits = rest[end + 1 + sign..]
                .bytes()
                .take_while(u8::is_ascii_digit)
                .count();
            if digits > 0 {
                end += 1 + sign + digits;
            }
        }
        let text = rest[..end].to_owned();
        let value = text.parse().unwrap_or(f64::NAN);
        self.push(Kind::Number(value), text, end);
    }

    fn word(&mut self) {
        let rest = self.rest();
        let end = rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_'))
            .unwrap_or(rest.len());
        let text = rest[..end].to_owned();
        let lower = text.to_ascii_lowercase();
        let called = rest[end..].trim_start().starts_with('(');
        let keyword = if FUNCTIONS.contains(&lower.as_str()) {
            called || self.grouped(&rest[end..])
        } else {
            KEYWORDS.contains(&lower.as_str())
        };
        match keyword {
            true => self.push(Kind::Sign, lower, end),
            false => self.push(Kind::Ident, text, end),
        }
    }

    /// `sum by (...) (...)`: an aggregation's name before its grouping.
    fn grouped(&self, after: &str) -> bool {
        let after = after.trim_start();
        ["by", "without"].iter().any(|word| {
            after
                .get(..word.len())
                .filter(|start| start.eq_ignore_ascii_case(word))
                .is_some_and(|_| after[word.len()..].trim_start().starts_with('('))
        })
    }
}

/// Reads a quoted text at the start of `input`; gives it unquoted, and its length as written.
pub(crate) fn string(input: &str) -> Option<(String, usize)> {
    if let Some(raw) = input.strip_prefix('`') {
        let end = raw.find('`')?;
        return Some((raw[..end].to_owned(), end + 2));
    }
    let mut out = String::new();
    let mut chars = input.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((out, at + 1)),
            '\n' => return None,
            '\\' => {
                let (_, escape) = chars.next()?;
                let mut hex = |digits: usize| {
                    let text: String = chars.by_ref().take(digits).map(|(_, c)| c).collect();
                    u32::from_str_radix(&text, 16).ok().and_then(char::from_u32)
                };
                out.push(match escape {
                    'n' => '\n',
                    't' => '\t',
                    'r' => '\r',
                    'a' => '\u{7}',
                    'b' => '\u{8}',
                    'f' => '\u{c}',
                    'v' => '\u{b}',
                    'x' => hex(2)?,
                    'u' => hex(4)?,
                    'U' => hex(8)?,
                    '\\' | '"' | '\'' => escape,
                    _ => return None,
                });
            }
            c => out.push(c),
        }
    }
    None
}
