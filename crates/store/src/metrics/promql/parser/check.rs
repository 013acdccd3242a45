//! Type checks on a parsed query, in Prometheus' order and words.

use crate::metrics::promql::ast::{
    AggregateOp, Binary, Card, Expr, Function, MatchMode, Node, Returns, Type,
};
use crate::metrics::text::quote;

/// Checks `expr`; what is wrong goes to `errors` with its place.
pub(super) fn check(expr: &Expr, query: &str, errors: &mut Vec<(usize, String)>) {
    Checker { query, errors }.expr(expr);
}

struct Checker<'a> {
    query: &'a str,
    errors: &'a mut Vec<(usize, String)>,
}

impl Checker<'_> {
    fn error(&mut self, at: usize, message: impl Into<String>) {
        self.errors.push((at, message.into()));
    }

    fn expect(&mut self, expr: &Expr, want: Type, context: &str) {
        self.expr(expr);
        let got = expr.value_type();
        if got != want {
            let message = format!(
                "expected type {} in {context}, got {}",
                want.documented(),
                got.documented()
            );
            self.error(expr.span.0, message);
        }
    }

    fn expr(&mut self, expr: &Expr) {
        let start = expr.span.0;
        match &expr.node {
            Node::Number(_) | Node::Text(_) => {}
            Node::Paren(inner) => self.expr(inner),
            Node::Matrix(s, _) | Node::Selector(s) => {
                if s.name.is_empty() && s.matchers.iter().all(|m| m.accepts("")) {
                    self.error(
                        start,
                        "vector selector must contain at least one non-empty matcher",
                    );
                }
            }
            Node::Subquery(s) => {
                self.expr(&s.expr);
                let got = s.expr.value_type();
                if got != Type::Vector {
                    let message = format!(
                        "subquery is only allowed on instant vector, got {} instead",
                        got.as_str()
                    );
                    self.error(start, message);
                }
            }
            Node::Unary(_, inner) => {
                self.expr(inner);
                let got = inner.value_type();
                if !matches!(got, Type::Scalar | Type::Vector) {
                    let message = format!(
                        "unary expression only allowed on expressions of type scalar or instant vector, got {}",
                        quote(got.documented())
                    );
                    self.error(start, message);
                }
            }
            Node::Binary(b) => self.binary(b, start),
            Node::Aggregate(a) => {
                self.expect(&a.expr, Type::Vector, "aggregation expression");
                if let Some(param) = &a.param {
                    let want = match a.op {
                        AggregateOp::CountValues => Type::Text,
                        _ => Type::Scalar,
                    };
                    self.expect(param, want, "aggregation parameter");
                }
            }
            Node::Call(f, args) => self.call(f, args, start),
        }
    }

    fn call(&mut self, f: &Function, args: &[Expr], start: usize) {
        let (listed, got) = (f.args.len(), args.len());
        let name = quote(f.name);
        let least = listed - usize::from(f.variadic != 0);
        let most = least + usize::try_from(f.variadic).unwrap_or(usize::MAX / 2);
        if f.variadic == 0 && got != listed {
            let message = format!("expected {listed} argument(s) in call to {name}, got {got}");
            self.error(start, message);
        } else if got < least {
            let message =
                format!("expected at least {least} argument(s) in call to {name}, got {got}");
            self.error(start, message);
        } else if f.variadic > 0 && got > most {
            let message =
                format!("expected at most {most} argument(s) in call to {name}, got {got}");
            self.error(start, message);
        }
        for (n, arg) in args.iter().enumerate() {
            let want = match f.args.get(n) {
                Some(t) => *t,
                None if f.variadic == 0 => break,
                None => f.args.last().copied().unwrap_or(Type::Vector),
            };
            self.expect(arg, want, &format!("call to function {name}"));
        }
    }

    fn binary(&mut self, b: &Binary, start: usize) {
        self.expr(&b.lhs);
        self.expr(&b.rhs);
        let (lt, rt) = (b.lhs.value_type(), b.rhs.value_type());
        let scalars = lt == Type::Scalar && rt == Type::Scalar;
        let operator = self.operator_start(b);
        if b.returns == Returns::Bool && !b.op.is_comparison() {
            self.error(
                operator,
                "bool modifier can only be used on comparison operators",
            );
        }
        if b.op.is_comparison() && b.returns == Returns::Value && scalars {
            self.error(
                operator,
                "comparisons between scalars must use BOOL modifier",
            );
        }
        let Some(matching) = &b.matching else {
            return;
        };
        let twice = matching
            .labels
            .iter()
            .find(|l| matching.mode == MatchMode::On && matching.include.contains(l));
        if let Some(label) = twice {
            let message = format!(
                "label {} must not occur in ON and GROUP clause at once",
                quote(label)
            );
            self.error(operator, message);
        }
        let operand = |t| matches!(t, Type::Scalar | Type::Vector);
        let message = "binary expression must contain only scalar and instant vector types";
        if !operand(lt) {
            self.error(b.lhs.span.0, message);
        }
        if !operand(rt) {
            self.error(b.rhs.span.0, message);
        }
        if lt != Type::Vector || rt != Type::Vector {
            if !matching.labels.is_empty() {
                self.error(
                    start,
                    "vector matching only allowed between instant vectors",
                );
            }
        } else if b.op.is_set() && matches!(matching.card, Card::OneToMany | Card::ManyToOne) {
            let message = format!("no grouping allowed for {} operation", quote(b.op.as_str()));
            self.error(start, message);
        }
        if (lt == Type::Scalar || rt == Type::Scalar) && b.op.is_set() {
            let message = format!(
                "set operator {} not allowed in binary scalar expression",
                quote(b.op.as_str())
            );
            self.error(start, message);
        }
    }

    fn operator_start(&self, b: &Binary) -> usize {
        let from = b.lhs.span.1;
        let rest = self.query.get(from..).unwrap_or("");
        from + (rest.len() - rest.trim_start().len())
    }
}
