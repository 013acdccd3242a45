//! What a responder's question brings: the data, and what it is worth as evidence.

use model::Evidence;
use telemetry::{LogLine, Matrix, TimeRange, TraceSummary};

/// The answer to a query, recorded as a response.
#[derive(Clone, Debug, PartialEq)]
pub struct QueryAnswer {
    /// The range of time that was asked for.
    pub range: TimeRange,
    /// The data, to be drawn.
    pub data: AnswerData,
    /// What it shows, as the grader will read it.
    pub evidence: Evidence,
}

/// The data of an answer.
#[derive(Clone, Debug, PartialEq)]
pub enum AnswerData {
    /// Series of numbers: PromQL, or LogQL that counts.
    Series(Matrix),
    /// Lines, newest first.
    Lines(Vec<LogLine>),
    /// Traces, newest first.
    Traces(Vec<TraceSummary>),
}
