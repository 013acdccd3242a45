//! Who emits: the name and the release that telemetry carries.

/// Who emits telemetry, and where its traces go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceIdentity {
    /// `service` of every log line and metric, and `service.name` of traces.
    pub service: String,
    /// `service.version` of traces, such as `v1.0.0`; empty leaves it out.
    pub version: String,
    /// `service.instance.id` of traces, such as the pod's address; empty leaves it out.
    pub instance: String,
    /// Base URL of the OTLP/HTTP receiver, such as `http://tempo.observability:4318`.
    /// `None` makes no exporter: trace ids still exist, spans go nowhere.
    pub otlp_endpoint: Option<String>,
}

impl ServiceIdentity {
    /// An identity with a name alone, exporting no traces.
    pub fn named(service: impl Into<String>) -> Self {
        Self {
            service: service.into(),
            ..Self::default()
        }
    }
}
