//! What is wrong with an authored file, and where.

use std::fmt;
use std::sync::Arc;

use miette::{
    Diagnostic, GraphicalReportHandler, GraphicalTheme, LabeledSpan, NamedSource, Severity,
    SourceSpan,
};
use serde::Serialize;

use crate::node::Place;
use crate::rule::{Level, Rule};

/// An authored file: its name, as its author knows it, and its text.
#[derive(Clone, Debug)]
pub struct Source {
    name: Arc<str>,
    text: Arc<str>,
}

impl Source {
    /// The file called `name` that holds `text`.
    pub fn new(name: impl Into<Arc<str>>, text: impl Into<Arc<str>>) -> Self {
        Self {
            name: name.into(),
            text: text.into(),
        }
    }

    /// The file called `name` that holds `bytes`; it has to be UTF-8.
    ///
    /// # Errors
    /// The place of the first byte that is no text.
    pub fn of_bytes(name: &str, bytes: Vec<u8>) -> Result<Self, Problems> {
        String::from_utf8(bytes)
            .map(|text| Self::new(name, text))
            .map_err(|error| {
                let at = error.utf8_error().valid_up_to();
                let byte = error.as_bytes().get(at).copied().unwrap_or_default();
                let text = String::from_utf8_lossy(error.as_bytes()).into_owned();
                let mut problems = Problems::new(Self::new(name, text));
                problems.add(
                    Rule::NotText,
                    &(at..at),
                    format!("this is not UTF-8: byte {at} is 0x{byte:02x}"),
                    Some("save the file as UTF-8".to_owned()),
                );
                problems
            })
    }

    /// The file's name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The file's text.
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// One thing that is wrong with an authored file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Problem {
    /// The file's name.
    pub file: String,
    /// The line, from 1.
    pub line: usize,
    /// The column in characters, from 1.
    pub column: usize,
    /// The line on which the place ends.
    pub end_line: usize,
    /// The column behind its last character.
    pub end_column: usize,
    /// What kind of problem it is.
    pub rule: Rule,
    /// Whether the file can still be used.
    pub level: Level,
    /// What is wrong, in one sentence without a full stop.
    pub message: String,
    /// What to write instead: the expected form, or the nearest name.
    pub help: Option<String>,
    #[serde(skip)]
    place: Place,
}

/// Everything that is wrong with an authored file, in the order of its lines.
#[derive(Clone, Debug)]
pub struct Problems {
    source: Source,
    list: Vec<Problem>,
}

impl Problems {
    pub(crate) fn new(source: Source) -> Self {
        Self {
            source,
            list: Vec::new(),
        }
    }

    pub(crate) fn add(&mut self, rule: Rule, place: &Place, message: String, help: Option<String>) {
        let text = self.source.text();
        let start = floor(text, place.start);
        let end = floor(text, place.end.max(start));
        let (line, column) = line_and_column(text, start);
        let (end_line, end_column) = line_and_column(text, end);
        let problem = Problem {
            file: self.source.name().to_owned(),
            line,
            column,
            end_line,
            end_column,
            rule,
            level: rule.level(),
            message,
            help,
            place: start..end,
        };
        // What an alias repeats has one mistake, not one for each use.
        if !self.list.contains(&problem) {
            self.list.push(problem);
        }
    }

    /// What stands at `place`.
    pub(crate) fn text_at(&self, place: &Place) -> &str {
        self.source.text().get(place.clone()).unwrap_or_default()
    }

    /// In the order of their places.
    pub(crate) fn sorted(mut self) -> Self {
        self.list.sort_by_key(|problem| problem.place.start);
        self
    }

    /// Without those that leave the file usable.
    pub(crate) fn only_errors(mut self) -> Self {
        self.list.retain(|problem| problem.level == Level::Error);
        self
    }

    /// Without the problems of `rule`.
    #[must_use]
    pub fn without(mut self, rule: Rule) -> Self {
        self.list.retain(|problem| problem.rule != rule);
        self
    }

    /// Whether there is no problem.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether one of them makes the file unusable.
    pub fn any_error(&self) -> bool {
        self.list
            .iter()
            .any(|problem| problem.level == Level::Error)
    }

    /// The name of the file that has them.
    pub fn file(&self) -> &str {
        self.source.name()
    }

    /// The problems, in the order of their lines.
    pub fn list(&self) -> &[Problem] {
        &self.list
    }

    /// The problems as a person reads them: each with its line of the file and
    /// the place underlined. No colours, for logs and pipes.
    pub fn render(&self) -> String {
        self.render_with(GraphicalTheme::unicode_nocolor())
    }

    /// The problems as [`Problems::render`] gives them, in `theme`.
    pub fn render_with(&self, theme: GraphicalTheme) -> String {
        let handler = GraphicalReportHandler::new_themed(theme)
            .with_width(100)
            .with_context_lines(1)
            .with_links(false);
        let mut out = String::new();
        for problem in &self.list {
            let shown = Shown {
                problem,
                source: NamedSource::new(self.source.name(), self.source.text().to_owned()),
            };
            if handler.render_report(&mut out, &shown).is_err() {
                out.push_str(&problem.to_string());
            }
            out.push('\n');
        }
        out
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            file,
            line,
            column,
            message,
            help,
            ..
        } = self;
        write!(f, "{file}:{line}:{column}: ")?;
        if self.level == Level::Warning {
            f.write_str("warning: ")?;
        }
        write!(f, "{message}")?;
        match help {
            Some(help) => write!(f, " ({})", help.replace('\n', "; ")),
            None => Ok(()),
        }
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.list.iter().enumerate() {
            if index > 0 {
                f.write_str("\n")?;
            }
            problem.fmt(f)?;
        }
        Ok(())
    }
}

impl std::error::Error for Problems {}

/// One problem as `miette` draws it.
#[derive(Debug)]
struct Shown<'a> {
    problem: &'a Problem,
    source: NamedSource<String>,
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.problem.message)
    }
}

impl std::error::Error for Shown<'_> {}

impl Diagnostic for Shown<'_> {
    fn severity(&self) -> Option<Severity> {
        Some(match self.problem.level {
            Level::Error => Severity::Error,
            Level::Warning => Severity::Warning,
        })
    }

    fn help<'a>(&'a self) -> Option<Box<dyn fmt::Display + 'a>> {
        let help = self.problem.help.as_ref()?;
        Some(Box::new(help))
    }

    fn source_code(&self) -> Option<&dyn miette::SourceCode> {
        Some(&self.source)
    }

    fn labels(&self) -> Option<Box<dyn Iterator<Item = LabeledSpan> + '_>> {
        let Place { start, end } = self.problem.place.clone();
        // A label over several lines would draw them all: point at its first.
        let text = self.source.inner();
        let line_end = text[start..].find('\n').map_or(text.len(), |at| start + at);
        let span = SourceSpan::from(start..end.min(line_end).max(start));
        Some(Box::new(std::iter::once(LabeledSpan::new_with_span(
            None, span,
        ))))
    }
}

/// The nearest start of a character at or before `at`.
fn floor(text: &str, at: usize) -> usize {
    let mut at = at.min(text.len());
    while !text.is_char_boundary(at) {
        at -= 1;
    }
    at
}

/// The line and the column of `at`, from 1, the column in characters.
fn line_and_column(text: &str, at: usize) -> (usize, usize) {
    let before = &text[..at];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    let column = text[line_start..at].chars().count() + 1;
    (before.matches('\n').count() + 1, column)
}
