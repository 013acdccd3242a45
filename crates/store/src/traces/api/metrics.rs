//! Metrics from spans.

use std::time::Instant;

use super::params::query;
use super::{Params, Refusal, Reply};
use crate::traces::Traces;
use crate::traces::messages::{InstantSeries, RangeSeries, SearchMetrics};
use crate::traces::metrics::{self, Asked, Range, Series};
use crate::traces::traceql::{Metrics, Query, parse};
use crate::traces::value::Value;

const SECOND: i64 = 1_000_000_000;

/// The longest range of a metrics query, in nanoseconds.
const MAX_RANGE: i64 = 24 * 3600 * SECOND;

/// The most series of an answer (`max_response_series`).
const MAX_SERIES: usize = 1_000;

/// The most exemplars of an answer (`max_exemplars`).
const MAX_EXEMPLARS: usize = 100;

/// A metrics query with its bounds in nanoseconds.
struct Wanted {
    query: Query,
    metrics: Metrics,
    start: i64,
    end: i64,
}

/// An error of a parameter as it comes through Tempo's own remote calls.
fn coded(message: String) -> Refusal {
    Refusal::bad(format!("rpc error: code = Code(400) desc = {message}"))
}

fn wanted(traces: &Traces, params: &Params) -> Result<Wanted, Refusal> {
    let now = traces.clock().now_ns();
    let since = params.duration("since").map_err(coded)?;
    let since = since.unwrap_or(3600 * SECOND);
    let end = params.time("end").map_err(coded)?.unwrap_or(now);
    let start = params.time("start").map_err(coded)?;
    let start = start.unwrap_or_else(|| end.min(now).saturating_sub(since));
    let text = query(params)?.unwrap_or("");
    let query = parse(text).map_err(|error| Refusal::bad(error.to_string()))?;
    let Some(metrics) = query.metrics.clone() else {
        return Err(Refusal::bad("not a metrics query"));
    };
    if end <= start {
        return Err(Refusal::bad("end must be greater than start"));
    }
    if end.saturating_sub(start) > MAX_RANGE {
        return Err(Refusal::bad(
            "metrics query time range exceeds the maximum allowed duration of 24h0m0s",
        ));
    }
    Ok(Wanted {
        query,
        metrics,
        start,
        end,
    })
}

fn series(traces: &Traces, wanted: &Wanted, asked: Asked) -> Result<Vec<Series>, Refusal> {
    let range = asked.range;
    let start = u64::try_from(range.start.saturating_sub(range.step)).unwrap_or(0);
    let found = traces.within(start, u64::try_from(range.end).unwrap_or(0));
    Ok(metrics::series(
        &wanted.query,
        &wanted.metrics,
        &found,
        asked,
    )?)
}

/// Leaves out what is too much, and says so.
fn bounded(params: &Params, mut series: Vec<Series>) -> (Vec<Series>, Option<usize>) {
    let asked = params.get("maxSeries").and_then(|n| n.parse().ok());
    let limit = asked
        .filter(|n| (1..MAX_SERIES).contains(n))
        .unwrap_or(MAX_SERIES);
    let is_partial = series.len() > limit;
    series.truncate(limit);
    (series, is_partial.then_some(limit))
}

/// What is said of an answer that is not whole: 1, and why.
fn partial(limit: Option<usize>) -> (i32, String) {
    limit.map_or((0, String::new()), |limit| {
        let message = format!(
            "Response exceeds maximum series limit of {limit}, a partial response is returned. \
             Warning: the accuracy of each individual value is not guaranteed."
        );
        (1, message)
    })
}

pub(super) fn range(traces: &Traces, params: &Params) -> Result<Reply, Refusal> {
    let wanted = wanted(traces, params)?;
    let (start, end) = (wanted.start, wanted.end);
    let given = params.duration("step").map_err(coded)?;
    let step = given.unwrap_or_else(|| default_step(end - start));
    let least = (end - start) / 10_000;
    if step < least.max(1) {
        return Err(Refusal::bad(format!(
            "step of {} is too small, minimum step for given range is {}",
            crate::logs::show_duration(step),
            crate::logs::show_duration(least)
        )));
    }
    let range = Range {
        start: start.div_euclid(step).saturating_mul(step),
        end: end
            .saturating_add(step - 1)
            .div_euclid(step)
            .saturating_mul(step),
        step,
    };
    let asked = Asked {
        range,
        exemplars: exemplars(params, &wanted.query),
        deadline: Instant::now() + traces.query_timeout,
    };
    let found = series(traces, &wanted, asked)?;
    let (found, limit) = bounded(params, found);
    let (status, message) = partial(limit);
    Ok(Box::new(RangeSeries {
        series: metrics::range_series(&found, range),
        metrics: Some(SearchMetrics::default()),
        status,
        message,
    }))
}

/// How many exemplars are wanted: a hint counts more than the parameter.
fn exemplars(params: &Params, query: &Query) -> usize {
    let asked = params.get("exemplars").and_then(|n| n.parse().ok());
    let most = asked.filter(|n| (1..MAX_EXEMPLARS).contains(n));
    match query.hint("exemplars") {
        Some(Value::Bool(false)) => 0,
        Some(Value::Int(n)) => usize::try_from(*n).unwrap_or(0).min(MAX_EXEMPLARS),
        _ => most.unwrap_or(MAX_EXEMPLARS),
    }
}

/// About 240 points, at steps that a reader likes.
fn default_step(length: i64) -> i64 {
    const MILLI: i64 = 1_000_000;
    let fitting = length / 240;
    if length < 60 * SECOND {
        let fine = 50 * MILLI;
        return (fitting / fine).max(1) * fine;
    }
    for unit in [3600, 300, 60, 15, 5, 1] {
        let unit = unit * SECOND;
        if fitting > unit {
            return fitting / unit * unit;
        }
    }
    SECOND
}

pub(super) fn instant(traces: &Traces, params: &Params) -> Result<Reply, Refusal> {
    let wanted = wanted(traces, params)?;
    let range = Range {
        start: wanted.end,
        end: wanted.end,
        step: wanted.end - wanted.start,
    };
    let asked = Asked {
        range,
        exemplars: 0,
        deadline: Instant::now() + traces.query_timeout,
    };
    let found = series(traces, &wanted, asked)?;
    let (found, limit) = bounded(params, found);
    let (status, message) = partial(limit);
    Ok(Box::new(InstantSeries {
        series: metrics::instant_series(&found),
        metrics: Some(SearchMetrics::default()),
        status,
        message,
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_suit_the_range() {
        for (seconds, step_ms) in [
            (10, 50),
            (59, 200),
            (60, 1_000),
            (600, 2_000),
            (3_600, 15_000),
            (6 * 3_600, 60_000),
            (24 * 3_600, 300_000),
        ] {
            let step = default_step(seconds * SECOND);
            assert_eq!(step, step_ms * 1_000_000, "{seconds}");
        }
    }
}
