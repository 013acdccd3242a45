//! What Mimir checks of everything that is written, with its limits and its words
//! (<https://grafana.com/docs/mimir/latest/manage/mimir-runbooks/#errors-catalog>).

use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use tokio::time::Instant;

use super::AppendError;
use super::Labels;
use super::labels::{is_label_name, is_metric_name};
use crate::Limits;

/// How far in the future a sample may be (Mimir: 10 minutes).
const GRACE_MS: i64 = 10 * 60 * 1000;
/// How many labels a series may have (Mimir: 30).
const MAX_LABELS: usize = 30;
/// How long a label's name may be, in bytes (Mimir: 1,024).
const MAX_NAME: usize = 1024;
/// How long a label's value may be, in bytes (Mimir: 2,048).
const MAX_VALUE: usize = 2048;
/// How long an exemplar's labels may be together, in characters.
const MAX_EXEMPLAR: usize = 128;

/// A write that was refused, wholly or in part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Refused {
    status: StatusCode,
    message: String,
    /// Seconds after which it may be tried again.
    retry_after: Option<u64>,
}

impl Refused {
    /// 400: trying again is of no use.
    pub(super) const fn bad(message: String) -> Self {
        Self {
            status: StatusCode::BAD_REQUEST,
            message,
            retry_after: None,
        }
    }

    /// A sample that the database did not take.
    pub(super) fn sample(error: AppendError, series: &Labels, t: i64) -> Self {
        let what = match error {
            AppendError::TooManySeries(_) => error.to_string(),
            AppendError::TooManyOfMetric(_) => format!("{error} This is for series {series}"),
            AppendError::TooOld(_) | AppendError::Duplicate => {
                let at = jiff::Timestamp::from_millisecond(t)
                    .map_or_else(|_| t.to_string(), |t| t.to_string());
                format!(
                    "{error}. The affected sample has timestamp {at} and is from series {series}"
                )
            }
        };
        Self::bad(format!(
            "failed pushing to ingester: user=anonymous: {what}"
        ))
    }

    /// What was wrong.
    pub(super) fn message(&self) -> &str {
        &self.message
    }
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let mut response = super::api::text(self.status, &format!("{}\n", self.message));
        if let Some(seconds) = self.retry_after {
            let headers = response.headers_mut();
            headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
        }
        response
    }
}

fn limit(message: &str, id: &str, flag: &str) -> String {
    format!(
        "{message} (err-mimir-{id}). To adjust the related per-tenant limit, configure -{flag}, or contact your service administrator."
    )
}

/// The first 200 characters.
fn cut(text: &str) -> &str {
    text.char_indices()
        .nth(200)
        .map_or(text, |(at, _)| text.get(..at).unwrap_or(text))
}

/// Checks the labels of a new series.
pub(super) fn check_labels(labels: &[(&str, &str)]) -> Result<(), Refused> {
    let name = labels
        .iter()
        .find(|(n, _)| *n == "__name__")
        .map(|(_, v)| *v);
    let Some(name) = name.filter(|n| !n.is_empty()) else {
        let message = "received series has no metric name (err-mimir-missing-metric-name)";
        return Err(Refused::bad(message.to_owned()));
    };
    if !is_metric_name(name) {
        return Err(Refused::bad(format!(
            "received a series with invalid metric name: '{}' (err-mimir-metric-name-invalid)",
            cut(name)
        )));
    }
    let series = || Labels::new(labels.iter().copied()).to_string();
    if labels.len() > MAX_LABELS {
        let shown = series();
        let short = cut(&shown);
        let dots = if short.len() < shown.len() { "…" } else { "" };
        let message = format!(
            "received a series whose number of labels exceeds the limit (actual: {}, limit: {MAX_LABELS}) series: '{short}{dots}'",
            labels.len()
        );
        return Err(Refused::bad(limit(
            &message,
            "max-label-names-per-series",
            "validation.max-label-names-per-series",
        )));
    }
    let mut seen: Vec<&str> = Vec::with_capacity(labels.len());
    for (label, value) in labels {
        let short = cut(label);
        let shown = || cut(&series()).to_owned();
        let wrong = if label.len() > MAX_NAME {
            limit(
                &format!(
                    "received a series whose label name length exceeds the limit, label: '{short}' series: '{}'",
                    shown()
                ),
                "label-name-too-long",
                "validation.max-length-label-name",
            )
        } else if !is_label_name(label) {
            format!(
                "received a series with an invalid label: '{short}' series: '{}' (err-mimir-label-invalid)",
                shown()
            )
        } else if value.len() > MAX_VALUE {
            limit(
                &format!(
                    "received a series whose label value length of {} exceeds the limit of {MAX_VALUE}, label: '{short}', value: '{}' (truncated) series: '{}'",
                    value.len(),
                    cut(value),
                    shown()
                ),
                "label-value-too-long",
                "validation.max-length-label-value",
            )
        } else if seen.contains(label) {
            format!(
                "received a series with duplicate label name, label: '{short}' series: '{}' (err-mimir-duplicate-label-names)",
                shown()
            )
        } else {
            seen.push(label);
            continue;
        };
        return Err(Refused::bad(wrong));
    }
    Ok(())
}

/// Checks how many labels a series has, and how long they are.
pub(super) fn check_size(labels: &Labels) -> Result<(), Refused> {
    let long = labels
        .iter()
        .any(|(n, v)| n.len() > MAX_NAME || v.len() > MAX_VALUE);
    if labels.len() <= MAX_LABELS && !long {
        return Ok(());
    }
    let pairs: Vec<(&str, &str)> = labels
        .iter()
        .map(|(n, v)| (n.as_ref(), v.as_ref()))
        .collect();
    check_labels(&pairs)
}

/// Checks that a sample is not from the future; `now` and `t` are milliseconds.
pub(super) fn check_time<'a>(
    t: i64,
    now: i64,
    name: impl FnOnce() -> &'a str,
) -> Result<(), Refused> {
    if t <= now.saturating_add(GRACE_MS) {
        return Ok(());
    }
    let message = format!(
        "received a sample whose timestamp is too far in the future, timestamp: {t} series: '{}'",
        cut(name())
    );
    Err(Refused::bad(limit(
        &message,
        "too-far-in-future",
        "validation.create-grace-period",
    )))
}

/// Checks an exemplar.
pub(super) fn check_exemplar(
    labels: &[(&str, &str)],
    t: i64,
    series: &Labels,
) -> Result<(), Refused> {
    let shown = || Labels::new(labels.iter().copied());
    let wrong = if t == 0 {
        format!(
            "received an exemplar with no timestamp, timestamp: {t} series: {series} labels: {} (err-mimir-exemplar-timestamp-invalid)",
            shown()
        )
    } else if labels.iter().all(|(n, v)| n.is_empty() || v.is_empty()) {
        format!(
            "received an exemplar with no valid labels, timestamp: {t} series: {series} labels: {} (err-mimir-exemplar-labels-missing)",
            shown()
        )
    } else if labels
        .iter()
        .map(|(n, v)| n.chars().count() + v.chars().count())
        .sum::<usize>()
        > MAX_EXEMPLAR
    {
        format!(
            "received an exemplar where the size of its combined labels exceeds the limit of {MAX_EXEMPLAR} characters, timestamp: {t} series: {series} labels: {} (err-mimir-exemplar-labels-too-long)",
            shown()
        )
    } else {
        return Ok(());
    };
    Err(Refused::bad(wrong))
}

/// A token bucket over samples, exemplars and metadata.
#[derive(Debug)]
pub(super) struct RateLimit {
    /// Items per second; 0 for any number.
    rate: f64,
    burst: usize,
    /// What is left, and when that was so.
    left: Mutex<(f64, Instant)>,
}

impl RateLimit {
    #[expect(clippy::cast_precision_loss, reason = "bursts fit well into 53 bits")]
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            rate: limits.ingestion_rate,
            burst: limits.ingestion_burst,
            left: Mutex::new((limits.ingestion_burst as f64, Instant::now())),
        }
    }

    /// Lets `items` through or refuses all of them.
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts fit well into 53 bits, waits are short"
    )]
    pub(super) fn admit(&self, items: usize) -> Result<(), Refused> {
        if self.rate <= 0.0 {
            return Ok(());
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let now = Instant::now();
        let gained = now.duration_since(left.1).as_secs_f64() * self.rate;
        *left = ((left.0 + gained).min(self.burst as f64), now);
        let missing = items as f64 - left.0;
        if missing <= 0.0 {
            left.0 -= items as f64;
            return Ok(());
        }
        let message = format!(
            "the request has been rejected because the tenant exceeded the ingestion rate limit, set to {} items/s with a maximum allowed burst of {}. This limit is applied on the total number of samples, exemplars and metadata received across all distributors (err-mimir-tenant-max-ingestion-rate). To adjust the related per-tenant limits, configure -distributor.ingestion-rate-limit and -distributor.ingestion-burst-size, or contact your service administrator.",
            self.rate, self.burst
        );
        Err(Refused {
            status: StatusCode::TOO_MANY_REQUESTS,
            message,
            retry_after: Some(((missing / self.rate).ceil() as u64).clamp(1, 60)),
        })
    }
}
