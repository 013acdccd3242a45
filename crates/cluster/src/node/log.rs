//! The output of one container instance, in files of CRI's format:
//! `<RFC3339Nano> <stdout|stderr> <F|P> <text>`.
//!
//! Files are rotated at a bounded size and the oldest go first. Readers are woken by writes, they do not poll.

mod read;

use std::collections::VecDeque;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use tokio::sync::watch;

use crate::runtime::LogSource;

pub use read::{LogOptions, LogStream};

/// The longest piece of a line in one record; longer lines are written in parts, marked `P`.
const PIECE: usize = 16 * 1024;

/// Where output came from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

impl Stream {
    /// `stdout` or `stderr`.
    pub fn word(self) -> &'static str {
        match self {
            Self::Stdout => "stdout",
            Self::Stderr => "stderr",
        }
    }
}

/// How much of a container's output is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct LogLimits {
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Files of one container instance.
    pub files: usize,
}

impl Default for LogLimits {
    /// 16 MiB in each of three files; kubelet has 10 MiB and five.
    fn default() -> Self {
        Self {
            file_bytes: 16 << 20,
            files: 3,
        }
    }
}

/// The log of one container instance. Cheap to clone.
#[derive(Clone)]
pub(crate) struct ContainerLog {
    inner: Arc<Inner>,
}

/// Writes one container instance's output. When it (and every clone) is dropped, the log is complete.
#[derive(Clone)]
pub struct LogWriter {
    log: ContainerLog,
    _open: Arc<Open>,
}

/// Closes the log when the last writer goes.
struct Open(ContainerLog);

struct Inner {
    dir: PathBuf,
    name: String,
    limits: LogLimits,
    state: Mutex<State>,
    changed: watch::Sender<u64>,
}

struct State {
    segments: VecDeque<Segment>,
    file: Option<File>,
    /// Bytes of the newest file, for those who read it by themselves. Dropped when it gets no more.
    written: Option<watch::Sender<u64>>,
    closed: bool,
}

#[derive(Clone, Copy, Debug)]
struct Segment {
    index: u64,
    len: u64,
}

impl ContainerLog {
    /// A new log named `name` in `dir`, and its writer.
    ///
    /// # Errors
    /// When the folder or the first file cannot be made.
    pub(crate) fn create(
        dir: &Path,
        name: String,
        limits: LogLimits,
    ) -> io::Result<(Self, LogWriter)> {
        fs::create_dir_all(dir)?;
        let inner = Inner {
            dir: dir.to_owned(),
            name,
            limits,
            state: Mutex::new(State {
                segments: VecDeque::from([Segment { index: 0, len: 0 }]),
                file: None,
                written: Some(watch::Sender::new(0)),
                closed: false,
            }),
            changed: watch::Sender::new(0),
        };
        let file = inner.open(0)?;
        let log = Self {
            inner: Arc::new(inner),
        };
        log.inner.lock().file = Some(file);
        let writer = LogWriter {
            _open: Arc::new(Open(log.clone())),
            log: log.clone(),
        };
        Ok((log, writer))
    }

    /// The newest file, and how to follow it until it is rotated or the container ends.
    pub(crate) fn source(&self) -> LogSource {
        let state = self.inner.lock();
        let index = state.segments.back().map_or(0, |segment| segment.index);
        LogSource {
            path: self.inner.path(index),
            written: state.written.as_ref().map(watch::Sender::subscribe),
        }
    }

    /// Deletes the files. Readers keep what they have open.
    pub(crate) fn delete(&self) {
        let mut state = self.inner.lock();
        for segment in state.segments.drain(..) {
            // Gone already is as good.
            let _ = fs::remove_file(self.inner.path(segment.index));
        }
        state.close();
        drop(state);
        self.inner.announce();
    }
}

impl LogWriter {
    /// Writes whole records at once: each line with the time `at`.
    fn records(&self, records: &[u8]) {
        if records.is_empty() {
            return;
        }
        let inner = &self.log.inner;
        let mut state = inner.lock();
        if let Err(error) = inner.append(&mut state, records) {
            tracing::warn!(log = %inner.name, %error, "output of a container is lost");
        }
        drop(state);
        inner.announce();
    }

    /// A splitter of one stream's bytes into records.
    pub fn stream(&self, stream: Stream) -> StreamWriter {
        StreamWriter {
            writer: self.clone(),
            stream,
            pending: Vec::new(),
        }
    }
}

/// Splits the bytes of one stream into lines and writes them.
pub struct StreamWriter {
    writer: LogWriter,
    stream: Stream,
    pending: Vec<u8>,
}

impl StreamWriter {
    /// Takes the next bytes. Every whole line becomes a record with the present time.
    pub fn write(&mut self, mut bytes: &[u8]) {
        let now = stamp(Timestamp::now());
        let mut records = Vec::with_capacity(bytes.len() + 64);
        while let Some(end) = bytes.iter().position(|byte| *byte == b'\n') {
            self.pending.extend_from_slice(&bytes[..end]);
            bytes = &bytes[end + 1..];
            self.pieces(&now, &mut records);
            record(&mut records, &now, self.stream, 'F', &self.pending);
            self.pending.clear();
        }
        self.pending.extend_from_slice(bytes);
        self.pieces(&now, &mut records);
        self.writer.records(&records);
    }

    /// Writes what stands without an end of line.
    pub fn finish(mut self) {
        if self.pending.is_empty() {
            return;
        }
        let mut records = Vec::new();
        let now = stamp(Timestamp::now());
        record(&mut records, &now, self.stream, 'F', &self.pending);
        self.pending.clear();
        self.writer.records(&records);
    }

    /// Writes the full pieces of a line that is longer than one.
    fn pieces(&mut self, now: &str, records: &mut Vec<u8>) {
        let mut done = 0;
        while self.pending.len() - done > PIECE {
            let piece = &self.pending[done..done + PIECE];
            record(records, now, self.stream, 'P', piece);
            done += PIECE;
        }
        self.pending.drain(..done);
    }
}

impl Inner {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn path(&self, index: u64) -> PathBuf {
        self.dir.join(format!("{}.{index}.log", self.name))
    }

    fn open(&self, index: u64) -> io::Result<File> {
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.path(index))
    }

    fn append(&self, state: &mut State, records: &[u8]) -> io::Result<()> {
        if state.closed {
            return Ok(());
        }
        let current = state.segments.back().copied();
        if let Some(Segment { index, len }) = current
            && len > 0
            && len + records.len() as u64 > self.limits.file_bytes
        {
            state.file = Some(self.open(index + 1)?);
            state.written = Some(watch::Sender::new(0));
            state.segments.push_back(Segment {
                index: index + 1,
                len: 0,
            });
            while state.segments.len() > self.limits.files.max(1) {
                if let Some(oldest) = state.segments.pop_front() {
                    fs::remove_file(self.path(oldest.index))?;
                }
            }
        }
        if let (Some(file), Some(segment)) = (&mut state.file, state.segments.back_mut()) {
            file.write_all(records)?;
            segment.len += records.len() as u64;
            if let Some(written) = &state.written {
                written.send_replace(segment.len);
            }
        }
        Ok(())
    }

    fn announce(&self) {
        self.changed.send_modify(|count| *count += 1);
    }
}

impl State {
    fn close(&mut self) {
        self.closed = true;
        self.file = None;
        self.written = None;
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        let mut state = self.0.inner.lock();
        state.close();
        drop(state);
        self.0.inner.announce();
    }
}

/// A time as RFC3339Nano, always with nine digits.
fn stamp(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%S.%9fZ").to_string()
}

fn record(out: &mut Vec<u8>, now: &str, stream: Stream, tag: char, text: &[u8]) {
    out.extend_from_slice(now.as_bytes());
    out.push(b' ');
    out.extend_from_slice(stream.word().as_bytes());
    out.extend_from_slice(&[b' ', tag as u8, b' ']);
    out.extend_from_slice(text);
    out.push(b'\n');
}

#[cfg(test)]
mod tests;
