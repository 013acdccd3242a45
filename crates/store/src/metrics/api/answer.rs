//! How answers are written: Prometheus' envelope, samples as `[time, "value"]`.

use std::fmt::Write;

use axum::body::Body;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::Response;
use serde_json::{Value, json};

use crate::metrics::Sample;
use crate::metrics::promql::{Answer, Outcome};
use crate::metrics::text::write_plain;

/// The kinds of errors, as `errorType` names them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum ErrorKind {
    BadData,
    Execution,
    Timeout,
    Canceled,
    Internal,
    TooManyRequests,
}

impl ErrorKind {
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::BadData => "bad_data",
            Self::Execution => "execution",
            Self::Timeout => "timeout",
            Self::Canceled => "canceled",
            Self::Internal => "internal",
            Self::TooManyRequests => "too_many_requests",
        }
    }

    pub(super) fn status(self) -> StatusCode {
        match self {
            Self::BadData => StatusCode::BAD_REQUEST,
            Self::Execution => StatusCode::UNPROCESSABLE_ENTITY,
            Self::Timeout => StatusCode::SERVICE_UNAVAILABLE,
            Self::Canceled => StatusCode::from_u16(499).unwrap_or(StatusCode::BAD_REQUEST),
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
            Self::TooManyRequests => StatusCode::TOO_MANY_REQUESTS,
        }
    }
}

/// An error as the API answers it.
#[derive(Debug, Clone)]
pub(super) struct ApiError {
    pub(super) kind: ErrorKind,
    pub(super) message: String,
}

impl ApiError {
    pub(super) fn bad(message: impl Into<String>) -> Self {
        Self {
            kind: ErrorKind::BadData,
            message: message.into(),
        }
    }

    /// `invalid parameter "name": why`.
    pub(super) fn parameter(name: &str, why: impl std::fmt::Display) -> Self {
        Self::bad(format!("invalid parameter \"{name}\": {why}"))
    }
}

/// A JSON body with this status.
pub(super) fn json(status: StatusCode, body: String) -> Response {
    with_type(status, "application/json", body)
}

/// A text body with this status.
pub(super) fn plain(status: StatusCode, body: &str) -> Response {
    with_type(status, "text/plain; charset=utf-8", body.to_owned())
}

fn with_type(status: StatusCode, kind: &'static str, body: String) -> Response {
    let mut response = Response::new(Body::from(body));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    response
}

/// `{"status":"success","data":...}`
pub(super) fn success(data: Value) -> Response {
    success_with(data, &[])
}

/// The same with warnings.
pub(super) fn success_with(data: Value, warnings: &[&str]) -> Response {
    let mut body = json!({"status": "success", "data": data});
    if !warnings.is_empty() {
        body["warnings"] = json!(warnings);
    }
    json(StatusCode::OK, body.to_string())
}

/// Seconds with up to three decimals.
pub(super) fn time(ms: i64, out: &mut String) {
    let (sign, ms) = if ms < 0 {
        ("-", ms.unsigned_abs())
    } else {
        ("", ms.unsigned_abs())
    };
    out.push_str(sign);
    let _ = write!(out, "{}", ms / 1000);
    if !ms.is_multiple_of(1000) {
        let _ = write!(out, ".{:03}", ms % 1000);
    }
}

/// The answer to a query, written without an intermediate tree as it may be long.
pub(super) fn outcome(outcome: &Outcome, stats: Option<Value>, truncated: bool) -> Response {
    let mut out = String::from("{\"status\":\"success\",\"data\":{\"resultType\":");
    match &outcome.answer {
        Answer::Scalar(s) => {
            out.push_str("\"scalar\",\"result\":");
            sample(*s, &mut out);
        }
        Answer::Text(t) => {
            out.push_str("\"string\",\"result\":[0,");
            out.push_str(&json!(t).to_string());
            out.push(']');
        }
        Answer::Vector(all) => {
            out.push_str("\"vector\",\"result\":");
            list(&mut out, all, |(metric, value), out| {
                out.push_str("{\"metric\":");
                metric.write_json(out);
                out.push_str(",\"value\":");
                sample(*value, out);
                out.push('}');
            });
        }
        Answer::Matrix(all) => {
            out.push_str("\"matrix\",\"result\":");
            list(&mut out, all, |series, out| {
                out.push_str("{\"metric\":");
                series.labels.write_json(out);
                out.push_str(",\"values\":");
                list(out, &series.samples, |s, out| sample(*s, out));
                out.push('}');
            });
        }
    }
    if let Some(stats) = stats {
        out.push_str(",\"stats\":");
        out.push_str(&stats.to_string());
    }
    out.push('}');
    let mut warnings = outcome.warnings.clone();
    if truncated {
        warnings.push("results truncated due to limit".to_owned());
    }
    for (name, messages) in [("warnings", &warnings), ("infos", &outcome.infos)] {
        if !messages.is_empty() {
            out.push_str(&format!(",\"{name}\":{}", json!(shortened(messages, name))));
        }
    }
    out.push('}');
    json(StatusCode::OK, out)
}

/// At most ten messages, and a word on how many were left out.
fn shortened(messages: &[String], name: &str) -> Vec<String> {
    let mut shown: Vec<String> = messages.iter().take(10).cloned().collect();
    if messages.len() > 10 {
        let kind = name.trim_end_matches('s');
        shown.push(format!(
            "{} more {kind} annotations omitted",
            messages.len() - 10
        ));
    }
    shown
}

fn sample(s: Sample, out: &mut String) {
    out.push('[');
    time(s.t, out);
    out.push_str(",\"");
    write_plain(s.v, out);
    out.push_str("\"]");
}

fn list<T>(out: &mut String, items: &[T], mut each: impl FnMut(&T, &mut String)) {
    out.push('[');
    for (n, item) in items.iter().enumerate() {
        if n > 0 {
            out.push(',');
        }
        each(item, out);
    }
    out.push(']');
}
