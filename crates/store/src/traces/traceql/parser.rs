//! The parser: span filters and their expressions. Errors are worded as Tempo words them.

use regex::Regex;

use super::ast::{Attribute, Expr, Intrinsic, Op, Query, Scope, Stage};
use super::check;
use super::lexer::{Kind, Token, lex};
use crate::traces::Value;

/// Why a query was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The text is no TraceQL.
    #[error("parse error at line {line}, col {col}: {message}")]
    Syntax {
        /// The place.
        line: usize,
        /// The place.
        col: usize,
        /// What is wrong.
        message: String,
    },
    /// The text is TraceQL, but has no meaning.
    #[error("{0}")]
    Meaning(String),
}

impl ParseError {
    pub(super) fn at(line: usize, col: usize, message: &str) -> Self {
        Self::Syntax {
            line,
            col,
            message: message.to_owned(),
        }
    }
}

/// Reads and checks a query.
///
/// # Errors
/// [`ParseError`] in Tempo's words.
pub fn parse(text: &str) -> Result<Query, ParseError> {
    let mut parser = Parser {
        tokens: lex(text)?,
        at: 0,
    };
    let mut query = parser.query()?;
    if parser.peek().kind != Kind::End {
        return Err(parser.unexpected(&[]));
    }
    check::query(&mut query)?;
    Ok(query)
}

/// Reads the name of an attribute or intrinsic, as tag requests have it.
///
/// # Errors
/// [`ParseError`] as if it stood within braces.
pub fn parse_attribute(text: &str) -> Result<Attribute, ParseError> {
    let mut parser = Parser {
        tokens: lex(&format!("{{{text}}}"))?,
        at: 1,
    };
    let attribute = match parser.operand()? {
        Expr::Attribute(attribute) => attribute,
        _ => return Err(parser.unexpected(&[])),
    };
    if parser.is("}") {
        Ok(attribute)
    } else {
        Err(parser.unexpected(&[]))
    }
}

pub(super) struct Parser {
    tokens: Vec<Token>,
    at: usize,
}

const OPERATORS: [(&str, Op, u8); 16] = [
    ("||", Op::Or, 1),
    ("&&", Op::And, 2),
    ("=", Op::Equal, 3),
    ("!=", Op::NotEqual, 3),
    (">", Op::Greater, 3),
    (">=", Op::GreaterEqual, 3),
    ("<", Op::Less, 3),
    ("<=", Op::LessEqual, 3),
    ("=~", Op::Regex, 3),
    ("!~", Op::NotRegex, 3),
    ("+", Op::Add, 4),
    ("-", Op::Sub, 4),
    ("*", Op::Mul, 5),
    ("/", Op::Div, 5),
    ("%", Op::Mod, 5),
    ("^", Op::Pow, 6),
];

impl Parser {
    pub(super) fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    pub(super) fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    pub(super) fn place(&self) -> usize {
        self.at
    }

    pub(super) fn is(&self, sign: &str) -> bool {
        let token = self.peek();
        token.kind == Kind::Sign && token.text == sign
    }

    pub(super) fn is_any(&self, signs: &[&str]) -> bool {
        signs.iter().any(|sign| self.is(sign))
    }

    pub(super) fn eat(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        if found {
            self.at += 1;
        }
        found
    }

    /// The error of a word that may not stand here, with what may where it is at most four.
    pub(super) fn unexpected(&self, expected: &[&str]) -> ParseError {
        let token = self.peek();
        let mut message = format!("syntax error: unexpected {}", token.name());
        for (at, word) in expected.iter().enumerate() {
            message.push_str(if at == 0 { ", expecting " } else { " or " });
            message.push_str(word);
        }
        ParseError::at(token.line, token.col, &message)
    }

    pub(super) fn expect(&mut self, sign: &str, expected: &[&str]) -> Result<(), ParseError> {
        if self.eat(sign) {
            Ok(())
        } else {
            Err(self.unexpected(expected))
        }
    }

    /// `{ ... }`
    pub(super) fn filter(&mut self) -> Result<Stage, ParseError> {
        self.expect("{", &[])?;
        if self.eat("}") {
            return Ok(Stage::Filter(None));
        }
        let expr = self.field(0)?;
        self.expect("}", &[])?;
        Ok(Stage::Filter(Some(expr)))
    }

    /// An expression whose operators bind at least as tightly as `least`.
    pub(super) fn field(&mut self, least: u8) -> Result<Expr, ParseError> {
        let mut left = self.operand()?;
        loop {
            let token = self.peek();
            let found = OPERATORS
                .iter()
                .find(|(sign, ..)| token.kind == Kind::Sign && token.text == *sign);
            let Some(&(_, op, level)) = found.filter(|(.., level)| *level >= least) else {
                return Ok(left);
            };
            self.take();
            let right = self.field(if op == Op::Pow { level } else { level + 1 })?;
            left = Expr::Binary(op, Box::new(left), Box::new(right), None);
        }
    }

    pub(super) fn operand(&mut self) -> Result<Expr, ParseError> {
        let token = self.peek().clone();
        match &token.kind {
            Kind::Literal(value) => {
                self.take();
                Ok(Expr::Literal(value.clone()))
            }
            Kind::Ident => Err(ParseError::at(
                token.line,
                token.col,
                &format!("unknown identifier: {}", token.text),
            )),
            Kind::Sign => self.word(&token.text),
            Kind::Attribute | Kind::End => Err(self.unexpected(&[])),
        }
    }

    fn word(&mut self, text: &str) -> Result<Expr, ParseError> {
        let value = match text {
            "(" => {
                self.take();
                let inner = self.field(0)?;
                self.expect(")", &[])?;
                return Ok(inner);
            }
            "-" => {
                self.take();
                return Ok(match self.operand()? {
                    Expr::Literal(Value::Int(n)) => Expr::Literal(Value::Int(-n)),
                    Expr::Literal(Value::Float(n)) => Expr::Literal(Value::Float(-n)),
                    Expr::Literal(Value::Duration(n)) => Expr::Literal(Value::Duration(-n)),
                    other => Expr::Negative(Box::new(other)),
                });
            }
            "!" => {
                self.take();
                return Ok(Expr::Not(Box::new(self.operand()?)));
            }
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            "nil" => Value::Nil,
            "unset" => Value::Status("unset"),
            "ok" => Value::Status("ok"),
            "error" => Value::Status("error"),
            "unspecified" => Value::Kind("unspecified"),
            "internal" => Value::Kind("internal"),
            "server" => Value::Kind("server"),
            "client" => Value::Kind("client"),
            "producer" => Value::Kind("producer"),
            "consumer" => Value::Kind("consumer"),
            _ => return Ok(Expr::Attribute(self.attribute()?)),
        };
        self.take();
        Ok(Expr::Literal(value))
    }

    /// An attribute or an intrinsic.
    pub(super) fn attribute(&mut self) -> Result<Attribute, ParseError> {
        let token = self.peek().clone();
        if token.kind == Kind::Ident {
            return Err(ParseError::at(
                token.line,
                token.col,
                &format!("unknown identifier: {}", token.text),
            ));
        }
        if token.kind != Kind::Sign {
            return Err(self.unexpected(&[]));
        }
        let scope = match token.text.as_str() {
            "." => Some(Scope::Any),
            "span." => Some(Scope::Span),
            "resource." => Some(Scope::Resource),
            "event." => Some(Scope::Event),
            "link." => Some(Scope::Link),
            "instrumentation." => Some(Scope::Instrumentation),
            _ => None,
        };
        if let Some(scope) = scope {
            self.take();
            let name = self.name()?;
            return Ok(Attribute::Named(scope, name));
        }
        match token.text.as_str() {
            "parent." | "parent.span." | "parent.resource." => {
                self.take();
                Ok(Attribute::Parent(self.name()?))
            }
            scope if scope.ends_with(':') => {
                self.take();
                let full = format!("{scope}{}", self.peek().text);
                let Some(found) = Intrinsic::of(&full) else {
                    return Err(self.unexpected(expected_after(scope)));
                };
                self.take();
                Ok(Attribute::Intrinsic(found))
            }
            name => {
                let Some(found) = Intrinsic::of(name) else {
                    return Err(self.unexpected(&[]));
                };
                self.take();
                Ok(Attribute::Intrinsic(found))
            }
        }
    }

    fn name(&mut self) -> Result<String, ParseError> {
        if self.peek().kind == Kind::Attribute && !self.peek().text.is_empty() {
            return Ok(self.take().text);
        }
        Err(self.unexpected(&["IDENTIFIER"]))
    }

    pub(super) fn integer(&mut self) -> Result<usize, ParseError> {
        match self.peek().kind {
            Kind::Literal(Value::Int(n)) => {
                self.take();
                Ok(usize::try_from(n).unwrap_or(0))
            }
            _ => Err(self.unexpected(&["INTEGER"])),
        }
    }

    pub(super) fn quantile(&mut self) -> Result<f64, ParseError> {
        let found = match &self.peek().kind {
            Kind::Literal(value @ (Value::Int(_) | Value::Float(_))) => value.number(),
            _ => None,
        };
        let Some(number) = found else {
            return Err(self.unexpected(&["INTEGER", "FLOAT"]));
        };
        self.take();
        Ok(number)
    }

    /// Skips any value, as hints have them.
    pub(super) fn skip_value(&mut self) -> Result<(), ParseError> {
        match self.peek().kind {
            Kind::End => Err(self.unexpected(&[])),
            _ => {
                self.take();
                Ok(())
            }
        }
    }

    pub(super) fn is_name(&self) -> bool {
        matches!(self.peek().kind, Kind::Ident | Kind::Sign)
    }

    pub(super) fn rewind(&mut self, place: usize) {
        self.at = place;
    }
}

const fn expected_after(scope: &str) -> &'static [&'static str] {
    match scope.as_bytes() {
        b"trace:" => &["duration", "rootName", "rootService", "id"],
        b"event:" => &["name", "timeSinceStart"],
        b"link:" => &["spanID", "traceID"],
        b"instrumentation:" => &["name", "version"],
        _ => &[],
    }
}

/// A regular expression that must match the whole text.
pub(super) fn anchored(pattern: &str) -> Result<Regex, ParseError> {
    Regex::new(&format!("^(?:{pattern})$"))
        .map_err(|_| ParseError::Meaning(format!("invalid regex: `{pattern}`")))
}
