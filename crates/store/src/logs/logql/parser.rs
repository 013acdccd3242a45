//! The parser: selectors, pipelines and label filters. Errors are worded as Loki words them.

use memchr::memmem::Finder;

use super::ast::{
    Convert, Expr, LineFilter, LineOp, LineTest, LogExpr, MatchOp, Matcher, Stage, Unwrap,
};
use super::build;
use super::lexer::{Kind, Token, lex};
use super::patterns::Pattern;
use crate::logs::labels::quote;
use crate::logs::template::Template;

/// The longest query that is read, in bytes.
const MAX_QUERY: usize = 131_072;
/// Bounds on what costs stack, which must not run out: nesting, and operators, whose trees are
/// as deep as they are long. Loki knows neither; both are far beyond what a person writes.
const MAX_DEPTH: usize = 150;
const MAX_OPERATORS: usize = 500;
/// What is said of a query that is more than a selector where only one may be.
const ONLY_MATCHERS: &str = "only label matchers are supported";

/// Why a query was not understood.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub struct ParseError {
    /// The place; both 0 if the whole query is meant.
    pub line: usize,
    /// The place.
    pub col: usize,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for ParseError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        if self.message == ONLY_MATCHERS {
            // Not an error of the parser, though it is raised beside it.
            f.write_str(ONLY_MATCHERS)
        } else if self.line == 0 && self.col == 0 {
            write!(f, "parse error : {}", self.message)
        } else {
            write!(
                f,
                "parse error at line {}, col {}: {}",
                self.line, self.col, self.message
            )
        }
    }
}

impl ParseError {
    pub(super) fn at(line: usize, col: usize, message: &str) -> Self {
        Self {
            line,
            col,
            message: message.to_owned(),
        }
    }

    pub(super) fn whole(message: impl Into<String>) -> Self {
        Self {
            line: 0,
            col: 0,
            message: message.into(),
        }
    }

    /// What is wrong with a stage that could be read.
    pub(super) fn stage(stage: &str, message: &str) -> Self {
        Self::whole(format!("stage '{stage}' : {message}"))
    }
}

/// Reads a whole query.
///
/// # Errors
/// [`ParseError`] in Loki's words.
pub fn parse(query: &str) -> Result<Expr, ParseError> {
    if query.trim().is_empty() {
        return Err(ParseError::whole("syntax error: unexpected $end"));
    }
    if query.len() >= MAX_QUERY {
        return Err(ParseError::whole(format!(
            "input size too long ({} > {MAX_QUERY})",
            query.len()
        )));
    }
    let mut parser = Parser::new(query)?;
    let expr = parser.expr(0)?;
    parser.finish()?;
    Ok(expr)
}

/// Reads a selector alone, as series and labels requests have it.
///
/// # Errors
/// [`ParseError`] in Loki's words; also if the query is more than a selector.
pub fn parse_matchers(query: &str) -> Result<Vec<Matcher>, ParseError> {
    match parse(query)? {
        Expr::Log(log) if log.stages.is_empty() => Ok(log.matchers),
        _ => Err(ParseError::whole(ONLY_MATCHERS)),
    }
}

pub(super) struct Parser {
    tokens: Vec<Token>,
    at: usize,
    depth: usize,
    operators: usize,
}

impl Parser {
    fn new(query: &str) -> Result<Self, ParseError> {
        Ok(Self {
            tokens: lex(query)?,
            at: 0,
            depth: 0,
            operators: 0,
        })
    }

    /// Reads what is nested one deeper.
    pub(super) fn nested<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, ParseError>,
    ) -> Result<T, ParseError> {
        if self.depth == MAX_DEPTH {
            return Err(self.too("deeply nested"));
        }
        self.depth += 1;
        let result = read(self);
        self.depth -= 1;
        result
    }

    /// Takes note of an operator.
    pub(super) fn operator(&mut self) -> Result<(), ParseError> {
        self.operators += 1;
        if self.operators > MAX_OPERATORS {
            return Err(self.too("long"));
        }
        Ok(())
    }

    fn too(&self, what: &str) -> ParseError {
        let token = self.peek();
        ParseError::at(token.line, token.col, &format!("query is too {what}"))
    }

    pub(super) fn peek(&self) -> &Token {
        &self.tokens[self.at.min(self.tokens.len() - 1)]
    }

    pub(super) fn ahead(&self, by: usize) -> &Token {
        &self.tokens[(self.at + by).min(self.tokens.len() - 1)]
    }

    pub(super) fn take(&mut self) -> Token {
        let token = self.peek().clone();
        self.at += 1;
        token
    }

    pub(super) fn is(&self, sign: &str) -> bool {
        let token = self.peek();
        token.kind == Kind::Sign && token.text == sign
    }

    pub(super) fn eat(&mut self, sign: &str) -> bool {
        let found = self.is(sign);
        if found {
            self.at += 1;
        }
        found
    }

    /// The error of a word that may not stand here; lists what may, as the real parser does
    /// where at most four words may.
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

    fn finish(&self) -> Result<(), ParseError> {
        match self.peek().kind {
            Kind::End => Ok(()),
            _ => Err(self.unexpected(&[])),
        }
    }

    pub(super) fn ident(&mut self, expected: &[&str]) -> Result<String, ParseError> {
        match self.peek().kind {
            Kind::Ident => Ok(self.take().text),
            _ => Err(self.unexpected(expected)),
        }
    }

    pub(super) fn string(&mut self, expected: &[&str]) -> Result<String, ParseError> {
        match self.peek().kind {
            Kind::Str => Ok(self.take().text),
            _ => Err(self.unexpected(expected)),
        }
    }

    /// `{...}`.
    pub(super) fn selector(&mut self) -> Result<Vec<Matcher>, ParseError> {
        self.expect("{", &[])?;
        let mut matchers = Vec::new();
        if !self.eat("}") {
            loop {
                let expected: &[&str] = if matchers.is_empty() {
                    &["IDENTIFIER", "}"]
                } else {
                    &["IDENTIFIER"]
                };
                let name = self.ident(expected)?;
                matchers.push(self.matcher(name)?);
                if self.eat("}") {
                    break;
                }
                self.expect(",", &["}", ","])?;
                if self.eat("}") {
                    break;
                }
            }
        }
        if !matchers.iter().any(|m| !m.matches("")) {
            return Err(ParseError::whole(
                "queries require at least one regexp or equality matcher that does not have an \
                 empty-compatible value. For instance, app=~\".*\" does not meet this requirement, \
                 but app=~\".+\" will",
            ));
        }
        // A negated matcher alone selects too much, even where it refuses the empty text.
        if !matchers
            .iter()
            .any(|m| matches!(m.op, MatchOp::Equal | MatchOp::Regex) && !m.matches(""))
        {
            return Err(ParseError::whole(
                "queries require at least one regexp or equality matcher that does not have an \
                 empty-compatible value. For instance, app=~\".*\" does not meet this requirement, \
                 but app=~\".+\" will",
            ));
        }
        Ok(matchers)
    }

    pub(super) fn matcher(&mut self, name: String) -> Result<Matcher, ParseError> {
        let op = match self.peek().text.as_str() {
            "=" => MatchOp::Equal,
            "!=" => MatchOp::NotEqual,
            "=~" => MatchOp::Regex,
            "!~" => MatchOp::NotRegex,
            _ => return Err(self.unexpected(&["=", "=~", "!~", "!="])),
        };
        self.take();
        let value = self.string(&["STRING"])?;
        build::matcher(name, op, value)
    }

    /// A selector with its pipeline, without unwrap.
    pub(super) fn log(&mut self) -> Result<LogExpr, ParseError> {
        let matchers = self.selector()?;
        let mut stages = Vec::new();
        while self.stage_follows() {
            self.stage(&mut stages)?;
        }
        Ok(LogExpr { matchers, stages })
    }

    /// Whether a pipeline goes on here.
    pub(super) fn stage_follows(&self) -> bool {
        ["|", "|=", "!=", "|~", "!~", "|>", "!>"]
            .iter()
            .any(|sign| self.is(sign))
    }

    /// Whether `| unwrap` follows.
    pub(super) fn unwrap_follows(&self) -> bool {
        let next = self.ahead(1);
        self.is("|") && next.kind == Kind::Sign && next.text == "unwrap"
    }

    pub(super) fn stage(&mut self, stages: &mut Vec<Stage>) -> Result<(), ParseError> {
        let op = match self.peek().text.as_str() {
            "|=" => LineOp::Contains,
            "!=" => LineOp::NotContains,
            "|~" => LineOp::Regex,
            "!~" => LineOp::NotRegex,
            "|>" => LineOp::Pattern,
            "!>" => LineOp::NotPattern,
            _ => {
                self.take();
                let stage = self.piped()?;
                stages.push(stage);
                return Ok(());
            }
        };
        self.take();
        let mut tests = vec![self.line_test(op)?];
        while self.eat("or") {
            tests.push(self.line_test(op)?);
        }
        stages.push(Stage::Line(LineFilter { op, tests }));
        Ok(())
    }

    fn line_test(&mut self, op: LineOp) -> Result<(LineTest, String), ParseError> {
        if self.eat("ip") {
            self.expect("(", &["("])?;
            let text = self.string(&["STRING"])?;
            self.expect(")", &[")"])?;
            let range = match op {
                LineOp::Contains | LineOp::NotContains => build::ip_range(&text),
                _ => Err("ip: invalid operation".to_owned()),
            };
            let stage = || format!("{} ip({})", op.sign(), quote(&text));
            let range = range.map_err(|message| ParseError::stage(&stage(), &message))?;
            return Ok((LineTest::Ip(range), text));
        }
        let text = self.string(&["STRING", "ip"])?;
        let stage = || format!("{} {}", op.sign(), quote(&text));
        let test = match op {
            LineOp::Contains | LineOp::NotContains => {
                LineTest::Text(Box::new(Finder::new(&text).into_owned()))
            }
            LineOp::Regex | LineOp::NotRegex => LineTest::Regex(
                build::regex(&text).map_err(|e| ParseError::stage(&stage(), &e.message))?,
            ),
            LineOp::Pattern | LineOp::NotPattern => LineTest::Pattern(
                Pattern::filter(&text).map_err(|m| ParseError::stage(&stage(), &m))?,
            ),
        };
        Ok((test, text))
    }

    /// What follows `|`.
    fn piped(&mut self) -> Result<Stage, ParseError> {
        let token = self.peek().clone();
        if token.kind != Kind::Sign || token.text == "(" {
            if !matches!(token.kind, Kind::Ident | Kind::Sign) {
                return Err(self.unexpected(&[]));
            }
            return Ok(Stage::Label(self.label_filter()?));
        }
        if !matches!(
            token.text.as_str(),
            "json"
                | "logfmt"
                | "regexp"
                | "pattern"
                | "unpack"
                | "line_format"
                | "label_format"
                | "keep"
                | "drop"
                | "decolorize"
        ) {
            return Err(self.unexpected(&[]));
        }
        self.take();
        Ok(match token.text.as_str() {
            "json" => Stage::Json(self.picked("json", build::json_path)?),
            "logfmt" => self.logfmt()?,
            "regexp" => {
                let text = self.string(&["STRING"])?;
                Stage::Regexp(build::capturing_regex(&text)?, text)
            }
            "pattern" => {
                let text = self.string(&["STRING"])?;
                Stage::Pattern(
                    Pattern::parser(&text)
                        .map_err(|m| ParseError::whole(format!("invalid pattern parser: {m}")))?,
                )
            }
            "unpack" => Stage::Unpack,
            "line_format" => {
                let text = self.string(&["STRING"])?;
                let stage = format!("| line_format {}", quote(&text));
                Stage::LineFormat(Template::parse("line", &text).map_err(|m| {
                    ParseError::stage(&stage, &format!("invalid line template: {m}"))
                })?)
            }
            "label_format" => self.label_format()?,
            "keep" => Stage::Keep(self.names()?),
            "drop" => Stage::Drop(self.names()?),
            _ => Stage::Decolorize,
        })
    }

    fn logfmt(&mut self) -> Result<Stage, ParseError> {
        let (mut strict, mut keep_empty) = (false, false);
        while self.peek().kind == Kind::Flag {
            match self.peek().text.as_str() {
                "--strict" => strict = true,
                "--keep-empty" => keep_empty = true,
                _ => return Err(self.unexpected(&[])),
            }
            self.take();
        }
        let picked = self.picked("logfmt", |key| Ok(build::plain_path(key)))?;
        Ok(Stage::Logfmt {
            strict,
            keep_empty,
            picked,
        })
    }

    /// `a, b="x", c=~"y"` of keep and drop.
    fn names(&mut self) -> Result<Vec<(String, Option<Matcher>)>, ParseError> {
        let mut names = Vec::new();
        loop {
            let name = self.ident(&["IDENTIFIER"])?;
            let matcher = if ["=", "!=", "=~", "!~"].iter().any(|sign| self.is(sign)) {
                Some(self.matcher(name.clone())?)
            } else {
                None
            };
            names.push((name, matcher));
            if !self.eat(",") {
                return Ok(names);
            }
        }
    }

    /// `| unwrap label` or `| unwrap duration(label)`, with the filters after it.
    pub(super) fn unwrap(&mut self) -> Result<Unwrap, ParseError> {
        self.take();
        self.take();
        let (convert, source) = match self.peek().text.as_str() {
            "duration" if self.peek().kind == Kind::Sign => (Convert::Duration, "duration"),
            "duration_seconds" if self.peek().kind == Kind::Sign => {
                (Convert::Duration, "duration_seconds")
            }
            "bytes" if self.peek().kind == Kind::Sign => (Convert::Bytes, "bytes"),
            _ => (Convert::Number, ""),
        };
        let label = if source.is_empty() {
            self.ident(&[])?
        } else {
            self.take();
            self.expect("(", &["("])?;
            let label = self.ident(&["IDENTIFIER"])?;
            self.expect(")", &[")"])?;
            label
        };
        let mut filters = Vec::new();
        while self.eat("|") {
            filters.push(self.label_filter()?);
        }
        Ok(Unwrap {
            label,
            convert,
            source: source.to_owned(),
            filters,
        })
    }
}
