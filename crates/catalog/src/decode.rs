//! From a located tree to the model's words, telling every problem on the way.

use std::str::FromStr;

use model::{Backend, ParseScalarError, QueryCheck};
use serde_json::Value;

use crate::node::{Node, NodeKind, Place};
use crate::problem::{Problems, Source};

/// Collects problems while a document is read.
pub(crate) struct Decoder {
    problems: Problems,
}

/// The fields of one map, taken one by one; what is left is unknown.
pub(crate) struct Fields<'a> {
    place: &'a Place,
    entries: Vec<(&'a str, &'a Place, &'a Node)>,
    known: Vec<&'static str>,
}

/// Reads `source` with `read`; gives its value only if there was no problem.
pub(crate) fn document<T>(
    source: &Source,
    read: impl FnOnce(&mut Decoder, &Node) -> Option<T>,
) -> Result<T, Problems> {
    let mut decoder = Decoder {
        problems: Problems::new(source.clone()),
    };
    let value = match Node::parse(source.text()) {
        Ok(node) => read(&mut decoder, &node),
        Err((place, message)) => {
            decoder.problem(&place, format!("this is not YAML: {message}"), None);
            None
        }
    };
    decoder.problems.or(value)
}

impl Decoder {
    /// Notes a problem.
    pub(crate) fn problem(&mut self, place: &Place, message: String, help: Option<String>) {
        self.problems.add(place, message, help);
    }

    /// Notes that `node` is not what was expected.
    pub(crate) fn expected<T>(&mut self, node: &Node, expected: &str) -> Option<T> {
        let message = format!("expected {expected}, found {}", node.found());
        self.problem(&node.place, message, None);
        None
    }

    /// The fields of a map.
    pub(crate) fn fields<'a>(&mut self, node: &'a Node, expected: &str) -> Option<Fields<'a>> {
        let NodeKind::Map(entries) = &node.kind else {
            return self.expected(node, expected);
        };
        let mut seen: Vec<(&str, &Place, &Node)> = Vec::new();
        for (key, place, value) in entries {
            if seen.iter().any(|(other, ..)| other == key) {
                self.problem(place, format!("`{key}` stands here twice"), None);
            } else {
                seen.push((key, place, value));
            }
        }
        Some(Fields {
            place: &node.place,
            entries: seen,
            known: Vec::new(),
        })
    }

    /// A map with exactly one key, which names a variant.
    pub(crate) fn one_key<'a>(
        &mut self,
        node: &'a Node,
        expected: &str,
    ) -> Option<(&'a str, &'a Place, &'a Node)> {
        match &node.kind {
            NodeKind::Map(entries) if entries.len() == 1 => {
                let (key, place, value) = &entries[0];
                Some((key, place, value))
            }
            NodeKind::Map(entries) if entries.len() > 1 => {
                let (key, place, _) = &entries[1];
                let help = format!("expected {expected}, as a map with one key");
                self.problem(place, format!("`{key}` is one key too many"), Some(help));
                None
            }
            _ => self.expected(node, &format!("{expected}, as a map with one key")),
        }
    }

    /// The items of a list, each read by `read`; those that fail are left out.
    pub(crate) fn list<T>(
        &mut self,
        node: &Node,
        expected: &str,
        mut read: impl FnMut(&mut Self, &Node) -> Option<T>,
    ) -> Option<Vec<T>> {
        let NodeKind::List(items) = &node.kind else {
            return self.expected(node, expected);
        };
        Some(items.iter().filter_map(|item| read(self, item)).collect())
    }

    /// Text; a number or truth value is taken as it was written.
    pub(crate) fn text(&mut self, node: &Node, expected: &str) -> Option<String> {
        match &node.kind {
            NodeKind::Scalar(Value::String(text)) => Some(text.clone()),
            NodeKind::Scalar(value @ (Value::Number(_) | Value::Bool(_))) => {
                Some(value.to_string())
            }
            _ => self.expected(node, expected),
        }
    }

    /// A query that `check` has nothing against.
    pub(crate) fn query(
        &mut self,
        node: &Node,
        backend: Backend,
        check: Option<QueryCheck>,
    ) -> Option<String> {
        let text = self.text(node, "a query")?;
        match check.map_or(Ok(()), |check| check(backend, &text)) {
            Ok(()) => Some(text),
            Err(why) => {
                self.problem(&node.place, format!("this is no query: {why}"), None);
                None
            }
        }
    }

    /// A scalar that parses: a period, a share.
    pub(crate) fn scalar<T: FromStr<Err = ParseScalarError>>(&mut self, node: &Node) -> Option<T> {
        let text = match &node.kind {
            NodeKind::Scalar(Value::Null) | NodeKind::List(_) | NodeKind::Map(_) => node.found(),
            NodeKind::Scalar(Value::String(text)) => text.clone(),
            NodeKind::Scalar(value) => value.to_string(),
        };
        match text.parse() {
            Ok(value) => Some(value),
            Err(error) => {
                self.problem(&node.place, error.to_string(), None);
                None
            }
        }
    }

    /// A whole number between two bounds.
    pub(crate) fn count(&mut self, node: &Node, min: u64, max: u64) -> Option<u64> {
        match &node.kind {
            NodeKind::Scalar(Value::Number(number)) => number
                .as_u64()
                .filter(|number| (min..=max).contains(number))
                .or_else(|| self.expected(node, &format!("a whole number from {min} to {max}"))),
            _ => self.expected(node, &format!("a whole number from {min} to {max}")),
        }
    }

    /// One of `names`; `what` says of what kind, such as "service of sock-shop".
    pub(crate) fn one_of<'n, T: AsRef<str>>(
        &mut self,
        node: &Node,
        what: &str,
        names: &'n [T],
    ) -> Option<&'n T> {
        let text = self.text(node, &format!("the name of a {what}"))?;
        let found = names.iter().find(|name| name.as_ref() == text);
        if found.is_none() {
            self.unknown(&node.place, &text, what, names);
        }
        found
    }

    /// Notes that `text` is not one of `names`.
    pub(crate) fn unknown<T: AsRef<str>>(
        &mut self,
        place: &Place,
        text: &str,
        what: &str,
        names: &[T],
    ) {
        let message = format!("there is no {what} called `{text}`");
        self.problem(place, message, Some(suggest(text, names)));
    }
}

impl<'a> Fields<'a> {
    /// The value of `key`, if it is there and is not empty.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<&'a Node> {
        self.known.push(key);
        let index = self.entries.iter().position(|(name, ..)| *name == key)?;
        let (_, _, node) = self.entries.remove(index);
        Some(node)
    }

    /// The value of `key`; a problem if it is not there.
    pub(crate) fn need(&mut self, decoder: &mut Decoder, key: &'static str) -> Option<&'a Node> {
        let node = self.take(key);
        if node.is_none() {
            let start = self.place.start..self.place.start;
            decoder.problem(&start, format!("`{key}` is missing"), None);
        }
        node
    }

    /// Notes what was not taken.
    pub(crate) fn finish(self, decoder: &mut Decoder) {
        for (key, place, _) in &self.entries {
            let message = format!("`{key}` is not known here");
            decoder.problem(place, message, Some(suggest(key, &self.known)));
        }
    }
}

/// The nearest of `names` to `text`, or all of them where none is near.
fn suggest<T: AsRef<str>>(text: &str, names: &[T]) -> String {
    let nearest = names
        .iter()
        .map(|name| (strsim::damerau_levenshtein(text, name.as_ref()), name))
        .min_by_key(|(distance, _)| *distance);
    match nearest {
        Some((distance, name)) if distance <= 1 + text.chars().count() / 3 => {
            format!("did you mean `{}`?", name.as_ref())
        }
        Some(_) => {
            let mut names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
            names.sort_unstable();
            format!("known: {}", names.join(", "))
        }
        None => "there is none".to_owned(),
    }
}
