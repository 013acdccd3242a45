//! Labels, series, volumes, detected fields, and the formatting of queries.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use serde_json::{Map, Value, json};

use super::{Answer, Refusal, json_answer, success, typed_json};
use crate::logs::detected;
use crate::logs::eval::{self, Direction};
use crate::logs::labels::Labels;
use crate::logs::logql::{Expr, LogExpr, Matcher, parse, parse_matchers};
use crate::logs::params::Params;
use crate::logs::storage::Logs;

/// `start` and `end` of requests about labels: the last six hours if not given.
fn window(logs: &Logs, params: &Params) -> Result<(i64, i64), Refusal> {
    let now = logs.clock().now_ns();
    let end = params.time("end")?.unwrap_or(now);
    let since = params
        .duration("since")?
        .unwrap_or(6 * 3600 * 1_000_000_000);
    let start = params.time("start")?.unwrap_or(end - since);
    Ok((start, end.saturating_add(1)))
}

fn selector(params: &Params) -> Result<Vec<Matcher>, Refusal> {
    match params.get("query") {
        None | Some("{}") => Ok(Vec::new()),
        Some(query) => Ok(parse_matchers(query)?),
    }
}

pub(super) fn labels(logs: &Logs, params: &Params) -> Answer {
    let (start, end) = window(logs, params)?;
    let names = logs.label_names(&selector(params)?, start, end);
    Ok(list(names.into_iter().collect()))
}

/// A list of texts; Loki leaves `data` out when there is none.
fn list(values: Vec<String>) -> axum::response::Response {
    if values.is_empty() {
        return json_answer(&json!({"status": "success"}));
    }
    success(json!(values))
}

pub(super) async fn label_values(
    State(logs): State<Arc<Logs>>,
    Path(name): Path<String>,
    RawQuery(query): RawQuery,
    body: Bytes,
) -> Answer {
    let params = Params::new(query.as_deref(), &body);
    let (start, end) = window(&logs, &params)?;
    let values: BTreeSet<String> = logs
        .series(&selector(&params)?, start, end)
        .iter()
        .filter_map(|labels| labels.get(&name).map(str::to_owned))
        .collect();
    Ok(list(values.into_iter().collect()))
}

pub(super) fn series(logs: &Logs, params: &Params) -> Answer {
    let (start, end) = window(logs, params)?;
    let mut wanted = params.all("match[]");
    wanted.extend(params.all("match"));
    let mut found: BTreeSet<Arc<Labels>> = BTreeSet::new();
    if wanted.is_empty() {
        found.extend(logs.series(&[], start, end));
    }
    for selector in wanted {
        let matchers = if selector == "{}" {
            Vec::new()
        } else {
            parse_matchers(selector)?
        };
        found.extend(logs.series(&matchers, start, end));
    }
    let data: Vec<Value> = found.iter().map(|labels| labels.to_json()).collect();
    Ok(success(Value::Array(data)))
}

pub(super) fn stats(logs: &Logs, params: &Params) -> Answer {
    let (start, end) = window(logs, params)?;
    let selected = logs.select(&selector(params)?, start, end);
    let entries: usize = selected.iter().map(|s| s.entries.len()).sum();
    let bytes: usize = selected
        .iter()
        .flat_map(|s| &s.entries)
        .map(|e| e.line.len())
        .sum();
    Ok(json_answer(&json!({
        "streams": selected.len(),
        "chunks": selected.len(),
        "bytes": bytes,
        "entries": entries,
    })))
}

fn volume_selector(params: &Params) -> Result<Vec<Matcher>, Refusal> {
    match parse(params.get("query").unwrap_or("{}")) {
        Ok(Expr::Log(LogExpr { matchers, stages })) if stages.is_empty() => Ok(matchers),
        Ok(_) => Err(Refusal::bad("only label matchers are supported")),
        Err(_) if matches!(params.get("query"), None | Some("{}")) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// What Loki counts for entries: lines, each text of structured metadata once, and eight bytes
/// for each pair.
fn stored_size(entries: &[Arc<crate::logs::Entry>]) -> usize {
    let mut texts: BTreeSet<&str> = BTreeSet::new();
    let mut size = 0;
    for entry in entries {
        size += entry.line.len() + 8 * entry.metadata.len();
        for (name, value) in &entry.metadata {
            texts.extend([name.as_str(), value.as_str()]);
        }
    }
    size + texts.iter().map(|text| text.len()).sum::<usize>()
}

/// Bytes by labels, greatest first.
fn volumes(
    logs: &Logs,
    params: &Params,
    (start, end): (i64, i64),
) -> Result<Vec<(Labels, u64)>, Refusal> {
    let matchers = volume_selector(params)?;
    let targets: Vec<String> = match params.get("targetLabels") {
        Some(names) => names.split(',').map(str::to_owned).collect(),
        None => Vec::new(),
    };
    let by_labels = params.get("aggregateBy") == Some("labels");
    let names: Vec<String> = if targets.is_empty() {
        matchers.iter().map(|m| m.name.clone()).collect()
    } else {
        targets.clone()
    };
    let mut sums: BTreeMap<Labels, u64> = BTreeMap::new();
    for stream in logs.select(&matchers, start, end) {
        let bytes = stored_size(&stream.entries);
        if by_labels {
            for (name, _) in stream.labels.iter() {
                if targets.is_empty() || targets.iter().any(|t| t == name) {
                    *sums.entry(Labels::from([(name, "")])).or_default() += bytes as u64;
                }
            }
        } else {
            *sums.entry(stream.labels.only(&names)).or_default() += bytes as u64;
        }
    }
    let mut out: Vec<(Labels, u64)> = sums.into_iter().filter(|(l, _)| !l.is_empty()).collect();
    out.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    let limit = params
        .get("limit")
        .and_then(|n| n.parse().ok())
        .unwrap_or(100);
    out.truncate(limit);
    Ok(out)
}

pub(super) fn volume(logs: &Logs, params: &Params) -> Answer {
    let (start, end) = super::query::bounds(logs, params)?;
    let result: Vec<Value> = volumes(logs, params, (start, end))?
        .into_iter()
        .map(|(labels, bytes)| {
            json!({
                "metric": labels.to_json(),
                "value": [end as f64 / 1e9, bytes.to_string()],
            })
        })
        .collect();
    Ok(success(json!({"resultType": "vector", "result": result})))
}

pub(super) fn volume_range(logs: &Logs, params: &Params) -> Answer {
    let (start, end) = super::query::bounds(logs, params)?;
    let step = params
        .duration("step")?
        .unwrap_or(end - start)
        .max(1_000_000_000);
    let mut series: BTreeMap<Labels, Vec<Value>> = BTreeMap::new();
    let mut from = start;
    while from < end {
        let to = (from + step).min(end);
        for (labels, bytes) in volumes(logs, params, (from, to))? {
            series
                .entry(labels)
                .or_default()
                .push(json!([to as f64 / 1e9, bytes.to_string()]));
        }
        from = to;
    }
    let result: Vec<Value> = series
        .into_iter()
        .map(|(labels, values)| json!({"metric": labels.to_json(), "values": values}))
        .collect();
    Ok(success(json!({"resultType": "matrix", "result": result})))
}

pub(super) fn detected_labels(logs: &Logs, params: &Params) -> Answer {
    let (start, end) = window(logs, params)?;
    let mut values: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for labels in logs.series(&selector(params)?, start, end) {
        for (name, value) in labels.iter() {
            values
                .entry(name.to_owned())
                .or_default()
                .insert(value.to_owned());
        }
    }
    let found: Vec<Value> = values
        .iter()
        .map(|(name, values)| json!({"label": name, "cardinality": values.len()}))
        .collect();
    Ok(json_answer(&json!({"detectedLabels": found})))
}

/// The lines that fields are detected in.
fn sampled(logs: &Logs, params: &Params) -> Result<Vec<detected::Field>, Refusal> {
    let (start, end) = super::query::bounds(logs, params)?;
    let Expr::Log(log) = parse(params.get("query").unwrap_or(""))? else {
        return Err(Refusal::bad("only log queries are supported"));
    };
    let lines = params
        .get("line_limit")
        .and_then(|n| n.parse().ok())
        .unwrap_or(1000);
    let rows = eval::lines(logs, &log, (start, end), Direction::Backward, lines, 0)?;
    Ok(detected::fields(&rows))
}

pub(super) fn detected_fields(logs: &Logs, params: &Params) -> Answer {
    let limit = params
        .get("limit")
        .and_then(|n| n.parse().ok())
        .unwrap_or(1000_usize);
    let fields: Vec<Value> = sampled(logs, params)?
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
    let params = Params::new(query.as_deref(), &body);
    let values = sampled(&logs, &params)?
        .into_iter()
        .find(|field| field.name == name)
        .map(|field| field.values)
        .unwrap_or_default();
    Ok(json_answer(&json!({"values": values, "limit": 1000})))
}

pub(super) fn patterns(_logs: &Logs, params: &Params) -> Answer {
    selector(params)?;
    Ok(success(json!([])))
}

pub(super) fn format_query(_logs: &Logs, params: &Params) -> Answer {
    const KIND: &str = "application/json; charset=utf-8";
    Ok(match parse(params.get("query").unwrap_or("")) {
        Ok(expr) => typed_json(
            StatusCode::OK,
            KIND,
            &json!({"status": "success", "data": expr.to_string()}),
        ),
        Err(error) => typed_json(
            StatusCode::BAD_REQUEST,
            KIND,
            &json!({"status": "invalid-query", "error": error.to_string()}),
        ),
    })
}
