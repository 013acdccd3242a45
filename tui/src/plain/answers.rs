//! What is told in answer to a question: short tables.

use engine::{AnswerData, QueryAnswer};
use model::Timestamp;
use serde_json::{Value, json};
use telemetry::{LogLine, Matrix, Series, SpanStatus, TraceSummary};

use super::told::Told;
use crate::message::Snapshot;
use crate::state::{OpenTrace, Refusal, Source, Tab, waterfall};
use crate::view::Unit;
use crate::words::{clock, millis, short};

/// How many series, lines, traces or Events are told.
const MOST: usize = 30;
/// How many lines of a pod's log are told.
const LOG_LINES: usize = 100;

/// The answer to a query.
pub(super) fn answer(
    at: Timestamp,
    query: &str,
    answer: &Result<Box<QueryAnswer>, Refusal>,
) -> Told {
    match answer {
        Ok(answer) => match &answer.data {
            AnswerData::Series(matrix) => series(at, Unit::of(query), matrix),
            AnswerData::Lines(lines) => log_lines(at, lines),
            AnswerData::Traces(traces) => found(at, traces),
        },
        Err(refusal) => {
            let place = refusal.place.map(|place| place.column);
            let column = place.map_or(String::new(), |at| format!(" (column {at})"));
            Told::error(at, format!("{}{column}: {}", refusal.why, refusal.query))
                .with("query", json!(refusal.query))
                .with("column", json!(place))
        }
    }
}

/// How many there are, and whether all are told.
fn counted(count: usize, what: &str, most: usize) -> String {
    match count {
        0 => format!("no {what}"),
        count if count > most => format!("{count} {what}, the first {most}:"),
        count => format!("{count} {what}:"),
    }
}

fn series(at: Timestamp, unit: Unit, matrix: &Matrix) -> Told {
    let all = matrix.series.iter().take(MOST);
    let rows = all.clone().map(|series| {
        let (last, least, most) = spread(series);
        let [last, least, most] = [last, least, most].map(|value| unit.show(value));
        format!("{}: last {last}, min {least}, max {most}", series.title())
    });
    let facts = all.map(|series| {
        let (last, least, most) = spread(series);
        json!({"labels": series.labels, "last": last, "min": least, "max": most, "points": series.points.len()})
    });
    let facts = Value::Array(facts.collect());
    let count = matrix.series.len();
    Told::new(at, "series", counted(count, "series", MOST))
        .rows(rows)
        .with("count", json!(count))
        .with("series", facts)
}

/// The last value, the least and the greatest.
fn spread(series: &Series) -> (f64, f64, f64) {
    let values = series.points.iter().map(|point| point.value);
    (
        series.last().map_or(f64::NAN, |point| point.value),
        values.clone().fold(f64::NAN, f64::min),
        values.fold(f64::NAN, f64::max),
    )
}

fn log_lines(at: Timestamp, lines: &[LogLine]) -> Told {
    let all = lines.iter().take(MOST);
    let rows = all.clone().map(|line| {
        let app = line.labels.get("app").map_or("", String::as_str);
        let app = if app.is_empty() {
            String::new()
        } else {
            format!(" {app}")
        };
        format!("{}{app}: {}", clock(line.at), line.line)
    });
    let facts = all.map(|line| json!({"at": line.at, "labels": line.labels, "line": line.line}));
    let facts = Value::Array(facts.collect());
    let head = counted(lines.len(), "lines", MOST).replace("first", "newest");
    Told::new(at, "lines", head)
        .rows(rows)
        .with("count", json!(lines.len()))
        .with("lines", facts)
}

fn found(at: Timestamp, traces: &[TraceSummary]) -> Told {
    let all = traces.iter().take(MOST);
    let rows = all.clone().map(|trace| {
        let took = millis(trace.duration.as_secs_f64());
        format!(
            "{} {}: {} {}, took {took}",
            clock(trace.start),
            trace.trace_id,
            trace.root_service,
            trace.root_name
        )
    });
    let facts = all.map(|trace| {
        json!({
            "trace": trace.trace_id,
            "start": trace.start,
            "service": trace.root_service,
            "name": trace.root_name,
            "took-ms": trace.duration.as_secs_f64() * 1e3,
            "matched": trace.matched,
        })
    });
    let facts = Value::Array(facts.collect());
    let head = counted(traces.len(), "traces", MOST).replace("first", "newest");
    Told::new(at, "traces", head)
        .rows(rows)
        .with("count", json!(traces.len()))
        .with("traces", facts)
}

/// One trace, its spans under their callers.
pub(super) fn trace(at: Timestamp, open: &OpenTrace) -> Told {
    let trace = &open.trace;
    let spans = waterfall(trace);
    let begin = spans
        .iter()
        .map(|(_, span)| span.start_nanos)
        .min()
        .unwrap_or(0);
    let mut rows = Vec::with_capacity(spans.len());
    let mut facts = Vec::with_capacity(spans.len());
    for (depth, span) in spans {
        let after = span.start_nanos.saturating_sub(begin) as f64 / 1e9;
        let took = span.duration.as_secs_f64();
        let own = open.on_path(span).as_secs_f64();
        let status = match &span.status {
            SpanStatus::Error(message) if message.is_empty() => ", failed".to_owned(),
            SpanStatus::Error(message) => format!(", failed: {message}"),
            _ if span.failed() => ", failed".to_owned(),
            SpanStatus::Unset | SpanStatus::Ok => String::new(),
        };
        let path = if own > 0.0 {
            format!(", {} of its own on the critical path", millis(own))
        } else {
            String::new()
        };
        rows.push(format!(
            "{}{} {}: began after {}, took {}{path}{status}",
            "  ".repeat(depth),
            span.service,
            span.name,
            millis(after),
            millis(took)
        ));
        facts.push(json!({
            "depth": depth,
            "span": span.span_id,
            "parent": span.parent,
            "service": span.service,
            "name": span.name,
            "began-after-ms": after * 1e3,
            "took-ms": took * 1e3,
            "critical-ms": own * 1e3,
            "failed": span.failed(),
            "error": match &span.status {
                SpanStatus::Error(message) => Some(message),
                SpanStatus::Unset | SpanStatus::Ok => None,
            },
        }));
    }
    let took = trace.duration().as_secs_f64();
    let text = format!(
        "trace {}: {} spans, took {}:",
        trace.trace_id,
        rows.len(),
        millis(took)
    );
    Told::new(at, "trace", text)
        .rows(rows)
        .with("trace", json!(trace.trace_id))
        .with("took-ms", json!(took * 1e3))
        .with("spans", json!(facts))
}

/// What of the cluster was asked for.
pub(super) fn cluster(at: Timestamp, tab: Tab, seen: &Snapshot) -> Told {
    let (rows, facts): (Vec<String>, Vec<Value>) = match tab {
        Tab::Pods => seen.pods.iter().map(pod).unzip(),
        Tab::Deployments => seen.deployments.iter().map(deployment).unzip(),
        Tab::Services => seen.services.iter().map(service).unzip(),
        Tab::Events => seen.events.iter().take(MOST).map(event).unzip(),
    };
    let (count, most) = match tab {
        Tab::Pods => (seen.pods.len(), usize::MAX),
        Tab::Deployments => (seen.deployments.len(), usize::MAX),
        Tab::Services => (seen.services.len(), usize::MAX),
        Tab::Events => (seen.events.len(), MOST),
    };
    let head = counted(count, tab.title(), most).replace("first", "newest");
    Told::new(at, tab.title(), head)
        .rows(rows)
        .with("count", json!(count))
        .with(tab.title(), json!(facts))
}

fn pod(row: &engine::PodRow) -> (String, Value) {
    let text = format!(
        "{}: {}, {} of {} ready, {} restarts, {} old, {}",
        row.name,
        row.status,
        row.ready,
        row.containers,
        row.restarts,
        short(row.age),
        row.address
    );
    let fact = json!({
        "name": row.name, "status": row.status, "ready": row.ready, "containers": row.containers,
        "restarts": row.restarts, "age-ms": row.age.as_millis(), "address": row.address,
    });
    (text, fact)
}

fn deployment(row: &engine::DeploymentRow) -> (String, Value) {
    let text = format!(
        "{}: {} of {} ready, {} up to date, {} available, {} old, {}",
        row.name,
        row.ready,
        row.wanted,
        row.updated,
        row.available,
        short(row.age),
        row.image
    );
    let fact = json!({
        "name": row.name, "ready": row.ready, "wanted": row.wanted, "updated": row.updated,
        "available": row.available, "age-ms": row.age.as_millis(), "image": row.image,
    });
    (text, fact)
}

fn service(row: &engine::ServiceRow) -> (String, Value) {
    let text = format!(
        "{}: {} at {}, ports {}, {} ready, {} not, {} old",
        row.name,
        row.kind,
        row.address,
        row.ports,
        row.ready.len(),
        row.unready,
        short(row.age)
    );
    let fact = json!({
        "name": row.name, "type": row.kind, "address": row.address, "ports": row.ports,
        "ready": row.ready, "unready": row.unready, "age-ms": row.age.as_millis(),
    });
    (text, fact)
}

fn event(row: &engine::EventRow) -> (String, Value) {
    let age = short(row.age);
    let text = format!(
        "{age} ago, {} {} {}: {}",
        row.kind, row.reason, row.object, row.message
    );
    let fact = json!({
        "age-ms": row.age.as_millis(), "type": row.kind, "reason": row.reason,
        "object": row.object, "message": row.message,
    });
    (text, fact)
}

/// A description whole; of logs the last lines.
pub(super) fn page(at: Timestamp, source: &Source, lines: &[String]) -> Told {
    let logs = matches!(source, Source::Logs(..));
    let title = source.title();
    let skip = if logs {
        lines.len().saturating_sub(LOG_LINES)
    } else {
        0
    };
    let count = lines.len();
    let lines: Vec<&String> = lines.iter().skip(skip).collect();
    let text = match skip {
        0 => format!("{title}: {count} lines"),
        _ => format!("{title}: the last {} of {count} lines", lines.len()),
    };
    Told::new(at, "page", text)
        .rows(lines.iter().map(|line| (*line).clone()))
        .with("title", json!(title))
        .with("count", json!(count))
        .with("lines", json!(lines))
}
