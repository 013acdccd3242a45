//! What the telemetry APIs show a responder: all series, rules, streams, lines,
//! tags and spans.

use super::{Leak, Reach, Words};
use crate::error::LabError;

/// Lines read at once.
const LINES: usize = 5_000;
/// Traces that are read whole.
const TRACES: usize = 100;
/// How far back lines and traces are read, in seconds.
const BACK: u64 = 3_600;

/// Searches all metrics, logs and traces.
pub(crate) async fn in_telemetry(reach: &Reach, words: &Words) -> Result<Vec<Leak>, LabError> {
    let mut leaks = Vec::new();
    metrics(reach, words, &mut leaks).await?;
    logs(reach, words, &mut leaks).await?;
    traces(reach, words, &mut leaks).await?;
    leaks.sort();
    leaks.dedup();
    Ok(leaks)
}

async fn metrics(reach: &Reach, words: &Words, leaks: &mut Vec<Leak>) -> Result<(), LabError> {
    let base = &reach.backends.metrics_url;
    for (what, path) in [
        (
            "series",
            "api/v1/series?match%5B%5D=%7B__name__%3D~%22.%2B%22%7D",
        ),
        ("metric names", "api/v1/label/__name__/values"),
        ("metadata", "api/v1/metadata"),
        ("rules", "api/v1/rules"),
        ("alerts", "api/v1/alerts"),
    ] {
        let found = reach.json(&format!("{base}/{path}")).await?;
        words.search_json(&format!("metrics: {what}"), &found["data"], leaks);
    }
    Ok(())
}

async fn logs(reach: &Reach, words: &Words, leaks: &mut Vec<Leak>) -> Result<(), LabError> {
    let base = &reach.backends.logs_url;
    let series = reach.json(&format!("{base}/loki/api/v1/series")).await?;
    words.search_json("logs: streams", &series["data"], leaks);
    let mut start = now_nanos().saturating_sub(u128::from(BACK) * 1_000_000_000);
    loop {
        let end = now_nanos();
        // {namespace=~".+"}: every stream has one.
        let url = format!(
            "{base}/loki/api/v1/query_range?query=%7Bnamespace%3D~%22.%2B%22%7D&limit={LINES}\
             &direction=forward&start={start}&end={end}"
        );
        let found = reach.json(&url).await?;
        let mut last = start;
        let mut count = 0;
        for stream in found["data"]["result"].as_array().into_iter().flatten() {
            words.search_json("logs: labels", &stream["stream"], leaks);
            let app = stream["stream"]["app"].as_str().unwrap_or_default();
            for value in stream["values"].as_array().into_iter().flatten() {
                count += 1;
                let at = value[0].as_str().and_then(|at| at.parse().ok());
                last = last.max(at.unwrap_or(0));
                words.search_json(&format!("logs: {app}"), &value[1], leaks);
            }
        }
        if count < LINES || last <= start {
            return Ok(());
        }
        start = last;
    }
}

async fn traces(reach: &Reach, words: &Words, leaks: &mut Vec<Leak>) -> Result<(), LabError> {
    let base = &reach.backends.traces_url;
    let tags = reach.json(&format!("{base}/api/search/tags")).await?;
    words.search_json("traces: tags", &tags, leaks);
    for tag in tags["tagNames"].as_array().into_iter().flatten() {
        let tag = tag.as_str().unwrap_or_default();
        let values = reach
            .json(&format!("{base}/api/search/tag/{tag}/values"))
            .await?;
        words.search_json(&format!("traces: values of {tag}"), &values, leaks);
    }
    let end = (now_nanos() / 1_000_000_000) as u64;
    // {}: every trace.
    let url = format!(
        "{base}/api/search?q=%7B%7D&limit={TRACES}&start={}&end={end}",
        end.saturating_sub(BACK)
    );
    let found = reach.json(&url).await?;
    for trace in found["traces"].as_array().into_iter().flatten() {
        let id = trace["traceID"].as_str().unwrap_or_default();
        let whole = reach.json(&format!("{base}/api/traces/{id}")).await?;
        words.search_json("traces: spans", &whole, leaks);
    }
    words.search_json("traces: found", &found, leaks);
    Ok(())
}

/// The backends count nanoseconds since the epoch.
fn now_nanos() -> u128 {
    std::time::SystemTime::now()
        .duration_since(std::time::UNIX_EPOCH)
        .map_or(0, |since| since.as_nanos())
}
