//! What a store is told at its start: plain data, checked before a port is bound.

use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use crate::logs::LogsConfig;
use crate::traces::TraceLimits;

/// Everything that [`crate::Store::start`] needs.
#[derive(Debug, Clone)]
pub struct Config {
    /// The address to listen on; loopback unless told otherwise.
    pub bind: IpAddr,
    /// The ports to try first; another is taken when one is in use.
    pub ports: Ports,
    /// Memory, retention and query bounds.
    pub limits: Limits,
    /// Prometheus rule files, as text.
    pub rules: Vec<RuleFile>,
    /// How often a rule group without an `interval` of its own is evaluated.
    pub rule_interval: Duration,
    /// An Alertmanager configuration file, as text; without one nobody is notified.
    pub alertmanager: Option<String>,
    /// Where pods are discovered; nothing is collected without it.
    pub kubernetes: Option<KubernetesAccess>,
    /// How often each target is scraped.
    pub scrape_interval: Duration,
    /// How long one scrape may take; shorter than the interval.
    pub scrape_timeout: Duration,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            bind: IpAddr::V4(Ipv4Addr::LOCALHOST),
            ports: Ports::default(),
            limits: Limits::default(),
            rules: Vec::new(),
            rule_interval: Duration::from_secs(1),
            alertmanager: None,
            kubernetes: None,
            scrape_interval: Duration::from_secs(1),
            scrape_timeout: Duration::from_millis(900),
        }
    }
}

/// The preferred ports; 0 lets the kernel choose.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ports {
    /// Mimir's HTTP API.
    pub mimir: u16,
    /// Loki's HTTP API.
    pub loki: u16,
    /// Tempo's HTTP API.
    pub tempo: u16,
    /// OTLP over HTTP.
    pub otlp: u16,
    /// OTLP over gRPC; the other port takes it as well.
    pub otlp_grpc: u16,
}

impl Default for Ports {
    fn default() -> Self {
        Self {
            mimir: 9009,
            loki: 3100,
            tempo: 3200,
            otlp: 4318,
            otlp_grpc: 4317,
        }
    }
}

impl Ports {
    /// Ports chosen by the kernel, as tests want them.
    #[must_use]
    pub const fn any() -> Self {
        Self {
            mimir: 0,
            loki: 0,
            tempo: 0,
            otlp: 0,
            otlp_grpc: 0,
        }
    }
}

/// Bounds on what is kept and on what a query may cost.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes for metrics; the oldest chunks go first.
    pub metrics_bytes: usize,
    /// Bytes for traces; the oldest traces go first.
    pub traces_bytes: usize,
    /// Series that there may be at once; 0 lets memory alone decide (Mimir: 150,000).
    pub max_series: usize,
    /// Series of one metric that there may be at once; 0 for any number, as in Mimir.
    pub max_series_per_metric: usize,
    /// Samples and exemplars a second that may be pushed; 0 for any number (Mimir: 10,000).
    pub ingestion_rate: f64,
    /// Samples and exemplars that may be pushed at once when there is a rate (Mimir: 200,000).
    pub ingestion_burst: usize,
    /// How much is kept of logs, what is taken of them, and what a query of theirs may cost.
    pub logs: LogsConfig,
    /// What is taken of traces, and how fast.
    pub traces: TraceLimits,
    /// Age after which metrics go even when there is room; by default memory alone decides, so
    /// that recorded data can be loaded whatever its age.
    pub retention: Duration,
    /// Points per series that a range query may ask for (Prometheus: 11,000).
    pub max_points: usize,
    /// Samples that one query may load (Prometheus: 50,000,000).
    pub max_samples: usize,
    /// Bytes that a query's text may have; 0 for any number, as in Mimir.
    pub max_query_bytes: usize,
    /// Queries that run at once (Mimir: 20).
    pub max_concurrent_queries: usize,
    /// Queries that may wait for others; more are answered with 429 (Mimir: 100).
    pub max_outstanding_queries: usize,
    /// How long a query may run (Prometheus: 2 minutes).
    pub query_timeout: Duration,
    /// How far back a late sample is still taken (Mimir's out-of-order window).
    pub out_of_order_window: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            metrics_bytes: 96 << 20,
            traces_bytes: 96 << 20,
            max_series: 150_000,
            max_series_per_metric: 0,
            ingestion_rate: 0.0,
            ingestion_burst: 200_000,
            logs: LogsConfig::default(),
            traces: TraceLimits::default(),
            retention: Duration::from_secs(10 * 365 * 24 * 3600),
            max_points: 11_000,
            max_samples: 50_000_000,
            max_query_bytes: 0,
            max_concurrent_queries: 20,
            max_outstanding_queries: 100,
            query_timeout: Duration::from_secs(120),
            out_of_order_window: Duration::from_secs(24 * 3600),
        }
    }
}

/// One Prometheus rule file: a name for messages, and its text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuleFile {
    /// What errors and `/api/v1/rules` call the file.
    pub name: String,
    /// The YAML text.
    pub text: String,
}

/// Plain-HTTP access to a Kubernetes API.
#[derive(Clone, PartialEq, Eq)]
pub struct KubernetesAccess {
    /// Such as `http://127.0.0.1:6444`, without a path.
    pub base_url: String,
    /// The bearer token to send.
    pub token: String,
}

impl std::fmt::Debug for KubernetesAccess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KubernetesAccess")
            .field("base_url", &self.base_url)
            .finish_non_exhaustive()
    }
}
