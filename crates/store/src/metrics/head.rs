//! The time series database: series in memory, compressed, bounded, oldest data first out.

use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

mod index;
mod series;

use super::labels::Labels;
use super::matcher::Matcher;
use crate::Limits;
use index::Index;
pub use series::SeriesRef;

/// Why a sample was not taken; the texts and error ids are Mimir's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AppendError {
    /// Older than the out-of-order window (milliseconds) allows.
    #[error("{}", too_old(*.0))]
    TooOld(i64),
    /// There is already another value at that time.
    #[error(
        "the sample has been rejected because another sample with the same timestamp, but a different value, has already been ingested (err-mimir-sample-duplicate-timestamp)"
    )]
    Duplicate,
    /// No room for another series: so many are the most.
    #[error(
        "per-user series limit of {0} exceeded (err-mimir-max-series-per-user). To adjust the related per-tenant limit, configure -ingester.max-global-series-per-user, or contact your service administrator."
    )]
    TooManySeries(usize),
    /// No room for another series of this metric: so many are the most.
    #[error(
        "per-metric series limit of {0} exceeded (err-mimir-max-series-per-metric). To adjust the related per-tenant limit, configure -ingester.max-global-series-per-metric, or contact your service administrator."
    )]
    TooManyOfMetric(usize),
}

fn too_old(window: i64) -> String {
    if window == 0 {
        return "the sample has been rejected because another sample with a more recent timestamp has already been ingested and out-of-order samples are not allowed (err-mimir-sample-out-of-order)".to_owned();
    }
    format!(
        "the sample has been rejected because another sample with a more recent timestamp has already been ingested and this sample is beyond the out-of-order time window of {} (err-mimir-sample-timestamp-too-old)",
        super::promql::format_duration(window)
    )
}

/// What a scrape tells about a metric family.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Metadata {
    /// `counter`, `gauge`, `histogram`, `summary`, `info`, `stateset`, `unknown`.
    pub kind: String,
    /// The help text.
    pub help: String,
    /// The unit, often empty.
    pub unit: String,
}

/// An example trace (or the like) for a sample.
#[derive(Debug, Clone, PartialEq)]
pub struct Exemplar {
    /// Its own labels, such as `trace_id`.
    pub labels: Labels,
    /// The observed value.
    pub value: f64,
    /// Milliseconds since the epoch.
    pub t: i64,
}

/// How many exemplars are kept; the oldest go first.
const MAX_EXEMPLARS: usize = 20_000;
/// What one more series costs before it has a sample, for its labels and postings.
const SERIES_BYTES: usize = 160;
const LABEL_BYTES: usize = 44;

/// All series. Readers share the index for the time of a lookup only; samples are
/// behind one lock per series.
#[derive(Debug)]
pub struct Head {
    index: RwLock<Index>,
    bytes: Arc<AtomicUsize>,
    max_bytes: usize,
    max_t: AtomicI64,
    window_ms: i64,
    max_series: usize,
    max_series_per_metric: usize,
    evicting: Mutex<()>,
    metadata: RwLock<BTreeMap<String, BTreeSet<Metadata>>>,
    exemplars: Mutex<VecDeque<(Labels, Exemplar)>>,
}

impl Head {
    /// An empty database with these bounds.
    #[must_use]
    pub fn new(limits: &Limits) -> Self {
        let window = limits.out_of_order_window.as_millis();
        Self {
            index: RwLock::default(),
            bytes: Arc::default(),
            max_bytes: limits.metrics_bytes,
            max_t: AtomicI64::new(i64::MIN),
            window_ms: i64::try_from(window).unwrap_or(i64::MAX),
            max_series: limits.max_series,
            max_series_per_metric: limits.max_series_per_metric,
            evicting: Mutex::default(),
            metadata: RwLock::default(),
            exemplars: Mutex::default(),
        }
    }

    /// Adds a sample to the series with these labels, which is made if need be. Keep the
    /// returned reference and use [`Head::append_to`] to skip the lookup next time.
    ///
    /// # Errors
    /// [`AppendError`] when the sample is refused.
    pub fn append(&self, labels: &Labels, t: i64, v: f64) -> Result<SeriesRef, AppendError> {
        loop {
            let series = self.series(labels)?;
            if self.append_to(&series, t, v)? {
                return Ok(series);
            }
        }
    }

    /// Adds a sample to a series; `false` when it was evicted meanwhile (append anew then).
    ///
    /// # Errors
    /// [`AppendError`] when the sample is refused.
    pub fn append_to(&self, series: &SeriesRef, t: i64, v: f64) -> Result<bool, AppendError> {
        let mut newest = self.max_t.load(Ordering::Relaxed);
        if t > newest {
            newest = self.max_t.fetch_max(t, Ordering::Relaxed).max(t);
        }
        let oldest = newest.saturating_sub(self.window_ms);
        let taken = series.append(t, v, oldest);
        let taken = taken.map_err(|error| match error {
            AppendError::TooOld(_) => AppendError::TooOld(self.window_ms),
            other => other,
        })?;
        if self.bytes.load(Ordering::Relaxed) > self.max_bytes {
            self.evict(self.max_bytes / 10 * 9);
        }
        Ok(taken)
    }

    /// The series that pass all matchers, and may have samples in `min_t..=max_t`.
    #[must_use]
    pub fn select(&self, matchers: &[Matcher], min_t: i64, max_t: i64) -> Vec<SeriesRef> {
        let mut found = read(&self.index).select(matchers);
        found.retain(|s| s.overlaps(min_t, max_t));
        found.sort_by(|a, b| a.labels().cmp(b.labels()));
        found
    }

    /// How many series there are.
    #[must_use]
    pub fn series_count(&self) -> usize {
        read(&self.index).len()
    }

    /// Bytes in use, by our own count.
    #[must_use]
    pub fn bytes(&self) -> usize {
        self.bytes.load(Ordering::Relaxed)
    }

    /// The newest sample's time; `None` when there is none.
    #[must_use]
    pub fn newest(&self) -> Option<i64> {
        let t = self.max_t.load(Ordering::Relaxed);
        (t != i64::MIN).then_some(t)
    }

    /// Drops whatever ended before `t`, milliseconds since the epoch.
    pub fn truncate(&self, t: i64) {
        let _one = lock(&self.evicting);
        self.drop_before(t);
    }

    /// Remembers what a scrape said about a metric family.
    pub fn set_metadata(&self, metric: &str, metadata: Metadata) {
        if read(&self.metadata)
            .get(metric)
            .is_some_and(|known| known.contains(&metadata))
        {
            return;
        }
        write(&self.metadata)
            .entry(metric.to_owned())
            .or_default()
            .insert(metadata);
    }

    /// All metadata, or that of one metric.
    #[must_use]
    pub fn metadata(&self, metric: Option<&str>) -> BTreeMap<String, BTreeSet<Metadata>> {
        let all = read(&self.metadata);
        match metric {
            None => all.clone(),
            Some(m) => all
                .get(m)
                .map(|found| (m.to_owned(), found.clone()))
                .into_iter()
                .collect(),
        }
    }

    /// Keeps an exemplar of a series, unless it is the last one again.
    pub fn add_exemplar(&self, series: &Labels, exemplar: Exemplar) {
        let mut all = lock(&self.exemplars);
        let repeated = all
            .iter()
            .rev()
            .take(2000)
            .find(|(labels, _)| labels == series)
            .is_some_and(|(_, last)| *last == exemplar);
        if repeated {
            return;
        }
        if all.len() >= MAX_EXEMPLARS {
            all.pop_front();
        }
        all.push_back((series.clone(), exemplar));
    }

    /// The exemplars of `min_t..=max_t` of series that pass one of the matcher sets.
    #[must_use]
    pub fn exemplars(
        &self,
        sets: &[Vec<Matcher>],
        min_t: i64,
        max_t: i64,
    ) -> Vec<(Labels, Vec<Exemplar>)> {
        let mut found: BTreeMap<Labels, Vec<Exemplar>> = BTreeMap::new();
        for (labels, exemplar) in lock(&self.exemplars).iter() {
            let wanted = (min_t..=max_t).contains(&exemplar.t)
                && sets.iter().any(|set| set.iter().all(|m| m.matches(labels)));
            if wanted {
                found
                    .entry(labels.clone())
                    .or_default()
                    .push(exemplar.clone());
            }
        }
        for list in found.values_mut() {
            list.sort_by_key(|e| e.t);
        }
        found.into_iter().collect()
    }

    fn series(&self, labels: &Labels) -> Result<SeriesRef, AppendError> {
        if let Some(found) = read(&self.index).get(labels) {
            return Ok(found);
        }
        let cost = SERIES_BYTES + labels.len() * LABEL_BYTES;
        let index = read(&self.index);
        let count = index.len();
        let of_metric = index.count(labels.name());
        drop(index);
        if self.max_series > 0 && count >= self.max_series {
            return Err(AppendError::TooManySeries(self.max_series));
        }
        if (count + 1) * cost > self.max_bytes / 2 {
            return Err(AppendError::TooManySeries(count));
        }
        if self.max_series_per_metric > 0 && of_metric >= self.max_series_per_metric {
            return Err(AppendError::TooManyOfMetric(self.max_series_per_metric));
        }
        Ok(write(&self.index).get_or_insert(labels, || {
            SeriesRef::new(labels.clone(), cost, Arc::clone(&self.bytes))
        }))
    }

    /// Frees the oldest chunks until no more than `target` bytes are used.
    fn evict(&self, target: usize) {
        let Ok(_one) = self.evicting.try_lock() else {
            return;
        };
        let used = self.bytes.load(Ordering::Relaxed);
        let Some(mut excess) = used.checked_sub(target) else {
            return;
        };
        let all = read(&self.index).all();
        let mut chunks: Vec<(i64, usize)> = all.iter().flat_map(SeriesRef::chunk_sizes).collect();
        chunks.sort_unstable();
        let mut until = i64::MIN;
        for (max_t, size) in chunks {
            until = max_t;
            excess = excess.saturating_sub(size);
            if excess == 0 {
                break;
            }
        }
        tracing::debug!(used, target, until, "metrics: dropping the oldest chunks");
        self.drop_before(until.saturating_add(1));
    }

    fn drop_before(&self, t: i64) {
        let all = read(&self.index).all();
        let emptied: Vec<SeriesRef> = all.into_iter().filter(|s| s.truncate(t)).collect();
        if !emptied.is_empty() {
            write(&self.index).remove(&emptied);
        }
        lock(&self.exemplars).retain(|(_, e)| e.t >= t);
    }
}

/// All values of each label, over some series.
#[must_use]
pub fn label_values(series: &[SeriesRef]) -> HashMap<Arc<str>, BTreeSet<Arc<str>>> {
    let mut found: HashMap<Arc<str>, BTreeSet<Arc<str>>> = HashMap::new();
    for s in series {
        for (n, v) in s.labels().iter() {
            found
                .entry(Arc::clone(n))
                .or_default()
                .insert(Arc::clone(v));
        }
    }
    found
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn read<T>(lock: &RwLock<T>) -> RwLockReadGuard<'_, T> {
    lock.read().unwrap_or_else(PoisonError::into_inner)
}

fn write<T>(lock: &RwLock<T>) -> RwLockWriteGuard<'_, T> {
    lock.write().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::{MatchOp, Sample};

    fn head(bytes: usize) -> Head {
        Head::new(&Limits {
            metrics_bytes: bytes,
            ..Limits::default()
        })
    }

    fn all(head: &Head, name: &str) -> Vec<Sample> {
        let m = [Matcher::equal("__name__", name)];
        head.select(&m, i64::MIN, i64::MAX)
            .iter()
            .flat_map(|s| s.samples(i64::MIN, i64::MAX))
            .collect()
    }

    #[test]
    fn late_samples_are_sorted_in_and_too_late_ones_refused() {
        let head = head(1 << 20);
        let l = Labels::new([("__name__", "x")]);
        let day = 24 * 3600 * 1000;
        for t in [day + 10, day + 20, day + 5, day + 15, day + 20, day + 5] {
            head.append(&l, t, 1.0).unwrap();
        }
        assert_eq!(
            head.append(&l, day + 20, 2.0).err(),
            Some(AppendError::Duplicate)
        );
        assert_eq!(
            head.append(&l, day + 5, 2.0).err(),
            Some(AppendError::Duplicate)
        );
        assert_eq!(
            head.append(&l, 3, 2.0).err(),
            Some(AppendError::TooOld(day))
        );
        let got: Vec<i64> = all(&head, "x").iter().map(|s| s.t - day).collect();
        assert_eq!(got, [5, 10, 15, 20]);
    }

    #[test]
    fn memory_is_bounded_and_the_oldest_data_goes_first() {
        let head = head(400_000);
        for t in 0..40_000i64 {
            for s in 0..5 {
                let l = Labels::new([("__name__", "x".to_owned()), ("s", s.to_string())]);
                head.append(&l, t * 1000, (t * 7919 % 104_729) as f64)
                    .unwrap();
            }
            assert!(head.bytes() < 450_000, "{}", head.bytes());
        }
        let left = all(&head, "x");
        assert!(left.len() > 10_000, "{}", left.len());
        assert!(left.iter().all(|s| s.t > 1_000_000));
        assert_eq!(left.last().unwrap().t, 39_999_000);
    }

    #[test]
    fn a_series_without_samples_leaves_the_index() {
        let head = head(1 << 20);
        let l = Labels::new([("__name__", "gone")]);
        let series = head.append(&l, 1000, 1.0).unwrap();
        head.append(&Labels::new([("__name__", "stays")]), 5000, 1.0)
            .unwrap();
        head.truncate(2000);
        assert_eq!(head.series_count(), 1);
        assert_eq!(head.append_to(&series, 6000, 1.0), Ok(false));
        head.append(&l, 6000, 1.0).unwrap();
        assert_eq!(all(&head, "gone").len(), 1);
    }

    #[test]
    fn matchers_select_as_prometheus_selects() {
        let head = head(1 << 20);
        for (job, code) in [("a", "200"), ("b", "404"), ("c", "")] {
            let l = Labels::new([("__name__", "req"), ("job", job), ("code", code)]);
            head.append(&l, 1, 1.0).unwrap();
        }
        for (op, name, value, want) in [
            (MatchOp::Equal, "job", "a", "a"),
            (MatchOp::Equal, "code", "", "c"),
            (MatchOp::NotEqual, "code", "", "ab"),
            (MatchOp::Regex, "job", "a|c", "ac"),
            (MatchOp::Regex, "code", "4.*", "b"),
            (MatchOp::Regex, "code", "4.*|", "bc"),
            (MatchOp::NotRegex, "code", "4..", "ac"),
            (MatchOp::Regex, "nosuch", ".+", ""),
        ] {
            let m = [
                Matcher::equal("__name__", "req"),
                Matcher::new(name, op, value).unwrap(),
            ];
            let got: String = head
                .select(&m, i64::MIN, i64::MAX)
                .iter()
                .map(|s| s.labels().get("job").to_owned())
                .collect();
            assert_eq!(got, want, "{}", m[1]);
        }
    }

    #[test]
    fn a_sample_of_a_shop_takes_a_few_bytes() {
        let head = head(1 << 30);
        let mut samples = 0usize;
        for series in 0..60u32 {
            let l = Labels::new([
                (
                    "__name__",
                    "http_request_duration_seconds_bucket".to_owned(),
                ),
                ("service", "carts".to_owned()),
                ("instance", "127.1.2.3:80".to_owned()),
                ("le", series.to_string()),
            ]);
            let mut counter = 0.0;
            for t in 0..3600u32 {
                // A third each: idle counters, busy counters, a measured gauge.
                let v = match series % 3 {
                    0 => 7.0,
                    1 => {
                        counter += f64::from(t.wrapping_mul(2_654_435_761) >> 30);
                        counter
                    }
                    _ => f64::from(t.wrapping_mul(2_654_435_761) >> 16) / 1000.0,
                };
                head.append(&l, i64::from(t) * 1000, v).unwrap();
                samples += 1;
            }
        }
        let each = head.bytes() as f64 / samples as f64;
        println!("{each:.2} bytes per sample");
        assert!(each < 4.5, "{each}");
    }
}
