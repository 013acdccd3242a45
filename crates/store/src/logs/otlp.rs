//! OTLP logs as Loki takes them: some resource attributes become labels, all else becomes
//! structured metadata.
//!
//! Source: <https://grafana.com/docs/loki/latest/send-data/otel/>.

use std::collections::BTreeMap;

use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use opentelemetry_proto::tonic::collector::logs::v1::ExportLogsServiceRequest;
use opentelemetry_proto::tonic::common::v1::KeyValue;
use opentelemetry_proto::tonic::logs::v1::LogRecord;

use super::encoding;
use super::labels::{Labels, normalize};
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
pub(crate) fn receive(logs: &Logs, headers: &HeaderMap, body: Bytes) -> Response {
    // `google.rpc.Code`: invalid argument; resource exhausted.
    const INVALID: i32 = 3;
    const EXHAUSTED: i32 = 8;
    let request: ExportLogsServiceRequest = match read(headers, body) {
        Ok(request) => request,
        Err(message) => return refuse(400, INVALID, &message),
    };
    let streams = streams(request, logs.clock().now_ns());
    let streams = streams.into_iter().map(|(l, e)| (Ok(l), e)).collect();
    match logs.push_all(streams) {
        Ok(()) => StatusCode::NO_CONTENT.into_response(),
        Err(error) if error.status == 429 => {
            let mut answer = refuse(error.status, EXHAUSTED, &error.message);
            let after = header::HeaderValue::from_static("1");
            answer.headers_mut().insert(header::RETRY_AFTER, after);
            answer
        }
        Err(error) => refuse(error.status, INVALID, &error.message),
    }
}

fn read(headers: &HeaderMap, body: Bytes) -> Result<ExportLogsServiceRequest, String> {
    let body = encoding::plain(headers, body, super::api::MAX_BODY)?;
    otlp::parse(headers, &body)
}

fn refuse(status: u16, code: i32, message: &str) -> Response {
    (
        StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST),
        [(header::CONTENT_TYPE, "application/octet-stream")],
        otlp::status(code, message),
    )
        .into_response()
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
        return vec![(normalize(&pair.key), String::new())];
    };
    match &value.value {
        Some(Value::KvlistValue(list)) => list
            .values
            .iter()
            .flat_map(flat)
            .map(|(name, value)| (format!("{}_{name}", normalize(&pair.key)), value))
            .collect(),
        _ => vec![(normalize(&pair.key), show(value))],
    }
}
