//! The tokens of PromQL, and how error messages call them.

use crate::metrics::text::quote;

/// What kind of token it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// The lexer failed; the text is its message.
    Error,
    Eof,
    Identifier,
    MetricIdentifier,
    String,
    Number,
    Duration,
    /// `sum`, `topk`, ...
    Aggregator,
    /// `by`, `offset`, `group_left`, ... (lower case in `word`)
    Keyword,
    /// Operators by symbol or word: `+`, `==`, `and`, ...
    Operator,
    /// Braces, brackets, parentheses, comma, colon, `@`.
    Punctuation,
}

/// One token with its place in the query.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Token {
    pub(super) kind: Kind,
    /// As written; for strings with their quotes.
    pub(super) text: String,
    /// Keywords, operators and punctuation in lower case.
    pub(super) word: String,
    pub(super) start: usize,
    pub(super) end: usize,
}

impl Token {
    /// Whether it is this operator, keyword or punctuation.
    pub(super) fn is(&self, word: &str) -> bool {
        matches!(
            self.kind,
            Kind::Operator | Kind::Keyword | Kind::Punctuation | Kind::Aggregator
        ) && self.word == word
    }

    /// Whether it can be the name of a metric.
    pub(super) fn names_metric(&self) -> bool {
        match self.kind {
            Kind::Identifier | Kind::MetricIdentifier | Kind::Aggregator => true,
            Kind::Keyword => !matches!(
                self.word.as_str(),
                "bool" | "group_left" | "group_right" | "ignoring" | "on"
            ),
            Kind::Operator => matches!(self.word.as_str(), "and" | "or" | "unless"),
            _ => false,
        }
    }

    /// How "unexpected ..." names it.
    pub(super) fn describe(&self) -> String {
        let shortened = || {
            if self.text.len() > 10 {
                let cut: String = self.text.chars().take(10).collect();
                format!("{}...", quote(&cut))
            } else {
                quote(&self.text)
            }
        };
        match self.kind {
            Kind::Error => "error".to_owned(),
            Kind::Eof => "end of input".to_owned(),
            Kind::Identifier => format!("identifier {}", quote(&self.text)),
            Kind::MetricIdentifier => format!("metric identifier {}", quote(&self.text)),
            Kind::String => format!("string {}", shortened()),
            Kind::Number => format!("number {}", shortened()),
            Kind::Duration => format!("duration {}", shortened()),
            Kind::Aggregator => format!("<aggr:{}>", self.text),
            Kind::Keyword if matches!(self.word.as_str(), "start" | "end" | "step") => {
                quote(&self.text)
            }
            Kind::Keyword => format!("<{}>", self.text),
            Kind::Operator if self.text == "=" => quote("="),
            Kind::Operator => format!("<op:{}>", self.text),
            Kind::Punctuation if self.text == "@" => "<op:@>".to_owned(),
            Kind::Punctuation => quote(&self.text),
        }
    }
}

/// The kind of a word, compared without case.
pub(super) fn word_kind(lower: &str) -> Option<Kind> {
    Some(match lower {
        "and" | "or" | "unless" | "atan2" => Kind::Operator,
        "sum" | "avg" | "count" | "min" | "max" | "group" | "stddev" | "stdvar" | "topk"
        | "bottomk" | "count_values" | "quantile" | "limitk" | "limit_ratio" => Kind::Aggregator,
        "offset" | "smoothed" | "anchored" | "by" | "without" | "on" | "ignoring"
        | "group_left" | "group_right" | "fill" | "fill_left" | "fill_right" | "bool" | "start"
        | "end" | "step" => Kind::Keyword,
        "inf" | "nan" => Kind::Number,
        _ => return None,
    })
}
