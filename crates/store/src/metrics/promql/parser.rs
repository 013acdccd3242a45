//! From tokens to a checked syntax tree, with Prometheus' error messages and their places.

mod check;
mod duration;
mod selector;
mod string;

use super::ast::{
    Aggregate, AggregateOp, At, Binary, Card, Expr, Grouping, MatchMode, Matching, Node, Number,
    NumberStyle, Op, Returns, Sign, Span, Subquery, When,
};
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

struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
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
            Kind::Keyword if self.after_is("(") => {
                self.bump();
                self.unexpected("", "")
            }
            Kind::Identifier | Kind::MetricIdentifier | Kind::Aggregator | Kind::Keyword
                if token.word != "bool" =>
            {
                self.selector()
            }
            Kind::Operator
                if token.text.chars().all(char::is_alphabetic) && token.word != "atan2" =>
            {
                self.selector()
            }
            _ => self.unexpected("", ""),
        }
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
            Some(value) => Ok(Number {
                value,
                style: NumberStyle::Plain,
            }),
            None => failed(
                self,
                format!("error parsing number: {}", quote(&token.text)),
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

    fn call(&mut self) -> Parsed<Expr> {
        let name = self.bump();
        let found = function(&name.text);
        match found {
            None => self.error(
                name.start,
                format!("unknown function with name {}", quote(&name.text)),
            ),
            Some(f) if f.experimental => self.error(
                name.start,
                format!("function {} is not enabled", quote(&name.text)),
            ),
            Some(_) => {}
        }
        let args = self.arguments("function call")?;
        let span = (name.start, self.previous_end());
        // The error is noted; any signature will do to read on.
        let Some(f) = found.or_else(|| function("time")) else {
            return Err(Abort);
        };
        Ok(Expr {
            span,
            node: Node::Call(f, args),
        })
    }

    fn arguments(&mut self, context: &str) -> Parsed<Vec<Expr>> {
        if self.eat("(").is_none() {
            return self.unexpected(
                if context == "aggregation" {
                    context
                } else {
                    ""
                },
                "",
            );
        }
        let mut args = Vec::new();
        if self.eat(")").is_some() {
            return Ok(args);
        }
        loop {
            args.push(self.expr(0)?);
            if self.eat(")").is_some() {
                return Ok(args);
            }
            let Some(comma) = self.eat(",") else {
                return self.unexpected("", "");
            };
            if self.next_is(")") {
                self.error(
                    comma.start,
                    "trailing commas not allowed in function call args",
                );
                return Err(Abort);
            }
        }
    }

    fn aggregate(&mut self) -> Parsed<Expr> {
        let name = self.bump();
        let Some(op) = AggregateOp::parse(&name.word) else {
            return Err(Abort);
        };
        let before = self.grouping()?;
        let mut args = self.arguments("aggregation")?;
        let grouping = match before {
            Some(g) => g,
            None => self.grouping()?.unwrap_or(Grouping::By(Vec::new())),
        };
        let span = (name.start, self.previous_end());
        let wanted = if op.has_param() { 2 } else { 1 };
        if args.is_empty() {
            self.error(name.start, "no arguments for aggregate expression provided");
            return Err(Abort);
        }
        if op.is_experimental() {
            self.error(
                name.start,
                format!(
                    "{}() is experimental and must be enabled with --enable-feature=promql-experimental-functions",
                    op.as_str()
                ),
            );
            return Err(Abort);
        }
        if args.len() != wanted {
            let message = format!(
                "wrong number of arguments for aggregate expression provided, expected {wanted}, got {}",
                args.len()
            );
            self.error(name.start, message);
            return Err(Abort);
        }
        let Some(expr) = args.pop() else {
            return Err(Abort);
        };
        Ok(Expr {
            span,
            node: Node::Aggregate(Box::new(Aggregate {
                op,
                expr,
                param: args.pop(),
                grouping,
            })),
        })
    }

    fn grouping(&mut self) -> Parsed<Option<Grouping>> {
        if self.eat("by").is_some() {
            return Ok(Some(Grouping::By(self.grouping_labels()?)));
        }
        if self.eat("without").is_some() {
            return Ok(Some(Grouping::Without(self.grouping_labels()?)));
        }
        Ok(None)
    }

    fn grouping_labels(&mut self) -> Parsed<Vec<String>> {
        if self.eat("(").is_none() {
            return self.unexpected("grouping opts", "\"(\"");
        }
        let mut labels = Vec::new();
        loop {
            if self.eat(")").is_some() {
                return Ok(labels);
            }
            labels.push(self.grouping_label()?);
            if self.eat(",").is_none() && !self.next_is(")") {
                return self.unexpected("grouping opts", "\",\" or \")\"");
            }
        }
    }

    fn grouping_label(&mut self) -> Parsed<String> {
        let token = self.peek().clone();
        let word = token.text.chars().all(|c| c.is_alphanumeric() || c == '_');
        match token.kind {
            Kind::String => {
                self.bump();
                let text = self.string(&token);
                if text.is_empty() {
                    self.error(token.start, "invalid label name for grouping: \"\"");
                    return Err(Abort);
                }
                Ok(text)
            }
            Kind::Identifier | Kind::Aggregator | Kind::Keyword | Kind::Operator if word => {
                self.bump();
                Ok(token.text)
            }
            Kind::MetricIdentifier => {
                self.error(
                    token.start,
                    format!("invalid label name for grouping: {}", quote(&token.text)),
                );
                Err(Abort)
            }
            _ => self.unexpected("grouping opts", "label"),
        }
    }

    fn modifiers(&mut self, op: Op) -> Parsed<(Returns, Matching)> {
        let returns = match self.eat("bool") {
            Some(_) => Returns::Bool,
            None => Returns::Value,
        };
        let mut matching = Matching {
            card: if op.is_set() {
                Card::ManyToMany
            } else {
                Card::OneToOne
            },
            mode: MatchMode::Ignoring,
            labels: Vec::new(),
            include: Vec::new(),
        };
        let mode = [("on", MatchMode::On), ("ignoring", MatchMode::Ignoring)]
            .into_iter()
            .find(|(word, _)| self.next_is(word));
        if let Some((word, mode)) = mode {
            self.eat(word);
            matching.mode = mode;
            matching.labels = self.grouping_labels()?;
            for (word, card) in [
                ("group_left", Card::ManyToOne),
                ("group_right", Card::OneToMany),
            ] {
                if self.eat(word).is_some() {
                    matching.card = card;
                    if self.next_is("(") {
                        matching.include = self.grouping_labels()?;
                    }
                    break;
                }
            }
        }
        let fill = ["fill", "fill_left", "fill_right"]
            .iter()
            .any(|w| self.next_is(w) && self.after_is("("));
        if fill {
            let at = self.peek().start;
            self.error(at, "binop fill modifiers are experimental and not enabled");
            return Err(Abort);
        }
        Ok((returns, matching))
    }

    fn postfix(&mut self, mut expr: Expr) -> Parsed<Expr> {
        loop {
            if self.next_is("[") {
                expr = self.range(expr)?;
            } else if self.eat("offset").is_some() {
                expr = self.offset(expr)?;
            } else if self.eat("@").is_some() {
                expr = self.at_modifier(expr)?;
            } else if self.next_is("anchored") || self.next_is("smoothed") {
                let token = self.bump();
                self.error(
                    token.start,
                    format!("{} modifier is experimental and not enabled", token.word),
                );
                return Err(Abort);
            } else {
                return Ok(expr);
            }
        }
    }

    fn range(&mut self, expr: Expr) -> Parsed<Expr> {
        let open = self.bump();
        let expected = "number, duration, step(), or range()";
        let range = match self.peek().kind {
            Kind::Number | Kind::Duration => self.positive_duration()?,
            _ => return self.unexpected("subquery or range selector", expected),
        };
        if self.eat("]").is_some() {
            return self.matrix(expr, range, open.start);
        }
        if self.eat(":").is_none() {
            return self.unexpected("subquery or range", "\":\" or \"]\"");
        }
        let step = match self.peek().kind {
            Kind::Number | Kind::Duration => Some(self.positive_duration()?),
            _ => None,
        };
        if self.eat("]").is_none() {
            return match step {
                Some(_) => self.unexpected("subquery selector", "\"]\""),
                None => self.unexpected("subquery selector", &format!("{expected} or \"]\"")),
            };
        }
        Ok(Expr {
            span: (expr.span.0, self.previous_end()),
            node: Node::Subquery(Box::new(Subquery {
                expr,
                range,
                step,
                when: When::default(),
            })),
        })
    }

    fn matrix(&mut self, expr: Expr, range: i64, at: usize) -> Parsed<Expr> {
        let message = match expr.node {
            Node::Selector(s) if s.when.offset != 0 => {
                let _ = s;
                "no offset modifiers allowed before range"
            }
            Node::Selector(s) if s.when.at.is_some() => {
                let _ = s;
                "no @ modifiers allowed before range"
            }
            Node::Selector(s) => {
                return Ok(Expr {
                    span: (expr.span.0, self.previous_end()),
                    node: Node::Matrix(s, range),
                });
            }
            _ => "ranges only allowed for vector selectors",
        };
        self.error(at, message);
        Err(Abort)
    }

    fn positive_duration(&mut self) -> Parsed<i64> {
        let token = self.bump();
        let number = self.number(&token)?;
        let ms = self.to_ms(number.value, token.start)?;
        if ms <= 0 {
            self.error(token.start, "duration must be greater than 0");
            return Err(Abort);
        }
        Ok(ms)
    }

    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    fn to_ms(&mut self, seconds: f64, at: usize) -> Parsed<i64> {
        let ms = seconds * 1000.0;
        if !ms.is_finite() || ms.abs() > 9.2e15 {
            self.error(at, "duration out of range");
            return Err(Abort);
        }
        Ok(ms.round() as i64)
    }

    fn signed_number(&mut self) -> Parsed<Option<(f64, Span)>> {
        let start = self.peek().start;
        let sign = [("-", -1.0), ("+", 1.0)]
            .into_iter()
            .find(|(w, _)| self.next_is(w));
        let ahead = self.tokens.get(self.at + usize::from(sign.is_some()));
        if !ahead.is_some_and(|t| matches!(t.kind, Kind::Number | Kind::Duration)) {
            return Ok(None);
        }
        if sign.is_some() {
            self.bump();
        }
        let token = self.bump();
        let number = self.number(&token)?;
        let value = number.value * sign.map_or(1.0, |(_, s)| s);
        Ok(Some((value, (start, token.end))))
    }

    fn offset(&mut self, mut expr: Expr) -> Parsed<Expr> {
        let Some((seconds, span)) = self.signed_number()? else {
            return self.unexpected("offset", "number, duration, step(), or range()");
        };
        let ms = self.to_ms(seconds, span.0)?;
        let at = expr.span.0;
        let Some(when) = self.when(&mut expr, "offset")? else {
            return Err(Abort);
        };
        if when.offset != 0 {
            self.error(at, "offset may not be set multiple times");
            return Err(Abort);
        }
        when.offset = ms;
        expr.span.1 = self.previous_end();
        Ok(expr)
    }

    fn at_modifier(&mut self, mut expr: Expr) -> Parsed<Expr> {
        let value = if let Some((seconds, span)) = self.signed_number()? {
            if !seconds.is_finite() || seconds.abs() > 9.2e15 {
                let shown = crate::metrics::text::general(seconds);
                self.error(
                    expr.span.0,
                    format!("timestamp out of bounds for @ modifier: {shown}"),
                );
                let _ = span;
                return Err(Abort);
            }
            At::Time(round_ms(seconds))
        } else {
            let found = [("start", At::Start), ("end", At::End)]
                .into_iter()
                .find(|(w, _)| self.next_is(w));
            let Some((word, at)) = found else {
                return self.unexpected("@", "timestamp");
            };
            self.eat(word);
            if self.eat("(").is_none() || self.eat(")").is_none() {
                return self.unexpected("@", "timestamp");
            }
            at
        };
        let at = expr.span.0;
        let Some(when) = self.when(&mut expr, "@")? else {
            return Err(Abort);
        };
        if when.at.is_some() {
            self.error(at, "@ <timestamp> may not be set multiple times");
            return Err(Abort);
        }
        when.at = Some(value);
        expr.span.1 = self.previous_end();
        Ok(expr)
    }

    fn when<'a>(&mut self, expr: &'a mut Expr, what: &str) -> Parsed<Option<&'a mut When>> {
        let at = expr.span.0;
        match &mut expr.node {
            Node::Selector(s) | Node::Matrix(s, _) => Ok(Some(&mut s.when)),
            Node::Subquery(s) => Ok(Some(&mut s.when)),
            _ => {
                self.error(
                    at,
                    format!(
                        "{what} modifier must be preceded by an instant vector selector or range vector selector or a subquery"
                    ),
                );
                Err(Abort)
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

#[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
fn round_ms(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}
