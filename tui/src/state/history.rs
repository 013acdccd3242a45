//! The queries of a language that were asked, in this drill and before it.

use super::Input;

/// How many queries are kept.
const KEPT: usize = 500;

/// Queries that were asked, each once, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct History {
    queries: Vec<String>,
    recalled: Option<usize>,
}

/// A query that is searched among the earlier ones; the line says by what.
#[derive(Clone, Debug, Default)]
pub(crate) struct Search {
    /// The line as it was before.
    pub(crate) written: Input,
    /// Which of those that were found is taken, newest first.
    pub(crate) chosen: usize,
}

impl History {
    /// Those of earlier drills, oldest first.
    pub(crate) fn of(queries: impl IntoIterator<Item = String>) -> Self {
        let mut history = Self::default();
        for query in queries {
            history.push(query);
        }
        history
    }

    /// `query` is asked now.
    pub(crate) fn push(&mut self, query: String) {
        self.queries.retain(|earlier| *earlier != query);
        self.queries.push(query);
        if self.queries.len() > KEPT {
            self.queries.remove(0);
        }
    }

    /// Puts those of earlier drills before those of this one.
    pub(crate) fn remember(&mut self, earlier: Vec<String>) {
        let own = std::mem::take(&mut self.queries);
        *self = Self::of(earlier.into_iter().chain(own));
    }

    /// All of them, oldest first.
    pub(crate) fn queries(&self) -> &[String] {
        &self.queries
    }

    /// The next recall begins at the newest again.
    pub(crate) fn rewind(&mut self) {
        self.recalled = None;
    }

    /// The query `step` places back (or on, where negative); nothing behind the newest.
    pub(crate) fn recall(&mut self, step: isize) -> &str {
        let count = self.queries.len() as isize;
        let from = self.recalled.map_or(count, |at| at as isize);
        let at = (from - step).clamp(0, count) as usize;
        self.recalled = Some(at);
        self.queries.get(at).map_or("", String::as_str)
    }

    /// Those that contain `text`, newest first.
    pub(crate) fn search(&self, text: &str) -> Vec<&str> {
        let found = self.queries.iter().rev().map(String::as_str);
        found.filter(|query| query.contains(text)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_query_is_kept_once_and_the_oldest_go() {
        let mut history = History::of((0..KEPT).map(|n| format!("q{n}")));
        history.push("q7".into());
        history.push("new".into());
        assert_eq!(history.queries().len(), KEPT);
        assert_eq!(history.queries().first().map(String::as_str), Some("q1"));
        assert_eq!(history.search("q7")[..2], ["q7", "q79"]);
    }

    #[test]
    fn queries_of_earlier_drills_stand_before_those_of_this_one() {
        let mut history = History::of(["up".to_owned()]);
        history.remember(vec!["down".into(), "up".into(), "sum(up)".into()]);
        assert_eq!(history.queries(), ["down", "sum(up)", "up"]);
        let recalled = [1, 1, 1, 1, -1].map(|step| history.recall(step).to_owned());
        assert_eq!(recalled, ["up", "sum(up)", "down", "down", "sum(up)"]);
        history.rewind();
        assert_eq!(history.recall(1), "up");
        assert_eq!(history.search("up"), ["up", "sum(up)"]);
    }
}
