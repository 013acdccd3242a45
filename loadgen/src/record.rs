//! The record of every request: one log line, and the metrics made of it.

use std::time::Duration;

use instrument::{Counters, Gauges, Histograms, Metrics, MetricsError, count_outcome};

/// How a request went, as its customer sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// What was asked for, in time.
    Ok,
    /// What was asked for, too late.
    Slow,
    /// Something else than was asked for, or nothing.
    Failed,
}

impl Outcome {
    const ALL: [Self; 3] = [Self::Ok, Self::Slow, Self::Failed];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Slow => "slow",
            Self::Failed => "failed",
        }
    }
}

/// One request, after its answer was read to the end.
#[derive(Clone, Debug)]
pub(crate) struct Record<'a> {
    pub(crate) journey: &'a str,
    pub(crate) step: &'a str,
    /// 0 where no answer came.
    pub(crate) status: u16,
    pub(crate) duration: Duration,
    /// Milliseconds since the Unix epoch at the intended start.
    pub(crate) start_ms: u64,
    /// What the customer saw; empty when all was as it should be.
    pub(crate) seen: &'a str,
    /// Whether the answer was what was asked for.
    pub(crate) right: bool,
    pub(crate) user: usize,
}

/// Writes records.
#[derive(Debug)]
pub(crate) struct Recorder {
    requests: Counters,
    durations: Histograms,
    orders: Counters,
    customers: Gauges,
    slow_after: Duration,
}

impl Recorder {
    /// A recorder whose metrics are among `metrics`.
    pub(crate) fn new(metrics: &Metrics, slow_after: Duration) -> Result<Self, MetricsError> {
        let labels = ["journey", "step", "outcome"];
        let orders = metrics.counters(
            "customer_orders_total",
            "Orders that customers placed, by how that went.",
            &["outcome"],
        )?;
        for outcome in Outcome::ALL {
            orders.with_label_values(&[outcome.as_str()]).inc_by(0.0);
        }
        Ok(Self {
            requests: metrics.counters(
                "customer_requests_total",
                "Requests of customers, by how they went.",
                &labels,
            )?,
            durations: metrics.histograms(
                "customer_request_duration_seconds",
                "How long customers waited for an answer.",
                &labels[..2],
            )?,
            orders,
            customers: metrics.gauges("customers", "Customers in the shop.", &[])?,
            slow_after,
        })
    }

    /// One more customer came.
    pub(crate) fn came(&self) {
        self.customers.with_label_values::<&str>(&[]).inc();
    }

    /// Writes `record`; answers how the request went.
    pub(crate) fn write(&self, record: &Record<'_>) -> Outcome {
        let outcome = match (record.right, record.duration > self.slow_after) {
            (false, _) => Outcome::Failed,
            (true, true) => Outcome::Slow,
            (true, false) => Outcome::Ok,
        };
        let (journey, step) = (record.journey, record.step);
        let outcomes = Outcome::ALL.map(Outcome::as_str);
        count_outcome(&self.requests, [journey, step], &outcomes, outcome.as_str());
        self.durations
            .with_label_values(&[journey, step])
            .observe(record.duration.as_secs_f64());
        let seen = match outcome {
            Outcome::Slow => "waited too long",
            _ => record.seen,
        };
        tracing::info!(
            journey,
            step,
            status = record.status,
            duration_ms = millis(record.duration),
            start_ms = record.start_ms,
            outcome = outcome.as_str(),
            seen,
            user = record.user as u64,
            "request"
        );
        outcome
    }

    /// An order was placed, or could not be.
    pub(crate) fn order(&self, outcome: Outcome) {
        self.orders.with_label_values(&[outcome.as_str()]).inc();
    }
}

/// Milliseconds with three decimals.
fn millis(duration: Duration) -> f64 {
    (duration.as_secs_f64() * 1e6).round() / 1e3
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_is_ok_slow_or_failed_and_counted_so() {
        let metrics = Metrics::new("customers").expect("metrics");
        let recorder = Recorder::new(&metrics, Duration::from_secs(2)).expect("recorder");
        for (right, millis, expected) in [
            (true, 100, Outcome::Ok),
            (true, 2_001, Outcome::Slow),
            (false, 100, Outcome::Failed),
            (false, 5_000, Outcome::Failed),
        ] {
            let outcome = recorder.write(&Record {
                journey: "checkout",
                step: "POST /orders",
                status: 201,
                duration: Duration::from_millis(millis),
                start_ms: 1,
                seen: "",
                right,
                user: 1,
            });
            assert_eq!(outcome, expected, "{right} {millis}");
        }
        recorder.write(&Record {
            journey: "browse",
            step: "GET /",
            status: 200,
            duration: Duration::from_millis(10),
            start_ms: 1,
            seen: "",
            right: true,
            user: 1,
        });
        let text = metrics.render();
        for zero in [
            r#"customer_requests_total{journey="browse",outcome="failed",step="GET /"} 0"#,
            r#"customer_requests_total{journey="browse",outcome="slow",step="GET /"} 0"#,
            r#"customer_orders_total{outcome="failed"} 0"#,
        ] {
            assert!(text.contains(zero), "{text}");
        }
        let line =
            r#"customer_requests_total{journey="checkout",outcome="failed",step="POST /orders"} 2"#;
        assert!(text.contains(line), "{text}");
    }
}
