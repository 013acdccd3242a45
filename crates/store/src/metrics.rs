//! Metrics: the time series database, PromQL, and Mimir's HTTP API.

use std::sync::Arc;

use axum::Router;

use crate::Limits;
use crate::clock::Clock;

/// All metrics that are kept.
#[derive(Debug)]
pub struct Metrics {}

impl Metrics {
    /// An empty store with these bounds.
    #[must_use]
    pub fn new(_limits: &Limits, _clock: Clock) -> Self {
        Self {}
    }
}

/// Mimir's HTTP API.
pub fn router(_metrics: Arc<Metrics>) -> Router {
    Router::new()
}
