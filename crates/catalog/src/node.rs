//! YAML as a tree in which every key and value knows its place.
//!
//! A derive would stop at the first thing that it does not understand; reading
//! into a tree first lets a file's problems be told all at once.

use std::fmt;
use std::ops::Range;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::Spanned;

/// A place in a source, as a range of bytes.
pub(crate) type Place = Range<usize>;

/// A value with its place.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    pub(crate) place: Place,
    pub(crate) kind: NodeKind,
}

/// What a value is.
#[derive(Clone, Debug)]
pub(crate) enum NodeKind {
    /// Text, a number, a truth value or nothing.
    Scalar(Value),
    /// Values in order.
    List(Vec<Node>),
    /// Keys with their places and values.
    Map(Vec<(String, Place, Node)>),
}

impl Node {
    /// The document in `text`, or the place and message of its first syntax error.
    pub(crate) fn parse(text: &str) -> Result<Self, (Place, String)> {
        let options = serde_saphyr::options! { with_snippet: false };
        match serde_saphyr::from_str_with_options::<Spanned<Bare>>(text, options) {
            Ok(spanned) => Ok(located(spanned)),
            Err(error) => {
                let place = error
                    .location()
                    .map_or(0..0, |location| place_of(&location));
                let message = error.to_string();
                let message = message.split(" at line ").next().unwrap_or_default();
                Err((place, message.to_owned()))
            }
        }
    }

    /// What the value is, for an error message.
    pub(crate) fn found(&self) -> String {
        match &self.kind {
            NodeKind::Scalar(Value::Null) => "nothing".to_owned(),
            NodeKind::Scalar(Value::String(text)) => format!("`{text}`"),
            NodeKind::Scalar(value) => format!("`{value}`"),
            NodeKind::List(_) => "a list".to_owned(),
            NodeKind::Map(_) => "a map".to_owned(),
        }
    }
}

fn place_of(location: &serde_saphyr::Location) -> Place {
    let span = location.span();
    let (start, length) = match (span.byte_offset(), span.byte_len()) {
        (Some(start), Some(length)) => (start as usize, length as usize),
        _ => (span.offset() as usize, span.len() as usize),
    };
    start..start + length
}

fn located(spanned: Spanned<Bare>) -> Node {
    Node {
        place: place_of(&spanned.referenced),
        kind: match spanned.value {
            Bare::Scalar(value) => NodeKind::Scalar(value),
            Bare::List(items) => NodeKind::List(items.into_iter().map(located).collect()),
            Bare::Map(entries) => NodeKind::Map(
                entries
                    .into_iter()
                    .map(|(key, value)| (key.value, place_of(&key.referenced), located(value)))
                    .collect(),
            ),
        },
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_and_value_knows_its_place() {
        let text = "name: payment-hangs\nload: { steady: { users: 20 } }\nlist: [a, ü, b]\n";
        let node = Node::parse(text).expect("parsed");
        let NodeKind::Map(entries) = node.kind else {
            panic!("a map");
        };
        let seen: Vec<&str> = entries
            .iter()
            .map(|(_, place, _)| &text[place.clone()])
            .collect();
        assert_eq!(seen, ["name", "load", "list"]);
        assert_eq!(&text[entries[0].2.place.clone()], "payment-hangs");
        let NodeKind::List(items) = &entries[2].2.kind else {
            panic!("a list");
        };
        assert_eq!(&text[items[2].place.clone()], "b");
    }

    #[test]
    fn a_syntax_error_has_its_place() {
        let (place, message) = Node::parse("name: a\nload: { steady: \n").expect_err("unfinished");
        assert!(place.start > 0, "{place:?} {message}");
        assert!(!message.is_empty());
    }
}
