//! One stream: chunks that are full, and the one that grows.

use std::collections::VecDeque;
use std::sync::Arc;

use super::chunk::Chunk;
use super::rate::Bucket;
use crate::logs::ingest::Fault;
use crate::logs::labels::Labels;
use crate::logs::{Entry, LogsConfig};

/// Lines by labels.
#[derive(Debug)]
pub(crate) struct Stream {
    /// Its labels.
    pub labels: Arc<Labels>,
    sealed: VecDeque<Arc<Chunk>>,
    sealed_bytes: usize,
    head: Arc<Chunk>,
    newest: i64,
    bucket: Bucket,
}

impl Stream {
    /// A stream without lines.
    pub(crate) fn new(labels: Arc<Labels>) -> Self {
        Self {
            labels,
            sealed: VecDeque::new(),
            sealed_bytes: 0,
            head: Arc::default(),
            newest: i64::MIN,
            bucket: Bucket::default(),
        }
    }

    /// Takes entries, but none that is too far behind the newest, nor more than the stream's
    /// rate allows; an entry that is there already is taken silently. Gives the refused.
    pub(crate) fn append(
        &mut self,
        entries: Vec<Entry>,
        config: &LogsConfig,
        now: i64,
    ) -> Vec<(i64, Fault)> {
        let window = i64::try_from(config.out_of_order_window.as_nanos()).unwrap_or(i64::MAX);
        let full = chunk_size(config);
        let mut refused = Vec::new();
        for entry in entries {
            let cutoff = self.newest.saturating_sub(window);
            if entry.ts < cutoff {
                refused.push((entry.ts, Fault::TooFarBehind(entry.ts, cutoff)));
                continue;
            }
            let size = entry.line.len() as u64;
            if let Some(rate) = config.stream_rate
                && !self.bucket.take(size, rate, now)
            {
                let fault = Fault::StreamRate(rate.0, Arc::clone(&self.labels), size);
                refused.push((entry.ts, fault));
                continue;
            }
            let newest = entry.ts > self.newest;
            self.newest = self.newest.max(entry.ts);
            if newest || !self.holds(&entry) {
                self.insert(&entry, full);
            }
        }
        refused
    }

    fn holds(&self, entry: &Entry) -> bool {
        self.chunks()
            .filter(|c| c.max() >= entry.ts && c.min() <= entry.ts)
            .any(|c| c.holds(entry.ts, &entry.line, &entry.metadata))
    }

    fn insert(&mut self, entry: &Entry, full: usize) {
        if self.head.bytes() >= full {
            let mut head = std::mem::take(&mut self.head);
            Arc::make_mut(&mut head).seal();
            self.sealed_bytes += head.bytes();
            self.sealed.push_back(head);
        }
        // A copy only when a query reads this chunk right now.
        Arc::make_mut(&mut self.head).push(entry.ts, &entry.line, &entry.metadata);
    }

    /// Its chunks, the one that grows last.
    pub(crate) fn chunks(&self) -> impl Iterator<Item = &Arc<Chunk>> {
        self.sealed
            .iter()
            .chain((self.head.len() > 0).then_some(&self.head))
    }

    /// Bytes that it takes.
    pub(crate) fn bytes(&self) -> usize {
        self.sealed_bytes + self.head.bytes()
    }

    /// Drops the chunks whose last line is not newer than `last`; gives how many.
    pub(crate) fn drop_until(&mut self, last: i64) -> u64 {
        let before = self.chunks().count();
        self.sealed.retain(|chunk| chunk.max() > last);
        self.sealed_bytes = self.sealed.iter().map(|c| c.bytes()).sum();
        if self.head.max() <= last {
            self.head = Arc::default();
        }
        (before - self.chunks().count()) as u64
    }

    /// Whether it has no line.
    pub(crate) fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.head.len() == 0
    }
}

/// The size at which a chunk is full: small beside the memory there is, as a chunk is what is
/// dropped at once.
fn chunk_size(config: &LogsConfig) -> usize {
    (config.max_bytes / 32).clamp(4 << 10, 512 << 10)
}
