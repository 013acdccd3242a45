//! What labels, fields and patterns there are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use serde_json::{Map, Value, json};

use super::metadata::{selector, window};
use super::query::{bounds, check_length, running};
use super::{Answer, Refusal, json_answer, success};
use crate::logs::eval::{self, Direction, Run};
use crate::logs::logql::{Expr, parse};
use crate::logs::params::Params;
use crate::logs::storage::Logs;
use crate::logs::{detected, patterns};

/// Lines that fields are looked for in, if the request says nothing else.
const LINES: usize = 1000;
/// Fields or values that are given, if the request says nothing else.
const LIMIT: usize = 1000;

pub(super) fn labels(run: &Run<'_>, params: &Params) -> Answer {
    let (start, end) = window(run.store, params)?;
    let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for labels in run.store.series(&selector(params)?, start, end) {
        for (name, value) in labels.iter() {
            values
                .entry(name.to_owned())
                .or_default()
                .insert(value.to_owned());
        }
    }
    let found: Vec<Value> = values
        .iter()
        .filter(|(name, values)| tells_something(name, values))
        .map(|(name, values)| json!({"label": name, "cardinality": values.len()}))
        .collect();
    Ok(json_answer(&json!({"detectedLabels": found})))
}

/// Whether a label is of use to choose streams by: it has not too many values, and they are not
/// numbers and UUIDs alone.
fn tells_something(name: &str, values: &BTreeSet<String>) -> bool {
    const ALWAYS: [&str; 4] = ["cluster", "namespace", "instance", "pod"];
    const MAX_VALUES: usize = 50;
    ALWAYS.contains(&name)
        || (values.len() <= MAX_VALUES
            && !values
                .iter()
                .all(|value| value.parse::<f64>().is_ok() || is_uuid(value)))
}

fn is_uuid(text: &str) -> bool {
    text.len() == 36
        && text.bytes().enumerate().all(|(at, b)| match at {
            8 | 13 | 18 | 23 => b == b'-',
            _ => b.is_ascii_hexdigit(),
        })
}

fn count(params: &Params, name: &str, default: usize) -> Result<usize, Refusal> {
    match params.get(name) {
        None => Ok(default),
        Some(text) => match text.parse::<i64>() {
            Ok(n) if n > 0 => Ok(n as usize),
            Ok(_) => Err(Refusal::bad("limit must be a positive value")),
            Err(_) => Err(Refusal::bad(format!(
                "strconv.Atoi: parsing {text:?}: invalid syntax"
            ))),
        },
    }
}

/// The fields of the lines that a request is about.
fn found(run: &Run<'_>, params: &Params) -> Result<Vec<detected::Field>, Refusal> {
    let (start, end) = bounds(run.store, params)?;
    check_length(run.store, start, end)?;
    let Expr::Log(log) = parse(params.get("query").unwrap_or(""))? else {
        return Err(Refusal::bad("only log selector is supported"));
    };
    let lines = count(params, "line_limit", LINES)?;
    let max = run.store.config().max_entries;
    if lines > max {
        return Err(Refusal::bad(format!(
            "max entries limit per query exceeded, limit > max_entries_limit_per_query ({lines} > {max})"
        )));
    }
    let rows = eval::lines(run, &log, (start, end), Direction::Backward, lines, 0)?;
    Ok(detected::fields(&rows))
}

pub(super) fn fields(run: &Run<'_>, params: &Params) -> Answer {
    let limit = count(params, "limit", LIMIT)?;
    let fields: Vec<Value> = found(run, params)?
        .iter()
        .take(limit)
        .map(|field| {
            let mut out = Map::new();
            out.insert("label".to_owned(), json!(field.name));
            out.insert("type".to_owned(), json!(field.kind));
            out.insert("cardinality".to_owned(), json!(field.values.len()));
            out.insert(
                "parsers".to_owned(),
                field.parser.map_or(Value::Null, |p| json!([p])),
            );
            if !field.path.is_empty() {
                out.insert("jsonPath".to_owned(), json!(field.path));
            }
            Value::Object(out)
        })
        .collect();
    Ok(json_answer(&json!({"fields": fields, "limit": limit})))
}

pub(super) async fn field_values(
    State(logs): State<Arc<Logs>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Answer {
    running(logs, move |run, _| {
        let params = Params::new(query.as_deref(), &body);
        let limit = count(&params, "limit", LIMIT)?;
        let mut values = found(run, &params)?
            .into_iter()
            .find(|field| field.name == name)
            .map(|field| field.values.into_iter().collect::<Vec<_>>())
            .unwrap_or_default();
        values.truncate(limit);
        Ok(json_answer(&json!({"values": values, "limit": limit})))
    })
    .await
}

/// Patterns of the lines, with how often each came, in steps of time.
pub(super) fn patterns(run: &Run<'_>, params: &Params) -> Answer {
    let (start, end) = bounds(run.store, params)?;
    check_length(run.store, start, end)?;
    let matchers = selector(params)?;
    let step = params
        .duration("step")?
        .unwrap_or(patterns::RESOLUTION)
        .max(patterns::RESOLUTION);
    let found: Vec<Value> = patterns::find(run, &matchers, (start, end), step)?
        .into_iter()
        .map(|pattern| {
            let samples: Vec<Value> = pattern
                .samples
                .iter()
                .map(|(ts, count)| json!([ts / 1_000_000_000, count]))
                .collect();
            json!({"pattern": pattern.text, "level": pattern.level, "samples": samples})
        })
        .collect();
    Ok(success(Value::Array(found)))
}
