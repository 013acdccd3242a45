//! Series selectors: `name{label="value", ...}`.

use super::{Abort, Parsed, Parser};
use crate::metrics::labels::NAME;
use crate::metrics::matcher::{MatchOp, Matcher};
use crate::metrics::promql::ast::{Expr, Node, Selector, When};
use crate::metrics::promql::token::Kind;

impl Parser {
    pub(super) fn selector(&mut self) -> Parsed<Expr> {
        let start = self.peek().start;
        let selector = self.name_and_matchers()?;
        Ok(Expr {
            span: (start, self.previous_end()),
            node: Node::Selector(selector),
        })
    }

    /// A selector and nothing else, as `match[]` wants it.
    pub(super) fn selector_only(&mut self) -> Parsed<Selector> {
        if self.peek().kind == Kind::Eof {
            self.error(0, "unexpected end of input");
            return Err(Abort);
        }
        let first = self.peek();
        if !first.is("{") && !first.names_metric() {
            return self.unexpected("", "");
        }
        let selector = self.name_and_matchers()?;
        if self.peek().kind != Kind::Eof {
            return self.unexpected("", "");
        }
        Ok(selector)
    }

    fn name_and_matchers(&mut self) -> Parsed<Selector> {
        let start = self.peek().start;
        let mut name = String::new();
        if !self.next_is("{") {
            name = self.bump().text;
        }
        let mut matchers = Vec::new();
        if self.next_is("{") {
            let quoted = self.braces(&mut matchers)?;
            if let Some((quoted, at)) = quoted {
                if !name.is_empty() {
                    let message =
                        format!("metric name must not be set twice: {name:?} or {quoted:?}");
                    self.error(start.min(at), message);
                    return Err(Abort);
                }
                name = quoted;
            }
        }
        if !name.is_empty() {
            if let Some(other) = matchers.iter().find(|m| m.name == NAME) {
                let message = format!(
                    "metric name must not be set twice: {name:?} or {:?}",
                    other.value
                );
                self.error(start, message);
                return Err(Abort);
            }
            matchers.push(Matcher::equal(NAME, &name));
        }
        Ok(Selector {
            name,
            matchers,
            when: When::default(),
        })
    }

    /// Reads `{...}`; gives the metric name when one stands in it as a mere string.
    fn braces(&mut self, matchers: &mut Vec<Matcher>) -> Parsed<Option<(String, usize)>> {
        self.bump();
        let mut name = None;
        loop {
            if self.eat("}").is_some() {
                return Ok(name);
            }
            let token = self.peek().clone();
            let label = match token.kind {
                Kind::Identifier => {
                    self.bump();
                    token.text.clone()
                }
                Kind::String => {
                    self.bump();
                    let text = self.string(&token);
                    if self.next_is(",") || self.next_is("}") {
                        if name.is_some() {
                            let message = format!("metric name must not be set twice: {text:?}");
                            self.error(token.start, message);
                            return Err(Abort);
                        }
                        name = Some((text, token.start));
                        self.eat(",");
                        continue;
                    }
                    text
                }
                _ => return self.unexpected("label matching", "identifier or \"}\""),
            };
            matchers.push(self.matcher(&label, token.start)?);
            if self.eat(",").is_none() && !self.next_is("}") {
                return self.unexpected("label matching", "\",\" or \"}\"");
            }
        }
    }

    fn matcher(&mut self, label: &str, start: usize) -> Parsed<Matcher> {
        let op = [
            ("=", MatchOp::Equal),
            ("!=", MatchOp::NotEqual),
            ("=~", MatchOp::Regex),
            ("!~", MatchOp::NotRegex),
        ]
        .into_iter()
        .find(|(word, _)| self.next_is(word));
        let Some((word, op)) = op else {
            return self.unexpected("label matching", "label matching operator");
        };
        self.eat(word);
        let token = self.peek().clone();
        if token.kind != Kind::String {
            return self.unexpected("label matching", "string");
        }
        self.bump();
        let value = self.string(&token);
        Matcher::new(label, op, &value).or_else(|message| {
            self.error(start, message);
            Ok(Matcher::equal(label, &value))
        })
    }
}
