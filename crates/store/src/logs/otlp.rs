//! OTLP logs as Loki takes them: some resource attributes become labels, all else becomes
//! structured metadata.
//!
//! Source: <https://grafana.com/docs/loki/latest/send-data/otel/>.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::labels::{Labels, sanitize};
use super::storage::{Entry, Logs};
use crate::otlp::{self, show};

/// Resource attributes that become labels.
const INDEXED: [&str; 18] = [
    "service.name",
    "service.namespace",
    "service.instance.id",
    "deployment.environment",
    "deployment.environment.name",
    "cloud.region",
    "cloud.availability_zone",
    "k8s.cluster.name",
    "k8s.namespace.name",
    "k8s.pod.name",
    "k8s.container.name",
    "container.name",
    "k8s.replicaset.name",
    "k8s.deployment.name",
    "k8s.statefulset.name",
    "k8s.daemonset.name",
    "k8s.cronjob.name",
    "k8s.job.name",
];

/// Takes an OTLP/HTTP request.
pub(crate) fn receive(logs: &Logs, headers: &HeaderMap, body: &[u8]) -> Response {
    let request: ExportLogsServiceRequest = match otlp::decode(headers, body) {
        Ok(request) => request,
        Err(message) => {
            return (
                StatusCode::BAD_REQUEST,
                [(header::CONTENT_TYPE, "application/octet-stream")],
                otlp::status(3, &message),
            )
                .into_response();
        }
    };
    let mut refused = None;
    for (labels, entries) in streams(request, logs.clock().now_ns()) {
        if let Err(error) = logs.push(labels, entries) {
            refused.get_or_insert(error);
        }
    }
    match refused {
        Some(error) => (
            StatusCode::BAD_REQUEST,
            [(header::CONTENT_TYPE, "application/octet-stream")],
            otlp::status(3, &error.to_string()),
        )
            .into_response(),
        None => StatusCode::NO_CONTENT.into_response(),
    }
}

fn streams(request: ExportLogsServiceRequest, now: i64) -> BTreeMap<Labels, Vec<Entry>> {
    let mut out: BTreeMap<Labels, Vec<Entry>> = BTreeMap::new();
    for resource in request.resource_logs {
        let attributes = resource.resource.map(|r| r.attributes).unwrap_or_default();
        let (indexed, plain): (Vec<KeyValue>, Vec<KeyValue>) = attributes
            .into_iter()
            .partition(|pair| INDEXED.contains(&pair.key.as_str()));
        let mut labels: Labels = indexed.iter().flat_map(flat).collect();
        if labels.get("service_name").is_none() {
            labels.set("service_name", "unknown_service");
        }
        let of_resource: Vec<(String, String)> = plain.iter().flat_map(flat).collect();
        for scope in resource.scope_logs {
            let mut of_scope = of_resource.clone();
            if let Some(scope) = scope.scope {
                of_scope.extend(scope.attributes.iter().flat_map(flat));
                for (name, value) in [("scope_name", scope.name), ("scope_version", scope.version)]
                {
                    if !value.is_empty() {
                        of_scope.push((name.to_owned(), value));
                    }
                }
            }
            let entries = out.entry(labels.clone()).or_default();
            entries.extend(
                scope
                    .log_records
                    .into_iter()
                    .map(|record| entry(record, of_scope.clone(), now)),
            );
        }
    }
    out
}

fn entry(record: LogRecord, mut metadata: Vec<(String, String)>, now: i64) -> Entry {
    metadata.extend(record.attributes.iter().flat_map(flat));
    let mut add = |name: &str, value: String| metadata.push((name.to_owned(), value));
    if record.observed_time_unix_nano != 0 {
        add(
            "observed_timestamp",
            record.observed_time_unix_nano.to_string(),
        );
    }
    if record.severity_number != 0 {
        add("severity_number", record.severity_number.to_string());
    }
    if !record.severity_text.is_empty() {
        add("severity_text", record.severity_text.clone());
    }
    if record.flags != 0 {
        add("flags", record.flags.to_string());
    }
    if !record.trace_id.is_empty() {
        add("trace_id", otlp::hex(&record.trace_id));
    }
    if !record.span_id.is_empty() {
        add("span_id", otlp::hex(&record.span_id));
    }
    let ts = match (record.time_unix_nano, record.observed_time_unix_nano) {
        (0, 0) => now,
        (0, observed) => observed as i64,
        (time, _) => time as i64,
    };
    Entry {
        ts,
        line: record.body.as_ref().map(show).unwrap_or_default().into(),
        metadata: Labels::new(metadata)
            .iter()
            .map(|(k, v)| (k.to_owned(), v.to_owned()))
            .collect(),
    }
}

/// An attribute as labels; maps give one for each member.
fn flat(pair: &KeyValue) -> Vec<(String, String)> {
    use opentelemetry_proto::tonic::common::v1::any_value::Value;
    let Some(value) = &pair.value else {
        return vec![(sanitize(&pair.key), String::new())];
    };
    match &value.value {
        Some(Value::KvlistValue(list)) => list
            .values
            .iter()
            .flat_map(flat)
            .map(|(name, value)| (format!("{}_{name}", sanitize(&pair.key)), value))
            .collect(),
        _ => vec![(sanitize(&pair.key), show(value))],
    }
}
