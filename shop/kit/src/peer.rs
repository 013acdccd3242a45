//! Calls to other services: context passed on, time bounded, errors readable.

use std::error::Error as _;
use std::io::ErrorKind;
use std::time::{Duration, Instant};

use axum::body::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode};
use instrument::{Metrics, Outcome, propagation, span};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;
use tracing::{Instrument, Span};
use url::Url;

/// How long a peer may take to answer, unless the call says otherwise.
const TIMEOUT: Duration = Duration::from_secs(5);
/// How long connecting may take.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long a peer that broke a connection off is watched for refusing the next.
const PROBE_TIMEOUT: Duration = Duration::from_millis(50);
/// Connections kept for later calls.
const IDLE: usize = 16;

/// Why a peer gave no usable answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PeerError {
    /// Nobody listens there.
    #[error("connection refused to {0}")]
    Refused(String),
    /// The peer did not answer in time.
    #[error("timeout after {after_ms} ms waiting for {peer}")]
    Timeout {
        /// The peer and its port.
        peer: String,
        /// How long it had, in milliseconds.
        after_ms: u64,
    },
    /// The connection could not be made or broke off.
    #[error("connection to {peer} failed: {reason}")]
    Broken {
        /// The peer and its port.
        peer: String,
        /// What happened to the connection.
        reason: String,
    },
    /// The answer was not the JSON that it should have been.
    #[error("{peer} answered something else than expected: {reason}")]
    Unreadable {
        /// The peer and its port.
        peer: String,
        /// What the parser said.
        reason: String,
    },
}

impl PeerError {
    /// A short name of the kind of error, as `error.type` of spans.
    pub const fn kind(&self) -> &'static str {
        match self {
            Self::Refused(_) => "connection_refused",
            Self::Timeout { .. } => "timeout",
            Self::Broken { .. } => "connection_broken",
            Self::Unreadable { .. } => "unreadable_answer",
        }
    }
}

/// Another service; clones share its connections.
#[derive(Clone, Debug)]
pub struct Peer {
    /// The name with the port that the service is known by, such as `payment:80`.
    address: String,
    name: &'static str,
    base: String,
    /// Host and port of `base`.
    target: (String, u16),
    timeout: Duration,
    client: Option<reqwest::Client>,
    metrics: Metrics,
}

impl Peer {
    /// The service `name` at the base URL `url`.
    pub fn new(name: &'static str, url: &Url, metrics: Metrics) -> Self {
        let client = reqwest::Client::builder()
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .connect_timeout(CONNECT_TIMEOUT)
            .pool_max_idle_per_host(IDLE)
            .tcp_nodelay(true)
            .build();
        Self {
            address: format!("{name}:80"),
            name,
            base: url.as_str().trim_end_matches('/').to_owned(),
            target: (
                url.host_str().unwrap_or_default().to_owned(),
                url.port_or_known_default().unwrap_or(80),
            ),
            // Building a client without TLS has nothing that could fail.
            client: client.ok(),
            timeout: TIMEOUT,
            metrics,
        }
    }

    /// The same peer, given this long to answer instead of five seconds.
    #[must_use]
    pub fn patient(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// A call of `method` on `path`, which may have a query.
    pub fn call(&self, method: Method, path: impl Into<String>) -> Call<'_> {
        Call {
            peer: self,
            method,
            path: path.into(),
            headers: HeaderMap::new(),
            body: None,
            timeout: self.timeout,
        }
    }

    /// A GET of `path`, which may have a query.
    pub fn get(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::GET, path)
    }

    /// A POST to `path`.
    pub fn post(&self, path: impl Into<String>) -> Call<'_> {
        self.call(Method::POST, path)
    }

    /// Whether a new connection is refused, or ended before anything was sent: a proxy
    /// in between can refuse in that way only.
    async fn refuses(&self) -> bool {
        let (host, port) = &self.target;
        let probe = async {
            match TcpStream::connect((host.as_str(), *port)).await {
                Ok(mut stream) => matches!(stream.read(&mut [0]).await, Ok(0) | Err(_)),
                Err(error) => error.kind() == ErrorKind::ConnectionRefused,
            }
        };
        let refused = tokio::time::timeout(PROBE_TIMEOUT, probe).await;
        refused.unwrap_or(false)
    }

    fn error(&self, error: &reqwest::Error, timeout: Duration) -> PeerError {
        let peer = self.address.clone();
        let mut source = error.source();
        let mut reason = error.to_string();
        while let Some(inner) = source {
            if let Some(io) = inner.downcast_ref::<std::io::Error>()
                && io.kind() == ErrorKind::ConnectionRefused
            {
                return PeerError::Refused(peer);
            }
            reason = inner.to_string();
            source = inner.source();
        }
        if error.is_timeout() {
            let after = if error.is_connect() {
                CONNECT_TIMEOUT
            } else {
                timeout
            };
            let after_ms = after.as_millis() as u64;
            return PeerError::Timeout { peer, after_ms };
        }
        PeerError::Broken { peer, reason }
    }
}

/// One call being made ready.
#[derive(Debug)]
#[must_use]
pub struct Call<'a> {
    peer: &'a Peer,
    method: Method,
    path: String,
    headers: HeaderMap,
    body: Option<Vec<u8>>,
    timeout: Duration,
}

impl Call<'_> {
    /// Sends a header along.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.insert(name, value);
        self
    }

    /// Sends `body` as JSON.
    pub fn json(self, body: &impl Serialize) -> Self {
        // A value that does not serialise is sent as none; the peer says what it misses.
        let body = serde_json::to_vec(body).unwrap_or_default();
        self.bytes(body)
    }

    /// Sends `body`, which is JSON already.
    pub fn bytes(mut self, body: impl Into<Vec<u8>>) -> Self {
        let json = HeaderValue::from_static("application/json");
        self.headers.insert(http::header::CONTENT_TYPE, json);
        self.body = Some(body.into());
        self
    }

    /// Sends these fields as a form.
    pub fn form(mut self, fields: &[(&str, &str)]) -> Self {
        let form = HeaderValue::from_static("application/x-www-form-urlencoded");
        self.headers.insert(http::header::CONTENT_TYPE, form);
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        body.extend_pairs(fields);
        self.body = Some(body.finish().into_bytes());
        self
    }

    /// Gives the peer this long instead of five seconds.
    pub fn timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    /// Makes the call and reads the whole answer, whatever its status.
    ///
    /// # Errors
    /// When no answer came.
    pub async fn send(self) -> Result<Answer, PeerError> {
        let peer = self.peer;
        let path = self.path.split('?').next().unwrap_or_default();
        let span = span::client(self.method.as_str(), peer.name, &peer.address, path);
        let since = Instant::now();
        let exchange = async {
            match self.exchange().await {
                Err(PeerError::Broken { .. }) if peer.refuses().await => {
                    Err(PeerError::Refused(peer.address.clone()))
                }
                result => result,
            }
        };
        let result = exchange.instrument(span.clone()).await;
        peer.metrics
            .called(peer.name, outcome(&result), since.elapsed());
        record(&span, &result);
        result
    }

    async fn exchange(mut self) -> Result<Answer, PeerError> {
        let peer = self.peer;
        propagation::inject(&mut self.headers);
        let Some(client) = &peer.client else {
            let reason = "no client".to_owned();
            return Err(PeerError::Broken {
                peer: peer.address.clone(),
                reason,
            });
        };
        let mut request = client
            .request(self.method, format!("{}{}", peer.base, self.path))
            .headers(self.headers)
            .timeout(self.timeout);
        if let Some(body) = self.body {
            request = request.body(body);
        }
        let failed = |error: reqwest::Error| peer.error(&error, self.timeout);
        let response = request.send().await.map_err(failed)?;
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await.map_err(failed)?;
        Ok(Answer {
            peer: peer.address.clone(),
            status,
            headers,
            body,
        })
    }
}

fn outcome(result: &Result<Answer, PeerError>) -> Outcome {
    match result {
        Ok(answer) if answer.status.is_server_error() => Outcome::Error,
        Ok(_) => Outcome::Ok,
        Err(PeerError::Timeout { .. }) => Outcome::Timeout,
        Err(_) => Outcome::Error,
    }
}

fn record(span: &Span, result: &Result<Answer, PeerError>) {
    match result {
        Ok(answer) => {
            let status = answer.status.as_u16();
            span.record("http.response.status_code", status);
            if answer.status.is_client_error() || answer.status.is_server_error() {
                span::fail(span, answer.status.as_str(), "");
            }
        }
        Err(error) => {
            span::fail(span, error.kind(), &error.to_string());
            span.in_scope(|| tracing::warn!(error = error.kind(), "{error}"));
        }
    }
}

/// A peer's answer.
#[derive(Clone, Debug)]
pub struct Answer {
    peer: String,
    /// Its status.
    pub status: StatusCode,
    /// Its headers.
    pub headers: HeaderMap,
    /// Its body.
    pub body: Bytes,
}

impl Answer {
    /// The body read as JSON.
    ///
    /// # Errors
    /// When it is no JSON of that form.
    pub fn json<T: DeserializeOwned>(&self) -> Result<T, PeerError> {
        serde_json::from_slice(&self.body).map_err(|error| PeerError::Unreadable {
            peer: self.peer.clone(),
            reason: format!("{error} (status {})", self.status.as_u16()),
        })
    }
}
