//! Names and values that backends told, and how old they are.

use std::collections::{BTreeMap, BTreeSet};

use model::{Period, Timestamp};
use telemetry::LogLine;

use crate::completion::{Known, Language, Subject};

/// How old names may be before they are asked for again.
const FRESH: Period = Period::from_secs(30);
/// How many names of one subject are kept: nobody looks through more.
const KEPT: usize = 5_000;
/// How many values of a label are kept that lines had.
const SEEN: usize = 200;

/// Names and values that backends told.
#[derive(Clone, Debug, Default)]
pub(crate) struct Names(BTreeMap<Subject, Told>);

/// What is known of one subject.
#[derive(Clone, Debug, Default)]
struct Told {
    /// What the backend told and what was seen.
    names: Vec<String>,
    seen: BTreeSet<String>,
    since: Option<Timestamp>,
    standing: Standing,
}

impl Told {
    fn take(&mut self, mut names: Vec<String>) {
        // What is not one line of text cannot be written into a query's line.
        names.retain(|name| !name.is_empty() && !name.contains(char::is_control));
        names.extend(self.seen.iter().cloned());
        names.sort();
        names.dedup();
        names.truncate(KEPT);
        self.names = names;
    }
}

/// How far the last question is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) enum Standing {
    /// It is on its way.
    Asked,
    /// It was answered, or never put.
    #[default]
    Answered,
    /// It was not, for this reason.
    Failed(String),
}

impl Names {
    /// Whether `subject` is to be asked for now: nobody did yet, or long ago.
    /// It counts as asked from now on.
    pub(crate) fn want(&mut self, subject: &Subject, now: Timestamp) -> bool {
        let told = self.0.entry(subject.clone()).or_default();
        let old = told.since.is_none_or(|since| now.since(since) > FRESH);
        let due = old && told.standing != Standing::Asked;
        if due {
            told.standing = Standing::Asked;
        }
        due
    }

    /// What a backend answered. A failure keeps what was known.
    pub(crate) fn told(
        &mut self,
        subject: Subject,
        answer: Result<Vec<String>, String>,
        now: Timestamp,
    ) {
        let told = self.0.entry(subject).or_default();
        told.since = Some(now);
        told.standing = match answer {
            Ok(names) => {
                told.take(names);
                Standing::Answered
            }
            Err(why) => Standing::Failed(why),
        };
    }

    /// Takes the labels of `lines`: Loki tells those of streams only, and not
    /// those that a query extracted.
    pub(crate) fn see(&mut self, lines: &[LogLine]) {
        let mut fresh: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
        for (name, value) in lines.iter().flat_map(|line| &line.labels) {
            let values = fresh.entry(name).or_default();
            if values.len() < SEEN {
                values.insert(value);
            }
        }
        self.add(Subject::Names(Language::LogQl), fresh.keys());
        for (name, values) in &fresh {
            let subject = Subject::Values(Language::LogQl, (*name).to_owned());
            self.add(subject, values);
        }
    }

    fn add<'a>(&mut self, subject: Subject, seen: impl IntoIterator<Item = &'a &'a str>) {
        let told = self.0.entry(subject).or_default();
        if told.seen.len() < SEEN {
            told.seen
                .extend(seen.into_iter().map(|name| (*name).to_owned()));
            let known = std::mem::take(&mut told.names);
            told.take(known);
        }
    }

    /// How far the question for `subject` is; `None` where nobody asked.
    pub(crate) fn standing(&self, subject: &Subject) -> Option<&Standing> {
        self.0.get(subject).map(|told| &told.standing)
    }
}

impl Known for Names {
    fn of(&self, subject: &Subject) -> &[String] {
        self.0.get(subject).map_or(&[], |told| &told.names)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_asked_for_once_and_again_when_they_are_old() {
        let subject = Subject::Names(Language::PromQl);
        let at = |seconds: u64| Timestamp::from_millis(1_700_000_000_000 + seconds * 1_000);
        let mut names = Names::default();
        assert!(names.want(&subject, at(0)));
        assert!(!names.want(&subject, at(60)), "asked already");
        let answer = ["service", "le", "", "two\nlines", "le"].map(str::to_owned);
        names.told(subject.clone(), Ok(answer.to_vec()), at(61));
        assert_eq!(names.of(&subject), ["le", "service"]);
        assert!(!names.want(&subject, at(62)), "fresh");
        assert!(names.want(&subject, at(92)), "old");
        names.told(subject.clone(), Err("gone".into()), at(93));
        assert_eq!(names.of(&subject), ["le", "service"]);
        let failed = Standing::Failed("gone".into());
        assert_eq!(names.standing(&subject), Some(&failed));
        assert!(!names.want(&subject, at(94)), "not again at once");
    }

    #[test]
    fn labels_that_a_query_extracted_are_known_beside_those_of_streams() {
        let line = LogLine {
            at: Timestamp::from_millis(0),
            nanos: 0,
            labels: [("level".to_owned(), "error".to_owned())].into(),
            line: String::new(),
        };
        let labels = Subject::Names(Language::LogQl);
        let mut names = Names::default();
        names.see(std::slice::from_ref(&line));
        assert!(names.want(&labels, line.at), "nobody was asked yet");
        names.told(labels.clone(), Ok(vec!["app".into()]), line.at);
        assert_eq!(names.of(&labels), ["app", "level"]);
        let values = Subject::Values(Language::LogQl, "level".into());
        assert_eq!(names.of(&values), ["error"]);
    }
}
