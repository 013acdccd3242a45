//! A very small Kubernetes client: GET with a bearer token over plain HTTP.

use std::time::Duration;

use crate::config::KubernetesAccess;

/// Sends GET requests to the API server.
#[derive(Debug, Clone)]
pub struct Client {
    http: reqwest::Client,
    access: KubernetesAccess,
}

/// Why a request to the Kubernetes API failed.
#[derive(Debug, thiserror::Error)]
pub enum ClientError {
    /// No answer, or the answer broke off.
    #[error("the Kubernetes API at {url} does not answer: {source}; is the cluster running?")]
    Unreachable {
        /// What was asked for.
        url: String,
        /// What the HTTP client said.
        source: reqwest::Error,
    },
    /// An answer other than 2xx.
    #[error("the Kubernetes API answered {status} to GET {url}: {body}")]
    Status {
        /// What was asked for.
        url: String,
        /// The status code.
        status: u16,
        /// The start of the body.
        body: String,
    },
}

impl Client {
    /// A client for this API server; no request is sent yet.
    #[must_use]
    pub fn new(access: KubernetesAccess) -> Self {
        let http = reqwest::Client::builder()
            .no_proxy()
            .connect_timeout(Duration::from_secs(2))
            .build()
            .unwrap_or_default();
        Self { http, access }
    }

    /// The URL of `path_and_query` at this API server.
    #[must_use]
    pub fn url(&self, path_and_query: &str) -> String {
        format!(
            "{}{path_and_query}",
            self.access.base_url.trim_end_matches('/')
        )
    }

    /// Sends `GET path_and_query`; the body may be read as a stream.
    ///
    /// # Errors
    /// When there is no answer, or one that is not 2xx.
    pub async fn get(&self, path_and_query: &str) -> Result<reqwest::Response, ClientError> {
        let url = self.url(path_and_query);
        let sent = self
            .http
            .get(&url)
            .bearer_auth(&self.access.token)
            .send()
            .await;
        let answer = sent.map_err(|source| ClientError::Unreachable {
            url: url.clone(),
            source: source.without_url(),
        })?;
        if answer.status().is_success() {
            return Ok(answer);
        }
        let status = answer.status().as_u16();
        let body: String = answer
            .text()
            .await
            .unwrap_or_default()
            .chars()
            .take(300)
            .collect();
        Err(ClientError::Status { url, status, body })
    }

    /// The whole body of an answer.
    ///
    /// # Errors
    /// When it breaks off.
    pub async fn text(&self, answer: reqwest::Response) -> Result<String, ClientError> {
        let url = answer.url().to_string();
        let text = answer.text().await;
        text.map_err(|source| ClientError::Unreachable {
            url,
            source: source.without_url(),
        })
    }

    /// The next piece of a streamed answer; `None` at its end.
    ///
    /// # Errors
    /// When it breaks off.
    pub async fn chunk(
        &self,
        answer: &mut reqwest::Response,
    ) -> Result<Option<bytes::Bytes>, ClientError> {
        let chunk = answer.chunk().await;
        chunk.map_err(|source| ClientError::Unreachable {
            url: answer.url().to_string(),
            source: source.without_url(),
        })
    }
}
