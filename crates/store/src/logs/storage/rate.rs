//! A token bucket, by which Loki limits rates.

/// Tokens are bytes; a full bucket holds the burst.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bucket {
    /// Bytes taken that time has not paid for yet.
    debt: f64,
    last: i64,
}

impl Bucket {
    /// Takes `size` bytes at the time `now` (nanoseconds) if the rate (bytes a second, burst)
    /// allows it.
    pub(crate) fn take(&mut self, size: u64, (rate, burst): (u64, u64), now: i64) -> bool {
        let passed = now.saturating_sub(self.last).max(0) as f64 / 1e9;
        self.last = self.last.max(now);
        self.debt = (self.debt - passed * rate as f64).max(0.0);
        if self.debt + size as f64 > burst as f64 {
            return false;
        }
        self.debt += size as f64;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_burst_is_taken_and_then_no_more_than_the_rate() {
        let mut bucket = Bucket::default();
        let rate = (10, 30);
        for (second, size, taken) in [
            (0, 30, true),
            (0, 1, false),
            (1, 10, true),
            (1, 1, false),
            (10, 30, true),
            (11, 31, false),
        ] {
            let now = second * 1_000_000_000;
            assert_eq!(bucket.take(size, rate, now), taken, "{second} s, {size} B");
        }
    }
}
