//! What a service uses to emit telemetry: metrics, JSON logs, OTLP traces, context propagation.
//!
//! One call of [`init`] per process sets up logs and traces and answers with a
//! [`Telemetry`] guard. A service then needs [`Metrics`] for `/metrics`, the span
//! constructors of [`span`], and [`propagation`] to carry a trace to the next one.

mod identity;
mod log;
mod metrics;
pub mod propagation;
pub mod span;
mod telemetry;

pub use identity::ServiceIdentity;
pub use log::logfmt::LOGFMT;
pub use log::set_log_skew;
pub use metrics::{
    Counters, Gauges, Histograms, InFlight, Metrics, MetricsError, Outcome, count_outcome,
};
pub use telemetry::{InitError, Telemetry, init};

/// The trace id of the span that is current here, as 32 hexadecimal digits;
/// `None` outside of every span.
pub fn trace_id() -> Option<String> {
    use opentelemetry::trace::TraceContextExt;
    let context = opentelemetry::Context::current();
    let span = context.span();
    let context = span.span_context();
    context.is_valid().then(|| context.trace_id().to_string())
}
