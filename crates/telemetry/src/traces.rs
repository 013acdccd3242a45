//! Reads traces by Tempo's API.

mod metrics;
mod search;
mod tree;

use model::{Backend, Period, Timestamp};
use serde::Deserialize;
use serde_json::Value;

use crate::http::Http;
use crate::{Matrix, TelemetryError, TimeRange};

pub use search::{MatchedSpan, TraceSummary};
pub use tree::{Span, SpanKind, SpanStatus, Trace};

/// A client of Tempo, or of anything that speaks its API.
#[derive(Clone, Debug)]
pub struct Traces {
    http: Http,
}

impl Traces {
    /// A client for Tempo at `url`, such as `http://127.0.0.1:3200`.
    ///
    /// # Errors
    /// [`TelemetryError::BadUrl`] when it is no plain HTTP URL.
    pub fn connect(url: &str, timeout: Period) -> Result<Self, TelemetryError> {
        Http::new(Backend::Traces, url, timeout).map(|http| Self { http })
    }

    /// At most `limit` traces that match TraceQL and began in `range`, newest first.
    /// Which ones are left out beyond the limit is up to the backend.
    ///
    /// # Errors
    /// Any [`TelemetryError`] but `BadUrl`.
    pub async fn search(
        &self,
        query: &str,
        range: TimeRange,
        limit: u32,
    ) -> Result<Vec<TraceSummary>, TelemetryError> {
        let params = [
            ("q", query.to_owned()),
            ("start", (range.from.as_millis() / 1_000).to_string()),
            // Whole seconds, rounded up: both ends belong to the range.
            ("end", range.to.as_millis().div_ceil(1_000).to_string()),
            ("limit", limit.to_string()),
        ];
        let found: search::Found = self.http.get(&["api", "search"], &params).await?;
        let mut traces = found.read();
        traces.sort_by_key(|trace| std::cmp::Reverse(trace.start));
        Ok(traces)
    }

    /// The numbers of a TraceQL metrics query over the whole `range`: a series for each
    /// group, with one point at its end. Labels are named as the query names attributes.
    ///
    /// # Errors
    /// Any [`TelemetryError`] but `BadUrl`.
    pub async fn measure(&self, query: &str, range: TimeRange) -> Result<Matrix, TelemetryError> {
        let params = [
            ("q", query.to_owned()),
            ("start", (range.from.as_millis() / 1_000).to_string()),
            ("end", range.to.as_millis().div_ceil(1_000).to_string()),
        ];
        let path = ["api", "metrics", "query"];
        let measured: metrics::Measured = self.http.get(&path, &params).await?;
        Ok(measured.read(range.to))
    }

    /// The whole trace called `id` (hex digits); `None` where nobody knows it.
    ///
    /// # Errors
    /// Any [`TelemetryError`] but `BadUrl`.
    pub async fn trace(&self, id: &str) -> Result<Option<Trace>, TelemetryError> {
        let answer: Result<Value, _> = self.http.get(&["api", "traces", id], &[]).await;
        match answer {
            Ok(json) => tree::read(id, json)
                .map(|trace| (!trace.spans.is_empty()).then_some(trace))
                .map_err(|reason| self.http.unreadable(reason)),
            Err(TelemetryError::Refused { kind, .. }) if kind == "404" => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// The names of all attributes, as TraceQL writes them (`span.http.route`,
    /// `resource.service.name`, `duration`).
    ///
    /// # Errors
    /// Any [`TelemetryError`] but `BadUrl`.
    pub async fn tags(&self) -> Result<Vec<String>, TelemetryError> {
        let tags: Tags = self.http.get(&["api", "v2", "search", "tags"], &[]).await?;
        let mut names = Vec::new();
        for scope in tags.scopes {
            let prefix = match scope.name.as_str() {
                "intrinsic" => String::new(),
                name => format!("{name}."),
            };
            names.extend(scope.tags.into_iter().map(|tag| format!("{prefix}{tag}")));
        }
        Ok(names)
    }

    /// The values of an attribute, as [`Traces::tags`] names it.
    ///
    /// # Errors
    /// Any [`TelemetryError`] but `BadUrl`.
    pub async fn tag_values(&self, tag: &str) -> Result<Vec<String>, TelemetryError> {
        let values: TagValues = self
            .http
            .get(&["api", "v2", "search", "tag", tag, "values"], &[])
            .await?;
        Ok(values.tag_values.into_iter().map(|tag| tag.value).collect())
    }
}

#[derive(Deserialize)]
struct Tags {
    #[serde(default)]
    scopes: Vec<Scope>,
}

#[derive(Deserialize)]
struct Scope {
    name: String,
    #[serde(default)]
    tags: Vec<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct TagValues {
    #[serde(default)]
    tag_values: Vec<TagValue>,
}

#[derive(Deserialize)]
struct TagValue {
    value: String,
}

/// Nanoseconds since the Unix epoch, as the milliseconds that we keep.
fn at(nanos: u64) -> Timestamp {
    Timestamp::from_millis(nanos / 1_000_000)
}

/// Nanoseconds as a length of time.
fn lasting(nanos: u64) -> Period {
    std::time::Duration::from_nanos(nanos).into()
}

/// A number that JSON writes as a number or, beyond 53 bits, as text.
fn whole(value: Option<&Value>) -> u64 {
    match value {
        Some(Value::Number(number)) => number.as_u64().unwrap_or_default(),
        Some(Value::String(text)) => text.parse().unwrap_or_default(),
        _ => 0,
    }
}
