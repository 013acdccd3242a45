//! OTLP over HTTP: logs and traces as OpenTelemetry sends them.

use std::sync::Arc;

use axum::Router;

use crate::logs::Logs;
use crate::metrics::Metrics;
use crate::traces::Traces;

/// The OTLP/HTTP receiver: `/v1/logs`, `/v1/traces`, `/v1/metrics`.
pub fn router(_logs: Arc<Logs>, _traces: Arc<Traces>, _metrics: Arc<Metrics>) -> Router {
    Router::new()
}
