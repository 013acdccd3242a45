//! What the YAML reader complains of, in an author's words.

use serde_saphyr::Error;

use crate::node::{Place, place_of};
use crate::rule::Rule;

/// What is wrong with a file before anybody looks at what it says.
#[derive(Debug)]
pub(crate) struct Syntax {
    pub(crate) rule: Rule,
    pub(crate) place: Place,
    pub(crate) message: String,
    pub(crate) help: Option<&'static str>,
}

impl Syntax {
    /// The complaint behind `error` about `text`.
    pub(crate) fn of(error: &Error, text: &str) -> Self {
        let error = error.without_snippet();
        let (rule, message, help) = words(error);
        let place = error
            .location()
            .map_or(0..0, |location| place_of(&location));
        Self {
            rule,
            place: shown(place, text),
            message,
            help,
        }
    }
}

/// `place`, and the last character instead where the text is already over.
fn shown(place: Place, text: &str) -> Place {
    let end = text.trim_end().len();
    if place.start > end { end..end } else { place }
}

fn words(error: &Error) -> (Rule, String, Option<&'static str>) {
    let not_yaml = |message: &str, help| (Rule::NotYaml, message.to_owned(), Some(help));
    match error {
        Error::AliasError { error, .. } => words(error),
        Error::DuplicateMappingKey { key, .. } => {
            let key = key.as_deref().unwrap_or("this key");
            let help = "delete one of the two; the first is read below";
            (
                Rule::RepeatedKey,
                format!("`{key}` stands here for the second time"),
                Some(help),
            )
        }
        Error::MultipleDocuments { .. } => not_yaml(
            "a second document begins here",
            "one file holds one document: delete the `---`, or make two files",
        ),
        Error::Eof { .. } => not_yaml(
            "the file is empty",
            "`shoplab scenario new NAME` writes one to start from",
        ),
        Error::UnknownAnchor { .. } => not_yaml(
            "there is no such anchor",
            "an anchor (`&name`) has to stand before its alias (`*name`)",
        ),
        Error::RecursiveReferencesRequireWeakTypes { .. } => {
            not_yaml("this alias holds itself", "write out what was meant")
        }
        Error::UnsupportedTag { tag, .. } => (
            Rule::NotYaml,
            format!("the tag `{tag}` is not taken here"),
            Some("delete the tag; put text that begins with `!` into quotes"),
        ),
        Error::InvalidScalar { .. } => not_yaml(
            "the value is not what its tag says",
            "delete the tag (`!!...`): it is not needed",
        ),
        Error::Unexpected { expected, .. } if expected.contains("string") => not_yaml(
            "a key is plain text, and this is none",
            "write `key: value`; put text that begins with `?`, `[` or `{` into quotes",
        ),
        Error::MergeValueNotMapOrSeqOfMaps { .. } => {
            not_yaml("`<<` wants a map", "give it the alias of a map")
        }
        Error::NonFiniteFloat { value, .. } => (
            Rule::WrongValue,
            format!("`{value}` is no finite number"),
            Some("put it into quotes if it is meant as text"),
        ),
        Error::Budget { .. }
        | Error::AliasReplayLimitExceeded { .. }
        | Error::AliasExpansionLimitExceeded { .. }
        | Error::AliasReplayStackDepthExceeded { .. } => not_yaml(
            "this nests too deep, or grows too large with its aliases",
            "an authored file needs no more than 24 levels and 50000 values",
        ),
        other => {
            let message = plain(&other.to_string());
            let help = hint(&message);
            (Rule::NotYaml, format!("this is not YAML: {message}"), help)
        }
    }
}

/// A parser's message without its own idea of the place.
fn plain(message: &str) -> String {
    let message = message.split(" at line ").next().unwrap_or_default();
    let line = message.lines().next().unwrap_or_default();
    // One kind of quotes: "unexpected character: `@'".
    match line.strip_suffix('\'') {
        Some(rest) if rest.matches('`').count() == 1 => format!("{rest}`"),
        _ => line.to_owned(),
    }
}

/// The usual cause of a complaint, by words that it has.
fn hint(message: &str) -> Option<&'static str> {
    let message = message.to_lowercase();
    let found = HINTS.iter().find(|(word, _)| message.contains(word));
    found.map(|(_, hint)| *hint)
}

/// Words of the parser, most telling first, and what usually helps.
const HINTS: [(&str, &str); 15] = [
    ("tab", "indent with spaces; YAML takes no tabs there"),
    ("parsing a tag", "put text that begins with `!` into quotes"),
    ("illegal placement", "is a `[` or `{` above not closed?"),
    ("\\u{", "delete this character: editors do not show it"),
    (
        "unexpected character",
        "text that begins with `@`, `` ` `` or `%` has to stand in quotes",
    ),
    (
        "escape",
        "within \"...\" write `\\\\` for a backslash, or use '...'",
    ),
    (
        "simple key",
        "is there a `:` behind the key? Put text with `: ` into quotes",
    ),
    (
        "mapping values",
        "put text with `: ` into quotes; or is the line indented too far?",
    ),
    (
        "flow mapping",
        "close `{` with `}`, and part its entries with `,`",
    ),
    (
        "flow sequence",
        "close `[` with `]`, and part its items with `,`",
    ),
    ("block mapping", "keys of one map begin in the same column"),
    (
        "block collection",
        "items of one list begin in the same column, each with `- `",
    ),
    (
        "quoted",
        "close the quotes; within '...' write `''`, within \"...\" write `\\\"`",
    ),
    (
        "any token",
        "text that begins with `@`, `` ` ``, `%` or `|` has to stand in quotes",
    ),
    ("indent", "lines of one block begin in the same column"),
];
