//! YAML as a tree in which every key and value knows its line and column.

use std::fmt;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::Spanned;

/// A value with its place.
#[derive(Clone, Debug)]
pub(super) struct Tree {
    pub(super) line: usize,
    pub(super) column: usize,
    pub(super) node: Node,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(super) enum Node {
    Scalar(Value),
    List(Vec<Tree>),
    /// Keys with their places and values.
    Map(Vec<(String, (usize, usize), Tree)>),
}

impl Tree {
    /// The document, or line, column and message of its first syntax error.
    pub(super) fn parse(text: &str) -> Result<Self, (usize, usize, String)> {
        let options = serde_saphyr::options! { with_snippet: false };
        serde_saphyr::from_str_with_options::<Spanned<Bare>>(text, options)
            .map(located)
            .map_err(|error| {
                let (line, column) = error.location().map_or((1, 1), |location| place(&location));
                let message = error.to_string();
                let message = message
                    .split(" at line ")
                    .next()
                    .unwrap_or_default()
                    .to_owned();
                (line, column, message)
            })
    }

    pub(super) fn is_null(&self) -> bool {
        matches!(self.node, Node::Scalar(Value::Null))
    }

    /// Where it stands.
    pub(super) fn place(&self) -> (usize, usize) {
        (self.line, self.column)
    }

    /// The value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Tree> {
        match &self.node {
            Node::Map(entries) => entries
                .iter()
                .find(|(name, ..)| name == key)
                .map(|(.., value)| value),
            _ => None,
        }
    }

    /// The text, when it is one.
    pub(super) fn text(&self) -> Option<&str> {
        match &self.node {
            Node::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// What the value is, for a message.
    pub(super) fn found(&self) -> String {
        match &self.node {
            Node::Scalar(Value::Null) => "nothing".to_owned(),
            Node::Scalar(Value::String(text)) => format!("the text `{text}`"),
            Node::Scalar(value) => format!("`{value}`"),
            Node::List(_) => "a list".to_owned(),
            Node::Map(_) => "a map".to_owned(),
        }
    }

    /// The value without its places.
    pub(super) fn value(&self) -> Value {
        match &self.node {
            Node::Scalar(value) => value.clone(),
            Node::List(items) => items.iter().map(Self::value).collect(),
            Node::Map(entries) => {
                let entries = entries
                    .iter()
                    .map(|(key, _, value)| (key.clone(), value.value()));
                Value::Object(entries.collect())
            }
        }
    }
}

fn place(location: &serde_saphyr::Location) -> (usize, usize) {
    let number = |value: u64| usize::try_from(value).unwrap_or(1);
    (number(location.line()), number(location.column()))
}

fn located(spanned: Spanned<Bare>) -> Tree {
    let (line, column) = place(&spanned.referenced);
    let node = match spanned.value {
        Bare::Scalar(value) => Node::Scalar(value),
        Bare::List(items) => Node::List(items.into_iter().map(located).collect()),
        Bare::Map(entries) => Node::Map(
            entries
                .into_iter()
                .map(|(key, value)| (key.value, place(&key.referenced), located(value)))
                .collect(),
        ),
    };
    Tree { line, column, node }
}

/// A value whose children are located and which itself is not.
enum Bare {
    Scalar(Value),
    List(Vec<Spanned<Bare>>),
    Map(Vec<(Spanned<String>, Spanned<Bare>)>),
}

impl<'de> Deserialize<'de> for Bare {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(BareVisitor)
    }
}

struct BareVisitor;

impl<'de> Visitor<'de> for BareVisitor {
    type Value = Bare;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("any YAML value")
    }

    fn visit_bool<E: de::Error>(self, value: bool) -> Result<Bare, E> {
        Ok(Bare::Scalar(value.into()))
    }

    fn visit_i64<E: de::Error>(self, value: i64) -> Result<Bare, E> {
        Ok(Bare::Scalar(value.into()))
    }

    fn visit_u64<E: de::Error>(self, value: u64) -> Result<Bare, E> {
        Ok(Bare::Scalar(value.into()))
    }

    fn visit_f64<E: de::Error>(self, value: f64) -> Result<Bare, E> {
        Ok(Bare::Scalar(value.into()))
    }

    fn visit_str<E: de::Error>(self, value: &str) -> Result<Bare, E> {
        Ok(Bare::Scalar(value.into()))
    }

    fn visit_unit<E: de::Error>(self) -> Result<Bare, E> {
        Ok(Bare::Scalar(Value::Null))
    }

    fn visit_none<E: de::Error>(self) -> Result<Bare, E> {
        Ok(Bare::Scalar(Value::Null))
    }

    fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Bare, D::Error> {
        Bare::deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Bare, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = access.next_element()? {
            items.push(item);
        }
        Ok(Bare::List(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Bare, A::Error> {
        let mut entries = Vec::new();
        while let Some(entry) = access.next_entry()? {
            entries.push(entry);
        }
        Ok(Bare::Map(entries))
    }
}
