//! Why a backend gave no answer, in its own words.

use std::fmt;

use model::{Backend, Period};

/// Why a question was not answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TelemetryError {
    /// The address of a backend is not a plain HTTP URL.
    #[error("`{url}` is no address of {}: {reason}; give one such as `http://127.0.0.1:9009`", of(*.backend))]
    BadUrl {
        /// Which backend.
        backend: Backend,
        /// The address as it was given.
        url: String,
        /// What is wrong with it.
        reason: String,
    },
    /// Nobody answers there, or a gateway says so.
    #[error("{} cannot be reached at {url}: {reason}", of(*.backend))]
    Unreachable {
        /// Which backend.
        backend: Backend,
        /// Where it was sought.
        url: String,
        /// What happened.
        reason: String,
    },
    /// The backend did not want the query.
    #[error("{} refused the query ({kind}): {message}", of(*.backend))]
    Refused {
        /// Which backend.
        backend: Backend,
        /// The backend's own kind, such as `bad_data`; else the HTTP status.
        kind: String,
        /// The backend's own message.
        message: String,
        /// Where in the query the message points to.
        position: Option<Position>,
    },
    /// No answer came in time.
    #[error("{} gave no answer within {after}: narrow the query or its time range", of(*.backend))]
    Slow {
        /// Which backend.
        backend: Backend,
        /// How long was waited.
        after: Period,
    },
    /// An answer came that is not in the API's form.
    #[error("the answer of {} was not understood: {reason}", of(*.backend))]
    Unreadable {
        /// Which backend.
        backend: Backend,
        /// What was wrong with it.
        reason: String,
    },
}

impl TelemetryError {
    /// Where in the query the error is, where the backend said so.
    pub fn position(&self) -> Option<Position> {
        match self {
            Self::Refused { position, .. } => *position,
            _ => None,
        }
    }
}

fn of(backend: Backend) -> &'static str {
    match backend {
        Backend::Metrics => "the metrics backend",
        Backend::Logs => "the logs backend",
        Backend::Traces => "the traces backend",
    }
}

/// A place in a query's text, counted from 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position {
    /// The line.
    pub line: u32,
    /// The character in the line.
    pub column: u32,
}

impl fmt::Display for Position {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

impl Position {
    /// Reads `1:5: parse error` (Prometheus) and `line 1, col 5` (Loki, Tempo).
    pub(crate) fn read(message: &str) -> Option<Self> {
        if let Some((_, rest)) = message.split_once("line ") {
            let (line, rest) = number(rest)?;
            let rest = rest.trim_start_matches([',', ' ']);
            let rest = rest.strip_prefix("column ").or(rest.strip_prefix("col "))?;
            return number(rest).map(|(column, _)| Self { line, column });
        }
        let mut starts = message
            .match_indices(|c: char| c.is_ascii_digit())
            .map(|(at, _)| at)
            .filter(|at| !message[..*at].ends_with(|c: char| c.is_alphanumeric() || c == ':'));
        starts.find_map(|at| {
            let (line, rest) = number(&message[at..])?;
            let (column, rest) = number(rest.strip_prefix(':')?)?;
            rest.starts_with(": ").then_some(Self { line, column })
        })
    }
}

/// The number at the start of `text`, and what follows it.
fn number(text: &str) -> Option<(u32, &str)> {
    let end = text
        .find(|c: char| !c.is_ascii_digit())
        .unwrap_or(text.len());
    Some((text[..end].parse().ok()?, &text[end..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_place_of_an_error_is_read_from_each_backend_s_own_message() {
        for (message, place) in [
            (
                "invalid parameter \"query\": 1:5: parse error: unexpected <op:*>",
                Some((1, 5)),
            ),
            ("1:12: parse error: unclosed left brace", Some((1, 12))),
            (
                "parse error at line 1, col 9: syntax error: unexpected IDENTIFIER",
                Some((1, 9)),
            ),
            (
                "invalid TraceQL query: parse error at line 2, col 3: syntax error",
                Some((2, 3)),
            ),
            ("at 12:30:01: too late", None),
            ("query timed out", None),
            ("maximum of series (500) reached", None),
        ] {
            let read = Position::read(message).map(|p| (p.line, p.column));
            assert_eq!(read, place, "{message}");
        }
    }
}
