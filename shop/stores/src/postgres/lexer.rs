//! Splits PostgreSQL's SQL into tokens, and scripts into statements.

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A keyword or a name without quotes, folded to lower case.
    Word,
    /// A name in double quotes.
    Quoted,
    /// A number.
    Number,
    /// A text literal; its text is what it stands for.
    Text,
    /// `$1`; its text is the number.
    Param,
    /// An operator or a punctuation mark.
    Mark,
}

/// One token; comments and space are gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    pub(super) text: String,
}

impl Token {
    pub(super) fn word(text: &str) -> Self {
        Self::new(Kind::Word, text)
    }

    pub(super) fn mark(text: &str) -> Self {
        Self::new(Kind::Mark, text)
    }

    pub(super) fn text(text: &str) -> Self {
        Self::new(Kind::Text, text)
    }

    fn new(kind: Kind, text: &str) -> Self {
        Self {
            kind,
            text: text.to_owned(),
        }
    }

    pub(super) fn is_word(&self, word: &str) -> bool {
        self.kind == Kind::Word && self.text == word
    }

    pub(super) fn is_mark(&self, mark: &str) -> bool {
        self.kind == Kind::Mark && self.text == mark
    }

    /// The same name, safe where it is a keyword.
    pub(super) fn as_quoted(&self) -> Self {
        Self::new(Kind::Quoted, &self.text)
    }

    /// Whether it can name a thing.
    pub(super) fn is_name(&self) -> bool {
        matches!(self.kind, Kind::Word | Kind::Quoted)
    }

    /// The token as SQLite reads it.
    pub(super) fn sqlite(&self) -> String {
        match self.kind {
            Kind::Word | Kind::Number | Kind::Mark => self.text.clone(),
            Kind::Quoted => format!("\"{}\"", self.text.replace('"', "\"\"")),
            Kind::Text => format!("'{}'", self.text.replace('\'', "''")),
            Kind::Param => format!("?{}", self.text),
        }
    }
}

/// Why a text is not SQL: an unfinished literal, and where it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unterminated {
    pub(super) what: &'static str,
    pub(super) near: String,
}

/// Splits a script into statements, each a list of tokens; empty ones are left out.
pub(super) fn statements(sql: &str) -> Result<Vec<Vec<Token>>, Unterminated> {
    let mut all = Vec::new();
    let mut current = Vec::new();
    let mut lexer = Lexer { rest: sql };
    while let Some(token) = lexer.next()? {
        if token.is_mark(";") {
            if !current.is_empty() {
                all.push(std::mem::take(&mut current));
            }
        } else {
            current.push(token);
        }
    }
    if !current.is_empty() {
        all.push(current);
    }
    Ok(all)
}

const MARKS: [&str; 20] = [
    "!~~*", "!~~", "!~*", "->>", "#>>", "~~*", "::", "<=", ">=", "<>", "!=", "||", "->", "#>",
    "@>", "<@", "!~", "~*", "~~", ":=",
];

struct Lexer<'a> {
    rest: &'a str,
}

impl<'a> Lexer<'a> {
    fn next(&mut self) -> Result<Option<Token>, Unterminated> {
        self.skip_space()?;
        let Some(first) = self.rest.chars().next() else {
            return Ok(None);
        };
        if first == '\'' {
            return self
                .quoted('\'', "quoted string")
                .map(|text| Some(Token::new(Kind::Text, &text)));
        }
        if first == '"' {
            return self
                .quoted('"', "quoted identifier")
                .map(|text| Some(Token::new(Kind::Quoted, &text)));
        }
        if first == '$' {
            return self.dollar().map(Some);
        }
        if first.is_ascii_digit()
            || (first == '.' && self.rest[1..].starts_with(|c: char| c.is_ascii_digit()))
        {
            return Ok(Some(self.number()));
        }
        if first.is_alphabetic() || first == '_' {
            return self.word().map(Some);
        }
        let mark = MARKS.iter().find(|mark| self.rest.starts_with(**mark));
        let length = mark.map_or(first.len_utf8(), |mark| mark.len());
        Ok(Some(Token::new(Kind::Mark, self.take(length))))
    }

    fn take(&mut self, length: usize) -> &'a str {
        let (head, tail) = self.rest.split_at(length);
        self.rest = tail;
        head
    }

    fn skip_space(&mut self) -> Result<(), Unterminated> {
        loop {
            self.rest = self.rest.trim_start();
            if self.rest.starts_with("--") {
                let end = self.rest.find('\n').unwrap_or(self.rest.len());
                self.take(end);
            } else if self.rest.starts_with("/*") {
                let Some(end) = self.rest.find("*/") else {
                    return Err(Unterminated {
                        what: "/* comment",
                        near: self.rest.to_owned(),
                    });
                };
                self.take(end + 2);
            } else {
                return Ok(());
            }
        }
    }

    /// A literal between quotes, where a doubled quote stands for one.
    fn quoted(&mut self, quote: char, what: &'static str) -> Result<String, Unterminated> {
        let whole = self.rest;
        let mut text = String::new();
        let mut chars = whole.char_indices().skip(1).peekable();
        while let Some((at, c)) = chars.next() {
            if c != quote {
                text.push(c);
            } else if chars.peek().is_some_and(|(_, next)| *next == quote) {
                text.push(quote);
                chars.next();
            } else {
                self.take(at + 1);
                return Ok(text);
            }
        }
        Err(Unterminated {
            what,
            near: whole.to_owned(),
        })
    }

    /// `E'...'`, where a backslash escapes.
    fn escaped(&mut self) -> Result<Token, Unterminated> {
        let whole = self.rest;
        let mut text = String::new();
        let mut chars = whole.char_indices().skip(2).peekable();
        while let Some((at, c)) = chars.next() {
            match c {
                '\\' => match chars.next().map(|(_, c)| c) {
                    Some('n') => text.push('\n'),
                    Some('t') => text.push('\t'),
                    Some('r') => text.push('\r'),
                    Some(other) => text.push(other),
                    None => break,
                },
                '\'' if chars.peek().is_some_and(|(_, next)| *next == '\'') => {
                    text.push('\'');
                    chars.next();
                }
                '\'' => {
                    self.take(at + 1);
                    return Ok(Token::new(Kind::Text, &text));
                }
                other => text.push(other),
            }
        }
        Err(Unterminated {
            what: "quoted string",
            near: whole.to_owned(),
        })
    }

    /// `$1`, or `$tag$ ... $tag$`.
    fn dollar(&mut self) -> Result<Token, Unterminated> {
        let digits = self.rest[1..]
            .bytes()
            .take_while(u8::is_ascii_digit)
            .count();
        if digits > 0 {
            let text = self.take(1 + digits);
            return Ok(Token::new(Kind::Param, &text[1..]));
        }
        let whole = self.rest;
        let tag_end = whole[1..].find('$').map(|at| at + 2);
        let tag = tag_end.map(|end| &whole[..end]).filter(|tag| is_tag(tag));
        let Some(tag) = tag else {
            return Ok(Token::new(Kind::Mark, self.take(1)));
        };
        let body = &whole[tag.len()..];
        let Some(end) = body.find(tag) else {
            return Err(Unterminated {
                what: "dollar-quoted string",
                near: whole.to_owned(),
            });
        };
        self.take(tag.len() + end + tag.len());
        Ok(Token::new(Kind::Text, &body[..end]))
    }

    fn number(&mut self) -> Token {
        let bytes = self.rest.as_bytes();
        let mut end = 0;
        while end < bytes.len() {
            let exponent_sign = matches!(bytes[end], b'+' | b'-')
                && end > 0
                && matches!(bytes[end - 1], b'e' | b'E');
            if bytes[end].is_ascii_digit()
                || matches!(bytes[end], b'.' | b'e' | b'E')
                || exponent_sign
            {
                end += 1;
            } else {
                break;
            }
        }
        Token::new(Kind::Number, self.take(end))
    }

    fn word(&mut self) -> Result<Token, Unterminated> {
        if self.rest.starts_with("E'") || self.rest.starts_with("e'") {
            return self.escaped();
        }
        let end = self
            .rest
            .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == '$'))
            .unwrap_or(self.rest.len());
        let text = self.take(end).to_lowercase();
        Ok(Token::new(Kind::Word, &text))
    }
}

fn is_tag(tag: &str) -> bool {
    tag[1..tag.len() - 1]
        .chars()
        .all(|c| c.is_alphanumeric() || c == '_')
}

/// The index of the mark that closes the parenthesis at `open`, or the end of the tokens.
pub(super) fn closing(tokens: &[Token], open: usize) -> usize {
    let mut depth = 0_usize;
    for (at, token) in tokens.iter().enumerate().skip(open) {
        if token.is_mark("(") {
            depth += 1;
        } else if token.is_mark(")") {
            depth = depth.saturating_sub(1);
            if depth == 0 {
                return at;
            }
        }
    }
    tokens.len()
}

/// Cuts tokens at the commas that stand outside of parentheses.
pub(super) fn split_commas(tokens: &[Token]) -> Vec<&[Token]> {
    let mut parts = Vec::new();
    let mut depth = 0_usize;
    let mut start = 0;
    for (at, token) in tokens.iter().enumerate() {
        match token.text.as_str() {
            "(" if token.kind == Kind::Mark => depth += 1,
            ")" if token.kind == Kind::Mark => depth = depth.saturating_sub(1),
            "," if token.kind == Kind::Mark && depth == 0 => {
                parts.push(&tokens[start..at]);
                start = at + 1;
            }
            _ => {}
        }
    }
    if start < tokens.len() {
        parts.push(&tokens[start..]);
    }
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(sql: &str) -> Vec<String> {
        statements(sql)
            .unwrap()
            .concat()
            .iter()
            .map(Token::sqlite)
            .collect()
    }

    #[test]
    fn literals_names_and_comments_become_tokens() {
        for (sql, expected) in [
            (
                "SELECT 'it''s' -- end\n, \"A b\"",
                vec!["select", "'it''s'", ",", "\"A b\""],
            ),
            ("a::int /* x */ + $12", vec!["a", "::", "int", "+", "?12"]),
            (r"E'a\n' $x$it's$x$", vec!["'a\n'", "'it''s'"]),
            ("1.5e-3 .5 a.b", vec!["1.5e-3", ".5", "a", ".", "b"]),
            ("a->>'k' <> 2", vec!["a", "->>", "'k'", "<>", "2"]),
        ] {
            assert_eq!(texts(sql), expected, "{sql}");
        }
    }

    #[test]
    fn a_script_is_cut_at_semicolons_outside_of_literals() {
        assert_eq!(statements("select ';'; ; select 2").unwrap().len(), 2);
        assert_eq!(statements("select 'x").unwrap_err().what, "quoted string");
    }
}
