//! Streams of entries in bounded memory: the oldest chunk goes first.

pub(crate) mod chunk;
mod rate;
mod stream;

use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use tokio::sync::{Semaphore, broadcast};

use self::chunk::Chunks;
use self::rate::Bucket;
use self::stream::Stream;
use super::config::LogsConfig;
use super::ingest::Fault;
use super::labels::Labels;
use super::logql::Matcher;
use crate::Limits;
use crate::clock::Clock;

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

/// The entries of one stream within a range of time.
#[derive(Clone, Debug)]
pub struct Selected {
    /// The stream's labels.
    pub labels: Arc<Labels>,
    /// The entries, oldest first.
    pub entries: Vec<Entry>,
}

/// A small Loki's memory: streams of entries by labels.
#[derive(Debug)]
pub struct Logs {
    config: LogsConfig,
    clock: Clock,
    inner: RwLock<Inner>,
    tail: broadcast::Sender<Appended>,
    rate: Mutex<Bucket>,
    pub(super) places: Places,
}

/// Places for those who ask; whoever finds none is told to come again.
#[derive(Debug)]
pub(super) struct Places {
    /// Queries that run.
    pub running: Semaphore,
    /// Queries that wait, those that run included.
    pub waiting: AtomicUsize,
    /// Bytes of push requests in work.
    pub pushing: AtomicUsize,
    /// Clients that tail.
    pub tailing: AtomicUsize,
}

/// A number of places that is given back when this goes.
#[derive(Debug)]
pub(super) struct Place<'a>(&'a AtomicUsize, usize);

impl<'a> Place<'a> {
    /// Takes `count` places of `taken` if there are at most `max` then; else says how many
    /// would have been.
    pub(super) fn take(taken: &'a AtomicUsize, count: usize, max: usize) -> Result<Self, usize> {
        let before = taken.fetch_add(count, Ordering::Relaxed);
        let place = Self(taken, count);
        if before + count > max && before > 0 {
            return Err(before + count);
        }
        Ok(place)
    }
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(self.1, Ordering::Relaxed);
    }
}

#[derive(Debug, Default)]
struct Inner {
    streams: HashMap<Arc<Labels>, Stream>,
    bytes: usize,
    dropped: u64,
}

impl Logs {
    /// An empty store with these bounds.
    #[must_use]
    pub fn new(limits: &Limits, clock: Clock) -> Self {
        Self::with_config(limits.logs.clone(), clock)
    }

    /// An empty store with these limits.
    #[must_use]
    pub fn with_config(config: LogsConfig, clock: Clock) -> Self {
        Self {
            places: Places {
                running: Semaphore::new(config.max_running.max(1)),
                waiting: AtomicUsize::new(0),
                pushing: AtomicUsize::new(0),
                tailing: AtomicUsize::new(0),
            },
            config,
            clock,
            inner: RwLock::default(),
            tail: broadcast::channel(1024).0,
            rate: Mutex::default(),
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

    /// Whether `bytes` more may be taken now.
    pub(super) fn take_rate(&self, bytes: u64, rate: (u64, u64), now: i64) -> bool {
        let mut bucket = self.rate.lock().unwrap_or_else(PoisonError::into_inner);
        bucket.take(bytes, rate, now)
    }

    /// Appends entries that have been checked; gives those that came too late or too fast.
    pub(super) fn append(
        &self,
        labels: &Arc<Labels>,
        entries: Vec<Entry>,
        now: i64,
    ) -> Result<Vec<(i64, Fault)>, Fault> {
        let news = (self.tail.receiver_count() > 0).then(|| entries.clone());
        let mut guard = self.inner.write().unwrap_or_else(PoisonError::into_inner);
        let inner = &mut *guard;
        if inner.streams.len() >= self.config.max_streams && !inner.streams.contains_key(labels) {
            return Err(Fault::ManyStreams(labels.to_string()));
        }
        let stream = inner
            .streams
            .entry(Arc::clone(labels))
            .or_insert_with(|| Stream::new(Arc::clone(labels)));
        let before = stream.bytes();
        let refused = stream.append(entries, &self.config, now);
        inner.bytes = (inner.bytes + stream.bytes()).saturating_sub(before);
        if inner.bytes > self.config.max_bytes {
            inner.make_room(self.config.max_bytes);
        }
        drop(guard);
        if let Some(mut entries) = news {
            entries.retain(|e| !refused.iter().any(|(ts, _)| *ts == e.ts));
            // Nobody listening any more is no fault.
            let _ = self.tail.send(Appended {
                labels: Arc::clone(labels),
                entries,
            });
        }
        Ok(refused)
    }

    /// The entries with `start <= ts < end` of the streams that match all `matchers`, sorted
    /// by the streams' labels.
    pub fn select(&self, matchers: &[Matcher], start: i64, end: i64) -> Vec<Selected> {
        self.chunks(matchers, start, end)
            .into_iter()
            .map(|stream| {
                let mut entries: Vec<Entry> = Vec::new();
                for chunk in &stream.chunks {
                    entries.extend(chunk.range(start, end).map(|at| {
                        let held = chunk.line(at);
                        Entry {
                            ts: held.ts,
                            line: held.line.into(),
                            metadata: chunk
                                .metadata(held.set)
                                .map(|(k, v)| (k.to_owned(), v.to_owned()))
                                .collect(),
                        }
                    }));
                }
                entries.sort_by_key(|e| e.ts);
                Selected {
                    labels: stream.labels,
                    entries,
                }
            })
            .filter(|selected| !selected.entries.is_empty())
            .collect()
    }

    /// The chunks that may have entries within `start <= ts < end`, of the streams that match
    /// all `matchers`, sorted by the streams' labels.
    pub(super) fn chunks(&self, matchers: &[Matcher], start: i64, end: i64) -> Vec<Chunks> {
        let mut out = self.visit(matchers, |stream| {
            let chunks: Vec<_> = stream
                .chunks()
                .filter(|c| c.overlaps(start, end))
                .cloned()
                .collect();
            (!chunks.is_empty()).then(|| Chunks {
                labels: Arc::clone(&stream.labels),
                chunks,
            })
        });
        out.sort_by(|a, b| a.labels.cmp(&b.labels));
        out
    }

    /// The labels of the streams that match all `matchers` and have entries within the range.
    pub fn series(&self, matchers: &[Matcher], start: i64, end: i64) -> Vec<Arc<Labels>> {
        let mut out = self.visit(matchers, |stream| {
            let within = stream.chunks().any(|c| c.overlaps(start, end));
            within.then(|| Arc::clone(&stream.labels))
        });
        out.sort();
        out
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
        self.read(|inner| inner.dropped)
    }

    /// Bytes held now.
    pub fn bytes(&self) -> usize {
        self.read(|inner| inner.bytes)
    }

    fn read<T>(&self, look: impl FnOnce(&Inner) -> T) -> T {
        look(&self.inner.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn visit<T>(&self, matchers: &[Matcher], make: impl Fn(&Stream) -> Option<T>) -> Vec<T> {
        self.read(|inner| {
            inner
                .streams
                .values()
                .filter(|stream| {
                    matchers
                        .iter()
                        .all(|m| m.matches(stream.labels.get(&m.name).unwrap_or("")))
                })
                .filter_map(make)
                .collect()
        })
    }
}

impl Inner {
    /// Drops the oldest chunks until there is some room below `max`, so that it need not be
    /// done again with the next line.
    fn make_room(&mut self, max: usize) {
        let mut ages: Vec<(i64, usize)> = self
            .streams
            .values()
            .flat_map(|stream| stream.chunks().map(|c| (c.max(), c.bytes())))
            .collect();
        ages.sort_unstable();
        let wanted = max - max / 16;
        let mut left: usize = ages.iter().map(|(_, bytes)| bytes).sum();
        let mut last = i64::MIN;
        for (age, bytes) in ages {
            if left <= wanted {
                break;
            }
            left -= bytes;
            last = age;
        }
        for stream in self.streams.values_mut() {
            self.dropped += stream.drop_until(last);
        }
        self.streams.retain(|_, stream| !stream.is_empty());
        self.bytes = self.streams.values().map(Stream::bytes).sum();
    }
}

/// A time in nanoseconds as RFC 3339 in UTC, in whole seconds as Go's `time.RFC3339` has it.
pub(crate) fn rfc3339(ns: i64) -> String {
    jiff::Timestamp::from_second(ns.div_euclid(1_000_000_000))
        .map_or_else(|_| ns.to_string(), |t| t.to_string())
}

/// A time in nanoseconds as RFC 3339 in UTC, with as many digits as it needs.
pub(crate) fn rfc3339_nano(ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(ns))
        .map_or_else(|_| ns.to_string(), |t| t.to_string())
}

/// A time in nanoseconds as Go's `Time.String` writes it in UTC.
pub(crate) fn go_time(ns: i64) -> String {
    jiff::Timestamp::from_nanosecond(i128::from(ns)).map_or_else(
        |_| ns.to_string(),
        |t| t.to_string().replace('T', " ").replace('Z', " +0000 UTC"),
    )
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
        let limits = LogsConfig {
            max_bytes,
            ..LogsConfig::default()
        };
        Logs::with_config(limits, Clock::at(0))
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

    #[tokio::test]
    async fn an_entry_that_comes_late_stands_where_its_time_is() {
        let store = store(500_000);
        let labels = Labels::from([("app", "a")]);
        let long = "x".repeat(1000);
        let entries = (0..100).map(|ts| entry(ts * 10, &long)).collect();
        store.push(labels.clone(), entries).expect("taken");
        for _ in 0..2 {
            let late = vec![entry(15, "late"), entry(20, &long)];
            store.push(labels.clone(), late).expect("taken");
        }
        let left = &store.select(&[], 0, i64::MAX)[0].entries;
        assert_eq!(left.len(), 101);
        assert_eq!(&*left[2].line, "late");
    }
}
