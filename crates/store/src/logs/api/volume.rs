//! How many bytes there are, by labels.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::query::{bounds, check_length};
use super::{Answer, Refusal, success};
use crate::logs::eval::Run;
use crate::logs::labels::Labels;
use crate::logs::logql::{Expr, LogExpr, Matcher, parse};
use crate::logs::params::Params;
use crate::logs::storage::chunk::Chunk;

pub(super) fn volume(run: &Run<'_>, params: &Params) -> Answer {
    let (start, end) = bounds(run.store, params)?;
    check_length(run.store, start, end)?;
    let result: Vec<Value> = volumes(run, params, (start, end))?
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

pub(super) fn volume_range(run: &Run<'_>, params: &Params) -> Answer {
    let (start, end) = bounds(run.store, params)?;
    check_length(run.store, start, end)?;
    let step = params
        .duration("step")?
        .unwrap_or(end.saturating_sub(start))
        .max(1_000_000_000);
    if end.saturating_sub(start) / step > run.store.config().max_points as i64 {
        return Err(Refusal::bad(
            "exceeded maximum resolution of 11,000 points per time series. Try increasing the value of the step parameter",
        ));
    }
    let mut series: BTreeMap<Labels, Vec<Value>> = BTreeMap::new();
    let mut from = start;
    while from < end {
        let to = from.saturating_add(step).min(end);
        for (labels, bytes) in volumes(run, params, (from, to))? {
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

fn selector(params: &Params) -> Result<Vec<Matcher>, Refusal> {
    match parse(params.get("query").unwrap_or("{}")) {
        Ok(Expr::Log(LogExpr { matchers, stages })) if stages.is_empty() => Ok(matchers),
        Ok(_) => Err(Refusal::bad("only label matchers are supported")),
        Err(_) if matches!(params.get("query"), None | Some("{}")) => Ok(Vec::new()),
        Err(error) => Err(error.into()),
    }
}

/// What Loki counts for the lines of a stream: lines, each text of structured metadata once,
/// and eight bytes for each pair.
fn stored_size<'c>(chunks: impl Iterator<Item = &'c Chunk>, (start, end): (i64, i64)) -> usize {
    let mut texts: BTreeSet<&str> = BTreeSet::new();
    let mut size = 0;
    for chunk in chunks {
        let mut used = vec![0_usize; chunk.set_count()];
        for at in chunk.range(start, end) {
            let held = chunk.line(at);
            size += held.line.len();
            used[held.set as usize] += 1;
        }
        for (set, lines) in (0_u32..).zip(used).filter(|(_, lines)| *lines > 0) {
            for (name, value) in chunk.metadata(set) {
                size += 8 * lines;
                texts.extend([name, value]);
            }
        }
    }
    size + texts.iter().map(|text| text.len()).sum::<usize>()
}

/// Bytes by labels, greatest first.
fn volumes(
    run: &Run<'_>,
    params: &Params,
    range: (i64, i64),
) -> Result<Vec<(Labels, u64)>, Refusal> {
    let matchers = selector(params)?;
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
    for stream in run.chunks(&matchers, range.0, range.1)? {
        run.check()?;
        let bytes = stored_size(stream.chunks.iter().map(|c| &**c), range) as u64;
        if bytes == 0 {
            continue;
        }
        if by_labels {
            for (name, _) in stream.labels.iter() {
                if targets.is_empty() || targets.iter().any(|t| t == name) {
                    *sums.entry(Labels::from([(name, "")])).or_default() += bytes;
                }
            }
        } else {
            *sums.entry(stream.labels.only(&names)).or_default() += bytes;
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
