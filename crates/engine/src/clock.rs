//! The engine's own clock. What telemetry says keeps the backends' times.

use std::time::{SystemTime, UNIX_EPOCH};

use model::{Period, Timestamp};
use tokio::time::Instant;

/// Tells the time; cheap to copy.
#[derive(Clone, Copy, Debug)]
pub struct Clock(Source);

#[derive(Clone, Copy, Debug)]
enum Source {
    System,
    Anchored { at: Timestamp, since: Instant },
}

impl Clock {
    /// The machine's clock.
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that shows `at` now and goes on with tokio's clock, which tests pause.
    pub fn starting_at(at: Timestamp) -> Self {
        Self(Source::Anchored {
            at,
            since: Instant::now(),
        })
    }

    /// The present time.
    pub fn now(&self) -> Timestamp {
        match self.0 {
            Source::System => {
                let since = SystemTime::now()
                    .duration_since(UNIX_EPOCH)
                    .unwrap_or_default();
                Timestamp::from_millis(Period::from(since).as_millis())
            }
            Source::Anchored { at, since } => at.plus(since.elapsed().into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn an_anchored_clock_goes_on_with_tokio_s() {
        let clock = Clock::starting_at(Timestamp::from_millis(5_000));
        tokio::time::advance(std::time::Duration::from_millis(1_500)).await;
        assert_eq!(clock.now(), Timestamp::from_millis(6_500));
    }
}
