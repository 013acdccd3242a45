//! A query, its history, and how far its answer is.

use engine::EngineError;
use telemetry::{Position, TelemetryError};

use super::history::History;

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
    pub(crate) history: History,
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
            history: History::default(),
        }
    }

    /// Whether nothing was ever asked.
    pub(crate) fn untouched(&self) -> bool {
        self.waiting == 0 && matches!(self.reply, Reply::Nothing)
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
        self.history.push(self.query.clone());
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_asked_is_recalled_and_a_failure_keeps_the_last_answer() {
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
        assert_eq!(asking.history.queries(), ["up", "down"]);
        assert!(!asking.untouched());
    }
}
