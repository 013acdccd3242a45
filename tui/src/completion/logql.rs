//! LogQL.

use super::place::{After, Inside, Place, Wanting};
use super::promql::{AGGREGATIONS, MATCHERS, RANGES, labels, open_text, selector};
use super::scan::{At, Cursor};
use super::values::{self, Compared};
use super::{Candidate, Kind, Known, Language, Offer, Subject};

/// Functions, of lines and of what is unwrapped from them.
const FUNCTIONS: [&str; 19] = [
    "rate(",
    "count_over_time(",
    "bytes_rate(",
    "bytes_over_time(",
    "absent_over_time(",
    "sum_over_time(",
    "avg_over_time(",
    "min_over_time(",
    "max_over_time(",
    "quantile_over_time(",
    "first_over_time(",
    "last_over_time(",
    "stddev_over_time(",
    "stdvar_over_time(",
    "rate_counter(",
    "sort(",
    "sort_desc(",
    "label_replace(",
    "vector(",
];

/// Aggregations that LogQL does not have.
const NOT_HERE: [&str; 5] = ["quantile", "group", "count_values", "limitk", "limit_ratio"];

/// What a pipeline may go on with.
const STAGES: [&str; 18] = [
    "| json",
    "| logfmt",
    "|= \"",
    "!= \"",
    "|~ \"",
    "!~ \"",
    "| pattern \"",
    "| regexp \"",
    "| unpack",
    "| line_format \"",
    "| label_format ",
    "| unwrap ",
    "| drop ",
    "| keep ",
    "| decolorize",
    "|> \"",
    "!> \"",
    "| __error__=\"\"",
];

pub(super) fn offer(before: &str, known: &dyn Known) -> Offer {
    let language = Language::LogQl;
    let cursor = Cursor::behind(language, before);
    let place = Place::of(language, &cursor);
    if let At::Open(quote, text) = cursor.at {
        return open_text(language, place.after, (cursor.from, quote, text), known);
    }
    let mut offer = Offer::at(cursor.from);
    match (place.inside(), place.after) {
        (Inside::Selector, after) => selector(&mut offer, language, after, cursor.word(), known),
        (Inside::Names, After::Nothing) => labels(&mut offer, language, known),
        (Inside::Range, After::Nothing) => offer.words(Kind::Duration, &RANGES),
        (Inside::Pipeline, after) => pipeline(&mut offer, after, &cursor, known),
        (Inside::Expression, after) => expression(&mut offer, after, cursor.at),
        _ => {}
    }
    offer
}

fn expression(offer: &mut Offer, after: After<'_>, at: At<'_>) {
    match after {
        After::Nothing | After::Operator | After::Comparison | After::Matching => begin(offer),
        // A word would stick to what is before it.
        _ if at == At::Sign => {}
        After::Aggregation => offer.words(Kind::Keyword, &["by (", "without ("]),
        After::Aggregated => {
            let words = ["by (", "without (", "and ", "or ", "unless "];
            offer.words(Kind::Keyword, &words);
        }
        After::Operand => offer.words(Kind::Keyword, &["and ", "or ", "unless ", "offset "]),
        _ => {}
    }
}

fn begin(offer: &mut Offer) {
    offer.words(Kind::Operator, &["{"]);
    let own = AGGREGATIONS
        .iter()
        .filter(|name| !NOT_HERE.contains(name))
        .map(|name| Candidate {
            text: (*name).to_owned(),
            kind: Kind::Aggregation,
        });
    offer.candidates.extend(own);
    offer.words(Kind::Function, &FUNCTIONS);
}

fn pipeline(offer: &mut Offer, after: After<'_>, cursor: &Cursor<'_>, known: &dyn Known) {
    let language = Language::LogQl;
    match after {
        After::Stage | After::Value if cursor.at == At::Sign => {}
        After::Stage => offer.words(Kind::Stage, &STAGES),
        After::Value => {
            offer.words(Kind::Stage, &STAGES);
            offer.words(Kind::Keyword, &["and ", "or "]);
        }
        After::Pipe(from) => {
            // The whole stage is replaced, from its `|` on.
            offer.from = from;
            compare(offer, "| ", cursor.word(), known);
            offer.words(Kind::Stage, &STAGES);
            for name in offer.known(known, Subject::Names(language)) {
                if !name.starts_with("__") {
                    offer.push(Kind::Label, format!("| {name}"));
                }
            }
        }
        After::Labels(Wanting::Filter) => {
            compare(offer, "", cursor.word(), known);
            labels(offer, language, known);
        }
        After::Labels(Wanting::Stage) => labels(offer, language, known),
        After::Name(_) => offer.words(Kind::Operator, &MATCHERS),
        After::Compared(label, operator) => {
            let subject = Subject::Values(language, label.to_owned());
            values::with_quotes(offer, subject, Compared::by(operator), known);
        }
        _ => {}
    }
}

/// A label that is complete wants its operator.
fn compare(offer: &mut Offer, before: &str, label: &str, known: &dyn Known) {
    let names = known.of(&Subject::Names(Language::LogQl));
    if names.iter().any(|name| name == label) {
        for operator in MATCHERS {
            offer.push(Kind::Operator, format!("{before}{label}{operator}"));
        }
    }
}
