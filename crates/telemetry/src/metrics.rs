//! Reads metrics, alerts and rules by the Prometheus API.

pub(crate) mod wire;

use model::{Backend, Period, Timestamp};
use prometheus_http_query::Client;

use crate::http::Http;
use crate::{Labels, Matrix, TelemetryError, TimeRange};
use wire::{AlertsData, QueryData, RulesData, Success};

/// A client of Mimir, or of anything that speaks the Prometheus API.
#[derive(Clone)]
pub struct Metrics {
    http: Http,
    client: Client,
}

/// An active alert.
#[derive(Clone, Debug, PartialEq)]
pub struct Alert {
    /// Its name.
    pub name: String,
    /// Whether it fires yet.
    pub state: AlertState,
    /// Since when its condition holds, by the ruler's clock.
    pub active_at: Timestamp,
    /// Its labels, `severity` among them.
    pub labels: Labels,
    /// Its annotations: `summary`, `description`, `runbook_url`.
    pub annotations: Labels,
}

/// How far an alert is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AlertState {
    /// Its condition holds, not yet for long enough.
    Pending,
    /// It fires.
    Firing,
}

/// A rule of the ruler.
#[derive(Clone, Debug, PartialEq)]
pub struct Rule {
    /// The group that it stands in.
    pub group: String,
    /// How often the group is evaluated.
    pub interval: Period,
    /// The alert's name, or that of the recorded series.
    pub name: String,
    /// Its PromQL.
    pub query: String,
    /// Whether it is an alert, and not a recorded series.
    pub alerting: bool,
    /// How long its condition must hold before it fires.
    pub hold: Period,
    /// Its labels.
    pub labels: Labels,
    /// Its annotations.
    pub annotations: Labels,
    /// `ok`, `err` or `unknown`.
    pub health: String,
    /// What its last evaluation complained of; empty when nothing.
    pub last_error: String,
    /// Its active alerts.
    pub alerts: Vec<Alert>,
}

impl Rule {
    /// When an alert of this rule that became active at `active_at` fires: at
    /// the first evaluation at which it has held for long enough.
    pub fn fires_at(&self, active_at: Timestamp) -> Timestamp {
        let interval = self.interval.as_millis().max(1);
        let evaluations = self.hold.as_millis().div_ceil(interval);
        active_at.plus(Period::from_millis(evaluations * interval))
    }
}

impl Metrics {
    /// A client for the Prometheus API under `url`, such as
    /// `http://127.0.0.1:9009/prometheus`.
    ///
    /// # Errors
    /// [`TelemetryError::BadUrl`] when it is no plain HTTP URL.
    pub fn connect(url: &str, timeout: Period) -> Result<Self, TelemetryError> {
        let http = Http::new(Backend::Metrics, url, timeout)?;
        let (client, base) = http.parts();
        let client = Client::from(client, base).map_err(|error| TelemetryError::BadUrl {
            backend: Backend::Metrics,
            url: url.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self { http, client })
    }

    /// The value of `query` at one time, the backend's present unless told.
    /// A scalar is one series without labels.
    ///
    /// # Errors
    /// Any [`TelemetryError`] but `BadUrl`.
    pub async fn instant(
        &self,
        query: &str,
        at: Option<Timestamp>,
    ) -> Result<Matrix, TelemetryError> {
        let mut request = self.client.query(query);
        if let Some(at) = at {
            request = request.query("time", at.as_secs_f64());
        }
        self.ask(request.post_raw().await).await
    }

    /// The values of `query` over `range`, one each `step`. The range is taken
    /// in whole seconds.
    ///
    /// # Errors
    /// Any [`TelemetryError`] but `BadUrl`.
    pub async fn range(
        &self,
        query: &str,
        range: TimeRange,
        step: Period,
    ) -> Result<Matrix, TelemetryError> {
        let seconds = |at: Timestamp| i64::try_from(at.as_millis() / 1_000).unwrap_or(i64::MAX);
        let request = self.client.query_range(
            query,
            seconds(range.from),
            seconds(range.to),
            step.as_secs_f64().max(0.001),
        );
        self.ask(request.post_raw().await).await
    }

    /// The labels of the series that `matcher` selects and that have samples in `range`.
    ///
    /// # Errors
    /// Any [`TelemetryError`] but `BadUrl`.
    pub async fn series(
        &self,
        matcher: &str,
        range: TimeRange,
    ) -> Result<Vec<Labels>, TelemetryError> {
        let params = [
            ("match[]", matcher.to_owned()),
            ("start", range.from.as_secs_f64().to_string()),
            ("end", range.to.as_secs_f64().to_string()),
        ];
        self.get(&["series"], &params).await
    }

    /// The names of all labels.
    ///
    /// # Errors
    /// Any [`TelemetryError`] but `BadUrl`.
    pub async fn label_names(&self) -> Result<Vec<String>, TelemetryError> {
        self.get(&["labels"], &[]).await
    }

    /// The values of a label; `__name__` gives the names of all metrics.
    ///
    /// # Errors
    /// Any [`TelemetryError`] but `BadUrl`.
    pub async fn label_values(&self, label: &str) -> Result<Vec<String>, TelemetryError> {
        self.get(&["label", label, "values"], &[]).await
    }

    /// The active alerts, pending and firing.
    ///
    /// # Errors
    /// Any [`TelemetryError`] but `BadUrl`.
    pub async fn alerts(&self) -> Result<Vec<Alert>, TelemetryError> {
        let data: AlertsData = self.get(&["alerts"], &[]).await?;
        data.read().map_err(|reason| self.http.unreadable(reason))
    }

    /// The rules that the ruler evaluates.
    ///
    /// # Errors
    /// Any [`TelemetryError`] but `BadUrl`.
    pub async fn rules(&self) -> Result<Vec<Rule>, TelemetryError> {
        let answer: Success<RulesData> = self
            .http
            .read(self.sent(self.client.rules().get_raw().await)?)
            .await?;
        answer
            .data
            .read()
            .map_err(|reason| self.http.unreadable(reason))
    }

    async fn get<T: serde::de::DeserializeOwned>(
        &self,
        path: &[&str],
        params: &[(&str, String)],
    ) -> Result<T, TelemetryError> {
        let path: Vec<&str> = ["api", "v1"].iter().chain(path).copied().collect();
        let answer: Success<T> = self.http.get(&path, params).await?;
        Ok(answer.data)
    }

    async fn ask(&self, sent: Sent) -> Result<Matrix, TelemetryError> {
        let answer: Success<QueryData> = self.http.read(self.sent(sent)?).await?;
        answer
            .data
            .read()
            .map_err(|reason| self.http.unreadable(reason))
    }

    /// Unwraps the Prometheus client's error down to the HTTP client's.
    fn sent(
        &self,
        sent: Sent,
    ) -> Result<Result<reqwest::Response, reqwest::Error>, TelemetryError> {
        match sent {
            Ok(response) => Ok(Ok(response)),
            Err(prometheus_http_query::Error::Client(error)) => match error.inner() {
                Some(inner) => Err(self.http.failed(inner)),
                None => Err(self.http.unreadable(error.to_string())),
            },
            Err(error) => Err(self.http.unreadable(error.to_string())),
        }
    }
}

type Sent = Result<reqwest::Response, prometheus_http_query::Error>;

impl std::fmt::Debug for Metrics {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Metrics").field(&self.http).finish()
    }
}
