//! A line on its way through a pipeline, and its labels.

use std::borrow::Cow;

use crate::logs::labels::Labels;
use crate::logs::template::Scope;

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

pub(super) type Label<'a> = (Cow<'a, str>, Cow<'a, str>, Origin);

/// What lines of one stream with equal metadata begin with.
#[derive(Clone, Debug)]
pub(crate) struct Base<'a> {
    stream: &'a Labels,
    labels: Vec<Label<'a>>,
}

impl<'a> Base<'a> {
    /// The labels of a stream and of metadata.
    pub(crate) fn new(
        stream: &'a Labels,
        metadata: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut labels: Vec<Label<'a>> = stream
            .iter()
            .map(|(k, v)| (Cow::Borrowed(k), Cow::Borrowed(v), Origin::Stream))
            .collect();
        for (name, value) in metadata {
            let name = match stream.get(name) {
                Some(_) => Cow::Owned(format!("{name}_extracted")),
                None => Cow::Borrowed(name),
            };
            labels.push((name, Cow::Borrowed(value), Origin::Metadata));
        }
        Self { stream, labels }
    }

    /// A line at the start of its pipeline.
    pub(crate) fn work(&self, ts: i64, line: &'a str) -> Work<'a> {
        Work {
            ts,
            line: Cow::Borrowed(line),
            stream: self.stream,
            labels: self.labels.clone(),
            gone: Vec::new(),
            error: None,
            details: None,
        }
    }
}

/// A line on its way through a pipeline.
#[derive(Clone, Debug)]
pub(crate) struct Work<'a> {
    /// Nanoseconds since the epoch.
    pub ts: i64,
    /// The line as it is now.
    pub line: Cow<'a, str>,
    stream: &'a Labels,
    pub(super) labels: Vec<Label<'a>>,
    /// Names that were parsed and then taken away; they are not parsed again.
    gone: Vec<String>,
    /// `__error__`.
    pub error: Option<String>,
    details: Option<String>,
}

/// Makes a text that lasts for `'l` one that lasts for `'a`.
pub(super) type Keep<'l, 'a> = fn(Cow<'l, str>) -> Cow<'a, str>;

/// The [`Keep`] of a text that goes sooner than its line's labels.
pub(super) fn into_owned<'a>(text: Cow<'_, str>) -> Cow<'a, str> {
    Cow::Owned(text.into_owned())
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
    pub(super) fn wants(&self, name: &str) -> bool {
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
        Base::new(stream, metadata).work(ts, line)
    }

    /// Begins again with another line, in the memory that the one before took.
    pub(crate) fn restart(&mut self, base: &Base<'a>, ts: i64, line: &'a str) {
        self.ts = ts;
        self.line = Cow::Borrowed(line);
        self.stream = base.stream;
        self.labels.clear();
        self.labels.extend_from_slice(&base.labels);
        self.gone.clear();
        self.error = None;
        self.details = None;
    }

    /// Whether something went wrong, or is said to have.
    pub(crate) const fn failed(&self) -> bool {
        self.error.is_some() || self.details.is_some()
    }

    /// Names and values of all labels, in no order, the error's aside.
    pub(crate) fn each(&self) -> impl Iterator<Item = (&str, &str)> {
        self.labels.iter().map(|(k, v, _)| (k.as_ref(), v.as_ref()))
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
    pub(super) fn clashes(&self, name: &str) -> bool {
        self.stream.get(name).is_some()
            || self
                .labels
                .iter()
                .any(|(k, _, origin)| k == name && *origin == Origin::Metadata)
    }

    /// Whether a stage made a label of this name before.
    pub(super) fn parsed(&self, name: &str) -> bool {
        self.gone.iter().any(|gone| gone == name)
            || self
                .labels
                .iter()
                .any(|(k, _, origin)| k == name && *origin == Origin::Parsed)
    }

    /// Whether parsers may rest: no label is needed, or all that are have been made.
    pub(super) fn satisfies(&self, hints: &Hints) -> bool {
        hints.none
            || (!hints.required.is_empty() && hints.required.iter().all(|name| self.parsed(name)))
    }

    /// Sets a label that a stage made.
    pub(crate) fn set(&mut self, name: &str, value: String) {
        self.put(Cow::Borrowed(name), Cow::Owned(value), into_owned);
    }

    /// The same; `keep` makes the name and the value last as long as the line's other labels.
    pub(super) fn put<'l>(&mut self, name: Cow<'l, str>, value: Cow<'l, str>, keep: Keep<'l, 'a>) {
        match self.labels.iter_mut().find(|(k, ..)| *k == name) {
            Some(known) => {
                known.1 = keep(value);
                known.2 = Origin::Parsed;
            }
            None => self.labels.push((keep(name), keep(value), Origin::Parsed)),
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
    pub(super) fn fail_first(&mut self, kind: &str, details: String) {
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
