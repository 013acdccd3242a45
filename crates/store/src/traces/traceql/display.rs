//! Writes parts of a query as Tempo writes them in messages and attribute names.

use std::fmt::{self, Display, Formatter};

use super::ast::{Aggregate, Attribute, Expr, Op, Scope};
use crate::traces::Value;

impl Display for Op {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Add => "+",
            Self::Sub => "-",
            Self::Mul => "*",
            Self::Div => "/",
            Self::Mod => "%",
            Self::Pow => "^",
            Self::Equal => "=",
            Self::NotEqual => "!=",
            Self::Greater => ">",
            Self::GreaterEqual => ">=",
            Self::Less => "<",
            Self::LessEqual => "<=",
            Self::Regex => "=~",
            Self::NotRegex => "!~",
            Self::And => "&&",
            Self::Or => "||",
        })
    }
}

impl Display for Attribute {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Intrinsic(intrinsic) => f.write_str(intrinsic.name()),
            Self::Parent(name) => write!(f, "parent.{name}"),
            Self::Named(scope, name) => {
                f.write_str(match scope {
                    Scope::Any => ".",
                    Scope::Span => "span.",
                    Scope::Resource => "resource.",
                    Scope::Event => "event.",
                    Scope::Link => "link.",
                    Scope::Instrumentation => "instrumentation.",
                })?;
                if name.contains(|c: char| c.is_whitespace() || "\"(){}=".contains(c)) {
                    write!(f, "{name:?}")
                } else {
                    f.write_str(name)
                }
            }
        }
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let wrapped = |expr: &Self| match expr {
            Self::Binary(..) => format!("({expr})"),
            _ => expr.to_string(),
        };
        match self {
            Self::Literal(Value::Text(text)) => write!(f, "`{text}`"),
            Self::Literal(value) => f.write_str(&value.show()),
            Self::Attribute(attribute) => attribute.fmt(f),
            Self::Negative(inner) => write!(f, "-{}", wrapped(inner)),
            Self::Not(inner) => write!(f, "!{}", wrapped(inner)),
            Self::Binary(Op::Equal, a, b, _) if matches!(**b, Self::Literal(Value::Nil)) => {
                write!(f, "{a} = nil")
            }
            Self::Binary(op, a, b, _) => write!(f, "{} {op} {}", wrapped(a), wrapped(b)),
        }
    }
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("count()"),
            Self::Of(name, expr) => write!(f, "{name}({expr})"),
            Self::Literal(value) => f.write_str(&value.show()),
            Self::Binary(op, a, b) => write!(f, "({a}) {op} ({b})"),
        }
    }
}
