//! One series: sealed chunks, the chunk being written, and late samples.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::AppendError;
use crate::metrics::Sample;
use crate::metrics::chunk::{CHUNK_SAMPLES, Chunk, OpenChunk};
use crate::metrics::labels::Labels;

/// Late samples that are kept unsealed.
const LATE_SAMPLES: usize = 64;

/// A series, shared by the index, its writers and the queries that read it.
#[derive(Debug, Clone)]
pub struct SeriesRef(Arc<Series>);

#[derive(Debug)]
struct Series {
    labels: Labels,
    base_bytes: usize,
    total: Arc<AtomicUsize>,
    data: Mutex<Data>,
}

#[derive(Debug, Default)]
struct Data {
    sealed: VecDeque<Chunk>,
    open: OpenChunk,
    late: Vec<Sample>,
    overlapping: bool,
    retired: bool,
    sealed_bytes: usize,
    bytes: usize,
}

impl SeriesRef {
    pub(super) fn new(labels: Labels, base_bytes: usize, total: Arc<AtomicUsize>) -> Self {
        total.fetch_add(base_bytes, Ordering::Relaxed);
        Self(Arc::new(Series {
            labels,
            base_bytes,
            total,
            data: Mutex::default(),
        }))
    }

    /// The same, still empty series with label strings that are shared with others.
    pub(super) fn with_labels(self, labels: Labels) -> Self {
        Self(Arc::new(Series {
            labels,
            base_bytes: self.0.base_bytes,
            total: Arc::clone(&self.0.total),
            data: Mutex::default(),
        }))
    }

    /// Its labels, the metric's name included.
    #[must_use]
    pub fn labels(&self) -> &Labels {
        &self.0.labels
    }

    /// The samples of `min_t..=max_t` in order, staleness markers included.
    #[must_use]
    pub fn samples(&self, min_t: i64, max_t: i64) -> Vec<Sample> {
        let mut out = Vec::new();
        self.read(min_t, max_t, &mut out);
        out
    }

    /// Puts the samples of [`SeriesRef::samples`] into `out`, in place of what was there. A
    /// writer waits meanwhile, some microseconds for a chunk.
    pub(crate) fn read(&self, min_t: i64, max_t: i64, out: &mut Vec<Sample>) {
        out.clear();
        let data = self.lock();
        let wanted = |c: &&Chunk| c.max_t >= min_t && c.min_t <= max_t;
        for chunk in data.sealed.iter().filter(wanted) {
            chunk.read(min_t, max_t, out);
        }
        let open = data.open.range();
        if open.is_some_and(|(first, last)| last >= min_t && first <= max_t) {
            data.open.read(min_t, max_t, out);
        }
        if data.overlapping {
            let late = data.late.iter();
            out.extend(late.filter(|s| (min_t..=max_t).contains(&s.t)));
            out.sort_by_key(|s| s.t);
            out.dedup_by_key(|s| s.t);
        }
    }

    /// Whether it may have samples in `min_t..=max_t`.
    #[must_use]
    pub fn overlaps(&self, min_t: i64, max_t: i64) -> bool {
        let data = self.lock();
        let hits = |(first, last): (i64, i64)| last >= min_t && first <= max_t;
        data.sealed.iter().any(|c| hits((c.min_t, c.max_t)))
            || data.open.range().is_some_and(hits)
            || data.late.iter().any(|s| hits((s.t, s.t)))
    }

    pub(super) fn append(&self, t: i64, v: f64, oldest: i64) -> Result<bool, AppendError> {
        let mut data = self.lock();
        if data.retired {
            return Ok(false);
        }
        let before = data.bytes;
        data.append(t, v, oldest)?;
        let now = data.count_bytes();
        drop(data);
        self.account(before, now);
        Ok(true)
    }

    /// When each chunk ends and what it takes.
    pub(super) fn chunk_sizes(&self) -> Vec<(i64, usize)> {
        let data = self.lock();
        let mut sizes: Vec<(i64, usize)> =
            data.sealed.iter().map(|c| (c.max_t, c.size())).collect();
        if let Some((_, last)) = data.open.range() {
            sizes.push((last, data.open.size() + self.0.base_bytes));
        }
        sizes
    }

    /// Drops what ended before `t`; true when nothing is left.
    pub(super) fn truncate(&self, t: i64) -> bool {
        let mut data = self.lock();
        let before = data.bytes;
        data.sealed.retain(|c| c.max_t >= t);
        data.late.retain(|s| s.t >= t);
        data.late.shrink_to_fit();
        if data.open.range().is_some_and(|(_, last)| last < t) {
            data.open = OpenChunk::default();
        }
        data.sealed_bytes = data.sealed.iter().map(Chunk::size).sum();
        let now = data.count_bytes();
        let empty = data.is_empty();
        drop(data);
        self.account(before, now);
        empty
    }

    /// Marks it as removed when it is (still) empty; no sample is taken from then on.
    pub(super) fn retire(&self) -> bool {
        let mut data = self.lock();
        if data.retired || !data.is_empty() {
            return false;
        }
        data.retired = true;
        drop(data);
        self.account(self.0.base_bytes, 0);
        true
    }

    fn account(&self, before: usize, after: usize) {
        if after == before {
            return;
        }
        if after > before {
            self.0.total.fetch_add(after - before, Ordering::Relaxed);
        } else {
            self.0.total.fetch_sub(before - after, Ordering::Relaxed);
        }
    }

    fn lock(&self) -> MutexGuard<'_, Data> {
        self.0.data.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Data {
    fn append(&mut self, t: i64, v: f64, oldest: i64) -> Result<(), AppendError> {
        let last = self
            .open
            .range()
            .map(|(_, last)| last)
            .or_else(|| self.sealed.iter().map(|c| c.max_t).max());
        match last {
            Some(last) if t == last && self.open.count() > 0 => {
                if self.open.last_bits() == v.to_bits() {
                    return Ok(());
                }
                return Err(AppendError::Duplicate);
            }
            Some(last) if t <= last => return self.append_late(t, v, oldest),
            _ => {}
        }
        self.open.push(t, v);
        if self.open.count() >= CHUNK_SAMPLES {
            let chunk = self.open.seal();
            self.seal(chunk);
        }
        Ok(())
    }

    fn append_late(&mut self, t: i64, v: f64, oldest: i64) -> Result<(), AppendError> {
        if t < oldest {
            return Err(AppendError::TooOld(0));
        }
        if let Some(there) = self.value_at(t) {
            if there.to_bits() == v.to_bits() {
                return Ok(());
            }
            return Err(AppendError::Duplicate);
        }
        self.overlapping = true;
        let at = self.late.partition_point(|s| s.t < t);
        self.late.insert(at, Sample { t, v });
        if self.late.len() >= LATE_SAMPLES {
            let mut chunk = OpenChunk::default();
            for s in self.late.drain(..) {
                chunk.push(s.t, s.v);
            }
            self.seal(chunk.seal());
        }
        Ok(())
    }

    fn value_at(&self, t: i64) -> Option<f64> {
        let mut found = Vec::new();
        for c in self.sealed.iter().filter(|c| c.min_t <= t && c.max_t >= t) {
            c.read(t, t, &mut found);
        }
        self.open.read(t, t, &mut found);
        found.extend(self.late.iter().filter(|s| s.t == t));
        found.first().map(|s| s.v)
    }

    fn seal(&mut self, chunk: Chunk) {
        self.sealed_bytes += chunk.size();
        self.sealed.push_back(chunk);
    }

    fn count_bytes(&mut self) -> usize {
        let late = self.late.capacity() * size_of::<Sample>();
        self.bytes = self.open.size() + late + self.sealed_bytes;
        self.bytes
    }

    fn is_empty(&self) -> bool {
        self.sealed.is_empty() && self.late.is_empty() && self.open.count() == 0
    }
}
