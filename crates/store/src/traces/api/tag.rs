//! Names and values of tags.

use std::sync::Arc;

use serde_json::{Value as Json, json};

use super::params::window;
use super::{Answer, Params, Refusal, json_answer};
use crate::traces::Traces;
use crate::traces::spans::Trace;
use crate::traces::tags::{self, INTRINSICS, Names, SCOPES};
use crate::traces::traceql::{Attribute, Intrinsic, Query, Scope, parse, parse_attribute};

fn within(traces: &Traces, (start, end): (u64, u64)) -> Vec<Arc<Trace>> {
    traces
        .all()
        .into_iter()
        .filter(|t| {
            (start == 0 && end == 0)
                || (t.end >= start * 1_000_000_000 && t.start <= end * 1_000_000_000)
        })
        .collect()
}

/// The filter of `q`; one that is not finished yet is cut down to what can be read.
fn filter(params: &Params) -> Option<Query> {
    let text = params.get("q")?;
    if let Ok(query) = parse(text) {
        return Some(query);
    }
    let inner = text.trim().trim_start_matches('{').trim_end_matches('}');
    let parts: Vec<&str> = inner
        .split("&&")
        .map(str::trim)
        .filter(|part| parse(&format!("{{ {part} }}")).is_ok() && !part.is_empty())
        .collect();
    if parts.is_empty() {
        return None;
    }
    parse(&format!("{{ {} }}", parts.join(" && "))).ok()
}

fn scoped(params: &Params) -> Result<Option<&str>, Refusal> {
    match params.get("scope") {
        None | Some("none") => Ok(None),
        Some(scope) if scope == "intrinsic" || SCOPES.contains(&scope) => Ok(Some(scope)),
        Some(other) => Err(Refusal::bad(format!("invalid scope: {other}"))),
    }
}

fn names(traces: &Traces, params: &Params) -> Result<(Names, Option<String>), Refusal> {
    let window = window(params)?;
    let scope = scoped(params)?.map(str::to_owned);
    let query = filter(params);
    let mut names = Names::default();
    for trace in within(traces, window) {
        names.add(query.as_ref(), &trace);
    }
    Ok((names, scope))
}

pub(super) fn names_v1(traces: &Traces, params: &Params) -> Answer {
    let (names, scope) = names(traces, params)?;
    let mut all: std::collections::BTreeSet<&str> = names
        .0
        .iter()
        .zip(SCOPES)
        .filter(|(_, name)| scope.as_deref().is_none_or(|scope| scope == *name))
        .flat_map(|(set, _)| set.iter().map(String::as_str))
        .collect();
    if scope.as_deref() == Some("intrinsic") {
        all.extend(INTRINSICS);
    }
    Ok(json_answer(&json!({"tagNames": all, "metrics": {}})))
}

pub(super) fn names_v2(traces: &Traces, params: &Params) -> Answer {
    let (names, scope) = names(traces, params)?;
    let wanted = |name: &str| scope.as_deref().is_none_or(|scope| scope == name);
    let mut scopes: Vec<Json> = names
        .0
        .iter()
        .zip(SCOPES)
        .filter(|(set, name)| wanted(name) && !set.is_empty())
        .map(|(set, name)| json!({"name": name, "tags": set}))
        .collect();
    if wanted("intrinsic") {
        let mut tags: Vec<&str> = INTRINSICS.to_vec();
        tags.push("traceDuration");
        scopes.push(json!({"name": "intrinsic", "tags": tags}));
    }
    Ok(json_answer(&json!({"scopes": scopes, "metrics": {}})))
}

pub(super) fn values_v1(traces: &Traces, tag: &str, params: &Params) -> Answer {
    let window = window(params)?;
    let attribute = match Intrinsic::of(tag) {
        Some(intrinsic) => Attribute::Intrinsic(intrinsic),
        None => Attribute::Named(Scope::Any, tag.to_owned()),
    };
    let found = within(traces, window);
    let query = filter(params);
    let values: Vec<String> = tags::values(&attribute, query.as_ref(), found.iter().map(|t| &**t))
        .into_iter()
        .map(|(value, _)| value)
        .collect();
    Ok(json_answer(&json!({"tagValues": values, "metrics": {}})))
}

pub(super) fn values_v2(traces: &Traces, tag: &str, params: &Params) -> Answer {
    let window = window(params)?;
    let attribute = parse_attribute(tag).map_err(|error| {
        Refusal::bad(format!(
            "please provide a valid tagName: failed to parse identifier {tag}: {error}"
        ))
    })?;
    let found = within(traces, window);
    let query = filter(params);
    let values: Vec<Json> = tags::values(&attribute, query.as_ref(), found.iter().map(|t| &**t))
        .into_iter()
        .map(|(value, kind)| {
            if value.is_empty() {
                json!({"type": kind})
            } else {
                json!({"type": kind, "value": value})
            }
        })
        .collect();
    Ok(json_answer(&json!({"tagValues": values, "metrics": {}})))
}
