//! Queries: instant, range, exemplars, and what can be said about a query's text.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use serde_json::{Value, json};
use tokio::time::Instant;

use super::answer::{self, ApiError, ErrorKind};
use super::{Answer, ApiState, Params, Served};
use crate::metrics::matcher::Matcher;
use crate::metrics::promql::ast::{Expr, Type};
use crate::metrics::promql::{
    self, Answer as Data, EvalError, LOOKBACK, Outcome, ParseError, Request, evaluate,
};

impl From<EvalError> for ApiError {
    fn from(error: EvalError) -> Self {
        let kind = match error {
            EvalError::Execution(_) | EvalError::TooManySamples => ErrorKind::Execution,
            EvalError::Timeout => ErrorKind::Timeout,
            EvalError::Canceled => ErrorKind::Canceled,
        };
        Self {
            kind,
            message: error.to_string(),
        }
    }
}

/// Tells a running evaluation to stop when the request is dropped.
struct CancelOnDrop(Arc<AtomicBool>);

impl Drop for CancelOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

struct Asked {
    expr: Expr,
    query: String,
    start: i64,
    end: i64,
    step: Option<i64>,
    timeout: Duration,
    lookback: Duration,
}

pub(super) async fn instant(State(api): ApiState, params: Params) -> Answer {
    let limit = params.limit()?;
    let start = params.time("time", api.metrics.clock().now_ms())?;
    let asked = asked(&api, &params, (start, start), None)?;
    answer_to(&api, asked, &params, limit).await
}

pub(super) async fn range(State(api): ApiState, params: Params) -> Answer {
    let limit = params.limit()?;
    let start = params.required_time("start")?;
    let end = params.required_time("end")?;
    if end < start {
        return Err(ApiError::parameter(
            "end",
            "end timestamp must not be before start time",
        ));
    }
    let step = params.required_duration("step")?;
    if step <= 0 {
        return Err(ApiError::parameter(
            "step",
            "zero or negative query resolution step widths are not accepted. Try a positive integer",
        ));
    }
    let points = usize::try_from(end.saturating_sub(start) / step).unwrap_or(usize::MAX);
    if points > api.metrics.limits().max_points {
        return Err(ApiError::bad(
            "exceeded maximum resolution of 11,000 points per timeseries. Try decreasing the query resolution (?step=XX)",
        ));
    }
    let asked = asked(&api, &params, (start, end), Some(step))?;
    let kind = asked.expr.value_type();
    if !matches!(kind, Type::Scalar | Type::Vector) {
        return Err(ApiError::parameter(
            "query",
            format!(
                "invalid expression type \"{}\" for range query, must be Scalar or instant Vector",
                kind.documented()
            ),
        ));
    }
    answer_to(&api, asked, &params, limit).await
}

/// Flag-gated syntax is refused in the words of Cortex, which has it off as we do; for all
/// else Prometheus' words are Mimir's too.
fn refused(error: &ParseError) -> ApiError {
    if error.is_gated() {
        return ApiError::bad(error.to_string());
    }
    ApiError::parameter("query", error)
}

/// Refuses a query whose text is longer than `limit` bytes (0: any length).
fn check_size(size: usize, limit: usize) -> Result<(), ApiError> {
    if limit == 0 || size <= limit {
        return Ok(());
    }
    Err(ApiError::bad(format!(
        "the raw query size in bytes exceeds the limit (query size: {size}, limit: {limit}) (err-mimir-max-query-expression-size-bytes). To adjust the related per-tenant limit, configure -query-frontend.max-query-expression-size-bytes, or contact your service administrator."
    )))
}

fn asked(
    api: &Served,
    params: &Params,
    (start, end): (i64, i64),
    step: Option<i64>,
) -> Result<Asked, ApiError> {
    let longest = api.metrics.limits().query_timeout;
    let timeout = params.duration("timeout", longest)?.min(longest);
    let lookback = params.duration("lookback_delta", LOOKBACK)?;
    let query = params.get("query").to_owned();
    check_size(query.len(), api.metrics.limits().max_query_bytes)?;
    let expr = promql::parse(&query).map_err(|e| refused(&e))?;
    Ok(Asked {
        expr,
        query,
        start,
        end,
        step,
        timeout,
        lookback,
    })
}

async fn answer_to(api: &Served, asked: Asked, params: &Params, limit: usize) -> Answer {
    let queued = Instant::now();
    let _place = api.gate.enter().await?;
    let begun = Instant::now();
    let cancel = Arc::new(AtomicBool::new(false));
    let guard = CancelOnDrop(Arc::clone(&cancel));
    let metrics = Arc::clone(&api.metrics);
    let time = asked.start;
    // Evaluation computes for long and never waits: it goes to a thread of its own.
    let done = tokio::task::spawn_blocking(move || {
        let request = Request {
            query: &asked.query,
            expr: &asked.expr,
            start: asked.start,
            end: asked.end,
            step: asked.step,
            lookback: asked.lookback,
            max_samples: metrics.limits().max_samples,
            deadline: Some(Instant::now() + asked.timeout),
        };
        evaluate(metrics.head(), &request, &cancel)
    });
    let outcome = done.await.map_err(|e| ApiError {
        kind: ErrorKind::Internal,
        message: format!("evaluation stopped: {e}"),
    });
    drop(guard);
    let mut outcome = outcome??;
    let truncated = truncate(&mut outcome, limit);
    let stats = match params.get("stats") {
        "" => None,
        _ => Some(stats(&outcome, begun - queued, begun.elapsed())),
    };
    if let Data::Text(text) = &outcome.answer {
        let mut at = String::new();
        answer::time(time, &mut at);
        let body = format!(
            "{{\"status\":\"success\",\"data\":{{\"resultType\":\"string\",\"result\":[{at},{}]}}}}",
            json!(text)
        );
        return Ok(answer::json(StatusCode::OK, body));
    }
    Ok(answer::outcome(&outcome, stats, truncated))
}

fn truncate(outcome: &mut Outcome, limit: usize) -> bool {
    match &mut outcome.answer {
        Data::Vector(v) if v.len() > limit => {
            v.truncate(limit);
            true
        }
        Data::Matrix(m) if m.len() > limit => {
            m.truncate(limit);
            true
        }
        _ => false,
    }
}

fn stats(outcome: &Outcome, waited: Duration, took: Duration) -> Value {
    json!({
        "timings": {
            "evalTotalTime": took.as_secs_f64(),
            "resultSortTime": 0,
            "queryPreparationTime": 0,
            "innerEvalTime": took.as_secs_f64(),
            "execQueueTime": waited.as_secs_f64(),
            "execTotalTime": (waited + took).as_secs_f64(),
        },
        "samples": {
            "totalQueryableSamples": outcome.queryable,
            "peakSamples": outcome.samples,
        },
    })
}

pub(super) async fn format(params: Params) -> Answer {
    let expr = promql::parse(params.get("query")).map_err(|e| ApiError::parameter("query", e))?;
    Ok(answer::success(json!(promql::pretty(&expr))))
}

pub(super) async fn parse_query(params: Params) -> Answer {
    let expr = promql::parse(params.get("query")).map_err(|e| ApiError::parameter("query", e))?;
    Ok(answer::success(promql::tree(&expr)))
}

pub(super) async fn exemplars(State(api): ApiState, params: Params) -> Answer {
    let start = params.time("start", i64::MIN)?;
    let end = params.time("end", i64::MAX)?;
    if end < start {
        return Err(ApiError::bad(
            "end timestamp must not be before start timestamp",
        ));
    }
    let expr = promql::parse(params.get("query")).map_err(|e| ApiError::bad(e.to_string()))?;
    let sets: Vec<Vec<Matcher>> = expr
        .selectors()
        .iter()
        .map(|s| s.matchers.clone())
        .collect();
    let data: Vec<Value> = api
        .metrics
        .head()
        .exemplars(&sets, start, end)
        .iter()
        .map(|(series, list)| {
            let exemplars = list.iter().map(|e| {
                #[expect(clippy::cast_precision_loss, reason = "times fit well into 53 bits")]
                let timestamp = e.t as f64 / 1000.0;
                json!({
                    "labels": e.labels.json(),
                    "value": crate::metrics::text::plain(e.value),
                    "timestamp": timestamp,
                })
            });
            json!({
                "seriesLabels": series.json(),
                "exemplars": exemplars.collect::<Vec<_>>(),
            })
        })
        .collect();
    Ok(answer::success(json!(data)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn queries_that_are_too_long_are_refused_where_there_is_a_limit() {
        for (size, limit, refused) in [(9, 0, false), (9, 9, false), (10, 9, true)] {
            let checked = check_size(size, limit);
            assert_eq!(checked.is_err(), refused, "{size} of {limit}");
        }
        let message = check_size(10, 9).unwrap_err().message;
        assert!(message.contains("(query size: 10, limit: 9)"), "{message}");
    }
}
