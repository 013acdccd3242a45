//! How many questions are answered at once, and how many may wait.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// The entrance for questions.
#[derive(Debug)]
pub(super) struct Gate {
    running: Arc<Semaphore>,
    waiting: AtomicUsize,
    most_waiting: usize,
}

/// Tempo's words for more questions than may wait.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("too many outstanding requests")]
pub(super) struct TooMany;

/// Counts one that waits, for as long as it does.
struct Waiting<'a>(&'a AtomicUsize);

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Gate {
    /// One that lets `running` pass, and `waiting` wait.
    pub(super) fn new(running: usize, waiting: usize) -> Self {
        Self {
            running: Arc::new(Semaphore::new(running.max(1))),
            waiting: AtomicUsize::new(0),
            most_waiting: waiting,
        }
    }

    /// Waits for a place, which is held until the question is answered, heard or not.
    ///
    /// # Errors
    /// [`TooMany`], at once, if too many wait already.
    pub(super) async fn enter(&self) -> Result<OwnedSemaphorePermit, TooMany> {
        if let Ok(place) = Arc::clone(&self.running).try_acquire_owned() {
            return Ok(place);
        }
        let before = self.waiting.fetch_add(1, Ordering::Relaxed);
        let _waiting = Waiting(&self.waiting);
        if before >= self.most_waiting {
            return Err(TooMany);
        }
        // It is never closed.
        let running = Arc::clone(&self.running);
        running.acquire_owned().await.map_err(|_| TooMany)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_more_than_may_wait_is_refused() {
        let gate = Gate::new(1, 1);
        let running = gate.enter().await.unwrap();
        let mut waiting = Box::pin(gate.enter());
        assert!(futures::poll!(&mut waiting).is_pending());
        assert_eq!(gate.enter().await.err(), Some(TooMany));
        drop(running);
        assert!(waiting.await.is_ok());
        assert!(gate.enter().await.is_ok(), "nobody waits any more");
    }
}
