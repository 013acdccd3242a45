//! Metrics: the time series database, PromQL, and Mimir's HTTP API.

use crate::Limits;
use crate::clock::Clock;

pub mod api;
pub mod chunk;
pub mod head;
pub mod labels;
mod limits;
pub mod matcher;
pub mod otlp;
pub mod promql;
pub mod remote_write;
pub mod text;

pub use head::{AppendError, Exemplar, Head, Metadata, SeriesRef};
pub use labels::Labels;
use limits::RateLimit;
pub use matcher::{MatchOp, Matcher};

/// One value at one moment.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Sample {
    /// Milliseconds since the epoch.
    pub t: i64,
    /// The value.
    pub v: f64,
}

/// The bits of the NaN that says "this series ended here" (Prometheus' staleness marker).
pub const STALE_BITS: u64 = 0x7ff0_0000_0000_0002;

/// The staleness marker.
#[must_use]
pub const fn stale() -> f64 {
    f64::from_bits(STALE_BITS)
}

/// Whether `v` is the staleness marker.
#[must_use]
pub const fn is_stale(v: f64) -> bool {
    v.to_bits() == STALE_BITS
}

/// All metrics that are kept.
#[derive(Debug)]
pub struct Metrics {
    head: Head,
    clock: Clock,
    limits: Limits,
    rate: RateLimit,
    receiver: remote_write::Receiver,
}

impl Metrics {
    /// An empty store with these bounds.
    #[must_use]
    pub fn new(limits: &Limits, clock: Clock) -> Self {
        Self {
            head: Head::new(limits),
            clock,
            limits: limits.clone(),
            rate: RateLimit::new(limits),
            receiver: remote_write::Receiver::default(),
        }
    }

    /// The samples themselves.
    #[must_use]
    pub const fn head(&self) -> &Head {
        &self.head
    }

    /// What takes remote writes.
    #[must_use]
    pub const fn receiver(&self) -> &remote_write::Receiver {
        &self.receiver
    }

    /// The clock that says what "now" is.
    #[must_use]
    pub const fn clock(&self) -> Clock {
        self.clock
    }

    /// Lets so many samples and exemplars be written now, or refuses them for their number.
    fn admit(&self, items: usize) -> Result<(), limits::Refused> {
        self.rate.admit(items)
    }

    /// The bounds that were configured.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }
}
