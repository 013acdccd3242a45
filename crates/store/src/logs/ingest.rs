//! What is taken and what is refused, in Loki's words.
//!
//! Source: <https://grafana.com/docs/loki/latest/operations/troubleshooting/troubleshoot-ingest/>.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::labels::{Labels, normalize};
use super::level;
use super::logql::units;
use super::storage::{Entry, Logs, go_time, rfc3339};

/// The tenant's name where there is but one, as Loki calls it.
pub(crate) const TENANT: &str = "fake";
/// Refused entries that one answer lists (`max_returned_stream_errors`).
const MAX_LISTED: usize = 10;

/// Why a push was refused, in whole or in part.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct PushError {
    /// The HTTP status: 400 if it is of no use to try again, 429 if it is.
    pub status: u16,
    /// What is wrong, as Loki says it.
    pub message: String,
}

/// What is wrong with a stream or an entry.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error("error at least one label pair is required per stream")]
    NoLabels,
    #[error("entry for stream '{0}' has {1} label names; limit {2}")]
    ManyLabels(String, usize, usize),
    #[error("stream '{0}' has label name too long: '{1}'")]
    LabelName(String, String),
    #[error("stream '{0}' has label value too long: '{1}'")]
    LabelValue(String, String),
    #[error("error parsing labels '{0}' with error: {1}")]
    BadLabels(String, String),
    #[error(
        "entry for stream '{0}' has timestamp too old: {1}, oldest acceptable timestamp is: {2}"
    )]
    TooOld(String, String, String),
    #[error("entry for stream '{0}' has timestamp too new: {1}")]
    TooNew(String, String),
    #[error(
        "max entry size '{0}' bytes exceeded for stream '{1}' while adding an entry with length '{2}' bytes"
    )]
    TooLong(usize, String, usize),
    #[error(
        "stream '{0}' has structured metadata too large: '{1}' bytes, limit: '{2}' bytes. Please see `limits_config.max_structured_metadata_size` or contact your Loki administrator to increase it."
    )]
    MetadataBytes(String, usize, usize),
    #[error(
        "stream '{0}' has too many structured metadata labels: '{1}', limit: '{2}'. Please see `limits_config.max_structured_metadata_entries_count` or contact your Loki administrator to increase it."
    )]
    MetadataCount(String, usize, usize),
    #[error(
        "entry too far behind, entry timestamp is: {}, oldest acceptable timestamp is: {}",
        rfc3339(*.0), rfc3339(*.1)
    )]
    TooFarBehind(i64, i64),
    #[error(
        "Per stream rate limit exceeded (limit: {}/sec) while attempting to ingest for stream '{}' totaling {}, consider splitting a stream via additional labels or contact your Loki administrator to see if the limit can be increased",
        units::show_size(*.0), .1, units::show_size(*.2)
    )]
    StreamRate(u64, Arc<Labels>, u64),
    #[error(
        "maximum active stream limit exceeded when trying to create stream {0}, reduce the number of active streams (reduce labels or reduce label values), or contact your Loki administrator to see if the limit can be increased, user: '{TENANT}'"
    )]
    ManyStreams(String),
}

/// A stream as it was sent: its labels, or why they are none.
pub(crate) type Sent = (Result<Labels, Fault>, Vec<Entry>);

impl Logs {
    /// Appends `entries` to the stream of `labels`; adds `service_name` to a stream that has
    /// none and `detected_level` to entries that have none. Entries that are taken stay, even
    /// if others are refused.
    ///
    /// # Errors
    /// See [`PushError`].
    pub fn push(&self, labels: Labels, entries: Vec<Entry>) -> Result<(), PushError> {
        self.push_all(vec![(Ok(labels), entries)])
    }

    /// Takes the streams of one request.
    pub(crate) fn push_all(&self, streams: Vec<Sent>) -> Result<(), PushError> {
        let now = self.clock().now_ns();
        let mut faults: Vec<String> = Vec::new();
        let mut good = Vec::with_capacity(streams.len());
        for (labels, entries) in streams {
            let labels = labels.and_then(|labels| self.check_labels(labels));
            let labels = match labels {
                Ok(labels) => labels,
                Err(fault) => {
                    faults.push(fault.to_string());
                    continue;
                }
            };
            let mut taken = Vec::with_capacity(entries.len());
            for mut entry in entries {
                if let Err(fault) = self.check_entry(&labels, &entry, now) {
                    faults.push(fault.to_string());
                    continue;
                }
                for (name, value) in &mut entry.metadata {
                    if !is_name(name) {
                        *name = normalize(name);
                    }
                    if value.contains('\u{fffd}') {
                        *value = value.replace('\u{fffd}', "");
                    }
                }
                level::add(&labels, &mut entry);
                taken.push(entry);
            }
            if !taken.is_empty() {
                good.push((Arc::new(labels), taken));
            }
        }
        self.check_rate(&good, now)?;
        let mut refused = None;
        for (labels, entries) in good {
            let all = entries.len();
            match self.append(&labels, entries, now) {
                Ok(entries) if entries.is_empty() => {}
                Ok(entries) => refused = Some(stream_error(&labels, &entries, all)),
                Err(fault) => {
                    refused = Some(PushError {
                        status: 429,
                        message: fault.to_string(),
                    });
                }
            }
        }
        match refused {
            Some(error) => Err(error),
            None if faults.is_empty() => Ok(()),
            None => Err(PushError {
                status: 400,
                message: grouped(faults),
            }),
        }
    }

    fn check_labels(&self, mut labels: Labels) -> Result<Labels, Fault> {
        let config = self.config();
        labels = labels.without_empty();
        if labels.is_empty() {
            return Err(Fault::NoLabels);
        }
        if labels.get("service_name").is_none() {
            let name = level::service_name(&labels);
            labels.set("service_name", name);
        }
        let count = labels.len() - 1;
        if count > config.max_labels {
            return Err(Fault::ManyLabels(
                labels.to_string(),
                count,
                config.max_labels,
            ));
        }
        for (name, value) in labels.iter() {
            if name.len() > config.max_label_name {
                return Err(Fault::LabelName(labels.to_string(), name.to_owned()));
            }
            if value.len() > config.max_label_value {
                return Err(Fault::LabelValue(labels.to_string(), value.to_owned()));
            }
        }
        Ok(labels)
    }

    fn check_entry(&self, labels: &Labels, entry: &Entry, now: i64) -> Result<(), Fault> {
        let config = self.config();
        let nanos = |d: std::time::Duration| i64::try_from(d.as_nanos()).unwrap_or(i64::MAX);
        let oldest = now.saturating_sub(nanos(config.max_age));
        if entry.ts < oldest {
            return Err(Fault::TooOld(
                labels.to_string(),
                rfc3339(entry.ts),
                rfc3339(oldest),
            ));
        }
        if entry.ts > now.saturating_add(nanos(config.grace)) {
            return Err(Fault::TooNew(labels.to_string(), rfc3339(entry.ts)));
        }
        if entry.line.len() > config.max_line {
            return Err(Fault::TooLong(
                config.max_line,
                labels.to_string(),
                entry.line.len(),
            ));
        }
        let size = metadata_size(entry);
        if size > config.max_metadata_bytes {
            return Err(Fault::MetadataBytes(
                labels.to_string(),
                size,
                config.max_metadata_bytes,
            ));
        }
        if entry.metadata.len() > config.max_metadata_count {
            return Err(Fault::MetadataCount(
                labels.to_string(),
                entry.metadata.len(),
                config.max_metadata_count,
            ));
        }
        Ok(())
    }

    fn check_rate(&self, streams: &[(Arc<Labels>, Vec<Entry>)], now: i64) -> Result<(), PushError> {
        let Some(rate) = self.config().ingestion_rate else {
            return Ok(());
        };
        let entries = || streams.iter().flat_map(|(_, entries)| entries);
        let lines = entries().count();
        let bytes: usize = entries().map(|e| e.line.len() + metadata_size(e)).sum();
        if self.take_rate(bytes as u64, rate, now) {
            return Ok(());
        }
        Err(PushError {
            status: 429,
            message: format!(
                "ingestion rate limit exceeded for user {TENANT} (limit: {} bytes/sec) while attempting to ingest '{lines}' lines totaling '{bytes}' bytes, reduce log volume or contact your Loki administrator to see if the limit can be increased",
                rate.0
            ),
        })
    }
}

fn is_name(text: &str) -> bool {
    text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
}

fn metadata_size(entry: &Entry) -> usize {
    entry.metadata.iter().map(|(k, v)| k.len() + v.len()).sum()
}

/// What Loki says of a stream some of whose entries were refused.
fn stream_error(labels: &Labels, refused: &[(i64, Fault)], all: usize) -> PushError {
    let mut message = String::new();
    for (ts, fault) in refused.iter().take(MAX_LISTED) {
        message.push_str(&format!(
            "entry with timestamp {} ignored, reason: '{fault}',\n",
            go_time(*ts)
        ));
    }
    message.push_str(&format!(
        "user '{TENANT}', total ignored: {} out of {all} for stream: {labels}",
        refused.len()
    ));
    let rate = matches!(refused.last(), Some((_, Fault::StreamRate(..))));
    PushError {
        status: if rate { 429 } else { 400 },
        message,
    }
}

/// Equal errors once, with their number.
fn grouped(faults: Vec<String>) -> String {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    for fault in faults {
        *counts.entry(fault).or_default() += 1;
    }
    let single = counts.len() == 1 && counts.values().all(|n| *n == 1);
    let parts: Vec<String> = counts
        .into_iter()
        .map(|(text, n)| match single {
            true => text,
            false => format!("{n} errors like: {text}"),
        })
        .collect();
    parts.join("; ")
}

#[cfg(test)]
mod tests;
