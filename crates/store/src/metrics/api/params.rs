//! Parameters, from the URL or a form, and how times and durations are read.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, Request};
use axum::http::header;
use axum::response::Response;

use super::answer::ApiError;
use crate::metrics::matcher::Matcher;
use crate::metrics::promql::{self, parse_duration};
use crate::metrics::text::quote;

/// All parameters of a request; those of a form's body come first.
#[derive(Debug, Clone, Default)]
pub(super) struct Params(Vec<(String, String)>);

impl<S: Send + Sync> FromRequest<S> for Params {
    type Rejection = Response;

    async fn from_request(request: Request, state: &S) -> Result<Self, Response> {
        let mut all = Vec::new();
        let query = request.uri().query().unwrap_or("").to_owned();
        let form = request
            .headers()
            .get(header::CONTENT_TYPE)
            .and_then(|v| v.to_str().ok())
            .is_some_and(|v| v.starts_with("application/x-www-form-urlencoded"));
        if form {
            let body = Bytes::from_request(request, state)
                .await
                .map_err(axum::response::IntoResponse::into_response)?;
            all.extend(url::form_urlencoded::parse(&body).into_owned());
        }
        all.extend(url::form_urlencoded::parse(query.as_bytes()).into_owned());
        Ok(Self(all))
    }
}

impl Params {
    /// The first value of `name`; empty and absent are the same.
    pub(super) fn get(&self, name: &str) -> &str {
        let found = self.0.iter().find(|(n, _)| n == name);
        found.map_or("", |(_, v)| v)
    }

    /// All values of `name`.
    pub(super) fn all(&self, name: &str) -> Vec<&str> {
        let found = self.0.iter().filter(|(n, _)| n == name);
        found.map(|(_, v)| v.as_str()).collect()
    }

    /// A time in milliseconds, `default` when it is left out.
    pub(super) fn time(&self, name: &str, default: i64) -> Result<i64, ApiError> {
        match self.get(name) {
            "" => Ok(default),
            text => parse_time(text).map_err(|why| ApiError::parameter(name, why)),
        }
    }

    /// A time that must be given.
    pub(super) fn required_time(&self, name: &str) -> Result<i64, ApiError> {
        parse_time(self.get(name)).map_err(|why| ApiError::parameter(name, why))
    }

    /// A time as the metadata endpoints read it; their errors say a little more.
    pub(super) fn bound(&self, name: &str, default: i64) -> Result<i64, ApiError> {
        match self.get(name) {
            "" => Ok(default),
            text => parse_time(text).map_err(|why| {
                ApiError::parameter(name, format!("invalid time value for '{name}': {why}"))
            }),
        }
    }

    /// A duration in milliseconds that must be given.
    pub(super) fn required_duration(&self, name: &str) -> Result<i64, ApiError> {
        duration_ms(self.get(name)).map_err(|why| ApiError::parameter(name, why))
    }

    /// A duration, `default` when it is left out.
    pub(super) fn duration(&self, name: &str, default: Duration) -> Result<Duration, ApiError> {
        if self.get(name).is_empty() {
            return Ok(default);
        }
        let ms = self.required_duration(name)?;
        Ok(Duration::from_millis(u64::try_from(ms).unwrap_or(0)))
    }

    /// `limit`; 0 and absent mean none.
    pub(super) fn limit(&self) -> Result<usize, ApiError> {
        let text = self.get("limit");
        if text.is_empty() {
            return Ok(usize::MAX);
        }
        match text.parse::<i64>() {
            Ok(n) if n < 0 => Err(ApiError::parameter("limit", "limit must be non-negative")),
            Ok(0) => Ok(usize::MAX),
            Ok(n) => Ok(usize::try_from(n).unwrap_or(usize::MAX)),
            Err(_) => Err(ApiError::parameter(
                "limit",
                format!("strconv.Atoi: parsing {}: invalid syntax", quote(text)),
            )),
        }
    }

    /// The `match[]` selectors.
    pub(super) fn matchers(&self) -> Result<Vec<Vec<Matcher>>, ApiError> {
        let mut sets = Vec::new();
        for text in self.all("match[]") {
            let set =
                promql::parse_selector(text).map_err(|e| ApiError::parameter("match[]", e))?;
            if set.iter().all(|m| m.accepts("")) {
                return Err(ApiError::parameter(
                    "match[]",
                    "match[] must contain at least one non-empty matcher",
                ));
            }
            sets.push(set);
        }
        Ok(sets)
    }
}

/// Unix seconds with decimals, or RFC 3339, as milliseconds.
#[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
fn parse_time(text: &str) -> Result<i64, String> {
    let bad = || format!("cannot parse {} to a valid timestamp", quote(text));
    if let Ok(seconds) = text.parse::<f64>() {
        let whole = seconds.trunc();
        let ms = ((seconds - whole) * 1000.0).round();
        if !seconds.is_finite() || seconds.abs() > 9e15 {
            return Err(bad());
        }
        return Ok(whole as i64 * 1000 + ms as i64);
    }
    text.parse::<jiff::Timestamp>()
        .map(jiff::Timestamp::as_millisecond)
        .map_err(|_| bad())
}

#[expect(clippy::cast_possible_truncation, reason = "checked to be in range")]
fn duration_ms(text: &str) -> Result<i64, String> {
    let bad = || format!("cannot parse {} to a valid duration", quote(text));
    if let Ok(seconds) = text.parse::<f64>() {
        let ms = seconds * 1000.0;
        if !ms.is_finite() || ms.abs() > 9.2e15 {
            return Err(format!("{}. It overflows int64", bad()));
        }
        return Ok(ms as i64);
    }
    parse_duration(text).map_err(|_| bad())
}
