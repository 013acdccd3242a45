//! The time of day, from tokio's clock: a test that pauses tokio's time also
//! stops, and moves, the time that rules and scrapes see.

use std::time::{SystemTime, UNIX_EPOCH};

use tokio::time::Instant;

/// A clock that ticks with tokio's and knows the time of day.
#[derive(Debug, Clone, Copy)]
pub struct Clock {
    epoch_ms: i64,
    started: Instant,
}

impl Clock {
    /// The real time of day, read once; from there on tokio's clock counts.
    #[must_use]
    pub fn system() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        Self::at(now.map_or(0, |d| i64::try_from(d.as_millis()).unwrap_or(i64::MAX)))
    }

    /// A clock that shows `epoch_ms` (milliseconds since the epoch) now.
    #[must_use]
    pub fn at(epoch_ms: i64) -> Self {
        Self {
            epoch_ms,
            started: Instant::now(),
        }
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        let passed = i64::try_from(self.started.elapsed().as_millis()).unwrap_or(i64::MAX);
        self.epoch_ms.saturating_add(passed)
    }

    /// Nanoseconds since the epoch.
    #[must_use]
    pub fn now_ns(&self) -> i64 {
        let passed = i64::try_from(self.started.elapsed().as_nanos()).unwrap_or(i64::MAX);
        self.epoch_ms
            .saturating_mul(1_000_000)
            .saturating_add(passed)
    }

    /// The tokio instant at which this clock will show `epoch_ms`; now when it is past.
    #[must_use]
    pub fn instant_at(&self, epoch_ms: i64) -> Instant {
        let wait = u64::try_from(epoch_ms.saturating_sub(self.epoch_ms)).unwrap_or(0);
        self.started + std::time::Duration::from_millis(wait)
    }
}
