//! A text about something in the cluster: a description, YAML, logs.

use engine::ObjectKind;

use super::logs::Follow;

/// Which container of a pod.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Instance {
    /// The one that runs.
    Present,
    /// The one before it.
    Previous,
}

/// Where a text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    Describe(ObjectKind, String),
    Yaml(ObjectKind, String),
    Logs(String, Instance),
}

impl Source {
    /// What is read, in a few words.
    pub(crate) fn title(&self) -> String {
        match self {
            Self::Describe(kind, name) => format!("{} {name}", kind.as_str()),
            Self::Yaml(kind, name) => format!("YAML of {} {name}", kind.as_str()),
            Self::Logs(pod, Instance::Present) => format!("logs of {pod}"),
            Self::Logs(pod, Instance::Previous) => {
                format!("logs of {pod}, its container before this one")
            }
        }
    }

    /// The line that shows the same in a shell.
    pub(crate) fn kubectl(&self, shop: &str) -> String {
        let what = match self {
            Self::Describe(kind, name) => format!("describe {} {name}", kind.as_str()),
            Self::Yaml(kind, name) => format!("get {} {name} -o yaml", kind.as_str()),
            Self::Logs(pod, Instance::Present) => format!("logs --tail=500 {pod}"),
            Self::Logs(pod, Instance::Previous) => format!("logs --previous --tail=500 {pod}"),
        };
        format!("kubectl -n {shop} {what}")
    }
}

/// A text that is read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Page {
    pub(crate) source: Source,
    pub(crate) lines: Vec<String>,
    /// The line that is marked.
    pub(crate) at: usize,
    /// How many characters are out of sight on the left.
    pub(crate) shift: usize,
    /// What is searched for; empty for nothing.
    pub(crate) sought: String,
    pub(crate) follow: Follow,
}

impl Page {
    /// Opens at the first line; logs open at the last.
    pub(crate) fn new(source: Source, lines: Vec<String>) -> Self {
        let last = lines.len().saturating_sub(1);
        Self {
            at: match source {
                Source::Logs(..) => last,
                Source::Describe(..) | Source::Yaml(..) => 0,
            },
            source,
            lines,
            shift: 0,
            sought: String::new(),
            follow: Follow::Off,
        }
    }

    /// Takes the text as it is now. Who follows stands at its end.
    pub(crate) fn renew(&mut self, lines: Vec<String>) {
        self.lines = lines;
        let last = self.lines.len().saturating_sub(1);
        self.at = match self.follow {
            Follow::On => last,
            Follow::Off => self.at.min(last),
        };
    }

    /// Searches for `text`, from the marked line on.
    pub(crate) fn seek(&mut self, text: String) {
        self.sought = text;
        let hits = self.hits();
        let next = hits.iter().find(|hit| **hit >= self.at).or(hits.first());
        self.mark(next.copied());
    }

    /// To the next line that has what is sought; from the last to the first.
    pub(crate) fn next(&mut self) {
        let hits = self.hits();
        let next = hits.iter().find(|hit| **hit > self.at).or(hits.first());
        self.mark(next.copied());
    }

    /// To the one before; from the first to the last.
    pub(crate) fn previous(&mut self) {
        let hits = self.hits();
        let before = hits.iter().rev().find(|hit| **hit < self.at);
        self.mark(before.or(hits.last()).copied());
    }

    fn mark(&mut self, line: Option<usize>) {
        if let Some(line) = line {
            self.at = line;
            self.follow = Follow::Off;
        }
    }

    /// The lines that have what is sought.
    pub(crate) fn hits(&self) -> Vec<usize> {
        if self.sought.is_empty() {
            return Vec::new();
        }
        let sought = self.sought.to_lowercase();
        let lines = self.lines.iter().enumerate();
        let hits = lines.filter(|(_, line)| line.to_lowercase().contains(&sought));
        hits.map(|(index, _)| index).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(texts: &[&str]) -> Vec<String> {
        texts.iter().map(|text| (*text).to_owned()).collect()
    }

    #[test]
    fn a_search_goes_round_in_both_directions_and_ignores_case() {
        let source = Source::Describe(ObjectKind::Pod, "payment-1".into());
        let mut page = Page::new(source, lines(&["Error: a", "b", "an error", "c"]));
        page.at = 1;
        page.seek("ERROR".into());
        assert_eq!((page.at, page.hits()), (2, vec![0, 2]));
        page.next();
        assert_eq!(page.at, 0);
        page.previous();
        assert_eq!(page.at, 2);
        page.seek("nobody wrote this".into());
        page.next();
        assert_eq!(page.at, 2, "what is not found moves nothing");
    }

    #[test]
    fn who_follows_stands_at_the_end_and_who_reads_stays() {
        let source = Source::Logs("payment-1".into(), Instance::Present);
        let mut page = Page::new(source, lines(&["1", "2"]));
        assert_eq!(page.at, 1);
        page.at = 0;
        page.renew(lines(&["1", "2", "3"]));
        assert_eq!(page.at, 0);
        page.follow = Follow::On;
        page.renew(lines(&["1", "2", "3", "4"]));
        assert_eq!(page.at, 3);
    }
}
