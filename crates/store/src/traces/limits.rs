//! What is taken in, and how fast: Tempo's limits, with its words.
//!
//! Source: <https://grafana.com/docs/tempo/latest/configuration/#overrides>.

use std::sync::{Mutex, PoisonError};

use super::hex::trace_hex;

/// Limits of ingestion; 0 is no limit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TraceLimits {
    /// Bytes in a second (Tempo: `ingestion.rate_limit_bytes`, 30 MB by default).
    pub bytes_per_second: u64,
    /// Bytes at once (Tempo: `ingestion.burst_size_bytes`, 30 MB by default).
    pub burst_bytes: u64,
    /// Bytes of one trace (Tempo: `global.max_bytes_per_trace`, 5 MB by default).
    pub bytes_per_trace: usize,
    /// Traces kept (Tempo: `ingestion.max_traces_per_user`, of those that are still written to).
    pub live_traces: usize,
}

impl Default for TraceLimits {
    /// Tempo's size of a trace; otherwise memory alone decides, as whoever is in a lab has it to
    /// himself.
    fn default() -> Self {
        Self {
            bytes_per_second: 0,
            burst_bytes: 0,
            bytes_per_trace: 5_000_000,
            live_traces: 0,
        }
    }
}

/// Why spans were not taken.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PushError {
    /// A trace's id has not 16 bytes; nothing of the request was taken.
    #[error("trace ids must be 128 bit, received {0} bits")]
    TraceId(usize),
    /// A span's id has not 8 bytes, or is 0; nothing of the request was taken.
    #[error("span ids must be 64 bit and not all zero, received {0} bits")]
    SpanId(usize),
    /// Too much came at once; nothing of the request was taken.
    #[error(
        "RATE_LIMITED: ingestion rate limit (local: {rate} bytes/s, global: 0 bytes/s, burst: \
         {burst} bytes) exceeded while adding {bytes} bytes for user single-tenant. consider \
         increasing the limit or reducing ingestion rate."
    )]
    Rate {
        /// Bytes in a second.
        rate: u64,
        /// Bytes at once.
        burst: u64,
        /// Bytes of the request.
        bytes: usize,
    },
}

/// Spans of a request that were left out while the others were taken.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rejected {
    /// How many.
    pub spans: i64,
    /// Why, for the first trace of them.
    pub message: String,
}

impl Rejected {
    fn add(&mut self, spans: usize, message: String) {
        self.spans += spans as i64;
        if self.message.is_empty() {
            self.message = message;
        }
    }

    pub(super) fn too_large(&mut self, spans: usize, limit: usize, bytes: usize, id: &[u8]) {
        let id = trace_hex(id);
        self.add(
            spans,
            format!(
                "TRACE_TOO_LARGE: max size of trace ({limit}) exceeded while adding {bytes} bytes \
                 to trace {id} for tenant single-tenant"
            ),
        );
    }

    pub(super) fn too_many(&mut self, spans: usize, limit: usize) {
        self.add(
            spans,
            format!(
                "LIVE_TRACES_EXCEEDED: max live traces exceeded for tenant single-tenant: \
                 per-user traces limit (local: {limit} global: 0 actual local: {limit}) exceeded"
            ),
        );
    }
}

/// A bucket that fills with the rate, up to the burst.
#[derive(Debug)]
pub(super) struct Bucket {
    rate: u64,
    burst: u64,
    /// Bytes that are left, and when that was counted.
    left: Mutex<(f64, i64)>,
}

impl Bucket {
    pub(super) fn new(limits: &TraceLimits) -> Self {
        let burst = limits.burst_bytes.max(limits.bytes_per_second);
        Self {
            rate: limits.bytes_per_second,
            burst,
            left: Mutex::new((burst as f64, 0)),
        }
    }

    /// Takes `bytes` at a time of day in nanoseconds.
    ///
    /// # Errors
    /// [`PushError::Rate`] if there are not so many.
    pub(super) fn take(&self, bytes: usize, now: i64) -> Result<(), PushError> {
        if self.rate == 0 {
            return Ok(());
        }
        let mut left = self.left.lock().unwrap_or_else(PoisonError::into_inner);
        let passed = now.saturating_sub(left.1).max(0) as f64 / 1e9;
        let there = (left.0 + passed * self.rate as f64).min(self.burst as f64);
        *left = (there, now);
        if there < bytes as f64 {
            return Err(PushError::Rate {
                rate: self.rate,
                burst: self.burst,
                bytes,
            });
        }
        left.0 = there - bytes as f64;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bucket_fills_with_the_rate() {
        let bucket = Bucket::new(&TraceLimits {
            bytes_per_second: 10,
            burst_bytes: 20,
            ..TraceLimits::default()
        });
        let second = 1_000_000_000;
        for (now, bytes, taken) in [
            (second, 15, true),
            (second, 10, false),
            (2 * second, 10, true),
            (2 * second, 6, false),
            (100 * second, 21, false),
            (100 * second, 20, true),
        ] {
            assert_eq!(bucket.take(bytes, now).is_ok(), taken, "{bytes} at {now}");
        }
        let message = bucket.take(30, 100 * second).map_err(|e| e.to_string());
        assert_eq!(
            message,
            Err(
                "RATE_LIMITED: ingestion rate limit (local: 10 bytes/s, global: 0 bytes/s, burst: \
                 20 bytes) exceeded while adding 30 bytes for user single-tenant. consider \
                 increasing the limit or reducing ingestion rate."
                    .to_owned()
            )
        );
    }
}
