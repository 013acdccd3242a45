//! The fields of a map, taken one by one.

use super::{Decoder, nearest, suggest};
use crate::node::{Node, NodeKind, Place};
use crate::rule::Rule;

/// The fields of one map; what is left is unknown.
pub(crate) struct Fields<'a> {
    place: &'a Place,
    entries: Vec<(&'a str, &'a Place, &'a Node)>,
    known: &'a [(&'static str, &'static str)],
    missing: Vec<&'static str>,
}

impl Decoder {
    /// The fields of a map whose keys are `known`, each with its meaning.
    pub(crate) fn fields<'a>(
        &mut self,
        node: &'a Node,
        expected: &str,
        known: &'a [(&'static str, &'static str)],
    ) -> Option<Fields<'a>> {
        let NodeKind::Map(entries) = &node.kind else {
            return self.expected(node, expected);
        };
        Some(Fields {
            place: &node.place,
            entries: entries
                .iter()
                .map(|(key, place, value)| (key.as_str(), place, value))
                .collect(),
            known,
            missing: Vec::new(),
        })
    }
}

impl<'a> Fields<'a> {
    /// The value of `key`, if it is there.
    pub(crate) fn take(&mut self, key: &'static str) -> Option<&'a Node> {
        let index = self.entries.iter().position(|(name, ..)| *name == key)?;
        let (_, _, node) = self.entries.remove(index);
        Some(node)
    }

    /// The value of `key`; a problem, told by [`Fields::finish`], if it is not there.
    pub(crate) fn need(&mut self, key: &'static str) -> Option<&'a Node> {
        let node = self.take(key);
        if node.is_none() {
            self.missing.push(key);
        }
        node
    }

    /// Leaves what has not been taken unread, and takes it for known.
    pub(crate) fn ignore_known(&mut self) {
        let known = self.known;
        self.entries
            .retain(|(key, ..)| !known.iter().any(|(name, _)| name == key));
    }

    /// Notes what is missing, and what is not known.
    pub(crate) fn finish(mut self, decoder: &mut Decoder) {
        let names: Vec<&str> = self.known.iter().map(|(name, _)| *name).collect();
        for (key, place, _) in &self.entries {
            // A key that was misspelt is not missing as well.
            if let Some(meant) = nearest(key, &names) {
                self.missing.retain(|name| name != meant);
            }
            let message = format!("`{key}` is not known here");
            decoder.problem(Rule::UnknownKey, place, message, Some(suggest(key, &names)));
        }
        if self.missing.is_empty() {
            return;
        }
        let missing = self
            .known
            .iter()
            .filter(|(name, _)| self.missing.contains(name));
        let keys: Vec<String> = missing
            .clone()
            .map(|(name, _)| format!("`{name}`"))
            .collect();
        let help: Vec<String> = missing
            .map(|(name, meaning)| format!("`{name}`: {meaning}"))
            .collect();
        let are = if keys.len() == 1 { "is" } else { "are" };
        let message = format!("{} {are} missing", enumerated(&keys));
        let start = self.place.start..self.place.start;
        decoder.problem(Rule::MissingKey, &start, message, Some(help.join("\n")));
    }
}

/// `a`, `a and b`, `a, b and c`.
fn enumerated(parts: &[String]) -> String {
    match parts.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} and {last}", rest.join(", ")),
        _ => parts.concat(),
    }
}
