//! The values that templates work with.

use std::collections::BTreeMap;

use crate::metrics::text::{general, quote};

/// A value within a template.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    Nil,
    Bool(bool),
    Int(i64),
    Number(f64),
    Text(String),
    List(Vec<Self>),
    Map(BTreeMap<String, Self>),
}

impl Value {
    /// As Go's `%v` prints it.
    pub(super) fn text(&self) -> String {
        let list = |items: Vec<String>| items.join(" ");
        match self {
            Self::Nil => "<no value>".to_owned(),
            Self::Bool(b) => b.to_string(),
            Self::Int(n) => n.to_string(),
            Self::Number(n) => general(*n),
            Self::Text(t) => t.clone(),
            Self::List(items) => format!("[{}]", list(items.iter().map(Self::text).collect())),
            Self::Map(map) => {
                let pairs = map.iter().map(|(n, v)| format!("{n}:{}", v.text()));
                format!("map[{}]", list(pairs.collect()))
            }
        }
    }

    /// About how many bytes it is long when it is shown.
    pub(super) fn size(&self) -> usize {
        match self {
            Self::Text(text) => text.len(),
            Self::List(items) => items.iter().map(|v| v.size() + 1).sum(),
            Self::Map(map) => map.iter().map(|(n, v)| n.len() + v.size() + 2).sum(),
            _ => 0,
        }
    }

    /// How many lists and maps are within each other.
    pub(super) fn depth(&self) -> usize {
        let deepest = match self {
            Self::List(items) => items.iter().map(Self::depth).max(),
            Self::Map(map) => map.values().map(Self::depth).max(),
            _ => return 0,
        };
        deepest.unwrap_or(0) + 1
    }

    /// As a number, which a text may tell too.
    pub(super) fn number(&self) -> Result<f64, String> {
        match self {
            Self::Number(n) => Ok(*n),
            #[expect(
                clippy::cast_precision_loss,
                reason = "as a conversion to float64 does"
            )]
            Self::Int(n) => Ok(*n as f64),
            Self::Text(t) => {
                let parsed = t.trim().parse();
                parsed.map_err(|_| {
                    format!("strconv.ParseFloat: parsing {}: invalid syntax", quote(t))
                })
            }
            other => Err(format!("can't convert {} to float", other.kind())),
        }
    }

    /// Whether `if` takes it for true.
    pub(super) fn truth(&self) -> bool {
        match self {
            Self::Nil => false,
            Self::Bool(b) => *b,
            Self::Int(n) => *n != 0,
            Self::Number(n) => *n != 0.0,
            Self::Text(t) => !t.is_empty(),
            Self::List(items) => !items.is_empty(),
            Self::Map(map) => !map.is_empty(),
        }
    }

    /// Go's name of its type.
    pub(super) const fn kind(&self) -> &'static str {
        match self {
            Self::Nil => "<nil>",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int",
            Self::Number(_) => "float64",
            Self::Text(_) => "string",
            Self::List(_) => "[]interface {}",
            Self::Map(_) => "map[string]interface {}",
        }
    }

    /// A field or an entry; an entry that is not there is empty.
    pub(super) fn field(&self, name: &str) -> Result<Self, String> {
        match self {
            Self::Map(map) => Ok(map.get(name).cloned().unwrap_or(Self::Text(String::new()))),
            other => Err(format!(
                "can't evaluate field {name} in type {}",
                other.kind()
            )),
        }
    }
}
