//! Streams of entries in bounded memory: the oldest chunk goes first.

use std::collections::{BTreeSet, HashMap, VecDeque};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use tokio::sync::broadcast;

use super::labels::Labels;
use super::level;
use super::logql::Matcher;
use crate::Limits;
use crate::clock::Clock;

/// Entries of one chunk; a chunk is what is dropped at once.
const CHUNK_ENTRIES: usize = 1024;
/// Bytes that an entry needs beside its texts.
const ENTRY_OVERHEAD: usize = 64;

/// How much a log store keeps and takes.
#[derive(Clone, Debug)]
pub struct LogsConfig {
    /// Bytes of lines and metadata to keep; the oldest chunk is dropped beyond.
    pub max_bytes: usize,
    /// Entries older than this are refused, as Loki's `reject_old_samples_max_age` does.
    pub max_age: Duration,
    /// The most lines that one query may ask for (`max_entries_limit_per_query`).
    pub max_entries: usize,
    /// How long a query may run.
    pub query_timeout: Duration,
    /// Points per series that a range query may ask for.
    pub max_points: usize,
    /// The longest line that is taken, in bytes (`max_line_size`).
    pub max_line: usize,
}

impl Default for LogsConfig {
    fn default() -> Self {
        Self {
            max_bytes: 64 << 20,
            max_age: Duration::from_secs(7 * 24 * 3600),
            max_entries: 5000,
            query_timeout: Duration::from_secs(120),
            max_points: 11_000,
            max_line: 256 << 10,
        }
    }
}

/// One line with its time and structured metadata.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Nanoseconds since the Unix epoch.
    pub ts: i64,
    /// The line, without its line end.
    pub line: Box<str>,
    /// Structured metadata, sorted by name.
    pub metadata: Vec<(String, String)>,
}

/// What was just appended; sent to whoever tails.
#[derive(Clone, Debug)]
pub struct Appended {
    /// The stream's labels.
    pub labels: Arc<Labels>,
    /// The entries, oldest first.
    pub entries: Vec<Entry>,
}

/// Why a push was refused.
#[derive(Clone, Debug, thiserror::Error)]
pub enum PushError {
    /// The entry's time is further back than the store takes.
    #[error(
        "entry for stream '{labels}' has timestamp too old: {found}, oldest acceptable timestamp is: {oldest}"
    )]
    TooOld {
        /// The stream's labels.
        labels: String,
        /// The entry's time.
        found: String,
        /// The oldest time that is taken.
        oldest: String,
    },
    /// The entry's time is too far in the future.
    #[error("entry for stream '{labels}' has timestamp too new: {found}")]
    TooNew {
        /// The stream's labels.
        labels: String,
        /// The entry's time.
        found: String,
    },
    /// A stream must have at least one label.
    #[error("error at least one label pair is required per stream")]
    NoLabels,
    /// The line is longer than the store takes.
    #[error(
        "max entry size '{max}' bytes exceeded for stream '{labels}' while adding an entry with length '{found}' bytes"
    )]
    TooLong {
        /// The stream's labels.
        labels: String,
        /// The line's length.
        found: usize,
        /// The greatest length.
        max: usize,
    },
}

#[derive(Debug)]
struct Chunk {
    entries: Vec<Arc<Entry>>,
    bytes: usize,
}

impl Chunk {
    fn min(&self) -> i64 {
        self.entries.first().map_or(i64::MAX, |e| e.ts)
    }

    fn max(&self) -> i64 {
        self.entries.last().map_or(i64::MIN, |e| e.ts)
    }
}

#[derive(Debug)]
struct Stream {
    labels: Arc<Labels>,
    chunks: VecDeque<Chunk>,
}

#[derive(Debug, Default)]
struct Inner {
    streams: HashMap<Arc<Labels>, Stream>,
    bytes: usize,
    dropped: u64,
}

/// The entries of one stream within a range of time.
#[derive(Clone, Debug)]
pub struct Selected {
    /// The stream's labels.
    pub labels: Arc<Labels>,
    /// The entries, oldest first.
    pub entries: Vec<Arc<Entry>>,
}

/// A small Loki's memory: streams of entries by labels.
#[derive(Debug)]
pub struct Logs {
    config: LogsConfig,
    clock: Clock,
    inner: RwLock<Inner>,
    tail: broadcast::Sender<Appended>,
}

impl Logs {
    /// An empty store with these bounds.
    #[must_use]
    pub fn new(limits: &Limits, clock: Clock) -> Self {
        let config = LogsConfig {
            max_bytes: limits.logs_bytes,
            query_timeout: limits.query_timeout,
            max_points: limits.max_points,
            ..LogsConfig::default()
        };
        Self {
            config,
            clock,
            inner: RwLock::default(),
            tail: broadcast::channel(1024).0,
        }
    }

    /// The time of day that this store goes by.
    pub fn clock(&self) -> Clock {
        self.clock
    }

    /// The limits of this store.
    pub fn config(&self) -> &LogsConfig {
        &self.config
    }

    /// What is appended from now on.
    pub fn subscribe(&self) -> broadcast::Receiver<Appended> {
        self.tail.subscribe()
    }

    /// Appends `entries` to the stream of `labels`; adds `service_name` to a stream that has
    /// none and `detected_level` to entries that have none. Entries that are taken stay, even
    /// if others are refused; the first refusal is told.
    ///
    /// # Errors
    /// See [`PushError`].
    pub fn push(&self, mut labels: Labels, entries: Vec<Entry>) -> Result<(), PushError> {
        if labels.is_empty() {
            return Err(PushError::NoLabels);
        }
        if labels.get("service_name").is_none() {
            let name = level::service_name(&labels);
            labels.set("service_name", name);
        }
        let now = self.clock.now_ns();
        let oldest = now.saturating_sub(self.config.max_age.as_nanos() as i64);
        let newest = now.saturating_add(10 * 60 * 1_000_000_000);
        let mut refused = None;
        let mut taken = Vec::with_capacity(entries.len());
        for mut entry in entries {
            let fault = if entry.ts < oldest {
                Some(PushError::TooOld {
                    labels: labels.to_string(),
                    found: rfc3339(entry.ts),
                    oldest: rfc3339(oldest / 1_000_000_000 * 1_000_000_000),
                })
            } else if entry.ts > newest {
                Some(PushError::TooNew {
                    labels: labels.to_string(),
                    found: rfc3339(entry.ts),
                })
            } else if entry.line.len() > self.config.max_line {
                Some(PushError::TooLong {
                    labels: labels.to_string(),
                    found: entry.line.len(),
                    max: self.config.max_line,
                })
            } else {
                None
            };
            if let Some(fault) = fault {
                refused.get_or_insert(fault);
                continue;
            }
            if !entry.metadata.iter().any(|(k, _)| k == "detected_level") {
                let level = level::detect(&labels, &entry.metadata, &entry.line);
                entry
                    .metadata
                    .push(("detected_level".to_owned(), level.to_owned()));
            }
            entry.metadata.sort();
            taken.push(entry);
        }
        if !taken.is_empty() {
            let labels = Arc::new(labels);
            if self.tail.receiver_count() > 0 {
                // Nobody listening any more is no fault.
                let _ = self.tail.send(Appended {
                    labels: Arc::clone(&labels),
                    entries: taken.clone(),
                });
            }
            self.insert(labels, taken);
        }
        refused.map_or(Ok(()), Err)
    }

    fn insert(&self, labels: Arc<Labels>, entries: Vec<Entry>) {
        let mut inner = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let stream = inner
            .streams
            .entry(Arc::clone(&labels))
            .or_insert_with(|| Stream {
                labels,
                chunks: VecDeque::new(),
            });
        let mut added = 0;
        for entry in entries {
            added += stream.insert(entry);
        }
        inner.bytes += added;
        while inner.bytes > self.config.max_bytes && inner.drop_oldest() {}
    }

    /// The entries with `start <= ts < end` of the streams that match all `matchers`, sorted
    /// by the streams' labels.
    pub fn select(&self, matchers: &[Matcher], start: i64, end: i64) -> Vec<Selected> {
        self.visit(matchers, start, end, |stream| Selected {
            labels: Arc::clone(&stream.labels),
            entries: stream
                .chunks
                .iter()
                .filter(|c| c.max() >= start && c.min() < end)
                .flat_map(|chunk| {
                    let from = chunk.entries.partition_point(|e| e.ts < start);
                    let to = chunk.entries.partition_point(|e| e.ts < end);
                    chunk.entries[from..to].iter().cloned()
                })
                .collect(),
        })
    }

    /// The labels of the streams that match all `matchers` and have entries within the range.
    pub fn series(&self, matchers: &[Matcher], start: i64, end: i64) -> Vec<Arc<Labels>> {
        self.visit(matchers, start, end, |stream| Arc::clone(&stream.labels))
    }

    /// Names of labels within the range.
    pub fn label_names(&self, matchers: &[Matcher], start: i64, end: i64) -> BTreeSet<String> {
        self.series(matchers, start, end)
            .iter()
            .flat_map(|labels| labels.iter().map(|(k, _)| k.to_owned()).collect::<Vec<_>>())
            .collect()
    }

    /// Chunks dropped so far because memory was full.
    pub fn dropped(&self) -> u64 {
        self.inner
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .dropped
    }

    /// Bytes held now.
    pub fn bytes(&self) -> usize {
        self.inner
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .bytes
    }

    fn visit<T: HasLabels>(
        &self,
        matchers: &[Matcher],
        start: i64,
        end: i64,
        make: impl Fn(&Stream) -> T,
    ) -> Vec<T> {
        let inner = self.inner.read().unwrap_or_else(PoisonError::into_inner);
        let mut out: Vec<T> = inner
            .streams
            .values()
            .filter(|stream| {
                matchers
                    .iter()
                    .all(|m| m.matches(stream.labels.get(&m.name).unwrap_or("")))
            })
            .filter(|stream| {
                stream
                    .chunks
                    .iter()
                    .any(|c| c.max() >= start && c.min() < end)
            })
            .map(make)
            .collect();
        drop(inner);
        out.sort_by(|a, b| a.labels().cmp(b.labels()));
        out
    }
}

trait HasLabels {
    fn labels(&self) -> &Labels;
}

impl HasLabels for Selected {
    fn labels(&self) -> &Labels {
        &self.labels
    }
}

impl HasLabels for Arc<Labels> {
    fn labels(&self) -> &Labels {
        self
    }
}

impl Stream {
    /// Puts an entry in its place by time; says how many bytes that took. An entry that is
    /// already there (same time, line and metadata) takes none.
    fn insert(&mut self, entry: Entry) -> usize {
        let size = size_of(&entry);
        let needs_chunk = self
            .chunks
            .back()
            .is_none_or(|chunk| chunk.entries.len() >= CHUNK_ENTRIES && entry.ts >= chunk.max());
        if needs_chunk {
            self.chunks.push_back(Chunk {
                entries: Vec::new(),
                bytes: 0,
            });
        }
        let at = self
            .chunks
            .iter()
            .rposition(|chunk| !chunk.entries.is_empty() && chunk.min() <= entry.ts)
            .map_or(0, |at| {
                if needs_chunk && at + 2 == self.chunks.len() {
                    at + 1
                } else {
                    at
                }
            });
        let chunk = &mut self.chunks[at];
        let end = chunk.entries.partition_point(|e| e.ts <= entry.ts);
        let begin = chunk.entries[..end].partition_point(|e| e.ts < entry.ts);
        if chunk.entries[begin..end].iter().any(|e| **e == entry) {
            return 0;
        }
        chunk.entries.insert(end, Arc::new(entry));
        chunk.bytes += size;
        size
    }
}

impl Inner {
    fn drop_oldest(&mut self) -> bool {
        let Some(key) = self
            .streams
            .values()
            .min_by_key(|s| s.chunks.front().map_or(i64::MAX, Chunk::max))
            .map(|s| Arc::clone(&s.labels))
        else {
            return false;
        };
        let Some(stream) = self.streams.get_mut(&key) else {
            return false;
        };
        if let Some(chunk) = stream.chunks.pop_front() {
            self.bytes -= chunk.bytes;
            self.dropped += 1;
        }
        if stream.chunks.is_empty() {
            self.streams.remove(&key);
        }
        true
    }
}

fn size_of(entry: &Entry) -> usize {
    ENTRY_OVERHEAD
        + entry.line.len()
        + entry
            .metadata
            .iter()
            .map(|(k, v)| k.len() + v.len() + 48)
            .sum::<usize>()
}

/// A time in nanoseconds as RFC 3339 in UTC.
pub(crate) fn rfc3339(ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(ns))
        .map_or_else(|_| ns.to_string(), |t| t.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(ts: i64, line: &str) -> Entry {
        Entry {
            ts,
            line: line.into(),
            metadata: Vec::new(),
        }
    }

    fn store(max_bytes: usize) -> Logs {
        let limits = Limits {
            logs_bytes: max_bytes,
            ..Limits::default()
        };
        Logs::new(&limits, Clock::at(0))
    }

    #[tokio::test]
    async fn entries_come_back_in_order_of_time_without_duplicates() {
        let store = store(1 << 20);
        let labels = Labels::from([("app", "a")]);
        for ts in [5, 1, 3, 3, 2] {
            store
                .push(labels.clone(), vec![entry(ts, "x")])
                .expect("taken");
        }
        let times: Vec<i64> = store.select(&[], 2, 5)[0]
            .entries
            .iter()
            .map(|e| e.ts)
            .collect();
        assert_eq!(times, [2, 3]);
    }

    #[tokio::test]
    async fn memory_is_bounded_and_the_oldest_entries_go_first() {
        let store = store(500_000);
        for ts in 0..20_000 {
            store
                .push(Labels::from([("app", "a")]), vec![entry(ts, "some line")])
                .expect("taken");
        }
        assert!(store.bytes() <= 500_000);
        assert!(store.dropped() > 0);
        let left = &store.select(&[], 0, i64::MAX)[0].entries;
        assert_eq!(left.last().map(|e| e.ts), Some(19_999));
        assert!(left[0].ts > 0);
    }
}
