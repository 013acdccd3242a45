//! One run of a query: how long it may take, whether anybody waits for it, and what it cost.

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::EvalError;
use crate::logs::logql::{Matcher, units};
use crate::logs::storage::Logs;
use crate::logs::storage::chunk::{Chunk, Chunks, Held};

/// Lines after which it is looked whether a query may go on.
const LOOK_EVERY: u64 = 4096;

/// Tells a query to end when nobody waits for it any more.
#[derive(Clone, Debug, Default)]
pub(crate) struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// Ends the query when this guard goes.
    pub(crate) fn guard(&self) -> impl Drop + use<> {
        struct Guard(Arc<AtomicBool>);
        impl Drop for Guard {
            fn drop(&mut self) {
                self.0.store(true, Ordering::Relaxed);
            }
        }
        Guard(Arc::clone(&self.0))
    }
}

/// What a query has read and found.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Cost {
    /// Lines that were looked at.
    pub lines: u64,
    /// Their bytes.
    pub bytes: u64,
    /// Bytes of their structured metadata.
    pub metadata_bytes: u64,
    /// Lines that passed the filters.
    pub kept: u64,
    /// Chunks that were looked at.
    pub chunks: u64,
}

/// A query that runs.
#[derive(Debug)]
pub(crate) struct Run<'a> {
    /// Where its lines are.
    pub store: &'a Logs,
    started: Instant,
    cancel: Cancel,
    cost: Cell<Cost>,
}

impl<'a> Run<'a> {
    /// Begins now.
    pub(crate) fn new(store: &'a Logs, cancel: Cancel) -> Self {
        Self {
            store,
            started: Instant::now(),
            cancel,
            cost: Cell::default(),
        }
    }

    /// What it cost so far.
    pub(crate) const fn cost(&self) -> Cost {
        self.cost.get()
    }

    /// How long it has run.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// Whether it may go on.
    ///
    /// # Errors
    /// [`EvalError::Timeout`] and [`EvalError::Cancelled`].
    pub(crate) fn check(&self) -> Result<(), EvalError> {
        if self.cancel.0.load(Ordering::Relaxed) {
            return Err(EvalError::Cancelled);
        }
        if self.started.elapsed() > self.store.config().query_timeout {
            return Err(EvalError::Timeout);
        }
        Ok(())
    }

    /// The chunks with entries within `start <= ts < end`.
    ///
    /// # Errors
    /// [`EvalError::TooManyBytes`] if they hold more than a query may read.
    pub(crate) fn chunks(
        &self,
        matchers: &[Matcher],
        start: i64,
        end: i64,
    ) -> Result<Vec<Chunks>, EvalError> {
        let streams = self.store.chunks(matchers, start, end);
        let mut cost = self.cost.get();
        cost.chunks += streams.iter().map(|s| s.chunks.len() as u64).sum::<u64>();
        self.cost.set(cost);
        let limit = self.store.config().max_query_bytes;
        if limit > 0 {
            let chunks = streams.iter().flat_map(|s| &s.chunks);
            let bytes: usize = chunks.map(|c| c.bytes()).sum();
            if bytes > limit {
                return Err(EvalError::TooManyBytes(
                    units::show_binary(bytes as u64),
                    units::show_binary(limit as u64),
                ));
            }
        }
        Ok(streams)
    }

    /// Counts a line that is looked at.
    ///
    /// # Errors
    /// As [`Run::check`], every now and then.
    pub(crate) fn read(&self, chunk: &Chunk, held: &Held<'_>) -> Result<(), EvalError> {
        let mut cost = self.cost.get();
        let metadata = chunk.metadata_bytes(held.set);
        cost.lines += 1;
        cost.bytes += held.line.len() as u64 + metadata;
        cost.metadata_bytes += metadata;
        self.cost.set(cost);
        if cost.lines.is_multiple_of(LOOK_EVERY) {
            self.check()?;
        }
        Ok(())
    }

    /// Counts a line that passed the filters.
    pub(crate) fn keep(&self) {
        let mut cost = self.cost.get();
        cost.kept += 1;
        self.cost.set(cost);
    }
}
