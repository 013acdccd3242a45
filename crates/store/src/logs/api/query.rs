//! `query` and `query_range`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use serde_json::{Map, Value, json};

use super::{Answer, Refusal, json_answer, stats};
use crate::logs::eval::{
    self, Cancel, Direction, Eval, EvalError, Row, Run, Sample, Steps, Vectors,
};
use crate::logs::labels::Labels;
use crate::logs::logql::{Expr, SampleExpr, parse, units};
use crate::logs::params::Params;
use crate::logs::storage::{Logs, Place, rfc3339_nano};

const SECOND: i64 = 1_000_000_000;
/// The label that tells the series of variants apart.
const VARIANT: &str = "__variant__";

pub(super) async fn instant(
    State(logs): State<Arc<Logs>>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Answer {
    running(logs, move |run, queued| {
        let logs = run.store;
        let params = Params::new(query.as_deref(), &body);
        let expr = parse(params.get("query").unwrap_or(""))?;
        let now = logs.clock().now_ns();
        let time = params.time("time")?.unwrap_or(now);
        limit(logs, &params, &expr)?;
        check_matchers(logs, &expr)?;
        match expr {
            Expr::Log(_) => {
                return Err(Refusal::bad(
                    "log queries are not supported as an instant query type, please change your query to a range query type",
                ));
            }
            Expr::Sample(SampleExpr::Literal(n)) => {
                let value = json!([time / 1_000_000, units::show_float(n)]);
                return Ok(answer("scalar", value, 1, None, run, queued));
            }
            _ => {}
        }
        let steps = Steps {
            start: time,
            end: time,
            step: SECOND,
        };
        let mut vectors = evaluate(run, steps, &expr)?;
        let samples = vectors.pop().unwrap_or_default();
        let max = logs.config().max_series;
        if samples.len() > max {
            return Err(EvalError::TooManySeries(max).into());
        }
        let result: Vec<Value> = samples
            .iter()
            .map(|Sample { labels, value }| {
                json!({
                    "metric": labels.to_json(),
                    "value": [seconds(time), units::show_float(*value)],
                })
            })
            .collect();
        let count = result.len();
        Ok(answer("vector", Value::Array(result), count, None, run, queued))
    })
    .await
}

pub(super) async fn range(
    State(logs): State<Arc<Logs>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let categorize = categorizes(&headers);
    running(logs, move |run, queued| {
        let logs = run.store;
        let params = Params::new(query.as_deref(), &body);
        let expr = parse(params.get("query").unwrap_or(""))?;
        let (start, end) = bounds(logs, &params)?;
        let step = match params.duration("step")? {
            Some(step) if step <= 0 => {
                return Err(Refusal::bad(
                    "zero or negative query resolution step widths are not accepted. Try a positive integer",
                ));
            }
            Some(step) => step,
            None => default_step(start, end),
        };
        let limit = limit(logs, &params, &expr)?;
        check_matchers(logs, &expr)?;
        check_length(logs, start, end)?;
        if let Expr::Log(log) = &expr {
            let interval = params.duration("interval")?.unwrap_or(0);
            let direction = direction(&params)?;
            let rows = eval::lines(run, log, (start, end), direction, limit, interval)?;
            let flags = categorize.then(|| json!(["categorize-labels"]));
            let result = streams(&rows, categorize);
            return Ok(answer("streams", result, rows.len(), flags, run, queued));
        }
        if end.saturating_sub(start) / step > logs.config().max_points as i64 {
            return Err(Refusal::bad(
                "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter",
            ));
        }
        // Loki's frontend aligns both ends with the step.
        let steps = Steps {
            start: start.div_euclid(step).saturating_mul(step),
            end: end
                .saturating_add(step - 1)
                .div_euclid(step)
                .saturating_mul(step),
            step,
        };
        let vectors = evaluate(run, steps, &expr)?;
        let (result, points) = matrix(run, &steps, &vectors)?;
        Ok(answer("matrix", result, points, None, run, queued))
    })
    .await
}

/// Lines in the form of Loki's first API, which `/api/prom/query` still gives.
pub(super) async fn legacy(
    State(logs): State<Arc<Logs>>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Answer {
    running(logs, move |run, queued| {
        let logs = run.store;
        let params = Params::new(query.as_deref(), &body);
        let expr = parse(params.get("query").unwrap_or(""))?;
        let bounds = bounds(logs, &params)?;
        let limit = limit(logs, &params, &expr)?;
        check_matchers(logs, &expr)?;
        check_length(logs, bounds.0, bounds.1)?;
        let Expr::Log(log) = &expr else {
            return Err(Refusal::bad(
                "legacy endpoints only support streams result type",
            ));
        };
        let rows = eval::lines(run, log, bounds, direction(&params)?, limit, 0)?;
        let mut streams: BTreeMap<String, Vec<Value>> = BTreeMap::new();
        for row in &rows {
            let entry = json!({"ts": rfc3339_nano(row.ts), "line": row.line});
            streams
                .entry(row.labels.to_string())
                .or_default()
                .push(entry);
        }
        let streams: Vec<Value> = streams
            .into_iter()
            .map(|(labels, entries)| json!({"labels": labels, "entries": entries}))
            .collect();
        let stats = stats::of(run.cost(), run.elapsed(), queued, rows.len());
        Ok(json_answer(&json!({"streams": streams, "stats": stats})))
    })
    .await
}

/// Whether labels are to be told apart by where they come from.
pub(in crate::logs) fn categorizes(headers: &HeaderMap) -> bool {
    headers
        .get("X-Loki-Response-Encoding-Flags")
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.split(',').any(|flag| flag.trim() == "categorize-labels"))
}

/// Runs a query where it does not hold up other requests, not too many at a time; it ends when
/// the client goes. The second argument of `work` is how long it waited.
pub(super) async fn running(
    logs: Arc<Logs>,
    work: impl FnOnce(&Run<'_>, Duration) -> Answer + Send + 'static,
) -> Answer {
    let config = logs.config();
    let max = config.max_running + config.max_waiting;
    let _place = Place::take(&logs.places.waiting, 1, max)
        .map_err(|_| Refusal::busy("too many outstanding requests"))?;
    let asked = Instant::now();
    let _running = logs.places.running.acquire().await;
    let queued = asked.elapsed();
    let cancel = Cancel::default();
    let _guard = cancel.guard();
    let store = Arc::clone(&logs);
    tokio::task::spawn_blocking(move || work(&Run::new(&store, cancel), queued))
        .await
        .unwrap_or_else(|error| {
            Err(Refusal(
                axum::http::StatusCode::INTERNAL_SERVER_ERROR,
                error.to_string(),
            ))
        })
}

fn evaluate(run: &Run<'_>, steps: Steps, expr: &Expr) -> Result<Vectors, Refusal> {
    let eval = Eval::new(run, steps);
    match expr {
        Expr::Log(_) => Ok(Vectors::new()),
        Expr::Sample(sample) => Ok(eval.vectors(sample)?),
        Expr::Variants(..) if !run.store.config().experimental.variants => Err(Refusal::bad(
            "multi variant queries are disabled for this instance",
        )),
        Expr::Variants(variants, _) => {
            let mut all = Vectors::new();
            for (at, variant) in variants.iter().enumerate() {
                let vectors = eval.vectors(variant)?;
                all.resize(vectors.len(), Vec::new());
                for (into, samples) in all.iter_mut().zip(vectors) {
                    into.extend(samples.into_iter().map(|sample| {
                        let mut labels = Labels::clone(&sample.labels);
                        labels.set(VARIANT, at.to_string());
                        Sample {
                            labels: Arc::new(labels),
                            ..sample
                        }
                    }));
                }
            }
            Ok(all)
        }
    }
}

fn check_matchers(logs: &Logs, expr: &Expr) -> Result<(), Refusal> {
    let max = logs.config().max_matchers;
    for selector in expr.selectors() {
        let count = selector.matchers.len();
        if count > max {
            return Err(Refusal::bad(format!(
                "max streams matchers per query exceeded, matchers-count > limit ({count} > {max})"
            )));
        }
    }
    Ok(())
}

/// Refuses a range of time that is longer than a query may have.
pub(super) fn check_length(logs: &Logs, start: i64, end: i64) -> Result<(), Refusal> {
    let max = i64::try_from(logs.config().max_query_length.as_nanos()).unwrap_or(i64::MAX);
    let length = (end / 1_000_000).saturating_sub(start / 1_000_000);
    let length = length.saturating_mul(1_000_000);
    if max > 0 && length > max {
        return Err(Refusal::bad(format!(
            "the query time range exceeds the limit (query length: {}, limit: {})",
            units::show_duration(length),
            units::show_range(max)
        )));
    }
    Ok(())
}

/// `start` and `end`; the last hour, or `since`, if they are not given.
pub(super) fn bounds(logs: &Logs, params: &Params) -> Result<(i64, i64), Refusal> {
    let now = logs.clock().now_ns();
    let since = params.duration("since")?.unwrap_or(3600 * SECOND);
    let start = params.time("start")?;
    let end = params.time("end")?.unwrap_or(now);
    let start = start.unwrap_or(end.min(now).saturating_sub(since));
    if end < start {
        return Err(Refusal::bad(
            "end timestamp must not be before or equal to start time",
        ));
    }
    Ok((start, end))
}

fn limit(logs: &Logs, params: &Params, expr: &Expr) -> Result<usize, Refusal> {
    let Some(text) = params.get("limit") else {
        return Ok(100);
    };
    let limit: i64 = text
        .parse()
        .map_err(|_| Refusal::bad(format!("strconv.Atoi: parsing {text:?}: invalid syntax")))?;
    if limit <= 0 {
        return Err(Refusal::bad("limit must be a positive value"));
    }
    let max = logs.config().max_entries;
    if limit as usize > max && matches!(expr, Expr::Log(_)) {
        return Err(Refusal::bad(format!(
            "max entries limit per query exceeded, limit > max_entries_limit_per_query ({limit} > {max})"
        )));
    }
    Ok(limit as usize)
}

fn direction(params: &Params) -> Result<Direction, Refusal> {
    match params
        .get("direction")
        .map(str::to_ascii_lowercase)
        .as_deref()
    {
        None | Some("backward") => Ok(Direction::Backward),
        Some("forward") => Ok(Direction::Forward),
        Some(other) => Err(Refusal::bad(format!(
            "invalid direction '{}'",
            other.to_ascii_uppercase()
        ))),
    }
}

/// At most 250 points, whole seconds.
fn default_step(start: i64, end: i64) -> i64 {
    (end.saturating_sub(start) / SECOND / 250).max(1) * SECOND
}

/// Seconds as Loki writes them: whole if they are.
fn seconds(nanos: i64) -> Value {
    let millis = nanos / 1_000_000;
    if millis % 1000 == 0 {
        Value::from(millis / 1000)
    } else {
        Value::from(millis as f64 / 1000.0)
    }
}

fn streams(rows: &[Row], categorize: bool) -> Value {
    let mut streams: BTreeMap<&Labels, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let key = if categorize {
            &row.parts[0]
        } else {
            &row.labels
        };
        streams.entry(key).or_default().push(row);
    }
    streams
        .into_iter()
        .map(|(labels, rows)| {
            let values: Vec<Value> = rows
                .iter()
                .map(|row| entry(row.ts, &row.line, categorize.then_some(&row.parts)))
                .collect();
            json!({"stream": labels.to_json(), "values": values})
        })
        .collect()
}

/// A line of an answer, with the labels that are not its stream's if they are asked for.
pub(in crate::logs) fn entry(ts: i64, line: &str, parts: Option<&[Labels; 3]>) -> Value {
    let Some(parts) = parts else {
        return json!([ts.to_string(), line]);
    };
    let mut categories = Map::new();
    for (name, labels) in [("structuredMetadata", &parts[1]), ("parsed", &parts[2])] {
        if !labels.is_empty() {
            categories.insert(name.to_owned(), labels.to_json());
        }
    }
    json!([ts.to_string(), line, categories])
}

fn matrix(run: &Run<'_>, steps: &Steps, vectors: &Vectors) -> Result<(Value, usize), Refusal> {
    let mut series: BTreeMap<&Labels, Vec<Value>> = BTreeMap::new();
    for (index, samples) in vectors.iter().enumerate() {
        let time = seconds(steps.at(index));
        for sample in samples {
            series
                .entry(&sample.labels)
                .or_default()
                .push(json!([time, units::show_float(sample.value)]));
        }
    }
    let max = run.store.config().max_series;
    if series.len() > max {
        return Err(EvalError::TooManySeries(max).into());
    }
    let points = series.values().map(Vec::len).sum();
    let result = series
        .into_iter()
        .map(|(labels, values)| json!({"metric": labels.to_json(), "values": values}))
        .collect();
    Ok((result, points))
}

fn answer(
    kind: &str,
    result: Value,
    count: usize,
    flags: Option<Value>,
    run: &Run<'_>,
    queued: Duration,
) -> axum::response::Response {
    let mut data = Map::new();
    data.insert("resultType".to_owned(), Value::from(kind));
    if let Some(flags) = flags {
        data.insert("encodingFlags".to_owned(), flags);
    }
    data.insert("result".to_owned(), result);
    let stats = stats::of(run.cost(), run.elapsed(), queued, count);
    data.insert("stats".to_owned(), stats);
    json_answer(&json!({"status": "success", "data": data}))
}
