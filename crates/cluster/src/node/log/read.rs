//! Reading a container's log: tail, since, timestamps, one stream, follow.

use std::fs::{self, File};
use std::os::unix::fs::FileExt;

use bytes::Bytes;
use futures::Stream as Futures;
use jiff::Timestamp;
use tokio::sync::watch;

use super::{ContainerLog, Stream};

/// The most that is read at once.
const CHUNK: usize = 64 * 1024;

/// What of a log is wanted, as the query of `pods/log` says it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct LogOptions {
    /// Only this many lines from the end, then what follows.
    pub tail_lines: Option<u64>,
    /// Only lines at or after this time.
    pub since: Option<Timestamp>,
    /// Each line begins with its time.
    pub timestamps: bool,
    /// Waits for more until the container ends.
    pub follow: bool,
    /// Not more bytes than this.
    pub limit_bytes: Option<u64>,
    /// Only this stream.
    pub stream: Option<Stream>,
    /// The instance before the present one.
    pub previous: bool,
}

/// A log as it is read: pieces of one or more whole lines.
pub type LogStream = std::pin::Pin<Box<dyn Futures<Item = Bytes> + Send>>;

struct Reader {
    log: ContainerLog,
    options: LogOptions,
    changed: watch::Receiver<u64>,
    segment: u64,
    offset: u64,
    file: Option<File>,
    left: u64,
}

impl ContainerLog {
    /// Reads the log from its beginning, or from where `options` says.
    pub(crate) fn read(&self, options: LogOptions) -> LogStream {
        let changed = self.inner.changed.subscribe();
        let (segment, offset) = self.start(options.tail_lines);
        let reader = Reader {
            log: self.clone(),
            changed,
            segment,
            offset,
            file: None,
            left: options.limit_bytes.unwrap_or(u64::MAX),
            options,
        };
        Box::pin(futures::stream::unfold(reader, |mut reader| async move {
            let piece = reader.next().await?;
            Some((piece, reader))
        }))
    }

    /// Where the last `tail` lines begin: a segment and an offset within it.
    fn start(&self, tail: Option<u64>) -> (u64, u64) {
        let segments: Vec<_> = self.inner.lock().segments.iter().copied().collect();
        let Some(oldest) = segments.first() else {
            return (0, 0);
        };
        let Some(mut wanted) = tail else {
            return (oldest.index, 0);
        };
        for segment in segments.iter().rev() {
            let bytes = fs::read(self.inner.path(segment.index)).unwrap_or_default();
            let ends = bytes.iter().enumerate().rev().filter(|(_, b)| **b == b'\n');
            for (at, _) in ends {
                if wanted == 0 {
                    return (segment.index, at as u64 + 1);
                }
                wanted -= 1;
            }
        }
        (oldest.index, 0)
    }
}

impl Reader {
    async fn next(&mut self) -> Option<Bytes> {
        loop {
            if self.left == 0 {
                return None;
            }
            self.changed.borrow_and_update();
            let last = self.is_last_look();
            let next = self.next_segment();
            let raw = self.chunk();
            if !raw.is_empty() {
                let text = self.render(&raw);
                if !text.is_empty() {
                    return Some(text);
                }
                continue;
            }
            if let Some(next) = next {
                self.segment = next;
                self.offset = 0;
                self.file = None;
                continue;
            }
            if last || self.changed.changed().await.is_err() {
                return None;
            }
        }
    }

    /// Whether there can be no more once everything is read. Asked before reading,
    /// so that nothing written before the end is missed.
    fn is_last_look(&self) -> bool {
        !self.options.follow || self.log.inner.lock().closed
    }

    /// Whole records from the present place.
    fn chunk(&mut self) -> Vec<u8> {
        if self.file.is_none() {
            self.file = File::open(self.log.inner.path(self.segment)).ok();
        }
        let Some(file) = &self.file else {
            return Vec::new();
        };
        let mut bytes = vec![0; CHUNK];
        let length = file.read_at(&mut bytes, self.offset).unwrap_or(0);
        let whole = bytes[..length]
            .iter()
            .rposition(|byte| *byte == b'\n')
            .map_or(0, |at| at + 1);
        bytes.truncate(whole);
        self.offset += whole as u64;
        bytes
    }

    /// The file after the present one, if there is one. Asked before reading: then
    /// nothing is written to the present one any more.
    fn next_segment(&self) -> Option<u64> {
        let state = self.log.inner.lock();
        state
            .segments
            .iter()
            .map(|segment| segment.index)
            .find(|index| *index > self.segment)
    }

    fn render(&mut self, raw: &[u8]) -> Bytes {
        let mut out = Vec::with_capacity(raw.len());
        for line in raw.split_inclusive(|byte| *byte == b'\n') {
            if self.push(&mut out, line).is_none() {
                tracing::debug!("a record of a log cannot be read");
            }
        }
        let allowed = usize::try_from(self.left).unwrap_or(usize::MAX);
        out.truncate(allowed);
        self.left -= out.len() as u64;
        out.into()
    }

    fn push(&self, out: &mut Vec<u8>, line: &[u8]) -> Option<()> {
        let line = line.strip_suffix(b"\n").unwrap_or(line);
        let mut parts = line.splitn(4, |byte| *byte == b' ');
        let time = parts.next()?;
        let stream = parts.next()?;
        let tag = parts.next()?;
        let text = parts.next()?;
        if let Some(wanted) = self.options.stream
            && wanted.word().as_bytes() != stream
        {
            return Some(());
        }
        if let Some(since) = self.options.since {
            let at: Timestamp = std::str::from_utf8(time).ok()?.parse().ok()?;
            if at < since {
                return Some(());
            }
        }
        if self.options.timestamps {
            out.extend_from_slice(time);
            out.push(b' ');
        }
        out.extend_from_slice(text);
        if tag == b"F" {
            out.push(b'\n');
        }
        Some(())
    }
}
