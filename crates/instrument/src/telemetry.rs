//! Sets up logs and traces of one process, and flushes them at its end.

use std::time::Duration;

use opentelemetry::KeyValue;
use opentelemetry::trace::TracerProvider as _;
use opentelemetry_otlp::{Protocol, WithExportConfig, WithHttpConfig};
use opentelemetry_sdk::Resource;
use opentelemetry_sdk::trace::{
    BatchConfigBuilder, BatchSpanProcessor, Sampler, SdkTracerProvider,
};
use tracing_subscriber::filter::filter_fn;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::{Layer, Registry};

use crate::identity::ServiceIdentity;
use crate::log::JsonLines;
use crate::log::logfmt::{self, LogfmtLines};
use crate::metrics::{Metrics, MetricsError};
use crate::span;

/// How often finished spans leave the process.
const EXPORT_EVERY: Duration = Duration::from_millis(500);
/// How long one export may take before its batch is dropped.
const EXPORT_TIMEOUT: Duration = Duration::from_secs(2);
/// How long the last flush may hold up the end of the process.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(1);
/// Spans kept while the receiver does not answer; newer ones are dropped.
const QUEUE_SIZE: usize = 2_048;

/// Why telemetry could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum InitError {
    /// The OTLP exporter refused its configuration.
    #[error(
        "traces cannot be exported to {endpoint}: {reason}; set OTEL_EXPORTER_OTLP_ENDPOINT to http://HOST:PORT"
    )]
    Exporter {
        /// The configured endpoint.
        endpoint: String,
        /// What the exporter said.
        reason: String,
    },
    /// [`init`] was called a second time in this process.
    #[error("telemetry of this process is set up already")]
    Twice,
    /// The metric registry refused the standard families.
    #[error(transparent)]
    Metrics(#[from] MetricsError),
}

/// Keeps telemetry running; [`Telemetry::shutdown`] flushes it.
#[derive(Debug)]
pub struct Telemetry {
    metrics: Metrics,
    provider: SdkTracerProvider,
}

impl Telemetry {
    /// The metrics of this process.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// Sends the spans that still wait, for at most a second, and stops.
    ///
    /// Blocks the calling thread: call it after the asynchronous runtime has ended.
    pub fn shutdown(self) {
        // Spans that cannot be delivered within the bound are lost by design.
        drop(self.provider.shutdown_with_timeout(SHUTDOWN_TIMEOUT));
    }
}

/// Sets up logs and traces of this process: JSON lines on stdout, lines of [`crate::LOGFMT`] on
/// stderr, spans to the identity's OTLP endpoint, panics as log lines.
///
/// # Errors
/// When the endpoint is not a URL, or telemetry is set up already.
pub fn init(identity: ServiceIdentity) -> Result<Telemetry, InitError> {
    let metrics = Metrics::new(&identity.service)?;
    let provider = provider(&identity)?;
    let lines = JsonLines::new(&identity.service, std::io::stdout());
    let logfmt = LogfmtLines::new(std::io::stderr());
    tracing::subscriber::set_global_default(subscriber(&provider, lines, logfmt))
        .map_err(|_| InitError::Twice)?;
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string);
        tracing::error!(place, "panic: {}", message_of(panic));
    }));
    Ok(Telemetry { metrics, provider })
}

fn message_of(panic: &std::panic::PanicHookInfo<'_>) -> String {
    let payload = panic.payload();
    let text = payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned());
    text.or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_default()
}

/// The subscriber that [`init`] installs; tests install it for one scope.
pub(crate) fn subscriber<Out, Err>(
    provider: &SdkTracerProvider,
    lines: JsonLines<Out>,
    logfmt: LogfmtLines<Err>,
) -> impl tracing::Subscriber + Send + Sync
where
    Out: std::io::Write + Send + 'static,
    Err: std::io::Write + Send + 'static,
{
    let traces = tracing_opentelemetry::layer()
        .with_tracer(provider.tracer("shoplab"))
        .with_location(false)
        .with_threads(false)
        .with_level(false)
        .with_target(false)
        .with_tracked_inactivity(false)
        .with_filter(filter_fn(|meta| {
            meta.is_span() && meta.target() == span::TARGET
        }));
    Registry::default()
        .with(traces)
        .with(lines.with_filter(filter_fn(crate::log::wanted)))
        .with(logfmt.with_filter(filter_fn(logfmt::wanted)))
}

fn provider(identity: &ServiceIdentity) -> Result<SdkTracerProvider, InitError> {
    let mut attributes = Vec::new();
    for (key, value) in [
        ("service.version", &identity.version),
        ("service.instance.id", &identity.instance),
    ] {
        if !value.is_empty() {
            attributes.push(KeyValue::new(key, value.clone()));
        }
    }
    let resource = Resource::builder_empty()
        .with_service_name(identity.service.clone())
        .with_attributes(attributes)
        .build();
    let builder = SdkTracerProvider::builder()
        .with_resource(resource)
        .with_sampler(Sampler::ParentBased(Box::new(Sampler::AlwaysOn)));
    let Some(endpoint) = &identity.otlp_endpoint else {
        return Ok(builder.build());
    };
    let failed = |reason: String| InitError::Exporter {
        endpoint: endpoint.clone(),
        reason,
    };
    let client = client().map_err(failed)?;
    let exporter = opentelemetry_otlp::SpanExporter::builder()
        .with_http()
        .with_http_client(client)
        .with_protocol(Protocol::HttpBinary)
        .with_endpoint(format!("{}/v1/traces", endpoint.trim_end_matches('/')))
        .with_timeout(EXPORT_TIMEOUT)
        .build()
        .map_err(|error| failed(error.to_string()))?;
    let config = BatchConfigBuilder::default()
        .with_scheduled_delay(EXPORT_EVERY)
        .with_max_queue_size(QUEUE_SIZE)
        .build();
    let processor = BatchSpanProcessor::builder(exporter)
        .with_batch_config(config)
        .build();
    Ok(builder.with_span_processor(processor).build())
}

/// The exporter's client, made on a thread of its own: it must not be made inside of
/// an asynchronous runtime.
fn client() -> Result<reqwest::blocking::Client, String> {
    let build = || {
        reqwest::blocking::Client::builder()
            .no_proxy()
            .timeout(EXPORT_TIMEOUT)
            .build()
    };
    let built = std::thread::spawn(build).join();
    built
        .map_err(|_| "its client panicked".to_owned())?
        .map_err(|error| error.to_string())
}
