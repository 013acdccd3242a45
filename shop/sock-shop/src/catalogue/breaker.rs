//! A circuit breaker per route: open after six failures in a row, for thirty seconds.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use shop_kit::AppError;
use shop_kit::instrument::Gauges;
use tokio::time::Instant;

/// Failures in a row that open it.
const FAILURES: u32 = 6;
/// How long it stays open; then one request is let through as a probe.
const OPEN_FOR: Duration = Duration::from_secs(30);

/// A circuit breaker; clones share its state.
#[derive(Clone, Debug)]
pub(super) struct Breaker {
    name: &'static str,
    state: Arc<Mutex<State>>,
    /// One gauge per breaker: 1 while it is open.
    open: Gauges,
}

#[derive(Debug)]
enum State {
    Closed { failures: u32 },
    Open { until: Instant },
    HalfOpen,
}

impl Breaker {
    /// A closed breaker, which shows in the family `open` under its name.
    pub(super) fn new(name: &'static str, open: &Gauges) -> Self {
        let state = State::Closed { failures: 0 };
        open.with_label_values(&[name]).set(0.0);
        Self {
            name,
            state: Arc::new(Mutex::new(state)),
            open: open.clone(),
        }
    }

    /// Asks for leave to try; who gets it must [`Breaker::leave`].
    pub(super) fn enter(&self) -> Result<(), AppError> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match *state {
            State::Closed { .. } => Ok(()),
            State::Open { until } if Instant::now() < until => {
                Err(AppError::internal("circuit breaker is open")
                    .because(format!("circuit breaker '{}' is open", self.name)))
            }
            State::Open { .. } => {
                *state = State::HalfOpen;
                Ok(())
            }
            State::HalfOpen => Err(AppError::internal("too many requests")),
        }
    }

    /// Says how a try ended.
    pub(super) fn leave(&self, failed: bool) {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        *state = match (&*state, failed) {
            (_, false) => State::Closed { failures: 0 },
            (State::Closed { failures }, true) if failures + 1 < FAILURES => State::Closed {
                failures: failures + 1,
            },
            (State::Open { until }, true) => State::Open { until: *until },
            (_, true) => {
                tracing::warn!("circuit breaker '{}' is open", self.name);
                State::Open {
                    until: Instant::now() + OPEN_FOR,
                }
            }
        };
        let open = matches!(*state, State::Open { .. });
        let gauge = self.open.with_label_values(&[self.name]);
        gauge.set(if open { 1.0 } else { 0.0 });
    }
}

#[cfg(test)]
mod tests {
    use shop_kit::instrument::Metrics;

    use super::*;

    fn breaker(name: &'static str) -> (Breaker, Metrics) {
        let metrics = Metrics::new("catalogue").expect("metrics");
        let open = metrics.gauges("circuit_breaker_open", "Open.", &["breaker"]);
        (Breaker::new(name, &open.expect("gauges")), metrics)
    }

    #[tokio::test(start_paused = true)]
    async fn six_failures_in_a_row_open_it_and_one_success_of_a_probe_closes_it() {
        let (breaker, metrics) = breaker("List");
        let shown = |value: &str| {
            let line = format!("circuit_breaker_open{{breaker=\"List\"}} {value}\n");
            metrics.render().contains(&line)
        };
        assert!(shown("0"));
        for round in 0..6 {
            assert!(breaker.enter().is_ok(), "failure {round}");
            breaker.leave(true);
        }
        let refused = breaker.enter().expect_err("open");
        assert_eq!(refused.message, "circuit breaker is open");
        assert!(shown("1"));
        tokio::time::advance(Duration::from_secs(29)).await;
        assert!(breaker.enter().is_err());
        tokio::time::advance(Duration::from_secs(2)).await;
        assert!(breaker.enter().is_ok(), "the probe");
        assert!(breaker.enter().is_err(), "only one probe");
        breaker.leave(false);
        assert!(breaker.enter().is_ok());
        assert!(shown("0"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_success_between_failures_keeps_it_closed() {
        let (breaker, _) = breaker("Get");
        for _ in 0..20 {
            for failed in [true, true, true, true, true, false] {
                assert!(breaker.enter().is_ok());
                breaker.leave(failed);
            }
        }
    }
}
