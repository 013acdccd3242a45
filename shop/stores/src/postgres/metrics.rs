//! What postgres_exporter tells of a server, for this one.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use super::PostgresConfig;
use crate::exporter::{Exposition, Histogram};

/// Counters of one server.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    commits: AtomicU64,
    rollbacks: AtomicU64,
    failures: AtomicU64,
    durations: [Histogram; VERBS.len()],
}

const VERBS: [&str; 5] = ["select", "insert", "update", "delete", "other"];

impl Metrics {
    pub(super) fn commit(&self) {
        self.commits.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn rollback(&self) {
        self.rollbacks.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn statement(&self, took: Duration, verb: &str, succeeded: bool) {
        let at = VERBS
            .iter()
            .position(|known| *known == verb)
            .unwrap_or(VERBS.len() - 1);
        self.durations[at].observe(took);
        if !succeeded {
            self.failures.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(super) fn render(&self, config: &PostgresConfig, connected: usize) -> String {
        let count = |counter: &AtomicU64| counter.load(Ordering::Relaxed) as f64;
        let database = [("datname", config.database.as_str())];
        let mut out = Exposition::default();
        out.gauge("pg_up", "Whether the server answers.", &[], 1.0);
        out.gauge(
            "pg_stat_database_numbackends",
            "Clients that are connected.",
            &database,
            connected as f64,
        );
        out.counter(
            "pg_stat_database_xact_commit",
            "Transactions committed.",
            &database,
            count(&self.commits),
        );
        out.counter(
            "pg_stat_database_xact_rollback",
            "Transactions rolled back.",
            &database,
            count(&self.rollbacks),
        );
        out.counter(
            "pg_statement_errors_total",
            "Statements that failed.",
            &database,
            count(&self.failures),
        );
        out.gauge(
            "pg_settings_max_connections",
            "Clients that may be connected.",
            &[],
            config.max_connections as f64,
        );
        let read_only = if config.faults.read_only { 1.0 } else { 0.0 };
        out.gauge(
            "pg_settings_default_transaction_read_only",
            "Whether transactions may only read.",
            &[],
            read_only,
        );
        out.family(
            "pg_statement_duration_seconds",
            "How long statements took.",
            "histogram",
        );
        for (verb, histogram) in VERBS.iter().zip(&self.durations) {
            histogram.render(
                &mut out,
                "pg_statement_duration_seconds",
                &[("datname", &config.database), ("verb", verb)],
            );
        }
        out.finish()
    }
}
