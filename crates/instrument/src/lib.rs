//! What a service uses to emit telemetry: metrics, JSON logs, OTLP traces, context propagation.
