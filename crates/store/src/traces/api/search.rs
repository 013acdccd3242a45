//! Search.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Instant;

use super::params::{duration, nanos, query, unsigned, window};
use super::{Params, Refusal, Reply};
use crate::traces::Traces;
use crate::traces::eval::{EvalError, Plan, SpanSet};
use crate::traces::hex::{span_hex, trace_hex};
use crate::traces::messages::{Found, FoundSpan, Search, SearchMetrics, ServiceStats, Spans};
use crate::traces::scan::{CHUNK, in_parts, threads};
use crate::traces::spans::Trace;
use crate::traces::traceql::{Attribute, Intrinsic, Query, parse};

/// The longest range of a search (`max_duration`), in seconds.
const MAX_SEARCH: u64 = 168 * 3600;

/// The most traces that may be asked for (`max_result_limit`).
const MAX_RESULTS: u64 = 262_144;

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
    let (given, tags) = (query(params)?, params.get("tags"));
    if given.is_some() && tags.is_some() {
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
    if let Some(limit) = limit.filter(|n| *n > MAX_RESULTS) {
        return Err(Refusal::bad(format!(
            "limit {limit} exceeds max limit {MAX_RESULTS}"
        )));
    }
    let spss = unsigned(params, "spss")?;
    if let Some(spss) = spss.filter(|n| *n > 100) {
        return Err(Refusal::bad(format!(
            "spans per span set exceeds 100. received {spss}"
        )));
    }
    let text = given.map(str::to_owned).or(of_tags);
    let text = text.unwrap_or_else(|| "{ }".to_owned());
    Ok(Wanted {
        query: parse(&text).map_err(|error| Refusal::query(&error))?,
        shows_spans: given.is_some(),
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

pub(super) fn search(traces: &Traces, params: &Params) -> Result<Reply, Refusal> {
    let wanted = wanted(params)?;
    let plan = Plan::new(&wanted.query.pipeline, &[]);
    let (start, end) = nanos(wanted.window);
    let candidates = traces.within(start, end);
    let deadline = Instant::now() + traces.query_timeout;
    let found = find(&candidates, &plan, &wanted, deadline)?;
    let bytes: usize = candidates.iter().map(|trace| trace.size).sum();
    Ok(Box::new(Search {
        traces: found,
        metrics: Some(SearchMetrics {
            inspected_traces: candidates.len() as u32,
            inspected_bytes: bytes as u64,
            completed_jobs: 1,
            total_jobs: 1,
        }),
    }))
}

/// The traces that are wanted, in the order of the candidates.
fn find(
    candidates: &[Arc<Trace>],
    plan: &Plan,
    wanted: &Wanted,
    deadline: Instant,
) -> Result<Vec<Found>, Refusal> {
    let next = AtomicUsize::new(0);
    let enough = AtomicUsize::new(0);
    let work = || -> Result<Vec<(usize, Found)>, EvalError> {
        let mut found = Vec::new();
        loop {
            let from = next.fetch_add(CHUNK, Ordering::Relaxed);
            let done = enough.load(Ordering::Relaxed) >= wanted.limit;
            if from >= candidates.len() || done {
                return Ok(found);
            }
            if Instant::now() > deadline {
                return Err(EvalError::Late);
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
    let threads: Vec<usize> = (0..threads(candidates.len())).collect();
    let parts = in_parts(&threads, threads.len(), |_| work());
    let mut found = Vec::new();
    for part in parts {
        found.extend(part?);
    }
    found.sort_unstable_by_key(|(at, _)| *at);
    found.truncate(wanted.limit);
    Ok(found.into_iter().map(|(_, summary)| summary).collect())
}

fn look(trace: &Trace, plan: &Plan, wanted: &Wanted) -> Result<Option<Found>, EvalError> {
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

fn summary(trace: &Trace, sets: &[SpanSet], plan: &Plan, wanted: &Wanted) -> Found {
    let (service, name) = match trace.root {
        Some(_) => trace.root_names(),
        None => ("<root span not yet received>", ""),
    };
    let mut found = Found {
        trace_id: trace_hex(&trace.id),
        root_service_name: service.to_owned(),
        root_trace_name: name.to_owned(),
        start_time_unix_nano: trace.start,
        duration_ms: u32::try_from(trace.duration() / 1_000_000).unwrap_or(u32::MAX),
        ..Found::default()
    };
    if wanted.shows_spans {
        let sets = sets.iter();
        found.span_sets = sets
            .map(|set| span_set(trace, set, plan, wanted.spss))
            .collect();
        found.span_set = found.span_sets.first().cloned();
        let services = trace.services().into_iter();
        found.service_stats = services
            .map(|(name, (spans, errors))| {
                let stats = ServiceStats {
                    span_count: spans as u32,
                    error_count: errors as u32,
                };
                (name.to_owned(), stats)
            })
            .collect();
    }
    found
}

fn span_set(trace: &Trace, set: &SpanSet, plan: &Plan, spss: usize) -> Spans {
    let spans = set.spans.iter().take(spss);
    Spans {
        spans: spans.map(|at| span(trace, *at, plan)).collect(),
        matched: set.spans.len() as u32,
        attributes: set.attributes.iter().map(|(k, v)| v.pair(k)).collect(),
    }
}

/// A span with those of its attributes that the query asks for.
fn span(trace: &Trace, at: usize, plan: &Plan) -> FoundSpan {
    let span = &trace.spans[at];
    let shown = plan.shown(trace, at);
    let attributes = shown
        .iter()
        .filter_map(|(attribute, value)| match attribute {
            Attribute::Named(_, name) => Some(value.pair(name)),
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
            Attribute::Intrinsic(intrinsic) => Some(value.pair(intrinsic.name())),
        })
        .collect();
    let is_name = |attribute: &&Attribute| **attribute == Attribute::Intrinsic(Intrinsic::Name);
    let has_name = shown.iter().any(|(attribute, _)| is_name(attribute));
    FoundSpan {
        span_id: span_hex(&span.id),
        name: if has_name {
            span.name.to_string()
        } else {
            String::new()
        },
        start_time_unix_nano: span.start,
        duration_nanos: span.duration(),
        attributes,
    }
}
