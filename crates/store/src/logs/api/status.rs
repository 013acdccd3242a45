//! What Loki says of itself: whether it is ready, what it is, how it is configured, what it
//! holds; and of what it could do but does not here.
//!
//! Source: <https://grafana.com/docs/loki/latest/reference/loki-http-api/#status-endpoints>.

use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use serde_json::{Value, json};

use super::{Refusal, json_answer};
use crate::logs::level;
use crate::logs::logql::units::{show_range, show_size};
use crate::logs::storage::Logs;

/// The Loki that this store answers as.
const VERSION: &str = "3.7.6";

/// The paths of this file.
pub(super) fn router() -> Router<Arc<Logs>> {
    Router::new()
        .route("/ready", get(|| async { text("ready\n") }))
        .route("/loki/api/v1/status/buildinfo", get(build_info))
        .route("/services", get(services))
        .route("/log_level", get(log_level))
        .route("/config", get(config))
        .route("/metrics", get(metrics))
        .route("/loki/api/v1/drilldown-limits", get(drilldown_limits))
        // What is in memory stays there: there is nothing that it could be flushed to.
        .route("/flush", post(|| async { StatusCode::NO_CONTENT }))
        .route("/loki/api/v1/delete", any(deletion))
        .route("/loki/api/v1/rules", get(no_rules))
        .route("/api/prom/rules", get(no_rules))
        .route("/prometheus/api/v1/rules", get(|| none_of("groups")))
        .route("/prometheus/api/v1/alerts", get(|| none_of("alerts")))
}

fn text(body: impl IntoResponse) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}

async fn build_info() -> Response {
    json_answer(&json!({
        "version": VERSION,
        "revision": "",
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
    }))
}

/// The parts of a single Loki that this store has.
async fn services() -> Response {
    const PARTS: [&str; 5] = [
        "distributor",
        "ingester",
        "querier",
        "query-frontend",
        "server",
    ];
    text(PARTS.map(|part| format!("{part} => Running\n")).concat())
}

async fn log_level() -> Response {
    json_answer(&json!({"message": "Current log level is info"}))
}

/// The limits, under Loki's names, as YAML; of all else there is nothing to configure.
async fn config(State(logs): State<Arc<Logs>>) -> Response {
    let mut out = String::from("target: all\nauth_enabled: false\nlimits_config:\n");
    for (name, value) in limits(&logs) {
        // JSON is YAML; writing to a String cannot fail.
        let _ = writeln!(out, "  {name}: {value}");
    }
    text(out)
}

/// The limits that differ by store, as Loki shows them.
fn limits(logs: &Logs) -> Vec<(&'static str, Value)> {
    let config = logs.config();
    let size = |bytes: usize| Value::from(show_size(bytes as u64));
    let time = |time: Duration| {
        let nanos = i64::try_from(time.as_nanos()).unwrap_or(i64::MAX);
        Value::from(show_range(nanos))
    };
    vec![
        ("creation_grace_period", time(config.grace)),
        ("discover_log_levels", Value::from(true)),
        (
            "discover_service_name",
            Value::from(level::SERVICE_NAMES.to_vec()),
        ),
        ("log_level_fields", Value::from(level::LEVEL_NAMES.to_vec())),
        (
            "max_concurrent_tail_requests",
            Value::from(config.max_tails),
        ),
        (
            "max_entries_limit_per_query",
            Value::from(config.max_entries),
        ),
        (
            "max_global_streams_per_user",
            Value::from(config.max_streams),
        ),
        ("max_label_name_length", Value::from(config.max_label_name)),
        ("max_label_names_per_series", Value::from(config.max_labels)),
        (
            "max_label_value_length",
            Value::from(config.max_label_value),
        ),
        ("max_line_size", size(config.max_line)),
        ("max_line_size_truncate", Value::from(false)),
        ("max_query_bytes_read", size(config.max_query_bytes)),
        ("max_query_length", time(config.max_query_length)),
        ("max_query_lookback", Value::from("0s")),
        ("max_query_range", Value::from("0s")),
        ("max_query_series", Value::from(config.max_series)),
        (
            "max_streams_matchers_per_query",
            Value::from(config.max_matchers),
        ),
        (
            "max_structured_metadata_entries_count",
            Value::from(config.max_metadata_count),
        ),
        (
            "max_structured_metadata_size",
            size(config.max_metadata_bytes),
        ),
        ("metric_aggregation_enabled", Value::from(false)),
        ("pattern_persistence_enabled", Value::from(false)),
        ("query_timeout", time(config.query_timeout)),
        ("reject_old_samples_max_age", time(config.max_age)),
        ("retention_period", Value::from("0s")),
        ("volume_enabled", Value::from(true)),
        ("volume_max_series", Value::from(1000)),
    ]
}

/// What Grafana's Logs Drilldown asks for before it shows anything.
async fn drilldown_limits(State(logs): State<Arc<Logs>>) -> Response {
    let limits: serde_json::Map<String, Value> = limits(&logs)
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value))
        .collect();
    json_answer(&json!({
        "limits": limits,
        "pattern_ingester_enabled": true,
        "version": VERSION,
    }))
}

/// What is held; what Loki counts too, under Loki's name.
async fn metrics(State(logs): State<Arc<Logs>>) -> Response {
    let held = logs.chunks(&[], i64::MIN, i64::MAX);
    let chunks: usize = held.iter().map(|stream| stream.chunks.len()).sum();
    let mut out = String::new();
    for (name, help, labels, value) in [
        (
            "loki_build_info",
            "The Loki that this store answers as.",
            format!("version={VERSION:?}"),
            1,
        ),
        (
            "loki_ingester_memory_streams",
            "The total number of streams in memory per tenant.",
            "tenant=\"fake\"".to_owned(),
            held.len(),
        ),
        (
            "loki_ingester_memory_chunks",
            "The total number of chunks in memory.",
            String::new(),
            chunks,
        ),
        (
            "loki_ingester_memory_bytes",
            "Bytes that the chunks take.",
            String::new(),
            logs.bytes(),
        ),
    ] {
        let labels = match labels.is_empty() {
            true => labels,
            false => format!("{{{labels}}}"),
        };
        // Writing to a String cannot fail.
        let _ = writeln!(
            out,
            "# HELP {name} {help}\n# TYPE {name} gauge\n{name}{labels} {value}"
        );
    }
    let kind = "text/plain; version=0.0.4; charset=utf-8";
    ([(header::CONTENT_TYPE, kind)], out).into_response()
}

/// As where no retention is configured.
async fn deletion() -> Response {
    let message = "deletion is not available for this tenant\n".to_owned();
    Refusal(StatusCode::FORBIDDEN, message).into_response()
}

/// Rules over logs are not evaluated here; it is as if there were none.
async fn no_rules() -> Response {
    Refusal(StatusCode::NOT_FOUND, "no rule groups found\n".to_owned()).into_response()
}

async fn none_of(what: &'static str) -> Response {
    json_answer(&json!({
        "status": "success", "data": {what: []}, "errorType": "", "error": ""
    }))
}
