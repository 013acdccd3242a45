//! What the stages of a query do with one line.

mod filters;
mod parsers;

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::labels::Labels;
use super::logql::{Convert, LineFilter, Matcher, Renamed, Stage, Unwrap, units};
use super::template::Scope;

pub(crate) use parsers::Logfmt;

/// The label that marks a line whose error was asked for.
pub(crate) const PRESERVE: &str = "__preserve_error__";

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
    stream: &'a Labels,
    labels: Vec<(Cow<'a, str>, Cow<'a, str>, Origin)>,
    /// Names that were parsed and then taken away; they are not parsed again.
    gone: Vec<String>,
    /// `__error__`.
    pub error: Option<String>,
    details: Option<String>,
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
    /// Whether a parser has to look for a label of this name.
    fn wants(&self, name: &str) -> bool {
        self.required.is_empty() || self.required.iter().any(|wanted| wanted == name)
    }

    /// Whether an error is what the query asks for.
    pub(crate) fn preserves_errors(&self) -> bool {
        self.required.iter().any(|name| name == "__error__")
    }
}

impl<'a> Work<'a> {
    /// A line at the start of its pipeline.
    pub(crate) fn new(
        stream: &'a Labels,
        metadata: impl Iterator<Item = (&'a str, &'a str)>,
        ts: i64,
        line: &'a str,
    ) -> Self {
        let labels = stream
            .iter()
            .map(|(k, v)| (Cow::Borrowed(k), Cow::Borrowed(v), Origin::Stream))
            .collect();
        let mut work = Self {
            ts,
            line: Cow::Borrowed(line),
            stream,
            labels,
            gone: Vec::new(),
            error: None,
            details: None,
        };
        for (name, value) in metadata {
            let name = match stream.get(name) {
                Some(_) => Cow::Owned(format!("{name}_extracted")),
                None => Cow::Borrowed(name),
            };
            work.labels
                .push((name, Cow::Borrowed(value), Origin::Metadata));
        }
        work
    }

    /// The value of a label.
    pub(crate) fn get(&self, name: &str) -> Option<&str> {
        match name {
            "__error__" => self.error.as_deref(),
            "__error_details__" => self.details.as_deref(),
            _ => self
                .labels
                .iter()
                .find(|(k, ..)| k == name)
                .map(|(_, v, _)| v.as_ref()),
        }
    }

    /// Whether the stream has a label of this name, dropped or not, or metadata has it now.
    fn clashes(&self, name: &str) -> bool {
        self.stream.get(name).is_some()
            || self
                .labels
                .iter()
                .any(|(k, _, origin)| k == name && *origin == Origin::Metadata)
    }

    /// Whether a stage made a label of this name before.
    fn parsed(&self, name: &str) -> bool {
        self.gone.iter().any(|gone| gone == name)
            || self
                .labels
                .iter()
                .any(|(k, _, origin)| k == name && *origin == Origin::Parsed)
    }

    /// Whether parsers may rest: no label is needed, or all that are have been made.
    fn satisfies(&self, hints: &Hints) -> bool {
        hints.none
            || (!hints.required.is_empty() && hints.required.iter().all(|name| self.parsed(name)))
    }

    /// Sets a label that a stage made.
    pub(crate) fn set(&mut self, name: &str, value: String) {
        match self.labels.iter_mut().find(|(k, ..)| k == name) {
            Some(known) => {
                known.1 = Cow::Owned(value);
                known.2 = Origin::Parsed;
            }
            None => self.labels.push((
                Cow::Owned(name.to_owned()),
                Cow::Owned(value),
                Origin::Parsed,
            )),
        }
    }

    /// Removes a label.
    pub(crate) fn delete(&mut self, name: &str) {
        match name {
            "__error__" => self.error = None,
            "__error_details__" => self.details = None,
            _ => {
                if self.parsed(name) {
                    self.gone.push(name.to_owned());
                }
                self.labels.retain(|(k, ..)| k != name);
            }
        }
    }

    /// Remembers what went wrong last.
    pub(crate) fn fail(&mut self, kind: &str, details: impl Into<String>) {
        self.error = Some(kind.to_owned());
        let details = details.into();
        if !details.is_empty() {
            self.details = Some(details);
        }
    }

    /// Remembers what went wrong, unless something has before.
    fn fail_first(&mut self, kind: &str, details: String) {
        if self.error.is_none() {
            self.fail(kind, details);
        }
    }

    /// All labels, the error's included.
    pub(crate) fn result(&self) -> Labels {
        let error = [
            ("__error__", &self.error),
            ("__error_details__", &self.details),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name.to_owned(), value.clone()?)));
        self.labels
            .iter()
            .map(|(k, v, _)| (k.as_ref().to_owned(), v.as_ref().to_owned()))
            .chain(error)
            .collect()
    }

    /// The labels that come from `origin`; those of an error count as parsed.
    pub(crate) fn of(&self, wanted: Origin) -> Labels {
        let mut labels: Labels = self
            .labels
            .iter()
            .filter(|(_, _, origin)| *origin == wanted)
            .map(|(k, v, _)| (k.as_ref().to_owned(), v.as_ref().to_owned()))
            .collect();
        if wanted == Origin::Parsed {
            for (name, value) in [
                ("__error__", &self.error),
                ("__error_details__", &self.details),
            ] {
                if let Some(value) = value {
                    labels.set(name, value.as_str());
                }
            }
        }
        labels
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

/// The stages of a query in the order in which they are done: as Loki does, line filters go
/// first, up to the stage before that changes the line or tests a label.
#[derive(Clone, Debug, Default)]
pub(crate) struct Pipeline<'q> {
    /// Filters of the line as it was written.
    lead: Vec<&'q LineFilter>,
    rest: Vec<&'q Stage>,
}

impl<'q> Pipeline<'q> {
    /// Puts `stages` in order.
    pub(crate) fn new(stages: &'q [Stage]) -> Self {
        let mut order: Vec<&Stage> = Vec::with_capacity(stages.len());
        let (mut filters, mut others): (Vec<&Stage>, Vec<&Stage>) = (Vec::new(), Vec::new());
        for stage in stages {
            match stage {
                Stage::Line(_) => filters.push(stage),
                Stage::Label(_) => {
                    order.append(&mut filters);
                    order.append(&mut others);
                    order.push(stage);
                }
                Stage::LineFormat(_) | Stage::Unpack => {
                    others.push(stage);
                    order.append(&mut filters);
                    order.append(&mut others);
                }
                _ => others.push(stage),
            }
        }
        order.append(&mut filters);
        order.append(&mut others);
        let lead: Vec<&LineFilter> = order
            .iter()
            .map_while(|stage| match stage {
                Stage::Line(filter) => Some(filter),
                _ => None,
            })
            .collect();
        Self {
            rest: order.split_off(lead.len()),
            lead,
        }
    }

    /// Whether the line as it was written passes; the cheap part, without labels.
    pub(crate) fn leads(&self, line: &str) -> bool {
        self.lead.iter().all(|filter| filters::line(filter, line))
    }

    /// Whether nothing follows the filters of the line as it was written.
    pub(crate) fn is_plain(&self) -> bool {
        self.rest.is_empty()
    }

    /// Runs the other stages over a line; `false` drops it.
    pub(crate) fn run(&self, work: &mut Work<'_>, hints: &Hints) -> bool {
        self.rest.iter().all(|stage| step(stage, work, hints))
    }
}

fn step(stage: &Stage, work: &mut Work<'_>, hints: &Hints) -> bool {
    match stage {
        Stage::Line(filter) => return filters::line(filter, &work.line),
        Stage::Label(filter) => return filters::label(filter, work),
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
                let fits = matcher
                    .as_ref()
                    .is_none_or(|m| m.matches(work.get(name).unwrap_or("")));
                if fits {
                    work.delete(name);
                }
            }
        }
        Stage::Decolorize => {
            if let Some(plain) = decolorize(&work.line) {
                work.line = Cow::Owned(plain);
            }
        }
    }
    true
}

fn label_format(formats: &[(String, Renamed)], work: &mut Work<'_>) {
    // Templates see the labels as they were when the first of them was rendered.
    let mut before: Option<Work<'_>> = None;
    for (name, format) in formats {
        match format {
            Renamed::Label(source) => {
                if let Some(value) = work.get(source).map(str::to_owned) {
                    work.set(name, value);
                    work.delete(source);
                }
            }
            Renamed::Template(template) => {
                let scope = before.get_or_insert_with(|| work.clone());
                match template.render(scope) {
                    Ok(text) => work.set(name, text),
                    Err(message) => work.fail("TemplateFormatErr", message),
                }
            }
        }
    }
}

fn keep(names: &[(String, Option<Matcher>)], work: &mut Work<'_>) {
    let lost: Vec<String> = work
        .labels
        .iter()
        .filter(|(k, v, _)| {
            !names.iter().any(|(name, matcher)| {
                name == k.as_ref() && matcher.as_ref().is_none_or(|m| m.matches(v))
            })
        })
        .map(|(k, ..)| k.as_ref().to_owned())
        .collect();
    for name in lost {
        work.delete(&name);
    }
}

/// Takes ANSI's sequences out of a line, if it has any.
///
/// Source of the expression: <https://github.com/chalk/ansi-regex>.
fn decolorize(line: &str) -> Option<String> {
    static ANSI: LazyLock<Option<Regex>> = LazyLock::new(|| {
        Regex::new(
            "[\u{1b}\u{9b}][\\[\\]()#;?]*(?:(?:(?:[a-zA-Z\\d]*(?:;[a-zA-Z\\d]*)*)?\u{7})|(?:(?:\\d{1,4}(?:;\\d{0,4})*)?[\\dA-PRZcf-ntqry=><~]))",
        )
        .ok()
    });
    match ANSI.as_ref()?.replace_all(line, "") {
        Cow::Borrowed(_) => None,
        Cow::Owned(plain) => Some(plain),
    }
}

/// The number of an unwrapped label, if the line has one and passes the filters after it.
pub(crate) fn unwrap(unwrap: &Unwrap, work: &mut Work<'_>) -> Option<f64> {
    let text = work.get(&unwrap.label).filter(|text| !text.is_empty())?;
    let number = match unwrap.convert {
        Convert::Number => text.parse::<f64>().map_err(|_| float_error(text)),
        Convert::Duration => units::go_duration(text)
            .map(|nanos| nanos as f64 / 1e9)
            .ok_or_else(|| duration_error(text)),
        Convert::Bytes => units::bytes(text).ok_or_else(|| bytes_error(text)),
    };
    let value = number.unwrap_or_else(|message| {
        work.fail("SampleExtractionErr", message);
        0.0
    });
    unwrap
        .filters
        .iter()
        .all(|filter| filters::label(filter, work))
        .then_some(value)
}

/// What Go says of a text that is no number.
fn float_error(text: &str) -> String {
    format!(
        "strconv.ParseFloat: parsing {}: invalid syntax",
        super::labels::quote(text)
    )
}

/// What Go says of a text that is no duration.
fn duration_error(text: &str) -> String {
    let quoted = super::labels::quote(text);
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    let digits = unsigned
        .find(|c: char| !c.is_ascii_digit() && c != '.')
        .unwrap_or(unsigned.len());
    if digits == 0 || unsigned[..digits].chars().all(|c| c == '.') {
        return format!("time: invalid duration {quoted}");
    }
    let unit: String = unsigned[digits..]
        .chars()
        .take_while(|c| !c.is_ascii_digit() && *c != '.')
        .collect();
    if unit.is_empty() {
        return format!("time: missing unit in duration {quoted}");
    }
    if units::go_duration(&format!("1{unit}")).is_none() {
        let unit = super::labels::quote(&unit);
        return format!("time: unknown unit {unit} in duration {quoted}");
    }
    format!("time: invalid duration {quoted}")
}

/// What go-humanize says of a text that is no size.
fn bytes_error(text: &str) -> String {
    let digits = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != ',')
        .unwrap_or(text.len());
    let number = text[..digits].replace(',', "");
    if number.parse::<f64>().is_err() {
        return float_error(&number);
    }
    format!(
        "unhandled size name: {}",
        text[digits..].trim().to_lowercase()
    )
}

#[cfg(test)]
mod tests;
