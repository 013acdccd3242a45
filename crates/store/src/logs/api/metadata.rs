//! Labels, series, statistics of streams, and the formatting of queries.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::StatusCode;
use serde_json::{Value, json};

use super::query::{check_length, running};
use super::{Answer, Refusal, json_answer, success, typed_json};
use crate::logs::eval::Run;
use crate::logs::labels::Labels;
use crate::logs::logql::{Matcher, parse, parse_matchers, pretty};
use crate::logs::params::Params;
use crate::logs::storage::Logs;

/// `start` and `end` of requests about labels: the last six hours if not given.
pub(super) fn window(logs: &Logs, params: &Params) -> Result<(i64, i64), Refusal> {
    let now = logs.clock().now_ns();
    let end = params.time("end")?.unwrap_or(now);
    let since = params
        .duration("since")?
        .unwrap_or(6 * 3600 * 1_000_000_000);
    let start = params.time("start")?.unwrap_or(end.saturating_sub(since));
    check_length(logs, start, end)?;
    Ok((start, end.saturating_add(1)))
}

pub(super) fn selector(params: &Params) -> Result<Vec<Matcher>, Refusal> {
    match params.get("query") {
        None | Some("{}") => Ok(Vec::new()),
        Some(query) => Ok(parse_matchers(query)?),
    }
}

pub(super) fn labels(run: &Run<'_>, params: &Params) -> Answer {
    let (start, end) = window(run.store, params)?;
    let names = run.store.label_names(&selector(params)?, start, end);
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
    running(logs, move |run, _| {
        let params = Params::new(query.as_deref(), &body);
        let (start, end) = window(run.store, &params)?;
        let values: BTreeSet<String> = run
            .store
            .series(&selector(&params)?, start, end)
            .iter()
            .filter_map(|labels| labels.get(&name).map(str::to_owned))
            .collect();
        Ok(list(values.into_iter().collect()))
    })
    .await
}

pub(super) fn series(run: &Run<'_>, params: &Params) -> Answer {
    let (start, end) = window(run.store, params)?;
    let mut wanted = params.all("match[]");
    wanted.extend(params.all("match"));
    let mut found: BTreeSet<Arc<Labels>> = BTreeSet::new();
    if wanted.is_empty() {
        found.extend(run.store.series(&[], start, end));
    }
    for selector in wanted {
        let matchers = if selector == "{}" {
            Vec::new()
        } else {
            parse_matchers(selector)?
        };
        found.extend(run.store.series(&matchers, start, end));
    }
    let data: Vec<Value> = found.iter().map(|labels| labels.to_json()).collect();
    Ok(success(Value::Array(data)))
}

pub(super) fn stats(run: &Run<'_>, params: &Params) -> Answer {
    let (start, end) = window(run.store, params)?;
    let selected = run.chunks(&selector(params)?, start, end)?;
    let (mut chunks, mut entries, mut bytes) = (0, 0, 0);
    for chunk in selected.iter().flat_map(|s| &s.chunks) {
        let lines = chunk.range(start, end);
        chunks += 1;
        entries += lines.len();
        bytes += lines.map(|at| chunk.line(at).line.len()).sum::<usize>();
    }
    Ok(json_answer(&json!({
        "streams": selected.len(),
        "chunks": chunks,
        "bytes": bytes,
        "entries": entries,
    })))
}

pub(super) fn format_query(_run: &Run<'_>, params: &Params) -> Answer {
    const KIND: &str = "application/json; charset=utf-8";
    Ok(match parse(params.get("query").unwrap_or("")) {
        Ok(expr) => typed_json(
            StatusCode::OK,
            KIND,
            &json!({"status": "success", "data": pretty(&expr)}),
        ),
        Err(error) => typed_json(
            StatusCode::BAD_REQUEST,
            KIND,
            &json!({"status": "invalid-query", "error": error.to_string()}),
        ),
    })
}
