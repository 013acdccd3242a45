//! Clients that read metrics, logs and traces from Mimir, Loki and Tempo.
