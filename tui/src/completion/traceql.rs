//! TraceQL.

use super::scan::{At, Cursor, Piece, Shape};
use super::values::{self, Compared};
use super::{Kind, Known, Language, Offer, Subject};

/// What a span has besides its attributes.
const INTRINSICS: [&str; 17] = [
    "status",
    "duration",
    "name",
    "kind",
    "statusMessage",
    "rootName",
    "rootServiceName",
    "traceDuration",
    "trace:id",
    "span:id",
    "span:parentID",
    "span:childCount",
    "event:name",
    "event:timeSinceStart",
    "link:traceID",
    "link:spanID",
    "instrumentation:name",
];

/// Where attributes are.
const SCOPES: [&str; 6] = [
    "resource.",
    "span.",
    "event.",
    "link.",
    "instrumentation.",
    "parent.",
];

/// What can be said of the spans that were found.
const STAGES: [&str; 8] = [
    "| count() > ",
    "| avg(duration) > ",
    "| max(duration) > ",
    "| min(duration) > ",
    "| sum(duration) > ",
    "| by(",
    "| select(",
    "| coalesce()",
];

/// The innermost thing that is open.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Inside {
    /// Nothing, or a parenthesis around spans.
    Query,
    /// `{`, or a parenthesis in it.
    Spans,
    /// The parenthesis of a stage, such as `select(`.
    Fields,
}

/// What stands before the cursor.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum After<'a> {
    /// Something begins.
    Nothing,
    /// A field of a span.
    Field(&'a str),
    /// A field and the operator that compares it.
    Compared(&'a str, &'a str),
    /// A comparison, or what is in braces.
    Complete,
    /// The `|` of a pipeline, with its place in bytes.
    Pipe(usize),
    /// A word or sign after which nothing can be offered.
    Other,
}

pub(super) fn offer(before: &str, known: &dyn Known) -> Offer {
    let cursor = Cursor::behind(Language::TraceQl, before);
    let (mut open, mut after) = (Vec::new(), After::Nothing);
    for piece in &cursor.pieces {
        after = step(&mut open, after, *piece);
    }
    if let At::Open(quote, text) = cursor.at {
        let After::Compared(field, operator) = after else {
            return Offer::at(cursor.from);
        };
        let text = (cursor.from, quote, text);
        return values::in_quotes(values_of(field), Compared::by(operator), text, known);
    }
    let mut offer = Offer::at(cursor.from);
    let inside = open.last().copied().unwrap_or(Inside::Query);
    match (inside, after) {
        (Inside::Query, After::Nothing) => offer.words(Kind::Operator, &["{ "]),
        (Inside::Query, After::Pipe(from)) => {
            // The whole stage is replaced, from its `|` on.
            offer.from = from;
            offer.words(Kind::Stage, &STAGES);
        }
        (Inside::Query, After::Complete) if cursor.at != At::Sign => {
            let words = ["&& { ", "|| { ", ">> { ", "> { ", "<< { ", "~ { "];
            offer.words(Kind::Operator, &words);
            offer.words(Kind::Stage, &STAGES);
        }
        (Inside::Spans | Inside::Fields, After::Nothing) => fields(&mut offer, known),
        (Inside::Spans, After::Field(_)) => {
            let words = ["= ", "!= ", "=~ ", "!~ ", "> ", ">= ", "< ", "<= "];
            offer.words(Kind::Operator, &words);
        }
        (Inside::Spans, After::Compared(field, operator)) => {
            compared(&mut offer, field, operator, known);
        }
        (Inside::Spans, After::Complete) if cursor.at != At::Sign => {
            offer.words(Kind::Operator, &["&& ", "|| ", "}"]);
        }
        _ => {}
    }
    offer
}

fn step<'a>(open: &mut Vec<Inside>, after: After<'a>, piece: Piece<'a>) -> After<'a> {
    let inside = open.last().copied().unwrap_or(Inside::Query);
    match (piece.kind, piece.text) {
        (Shape::Open(_), _) => after,
        (Shape::Text | Shape::Number, _) => After::Complete,
        (Shape::Word, word) => match (inside, after) {
            (Inside::Query, _) => After::Field(word),
            (_, After::Compared(..)) => After::Complete,
            (_, After::Nothing) => After::Field(word),
            _ => After::Other,
        },
        (Shape::Sign, "{") => {
            open.push(Inside::Spans);
            After::Nothing
        }
        (Shape::Sign, "(") => {
            open.push(match (inside, after) {
                (Inside::Query, After::Field(_)) => Inside::Fields,
                (inside, _) => inside,
            });
            After::Nothing
        }
        (Shape::Sign, "}" | ")") => {
            open.pop();
            After::Complete
        }
        (Shape::Sign, "|") => After::Pipe(piece.from),
        (Shape::Sign, "&&" | "||" | "," | "!") => After::Nothing,
        (Shape::Sign, operator) => match (inside, after) {
            (Inside::Spans, After::Field(field)) => After::Compared(field, operator),
            // Between spans an operator wants spans; behind a number, a number.
            (Inside::Query, After::Complete) if matches!(operator, ">>" | "<<" | "~") => {
                After::Nothing
            }
            _ => After::Other,
        },
    }
}

/// The fields of a span: scopes, intrinsics, and the attributes that there are.
fn fields(offer: &mut Offer, known: &dyn Known) {
    offer.words(Kind::Scope, &SCOPES);
    offer.words(Kind::Intrinsic, &INTRINSICS);
    for name in offer.known(known, Subject::Names(Language::TraceQl)) {
        if SCOPES.iter().any(|scope| name.starts_with(scope)) {
            offer.push(Kind::Attribute, name);
        }
    }
}

/// What a field is compared with.
fn compared(offer: &mut Offer, field: &str, operator: &str, known: &dyn Known) {
    match field {
        "status" => offer.words(Kind::Value, &["error", "ok", "unset"]),
        "kind" => {
            let kinds = ["server", "client", "producer", "consumer", "internal"];
            offer.words(Kind::Value, &kinds);
        }
        "duration" | "traceDuration" => {
            offer.words(Kind::Duration, &["100ms", "250ms", "500ms", "1s", "5s"]);
        }
        _ => {
            let compared = Compared::by(operator);
            for value in offer.known(known, values_of(field)) {
                match compared {
                    // A number in quotes would be another value.
                    Compared::Plain if is_literal(value) => offer.push(Kind::Value, value),
                    _ => offer.push(Kind::Value, values::quoted(value, compared)),
                }
            }
        }
    }
}

/// Whether `value` is written without quotes.
fn is_literal(value: &str) -> bool {
    let number = value.starts_with(|c: char| c.is_ascii_digit() || c == '-');
    (number && value.parse::<f64>().is_ok()) || matches!(value, "true" | "false")
}

fn values_of(field: &str) -> Subject {
    Subject::Values(Language::TraceQl, field.to_owned())
}
