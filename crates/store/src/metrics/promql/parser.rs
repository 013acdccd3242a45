//! From tokens to a checked syntax tree, with Prometheus' error messages and their places.

mod calls;
mod check;
mod duration;
mod modifiers;
mod selector;
mod string;
#[cfg(test)]
mod tests;

use super::ast::{Binary, Expr, Node, Number, NumberStyle, Op, Sign};
use super::functions::function;
use super::lexer::lex;
use super::token::{Kind, Token};
use crate::metrics::matcher::Matcher;
use crate::metrics::text::quote;

pub use duration::{format_duration, parse_duration};

/// Why a query was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{place}: parse error: {message}")]
pub struct ParseError {
    /// `line:column`, or "unknown position".
    pub place: String,
    /// What is wrong.
    pub message: String,
}

impl ParseError {
    /// Whether the query is refused for syntax that Prometheus keeps behind a feature flag.
    #[must_use]
    pub fn is_gated(&self) -> bool {
        self.message.ends_with("not enabled")
            || self.message.contains("is experimental and must be enabled")
    }
}

/// Parses and checks a query.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn parse(query: &str) -> Result<Expr, ParseError> {
    let mut parser = Parser::new(query);
    let parsed = parser.whole();
    if let (Ok(expr), true) = (&parsed, parser.errors.is_empty()) {
        check::check(expr, query, &mut parser.errors);
    }
    match (parser.errors.first(), parsed) {
        (Some((at, message)), _) => Err(error_at(query, *at, message)),
        (None, Ok(expr)) => Ok(expr),
        (None, Err(Abort)) => Err(error_at(query, 0, "unexpected end of input")),
    }
}

/// Parses a series selector such as a `match[]` parameter has.
///
/// # Errors
/// The first thing that is wrong with it.
pub fn parse_selector(text: &str) -> Result<Vec<Matcher>, ParseError> {
    let mut parser = Parser::new(text);
    let parsed = parser.selector_only();
    match (parser.errors.first(), parsed) {
        (Some((at, message)), _) => Err(error_at(text, *at, message)),
        (None, Ok(selector)) => Ok(selector.matchers),
        (None, Err(Abort)) => Err(error_at(text, 0, "unexpected end of input")),
    }
}

/// `line:column` of a byte offset, both from 1.
#[must_use]
pub fn place(query: &str, at: usize) -> String {
    let before = query.get(..at).unwrap_or(query);
    let line = before.matches('\n').count() + 1;
    let column = before.rfind('\n').map_or(at, |n| at - n - 1) + 1;
    format!("{line}:{column}")
}

fn error_at(query: &str, at: usize, message: &str) -> ParseError {
    let place = if query.is_empty() {
        "unknown position".to_owned()
    } else {
        place(query, at)
    };
    ParseError {
        place,
        message: message.to_owned(),
    }
}

/// Parsing cannot go on; the reason is among the parser's errors.
struct Abort;

type Parsed<T> = Result<T, Abort>;

/// Nesting deeper than this is refused, as the stack is finite.
const MAX_DEPTH: usize = 200;
/// So are more operators, subqueries among them: `a + a + a` is a tree as deep as it is long.
const MAX_OPERATORS: usize = 500;

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    operators: usize,
    errors: Vec<(usize, String)>,
    end: Token,
}

impl Parser {
    fn new(query: &str) -> Self {
        let tokens = lex(query);
        let end = Token {
            kind: Kind::Eof,
            text: String::new(),
            word: String::new(),
            start: query.len(),
            end: query.len(),
        };
        Self {
            tokens,
            at: 0,
            depth: 0,
            operators: 0,
            errors: Vec::new(),
            end,
        }
    }

    fn peek(&self) -> &Token {
        self.tokens.get(self.at).unwrap_or(&self.end)
    }

    fn next_is(&self, word: &str) -> bool {
        self.peek().is(word)
    }

    fn bump(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    fn eat(&mut self, word: &str) -> Option<Token> {
        self.next_is(word).then(|| self.bump())
    }

    fn previous_end(&self) -> usize {
        self.at
            .checked_sub(1)
            .and_then(|at| self.tokens.get(at))
            .map_or(0, |t| t.end)
    }

    fn error(&mut self, at: usize, message: impl Into<String>) {
        self.errors.push((at, message.into()));
    }

    /// "unexpected <token> in <context>, expected <expected>".
    fn unexpected<T>(&mut self, context: &str, expected: &str) -> Parsed<T> {
        let token = self.peek().clone();
        if token.kind == Kind::Error {
            self.error(token.start, token.text);
            return Err(Abort);
        }
        let mut message = format!("unexpected {}", token.describe());
        if !context.is_empty() {
            message += &format!(" in {context}");
        }
        if !expected.is_empty() {
            message += &format!(", expected {expected}");
        }
        self.error(token.start, message);
        Err(Abort)
    }

    fn whole(&mut self) -> Parsed<Expr> {
        if self.peek().kind == Kind::Eof {
            self.error(0, "no expression found in input");
            return Err(Abort);
        }
        let expr = self.expr(0)?;
        if self.peek().kind != Kind::Eof {
            return self.unexpected("", "");
        }
        Ok(expr)
    }

    /// Takes note of an operator.
    fn operator(&mut self) -> Parsed<()> {
        self.operators += 1;
        if self.operators > MAX_OPERATORS {
            let at = self.peek().start;
            self.error(at, "expression has too many operators");
            return Err(Abort);
        }
        Ok(())
    }

    /// Precedence climbing; `^` binds to the right, all others to the left.
    fn expr(&mut self, min: u8) -> Parsed<Expr> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            let at = self.peek().start;
            self.error(at, "expression is nested too deeply");
            return Err(Abort);
        }
        let mut lhs = self.unary()?;
        loop {
            let token = self.peek();
            let op = match token.kind {
                Kind::Operator => Op::parse(&token.word),
                _ => None,
            };
            let Some(op) = op.filter(|op| op.precedence() >= min.max(1)) else {
                break;
            };
            self.operator()?;
            self.bump();
            let (returns, matching) = self.modifiers(op)?;
            let next = if op == Op::Pow {
                op.precedence()
            } else {
                op.precedence() + 1
            };
            let rhs = self.expr(next)?;
            lhs = Expr {
                span: (lhs.span.0, rhs.span.1),
                node: Node::Binary(Box::new(Binary {
                    op,
                    lhs,
                    rhs,
                    returns,
                    matching: Some(matching),
                })),
            };
        }
        self.depth -= 1;
        Ok(lhs)
    }

    fn unary(&mut self) -> Parsed<Expr> {
        let sign = match self.peek() {
            t if t.is("-") => Sign::Minus,
            t if t.is("+") => Sign::Plus,
            _ => {
                let primary = self.primary()?;
                return self.postfix(primary);
            }
        };
        let start = self.bump().start;
        // A sign binds as strongly as `*`, so that only `^` goes before it.
        let operand = self.expr(Op::Pow.precedence())?;
        let span = (start, operand.span.1);
        Ok(match operand.node {
            Node::Number(n) => {
                let value = if sign == Sign::Minus {
                    -n.value
                } else {
                    n.value
                };
                Expr {
                    span,
                    node: Node::Number(Number { value, ..n }),
                }
            }
            _ => Expr {
                span,
                node: Node::Unary(sign, Box::new(operand)),
            },
        })
    }

    fn primary(&mut self) -> Parsed<Expr> {
        let token = self.peek().clone();
        let span = (token.start, token.end);
        match token.kind {
            Kind::Number | Kind::Duration => {
                self.bump();
                let number = self.number(&token)?;
                Ok(Expr {
                    span,
                    node: Node::Number(number),
                })
            }
            Kind::String => {
                self.bump();
                let text = self.string(&token);
                Ok(Expr {
                    span,
                    node: Node::Text(text),
                })
            }
            Kind::Punctuation if token.word == "(" => {
                self.bump();
                let inner = self.expr(0)?;
                if self.eat(")").is_none() {
                    return self.unexpected("", "");
                }
                Ok(Expr {
                    span: (token.start, self.previous_end()),
                    node: Node::Paren(Box::new(inner)),
                })
            }
            Kind::Punctuation if token.word == "{" => self.selector(),
            Kind::Aggregator if self.starts_aggregate() => self.aggregate(),
            Kind::Identifier if self.after_is("(") => self.call(),
            Kind::Keyword if self.after_is("(") && function(&token.word).is_some() => self.call(),
            Kind::Keyword if token.names_metric() && self.after_is("(") => {
                self.bump();
                self.unexpected("", "")
            }
            _ if token.names_metric() => self.selector(),
            _ => self.unexpected("", ""),
        }
    }

    /// Whether an expression can begin with the next token.
    fn starts_expression(&self) -> bool {
        let token = self.peek();
        let literal = matches!(token.kind, Kind::Number | Kind::Duration | Kind::String);
        literal || token.names_metric() || ["(", "{", "-", "+"].iter().any(|word| token.is(word))
    }

    fn after_is(&self, word: &str) -> bool {
        self.tokens.get(self.at + 1).is_some_and(|t| t.is(word))
    }

    fn starts_aggregate(&self) -> bool {
        ["(", "by", "without"].iter().any(|w| self.after_is(w))
    }

    fn number(&mut self, token: &Token) -> Parsed<Number> {
        let failed = |parser: &mut Self, message: String| {
            parser.error(token.start, message);
            Err(Abort)
        };
        if token.kind == Kind::Duration {
            return match parse_duration(&token.text) {
                Ok(ms) => Ok(Number {
                    value: to_f64(ms) / 1000.0,
                    style: NumberStyle::Duration,
                }),
                Err(message) => failed(self, message),
            };
        }
        match duration::parse_number(&token.text) {
            Ok(value) => Ok(Number {
                value,
                style: NumberStyle::Plain,
            }),
            Err(why) => failed(
                self,
                format!(
                    "error parsing number: strconv.ParseFloat: parsing {}: {why}",
                    quote(&token.text)
                ),
            ),
        }
    }

    fn string(&mut self, token: &Token) -> String {
        match string::unquote(&token.text) {
            Ok(text) => text,
            Err(message) => {
                self.error(token.start, message);
                String::new()
            }
        }
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "durations stay far below 2^53 milliseconds"
)]
const fn to_f64(ms: i64) -> f64 {
    ms as f64
}
