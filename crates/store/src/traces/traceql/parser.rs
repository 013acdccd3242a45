//! The parser: span filters and their expressions. Errors are worded as Tempo words them, with
//! what may stand at a place where that is at most four words.

use regex::Regex;

use super::ast::{Attribute, Expr, Intrinsic, Op, Query, Scope};
use super::check;
use super::lexer::{Kind, Token, lex};
use crate::traces::value::Value;

/// Why a query was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ParseError {
    /// The text is no TraceQL. The line is 0 where a real server loses it: at words that are
    /// put together of several, such as `>=` and `span.a`.
    #[error("parse error at line {line}, col {col}: {message}")]
    Syntax {
        /// From 1, mostly.
        line: usize,
        /// From 1, in characters.
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
    let query = Parser::new(text).query()?;
    check::query(&query)?;
    Ok(query)
}

/// Reads the name of an attribute or intrinsic, as tag requests have it.
///
/// # Errors
/// [`ParseError`] as if it stood within braces.
pub fn parse_attribute(text: &str) -> Result<Attribute, ParseError> {
    let query = Parser::new(&format!("{{{text}}}")).query()?;
    match query.pipeline.as_slice() {
        [super::Stage::Filter(Expr::Attribute(attribute)), ..] => Ok(attribute.clone()),
        [super::Stage::Filter(Expr::Literal(_)), ..] => Err(ParseError::Meaning(
            "expected Attribute but got traceql.Static".to_owned(),
        )),
        [super::Stage::Filter(Expr::Binary(..)), ..] => Err(ParseError::Meaning(
            "expected Attribute but got *traceql.BinaryOperation".to_owned(),
        )),
        [super::Stage::Filter(_), ..] => Err(ParseError::Meaning(
            "expected Attribute but got traceql.UnaryOperation".to_owned(),
        )),
        _ => Err(ParseError::Meaning(
            "expected SpansetFilter but got traceql.SpansetOperation".to_owned(),
        )),
    }
}

pub(super) struct Parser {
    tokens: Vec<Result<Token, ParseError>>,
    pub(super) at: usize,
    /// How deep parentheses and signs are nested, and how many operators there are: both cost
    /// stack, which must not run out.
    depth: usize,
    operators: usize,
}

/// Bounds on a query, far beyond what a person writes.
const MAX_DEPTH: usize = 150;
const MAX_OPERATORS: usize = 1_000;

/// Operators of expressions: how tightly they bind.
const OPERATORS: [(&str, Op, u8); 16] = [
    ("||", Op::Or, 1),
    ("&&", Op::And, 1),
    ("=", Op::Equal, 2),
    ("!=", Op::NotEqual, 2),
    (">", Op::Greater, 2),
    (">=", Op::GreaterEqual, 2),
    ("<", Op::Less, 2),
    ("<=", Op::LessEqual, 2),
    ("=~", Op::Regex, 2),
    ("!~", Op::NotRegex, 2),
    ("+", Op::Add, 3),
    ("-", Op::Sub, 3),
    ("*", Op::Mul, 5),
    ("/", Op::Div, 5),
    ("%", Op::Mod, 5),
    ("^", Op::Pow, 6),
];

/// How tightly `-x` and `!x` bind.
const MINUS: u8 = 3;
const NOT: u8 = 4;

type Parsed<T> = Result<T, ParseError>;

impl Parser {
    pub(super) fn new(text: &str) -> Self {
        Self {
            tokens: lex(text),
            at: 0,
            depth: 0,
            operators: 0,
        }
    }

    pub(super) fn peek(&self) -> Parsed<&Token> {
        match &self.tokens[self.at.min(self.tokens.len() - 1)] {
            Ok(token) => Ok(token),
            Err(error) => Err(error.clone()),
        }
    }

    pub(super) fn skip(&mut self) {
        self.at += 1;
    }

    /// Reads what is nested one deeper.
    pub(super) fn nested<T>(&mut self, read: impl FnOnce(&mut Self) -> Parsed<T>) -> Parsed<T> {
        if self.depth == MAX_DEPTH {
            return Err(self.too("deeply nested"));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Takes note of an operator.
    pub(super) fn operator(&mut self) -> Parsed<()> {
        self.operators += 1;
        if self.operators > MAX_OPERATORS {
            return Err(self.too("long"));
        }
        self.skip();
        Ok(())
    }

    fn too(&self, what: &str) -> ParseError {
        match self.peek() {
            Ok(token) => ParseError::at(token.line, token.col, &format!("query is too {what}")),
            Err(error) => error,
        }
    }

    /// The sign or word that is next, or nothing if it is none.
    pub(super) fn sign(&self) -> Parsed<&str> {
        let token = self.peek()?;
        Ok(match token.kind {
            Kind::Sign => &token.text,
            _ => "",
        })
    }

    pub(super) fn is(&self, sign: &str) -> Parsed<bool> {
        Ok(self.sign()? == sign)
    }

    pub(super) fn eat(&mut self, sign: &str) -> Parsed<bool> {
        let found = self.is(sign)?;
        if found {
            self.skip();
        }
        Ok(found)
    }

    /// The error of a word that may not stand here, with what may where it is at most four.
    pub(super) fn unexpected(&self, expected: &[&str]) -> ParseError {
        let token = match self.peek() {
            Ok(token) => token,
            Err(error) => return error,
        };
        let mut message = format!("syntax error: unexpected {}", token.name());
        for (at, word) in expected.iter().enumerate() {
            message.push_str(if at == 0 { ", expecting " } else { " or " });
            message.push_str(word);
        }
        ParseError::at(token.line, token.col, &message)
    }

    /// A sign that alone may stand here.
    pub(super) fn expect(&mut self, sign: &str) -> Parsed<()> {
        self.expect_among(sign, &[sign])
    }

    /// A sign that must stand here among `expected`.
    pub(super) fn expect_among(&mut self, sign: &str, expected: &[&str]) -> Parsed<()> {
        if self.eat(sign)? {
            Ok(())
        } else {
            Err(self.unexpected(expected))
        }
    }

    /// `{ ... }`; `{ }` is `{ true }`.
    pub(super) fn filter(&mut self) -> Parsed<Expr> {
        self.expect("{")?;
        if self.eat("}")? {
            return Ok(Expr::Literal(Value::Bool(true)));
        }
        let expr = self.field(0)?;
        self.expect_among("}", &[])?;
        Ok(expr)
    }

    /// An expression whose operators bind more tightly than `least`.
    pub(super) fn field(&mut self, least: u8) -> Parsed<Expr> {
        let mut left = self.operand()?;
        loop {
            let sign = self.sign()?;
            let found = OPERATORS.iter().find(|(text, ..)| *text == sign);
            let Some(&(_, op, level)) = found.filter(|(.., level)| *level > least) else {
                return Ok(left);
            };
            self.operator()?;
            if matches!(op, Op::Equal | Op::NotEqual) && self.eat("nil")? {
                left = check::presence(op, left);
                continue;
            }
            let right = self.field(if op == Op::Pow { level - 1 } else { level })?;
            left = check::folded(op, left, right);
        }
    }

    pub(super) fn operand(&mut self) -> Parsed<Expr> {
        self.nested(Self::bare_operand)
    }

    fn bare_operand(&mut self) -> Parsed<Expr> {
        let token = self.peek()?.clone();
        match token.kind {
            Kind::Literal(value) => {
                self.skip();
                Ok(Expr::Literal(value))
            }
            Kind::Ident => Ok(Expr::Literal(self.identifier(&token)?)),
            Kind::Sign => self.word(&token.text),
            Kind::Attribute | Kind::EndAttribute | Kind::End => Err(self.unexpected(&[])),
        }
    }

    /// The two names that stand for numbers; no other is known.
    fn identifier(&mut self, token: &Token) -> Parsed<Value<'static>> {
        self.skip();
        match token.text.as_str() {
            "minInt" => Ok(Value::Int(i64::MIN)),
            "maxInt" => Ok(Value::Int(i64::MAX)),
            text => Err(ParseError::at(
                token.line,
                token.col,
                &format!("unknown identifier: {text}"),
            )),
        }
    }

    fn word(&mut self, text: &str) -> Parsed<Expr> {
        match text {
            "(" => {
                self.skip();
                let inner = self.field(0)?;
                self.expect_among(")", &[])?;
                Ok(inner)
            }
            "-" => {
                self.skip();
                Ok(check::negative(self.field(MINUS)?))
            }
            "!" => {
                self.skip();
                Ok(check::not(self.field(NOT)?))
            }
            "nil" => self.nil(),
            _ => match constant(text) {
                Some(value) => {
                    self.skip();
                    Ok(Expr::Literal(value))
                }
                None => Ok(Expr::Attribute(self.attribute()?)),
            },
        }
    }

    /// `nil = x` and `nil != x`
    fn nil(&mut self) -> Parsed<Expr> {
        self.skip();
        let op = match self.sign()? {
            "=" => Op::Equal,
            "!=" => Op::NotEqual,
            _ => return Err(self.unexpected(&["=", "!="])),
        };
        self.skip();
        if self.eat("nil")? {
            return Ok(Expr::Literal(Value::Bool(false)));
        }
        let inner = self.field(2)?;
        Ok(check::presence(op, inner))
    }

    /// A constant, as hints have them.
    pub(super) fn constant(&mut self) -> Parsed<Value<'static>> {
        let token = self.peek()?.clone();
        match token.kind {
            Kind::Ident => return self.identifier(&token),
            Kind::Literal(value) => {
                self.skip();
                return Ok(value);
            }
            _ => {}
        }
        let Some(value) = constant(self.sign()?) else {
            return Err(self.unexpected(&[]));
        };
        self.skip();
        Ok(value)
    }

    /// An attribute or an intrinsic.
    pub(super) fn attribute(&mut self) -> Parsed<Attribute> {
        let text = self.sign()?.to_owned();
        if let Some(scope) = scope(&text) {
            self.skip();
            return Ok(Attribute::Named(scope, self.name(&["IDENTIFIER"])?));
        }
        if text == "parent." {
            self.skip();
            let inner = self.sign()?.to_owned();
            let Some(scope) = scope(&inner) else {
                let name = self.name(&["IDENTIFIER", "resource.", "span."])?;
                return Ok(Attribute::Parent(Scope::Any, name));
            };
            self.skip();
            return Ok(Attribute::Parent(scope, self.name(&["IDENTIFIER"])?));
        }
        if text.ends_with(':') {
            self.skip();
            let full = format!("{text}{}", self.sign()?);
            let Some(found) = Intrinsic::of(&full) else {
                return Err(self.unexpected(expected_after(&text)));
            };
            self.skip();
            return Ok(Attribute::Intrinsic(found));
        }
        let Some(found) = Intrinsic::of(&text) else {
            return Err(self.unexpected(&[]));
        };
        self.skip();
        Ok(Attribute::Intrinsic(found))
    }

    fn name(&mut self, expected: &[&str]) -> Parsed<String> {
        let token = self.peek()?;
        if token.kind != Kind::Attribute {
            return Err(self.unexpected(expected));
        }
        let name = token.text.clone();
        self.skip();
        Ok(name)
    }

    pub(super) fn integer(&mut self) -> Parsed<i64> {
        match self.peek()?.kind {
            Kind::Literal(Value::Int(n)) => {
                self.skip();
                Ok(n)
            }
            _ => Err(self.unexpected(&["INTEGER"])),
        }
    }
}

fn scope(text: &str) -> Option<Scope> {
    Some(match text {
        "." => Scope::Any,
        "span." => Scope::Span,
        "resource." => Scope::Resource,
        "event." => Scope::Event,
        "link." => Scope::Link,
        "instrumentation." => Scope::Instrumentation,
        _ => return None,
    })
}

fn constant(text: &str) -> Option<Value<'static>> {
    Some(match text {
        "true" => Value::Bool(true),
        "false" => Value::Bool(false),
        "unset" => Value::Status(0),
        "ok" => Value::Status(1),
        "error" => Value::Status(2),
        "unspecified" => Value::Kind(0),
        "internal" => Value::Kind(1),
        "server" => Value::Kind(2),
        "client" => Value::Kind(3),
        "producer" => Value::Kind(4),
        "consumer" => Value::Kind(5),
        _ => return None,
    })
}

fn expected_after(scope: &str) -> &'static [&'static str] {
    match scope {
        "trace:" => &["duration", "rootName", "rootService", "id"],
        "event:" => &["name", "timeSinceStart"],
        "link:" => &["traceID", "spanID"],
        "instrumentation:" => &["name", "version"],
        _ => &[],
    }
}

/// A regular expression that must match the whole text.
pub(super) fn anchored(pattern: &str) -> Option<Regex> {
    Regex::new(&format!("^(?:{pattern})$")).ok()
}
