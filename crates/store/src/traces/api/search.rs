//! Search.

use std::num::NonZero;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;
use std::time::Instant;

use axum::http::StatusCode;
use serde_json::{Map, Value as Json, json};

use super::params::{duration, nanos, unsigned, window};
use super::{Answer, Params, Refusal, json_answer};
use crate::traces::Traces;
use crate::traces::eval::{EvalError, Plan, SpanSet};
use crate::traces::hex::{span_hex, trace_hex};
use crate::traces::spans::Trace;
use crate::traces::traceql::{Attribute, Intrinsic, Query, parse};
use crate::traces::value::Value;

/// The longest range of a search (`max_duration`), in seconds.
const MAX_SEARCH: u64 = 168 * 3600;

/// From how many traces on several threads search.
const MANY: usize = 2_000;

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
    let of_tags = tags.map(of_tags).transpose()?;
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
    let text = query.map(str::to_owned).or(of_tags);
    let text = text.unwrap_or_else(|| "{ }".to_owned());
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
fn of_tags(tags: &str) -> Result<String, Refusal> {
    let mut tests: Vec<String> = Vec::new();
    let mut keys: Vec<&str> = Vec::new();
    let mut rest = tags.trim_start();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c == '=' || c.is_whitespace())
            .unwrap_or(rest.len());
        let key = &rest[..end];
        if keys.contains(&key) {
            return Err(Refusal::bad(format!(
                "invalid tags: tag {key} has been set twice"
            )));
        }
        keys.push(key);
        rest = &rest[end..];
        let Some(after) = rest.strip_prefix('=') else {
            rest = rest.trim_start();
            continue;
        };
        if key.is_empty() {
            let at = tags.len() - rest.len() + 1;
            return Err(Refusal::bad(format!(
                "invalid tags: unexpected '=' at pos {at}"
            )));
        }
        let quoted = crate::logs::string_literal(after).filter(|_| after.starts_with('"'));
        let (value, after) = match quoted {
            Some((value, len)) => (value, &after[len..]),
            None if after.starts_with('"') => {
                let at = tags.len() + 1;
                return Err(Refusal::bad(format!(
                    "invalid tags: unterminated quoted value at pos {at}"
                )));
            }
            None => {
                let end = after.find(char::is_whitespace).unwrap_or(after.len());
                (after[..end].to_owned(), &after[end..])
            }
        };
        rest = after.trim_start();
        tests.push(of_tag(key, &value));
    }
    Ok(format!("{{ {} }}", tests.join(" && ")))
}

fn of_tag(key: &str, value: &str) -> String {
    let text = format!("{value:?}");
    let name = format!(".\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""));
    match key {
        "status.code" => format!("status = {value}"),
        "root.name" => format!("rootName = {text}"),
        "root.service.name" => format!("rootServiceName = {text}"),
        "name" => format!("name = {text}"),
        _ if value.parse::<i64>().is_ok() || matches!(value, "true" | "false") => {
            format!("({name} = {text} || {name} = {value})")
        }
        _ => match value.parse::<f64>().ok().filter(|n| n.is_finite()) {
            Some(number) => format!("({name} = {text} || {name} = {number:?})"),
            None => format!("{name} = {text}"),
        },
    }
}

pub(super) fn search(traces: &Traces, params: &Params) -> Answer {
    let wanted = wanted(params)?;
    let plan = Plan::new(&wanted.query.pipeline, &[]);
    let (start, end) = nanos(wanted.window);
    let candidates = traces.within(start, end);
    let deadline = Instant::now() + traces.query_timeout;
    let found = find(&candidates, &plan, &wanted, deadline)?;
    let inspected =
        json!({"inspectedTraces": candidates.len(), "completedJobs": 1, "totalJobs": 1});
    Ok(json_answer(&json!({"traces": found, "metrics": inspected})))
}

/// The traces that are wanted, in the order of the candidates.
fn find(
    candidates: &[Arc<Trace>],
    plan: &Plan,
    wanted: &Wanted,
    deadline: Instant,
) -> Result<Vec<Json>, Refusal> {
    /// So many traces are searched at a time, so that the first ones are found first.
    const CHUNK: usize = 256;
    let next = AtomicUsize::new(0);
    let enough = AtomicUsize::new(0);
    let late = AtomicBool::new(false);
    let work = || -> Result<Vec<(usize, Json)>, EvalError> {
        let mut found = Vec::new();
        loop {
            let from = next.fetch_add(CHUNK, Ordering::Relaxed);
            let done = enough.load(Ordering::Relaxed) >= wanted.limit;
            if from >= candidates.len() || done {
                return Ok(found);
            }
            if Instant::now() > deadline {
                late.store(true, Ordering::Relaxed);
                return Ok(found);
            }
            let chunk = &candidates[from..candidates.len().min(from + CHUNK)];
            for (at, trace) in (from..).zip(chunk) {
                if let Some(summary) = look(trace, plan, wanted)? {
                    enough.fetch_add(1, Ordering::Relaxed);
                    found.push((at, summary));
                }
            }
        }
    };
    let threads = match candidates.len() {
        0..MANY => 1,
        _ => thread::available_parallelism()
            .map_or(1, NonZero::get)
            .min(8),
    };
    let mut parts = Vec::new();
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads).map(|_| scope.spawn(work)).collect();
        parts.push(work());
        for other in others {
            parts.extend(other.join());
        }
    });
    if late.into_inner() {
        return Err(Refusal(
            StatusCode::GATEWAY_TIMEOUT,
            "context deadline exceeded".to_owned(),
        ));
    }
    let mut found = Vec::new();
    for part in parts {
        found.extend(part.map_err(|error| Refusal::bad(error.to_string()))?);
    }
    found.sort_unstable_by_key(|(at, _)| *at);
    found.truncate(wanted.limit);
    Ok(found.into_iter().map(|(_, summary)| summary).collect())
}

fn look(trace: &Trace, plan: &Plan, wanted: &Wanted) -> Result<Option<Json>, EvalError> {
    let (shortest, longest) = wanted.durations;
    if !(shortest..=longest).contains(&(trace.duration() as i64)) {
        return Ok(None);
    }
    let sets = plan.run(trace)?;
    if sets.is_empty() {
        return Ok(None);
    }
    Ok(Some(summary(trace, &sets, plan, wanted)))
}

fn summary(trace: &Trace, sets: &[SpanSet], plan: &Plan, wanted: &Wanted) -> Json {
    let mut out = Map::new();
    let mut put = |name: &str, value: Json| {
        out.insert(name.to_owned(), value);
    };
    put("traceID", json!(trace_hex(&trace.id)));
    let (service, name) = trace.root_names();
    if trace.root.is_none() {
        put("rootServiceName", json!("<root span not yet received>"));
    } else {
        put("rootServiceName", json!(service));
        put("rootTraceName", json!(name));
    }
    put("startTimeUnixNano", json!(trace.start.to_string()));
    let millis = trace.duration() / 1_000_000;
    if millis > 0 {
        put("durationMs", json!(millis));
    }
    if wanted.shows_spans {
        let sets: Vec<Json> = sets
            .iter()
            .map(|set| span_set(trace, set, plan, wanted.spss))
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
                (name.to_owned(), Json::Object(counts))
            })
            .collect();
        put("serviceStats", Json::Object(services));
    }
    Json::Object(out)
}

fn span_set(trace: &Trace, set: &SpanSet, plan: &Plan, spss: usize) -> Json {
    let spans: Vec<Json> = set
        .spans
        .iter()
        .take(spss)
        .map(|at| span(trace, *at, plan))
        .collect();
    let mut out = Map::new();
    out.insert("spans".to_owned(), Json::Array(spans));
    out.insert("matched".to_owned(), json!(set.spans.len()));
    if !set.attributes.is_empty() {
        let pair = |(key, value): &(String, Value<'_>)| pair(key, value);
        let pairs = set.attributes.iter().map(pair).collect();
        out.insert("attributes".to_owned(), pairs);
    }
    Json::Object(out)
}

fn pair(key: &str, value: &Value<'_>) -> Json {
    json!({"key": key, "value": value.to_json()})
}

/// A span with those of its attributes that the query asks for.
fn span(trace: &Trace, at: usize, plan: &Plan) -> Json {
    let span = &trace.spans[at];
    let shown = plan.shown(trace, at);
    let attributes: Vec<Json> = shown
        .iter()
        .filter_map(|(attribute, value)| match attribute {
            Attribute::Named(_, name) => Some(pair(name, value)),
            Attribute::Parent(..) => None,
            // These stand elsewhere in the answer.
            Attribute::Intrinsic(
                Intrinsic::Name
                | Intrinsic::Duration
                | Intrinsic::RootName
                | Intrinsic::RootServiceName
                | Intrinsic::TraceDuration
                | Intrinsic::TraceId
                | Intrinsic::SpanId,
            ) => None,
            Attribute::Intrinsic(intrinsic) => Some(pair(intrinsic.name(), value)),
        })
        .collect();
    let is_name = |attribute: &&Attribute| **attribute == Attribute::Intrinsic(Intrinsic::Name);
    let name = shown.iter().any(|(attribute, _)| is_name(attribute));
    let mut out = Map::new();
    out.insert("spanID".to_owned(), json!(span_hex(&span.id)));
    if name && !span.name.is_empty() {
        out.insert("name".to_owned(), json!(&*span.name));
    }
    out.insert(
        "startTimeUnixNano".to_owned(),
        json!(span.start.to_string()),
    );
    if span.duration() > 0 {
        let nanos = span.duration().to_string();
        out.insert("durationNanos".to_owned(), json!(nanos));
    }
    if !attributes.is_empty() {
        out.insert("attributes".to_owned(), Json::Array(attributes));
    }
    Json::Object(out)
}
