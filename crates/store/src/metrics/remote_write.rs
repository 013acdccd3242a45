//! Remote write, 1.0 and 2.0: what Prometheus, agents and collectors push
//! (<https://prometheus.io/docs/specs/prw/remote_write_spec/>), with Mimir's checks and limits.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::sync::{Mutex, MutexGuard, PoisonError};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

mod message;
mod wire;

use super::head::{Exemplar, Metadata, SeriesRef};
use super::limits::{self, Refused};
use super::{Labels, Metrics, Sample};
use message::{Message, MessageError, RawLabel, Series, Version, WrittenExemplar, WrittenMetadata};
use wire::WireError;

/// A request larger than this, unpacked, is not read (Mimir: 100 MiB).
const MAX_MESSAGE: usize = 100 << 20;
/// How many bytes of labels are kept, to find a series again without a look into the index.
const KNOWN_BYTES: usize = 32 << 20;
/// How much room for unpacked messages is kept from one request to the next.
const KEPT_MESSAGE: usize = 4 << 20;

/// Takes what is pushed, and remembers the series of earlier requests.
#[derive(Debug, Default)]
pub struct Receiver {
    known: Mutex<Known>,
    /// Room for an unpacked message, which the next request uses again.
    room: Mutex<Vec<u8>>,
}

/// Series by the hash of their labels as they stand in a message.
#[derive(Debug, Default)]
struct Known {
    by_hash: HashMap<u64, usize, BuildHasherDefault<Hashed>>,
    /// Keys and their series. Each stays where it is until all are forgotten.
    series: Vec<(Box<[u8]>, SeriesRef)>,
    /// How long all keys are together.
    bytes: usize,
    /// How often all were forgotten.
    forgotten: u64,
}

/// Where a series is among the known ones, as long as none was forgotten.
#[derive(Debug, Clone, Copy)]
struct Place {
    at: usize,
    forgotten: u64,
}

impl Known {
    fn find(&self, hash: u64, key: &[u8]) -> Option<Place> {
        let at = *self.by_hash.get(&hash)?;
        let (known, _) = self.series.get(at)?;
        let forgotten = self.forgotten;
        (**known == *key).then_some(Place { at, forgotten })
    }

    fn get(&self, place: Place) -> Option<&SeriesRef> {
        let stands = place.forgotten == self.forgotten;
        let found = self.series.get(place.at).filter(|_| stands);
        found.map(|(_, series)| series)
    }

    fn insert(&mut self, hash: u64, key: &[u8], series: SeriesRef) {
        if let Some(place) = self.find(hash, key) {
            self.series[place.at].1 = series;
            return;
        }
        if self.bytes + key.len() > KNOWN_BYTES {
            let forgotten = self.forgotten + 1;
            *self = Self {
                forgotten,
                ..Self::default()
            };
        }
        self.bytes += key.len();
        self.by_hash.insert(hash, self.series.len());
        self.series.push((key.into(), series));
    }
}

/// A hash of a series' key. It need not withstand those who look for collisions: of two series
/// with the same hash each takes the other's place, and is found in the index.
fn hash(key: &[u8]) -> u64 {
    const FACTOR: u64 = 0x9e37_79b9_7f4a_7c15;
    let fold = |hash: u64, word: u64| {
        let mixed = (hash ^ word).wrapping_mul(FACTOR);
        mixed ^ (mixed >> 32)
    };
    let (words, rest) = key.as_chunks::<8>();
    let mut last = [0; 8];
    last.iter_mut().zip(rest).for_each(|(to, from)| *to = *from);
    let words = words.iter().chain([&last]);
    words.fold(key.len() as u64, |hash, word| {
        fold(hash, u64::from_le_bytes(*word))
    })
}

/// Leaves keys as they are, which are hashes already.
#[derive(Debug, Default)]
struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// What was taken.
#[derive(Debug, Default, Clone, Copy)]
struct Written {
    samples: usize,
    exemplars: usize,
}

impl Receiver {
    /// Takes a request; `done` is the status of one that was taken: Mimir says 200 and
    /// Prometheus 204.
    pub fn receive(
        &self,
        metrics: &Metrics,
        headers: &HeaderMap,
        body: &[u8],
        done: StatusCode,
    ) -> Response {
        let version = match version(headers) {
            Ok(version) => version,
            Err(why) => return text(StatusCode::UNSUPPORTED_MEDIA_TYPE, &why),
        };
        let mut room = std::mem::take(&mut *lock(&self.room));
        let mut written = Written::default();
        let result = match unpack(body, &mut room) {
            Ok(unpacked) => self.take(metrics, version, unpacked, &mut written),
            Err((status, why)) => return text(status, &why),
        };
        if room.capacity() <= KEPT_MESSAGE {
            *lock(&self.room) = room;
        }
        let mut response = match result {
            Ok(()) => done.into_response(),
            Err(refused) => refused.into_response(),
        };
        if version == Version::V2 {
            let headers = response.headers_mut();
            for (name, count) in [
                ("x-prometheus-remote-write-samples-written", written.samples),
                ("x-prometheus-remote-write-histograms-written", 0),
                (
                    "x-prometheus-remote-write-exemplars-written",
                    written.exemplars,
                ),
            ] {
                headers.insert(name, HeaderValue::from(count));
            }
        }
        response
    }

    /// Takes what can be taken; tells the first thing that cannot.
    fn take(
        &self,
        metrics: &Metrics,
        version: Version,
        bytes: &[u8],
        written: &mut Written,
    ) -> Result<(), Refused> {
        // Read to its end before anything is taken, so that a request that is no message, or
        // one that brings too much, is refused as a whole.
        let bad = |e: MessageError| Refused::bad(e.to_string());
        let mut message = Message::read(version, bytes).map_err(bad)?;
        let mut known = lock(&self.known);
        let mut all = std::mem::take(&mut message.series);
        let mut places = Vec::with_capacity(all.len());
        for series in &mut all {
            let place = known.find(hash(&series.key), &series.key);
            if place.is_none() {
                message.read_labels(series).map_err(bad)?;
            }
            places.push(place);
        }
        metrics.admit(message.items())?;
        let now = metrics.clock().now_ms();
        let mut first: Option<Refused> = None;
        for (series, place) in all.iter_mut().zip(places) {
            let found = (&mut *known, place);
            let taken = take(metrics, found, (&mut message, series), now, written);
            if let Err(refused) = taken {
                first.get_or_insert(refused);
            }
        }
        for metadata in &message.metadata {
            describe(metrics, metadata.metric, *metadata);
        }
        first.map_or(Ok(()), Err)
    }
}

/// Takes a series of a message, which may have been found among the known ones; `now` is in
/// milliseconds.
fn take<'a>(
    metrics: &Metrics,
    (known, place): (&mut Known, Option<Place>),
    (message, series): (&mut Message<'a>, &mut Series<'a>),
    now: i64,
    written: &mut Written,
) -> Result<(), Refused> {
    let found = place.and_then(|place| known.get(place));
    if found.is_none() {
        // Once more, when room was made for others since it was last known.
        let read = message.read_labels(series);
        read.map_err(|e| Refused::bad(e.to_string()))?;
        limits::check_labels(&texts(message.labels_of(series))?)?;
    }
    if series.histograms > 0 {
        let read = message.read_labels(series);
        read.map_err(|e| Refused::bad(e.to_string()))?;
        return Err(Refused::bad(format!(
            "native histograms are not supported: series {} has {}",
            Labels::new(texts(message.labels_of(series))?),
            series.histograms
        )));
    }
    let mut made = None;
    let mut result = Ok(());
    for sample in message.samples_of(series) {
        let labels = message.labels_of(series);
        match append(metrics, (found, &mut made), labels, *sample, now) {
            Ok(()) => written.samples += 1,
            Err(refused) => result = result.and(Err(refused)),
        }
    }
    let Some(current) = made.as_ref().or(found) else {
        return result;
    };
    for exemplar in message.exemplars_of(series) {
        match add_exemplar(metrics, current.labels(), exemplar) {
            Ok(()) => written.exemplars += 1,
            Err(refused) => result = result.and(Err(refused)),
        }
    }
    if let Some(metadata) = message.metadata_of(series) {
        describe(metrics, family(current.labels().name()), metadata);
    }
    if let Some(made) = made {
        known.insert(hash(&series.key), &series.key, made);
    }
    result
}

/// The labels as text.
fn texts<'a>(labels: &[RawLabel<'a>]) -> Result<Vec<(&'a str, &'a str)>, Refused> {
    let text = |bytes| std::str::from_utf8(bytes).map_err(|_| WireError::Text);
    labels
        .iter()
        .map(|(name, value)| Ok((text(name)?, text(value)?)))
        .collect::<Result<_, WireError>>()
        .map_err(|e| Refused::bad(e.to_string()))
}

/// Adds a sample to the series that was found, or to one that is made when there is none or it
/// was evicted meanwhile.
fn append(
    metrics: &Metrics,
    (found, made): (Option<&SeriesRef>, &mut Option<SeriesRef>),
    labels: &[RawLabel<'_>],
    sample: Sample,
    now: i64,
) -> Result<(), Refused> {
    let known = made.as_ref().or(found);
    let written;
    let labels = match known {
        Some(known) => known.labels(),
        None => {
            written = Labels::new(texts(labels)?);
            &written
        }
    };
    limits::check_time(sample.t, now, || labels.name())?;
    let refused = |error| Refused::sample(error, labels, sample.t);
    let head = metrics.head();
    if let Some(known) = known
        && head.append_to(known, sample.t, sample.v).map_err(refused)?
    {
        return Ok(());
    }
    let new = head.append(labels, sample.t, sample.v).map_err(refused)?;
    *made = Some(new);
    Ok(())
}

fn add_exemplar(
    metrics: &Metrics,
    series: &Labels,
    exemplar: &WrittenExemplar<'_>,
) -> Result<(), Refused> {
    let labels = texts(&exemplar.labels)?;
    limits::check_exemplar(&labels, exemplar.t, series)?;
    let kept = Exemplar {
        labels: Labels::new(labels),
        value: exemplar.value,
        t: exemplar.t,
    };
    metrics.head().add_exemplar(series, kept);
    Ok(())
}

fn describe(metrics: &Metrics, metric: &str, metadata: WrittenMetadata<'_>) {
    if metric.is_empty() || (metadata.kind == 0 && metadata.help.is_empty()) {
        return;
    }
    let kind = match metadata.kind {
        1 => "counter",
        2 => "gauge",
        3 => "histogram",
        4 => "gaugehistogram",
        5 => "summary",
        6 => "info",
        7 => "stateset",
        _ => "unknown",
    };
    let metadata = Metadata {
        kind: kind.to_owned(),
        help: metadata.help.to_owned(),
        unit: metadata.unit.to_owned(),
    };
    metrics.head().set_metadata(metric, metadata);
}

/// The metric that a series of a histogram or summary belongs to.
fn family(name: &str) -> &str {
    ["_bucket", "_sum", "_count"]
        .iter()
        .find_map(|suffix| name.strip_suffix(suffix))
        .unwrap_or(name)
}

fn version(headers: &HeaderMap) -> Result<Version, String> {
    let get = |name| headers.get(name).and_then(|v| v.to_str().ok());
    let encoding = get(header::CONTENT_ENCODING).unwrap_or("");
    if !matches!(encoding, "" | "snappy") {
        return Err(format!(
            "{encoding} encoding (compression) is not accepted by this server; only snappy is acceptable"
        ));
    }
    let Some(kind) = get(header::CONTENT_TYPE) else {
        return Ok(Version::V1);
    };
    let mut parts = kind.split(';').map(str::trim);
    if parts.next() != Some("application/x-protobuf") {
        return Err(format!(
            "expected application/x-protobuf as the first (media) part, got {kind} content-type"
        ));
    }
    match parts.find_map(|part| part.strip_prefix("proto=")) {
        None | Some("prometheus.WriteRequest") => Ok(Version::V1),
        Some("io.prometheus.write.v2.Request") => Ok(Version::V2),
        Some(other) => Err(format!(
            "got {kind} content type; unknown remote write protobuf message {other}, supported: prometheus.WriteRequest, io.prometheus.write.v2.Request"
        )),
    }
}

/// The message of a request, unpacked into `room`.
fn unpack<'r>(body: &[u8], room: &'r mut Vec<u8>) -> Result<&'r [u8], (StatusCode, String)> {
    let bad = |e: snap::Error| (StatusCode::BAD_REQUEST, e.to_string());
    let size = snap::raw::decompress_len(body).map_err(bad)?;
    if size > MAX_MESSAGE {
        let why = format!(
            "the incoming push request has been rejected because its message size of {size} bytes is larger than the allowed limit of {MAX_MESSAGE} bytes (err-mimir-distributor-max-write-message-size). To adjust the related limit, configure -distributor.max-recv-msg-size, or contact your service administrator."
        );
        return Err((StatusCode::PAYLOAD_TOO_LARGE, why));
    }
    if room.len() < size {
        room.resize(size, 0);
    }
    let unpacked = snap::raw::Decoder::new().decompress(body, room);
    let size = unpacked.map_err(bad)?;
    Ok(room.get(..size).unwrap_or_default())
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

fn text(status: StatusCode, why: &str) -> Response {
    super::api::text(status, &format!("{why}\n"))
}

#[cfg(test)]
mod tests;
