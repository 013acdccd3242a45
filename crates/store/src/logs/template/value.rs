//! The values that templates work with.

use crate::logs::logql::units;

/// A value within a template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Val {
    /// Nothing.
    Nil,
    /// A text.
    Text(String),
    /// A whole number.
    Int(i64),
    /// A number.
    Float(f64),
    /// A truth.
    Bool(bool),
    /// A list.
    List(Vec<Val>),
    /// A map, in order of keys.
    Map(Vec<(String, Val)>),
    /// A point in time, in nanoseconds since the epoch.
    Time(i64),
}

impl Val {
    /// As Go's `%v` prints it.
    pub(crate) fn show(&self) -> String {
        match self {
            Self::Nil => "<no value>".to_owned(),
            Self::Text(text) => text.clone(),
            Self::Int(n) => n.to_string(),
            Self::Float(n) => units::show_float(*n),
            Self::Bool(b) => b.to_string(),
            Self::List(list) => format!(
                "[{}]",
                list.iter().map(Self::show).collect::<Vec<_>>().join(" ")
            ),
            Self::Map(map) => format!(
                "map[{}]",
                map.iter()
                    .map(|(k, v)| format!("{k}:{}", v.show()))
                    .collect::<Vec<_>>()
                    .join(" ")
            ),
            Self::Time(ns) => crate::logs::storage::go_time(*ns),
        }
    }

    /// About how many bytes it is long when it is shown.
    pub(crate) fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::List(list) => list.iter().map(|v| v.size() + 1).sum(),
            Self::Map(map) => map.iter().map(|(k, v)| k.len() + v.size() + 2).sum(),
            _ => 0,
        }
    }

    /// What Go calls its type.
    pub(crate) const fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "<nil>",
            Self::Text(_) => "string",
            Self::Int(_) => "int",
            Self::Float(_) => "float64",
            Self::Bool(_) => "bool",
            Self::List(_) => "[]interface {}",
            Self::Map(_) => "map[string]interface {}",
            Self::Time(_) => "time.Time",
        }
    }

    /// Whether `if` takes it for true.
    pub(crate) fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Text(text) => !text.is_empty(),
            Self::Int(n) => *n != 0,
            Self::Float(n) => *n != 0.0,
            Self::Bool(b) => *b,
            Self::List(list) => !list.is_empty(),
            Self::Map(map) => !map.is_empty(),
            Self::Time(_) => true,
        }
    }

    /// As a whole number; 0 if it is none.
    pub(crate) fn int(&self) -> i64 {
        match self {
            Self::Int(n) | Self::Time(n) => *n,
            Self::Float(n) => *n as i64,
            Self::Bool(b) => i64::from(*b),
            Self::Text(text) => whole(text),
            _ => 0,
        }
    }

    /// As a number; 0 if it is none.
    pub(crate) fn float(&self) -> f64 {
        match self {
            Self::Int(n) | Self::Time(n) => *n as f64,
            Self::Float(n) => *n,
            Self::Bool(b) => f64::from(u8::from(*b)),
            Self::Text(text) => text.trim().parse().unwrap_or(0.0),
            _ => 0.0,
        }
    }

    /// Follows member names.
    pub(crate) fn walk(&self, path: &[String]) -> Self {
        let mut at = self.clone();
        for name in path {
            at = match at {
                Self::Map(map) => map
                    .into_iter()
                    .find(|(key, _)| key == name)
                    .map_or(Self::Nil, |(_, value)| value),
                _ => Self::Nil,
            };
        }
        at
    }

    /// The value of a JSON document.
    pub(crate) fn of_json(json: &serde_json::Value) -> Self {
        use serde_json::Value;
        match json {
            Value::Null => Self::Nil,
            Value::Bool(b) => Self::Bool(*b),
            Value::Number(n) => Self::Float(n.as_f64().unwrap_or(0.0)),
            Value::String(text) => Self::Text(text.clone()),
            Value::Array(list) => Self::List(list.iter().map(Self::of_json).collect()),
            Value::Object(map) => {
                let mut pairs: Vec<_> = map
                    .iter()
                    .map(|(k, v)| (k.clone(), Self::of_json(v)))
                    .collect();
                pairs.sort_by(|a, b| a.0.cmp(&b.0));
                Self::Map(pairs)
            }
        }
    }
}

/// A whole number as Go's `cast.ToInt64` reads one: with a prefix for its base, or with
/// nothing but zeroes after the point; 0 if it is none.
fn whole(text: &str) -> i64 {
    let plain = match text.split_once('.') {
        Some((whole, zeroes)) if zeroes.bytes().all(|b| b == b'0') => whole,
        _ => text,
    };
    let (sign, digits) = match plain.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, plain.strip_prefix('+').unwrap_or(plain)),
    };
    let lower = digits.to_ascii_lowercase();
    let parsed = match lower.as_bytes() {
        [b'0', b'x', ..] => i64::from_str_radix(&lower[2..], 16),
        [b'0', b'b', ..] => i64::from_str_radix(&lower[2..], 2),
        [b'0', b'o', ..] => i64::from_str_radix(&lower[2..], 8),
        [b'0', _, ..] => i64::from_str_radix(&lower[1..], 8),
        _ => lower.parse(),
    };
    parsed.map_or(0, |n| n * sign)
}
