//! Search, and metrics from spans.

use std::sync::Arc;
use std::time::Instant;

use axum::http::StatusCode;
use serde_json::{Map, Value as Json, json};

use super::params::{duration, unsigned, window};
use super::{Answer, Params, Refusal, json_answer};
use crate::otlp::hex;
use crate::traces::Traces;
use crate::traces::eval::{self, Condition, SpanSet};
use crate::traces::metrics::{self, Range};
use crate::traces::spans::Trace;
use crate::traces::traceql::{Attribute, Intrinsic, Query, Scope, parse};
use crate::traces::value::Value;

/// The longest range of a search (`max_duration`).
const MAX_SEARCH: u64 = 168 * 3600;
/// The longest range of a metrics query.
const MAX_METRICS: i64 = 24 * 3600 * 1_000_000_000;

/// What a search asks for.
struct Wanted {
    /// The query, as given or made of tags; spans are shown only for a given one.
    query: Query,
    shows_spans: bool,
    window: (u64, u64),
    limit: usize,
    spss: usize,
    durations: (i64, i64),
}

fn wanted(params: &Params) -> Result<Wanted, Refusal> {
    let window = window(params)?;
    if window.1.saturating_sub(window.0) > MAX_SEARCH {
        return Err(Refusal::bad(format!(
            "range specified by start and end exceeds 168h0m0s. received start={} end={}",
            window.0, window.1
        )));
    }
    let (query, tags) = (params.get("q"), params.get("tags"));
    if query.is_some() && tags.is_some() {
        return Err(Refusal::bad(
            "invalid request: can't specify tags and q in the same query",
        ));
    }
    let shortest = duration(params, "minDuration")?;
    let longest = duration(params, "maxDuration")?;
    if let (Some(shortest), Some(longest)) = (shortest, longest)
        && longest <= shortest
    {
        return Err(Refusal::bad(
            "invalid maxDuration: must be greater than minDuration",
        ));
    }
    let limit = unsigned(params, "limit")?;
    if limit == Some(0) {
        return Err(Refusal::bad("invalid limit: must be a positive number"));
    }
    let spss = unsigned(params, "spss")?;
    if let Some(spss) = spss.filter(|n| *n > 100) {
        return Err(Refusal::bad(format!(
            "spans per span set exceeds 100. received {spss}"
        )));
    }
    let text = match (query, tags) {
        (Some(query), _) => query.to_owned(),
        (None, Some(tags)) => of_tags(tags),
        (None, None) => "{ }".to_owned(),
    };
    Ok(Wanted {
        query: parse(&text).map_err(|error| Refusal::query(&error))?,
        shows_spans: query.is_some(),
        window,
        limit: limit.unwrap_or(20) as usize,
        spss: match spss.unwrap_or(3) {
            0 => usize::MAX,
            n => n as usize,
        },
        durations: (shortest.unwrap_or(0), longest.unwrap_or(i64::MAX)),
    })
}

/// `service.name=a name="b c" error=true` as a query: all of it in one span.
fn of_tags(tags: &str) -> String {
    let mut tests = Vec::new();
    let mut rest = tags.trim_start();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let key = &rest[..end];
        rest = &rest[end..];
        let Some(after) = rest.strip_prefix('=') else {
            rest = rest.trim_start();
            continue;
        };
        let (value, after) =
            match crate::logs::string_literal(after).filter(|_| after.starts_with('"')) {
                Some((value, len)) => (value, &after[len..]),
                None => {
                    let end = after.find(char::is_whitespace).unwrap_or(after.len());
                    (after[..end].to_owned(), &after[end..])
                }
            };
        rest = after.trim_start();
        tests.push(of_tag(key, &value));
    }
    format!("{{ {} }}", tests.join(" && "))
}

fn of_tag(key: &str, value: &str) -> String {
    let text = format!("{value:?}");
    match key {
        "status.code" => format!("status = {value}"),
        "root.name" => format!("rootName = {text}"),
        "root.service.name" => format!("rootServiceName = {text}"),
        "name" => format!("name = {text}"),
        _ => {
            let number = value.parse::<f64>().is_ok() || matches!(value, "true" | "false");
            if number {
                format!("(.{key} = {text} || .{key} = {value})")
            } else {
                format!(".{key} = {text}")
            }
        }
    }
}

fn overlaps(trace: &Trace, (start, end): (u64, u64)) -> bool {
    if start == 0 && end == 0 {
        return true;
    }
    trace.end >= start * 1_000_000_000 && trace.start <= end * 1_000_000_000
}

pub(super) fn search(traces: &Traces, params: &Params) -> Answer {
    let wanted = wanted(params)?;
    let conditions = eval::conditions(&wanted.query.pipeline);
    let started = Instant::now();
    let mut found = Vec::new();
    for trace in traces.all() {
        if found.len() >= wanted.limit {
            break;
        }
        if started.elapsed() > traces.query_timeout {
            return Err(Refusal(
                StatusCode::GATEWAY_TIMEOUT,
                "context deadline exceeded".to_owned(),
            ));
        }
        let length = trace.end.saturating_sub(trace.start) as i64;
        let fits = (wanted.durations.0..=wanted.durations.1).contains(&length);
        if !fits || !overlaps(&trace, wanted.window) {
            continue;
        }
        let sets = eval::run(&wanted.query.pipeline, &trace);
        if !sets.is_empty() {
            found.push(summary(&trace, &sets, &conditions, &wanted));
        }
    }
    Ok(json_answer(&json!({"traces": found, "metrics": {}})))
}

fn summary(trace: &Trace, sets: &[SpanSet], conditions: &[Condition], wanted: &Wanted) -> Json {
    let mut out = Map::new();
    let mut put = |name: &str, value: Json| {
        out.insert(name.to_owned(), value);
    };
    let id = hex(&trace.id);
    put("traceID", json!(id.trim_start_matches('0')));
    let (service, name) = trace.root_names();
    if trace.root.is_some() {
        put("rootServiceName", json!(service));
        put("rootTraceName", json!(name));
    } else {
        put("rootServiceName", json!("<root span not yet received>"));
    }
    put("startTimeUnixNano", json!(trace.start.to_string()));
    let millis = trace.end.saturating_sub(trace.start) / 1_000_000;
    if millis > 0 {
        put("durationMs", json!(millis));
    }
    if wanted.shows_spans {
        let sets: Vec<Json> = sets
            .iter()
            .map(|set| span_set(trace, set, conditions, wanted.spss))
            .collect();
        put("spanSet", sets.first().cloned().unwrap_or(Json::Null));
        put("spanSets", Json::Array(sets));
        let services: Map<String, Json> = trace
            .services()
            .into_iter()
            .map(|(name, (spans, errors))| {
                let mut counts = Map::new();
                counts.insert("spanCount".to_owned(), json!(spans));
                if errors > 0 {
                    counts.insert("errorCount".to_owned(), json!(errors));
                }
                (name, Json::Object(counts))
            })
            .collect();
        put("serviceStats", Json::Object(services));
    }
    Json::Object(out)
}

fn attributes(pairs: Vec<(String, Value)>) -> Json {
    pairs
        .into_iter()
        .map(|(key, value)| json!({"key": key, "value": value.to_json()}))
        .collect()
}

fn span_set(trace: &Trace, set: &SpanSet, conditions: &[Condition], spss: usize) -> Json {
    let spans: Vec<Json> = set
        .spans
        .iter()
        .take(spss)
        .map(|at| span(trace, *at, conditions))
        .collect();
    let mut out = Map::new();
    out.insert("spans".to_owned(), Json::Array(spans));
    out.insert("matched".to_owned(), json!(set.spans.len()));
    if !set.attributes.is_empty() {
        out.insert("attributes".to_owned(), attributes(set.attributes.clone()));
    }
    Json::Object(out)
}

/// Of several values the one that the query asks for; all of them only of an attribute that
/// holds a list and stands in no test.
fn single(value: Value, condition: &Condition) -> Value {
    let Value::List(list) = value else {
        return value;
    };
    let repeated = matches!(
        condition.attribute,
        Attribute::Intrinsic(_) | Attribute::Named(Scope::Event | Scope::Link, _)
    );
    if condition.test.is_none() && !repeated && list.len() != 1 {
        return Value::List(list);
    }
    list.iter()
        .find(|item| condition.wants(item))
        .cloned()
        .unwrap_or(Value::List(list))
}

/// A span with those of its attributes that the query asks for.
fn span(trace: &Trace, at: usize, conditions: &[Condition]) -> Json {
    let span = &trace.spans[at].span;
    let mut shown: Vec<(String, Value)> = Vec::new();
    let mut named = false;
    for condition in conditions {
        let value = trace.value(at, &condition.attribute);
        if value == Value::Nil || !condition.wants(&value) {
            continue;
        }
        let value = single(value, condition);
        let key = match &condition.attribute {
            Attribute::Named(_, name) => name.clone(),
            Attribute::Parent(_) => continue,
            Attribute::Intrinsic(intrinsic) => match intrinsic.plain() {
                Intrinsic::Name => {
                    named = true;
                    continue;
                }
                Intrinsic::Duration
                | Intrinsic::RootName
                | Intrinsic::RootServiceName
                | Intrinsic::TraceDuration
                | Intrinsic::TraceId
                | Intrinsic::SpanId => continue,
                other => other.name().to_owned(),
            },
        };
        if !shown.iter().any(|(known, _)| *known == key) {
            shown.push((key, value));
        }
    }
    let mut out = Map::new();
    out.insert("spanID".to_owned(), json!(hex(&span.span_id)));
    if named {
        out.insert("name".to_owned(), json!(span.name));
    }
    out.insert(
        "startTimeUnixNano".to_owned(),
        json!(span.start_time_unix_nano.to_string()),
    );
    let length = span
        .end_time_unix_nano
        .saturating_sub(span.start_time_unix_nano);
    if length > 0 {
        out.insert("durationNanos".to_owned(), json!(length.to_string()));
    }
    if !shown.is_empty() {
        out.insert("attributes".to_owned(), attributes(shown));
    }
    Json::Object(out)
}

/// Reads a metrics query with its bounds in nanoseconds.
fn metrics_query(traces: &Traces, params: &Params) -> Result<(Query, i64, i64), Refusal> {
    let coded =
        |message: String| Refusal::bad(format!("rpc error: code = Code(400) desc = {message}"));
    let now = traces.clock().now_ns();
    let since = params
        .duration("since")
        .map_err(coded)?
        .unwrap_or(3_600_000_000_000);
    let end = params.time("end").map_err(coded)?.unwrap_or(now);
    let start = params.time("start").map_err(coded)?.unwrap_or(end - since);
    let text = params.get("q").or(params.get("query")).unwrap_or("");
    let query = parse(text).map_err(|error| Refusal::bad(error.to_string()))?;
    if query.metrics.is_none() {
        return Err(Refusal::bad("not a metrics query"));
    }
    if end <= start {
        return Err(Refusal::bad("end must be greater than start"));
    }
    if end - start > MAX_METRICS {
        return Err(Refusal::bad(
            "metrics query time range exceeds the maximum allowed duration of 24h0m0s",
        ));
    }
    Ok((query, start, end))
}

fn within(traces: &Traces, start: i64, end: i64) -> Vec<Arc<Trace>> {
    traces
        .all()
        .into_iter()
        .filter(|t| t.end as i64 >= start && t.start as i64 <= end)
        .collect()
}

pub(super) fn metrics_range(traces: &Traces, params: &Params) -> Answer {
    let (query, start, end) = metrics_query(traces, params)?;
    let given = params.duration("step").map_err(Refusal::bad)?;
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
        start: start.div_euclid(step) * step,
        end: (end + step - 1).div_euclid(step) * step,
        step,
    };
    let found = within(traces, range.start - step, range.end);
    let series = query
        .metrics
        .as_ref()
        .map(|m| metrics::series(&query, m, &found, range))
        .unwrap_or_default();
    Ok(json_answer(&metrics::range_json(&series, range)))
}

/// About 300 points, by the second.
fn default_step(length: i64) -> i64 {
    const SECOND: i64 = 1_000_000_000;
    (length / 300 / SECOND).max(1) * SECOND
}

pub(super) fn metrics_instant(traces: &Traces, params: &Params) -> Answer {
    let (query, start, end) = metrics_query(traces, params)?;
    let range = Range {
        start: end,
        end,
        step: end - start,
    };
    let found = within(traces, start, end);
    let series = query
        .metrics
        .as_ref()
        .map(|m| metrics::series(&query, m, &found, range))
        .unwrap_or_default();
    Ok(json_answer(&metrics::instant_json(&series)))
}
