//! A query, its history, and how far its answer is.

use engine::EngineError;
use telemetry::{Position, TelemetryError};

use super::input::Input;

/// What came of a query.
#[derive(Clone, Debug)]
pub(crate) enum Reply<T> {
    /// Nothing was asked yet.
    Nothing,
    /// The answer.
    Data(T),
    /// Why there is none; with the last good answer.
    Failed(Refusal, Option<T>),
}

/// Why a query was not answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) query: String,
    /// In the backend's words.
    pub(crate) why: String,
    /// Where in the query the backend points to.
    pub(crate) place: Option<Position>,
}

impl Refusal {
    /// What `error` says of `query`.
    pub(crate) fn new(query: String, error: &EngineError) -> Self {
        let (why, place) = match error {
            // Who refused is plain to see; the room is for the reason.
            EngineError::Telemetry(TelemetryError::Refused {
                message, position, ..
            }) => (format!("refused: {message}"), *position),
            _ => (error.to_string(), None),
        };
        Self { query, why, place }
    }
}

impl<T> Reply<T> {
    /// The newest data that there are.
    pub(crate) fn data(&self) -> Option<&T> {
        match self {
            Self::Nothing => None,
            Self::Data(data) => Some(data),
            Self::Failed(_, kept) => kept.as_ref(),
        }
    }
}

/// A query, its history, and how far its answer is.
#[derive(Clone, Debug)]
pub(crate) struct Asking<T> {
    pub(crate) query: String,
    pub(crate) reply: Reply<T>,
    pub(crate) waiting: usize,
    ready_made: Vec<(&'static str, String)>,
    ready: usize,
    history: Vec<String>,
    recalled: Option<usize>,
}

impl<T> Asking<T> {
    /// With queries to begin from, each with a title; there is at least one.
    pub(crate) fn new(ready_made: Vec<(&'static str, String)>) -> Self {
        Self {
            query: ready_made
                .first()
                .map(|(_, query)| query.clone())
                .unwrap_or_default(),
            reply: Reply::Nothing,
            waiting: 0,
            ready_made,
            ready: 0,
            history: Vec::new(),
            recalled: None,
        }
    }

    /// Whether nothing was ever asked.
    pub(crate) fn untouched(&self) -> bool {
        self.history.is_empty()
    }

    /// The title of the query where it is a ready-made one.
    pub(crate) fn title(&self) -> Option<&'static str> {
        let found = self
            .ready_made
            .iter()
            .find(|(_, query)| *query == self.query);
        found.map(|(title, _)| *title)
    }

    /// The ready-made query `step` places on.
    pub(crate) fn turn(&mut self, step: isize) {
        let count = self.ready_made.len() as isize;
        if count > 0 {
            self.ready = (self.ready as isize + step).rem_euclid(count) as usize;
            self.query = self.ready_made[self.ready].1.clone();
        }
    }

    /// The query is asked now.
    pub(crate) fn begin(&mut self) {
        self.waiting += 1;
        self.recalled = None;
        if self.history.last() != Some(&self.query) {
            self.history.push(self.query.clone());
        }
    }

    /// The answer came.
    pub(crate) fn end(&mut self, reply: Result<T, Refusal>) {
        self.waiting = self.waiting.saturating_sub(1);
        let kept = match std::mem::replace(&mut self.reply, Reply::Nothing) {
            Reply::Nothing => None,
            Reply::Data(data) => Some(data),
            Reply::Failed(_, kept) => kept,
        };
        self.reply = match reply {
            Ok(data) => Reply::Data(data),
            Err(refusal) => Reply::Failed(refusal, kept),
        };
    }

    /// The query `step` places back (or on, where negative) in the history.
    pub(crate) fn recall(&mut self, step: isize) -> Option<Input> {
        let count = self.history.len() as isize;
        let from = self.recalled.map_or(count, |at| at as isize);
        let at = (from - step).clamp(0, count);
        self.recalled = Some(at as usize);
        Some(Input::holding(
            self.history.get(at as usize).map_or("", String::as_str),
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn history_is_recalled_and_a_failure_keeps_the_last_answer() {
        let mut asking: Asking<u8> = Asking::new(vec![("a", "up".into()), ("b", "down".into())]);
        asking.begin();
        asking.end(Ok(1));
        asking.turn(1);
        assert_eq!((asking.query.as_str(), asking.title()), ("down", Some("b")));
        asking.begin();
        asking.end(Err(Refusal {
            query: "down".into(),
            why: "refused".into(),
            place: None,
        }));
        assert_eq!(asking.reply.data(), Some(&1));
        let texts: Vec<String> = [1, 1, 1, -1]
            .into_iter()
            .filter_map(|step| asking.recall(step))
            .map(|line| line.text().to_owned())
            .collect();
        assert_eq!(texts, ["down", "up", "up", "down"]);
    }
}
