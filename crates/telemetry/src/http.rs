//! One GET, and what its answer means.

use model::{Backend, Period};
use reqwest::StatusCode;
use serde::de::DeserializeOwned;
use serde_json::Value;
use url::Url;

use crate::{Position, TelemetryError};

/// An HTTP client that knows which backend it speaks to.
#[derive(Clone, Debug)]
pub(crate) struct Http {
    backend: Backend,
    base: Url,
    client: reqwest::Client,
    timeout: Period,
}

impl Http {
    /// A client for the backend at `url`.
    pub(crate) fn new(
        backend: Backend,
        url: &str,
        timeout: Period,
    ) -> Result<Self, TelemetryError> {
        let bad = |reason: String| TelemetryError::BadUrl {
            backend,
            url: url.to_owned(),
            reason,
        };
        let base = Url::parse(url.trim_end_matches('/')).map_err(|error| bad(error.to_string()))?;
        if base.scheme() != "http" || base.host_str().is_none() {
            return Err(bad("it is not a plain HTTP URL".to_owned()));
        }
        let client = reqwest::Client::builder()
            .timeout(timeout.duration())
            .connect_timeout(timeout.duration())
            .no_proxy()
            .build()
            .map_err(|error| bad(root(&error)))?;
        Ok(Self {
            backend,
            base,
            client,
            timeout,
        })
    }

    /// The client itself and the base address without a slash at its end.
    pub(crate) fn parts(&self) -> (reqwest::Client, &str) {
        (
            self.client.clone(),
            self.base.as_str().trim_end_matches('/'),
        )
    }

    /// Gets `path` as JSON; segments are escaped as needed.
    pub(crate) async fn get<T: DeserializeOwned>(
        &self,
        path: &[&str],
        params: &[(&str, String)],
    ) -> Result<T, TelemetryError> {
        let mut url = self.base.clone();
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().extend(path);
        }
        let sent = self
            .client
            .get(url)
            .query(params)
            .header(reqwest::header::ACCEPT, "application/json")
            .send()
            .await;
        self.read(sent).await
    }

    /// What came of a request, whoever sent it.
    pub(crate) async fn read<T: DeserializeOwned>(
        &self,
        sent: Result<reqwest::Response, reqwest::Error>,
    ) -> Result<T, TelemetryError> {
        let response = sent.map_err(|error| self.failed(&error))?;
        let status = response.status();
        let body = response
            .bytes()
            .await
            .map_err(|error| self.failed(&error))?;
        if !status.is_success() {
            return Err(self.refused(status, &body));
        }
        serde_json::from_slice(&body).map_err(|error| self.unreadable(error.to_string()))
    }

    /// An answer that is not in the API's form.
    pub(crate) fn unreadable(&self, reason: impl Into<String>) -> TelemetryError {
        TelemetryError::Unreadable {
            backend: self.backend,
            reason: reason.into(),
        }
    }

    /// What a failed request means.
    pub(crate) fn failed(&self, error: &reqwest::Error) -> TelemetryError {
        if error.is_timeout() {
            return TelemetryError::Slow {
                backend: self.backend,
                after: self.timeout,
            };
        }
        TelemetryError::Unreachable {
            backend: self.backend,
            url: self.base.to_string(),
            reason: root(error),
        }
    }

    fn refused(&self, status: StatusCode, body: &[u8]) -> TelemetryError {
        let (kind, message) = told(status, body);
        match status {
            StatusCode::BAD_GATEWAY => TelemetryError::Unreachable {
                backend: self.backend,
                url: self.base.to_string(),
                reason: message,
            },
            StatusCode::GATEWAY_TIMEOUT => TelemetryError::Slow {
                backend: self.backend,
                after: self.timeout,
            },
            _ => TelemetryError::Refused {
                backend: self.backend,
                position: Position::read(&message),
                kind,
                message,
            },
        }
    }
}

/// The server's own kind and message: Prometheus's JSON, or plain text.
fn told(status: StatusCode, body: &[u8]) -> (String, String) {
    let text = String::from_utf8_lossy(body).trim().to_owned();
    let json: Value = serde_json::from_slice(body).unwrap_or_default();
    let field = |names: &[&str]| {
        names
            .iter()
            .find_map(|name| json.get(name).and_then(Value::as_str))
            .map(str::to_owned)
    };
    let kind = field(&["errorType"]).unwrap_or_else(|| status.as_u16().to_string());
    let message = field(&["error", "message"]).unwrap_or(text);
    if message.is_empty() {
        let reason = status.canonical_reason().unwrap_or("no reason given");
        return (kind, reason.to_owned());
    }
    (kind, message)
}

/// The innermost cause of an error, which says the most.
fn root(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = error;
    while let Some(next) = cause.source() {
        cause = next;
    }
    cause.to_string()
}
