//! The ruler: Prometheus rule files, evaluated on time.
