//! Reads logs by Loki's API.

use std::collections::HashSet;

use model::{Backend, Period, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::http::Http;
use crate::metrics::wire::{QueryData, Success};
use crate::{Labels, Matrix, TelemetryError, TimeRange};

/// A client of Loki, or of anything that speaks its API.
#[derive(Clone, Debug)]
pub struct Logs {
    http: Http,
}

/// One line of a log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogLine {
    /// When it was written.
    pub at: Timestamp,
    /// The same in nanoseconds since the Unix epoch.
    pub nanos: u64,
    /// The labels of its stream, and those that the query extracted.
    pub labels: Labels,
    /// The line itself.
    pub line: String,
}

impl LogLine {
    /// A field of the line, where the line is a JSON object.
    pub fn field(&self, name: &str) -> Option<Value> {
        let json: Value = serde_json::from_str(&self.line).ok()?;
        json.get(name).cloned()
    }

    /// Its level in lower case: by the labels `level` or `detected_level`, or
    /// by the line's own JSON.
    pub fn level(&self) -> Option<String> {
        let label = |name| self.labels.get(name).cloned();
        let own = || {
            let level = self.field("level")?;
            level.as_str().map(str::to_owned)
        };
        label("level")
            .or_else(own)
            .or_else(|| label("detected_level"))
            .map(|level| level.to_lowercase())
    }
}

/// The answer to a LogQL query: lines, or series where it counts something.
#[derive(Clone, Debug, PartialEq)]
pub enum LogAnswer {
    /// Lines in the direction that was asked for.
    Lines(Vec<LogLine>),
    /// Series of numbers.
    Matrix(Matrix),
}

impl LogAnswer {
    /// The lines; none where the answer is numbers.
    pub fn into_lines(self) -> Vec<LogLine> {
        match self {
            Self::Lines(lines) => lines,
            Self::Matrix(_) => Vec::new(),
        }
    }
}

/// Which lines come first, and which are left out beyond the limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    /// Newest first.
    Backward,
    /// Oldest first.
    Forward,
}

impl Logs {
    /// A client for Loki at `url`, such as `http://127.0.0.1:3100`.
    ///
    /// # Errors
    /// [`TelemetryError::BadUrl`] when it is no plain HTTP URL.
    pub fn connect(url: &str, timeout: Period) -> Result<Self, TelemetryError> {
        Http::new(Backend::Logs, url, timeout).map(|http| Self { http })
    }

    /// The lines or values of `query` over `range`: at most `limit` lines, or
    /// a value each `step` (one second at least).
    ///
    /// # Errors
    /// Any [`TelemetryError`] but `BadUrl`.
    pub async fn range(
        &self,
        query: &str,
        range: TimeRange,
        limit: u32,
        direction: Direction,
    ) -> Result<LogAnswer, TelemetryError> {
        let direction = match direction {
            Direction::Backward => "backward",
            Direction::Forward => "forward",
        };
        // Loki's end does not belong to the range; ours does.
        let end = (range.to.as_millis() + 1) * 1_000_000;
        let params = [
            ("query", query.to_owned()),
            ("start", (range.from.as_millis() * 1_000_000).to_string()),
            ("end", end.to_string()),
            ("limit", limit.to_string()),
            ("direction", direction.to_owned()),
            ("step", range.step(300).as_secs_f64().to_string()),
        ];
        let answer = self.query("query_range", &params).await?;
        Ok(match (answer, direction) {
            (LogAnswer::Lines(mut lines), "forward") => {
                lines.sort_by_key(|line| line.nanos);
                LogAnswer::Lines(lines)
            }
            (LogAnswer::Lines(mut lines), _) => {
                lines.sort_by_key(|line| std::cmp::Reverse(line.nanos));
                LogAnswer::Lines(lines)
            }
            (matrix, _) => matrix,
        })
    }

    /// The value of a metric query at one time, the backend's present unless told.
    ///
    /// # Errors
    /// Any [`TelemetryError`] but `BadUrl`.
    pub async fn instant(
        &self,
        query: &str,
        at: Option<Timestamp>,
    ) -> Result<LogAnswer, TelemetryError> {
        let mut params = vec![("query", query.to_owned())];
        if let Some(at) = at {
            params.push(("time", (at.as_millis() * 1_000_000).to_string()));
        }
        self.query("query", &params).await
    }

    /// The names of all labels in `range`.
    ///
    /// # Errors
    /// Any [`TelemetryError`] but `BadUrl`.
    pub async fn label_names(&self, range: TimeRange) -> Result<Vec<String>, TelemetryError> {
        self.names(&["loki", "api", "v1", "labels"], range).await
    }

    /// The values of a label in `range`; none where nobody has it.
    ///
    /// # Errors
    /// Any [`TelemetryError`] but `BadUrl`.
    pub async fn label_values(
        &self,
        label: &str,
        range: TimeRange,
    ) -> Result<Vec<String>, TelemetryError> {
        self.names(&["loki", "api", "v1", "label", label, "values"], range)
            .await
    }

    /// Follows `query` from `from` on, as `logs -f` does.
    pub fn follow(&self, query: impl Into<String>, from: Timestamp) -> Follow {
        Follow {
            logs: self.clone(),
            query: query.into(),
            from,
            seen: HashSet::new(),
        }
    }

    async fn names(&self, path: &[&str], range: TimeRange) -> Result<Vec<String>, TelemetryError> {
        let params = [
            ("start", (range.from.as_millis() * 1_000_000).to_string()),
            ("end", ((range.to.as_millis() + 1) * 1_000_000).to_string()),
        ];
        let names: Names = self.http.get(path, &params).await?;
        Ok(names.data)
    }

    async fn query(
        &self,
        path: &str,
        params: &[(&str, String)],
    ) -> Result<LogAnswer, TelemetryError> {
        let answer: Success<Value> = self.http.get(&["loki", "api", "v1", path], params).await?;
        read(answer.data).map_err(|reason| self.http.unreadable(reason))
    }
}

/// Follows a query: each call gives the lines that are new.
///
/// Lines may come late and out of order, so a little of what was read is read
/// again, and what was given is not given twice.
#[derive(Clone, Debug)]
pub struct Follow {
    logs: Logs,
    query: String,
    from: Timestamp,
    seen: HashSet<(u64, String)>,
}

impl Follow {
    /// How late a line may come and still be given.
    const LATE: Period = Period::from_secs(5);
    /// Lines asked for at once.
    const LIMIT: u32 = 1_000;

    /// The lines up to `now` that were not given yet, oldest first.
    ///
    /// # Errors
    /// Any [`TelemetryError`] but `BadUrl`; the next call asks again.
    pub async fn poll(&mut self, now: Timestamp) -> Result<Vec<LogLine>, TelemetryError> {
        let range = TimeRange {
            from: self.from,
            to: now.max(self.from),
        };
        let lines = self
            .logs
            .range(&self.query, range, Self::LIMIT, Direction::Forward)
            .await?
            .into_lines();
        let full = lines.len() >= Self::LIMIT as usize;
        let newest = lines.last().map_or(self.from, |line| line.at);
        let fresh: Vec<LogLine> = lines
            .into_iter()
            .filter(|line| self.seen.insert((line.nanos, line.line.clone())))
            .collect();
        // A full page that gave nothing new would be asked for again and again.
        let next = if full && fresh.is_empty() {
            newest.plus(Period::from_millis(1))
        } else if full {
            newest
        } else {
            newest.minus(Self::LATE)
        };
        self.from = self.from.max(next);
        let oldest = self.from.as_millis() * 1_000_000;
        self.seen.retain(|(nanos, _)| *nanos >= oldest);
        Ok(fresh)
    }
}

#[derive(Deserialize)]
struct Names {
    // Loki leaves it out where there is nothing.
    #[serde(default)]
    data: Vec<String>,
}

#[derive(Deserialize)]
struct Stream {
    #[serde(default)]
    stream: Labels,
    // A third item, structured metadata, may follow.
    values: Vec<Vec<Value>>,
}

fn read(data: Value) -> Result<LogAnswer, String> {
    if data.get("resultType").and_then(Value::as_str) != Some("streams") {
        let data: QueryData = serde_json::from_value(data).map_err(|error| error.to_string())?;
        return data.read().map(LogAnswer::Matrix);
    }
    let result = data.get("result").cloned().unwrap_or_default();
    let streams: Vec<Stream> = serde_json::from_value(result).map_err(|error| error.to_string())?;
    let mut lines = Vec::new();
    for stream in streams {
        for value in stream.values {
            let text = |index: usize| value.get(index).and_then(Value::as_str);
            let nanos = text(0)
                .and_then(|nanos| nanos.parse::<u64>().ok())
                .ok_or("a line without a time")?;
            lines.push(LogLine {
                at: Timestamp::from_millis(nanos / 1_000_000),
                nanos,
                labels: stream.stream.clone(),
                line: text(1).ok_or("a line without a text")?.to_owned(),
            });
        }
    }
    Ok(LogAnswer::Lines(lines))
}
