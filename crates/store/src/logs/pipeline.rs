//! What the stages of a query do with one line.

mod filters;
mod parsers;

use std::borrow::Cow;

use super::labels::Labels;
use super::logql::{Convert, LabelFilter, Matcher, Renamed, Stage, Unwrap, units};
use super::template::Scope;

/// Where a label comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Origin {
    /// The stream.
    Stream,
    /// Structured metadata.
    Metadata,
    /// A parser or a format stage.
    Parsed,
}

/// A line on its way through a pipeline.
#[derive(Clone, Debug)]
pub(crate) struct Work<'a> {
    /// Nanoseconds since the epoch.
    pub ts: i64,
    /// The line as it is now.
    pub line: Cow<'a, str>,
    labels: Vec<(Cow<'a, str>, Cow<'a, str>, Origin)>,
    /// `__error__` and `__error_details__`.
    pub error: Option<(String, String)>,
}

/// Which labels a query needs: parsers stop early when they have them all, and do not run at
/// all when none is needed. This decides whether the errors of broken lines are seen.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Hints {
    /// No label is needed.
    pub none: bool,
    /// Only these are needed; all if empty.
    pub required: Vec<String>,
}

impl Hints {
    /// Whether a line that could not be parsed goes when a filter finds no label in it: Loki
    /// drops it where only some labels are needed and the error is none of them.
    fn drops_errors(&self) -> bool {
        !self.required.is_empty() && !self.required.iter().any(|name| name == "__error__")
    }
}

impl<'a> Work<'a> {
    /// A line at the start of its pipeline.
    pub(crate) fn new(
        stream: &'a Labels,
        metadata: &'a [(String, String)],
        ts: i64,
        line: &'a str,
    ) -> Self {
        let mut labels: Vec<_> = stream
            .iter()
            .map(|(k, v)| (Cow::Borrowed(k), Cow::Borrowed(v), Origin::Stream))
            .collect();
        for (name, value) in metadata {
            let known = labels.iter_mut().find(|(k, ..)| k == name.as_str());
            if let Some(known) = known {
                known.1 = Cow::Borrowed(value);
                known.2 = Origin::Metadata;
            } else {
                labels.push((Cow::Borrowed(name), Cow::Borrowed(value), Origin::Metadata));
            }
        }
        Self {
            ts,
            line: Cow::Borrowed(line),
            labels,
            error: None,
        }
    }

    /// The value of a label.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        match name {
            "__error__" => self.error.as_ref().map(|(kind, _)| kind.as_str()),
            "__error_details__" => self.error.as_ref().map(|(_, details)| details.as_str()),
            _ => self
                .labels
                .iter()
                .find(|(k, ..)| k == name)
                .map(|(_, v, _)| v.as_ref()),
        }
    }

    fn origin(&self, name: &str) -> Option<Origin> {
        self.labels
            .iter()
            .find(|(k, ..)| k == name)
            .map(|(_, _, origin)| *origin)
    }

    /// Sets a label that a stage made.
    pub(crate) fn set(&mut self, name: &str, value: String) {
        self.put(name, value, Origin::Parsed);
    }

    fn put(&mut self, name: &str, value: String, origin: Origin) {
        match self.labels.iter_mut().find(|(k, ..)| k == name) {
            Some(known) => {
                known.1 = Cow::Owned(value);
                known.2 = origin;
            }
            None => self
                .labels
                .push((Cow::Owned(name.to_owned()), Cow::Owned(value), origin)),
        }
    }

    /// Removes a label.
    pub(crate) fn delete(&mut self, name: &str) {
        match name {
            "__error__" | "__error_details__" => self.error = None,
            _ => self.labels.retain(|(k, ..)| k != name),
        }
    }

    /// Remembers what went wrong; the first error stays.
    pub(crate) fn fail(&mut self, kind: &str, details: impl Into<String>) {
        if self.error.is_none() {
            self.error = Some((kind.to_owned(), details.into()));
        }
    }

    /// All labels, the error's included.
    pub(crate) fn result(&self) -> Labels {
        let error = self.error.iter().flat_map(|(kind, details)| {
            [
                ("__error__".to_owned(), kind.clone()),
                ("__error_details__".to_owned(), details.clone()),
            ]
        });
        self.labels
            .iter()
            .map(|(k, v, _)| (k.as_ref().to_owned(), v.as_ref().to_owned()))
            .chain(error.filter(|(_, v)| !v.is_empty()))
            .collect()
    }

    /// The labels that come from `origin`.
    pub(crate) fn of(&self, wanted: Origin) -> Labels {
        self.labels
            .iter()
            .filter(|(_, _, origin)| *origin == wanted)
            .map(|(k, v, _)| (k.as_ref().to_owned(), v.as_ref().to_owned()))
            .collect()
    }
}

impl Scope for Work<'_> {
    fn label(&self, name: &str) -> Option<String> {
        self.get(name).map(str::to_owned)
    }

    fn labels(&self) -> Vec<(String, String)> {
        self.result()
            .iter()
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect()
    }

    fn line(&self) -> &str {
        &self.line
    }

    fn timestamp(&self) -> i64 {
        self.ts
    }
}

/// Runs `stages` over a line; `false` drops it.
pub(crate) fn run(stages: &[Stage], work: &mut Work<'_>, hints: &Hints) -> bool {
    stages.iter().all(|stage| step(stage, work, hints))
}

fn step(stage: &Stage, work: &mut Work<'_>, hints: &Hints) -> bool {
    match stage {
        Stage::Line(filter) => return filters::line(filter, &work.line),
        Stage::Label(filter) => return filters::label(filter, work, hints),
        Stage::Json(picked) => parsers::json(picked, work, hints),
        Stage::Logfmt {
            strict,
            keep_empty,
            picked,
        } => parsers::logfmt(*strict, *keep_empty, picked, work, hints),
        Stage::Regexp(regex, _) => parsers::regexp(regex, work, hints),
        Stage::Pattern(pattern) => parsers::pattern(pattern, work, hints),
        Stage::Unpack => parsers::unpack(work, hints),
        Stage::LineFormat(template) => match template.render(work) {
            Ok(text) => work.line = Cow::Owned(text),
            Err(message) => work.fail("TemplateFormatErr", message),
        },
        Stage::LabelFormat(formats) => label_format(formats, work),
        Stage::Keep(names) => keep(names, work),
        Stage::Drop(names) => {
            for (name, matcher) in names {
                if chosen(name, matcher.as_ref(), work) {
                    work.delete(name);
                }
            }
        }
        Stage::Decolorize => {
            if work.line.contains('\u{1b}') {
                work.line = Cow::Owned(decolorize(&work.line));
            }
        }
    }
    true
}

fn label_format(formats: &[(String, Renamed)], work: &mut Work<'_>) {
    for (name, format) in formats {
        match format {
            Renamed::Label(source) => {
                if let Some(value) = work.get(source).map(str::to_owned) {
                    work.delete(source);
                    work.set(name, value);
                }
            }
            Renamed::Template(template) => match template.render(work) {
                Ok(text) => work.set(name, text),
                Err(message) => work.fail("TemplateFormatErr", message),
            },
        }
    }
}

fn chosen(name: &str, matcher: Option<&Matcher>, work: &Work<'_>) -> bool {
    matcher.is_none_or(|m| work.get(name).is_some_and(|value| m.matches(value)))
}

fn keep(names: &[(String, Option<Matcher>)], work: &mut Work<'_>) {
    let kept: Vec<&str> = names
        .iter()
        .filter(|(name, matcher)| chosen(name, matcher.as_ref(), work))
        .map(|(name, _)| name.as_str())
        .collect();
    work.labels.retain(|(k, ..)| kept.contains(&k.as_ref()));
}

/// Takes ANSI's colours out of a line.
fn decolorize(line: &str) -> String {
    let mut out = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find('\u{1b}') {
        out.push_str(&rest[..at]);
        let after = &rest[at + 1..];
        rest = match after.strip_prefix('[') {
            Some(codes) => match codes.find(|c: char| c.is_ascii_alphabetic()) {
                Some(end) => &codes[end + 1..],
                None => "",
            },
            None => after,
        };
    }
    out.push_str(rest);
    out
}

/// The number of an unwrapped label, if the line has one and passes the filters after it.
/// The label goes, as Loki's does.
pub(crate) fn unwrap(unwrap: &Unwrap, work: &mut Work<'_>, hints: &Hints) -> Option<f64> {
    let text = work.get(&unwrap.label)?.to_owned();
    let number = match unwrap.convert {
        Convert::Number => text.trim().parse::<f64>().map_err(|_| float_error(&text)),
        Convert::Duration => units::go_duration(&text)
            .map(|nanos| nanos as f64 / 1e9)
            .ok_or_else(|| format!("time: invalid duration {}", super::labels::quote(&text))),
        Convert::Bytes => units::bytes(&text).ok_or_else(|| float_error(&text)),
    };
    let value = match number {
        Ok(value) => {
            work.delete(&unwrap.label);
            value
        }
        Err(message) => {
            work.fail("SampleExtractionErr", message);
            0.0
        }
    };
    unwrap
        .filters
        .iter()
        .all(|filter: &LabelFilter| filters::label(filter, work, hints))
        .then_some(value)
}

/// What Go says of a text that is no number.
fn float_error(text: &str) -> String {
    format!(
        "strconv.ParseFloat: parsing {}: invalid syntax",
        super::labels::quote(text)
    )
}

#[cfg(test)]
mod tests;
