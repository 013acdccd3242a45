//! Writes parts of a query as Tempo writes them in messages and attribute names.

use std::fmt::{self, Display, Formatter};

use super::ast::{Aggregate, Attribute, Expr, Fold, Form, Op, Relation, SetOp, Stage};
use super::lexer::ends_attribute;
use crate::traces::value::Value;

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

impl Display for SetOp {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (relation, form) = match self {
            Self::And => return f.write_str("&&"),
            Self::Or => return f.write_str("||"),
            Self::Related { relation, form } => (relation, form),
        };
        f.write_str(match form {
            Form::Plain => "",
            Form::Negated => "!",
            Form::Union => "&",
        })?;
        f.write_str(match relation {
            Relation::Descendant => ">>",
            Relation::Child => ">",
            Relation::Ancestor => "<<",
            Relation::Parent => "<",
            Relation::Sibling => "~",
        })
    }
}

impl Display for Fold {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Avg => "avg",
            Self::Min => "min",
            Self::Max => "max",
            Self::Sum => "sum",
        })
    }
}

impl Display for Attribute {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let (parent, scope, name) = match self {
            Self::Intrinsic(intrinsic) => return f.write_str(intrinsic.name()),
            Self::Named(scope, name) => ("", scope.prefix(), name),
            Self::Parent(scope, name) => ("parent", scope.prefix(), name),
        };
        let dot = if parent.is_empty() || scope == "." {
            ""
        } else {
            "."
        };
        write!(f, "{parent}{dot}{scope}")?;
        if name.contains(ends_attribute) {
            write!(f, "\"{name}\"")
        } else {
            f.write_str(name)
        }
    }
}

/// In parentheses unless it is a value or an attribute.
fn wrapped(expr: &Expr) -> String {
    match expr {
        Expr::Literal(_) | Expr::Attribute(_) => expr.to_string(),
        _ => format!("({expr})"),
    }
}

fn literal(value: &Value<'_>) -> String {
    match value {
        Value::Text(text) => format!("`{text}`"),
        other => other.show(),
    }
}

impl Display for Expr {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Literal(value) => f.write_str(&literal(value)),
            Self::Attribute(attribute) => attribute.fmt(f),
            Self::Negative(inner) => write!(f, "-{}", wrapped(inner)),
            Self::Not(inner) => write!(f, "!{}", wrapped(inner)),
            Self::Exists(inner) => write!(f, "{} != nil", wrapped(inner)),
            Self::Missing(inner) => write!(f, "{} = nil", wrapped(inner)),
            Self::Binary(op, a, b, _) => write!(f, "{} {op} {}", wrapped(a), wrapped(b)),
        }
    }
}

impl Aggregate {
    fn wrapped(&self) -> String {
        match self {
            Self::Literal(_) => self.to_string(),
            _ => format!("({self})"),
        }
    }
}

impl Display for Aggregate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Count => f.write_str("count()"),
            Self::Of(fold, expr) => write!(f, "{fold}({expr})"),
            Self::Literal(value) => f.write_str(&literal(value)),
            Self::Binary(op, a, b) => write!(f, "{} {op} {}", a.wrapped(), b.wrapped()),
            Self::Pipeline(stages, last) => {
                for stage in stages {
                    write!(f, "{stage}|")?;
                }
                last.fmt(f)
            }
        }
    }
}

impl Display for Stage {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Filter(expr) => write!(f, "{{ {expr} }}"),
            Self::Joined(op, a, b) => write!(f, "({a}) {op} ({b})"),
            Self::Wrapped(pipeline) => {
                let stages: Vec<String> = pipeline.iter().map(ToString::to_string).collect();
                f.write_str(&stages.join("|"))
            }
            Self::Compare(op, a, b) => write!(f, "{} {op} {}", a.wrapped(), b.wrapped()),
            Self::By(expr) => write!(f, "by({expr})"),
            Self::Select(attributes) => {
                let names: Vec<String> = attributes.iter().map(ToString::to_string).collect();
                write!(f, "select({})", names.join(", "))
            }
            Self::Coalesce => f.write_str("coalesce()"),
        }
    }
}
