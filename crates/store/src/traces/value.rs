//! The values of attributes and expressions.

use std::cmp::Ordering;

use opentelemetry_proto::tonic::common::v1::{AnyValue, any_value};
use serde_json::{Value as Json, json};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
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
    /// A length of time, in nanoseconds.
    Duration(i64),
    /// `unset`, `ok` or `error`.
    Status(&'static str),
    /// `unspecified`, `internal`, `server`, `client`, `producer` or `consumer`.
    Kind(&'static str),
    /// Several values.
    List(Vec<Value>),
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

impl Value {
    /// An attribute's value.
    pub fn of(any: Option<&AnyValue>) -> Self {
        use any_value::Value as Any;
        match any.and_then(|any| any.value.as_ref()) {
            Some(Any::StringValue(text)) => Self::Text(text.clone()),
            Some(Any::BoolValue(b)) => Self::Bool(*b),
            Some(Any::IntValue(n)) => Self::Int(*n),
            Some(Any::DoubleValue(n)) => Self::Float(*n),
            Some(Any::ArrayValue(list)) => {
                Self::List(list.values.iter().map(|v| Self::of(Some(v))).collect())
            }
            Some(_) => any.map_or(Self::Nil, |any| Self::Text(crate::otlp::show(any))),
            None => Self::Nil,
        }
    }

    /// As a number, if it is one.
    pub fn number(&self) -> Option<f64> {
        match self {
            Self::Int(n) | Self::Duration(n) => Some(*n as f64),
            Self::Float(n) => Some(*n),
            _ => None,
        }
    }

    /// The order of two values of one kind.
    pub fn order(&self, other: &Self) -> Option<Ordering> {
        match (self, other) {
            (Self::Text(a), Self::Text(b)) => Some(a.cmp(b)),
            (Self::Bool(a), Self::Bool(b)) => Some(a.cmp(b)),
            (Self::Status(a), Self::Status(b)) => {
                let place = |s| STATUSES.iter().position(|name| *name == s);
                Some(place(*a).cmp(&place(*b)))
            }
            (Self::Kind(a), Self::Kind(b)) => {
                let place = |s| KINDS.iter().position(|name| *name == s);
                Some(place(*a).cmp(&place(*b)))
            }
            (Self::Int(a) | Self::Duration(a), Self::Int(b) | Self::Duration(b)) => Some(a.cmp(b)),
            _ => self.number()?.partial_cmp(&other.number()?),
        }
    }

    /// As text, the way tag values show it.
    pub fn show(&self) -> String {
        match self {
            Self::Nil => "nil".to_owned(),
            Self::Text(text) => text.clone(),
            Self::Int(n) => n.to_string(),
            Self::Float(n) => crate::logs::show_float(*n),
            Self::Bool(b) => b.to_string(),
            Self::Duration(n) => crate::logs::show_duration(*n),
            Self::Status(name) | Self::Kind(name) => (*name).to_owned(),
            Self::List(list) => {
                let parts: Vec<String> = list.iter().map(Self::show).collect();
                format!("[{}]", parts.join(", "))
            }
        }
    }

    /// The name of its type in tag values.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Int(_) => "int",
            Self::Float(_) => "float",
            Self::Bool(_) => "bool",
            Self::Duration(_) => "duration",
            Self::Status(_) | Self::Kind(_) => "keyword",
            _ => "string",
        }
    }

    /// As OTLP's JSON has it.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Int(n) => json!({"intValue": n.to_string()}),
            Self::Float(n) => json!({"doubleValue": n}),
            Self::Bool(b) => json!({"boolValue": b}),
            Self::List(list) => {
                let values: Vec<Json> = list.iter().map(Self::to_json).collect();
                json!({"arrayValue": {"values": values}})
            }
            other => json!({"stringValue": other.show()}),
        }
    }
}
