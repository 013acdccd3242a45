//! The words of a TraceQL query, with their places.
//!
//! Texts, numbers and comments are Go's; the place of an error is that of the last word begun,
//! and its line is 0 where that word was put together of several, as with a real server.

use super::parser::ParseError;
use crate::traces::value::{KINDS, STATUSES, Value};

/// What a word is.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Kind {
    /// A name that is no word of the language.
    Ident,
    /// The name of an attribute, after its scope.
    Attribute,
    /// The end of an attribute where its name should be.
    EndAttribute,
    /// A text, a number, a duration.
    Literal(Value<'static>),
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
            Kind::EndAttribute => "END_ATTRIBUTE",
            Kind::Literal(Value::Text(_)) => "STRING",
            Kind::Literal(Value::Int(_)) => "INTEGER",
            Kind::Literal(Value::Float(_)) => "FLOAT",
            Kind::Literal(Value::Duration(_)) => "DURATION",
            Kind::Literal(_) | Kind::Sign => &self.text,
            Kind::End => "$end",
        }
    }
}

/// Words of letters alone, besides the names of [`STATUSES`] and [`KINDS`].
const WORDS: &[&str] = &[
    "true",
    "false",
    "nil",
    "duration",
    "childCount",
    "name",
    "status",
    "statusMessage",
    "kind",
    "rootName",
    "rootServiceName",
    "rootService",
    "traceDuration",
    "nestedSetLeft",
    "nestedSetRight",
    "nestedSetParent",
    "id",
    "traceID",
    "spanID",
    "parentID",
    "timeSinceStart",
    "version",
    "parent",
    "count",
    "avg",
    "max",
    "min",
    "sum",
    "by",
    "coalesce",
    "select",
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
];

/// Scopes, which are words together with the sign behind them.
const SCOPES: &[&str] = &[
    "parent.",
    "resource.",
    "span.",
    "event.",
    "link.",
    "instrumentation.",
    "trace:",
    "span:",
    "event:",
    "link:",
    "instrumentation:",
];

/// Signs of one character.
const SIGNS: &str = ",.{}()=><+-/%*^!|~";

/// Signs of more.
const LONG_SIGNS: &[&str] = &[
    "!=", "=~", "!~", ">=", "<=", "&&", "||", ">>", "<<", "!>", "!<", "!>>", "!<<", "&~", "&>",
    "&<", "&>>", "&<<",
];

/// Whether a character ends the name of an attribute.
pub(super) fn ends_attribute(c: char) -> bool {
    c.is_whitespace() || "{}()=~!<>&|^,".contains(c)
}

/// Splits `input` into words; the last is [`Kind::End`].
pub(super) fn lex(input: &str) -> Vec<Result<Token, ParseError>> {
    let mut lexer = Lexer {
        input,
        at: 0,
        line: 1,
        line_start: 0,
        place: (1, 1),
        out: Vec::new(),
    };
    if let Err(message) = lexer.run() {
        let (line, col) = lexer.place;
        lexer.out.push(Err(ParseError::at(line, col, &message)));
    }
    lexer.out
}

struct Lexer<'a> {
    input: &'a str,
    at: usize,
    line: usize,
    line_start: usize,
    /// Where the last word began; line 0 if it was put together.
    place: (usize, usize),
    out: Vec<Result<Token, ParseError>>,
}

impl<'a> Lexer<'a> {
    fn rest(&self) -> &'a str {
        &self.input[self.at..]
    }

    /// Line and column, in characters.
    fn here(&self) -> (usize, usize) {
        let before = &self.input[self.line_start..self.at];
        (self.line, before.chars().count() + 1)
    }

    fn push(&mut self, kind: Kind, text: &str) {
        self.out.push(Ok(Token {
            kind,
            text: text.to_owned(),
            line: self.place.0,
            col: self.place.1,
        }));
    }

    /// The word was put together: its line is lost.
    fn composed(&mut self) {
        self.place.0 = 0;
    }

    fn run(&mut self) -> Result<(), String> {
        loop {
            self.skip_space()?;
            self.place = self.here();
            let Some(c) = self.rest().chars().next() else {
                self.push(Kind::End, "");
                return Ok(());
            };
            if c == '"' || c == '`' {
                self.text(c)?;
            } else if c == '\'' {
                self.character()?;
            } else if c.is_ascii_digit() || (c == '.' && self.digit_at(1)) {
                self.number()?;
            } else if c.is_alphabetic() || c == '_' {
                self.word()?;
            } else {
                self.sign(c)?;
            }
        }
    }

    fn digit_at(&self, offset: usize) -> bool {
        let byte = self.rest().as_bytes().get(offset);
        byte.is_some_and(u8::is_ascii_digit)
    }

    fn skip_space(&mut self) -> Result<(), String> {
        loop {
            let rest = self.rest();
            if rest.starts_with("//") {
                self.at += rest.find('\n').unwrap_or(rest.len());
            } else if rest.starts_with("/*") {
                self.place = self.here();
                let end = rest.find("*/").ok_or("comment not terminated")?;
                for (offset, _) in rest[..end].match_indices('\n') {
                    self.line += 1;
                    self.line_start = self.at + offset + 1;
                }
                self.at += end + 2;
            } else if let Some(c) = rest.chars().next().filter(|c| " \t\n\r".contains(*c)) {
                self.at += 1;
                if c == '\n' {
                    self.line += 1;
                    self.line_start = self.at;
                }
            } else {
                return Ok(());
            }
        }
    }

    fn text(&mut self, quote: char) -> Result<(), String> {
        let rest = self.rest();
        let len = if quote == '`' {
            2 + rest[1..].find('`').ok_or("literal not terminated")?
        } else {
            quoted(rest)?
        };
        let (text, _) = crate::logs::string_literal(&rest[..len]).ok_or("invalid syntax")?;
        for (offset, _) in rest[..len].match_indices('\n') {
            self.line += 1;
            self.line_start = self.at + offset + 1;
        }
        self.at += len;
        let value = Value::Text(text.clone().into());
        self.push(Kind::Literal(value), &text);
        Ok(())
    }

    /// `'x'` is a character of Go's, and no word of this language.
    fn character(&mut self) -> Result<(), String> {
        let rest = self.rest();
        let line = &rest[1..rest.find('\n').unwrap_or(rest.len())];
        let end = line.find('\'').ok_or("literal not terminated")?;
        let escaped = usize::from(line.starts_with('\\'));
        if line[..end].chars().count() != 1 + escaped {
            return Err("invalid char literal".to_owned());
        }
        self.push(Kind::Ident, &rest[..end + 2]);
        self.at += end + 2;
        Ok(())
    }

    fn number(&mut self) -> Result<(), String> {
        let rest = self.rest();
        let len = number_len(rest);
        let digits = &rest[..len];
        let unit = |c: char| c.is_numeric() || c == '.' || "nsumhµdwy".contains(c);
        let more = rest[len..].find(|c| !unit(c)).unwrap_or(rest.len() - len);
        if more > 0 {
            let text = &rest[..len + more];
            let found = crate::logs::range_duration(text);
            if let Some(nanos) = found.or_else(|| crate::logs::go_duration(text)) {
                self.at += len + more;
                self.composed();
                self.push(Kind::Literal(Value::Duration(nanos)), text);
                return Ok(());
            }
        }
        self.at += len;
        let value = if digits.contains(['.', 'e', 'E']) && !digits.starts_with("0x") {
            let number = digits.replace('_', "").parse().ok();
            Value::Float(number.ok_or_else(|| go_syntax("ParseFloat", digits))?)
        } else {
            let range = digits.bytes().all(|b| b.is_ascii_digit());
            let error = || match range {
                true => go_range("Atoi", digits),
                false => go_syntax("Atoi", digits),
            };
            Value::Int(digits.parse().map_err(|_| error())?)
        };
        self.push(Kind::Literal(value), digits);
        Ok(())
    }

    fn word(&mut self) -> Result<(), String> {
        let rest = self.rest();
        if let Some(scope) = SCOPES.iter().find(|scope| rest.starts_with(**scope)) {
            self.at += scope.len();
            self.composed();
            self.push(Kind::Sign, scope);
            return if scope.ends_with('.') {
                self.attribute(*scope == "parent.")
            } else {
                Ok(())
            };
        }
        let ends = |c: char| !(c.is_alphanumeric() || c == '_');
        let text = &rest[..rest.find(ends).unwrap_or(rest.len())];
        self.at += text.len();
        let kind = if [WORDS, &STATUSES, &KINDS]
            .iter()
            .any(|words| words.contains(&text))
        {
            Kind::Sign
        } else {
            Kind::Ident
        };
        self.push(kind, text);
        Ok(())
    }

    fn sign(&mut self, c: char) -> Result<(), String> {
        let rest = self.rest();
        // As long as it remains a sign of the language.
        let mut len = c.len_utf8();
        while let Some(next) = rest[len..].chars().next() {
            let longer = len + next.len_utf8();
            if !LONG_SIGNS.contains(&&rest[..longer]) {
                break;
            }
            len = longer;
        }
        let text = &rest[..len];
        if len > c.len_utf8() {
            self.composed();
        }
        self.at += len;
        let known = len > c.len_utf8() || SIGNS.contains(c);
        self.push(if known { Kind::Sign } else { Kind::Ident }, text);
        if text == "." {
            return self.attribute(false);
        }
        Ok(())
    }

    /// The name of an attribute: up to a space or a sign; parts may be quoted. The parent's may
    /// have another scope.
    fn attribute(&mut self, parent: bool) -> Result<(), String> {
        if parent {
            let rest = self.rest();
            let inner = ["span.", "resource."]
                .iter()
                .find(|s| rest.starts_with(**s));
            if let Some(scope) = inner {
                self.at += scope.len();
                self.composed();
                self.push(Kind::Sign, scope);
            }
        }
        let mut name = String::new();
        let start = self.at;
        while let Some(c) = self.rest().chars().next() {
            if c == '"' {
                self.composed();
                self.quoted_part(&mut name)?;
            } else if ends_attribute(c) {
                break;
            } else {
                name.push(c);
                self.at += c.len_utf8();
            }
        }
        if self.at == start {
            self.push(Kind::EndAttribute, "");
        } else {
            self.composed();
            self.push(Kind::Attribute, &name);
        }
        Ok(())
    }

    fn quoted_part(&mut self, name: &mut String) -> Result<(), String> {
        let mut chars = self.rest().char_indices().skip(1);
        loop {
            match chars.next() {
                None => return Err("unexpected EOF, expecting \"".to_owned()),
                Some((at, '"')) => {
                    self.at += at + 1;
                    return Ok(());
                }
                Some((_, '\\')) => match chars.next() {
                    Some((_, c @ ('"' | '\\'))) => name.push(c),
                    _ => return Err("invalid escape sequence".to_owned()),
                },
                Some((_, c)) => name.push(c),
            }
        }
    }
}

/// How long a text in double quotes is; its escapes must be Go's.
fn quoted(rest: &str) -> Result<usize, String> {
    let mut chars = rest.char_indices().skip(1);
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Ok(at + 1),
            '\n' => break,
            '\\' => match chars.next() {
                Some((_, 'a' | 'b' | 'f' | 'n' | 'r' | 't' | 'v' | '\\' | '"')) => {}
                Some((_, '0'..='7' | 'x' | 'u' | 'U')) => {}
                _ => return Err("invalid char escape".to_owned()),
            },
            _ => {}
        }
    }
    Err("literal not terminated".to_owned())
}

/// How long a number of Go's is at the beginning of `text`.
fn number_len(text: &str) -> usize {
    let bytes = text.as_bytes();
    let digits = |from: usize| {
        let more = bytes[from..].iter();
        from + more
            .take_while(|b| b.is_ascii_digit() || **b == b'_')
            .count()
    };
    if text.starts_with("0x") || text.starts_with("0X") {
        let hex = bytes[2..].iter().take_while(|b| b.is_ascii_hexdigit());
        return 2 + hex.count();
    }
    let mut end = digits(0);
    if bytes.get(end) == Some(&b'.') {
        end = digits(end + 1);
    }
    if matches!(bytes.get(end), Some(b'e' | b'E')) {
        let sign = usize::from(matches!(bytes.get(end + 1), Some(b'+' | b'-')));
        if bytes.get(end + 1 + sign).is_some_and(u8::is_ascii_digit) {
            end = digits(end + 1 + sign);
        }
    }
    end
}

fn go_syntax(function: &str, text: &str) -> String {
    format!("strconv.{function}: parsing {text:?}: invalid syntax")
}

fn go_range(function: &str, text: &str) -> String {
    format!("strconv.{function}: parsing {text:?}: value out of range")
}
