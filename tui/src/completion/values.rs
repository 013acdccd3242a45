//! Values of a label or an attribute, as the query must write them.

use super::{Kind, Known, Offer, Rest, Subject};

/// How a value is compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Compared {
    /// As it is.
    Plain,
    /// With a regular expression.
    Regex,
}

impl Compared {
    pub(super) fn by(operator: &str) -> Self {
        match operator {
            "=~" | "!~" => Self::Regex,
            _ => Self::Plain,
        }
    }
}

/// The values of `name` in the text that is open at the cursor: it begins
/// `from` there (in bytes) with its `quote`.
pub(super) fn in_quotes(
    subject: Subject,
    compared: Compared,
    (from, quote, text): (usize, char, &str),
    known: &dyn Known,
) -> Offer {
    let begun = match compared {
        Compared::Plain => None,
        // The last of the alternatives is what is being written.
        Compared::Regex => text.rfind(['|', '(']),
    };
    let from = from + begun.map_or(quote.len_utf8(), |at| at + 1);
    let mut offer = Offer::at(from);
    offer.rest = Rest::Quoted(quote);
    for value in offer.known(known, subject) {
        // Nothing can be escaped between backticks.
        if quote != '`' || !value.contains('`') {
            let text = written(value, compared, quote);
            offer.push(Kind::Value, format!("{text}{quote}"));
        }
    }
    offer
}

/// The values with quotes, where no quote is written yet.
pub(super) fn with_quotes(
    offer: &mut Offer,
    subject: Subject,
    compared: Compared,
    known: &dyn Known,
) {
    for value in offer.known(known, subject) {
        offer.push(Kind::Value, quoted(value, compared));
    }
}

/// `value` between quotes.
pub(super) fn quoted(value: &str, compared: Compared) -> String {
    format!("\"{}\"", written(value, compared, '"'))
}

/// `value` as it stands between quotes.
fn written(value: &str, compared: Compared, quote: char) -> String {
    let mut text = String::with_capacity(value.len());
    for c in value.chars() {
        if compared == Compared::Regex && "\\.+*?()|[]{}^$".contains(c) {
            text.push('\\');
        }
        text.push(c);
    }
    if quote == '`' {
        return text;
    }
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if c == '\\' || c == quote {
            out.push('\\');
        }
        out.push(c);
    }
    out
}
