//! Clients that read metrics, logs and traces from Mimir, Loki and Tempo, or
//! from anything that speaks their HTTP APIs (the embedded store does).
//!
//! Answers are plain data that a console can draw and a program can fold;
//! errors carry the server's own words, and where in the query they point to.

mod data;
mod error;
mod http;
mod logs;
mod metrics;
mod traces;

use model::Period;

pub use data::{Labels, Matrix, Point, Series, TimeRange};
pub use error::{Position, TelemetryError};
pub use logs::{Direction, Follow, LogAnswer, LogLine, Logs};
pub use metrics::{Alert, AlertState, Metrics, Rule};
pub use traces::{MatchedSpan, Span, SpanKind, SpanStatus, Trace, TraceSummary, Traces};

/// Where the three telemetry backends are: plain data, checked by
/// [`Telemetry::connect`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Backends {
    /// The base of Mimir's Prometheus API, such as `http://127.0.0.1:9009/prometheus`.
    pub metrics_url: String,
    /// Loki, such as `http://127.0.0.1:3100`.
    pub logs_url: String,
    /// Tempo, such as `http://127.0.0.1:3200`.
    pub traces_url: String,
}

/// Clients of the three backends; cheap to clone.
#[derive(Clone, Debug)]
pub struct Telemetry {
    /// PromQL, alerts and rules.
    pub metrics: Metrics,
    /// LogQL.
    pub logs: Logs,
    /// TraceQL and whole traces.
    pub traces: Traces,
}

impl Telemetry {
    /// How long a question may take unless told otherwise.
    pub const TIMEOUT: Period = Period::from_secs(10);

    /// Clients for `backends` that wait at most `timeout` for an answer. Makes
    /// no connection yet.
    ///
    /// # Errors
    /// [`TelemetryError::BadUrl`] when an address is not a plain HTTP URL.
    pub fn connect(backends: &Backends, timeout: Period) -> Result<Self, TelemetryError> {
        Ok(Self {
            metrics: Metrics::connect(&backends.metrics_url, timeout)?,
            logs: Logs::connect(&backends.logs_url, timeout)?,
            traces: Traces::connect(&backends.traces_url, timeout)?,
        })
    }
}
