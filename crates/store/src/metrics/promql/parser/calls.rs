//! Function calls and aggregations, with their arguments and groupings.

use super::{Abort, Parsed, Parser};
use crate::metrics::promql::ast::{Aggregate, AggregateOp, Expr, Grouping, Node};
use crate::metrics::promql::functions::function;
use crate::metrics::promql::token::Kind;
use crate::metrics::text::quote;

impl Parser {
    pub(super) fn call(&mut self) -> Parsed<Expr> {
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

    pub(super) fn arguments(&mut self, context: &str) -> Parsed<Vec<Expr>> {
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
            if !self.starts_expression() && self.peek().kind != Kind::Error {
                self.error(
                    comma.start,
                    "trailing commas not allowed in function call args",
                );
                return Err(Abort);
            }
        }
    }

    pub(super) fn aggregate(&mut self) -> Parsed<Expr> {
        let name = self.bump();
        let Some(op) = AggregateOp::parse(&name.word) else {
            return Err(Abort);
        };
        let before = self.grouping()?;
        let mut args = self.arguments("aggregation")?;
        let grouping = match before {
            Some(g) => g,
            None => {
                let after = self.grouping()?.unwrap_or(Grouping::By(Vec::new()));
                if self.peek().kind == Kind::Error {
                    // Prometheus looks for a grouping before it looks at the arguments.
                    return self.unexpected("", "");
                }
                after
            }
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

    pub(super) fn grouping(&mut self) -> Parsed<Option<Grouping>> {
        if self.eat("by").is_some() {
            return Ok(Some(Grouping::By(self.grouping_labels()?)));
        }
        if self.eat("without").is_some() {
            return Ok(Some(Grouping::Without(self.grouping_labels()?)));
        }
        Ok(None)
    }

    pub(super) fn grouping_labels(&mut self) -> Parsed<Vec<String>> {
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

    pub(super) fn grouping_label(&mut self) -> Parsed<String> {
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
}
