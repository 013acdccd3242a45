//! What there is: label names and values, series, metadata of metrics.

use std::collections::BTreeSet;

use axum::extract::{Path, State};
use serde_json::{Map, Value, json};

use super::answer::{ApiError, success, success_with};
use super::{Answer, ApiState, Name, Params, Served};
use crate::metrics::head::{SeriesRef, label_values as values_of};
use crate::metrics::text::quote;

const TRUNCATED: &str = "results truncated due to limit";

fn selected(api: &Served, params: &Params) -> Result<Vec<SeriesRef>, ApiError> {
    let start = params.bound("start", i64::MIN)?;
    let end = params.bound("end", i64::MAX)?;
    let sets = params.matchers()?;
    let head = api.metrics.head();
    if sets.is_empty() {
        return Ok(head.select(&[], start, end));
    }
    let mut found: Vec<SeriesRef> = sets
        .iter()
        .flat_map(|set| head.select(set, start, end))
        .collect();
    found.sort_by(|a, b| a.labels().cmp(b.labels()));
    found.dedup_by(|a, b| a.labels() == b.labels());
    Ok(found)
}

fn limited<T>(mut items: Vec<T>, limit: usize) -> (Vec<T>, &'static [&'static str]) {
    if items.len() > limit {
        items.truncate(limit);
        return (items, &[TRUNCATED]);
    }
    (items, &[])
}

pub(super) async fn labels(State(api): ApiState, params: Params) -> Answer {
    let limit = params.limit()?;
    let found = values_of(&selected(&api, &params)?);
    let names: BTreeSet<&str> = found.keys().map(AsRef::as_ref).collect();
    let (names, warnings) = limited(names.into_iter().collect(), limit);
    Ok(success_with(json!(names), warnings))
}

pub(super) async fn label_values(State(api): ApiState, Path(name): Name, params: Params) -> Answer {
    let name = decode_name(&name);
    if name.is_empty() {
        return Err(ApiError::bad(format!(
            "invalid label name: {}",
            quote(&name)
        )));
    }
    let limit = params.limit()?;
    let found = values_of(&selected(&api, &params)?);
    let values: Vec<&str> = found
        .get(name.as_str())
        .map(|v| v.iter().map(AsRef::as_ref).collect())
        .unwrap_or_default();
    let (values, warnings) = limited(values, limit);
    Ok(success_with(json!(values), warnings))
}

/// `U__foo_2e_bar` stands for `foo.bar`
/// (<https://prometheus.io/docs/instrumenting/escaping_schemes/>).
fn decode_name(name: &str) -> String {
    let Some(escaped) = name.strip_prefix("U__") else {
        return name.to_owned();
    };
    let mut out = String::new();
    let mut rest = escaped;
    while let Some(at) = rest.find('_') {
        out.push_str(&rest[..at]);
        rest = &rest[at + 1..];
        if let Some(after) = rest.strip_prefix('_') {
            out.push('_');
            rest = after;
            continue;
        }
        let Some((hex, after)) = rest.split_once('_') else {
            return name.to_owned();
        };
        match u32::from_str_radix(hex, 16).ok().and_then(char::from_u32) {
            Some(c) => out.push(c),
            None => return name.to_owned(),
        }
        rest = after;
    }
    out + rest
}

pub(super) async fn series(State(api): ApiState, params: Params) -> Answer {
    let limit = params.limit()?;
    if params.all("match[]").is_empty() {
        return Err(ApiError::bad("no match[] parameter provided"));
    }
    let found = selected(&api, &params)?;
    let (found, warnings) = limited(found, limit);
    let data: Vec<Value> = found.iter().map(|s| s.labels().json()).collect();
    Ok(success_with(json!(data), warnings))
}

pub(super) async fn metadata(State(api): ApiState, params: Params) -> Answer {
    let limit = params.limit()?;
    let per_metric = match params.get("limit_per_metric").parse::<usize>() {
        Ok(n) if n > 0 => n,
        _ => usize::MAX,
    };
    let metric = Some(params.get("metric")).filter(|m| !m.is_empty());
    let all = api.metrics.head().metadata(metric);
    let data: Map<String, Value> = all
        .into_iter()
        .take(limit)
        .map(|(name, entries)| {
            let entries: Vec<Value> = entries
                .iter()
                .take(per_metric)
                .map(|m| json!({"type": m.kind, "help": m.help, "unit": m.unit}))
                .collect();
            (name, json!(entries))
        })
        .collect();
    Ok(success(Value::Object(data)))
}
