//! The limits of the log store, named as Loki's `limits_config` names them.
//!
//! Source: <https://grafana.com/docs/loki/latest/configure/#limits_config>. Where a default here
//! differs from Loki's, the field says so.

use std::time::Duration;

/// How much a log store keeps and takes, and what a query may cost.
#[derive(Clone, Debug)]
pub struct LogsConfig {
    /// Bytes of lines and metadata to keep; the oldest chunks are dropped beyond.
    pub max_bytes: usize,
    /// Entries older than this are refused (`reject_old_samples_max_age`).
    pub max_age: Duration,
    /// Entries further in the future than this are refused (`creation_grace_period`).
    pub grace: Duration,
    /// How far an entry may be behind the newest of its stream (half of `max_chunk_age`).
    pub out_of_order_window: Duration,
    /// The longest line that is taken, in bytes (`max_line_size`).
    pub max_line: usize,
    /// Labels that a stream may have, `service_name` aside (`max_label_names_per_series`).
    pub max_labels: usize,
    /// Bytes of a label's name (`max_label_name_length`).
    pub max_label_name: usize,
    /// Bytes of a label's value (`max_label_value_length`).
    pub max_label_value: usize,
    /// Bytes of an entry's structured metadata (`max_structured_metadata_size`).
    pub max_metadata_bytes: usize,
    /// Pairs of an entry's structured metadata (`max_structured_metadata_entries_count`).
    pub max_metadata_count: usize,
    /// Streams that there may be (`max_global_streams_per_user`).
    pub max_streams: usize,
    /// Bytes a second that are taken at most, and the greatest burst (`ingestion_rate_mb`,
    /// `ingestion_burst_size_mb`). Loki's default is 4 MB and 6 MB; here nothing is limited
    /// unless asked for, because one machine has one tenant.
    pub ingestion_rate: Option<(u64, u64)>,
    /// The same for one stream (`per_stream_rate_limit`, `per_stream_rate_limit_burst`).
    pub stream_rate: Option<(u64, u64)>,
    /// Bytes of push requests that are worked on at one time; more are told to come again.
    pub max_push_in_flight: usize,
    /// The most lines that one query may ask for (`max_entries_limit_per_query`).
    pub max_entries: usize,
    /// The longest time range of a query (`max_query_length`); zero is no limit.
    pub max_query_length: Duration,
    /// The most series that a query may give (`max_query_series`).
    pub max_series: usize,
    /// Bytes that the streams of a query may hold (`max_query_bytes_read`); 0 is no limit.
    pub max_query_bytes: usize,
    /// Matchers in one query (`max_streams_matchers_per_query`).
    pub max_matchers: usize,
    /// How long a query may run (`query_timeout`).
    pub query_timeout: Duration,
    /// Points per series that a range query may ask for.
    pub max_points: usize,
    /// Queries that run at one time; the others wait.
    pub max_running: usize,
    /// Queries that may wait (`max_outstanding_per_tenant`); more are told to come again.
    pub max_waiting: usize,
    /// Clients that may tail at one time (`max_concurrent_tail_requests`).
    pub max_tails: usize,
    /// How long one client may tail (`tail_max_duration`).
    pub tail_duration: Duration,
    /// What is experimental in Loki, and off unless asked for.
    pub experimental: Experimental,
}

/// What Loki has but refuses unless it is switched on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Experimental {
    /// `approx_topk` (`shard_aggregations`).
    pub approx_topk: bool,
    /// `variants(...) of (...)` (`enable_multi_variant_queries`).
    pub variants: bool,
}

impl Default for LogsConfig {
    fn default() -> Self {
        Self {
            max_bytes: 96 << 20,
            max_age: Duration::from_secs(7 * 24 * 3600),
            grace: Duration::from_secs(600),
            out_of_order_window: Duration::from_secs(3600),
            max_line: 256 << 10,
            max_labels: 15,
            max_label_name: 1024,
            max_label_value: 2048,
            max_metadata_bytes: 64 << 10,
            max_metadata_count: 128,
            max_streams: 5000,
            ingestion_rate: None,
            stream_rate: None,
            max_push_in_flight: 256 << 20,
            max_entries: 5000,
            max_query_length: Duration::from_secs(721 * 3600),
            max_series: 500,
            max_query_bytes: 0,
            max_matchers: 1000,
            query_timeout: Duration::from_secs(60),
            max_points: 11_000,
            max_running: 4,
            max_waiting: 2048,
            max_tails: 10,
            tail_duration: Duration::from_secs(3600),
            experimental: Experimental::default(),
        }
    }
}
