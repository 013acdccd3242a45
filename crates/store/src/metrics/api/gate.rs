//! How many queries run at once, how many may wait, and what the others hear.

use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{Semaphore, SemaphorePermit};

use super::answer::{ApiError, ErrorKind};
use crate::Limits;

/// The entrance to the query engine.
#[derive(Debug)]
pub(super) struct Gate {
    running: Semaphore,
    waiting: AtomicUsize,
    most_waiting: usize,
}

/// Counts one that waits, for as long as it does.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gate {
    pub(super) fn new(limits: &Limits) -> Self {
        Self {
            running: Semaphore::new(limits.max_concurrent_queries.max(1)),
            waiting: AtomicUsize::new(0),
            most_waiting: limits.max_outstanding_queries,
        }
    }

    /// Waits for a place; refused at once when too many wait already.
    pub(super) async fn enter(&self) -> Result<SemaphorePermit<'_>, ApiError> {
        if let Ok(place) = self.running.try_acquire() {
            return Ok(place);
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if before >= self.most_waiting {
            return Err(ApiError {
                kind: ErrorKind::TooManyRequests,
                message: "too many outstanding requests".to_owned(),
            });
        }
        self.running.acquire().await.map_err(|e| ApiError {
            kind: ErrorKind::Internal,
            message: e.to_string(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_more_than_may_wait_is_refused() {
        let gate = Gate::new(&Limits {
            max_concurrent_queries: 1,
            max_outstanding_queries: 1,
            ..Limits::default()
        });
        let running = gate.enter().await.unwrap();
        let mut waiting = Box::pin(gate.enter());
        assert!(futures::poll!(&mut waiting).is_pending());
        let refused = gate.enter().await.unwrap_err();
        assert_eq!(refused.kind, ErrorKind::TooManyRequests);
        assert_eq!(refused.message, "too many outstanding requests");
        drop(running);
        assert!(waiting.await.is_ok());
        assert!(gate.enter().await.is_ok(), "nobody waits any more");
    }
}
