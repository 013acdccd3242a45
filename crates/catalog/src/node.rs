//! YAML as a tree in which every key and value knows its place.
//!
//! A derive would stop at the first thing that it does not understand; reading
//! into a tree first lets a file's problems be told all at once.

use std::fmt;
use std::ops::Range;

use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::Value;
use serde_saphyr::{DuplicateKeyPolicy, Spanned};

use crate::rule::Rule;
use crate::syntax::Syntax;

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
    /// The document in `text`, or what is wrong with its syntax; both where a
    /// key stands twice: the first of the two is then taken.
    pub(crate) fn parse(text: &str) -> (Option<Self>, Option<Syntax>) {
        match read(text, DuplicateKeyPolicy::Error) {
            Ok(spanned) => (Some(located(spanned)), None),
            Err(error) => {
                let syntax = Syntax::of(&error, text);
                let rest = match syntax.rule {
                    Rule::RepeatedKey => read(text, DuplicateKeyPolicy::FirstWins).ok(),
                    _ => None,
                };
                (rest.map(located), Some(syntax))
            }
        }
    }

    /// The value behind `key` of a map.
    pub(crate) fn get(&self, key: &str) -> Option<&Self> {
        let NodeKind::Map(entries) = &self.kind else {
            return None;
        };
        let entry = entries.iter().find(|(name, ..)| name == key);
        entry.map(|(.., value)| value)
    }

    /// The text of a scalar that is one.
    pub(crate) fn text(&self) -> Option<&str> {
        match &self.kind {
            NodeKind::Scalar(Value::String(text)) => Some(text),
            _ => None,
        }
    }

    /// The place of what `path` leads to, such as `timeline/0/for`: keys, and
    /// indices from 0. Where it is not there, the place of what holds it.
    pub(crate) fn place_of(&self, path: &str) -> Place {
        let mut node = self;
        for part in path.split('/') {
            let next = match &node.kind {
                NodeKind::Map(_) => node.get(part),
                NodeKind::List(items) => part.parse().ok().and_then(|at: usize| items.get(at)),
                NodeKind::Scalar(_) => None,
            };
            match next {
                Some(next) => node = next,
                None => break,
            }
        }
        node.place.clone()
    }

    /// What the value is, for an error message.
    pub(crate) fn found(&self) -> String {
        match &self.kind {
            NodeKind::Scalar(Value::Null) => "nothing".to_owned(),
            NodeKind::Scalar(Value::String(text)) if text.parse::<f64>().is_ok() => {
                format!("the text `{text}`")
            }
            NodeKind::Scalar(Value::String(text)) => format!("`{text}`"),
            NodeKind::Scalar(value) => format!("`{value}`"),
            NodeKind::List(_) => "a list".to_owned(),
            NodeKind::Map(_) => "a map".to_owned(),
        }
    }
}

/// Far more than any authored file has, and little enough to read at once.
const MOST_NODES: usize = 50_000;
/// Far deeper than any authored file is, and flat enough for a thread's stack.
const DEEPEST: usize = 24;

fn read(
    text: &str,
    duplicate_keys: DuplicateKeyPolicy,
) -> Result<Spanned<Bare>, serde_saphyr::Error> {
    let budget = serde_saphyr::budget! { max_nodes: MOST_NODES, max_events: 4 * MOST_NODES, max_depth: DEEPEST, };
    let alias_limits = serde_saphyr::alias_limits! { max_total_replayed_events: MOST_NODES };
    let options = serde_saphyr::options! {
        with_snippet: false,
        duplicate_keys: duplicate_keys,
        reject_unsupported_tags: true,
        budget: budget,
        alias_limits: alias_limits,
    };
    serde_saphyr::from_str_with_options(text, options)
}

pub(crate) fn place_of(location: &serde_saphyr::Location) -> Place {
    let span = location.span();
    let (start, length) = match (span.byte_offset(), span.byte_len()) {
        (Some(start), Some(length)) => (start as usize, length as usize),
        _ => (span.offset() as usize, span.len() as usize),
    };
    start..start + length
}

fn located(spanned: Spanned<Bare>) -> Node {
    let place = place_of(&spanned.referenced);
    node(spanned, place)
}

fn node(spanned: Spanned<Bare>, place: Place) -> Node {
    let parent = place_of(&spanned.referenced);
    let child = |spanned: Spanned<Bare>| {
        let place = place_within(&parent, &spanned);
        node(spanned, place)
    };
    let kind = match spanned.value {
        Bare::Scalar(value) => NodeKind::Scalar(value),
        Bare::List(items) => NodeKind::List(items.into_iter().map(child).collect()),
        Bare::Map(entries) => NodeKind::Map(
            entries
                .into_iter()
                .map(|(key, value)| {
                    let place = place_within(&parent, &key);
                    (key.value, place, child(value))
                })
                .collect(),
        ),
    };
    Node { place, kind }
}

/// Everything that an alias repeats is at the place of the alias: below it,
/// parts are shown where they are written.
fn place_within<T>(parent: &Place, spanned: &Spanned<T>) -> Place {
    let place = place_of(&spanned.referenced);
    if place == *parent {
        place_of(&spanned.defined)
    } else {
        place
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
        let node = Node::parse(text).0.expect("parsed");
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
        let (node, syntax) = Node::parse("name: a\nload: { steady: \n");
        assert!(node.is_none());
        let syntax = syntax.expect("unfinished");
        assert!(syntax.place.start > 0, "{syntax:?}");
    }
}
