//! `query` and `query_range`.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use serde_json::{Map, Value, json};

use super::{Answer, Refusal, json_answer};
use crate::logs::eval::{self, Direction, Eval, MAX_SERIES, Row, Sample, Steps, Vectors};
use crate::logs::labels::Labels;
use crate::logs::logql::{Expr, LogExpr, SampleExpr, parse, units};
use crate::logs::params::Params;
use crate::logs::storage::Logs;

const SECOND: i64 = 1_000_000_000;

pub(super) async fn instant(
    State(logs): State<Arc<Logs>>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Answer {
    blocking(move || {
        let params = Params::new(query.as_deref(), &body);
        let expr = parse(params.get("query").unwrap_or(""))?;
        let now = logs.clock().now_ns();
        let time = params.time("time")?.unwrap_or(now);
        limit(&logs, &params, &expr)?;
        let Expr::Sample(sample) = expr else {
            return Err(Refusal::bad(
                "log queries are not supported as an instant query type, please change your query to a range query type",
            ));
        };
        if let SampleExpr::Literal(n) = sample {
            return Ok(answer("scalar", &json!([time / 1_000_000, units::show_float(n)]), None));
        }
        let steps = Steps {
            start: time,
            end: time,
            step: SECOND,
        };
        let mut vectors = Eval::new(&logs, steps).vectors(&sample)?;
        let samples = vectors.pop().unwrap_or_default();
        if samples.len() > MAX_SERIES {
            return Err(eval::EvalError::TooManySeries(MAX_SERIES).into());
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
        Ok(answer("vector", &Value::Array(result), None))
    })
    .await
}

pub(super) async fn range(
    State(logs): State<Arc<Logs>>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
    body: Bytes,
) -> Answer {
    let categorize = headers
        .get("X-Loki-Response-Encoding-Flags")
        .and_then(|v| v.to_str().ok())
        .is_some_and(|v| v.contains("categorize-labels"));
    blocking(move || {
        let params = Params::new(query.as_deref(), &body);
        let expr = parse(params.get("query").unwrap_or(""))?;
        let (start, end) = bounds(&logs, &params)?;
        let step = match params.duration("step")? {
            Some(step) if step <= 0 => {
                return Err(Refusal::bad(
                    "zero or negative query resolution step widths are not accepted. Try a positive integer",
                ));
            }
            Some(step) => step,
            None => default_step(start, end),
        };
        let limit = limit(&logs, &params, &expr)?;
        match expr {
            Expr::Log(log) => {
                let interval = params.duration("interval")?.unwrap_or(0);
                let direction = direction(&params)?;
                let rows = eval::lines(&logs, &log, (start, end), direction, limit, interval)?;
                Ok(streams(&log, &rows, direction, categorize))
            }
            Expr::Sample(sample) => {
                if (end - start) / step > logs.config().max_points as i64 {
                    return Err(Refusal::bad(
                        "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter",
                    ));
                }
                // Loki's frontend aligns both ends with the step.
                let steps = Steps {
                    start: start.div_euclid(step) * step,
                    end: (end + step - 1).div_euclid(step) * step,
                    step,
                };
                let vectors = Eval::new(&logs, steps).vectors(&sample)?;
                matrix(&steps, &vectors)
            }
        }
    })
    .await
}

/// Runs a query where it does not hold up other requests.
async fn blocking(work: impl FnOnce() -> Answer + Send + 'static) -> Answer {
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|error| {
            Err(Refusal(
                axum::http::StatusCode::INTERNAL_SERVER_ERROR,
                error.to_string(),
            ))
        })
}

/// `start` and `end`; the last hour, or `since`, if they are not given.
pub(super) fn bounds(logs: &Logs, params: &Params) -> Result<(i64, i64), Refusal> {
    let now = logs.clock().now_ns();
    let since = params.duration("since")?.unwrap_or(3600 * SECOND);
    let start = params.time("start")?;
    let end = params.time("end")?.unwrap_or(now);
    let start = start.unwrap_or(end.min(now) - since);
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
    ((end - start) / SECOND / 250).max(1) * SECOND
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

fn streams(
    _log: &LogExpr,
    rows: &[Row],
    direction: Direction,
    categorize: bool,
) -> axum::response::Response {
    let mut streams: BTreeMap<&Labels, Vec<&Row>> = BTreeMap::new();
    for row in rows {
        let key = if categorize {
            &row.parts[0]
        } else {
            &row.labels
        };
        streams.entry(key).or_default().push(row);
    }
    let _ = direction;
    let result: Vec<Value> = streams
        .into_iter()
        .map(|(labels, rows)| {
            let values: Vec<Value> = rows
                .iter()
                .map(|row| {
                    if !categorize {
                        return json!([row.ts.to_string(), row.line]);
                    }
                    let mut parts = Map::new();
                    for (name, labels) in [
                        ("structuredMetadata", &row.parts[1]),
                        ("parsed", &row.parts[2]),
                    ] {
                        if !labels.is_empty() {
                            parts.insert(name.to_owned(), labels.to_json());
                        }
                    }
                    json!([row.ts.to_string(), row.line, parts])
                })
                .collect();
            json!({"stream": labels.to_json(), "values": values})
        })
        .collect();
    let flags = categorize.then(|| json!(["categorize-labels"]));
    answer("streams", &Value::Array(result), flags)
}

fn matrix(steps: &Steps, vectors: &Vectors) -> Answer {
    let mut series: BTreeMap<&Labels, Vec<Value>> = BTreeMap::new();
    for (index, samples) in vectors.iter().enumerate() {
        let time = seconds(steps.start + steps.step * index as i64);
        for sample in samples {
            series
                .entry(&sample.labels)
                .or_default()
                .push(json!([time, units::show_float(sample.value)]));
        }
    }
    if series.len() > MAX_SERIES {
        return Err(eval::EvalError::TooManySeries(MAX_SERIES).into());
    }
    let result: Vec<Value> = series
        .into_iter()
        .map(|(labels, values)| json!({"metric": labels.to_json(), "values": values}))
        .collect();
    Ok(answer("matrix", &Value::Array(result), None))
}

fn answer(kind: &str, result: &Value, flags: Option<Value>) -> axum::response::Response {
    let mut data = Map::new();
    data.insert("resultType".to_owned(), Value::from(kind));
    if let Some(flags) = flags {
        data.insert("encodingFlags".to_owned(), flags);
    }
    data.insert("result".to_owned(), result.clone());
    data.insert("stats".to_owned(), stats());
    json_answer(&json!({"status": "success", "data": data}))
}

/// The shape of Loki's statistics; this store does not count what a query costs.
fn stats() -> Value {
    let store = json!({
        "totalChunksRef": 0, "totalChunksDownloaded": 0, "chunksDownloadTime": 0,
        "queryReferencedStructuredMetadata": false,
        "chunk": {
            "headChunkBytes": 0, "headChunkLines": 0, "decompressedBytes": 0,
            "decompressedLines": 0, "compressedBytes": 0, "totalDuplicates": 0,
            "postFilterLines": 0, "headChunkStructuredMetadataBytes": 0,
            "decompressedStructuredMetadataBytes": 0
        },
        "chunkRefsFetchTime": 0, "congestionControlLatency": 0, "pipelineWrapperFilteredLines": 0
    });
    let cache = json!({
        "entriesFound": 0, "entriesRequested": 0, "entriesStored": 0, "bytesReceived": 0,
        "bytesSent": 0, "requests": 0, "downloadTime": 0, "queryLengthServed": 0
    });
    let names = [
        "chunk",
        "index",
        "result",
        "statsResult",
        "volumeResult",
        "seriesResult",
        "labelResult",
        "instantMetricResult",
    ];
    let caches: Map<String, Value> = names
        .iter()
        .map(|name| ((*name).to_owned(), cache.clone()))
        .collect();
    json!({
        "summary": {
            "bytesProcessedPerSecond": 0, "linesProcessedPerSecond": 0,
            "totalBytesProcessed": 0, "totalLinesProcessed": 0, "execTime": 0.0,
            "queueTime": 0.0, "subqueries": 0, "totalEntriesReturned": 0, "splits": 0,
            "shards": 0, "totalPostFilterLines": 0,
            "totalStructuredMetadataBytesProcessed": 0
        },
        "querier": {"store": store},
        "ingester": {
            "totalReached": 1, "totalChunksMatched": 0, "totalBatches": 0,
            "totalLinesSent": 0, "store": store
        },
        "cache": caches,
        "index": {
            "totalChunks": 0, "postFilterChunks": 0, "shardsDuration": 0,
            "usedBloomFilters": false
        }
    })
}
