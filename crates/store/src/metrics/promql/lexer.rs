//! From text to tokens, failing with the words and places that Prometheus' lexer has.

use super::token::{Kind, Token, word_kind};

/// Splits `input`; an error ends the list, as does the end of input.
pub(super) fn lex(input: &str) -> Vec<Token> {
    let mut lexer = Lexer {
        input,
        at: 0,
        tokens: Vec::new(),
        parens: 0,
        brace: false,
        bracket: false,
        colon: false,
    };
    while lexer.step() {}
    lexer.tokens
}

struct Lexer<'a> {
    input: &'a str,
    at: usize,
    tokens: Vec<Token>,
    parens: usize,
    brace: bool,
    bracket: bool,
    colon: bool,
}

impl Lexer<'_> {
    fn peek(&self) -> Option<char> {
        self.input
            .get(self.at..)
            .and_then(|rest| rest.chars().next())
    }

    fn bump(&mut self) -> Option<char> {
        let c = self.peek()?;
        self.at += c.len_utf8();
        Some(c)
    }

    fn eat(&mut self, set: &str) -> bool {
        let hit = self.peek().is_some_and(|c| set.contains(c));
        if hit {
            self.bump();
        }
        hit
    }

    fn emit(&mut self, kind: Kind, start: usize) -> bool {
        let text = self.input.get(start..self.at).unwrap_or("").to_owned();
        self.tokens.push(Token {
            kind,
            word: text.to_lowercase(),
            text,
            start,
            end: self.at,
        });
        kind != Kind::Eof
    }

    fn fail(&mut self, start: usize, message: String) -> bool {
        self.tokens.push(Token {
            kind: Kind::Error,
            text: message,
            word: String::new(),
            start,
            end: self.at,
        });
        false
    }

    fn step(&mut self) -> bool {
        while self.peek().is_some_and(|c| " \t\n\r".contains(c)) {
            self.bump();
        }
        if self.peek() == Some('#') {
            while self.peek().is_some_and(|c| c != '\n') {
                self.bump();
            }
            return true;
        }
        let start = self.at;
        let Some(c) = self.bump() else {
            return self.finish(start);
        };
        match c {
            '"' | '\'' => self.string(start, c),
            '`' => self.raw_string(start),
            ',' => self.emit(Kind::Punctuation, start),
            _ if self.brace => self.inside_braces(start, c),
            _ => self.outside_braces(start, c),
        }
    }

    fn finish(&mut self, start: usize) -> bool {
        if self.brace {
            return self.fail(start, "unexpected end of input inside braces".to_owned());
        }
        if self.parens > 0 {
            return self.fail(start, "unclosed left parenthesis".to_owned());
        }
        if self.bracket {
            return self.fail(start, "unclosed left bracket".to_owned());
        }
        self.emit(Kind::Eof, start)
    }

    fn inside_braces(&mut self, start: usize, c: char) -> bool {
        match c {
            '=' => {
                self.eat("~");
                self.emit(Kind::Operator, start)
            }
            '!' => {
                if self.eat("~=") {
                    return self.emit(Kind::Operator, start);
                }
                let next = self.quoted_next();
                self.fail(
                    start,
                    format!("unexpected character after '!' inside braces: {next}"),
                )
            }
            '{' => self.fail(start, "unexpected left brace '{'".to_owned()),
            '}' => {
                self.brace = false;
                self.emit(Kind::Punctuation, start)
            }
            c if c.is_ascii_alphabetic() || c == '_' => {
                while self
                    .peek()
                    .is_some_and(|c| c.is_ascii_alphanumeric() || c == '_')
                {
                    self.bump();
                }
                self.emit(Kind::Identifier, start)
            }
            c => self.fail(start, format!("unexpected character inside braces: {c:?}")),
        }
    }

    fn outside_braces(&mut self, start: usize, c: char) -> bool {
        match c {
            '*' | '/' | '%' | '+' | '-' | '^' => self.emit(Kind::Operator, start),
            '=' => {
                if !self.eat("=") && self.peek() == Some('~') {
                    return self.fail(start, "unexpected character after '=': '~'".to_owned());
                }
                self.emit(Kind::Operator, start)
            }
            '!' => {
                if self.eat("=") {
                    return self.emit(Kind::Operator, start);
                }
                let next = self.quoted_next();
                self.fail(start, format!("unexpected character after '!': {next}"))
            }
            '<' | '>' => {
                self.eat("=");
                self.emit(Kind::Operator, start)
            }
            '@' => self.emit(Kind::Punctuation, start),
            '(' | ')' | '{' | '[' | ']' => self.open_or_close(start, c),
            '0'..='9' => self.number(start),
            '.' if self.peek().is_some_and(|c| c.is_ascii_digit()) => self.number(start),
            ':' if self.bracket => {
                if self.colon {
                    return self.fail(start, "unexpected colon ':'".to_owned());
                }
                self.colon = true;
                self.emit(Kind::Punctuation, start)
            }
            c if c.is_ascii_alphabetic() || c == '_' || c == ':' => self.word(start),
            c => self.fail(start, format!("unexpected character: {c:?}")),
        }
    }

    fn open_or_close(&mut self, start: usize, c: char) -> bool {
        match c {
            '(' => self.parens += 1,
            ')' => match self.parens.checked_sub(1) {
                Some(left) => self.parens = left,
                // Prometheus has moved on when it finds out.
                None => return self.fail(self.at, "unexpected right parenthesis ')'".to_owned()),
            },
            '{' => self.brace = true,
            '[' if self.bracket => {
                return self.fail(start, "unexpected left bracket '['".to_owned());
            }
            '[' => {
                self.bracket = true;
                self.colon = false;
            }
            _ if !self.bracket => {
                return self.fail(start, "unexpected right bracket ']'".to_owned());
            }
            _ => self.bracket = false,
        }
        self.emit(Kind::Punctuation, start)
    }

    fn word(&mut self, start: usize) -> bool {
        let bracket = self.bracket;
        while self
            .peek()
            .is_some_and(|c| c.is_ascii_alphanumeric() || c == '_' || (c == ':' && !bracket))
        {
            self.bump();
        }
        let text = self.input.get(start..self.at).unwrap_or("");
        let kind = word_kind(&text.to_lowercase()).unwrap_or(if text.contains(':') {
            Kind::MetricIdentifier
        } else {
            Kind::Identifier
        });
        self.emit(kind, start)
    }

    fn number(&mut self, start: usize) -> bool {
        self.at = start;
        if self.scan_number() {
            return self.emit(Kind::Number, start);
        }
        if self.scan_duration() {
            return self.emit(Kind::Duration, start);
        }
        let text = self.input.get(start..self.at).unwrap_or("");
        let message = format!(
            "bad number or duration syntax: {}",
            crate::metrics::text::quote(text)
        );
        self.fail(start, message)
    }

    /// Takes what looks like a number, which need not be one. Dots and exponents stand once, and
    /// neither an underscore nor an exponent comes last.
    fn scan_number(&mut self) -> bool {
        let hex = self.eat("0") && self.eat("xX");
        let digits = if hex {
            "0123456789abcdefABCDEF"
        } else {
            "0123456789"
        };
        let (mut dot, mut exponent) = (false, false);
        loop {
            if self.eat(digits) {
                continue;
            }
            let fits = if self.eat(".") {
                !std::mem::replace(&mut dot, true) && !self.eat("_.")
            } else if self.eat("_") {
                !self.eat("._eE") && self.peek().is_some()
            } else if self.eat("eE") {
                let first = !std::mem::replace(&mut exponent, true);
                self.eat("+-");
                first && !self.eat("._eE") && self.peek().is_some()
            } else {
                return !self.alphanumeric_next();
            };
            if !fits {
                return false;
            }
        }
    }

    fn scan_duration(&mut self) -> bool {
        loop {
            if !self.eat("smhdwy") {
                return false;
            }
            self.eat("s");
            let mut more = false;
            while self.eat("0123456789") {
                more = true;
            }
            if !more {
                break;
            }
        }
        if self.alphanumeric_next() {
            self.bump();
            return false;
        }
        true
    }

    fn alphanumeric_next(&self) -> bool {
        self.peek().is_some_and(|c| c.is_alphanumeric() || c == '_')
    }

    fn quoted_next(&self) -> String {
        // Where nothing is left, Go shows the replacement character.
        format!("{:?}", self.peek().unwrap_or('\u{fffd}'))
    }

    fn string(&mut self, start: usize, quote: char) -> bool {
        loop {
            match self.bump() {
                None | Some('\n') => {
                    return self.fail(start, "unterminated quoted string".to_owned());
                }
                Some('\\') => {
                    if self.bump().is_none() {
                        return self.fail(start, "escape sequence not terminated".to_owned());
                    }
                }
                Some(c) if c == quote => return self.emit(Kind::String, start),
                Some(_) => {}
            }
        }
    }

    fn raw_string(&mut self, start: usize) -> bool {
        loop {
            match self.bump() {
                None => return self.fail(start, "unterminated raw string".to_owned()),
                Some('`') => return self.emit(Kind::String, start),
                Some(_) => {}
            }
        }
    }
}
