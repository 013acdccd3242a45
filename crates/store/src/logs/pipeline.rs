//! What the stages of a query do with one line.

mod filters;
mod parsers;
mod work;

use std::borrow::Cow;
use std::sync::LazyLock;

use regex::Regex;

use super::logql::{Convert, LineFilter, Matcher, Renamed, Stage, Unwrap, units};

pub(crate) use parsers::Logfmt;
pub(crate) use work::{Base, Hints, Origin, Work};

/// The label that marks a line whose error was asked for.
pub(crate) const PRESERVE: &str = "__preserve_error__";

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
