//! PromQL.

use super::place::{After, Inside, Place};
use super::scan::{At, Cursor};
use super::values::{self, Compared};
use super::{Kind, Known, Language, Offer, Subject};

/// Words that aggregate, of PromQL and of LogQL.
pub(super) const AGGREGATIONS: [&str; 15] = [
    "sum",
    "avg",
    "count",
    "min",
    "max",
    "topk",
    "bottomk",
    "quantile",
    "group",
    "stddev",
    "stdvar",
    "count_values",
    "limitk",
    "limit_ratio",
    "approx_topk",
];

/// Those of them that PromQL has.
const OWN: usize = 14;

/// Functions; those first that are wanted most.
const FUNCTIONS: [&str; 72] = [
    "rate(",
    "increase(",
    "histogram_quantile(",
    "irate(",
    "delta(",
    "absent(",
    "abs(",
    "absent_over_time(",
    "acos(",
    "acosh(",
    "asin(",
    "asinh(",
    "atan(",
    "atanh(",
    "avg_over_time(",
    "ceil(",
    "changes(",
    "clamp(",
    "clamp_max(",
    "clamp_min(",
    "cos(",
    "cosh(",
    "count_over_time(",
    "day_of_month(",
    "day_of_week(",
    "day_of_year(",
    "days_in_month(",
    "deg(",
    "deriv(",
    "exp(",
    "first_over_time(",
    "floor(",
    "histogram_avg(",
    "histogram_count(",
    "histogram_fraction(",
    "histogram_stddev(",
    "histogram_stdvar(",
    "histogram_sum(",
    "hour(",
    "idelta(",
    "label_join(",
    "label_replace(",
    "last_over_time(",
    "ln(",
    "log10(",
    "log2(",
    "max_over_time(",
    "min_over_time(",
    "minute(",
    "month(",
    "pi(",
    "predict_linear(",
    "present_over_time(",
    "quantile_over_time(",
    "rad(",
    "resets(",
    "round(",
    "scalar(",
    "sgn(",
    "sin(",
    "sinh(",
    "sort(",
    "sort_desc(",
    "sqrt(",
    "stddev_over_time(",
    "stdvar_over_time(",
    "sum_over_time(",
    "tan(",
    "tanh(",
    "time(",
    "timestamp(",
    "vector(",
];

/// Lengths of time that ranges are given in.
pub(super) const RANGES: [&str; 6] = ["15s]", "30s]", "1m]", "5m]", "15m]", "1h]"];

/// Operators of a matcher, with the quote that follows them.
pub(super) const MATCHERS: [&str; 4] = ["=\"", "!=\"", "=~\"", "!~\""];

pub(super) fn offer(before: &str, known: &dyn Known) -> Offer {
    let language = Language::PromQl;
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
        (Inside::Expression, after) => expression(&mut offer, after, cursor.at, known),
        _ => {}
    }
    offer
}

/// What an open text may go on with, also in LogQL: the values of the label
/// that it is compared with.
pub(super) fn open_text(
    language: Language,
    after: After<'_>,
    text: (usize, char, &str),
    known: &dyn Known,
) -> Offer {
    let After::Compared(label, operator) = after else {
        return Offer::at(text.0);
    };
    let subject = Subject::Values(language, label.to_owned());
    values::in_quotes(subject, Compared::by(operator), text, known)
}

fn expression(offer: &mut Offer, after: After<'_>, at: At<'_>, known: &dyn Known) {
    match after {
        After::Nothing | After::Operator | After::Comparison | After::Matching => {
            let metrics = Subject::Values(Language::PromQl, "__name__".to_owned());
            for name in offer.known(known, metrics) {
                offer.push(Kind::Metric, name);
            }
            offer.words(Kind::Aggregation, &AGGREGATIONS[..OWN]);
            offer.words(Kind::Function, &FUNCTIONS);
        }
        _ => {}
    }
    match after {
        After::Comparison => offer.words(Kind::Keyword, &["bool ", "on (", "ignoring ("]),
        After::Operator => offer.words(Kind::Keyword, &["on (", "ignoring ("]),
        After::Matching => offer.words(Kind::Keyword, &["group_left ", "group_right "]),
        _ => {}
    }
    if at == At::Sign {
        return;
    }
    if matches!(after, After::Aggregation | After::Aggregated) {
        offer.words(Kind::Keyword, &["by (", "without ("]);
    }
    match after {
        After::Name(_) | After::Operand => {
            offer.words(Kind::Keyword, &["and ", "or ", "unless ", "offset "]);
        }
        After::Aggregated => offer.words(Kind::Keyword, &["and ", "or ", "unless "]),
        _ => {}
    }
}

/// What a selector may go on with, also in LogQL.
pub(super) fn selector(
    offer: &mut Offer,
    language: Language,
    after: After<'_>,
    written: &str,
    known: &dyn Known,
) {
    match after {
        After::Nothing => {
            // A name that is complete wants its operator.
            let names = known.of(&Subject::Names(language));
            if names.iter().any(|name| name == written) {
                for operator in MATCHERS {
                    offer.push(Kind::Operator, format!("{written}{operator}"));
                }
            }
            labels(offer, language, known);
        }
        After::Name(_) => offer.words(Kind::Operator, &MATCHERS),
        After::Compared(label, operator) => {
            let subject = Subject::Values(language, label.to_owned());
            values::with_quotes(offer, subject, Compared::by(operator), known);
        }
        _ => {}
    }
}

/// The names of labels; those that are the backend's own are not offered.
pub(super) fn labels(offer: &mut Offer, language: Language, known: &dyn Known) {
    for name in offer.known(known, Subject::Names(language)) {
        if !name.starts_with("__") {
            offer.push(Kind::Label, name);
        }
    }
}
