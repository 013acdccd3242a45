//! From a located tree to the model's words, telling every problem on the way.

mod fields;

use std::str::FromStr;

use model::{Backend, ParseScalarError, Period, QueryCheck};
use serde_json::Value;

pub(crate) use fields::Fields;

use crate::keys::{self, Keys};
use crate::node::{Node, NodeKind, Place};
use crate::problem::{Problems, Source};
use crate::rule::Rule;

/// Collects problems while a document is read.
pub(crate) struct Decoder {
    problems: Problems,
}

/// What came of reading a document.
pub(crate) struct Reading<T> {
    /// The tree, where the text is YAML.
    pub(crate) node: Option<Node>,
    /// The value, where nothing that it needs is wrong.
    pub(crate) value: Option<T>,
    /// Collects what is found later.
    pub(crate) decoder: Decoder,
}

/// Reads `source` with `read`.
pub(crate) fn document<T>(
    source: &Source,
    read: impl FnOnce(&mut Decoder, &Node) -> Option<T>,
) -> Reading<T> {
    let mut decoder = Decoder {
        problems: Problems::new(source.clone()),
    };
    let (node, syntax) = Node::parse(source.text());
    if let Some(found) = syntax {
        let help = found.help.map(str::to_owned);
        decoder.problem(found.rule, &found.place, found.message, help);
    }
    let value = match &node {
        Some(node) if matches!(node.kind, NodeKind::Scalar(Value::Null)) => {
            let help = "`shoplab scenario new NAME` writes a file to start from".to_owned();
            let message = "there is nothing in this file".to_owned();
            decoder.problem(Rule::WrongKind, &(0..0), message, Some(help));
            None
        }
        Some(node) => read(&mut decoder, node),
        None => None,
    };
    Reading {
        node,
        value,
        decoder,
    }
}

impl<T> Reading<T> {
    /// The value, if there was no error.
    pub(crate) fn result(self) -> Result<T, Problems> {
        let problems = self.decoder.problems;
        match self.value {
            Some(value) if !problems.any_error() => Ok(value),
            _ => Err(problems.sorted().only_errors()),
        }
    }

    /// Everything that was found.
    pub(crate) fn problems(self) -> Problems {
        self.decoder.problems.sorted()
    }
}

impl Decoder {
    /// Whether something makes the file unusable.
    pub(crate) fn any_error(&self) -> bool {
        self.problems.any_error()
    }

    /// Notes a problem.
    pub(crate) fn problem(
        &mut self,
        rule: Rule,
        place: &Place,
        message: String,
        help: Option<String>,
    ) {
        self.problems.add(rule, place, message, help);
    }

    /// Notes that `node` has not the form that was expected.
    pub(crate) fn expected<T>(&mut self, node: &Node, expected: &str) -> Option<T> {
        self.not_as(Rule::WrongKind, node, expected)
    }

    /// Notes that the value of `node` is not what was expected.
    pub(crate) fn wrong<T>(&mut self, node: &Node, expected: &str) -> Option<T> {
        let rule = match node.kind {
            NodeKind::Scalar(_) => Rule::WrongValue,
            NodeKind::List(_) | NodeKind::Map(_) => Rule::WrongKind,
        };
        self.not_as(rule, node, expected)
    }

    fn not_as<T>(&mut self, rule: Rule, node: &Node, expected: &str) -> Option<T> {
        let message = format!("expected {expected}, found {}", self.found(node));
        self.problem(rule, &node.place, message, None);
        None
    }

    /// What the value is: numbers and truth values as they were written.
    fn found(&self, node: &Node) -> String {
        let written = self.problems.text_at(&node.place);
        match &node.kind {
            NodeKind::Scalar(Value::Number(_) | Value::Bool(_)) if !written.is_empty() => {
                format!("`{written}`")
            }
            _ => node.found(),
        }
    }

    /// Notes that two statements cannot both be true.
    pub(crate) fn contradiction<T>(&mut self, place: &Place, message: String) -> Option<T> {
        self.problem(Rule::Contradiction, place, message, None);
        None
    }

    /// A map with exactly one key, which names a variant.
    pub(crate) fn one_key<'a>(
        &mut self,
        node: &'a Node,
        expected: &str,
    ) -> Option<(&'a str, &'a Place, &'a Node)> {
        let NodeKind::Map(entries) = &node.kind else {
            let expected = format!("{expected}, as a map with one key");
            return self.not_as(Rule::NotOneKey, node, &expected);
        };
        match entries.as_slice() {
            [(key, place, value)] => Some((key, place, value)),
            [(first, ..), (key, place, _), ..] => {
                let help = format!("expected {expected}, as a map with one key");
                let message = format!("`{key}` is one key too many beside `{first}`");
                self.problem(Rule::NotOneKey, place, message, Some(help));
                None
            }
            [] => {
                let message = format!("expected {expected}, found an empty map");
                self.problem(Rule::NotOneKey, &node.place, message, None);
                None
            }
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

    /// The items of a list as [`Decoder::list`] gives them; at least one has to be there.
    pub(crate) fn some<T>(
        &mut self,
        node: &Node,
        expected: &str,
        read: impl FnMut(&mut Self, &Node) -> Option<T>,
    ) -> Option<Vec<T>> {
        if matches!(&node.kind, NodeKind::List(items) if items.is_empty()) {
            let message = format!("expected {expected}, at least one of them, found none");
            self.problem(Rule::WrongValue, &node.place, message, None);
            return None;
        }
        self.list(node, expected, read)
    }

    /// Nothing, or an empty map: what has no arguments.
    pub(crate) fn nothing(&mut self, node: &Node) -> Option<()> {
        match &node.kind {
            NodeKind::Scalar(Value::Null) => Some(()),
            NodeKind::Map(entries) if entries.is_empty() => Some(()),
            _ => self.wrong(node, "nothing, written as `{}`"),
        }
    }

    /// Text; a number or truth value is taken as it was written.
    pub(crate) fn text(&mut self, node: &Node, expected: &str) -> Option<String> {
        match &node.kind {
            NodeKind::Scalar(Value::String(text)) if text.trim().is_empty() => {
                let message = format!("expected {expected}, found empty text");
                self.problem(Rule::WrongValue, &node.place, message, None);
                None
            }
            NodeKind::Scalar(Value::String(text)) => Some(text.clone()),
            NodeKind::Scalar(value @ (Value::Number(_) | Value::Bool(_))) => {
                Some(value.to_string())
            }
            _ => self.wrong(node, expected),
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
                let message = format!("this is no query: {why}");
                self.problem(Rule::BadQuery, &node.place, message, None);
                None
            }
        }
    }

    /// A scalar that parses: a period, a share.
    pub(crate) fn scalar<T: FromStr<Err = ParseScalarError>>(&mut self, node: &Node) -> Option<T> {
        let text = match &node.kind {
            NodeKind::Scalar(Value::String(text)) => text.clone(),
            NodeKind::Scalar(Value::Null) | NodeKind::List(_) | NodeKind::Map(_) => String::new(),
            NodeKind::Scalar(value) => value.to_string(),
        };
        match text.parse() {
            Ok(value) => Some(value),
            Err(ParseScalarError { expected, .. }) => self.wrong(node, expected),
        }
    }

    /// A length of time that is longer than nothing.
    pub(crate) fn positive(&mut self, node: &Node) -> Option<Period> {
        let period: Period = self.scalar(node)?;
        if period == Period::ZERO {
            return self.wrong(node, "a length of time longer than nothing");
        }
        Some(period)
    }

    /// A whole number between two bounds.
    pub(crate) fn count(&mut self, node: &Node, min: u64, max: u64) -> Option<u64> {
        let number = match &node.kind {
            NodeKind::Scalar(Value::Number(number)) => number.as_u64(),
            _ => None,
        };
        number
            .filter(|number| (min..=max).contains(number))
            .or_else(|| self.wrong(node, &format!("a whole number from {min} to {max}")))
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
        let help = suggest(text, names);
        self.problem(Rule::UnknownName, place, message, Some(help));
    }

    /// Notes that `text` is none of the variants `keys`.
    pub(crate) fn unknown_key(&mut self, place: &Place, text: &str, what: &str, keys: Keys) {
        let message = format!("there is no {what} called `{text}`");
        let help = suggest(text, &keys::names(keys));
        self.problem(Rule::UnknownKey, place, message, Some(help));
    }
}

/// The nearest of `names` to `text`, where one is near enough to be meant.
pub(crate) fn nearest<'n, T: AsRef<str>>(text: &str, names: &'n [T]) -> Option<&'n T> {
    let text = text.to_lowercase();
    names
        .iter()
        .map(|name| {
            let known = name.as_ref().to_lowercase();
            (strsim::damerau_levenshtein(&text, &known), name)
        })
        .min_by_key(|(distance, _)| *distance)
        .filter(|(distance, _)| *distance <= 1 + text.chars().count() / 3)
        .map(|(_, name)| name)
}

/// The nearest of `names` to `text`, or all of them where none is near.
fn suggest<T: AsRef<str>>(text: &str, names: &[T]) -> String {
    if names.is_empty() {
        return "there is none".to_owned();
    }
    if let Some(name) = nearest(text, names) {
        return format!("did you mean `{}`?", name.as_ref());
    }
    let mut names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    names.sort_unstable();
    format!("known: {}", names.join(", "))
}
