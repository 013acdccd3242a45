//! What redis_exporter tells of a server, for this one.

use super::data::DATABASES;
use super::server::Shared;
use crate::exporter::Exposition;

#[expect(clippy::cast_precision_loss, reason = "samples are floats")]
pub(super) fn render(shared: &Shared) -> String {
    let state = shared.state();
    let keys = &state.keys;
    let mut out = Exposition::default();
    out.gauge("redis_up", "Whether the server answers.", &[], 1.0);
    out.gauge(
        "redis_uptime_in_seconds",
        "Seconds since the start.",
        &[],
        shared.started.elapsed().as_secs_f64().floor(),
    );
    out.gauge(
        "redis_connected_clients",
        "Clients that are connected.",
        &[],
        state.clients as f64,
    );
    out.gauge(
        "redis_config_maxclients",
        "Clients that may be connected.",
        &[],
        shared.config.max_clients as f64,
    );
    out.gauge(
        "redis_memory_used_bytes",
        "Bytes that keys and values take.",
        &[],
        keys.memory as f64,
    );
    out.gauge(
        "redis_memory_max_bytes",
        "Bytes that they may take; 0 for no bound.",
        &[],
        state.max_memory as f64,
    );
    out.counter(
        "redis_connections_received_total",
        "Connections accepted.",
        &[],
        state.accepted as f64,
    );
    out.counter(
        "redis_rejected_connections_total",
        "Connections refused: too many.",
        &[],
        state.rejected as f64,
    );
    out.counter(
        "redis_commands_processed_total",
        "Commands answered.",
        &[],
        state.commands as f64,
    );
    out.counter(
        "redis_commands_duration_seconds_total",
        "Seconds that commands took.",
        &[],
        state.busy.as_secs_f64(),
    );
    out.counter(
        "redis_slowlog_last_id",
        "Commands that took longer than 10 ms.",
        &[],
        state.slow as f64,
    );
    out.counter(
        "redis_keyspace_hits_total",
        "Reads that found their key.",
        &[],
        keys.hits as f64,
    );
    out.counter(
        "redis_keyspace_misses_total",
        "Reads that did not.",
        &[],
        keys.misses as f64,
    );
    out.counter(
        "redis_expired_keys_total",
        "Keys that expired.",
        &[],
        keys.expired as f64,
    );
    out.counter(
        "redis_evicted_keys_total",
        "Keys dropped for want of memory.",
        &[],
        keys.evicted as f64,
    );
    for (name, help) in [
        ("redis_db_keys", "Keys in a database."),
        ("redis_db_keys_expiring", "Keys that expire."),
    ] {
        out.family(name, help, "gauge");
        for database in 0..DATABASES {
            let (count, expiring) = keys.size(database);
            if database == 0 || count > 0 {
                let value = if name == "redis_db_keys" {
                    count
                } else {
                    expiring
                };
                out.sample(name, &[("db", &format!("db{database}"))], value as f64);
            }
        }
    }
    out.finish()
}
