//! What a query may go on with at the cursor: words of its language, and names
//! and values that its backend knows.

mod logql;
mod place;
mod promql;
mod scan;
mod traceql;
mod values;

use std::ops::Range;

/// A language in which a backend is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[expect(clippy::enum_variant_names, reason = "the languages' own names")]
pub(crate) enum Language {
    PromQl,
    LogQl,
    TraceQl,
}

impl Language {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::PromQl => "PromQL",
            Self::LogQl => "LogQL",
            Self::TraceQl => "TraceQL",
        }
    }

    /// What stands before a query that is being written.
    pub(crate) fn prompt(self) -> &'static str {
        match self {
            Self::PromQl => "PromQL> ",
            Self::LogQl => "LogQL> ",
            Self::TraceQl => "TraceQL> ",
        }
    }
}

/// What a backend can be asked for.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Subject {
    /// The names of labels; in TraceQL those of attributes.
    Names(Language),
    /// The values of one of them. Those of `__name__` are the names of metrics.
    Values(Language, String),
}

/// What is known of a [`Subject`] by now.
pub(crate) trait Known {
    /// Its names or values; none where nobody knows them yet.
    fn of(&self, subject: &Subject) -> &[String];
}

/// What a candidate is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    Metric,
    Function,
    Aggregation,
    Keyword,
    Label,
    Operator,
    Value,
    Duration,
    Stage,
    Scope,
    Intrinsic,
    Attribute,
}

impl Kind {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Metric => "metric",
            Self::Function => "function",
            Self::Aggregation => "aggregation",
            Self::Keyword => "keyword",
            Self::Label => "label",
            Self::Operator => "operator",
            Self::Value => "value",
            Self::Duration => "duration",
            Self::Stage => "stage",
            Self::Scope => "scope",
            Self::Intrinsic => "intrinsic",
            Self::Attribute => "attribute",
        }
    }
}

/// A text that the query may go on with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) text: String,
    pub(crate) kind: Kind,
}

/// What a query may go on with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Completion {
    /// The likeliest first.
    pub(crate) candidates: Vec<Candidate>,
    /// What a candidate replaces, in characters.
    pub(crate) range: Range<usize>,
    /// What the backend should be asked for to know more.
    pub(crate) wants: Vec<Subject>,
}

/// What a language offers: every text that may stand in place of what is
/// written from `from` (in bytes) to the cursor.
#[derive(Debug, Default)]
struct Offer {
    from: usize,
    candidates: Vec<Candidate>,
    wants: Vec<Subject>,
    /// What of the text behind the cursor is replaced too.
    rest: Rest,
}

/// What of the text behind the cursor belongs to what is replaced.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Rest {
    /// The rest of the word.
    #[default]
    Word,
    /// All to the quote that closes the text.
    Quoted(char),
}

impl Offer {
    fn at(from: usize) -> Self {
        Self {
            from,
            ..Self::default()
        }
    }

    fn words(&mut self, kind: Kind, words: &[&str]) {
        let candidates = words.iter().map(|word| Candidate {
            text: (*word).to_owned(),
            kind,
        });
        self.candidates.extend(candidates);
    }

    fn push(&mut self, kind: Kind, text: impl Into<String>) {
        let text = text.into();
        self.candidates.push(Candidate { text, kind });
    }

    /// All that is known of `subject`, and the wish to know it.
    fn known<'a>(&mut self, known: &'a dyn Known, subject: Subject) -> &'a [String] {
        let found = known.of(&subject);
        self.wants.push(subject);
        found
    }
}

/// What `text` may go on with where the cursor stands (in characters).
pub(crate) fn complete(
    language: Language,
    text: &str,
    cursor: usize,
    known: &dyn Known,
) -> Completion {
    let at = text
        .char_indices()
        .nth(cursor)
        .map_or(text.len(), |(at, _)| at);
    let (before, behind) = text.split_at(at);
    let offer = match language {
        Language::PromQl => promql::offer(before, known),
        Language::LogQl => logql::offer(before, known),
        Language::TraceQl => traceql::offer(before, known),
    };
    let end = at + rest(offer.rest, language, behind);
    let mut candidates = fitting(&before[offer.from..], offer.candidates);
    for candidate in &mut candidates {
        unless_there(&mut candidate.text, &text[end..]);
    }
    candidates.retain(|candidate| candidate.text != text[offer.from..end]);
    if text[end..]
        .trim_start()
        .starts_with(['=', '!', '~', '<', '>'])
    {
        candidates.retain(|candidate| candidate.kind != Kind::Operator);
    }
    let characters = |bytes: usize| text[..bytes].chars().count();
    Completion {
        candidates,
        range: characters(offer.from)..characters(end),
        wants: offer.wants,
    }
}

/// Takes off the end of `text` what stands there already, such as a parenthesis.
fn unless_there(text: &mut String, there: &str) {
    let longest = text
        .char_indices()
        .map(|(at, _)| at)
        .find(|at| *at > 0 && there.starts_with(&text[*at..]));
    if let Some(at) = longest {
        text.truncate(at);
    }
}

/// How many bytes of `behind`, the text behind the cursor, are replaced too.
fn rest(rest: Rest, language: Language, behind: &str) -> usize {
    match rest {
        Rest::Word => behind
            .find(|c| !scan::in_word(language, c))
            .unwrap_or(behind.len()),
        // A quote far off may open another text, where this one was not closed.
        Rest::Quoted(quote) => match behind.find(quote) {
            Some(end) if !behind[..end].contains([',', '{', '}', '=', '|', '&']) => end + 1,
            _ => 0,
        },
    }
}

/// Those of `candidates` that begin with what is written, then those that contain it.
fn fitting(written: &str, candidates: Vec<Candidate>) -> Vec<Candidate> {
    let plain = |text: &str| -> String {
        let letters = text.chars().filter(|c| !c.is_whitespace());
        letters.flat_map(char::to_lowercase).collect()
    };
    let wanted = plain(written);
    let (mut begin, mut contain) = (Vec::new(), Vec::new());
    for candidate in candidates {
        let text = plain(&candidate.text);
        if text.starts_with(&wanted) {
            begin.push(candidate);
        } else if wanted.chars().count() > 2 && text.contains(&wanted) {
            contain.push(candidate);
        }
    }
    begin.extend(contain);
    begin
}

#[cfg(test)]
mod tests;
