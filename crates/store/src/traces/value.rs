//! The values that expressions work with, and what operators make of them.
//!
//! Types and operators follow <https://grafana.com/docs/tempo/latest/traceql/>; what the
//! documentation leaves open is as a real server answers it.

use std::borrow::Cow;
use std::cmp::Ordering;

use opentelemetry_proto::tonic::common::v1::any_value::Value as Any;
use opentelemetry_proto::tonic::common::v1::{AnyValue, ArrayValue, KeyValue};
use regex::Regex;
use serde_json::{Value as Json, json};

use super::traceql::Op;

/// A value; texts are borrowed from the span where that is possible.
#[derive(Clone, Debug, PartialEq)]
pub enum Value<'a> {
    /// Nothing.
    Nil,
    /// A text.
    Text(Cow<'a, str>),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A truth.
    Bool(bool),
    /// A length of time, in nanoseconds.
    Duration(i64),
    /// `error`, `ok` or `unset`, by its place in [`STATUSES`].
    Status(u8),
    /// `unspecified`, `internal` ..., by its place in [`KINDS`].
    Kind(u8),
    /// Several values of one type.
    List(Vec<Value<'a>>),
}

/// Names of kinds, by OTLP's number.
pub(crate) const KINDS: [&str; 6] = [
    "unspecified",
    "internal",
    "server",
    "client",
    "producer",
    "consumer",
];

/// Names of statuses, by OTLP's number.
pub(crate) const STATUSES: [&str; 3] = ["unset", "ok", "error"];

impl<'a> Value<'a> {
    /// A text.
    pub fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    /// The same value, borrowed.
    pub fn borrowed(&'a self) -> Self {
        match self {
            Self::Nil => Self::Nil,
            Self::Text(text) => Self::Text(Cow::Borrowed(text)),
            Self::Int(n) => Self::Int(*n),
            Self::Float(n) => Self::Float(*n),
            Self::Bool(b) => Self::Bool(*b),
            Self::Duration(n) => Self::Duration(*n),
            Self::Status(s) => Self::Status(*s),
            Self::Kind(k) => Self::Kind(*k),
            Self::List(list) => Self::List(list.iter().map(Value::borrowed).collect()),
        }
    }

    /// The same value, kept beyond its span.
    pub fn owned(self) -> Value<'static> {
        match self {
            Self::Nil => Value::Nil,
            Self::Text(text) => Value::Text(Cow::Owned(text.into_owned())),
            Self::Int(n) => Value::Int(n),
            Self::Float(n) => Value::Float(n),
            Self::Bool(b) => Value::Bool(b),
            Self::Duration(n) => Value::Duration(n),
            Self::Status(s) => Value::Status(s),
            Self::Kind(k) => Value::Kind(k),
            Self::List(list) => Value::List(list.into_iter().map(Value::owned).collect()),
        }
    }

    /// As a number, if it is one; durations in nanoseconds.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Int(n) | Self::Duration(n) => Some(*n as f64),
            Self::Float(n) => Some(*n),
            _ => None,
        }
    }

    /// Whether it is true.
    pub const fn is_true(&self) -> bool {
        matches!(self, Self::Bool(true))
    }

    /// As text, the way tag values and messages show it.
    pub fn show(&self) -> String {
        match self {
            Self::Nil => "nil".to_owned(),
            Self::Text(text) => text.clone().into_owned(),
            Self::Int(n) => n.to_string(),
            Self::Float(n) => show_float(*n),
            Self::Bool(b) => b.to_string(),
            Self::Duration(n) => crate::logs::show_duration(*n),
            Self::Status(status) => STATUSES[usize::from(*status)].to_owned(),
            Self::Kind(kind) => KINDS[usize::from(*kind)].to_owned(),
            Self::List(list) => {
                let part = |item: &Self| match item {
                    Self::Text(text) => format!("`{text}`"),
                    other => other.show(),
                };
                let parts: Vec<String> = list.iter().map(part).collect();
                format!("[{}]", parts.join(", "))
            }
        }
    }

    /// The name of its type in tag values.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Bool(_) => "bool",
            Self::Duration(_) => "duration",
            Self::Status(_) | Self::Kind(_) => "keyword",
            _ => "string",
        }
    }

    /// As OTLP has it, under a name.
    pub(crate) fn pair(&self, key: &str) -> KeyValue {
        KeyValue {
            key: key.to_owned(),
            value: Some(self.to_any()),
            ..KeyValue::default()
        }
    }

    fn to_any(&self) -> AnyValue {
        AnyValue {
            value: Some(match self {
                Self::Int(n) => Any::IntValue(*n),
                Self::Float(n) => Any::DoubleValue(*n),
                Self::Bool(b) => Any::BoolValue(*b),
                Self::List(list) => Any::ArrayValue(ArrayValue {
                    values: list.iter().map(Self::to_any).collect(),
                }),
                other => Any::StringValue(other.show()),
            }),
        }
    }
}

/// A number as protobuf's JSON has it: what is no number is a text.
pub(crate) fn json_float(number: f64) -> Json {
    if number.is_nan() {
        json!("NaN")
    } else if number.is_infinite() {
        json!(if number > 0.0 {
            "Infinity"
        } else {
            "-Infinity"
        })
    } else {
        json!(number)
    }
}

/// A number as Go's `%g` with the fewest digits; whole ones keep a `.0`.
fn show_float(number: f64) -> String {
    if number.is_nan() {
        return "NaN".to_owned();
    }
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.to_owned();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let power: i32 = exponent.parse().unwrap_or(0);
    if (-4..6).contains(&power) {
        let plain = number.to_string();
        let whole = !plain.contains('.');
        return if whole { format!("{plain}.0") } else { plain };
    }
    let sign = if power < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", power.abs())
}

/// The type of an expression, as far as it is known before a span is seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Type {
    /// Whatever the attribute holds.
    Attribute,
    Nil,
    Int,
    Float,
    Duration,
    Text,
    Bool,
    Status,
    Kind,
}

impl Type {
    /// Of a value; `None` for lists, which have one for each item.
    pub(crate) const fn of(value: &Value<'_>) -> Option<Self> {
        Some(match value {
            Value::Nil => Self::Nil,
            Value::Text(_) => Self::Text,
            Value::Int(_) => Self::Int,
            Value::Float(_) => Self::Float,
            Value::Bool(_) => Self::Bool,
            Value::Duration(_) => Self::Duration,
            Value::Status(_) => Self::Status,
            Value::Kind(_) => Self::Kind,
            Value::List(_) => return None,
        })
    }

    pub(crate) const fn is_number(self) -> bool {
        matches!(self, Self::Int | Self::Float | Self::Duration)
    }

    /// Whether the two may stand on the sides of any operator.
    pub(crate) fn matches(self, other: Self) -> bool {
        self == other
            || matches!(self, Self::Attribute | Self::Nil)
            || matches!(other, Self::Attribute | Self::Nil)
            || (self.is_number() && other.is_number())
    }

    /// Whether an operator knows this type.
    pub(crate) const fn takes(self, op: Op) -> bool {
        let equality = matches!(op, Op::Equal | Op::NotEqual);
        let order = matches!(
            op,
            Op::Greater | Op::GreaterEqual | Op::Less | Op::LessEqual
        );
        match self {
            Self::Attribute => true,
            Self::Bool => equality || matches!(op, Op::And | Op::Or),
            Self::Int | Self::Float | Self::Duration => equality || order || op.is_arithmetic(),
            Self::Text => equality || order || matches!(op, Op::Regex | Op::NotRegex),
            Self::Nil | Self::Status | Self::Kind => equality,
        }
    }
}

/// One operation. Comparisons of what cannot be compared are false; a division of whole
/// numbers by zero is nothing.
pub(crate) fn compute<'a>(
    op: Op,
    a: &Value<'a>,
    b: &Value<'a>,
    regex: Option<&Regex>,
) -> Value<'a> {
    match (a, b) {
        (Value::List(_), Value::List(_)) => Value::Bool(false),
        (Value::List(list), other) => each(op, list, |item| compute(op, item, other, regex)),
        (other, Value::List(list)) => each(op, list, |item| compute(op, other, item, regex)),
        _ => scalar(op, a, b, regex),
    }
}

/// Over an array: none may be what it must not be, any may be what it shall be.
fn each<'a>(op: Op, list: &[Value<'a>], holds: impl Fn(&Value<'a>) -> Value<'a>) -> Value<'a> {
    if op.is_arithmetic() {
        return Value::Nil;
    }
    Value::Bool(match op {
        Op::NotEqual | Op::NotRegex => list.iter().all(|item| holds(item).is_true()),
        _ => list.iter().any(|item| holds(item).is_true()),
    })
}

fn scalar<'a>(op: Op, a: &Value<'a>, b: &Value<'a>, regex: Option<&Regex>) -> Value<'a> {
    let (Some(x), Some(y)) = (Type::of(a), Type::of(b)) else {
        return Value::Bool(false);
    };
    if !x.matches(y) || !x.takes(op) || !y.takes(op) {
        return Value::Bool(false);
    }
    let nothing = x == Type::Nil || y == Type::Nil;
    Value::Bool(match op {
        Op::Equal => !nothing && equal(a, b),
        Op::NotEqual => !nothing && !equal(a, b),
        Op::Greater => order(a, b) == Some(Ordering::Greater),
        Op::GreaterEqual => order(a, b).is_some_and(Ordering::is_ge),
        Op::Less => order(a, b) == Some(Ordering::Less),
        Op::LessEqual => order(a, b).is_some_and(Ordering::is_le),
        Op::Regex | Op::NotRegex => match (a, regex) {
            (Value::Text(text), Some(regex)) => regex.is_match(text) == (op == Op::Regex),
            _ => false,
        },
        Op::And => a.is_true() && b.is_true(),
        Op::Or => a.is_true() || b.is_true(),
        _ => return arithmetic(op, a, b),
    })
}

fn equal(a: &Value<'_>, b: &Value<'_>) -> bool {
    match (a, b) {
        (Value::Int(a) | Value::Duration(a), Value::Int(b) | Value::Duration(b)) => a == b,
        _ => match (a.number(), b.number()) {
            (Some(a), Some(b)) => a == b,
            _ => a == b,
        },
    }
}

/// The order of two texts or two numbers.
pub(crate) fn order(a: &Value<'_>, b: &Value<'_>) -> Option<Ordering> {
    match (a, b) {
        (Value::Text(a), Value::Text(b)) => Some(a.cmp(b)),
        (Value::Int(a), Value::Int(b)) => Some(a.cmp(b)),
        _ => a.number()?.partial_cmp(&b.number()?),
    }
}

fn arithmetic<'a>(op: Op, a: &Value<'a>, b: &Value<'a>) -> Value<'a> {
    if let (Value::Int(x), Value::Int(y)) = (a, b) {
        return match op {
            Op::Add => Value::Int(x.wrapping_add(*y)),
            Op::Sub => Value::Int(x.wrapping_sub(*y)),
            Op::Mul => Value::Int(x.wrapping_mul(*y)),
            Op::Div if *y == 0 => Value::Nil,
            Op::Mod if *y == 0 => Value::Nil,
            Op::Div => Value::Int(x.wrapping_div(*y)),
            Op::Mod => Value::Int(x.wrapping_rem(*y)),
            // A real server exchanges base and exponent of whole numbers.
            _ => Value::Int((*y as f64).powf(*x as f64) as i64),
        };
    }
    let (Some(x), Some(y)) = (a.number(), b.number()) else {
        return Value::Nil;
    };
    Value::Float(match op {
        Op::Add => x + y,
        Op::Sub => x - y,
        Op::Mul => x * y,
        Op::Div => x / y,
        Op::Mod => x % y,
        _ => x.powf(y),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_go_writes_them() {
        for (number, text) in [
            (1.0, "1.0"),
            (0.5, "0.5"),
            (104.979996, "104.979996"),
            (123_456.0, "123456.0"),
            (1_234_567.8, "1.2345678e+06"),
            (1e21, "1e+21"),
            (1.5e-7, "1.5e-07"),
            (-0.0001, "-0.0001"),
        ] {
            assert_eq!(show_float(number), text);
        }
    }

    #[test]
    fn operators_work_on_what_they_know() {
        let text = |t: &'static str| Value::text(t);
        let list = || Value::List(vec![text("a"), text("b")]);
        for (op, a, b, result) in [
            (Op::Add, Value::Int(2), Value::Int(3), Value::Int(5)),
            (Op::Div, Value::Int(7), Value::Int(2), Value::Int(3)),
            (Op::Div, Value::Int(7), Value::Int(0), Value::Nil),
            (Op::Mod, Value::Int(-7), Value::Int(2), Value::Int(-1)),
            (Op::Add, Value::Int(1), Value::Float(0.5), Value::Float(1.5)),
            (
                Op::Greater,
                Value::Duration(2),
                Value::Int(1),
                Value::Bool(true),
            ),
            (Op::Equal, Value::Int(5), text("5"), Value::Bool(false)),
            (Op::NotEqual, Value::Int(5), text("5"), Value::Bool(false)),
            (Op::NotEqual, Value::Nil, text("5"), Value::Bool(false)),
            (Op::Less, text("a"), text("b"), Value::Bool(true)),
            (
                Op::Greater,
                Value::Kind(1),
                Value::Kind(0),
                Value::Bool(false),
            ),
            (Op::Equal, list(), text("b"), Value::Bool(true)),
            (Op::NotEqual, list(), text("b"), Value::Bool(false)),
            (Op::NotEqual, list(), text("c"), Value::Bool(true)),
            (Op::Equal, text("a"), list(), Value::Bool(true)),
        ] {
            assert_eq!(compute(op, &a, &b, None), result, "{a:?} {op} {b:?}");
        }
    }
}
