//! The metrics of one process, in Prometheus' text format.

use std::sync::Arc;
use std::time::Duration;

pub use prometheus::{CounterVec as Counters, GaugeVec as Gauges, HistogramVec as Histograms};
use prometheus::{Encoder, HistogramOpts, IntGauge, Opts, Registry, TextEncoder};

/// Upper bounds of every duration's histogram, in seconds.
pub(crate) const BUCKETS: [f64; 11] = [
    0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0,
];
const SERVER: [&str; 4] = ["service", "method", "route", "status_code"];

/// A metric's name, help or labels are malformed, or its name is taken.
#[derive(Debug, thiserror::Error)]
#[error("a metric cannot be registered: {0}")]
pub struct MetricsError(#[from] prometheus::Error);

/// How a call to a peer ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The peer answered, and not with a server error.
    Ok,
    /// The peer refused, broke off, or answered with a server error.
    Error,
    /// The peer did not answer in time.
    Timeout,
}

impl Outcome {
    const ALL: [Self; 3] = [Self::Ok, Self::Error, Self::Timeout];

    /// The value of the label `outcome`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Error => "error",
            Self::Timeout => "timeout",
        }
    }
}

/// The metrics of one process; clones share them.
#[derive(Clone, Debug)]
pub struct Metrics(Arc<Families>);

#[derive(Debug)]
struct Families {
    service: String,
    registry: Registry,
    requests: Counters,
    errors: Counters,
    durations: Histograms,
    durations_2017: Histograms,
    in_flight: IntGauge,
    client_requests: Counters,
    client_durations: Histograms,
    store_durations: Histograms,
}

impl Metrics {
    /// A registry with the standard families of `service`.
    ///
    /// # Errors
    /// Never with the families that stand here; the signature keeps that honest.
    pub fn new(service: &str) -> Result<Self, MetricsError> {
        let registry = Registry::new();
        let in_flight = IntGauge::with_opts(
            Opts::new("http_requests_in_flight", "Requests being served.")
                .const_label("service", service),
        )?;
        registry.register(Box::new(in_flight.clone()))?;
        let families = Families {
            service: service.to_owned(),
            requests: counters(
                &registry,
                "http_requests_total",
                "Requests served.",
                &SERVER,
            )?,
            errors: counters(
                &registry,
                "http_request_errors_total",
                "Requests answered with a status of 500 or more.",
                &SERVER,
            )?,
            durations: histograms(
                &registry,
                "http_request_duration_seconds",
                "Time to answer a request, in seconds.",
                &SERVER,
            )?,
            durations_2017: histograms(
                &registry,
                "request_duration_seconds",
                "Time to answer a request, in seconds; the name of 2017.",
                &SERVER,
            )?,
            in_flight,
            client_requests: counters(
                &registry,
                "http_client_requests_total",
                "Calls to peers, by how they ended.",
                &["service", "peer", "outcome"],
            )?,
            client_durations: histograms(
                &registry,
                "http_client_request_duration_seconds",
                "Time until a peer had answered, in seconds.",
                &["service", "peer"],
            )?,
            store_durations: histograms(
                &registry,
                "db_client_operation_duration_seconds",
                "Time until a store had answered, in seconds.",
                &["service", "peer", "operation"],
            )?,
            registry,
        };
        Ok(Self(Arc::new(families)))
    }

    /// Counts one request that was served.
    pub fn served(&self, method: &str, route: &str, status: u16, elapsed: Duration) {
        let status_code = status.to_string();
        let labels = [self.0.service.as_str(), method, route, &status_code];
        let seconds = elapsed.as_secs_f64();
        self.0.requests.with_label_values(&labels).inc();
        self.0.durations.with_label_values(&labels).observe(seconds);
        self.0
            .durations_2017
            .with_label_values(&labels)
            .observe(seconds);
        if status >= 500 {
            self.0.errors.with_label_values(&labels).inc();
        }
    }

    /// Counts a request as in flight until the answer is dropped.
    pub fn in_flight(&self) -> InFlight {
        self.0.in_flight.inc();
        InFlight(self.0.in_flight.clone())
    }

    /// Counts one call to `peer`.
    pub fn called(&self, peer: &str, outcome: Outcome, elapsed: Duration) {
        let service = self.0.service.as_str();
        let outcomes = Outcome::ALL.map(Outcome::as_str);
        count_outcome(
            &self.0.client_requests,
            [service, peer],
            &outcomes,
            outcome.as_str(),
        );
        self.0
            .client_durations
            .with_label_values(&[service, peer])
            .observe(elapsed.as_secs_f64());
    }

    /// Counts one operation on the store `peer`: a database, cache or queue.
    pub fn stored(&self, peer: &str, operation: &str, outcome: Outcome, elapsed: Duration) {
        self.called(peer, outcome, elapsed);
        self.0
            .store_durations
            .with_label_values(&[self.0.service.as_str(), peer, operation])
            .observe(elapsed.as_secs_f64());
    }

    /// A further family of counters.
    ///
    /// # Errors
    /// When the name is malformed or taken.
    pub fn counters(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<Counters, MetricsError> {
        counters(&self.0.registry, name, help, labels)
    }

    /// A further family of gauges.
    ///
    /// # Errors
    /// When the name is malformed or taken.
    pub fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> Result<Gauges, MetricsError> {
        let family = Gauges::new(Opts::new(name, help), labels)?;
        self.0.registry.register(Box::new(family.clone()))?;
        Ok(family)
    }

    /// A further family of histograms of durations, in seconds.
    ///
    /// # Errors
    /// When the name is malformed or taken.
    pub fn histograms(
        &self,
        name: &str,
        help: &str,
        labels: &[&str],
    ) -> Result<Histograms, MetricsError> {
        histograms(&self.0.registry, name, help, labels)
    }

    /// All metrics, as `/metrics` answers them.
    pub fn render(&self) -> String {
        let mut text = Vec::new();
        // Writing to memory fails only for a family without metrics, which is left out.
        drop(TextEncoder::new().encode(&self.0.registry.gather(), &mut text));
        String::from_utf8(text).unwrap_or_default()
    }

    /// The `Content-Type` of [`Metrics::render`].
    pub const CONTENT_TYPE: &'static str = "text/plain; version=0.0.4; charset=utf-8";
}

/// One request in flight; dropping it says that it is over.
#[derive(Debug)]
pub struct InFlight(IntGauge);

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

fn counters(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<Counters, MetricsError> {
    let family = Counters::new(Opts::new(name, help), labels)?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

/// Counts one more with `outcome`, the last label of `family` after `labels`. All
/// `outcomes` are there from the first count on: what a series begins with is no
/// increase, and the first failures would not be seen.
pub fn count_outcome(family: &Counters, labels: [&str; 2], outcomes: &[&str], outcome: &str) {
    let [first, second] = labels;
    for each in outcomes {
        let one = if *each == outcome { 1.0 } else { 0.0 };
        family.with_label_values(&[first, second, each]).inc_by(one);
    }
}

fn histograms(
    registry: &Registry,
    name: &str,
    help: &str,
    labels: &[&str],
) -> Result<Histograms, MetricsError> {
    let options = HistogramOpts::new(name, help).buckets(BUCKETS.to_vec());
    let family = Histograms::new(options, labels)?;
    registry.register(Box::new(family.clone()))?;
    Ok(family)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_counted_under_the_new_and_the_old_names() {
        let metrics = Metrics::new("orders").expect("the families are well-formed");
        let flying = metrics.in_flight();
        metrics.served("POST", "/orders", 500, Duration::from_millis(7));
        metrics.called("payment", Outcome::Timeout, Duration::from_secs(5));
        metrics.stored("orders-db", "SELECT", Outcome::Ok, Duration::from_millis(1));
        let text = metrics.render();
        let labels = r#"{method="POST",route="/orders",service="orders",status_code="500"}"#;
        for line in [
            format!("http_requests_total{labels} 1"),
            format!("http_request_errors_total{labels} 1"),
            format!("http_request_duration_seconds_count{labels} 1"),
            format!("request_duration_seconds_count{labels} 1"),
            r#"http_requests_in_flight{service="orders"} 1"#.into(),
            r#"http_client_requests_total{outcome="timeout",peer="payment",service="orders"} 1"#.into(),
            r#"http_client_requests_total{outcome="ok",peer="orders-db",service="orders"} 1"#.into(),
            r#"http_client_requests_total{outcome="error",peer="orders-db",service="orders"} 0"#.into(),
            r#"db_client_operation_duration_seconds_count{operation="SELECT",peer="orders-db",service="orders"} 1"#.into(),
        ] {
            assert!(text.contains(&line), "{line} is not in\n{text}");
        }
        for bound in [
            "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1", "2.5", "5", "10", "+Inf",
        ] {
            let bucket = format!(r#"status_code="500",le="{bound}"}}"#);
            assert!(text.contains(&bucket), "{bucket} is not in\n{text}");
        }
        drop(flying);
        assert!(
            metrics
                .render()
                .contains(r#"http_requests_in_flight{service="orders"} 0"#)
        );
    }

    #[test]
    fn a_name_that_is_taken_is_refused() {
        let metrics = Metrics::new("orders").expect("the families are well-formed");
        assert!(
            metrics
                .counters("http_requests_total", "again", &[])
                .is_err()
        );
    }
}
