//! Queries as text again: on one line, or pretty over several, as Prometheus prints them.

use std::fmt;

use super::ast::{
    Aggregate, At, Binary, Card, Expr, Grouping, MatchMode, Node, Number, NumberStyle, Returns,
    Selector, Sign, Subquery, When,
};
use super::format_duration;
use crate::metrics::labels::{NAME, is_metric_name};
use crate::metrics::matcher::MatchOp;
use crate::metrics::text::{general, quote};

/// Longer expressions are split over lines.
const LINE: usize = 100;

impl fmt::Display for Expr {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&line(self))
    }
}

/// The query over as many lines as it takes to keep them short.
#[must_use]
pub fn pretty(expr: &Expr) -> String {
    pretty_at(expr, 0)
}

fn pretty_at(expr: &Expr, level: usize) -> String {
    let indent = "  ".repeat(level);
    let whole = line(expr);
    let split = whole.len() > LINE;
    match &expr.node {
        Node::Aggregate(a) if split => {
            let mut out = format!("{indent}{}(\n", aggregate_head(a));
            if let Some(param) = &a.param {
                out += &format!("{},\n", pretty_at(param, level + 1));
            }
            out + &format!("{}\n{indent})", pretty_at(&a.expr, level + 1))
        }
        Node::Binary(b) if split => format!(
            "{}\n{indent}{}\n{}",
            pretty_at(&b.lhs, level + 1),
            operator(b),
            pretty_at(&b.rhs, level + 1)
        ),
        Node::Call(function, args) if split => {
            let args: Vec<String> = args.iter().map(|a| pretty_at(a, level + 1)).collect();
            format!(
                "{indent}{}(\n{}\n{indent})",
                function.name,
                args.join(",\n")
            )
        }
        Node::Paren(inner) if split => {
            format!("{indent}(\n{}\n{indent})", pretty_at(inner, level + 1))
        }
        Node::Subquery(s) => format!("{}{}", pretty_at(&s.expr, level), subquery_suffix(s)),
        Node::Unary(sign, inner) => {
            format!(
                "{indent}{}{}",
                sign_str(*sign),
                pretty_at(inner, level).trim()
            )
        }
        _ => format!("{indent}{whole}"),
    }
}

fn line(expr: &Expr) -> String {
    match &expr.node {
        Node::Number(n) => number(*n),
        Node::Text(t) => quote(t),
        Node::Selector(s) => format!("{}{}", selector(s), when(s.when)),
        Node::Matrix(s, range) => {
            format!(
                "{}[{}]{}",
                selector(s),
                format_duration(*range),
                when(s.when)
            )
        }
        Node::Subquery(s) => format!("{}{}", line(&s.expr), subquery_suffix(s)),
        Node::Paren(inner) => format!("({})", line(inner)),
        Node::Unary(sign, inner) => format!("{}{}", sign_str(*sign), line(inner)),
        Node::Binary(b) => format!("{} {} {}", line(&b.lhs), operator(b), line(&b.rhs)),
        Node::Aggregate(a) => {
            let param = a.param.as_ref().map(|p| format!("{}, ", line(p)));
            format!(
                "{}({}{})",
                aggregate_head(a),
                param.unwrap_or_default(),
                line(&a.expr)
            )
        }
        Node::Call(function, args) => {
            let args: Vec<String> = args.iter().map(line).collect();
            format!("{}({})", function.name, args.join(", "))
        }
    }
}

const fn sign_str(sign: Sign) -> &'static str {
    match sign {
        Sign::Plus => "+",
        Sign::Minus => "-",
    }
}

#[expect(clippy::cast_possible_truncation, reason = "durations fit")]
fn number(n: Number) -> String {
    match n.style {
        NumberStyle::Plain => general(n.value),
        NumberStyle::Duration => format_duration((n.value * 1000.0).round() as i64),
    }
}

fn selector(s: &Selector) -> String {
    let mut labels: Vec<String> = s
        .matchers
        .iter()
        .filter(|m| {
            let name = m.name == NAME && m.op == MatchOp::Equal && m.value == s.name;
            !name || m.value.is_empty()
        })
        .map(ToString::to_string)
        .collect();
    labels.sort();
    let plain_name = s.name.is_empty() || is_metric_name(&s.name);
    if !plain_name {
        labels.insert(0, quote(&s.name));
    }
    let name = if plain_name { s.name.as_str() } else { "" };
    if labels.is_empty() {
        return name.to_owned();
    }
    format!("{name}{{{}}}", labels.join(","))
}

fn when(when: When) -> String {
    let at = match when.at {
        None => String::new(),
        #[expect(clippy::cast_precision_loss, reason = "as Prometheus prints it")]
        Some(At::Time(t)) => format!(" @ {:.3}", t as f64 / 1000.0),
        Some(At::Start) => " @ start()".to_owned(),
        Some(At::End) => " @ end()".to_owned(),
    };
    match when.offset {
        0 => at,
        ms => format!("{at} offset {}", format_duration(ms)),
    }
}

fn subquery_suffix(s: &Subquery) -> String {
    let step = s.step.map(format_duration).unwrap_or_default();
    format!("[{}:{step}]{}", format_duration(s.range), when(s.when))
}

fn aggregate_head(a: &Aggregate) -> String {
    match &a.grouping {
        Grouping::Without(labels) => format!("{} without ({}) ", a.op.as_str(), labels.join(", ")),
        Grouping::By(labels) if !labels.is_empty() => {
            format!("{} by ({}) ", a.op.as_str(), labels.join(", "))
        }
        Grouping::By(_) => a.op.as_str().to_owned(),
    }
}

fn operator(b: &Binary) -> String {
    let mut out = b.op.as_str().to_owned();
    if b.returns == Returns::Bool {
        out += " bool";
    }
    let Some(m) = &b.matching else {
        return out;
    };
    let group = match m.card {
        Card::ManyToOne => Some("left"),
        Card::OneToMany => Some("right"),
        Card::OneToOne | Card::ManyToMany => None,
    };
    if m.labels.is_empty() && m.mode == MatchMode::Ignoring && group.is_none() {
        return out;
    }
    let mode = match m.mode {
        MatchMode::On => "on",
        MatchMode::Ignoring => "ignoring",
    };
    out += &format!(" {mode} ({})", m.labels.join(", "));
    if let Some(side) = group {
        out += &format!(" group_{side} ({})", m.include.join(", "));
    }
    out
}

#[cfg(test)]
mod tests {
    use crate::metrics::promql::parse;

    #[test]
    fn queries_are_printed_as_prometheus_prints_them() {
        for (query, want) in [
            (
                "sum(rate(a{b=\"c\"}[5m]))by(x)/  2",
                "sum by (x) (rate(a{b=\"c\"}[5m])) / 2",
            ),
            (
                "foo{bar=~\"x.*\",a!=\"b\"}[5m:1m] offset 2m",
                "foo{a!=\"b\",bar=~\"x.*\"}[5m:1m] offset 2m",
            ),
            ("-foo offset -1h^2", "-foo offset -1h ^ 2"),
            ("a + on() group_left b", "a + on () group_left () b"),
            ("up @ 10 > bool 1e7", "up @ 10.000 > bool 1e+07"),
            ("{\"my metric\",a='b'}", "{\"my metric\",a=\"b\"}"),
            ("5m + 90", "5m + 90"),
        ] {
            assert_eq!(parse(query).unwrap().to_string(), want);
        }
    }
}
