//! What follows an operand or an operator: ranges, `offset`, `@`, `on`, `group_left`, `bool`.

use super::{Abort, Parsed, Parser};
use crate::metrics::promql::ast::{
    At, Card, Expr, MatchMode, Matching, Node, Op, Returns, Span, Subquery, When,
};
use crate::metrics::promql::token::Kind;

impl Parser {
    pub(super) fn modifiers(&mut self, op: Op) -> Parsed<(Returns, Matching)> {
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
                    if self.next_is("(") || !self.starts_expression() {
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

    pub(super) fn postfix(&mut self, mut expr: Expr) -> Parsed<Expr> {
        loop {
            if self.next_is("[") {
                self.operator()?;
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

    pub(super) fn range(&mut self, expr: Expr) -> Parsed<Expr> {
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

    pub(super) fn matrix(&mut self, expr: Expr, range: i64, at: usize) -> Parsed<Expr> {
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

    pub(super) fn positive_duration(&mut self) -> Parsed<i64> {
        let token = self.bump();
        let number = self.number(&token)?;
        let ms = self.checked_ms(number.value, token.start)?;
        if ms <= 0 {
            self.error(token.start, "duration must be greater than 0");
            return Err(Abort);
        }
        Ok(ms)
    }

    #[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
    pub(super) fn checked_ms(&mut self, seconds: f64, at: usize) -> Parsed<i64> {
        let ms = seconds * 1000.0;
        if !ms.is_finite() || ms.abs() > 9.2e15 {
            self.error(at, "duration out of range");
            return Err(Abort);
        }
        Ok(ms.round() as i64)
    }

    pub(super) fn signed_number(&mut self) -> Parsed<Option<(f64, Span)>> {
        let start = self.peek().start;
        let sign = [("-", -1.0), ("+", 1.0)]
            .into_iter()
            .find(|(w, _)| self.next_is(w));
        if sign.is_some() {
            self.bump();
        }
        if !matches!(self.peek().kind, Kind::Number | Kind::Duration) {
            return Ok(None);
        }
        let token = self.bump();
        let number = self.number(&token)?;
        let value = number.value * sign.map_or(1.0, |(_, s)| s);
        Ok(Some((value, (start, token.end))))
    }

    pub(super) fn offset(&mut self, mut expr: Expr) -> Parsed<Expr> {
        let Some((seconds, span)) = self.signed_number()? else {
            return self.unexpected("offset", "number, duration, step(), or range()");
        };
        let ms = self.checked_ms(seconds, span.0)?;
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

    pub(super) fn at_modifier(&mut self, mut expr: Expr) -> Parsed<Expr> {
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

    pub(super) fn when<'a>(
        &mut self,
        expr: &'a mut Expr,
        what: &str,
    ) -> Parsed<Option<&'a mut When>> {
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

#[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
fn round_ms(seconds: f64) -> i64 {
    (seconds * 1000.0).round() as i64
}
