//! Remote write, 1.0 and 2.0: what Prometheus, agents and collectors push
//! (<https://prometheus.io/docs/specs/prw/remote_write_spec/>), with Mimir's checks and limits.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Mutex, PoisonError};

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};

mod message;
mod wire;

use super::head::{Exemplar, Metadata, SeriesRef};
use super::limits::{self, Refused};
use super::{Labels, Metrics, Sample};
use message::{Series, Version, WrittenExemplar, WrittenMetadata};

/// A request larger than this, unpacked, is not read (Mimir: 100 MiB).
const MAX_MESSAGE: usize = 100 << 20;
/// How many series are found again without a look into the index.
const CACHED: usize = 1 << 17;

/// Takes what is pushed, and remembers the series of earlier requests.
#[derive(Debug, Default)]
pub struct Receiver {
    known: Mutex<HashMap<u64, SeriesRef>>,
    hasher: RandomState,
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
        let unpacked = match unpack(body) {
            Ok(unpacked) => unpacked,
            Err((status, why)) => return text(status, &why),
        };
        let mut written = Written::default();
        let result = self.take(metrics, version, &unpacked, &mut written);
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
        // Counted before anything is taken, so that a request is taken or refused as a whole.
        let mut items = 0usize;
        let count = |series: &Series<'_>| items += series.samples.len() + series.exemplars.len();
        let counted = message::read(version, bytes, count, |_| {});
        counted.map_err(|e| Refused::bad(e.to_string()))?;
        metrics.admit(items)?;
        let mut first: Option<Refused> = None;
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let each = |series: &Series<'_>| {
            if let Err(refused) = self.series(metrics, &mut known, series, written) {
                first.get_or_insert(refused);
            }
        };
        let about = |metadata: WrittenMetadata<'_>| describe(metrics, metadata.metric, metadata);
        let read = message::read(version, bytes, each, about);
        read.map_err(|e| Refused::bad(e.to_string()))?;
        first.map_or(Ok(()), Err)
    }

    fn series(
        &self,
        metrics: &Metrics,
        known: &mut HashMap<u64, SeriesRef>,
        series: &Series<'_>,
        written: &mut Written,
    ) -> Result<(), Refused> {
        if series.histograms > 0 {
            return Err(Refused::bad(format!(
                "native histograms are not supported: series {} has {}",
                Labels::new(series.labels.iter().copied()),
                series.histograms
            )));
        }
        let hash = self.hasher.hash_one(&series.labels);
        let found = known.get(&hash).filter(|s| s.labels().is(&series.labels));
        let mut result = Ok(());
        let mut current = found.cloned();
        if current.is_none() {
            limits::check_labels(&series.labels)?;
        }
        let now = metrics.clock().now_ms();
        for sample in &series.samples {
            match append(metrics, &mut current, series, *sample, now) {
                Ok(()) => written.samples += 1,
                Err(refused) => result = result.and(Err(refused)),
            }
        }
        let Some(current) = current else {
            return result;
        };
        for exemplar in &series.exemplars {
            match add_exemplar(metrics, current.labels(), exemplar) {
                Ok(()) => written.exemplars += 1,
                Err(refused) => result = result.and(Err(refused)),
            }
        }
        if let Some(metadata) = series.metadata {
            describe(metrics, family(current.labels().name()), metadata);
        }
        if known.len() >= CACHED {
            known.clear();
        }
        known.insert(hash, current);
        result
    }
}

/// Adds a sample to the series, which is found or made if need be.
fn append(
    metrics: &Metrics,
    current: &mut Option<SeriesRef>,
    series: &Series<'_>,
    sample: Sample,
    now: i64,
) -> Result<(), Refused> {
    let name = || {
        let found = series.labels.iter().find(|(n, _)| *n == "__name__");
        found.map_or("", |(_, v)| v)
    };
    limits::check_time(sample.t, now, name)?;
    let head = metrics.head();
    let refused = |labels: &Labels, error| Refused::sample(error, labels, sample.t);
    if let Some(known) = &*current {
        let taken = head.append_to(known, sample.t, sample.v);
        if taken.map_err(|error| refused(known.labels(), error))? {
            return Ok(());
        }
    }
    let labels = Labels::new(series.labels.iter().copied());
    let made = head.append(&labels, sample.t, sample.v);
    *current = Some(made.map_err(|error| refused(&labels, error))?);
    Ok(())
}

fn add_exemplar(
    metrics: &Metrics,
    series: &Labels,
    exemplar: &WrittenExemplar<'_>,
) -> Result<(), Refused> {
    limits::check_exemplar(&exemplar.labels, exemplar.t, series)?;
    let kept = Exemplar {
        labels: Labels::new(exemplar.labels.iter().copied()),
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

fn unpack(body: &[u8]) -> Result<Vec<u8>, (StatusCode, String)> {
    let bad = |e: snap::Error| (StatusCode::BAD_REQUEST, e.to_string());
    let size = snap::raw::decompress_len(body).map_err(bad)?;
    if size > MAX_MESSAGE {
        let why = format!(
            "the incoming push request has been rejected because its message size of {size} bytes is larger than the allowed limit of {MAX_MESSAGE} bytes (err-mimir-distributor-max-write-message-size). To adjust the related limit, configure -distributor.max-recv-msg-size, or contact your service administrator."
        );
        return Err((StatusCode::PAYLOAD_TOO_LARGE, why));
    }
    snap::raw::Decoder::new().decompress_vec(body).map_err(bad)
}

fn text(status: StatusCode, why: &str) -> Response {
    super::api::text(status, &format!("{why}\n"))
}

#[cfg(test)]
mod tests;
