//! The journal of a drill: append-only JSON lines, one Event each.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use model::{Event, Timeline};

/// Why a journal could not be written or read.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It could not be made, opened, read or written.
    #[error("the journal {} cannot be used: {source}", path.display())]
    File {
        /// The journal.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// A line is not an Event.
    #[error("{}:{line}:{column}: this is no event of a drill: {reason}", path.display())]
    Malformed {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The character in the line, from 1.
        column: usize,
        /// What was expected.
        reason: String,
    },
    /// Events are missing, doubled or out of order.
    #[error("{}:{line}:1: event {expected} was expected here, and event {found} stands: lines are missing, doubled or out of order", path.display())]
    OutOfOrder {
        /// The journal.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The number that should follow.
        expected: u64,
        /// The number that stands there.
        found: u64,
    },
}

/// Writes a journal.
#[derive(Debug)]
pub(crate) struct Writer {
    path: PathBuf,
    file: File,
}

impl Writer {
    /// Makes the journal at `path`, where nothing may be yet.
    pub(crate) fn create(path: &Path) -> Result<Self, JournalError> {
        let made = || {
            if let Some(folder) = path.parent() {
                std::fs::create_dir_all(folder)?;
            }
            OpenOptions::new().create_new(true).append(true).open(path)
        };
        made()
            .map(|file| Self {
                path: path.to_owned(),
                file,
            })
            .map_err(|source| failed(path, source))
    }

    /// Appends an Event.
    pub(crate) fn append(&mut self, event: &Event) -> Result<(), JournalError> {
        let write = |file: &mut File| {
            let mut line = serde_json::to_vec(event).map_err(io::Error::other)?;
            line.push(b'\n');
            file.write_all(&line)
        };
        write(&mut self.file).map_err(|source| failed(&self.path, source))
    }

    /// Waits until all of it is on the disk.
    pub(crate) fn sync(&mut self) -> Result<(), JournalError> {
        self.file
            .sync_data()
            .map_err(|source| failed(&self.path, source))
    }
}

fn failed(path: &Path, source: io::Error) -> JournalError {
    JournalError::File {
        path: path.to_owned(),
        source,
    }
}

/// A journal that was read.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    /// Its Events.
    pub timeline: Timeline,
    /// The line that was half written when its writer was killed, and is left
    /// out; from 1.
    pub torn: Option<usize>,
}

/// Reads the journal at `path`. A last line that is half written is tolerated
/// and said.
///
/// # Errors
/// [`JournalError`] with the exact place.
pub fn read(path: &Path) -> Result<Reading, JournalError> {
    let bytes = std::fs::read(path).map_err(|source| failed(path, source))?;
    parse(path, &bytes)
}

fn parse(path: &Path, bytes: &[u8]) -> Result<Reading, JournalError> {
    let mut timeline = Timeline::default();
    let mut lines = bytes.split_inclusive(|byte| *byte == b'\n').enumerate();
    for (index, raw) in &mut lines {
        let line = index + 1;
        let event: Event = match serde_json::from_slice(raw) {
            Ok(event) => event,
            Err(_) if raw.last() != Some(&b'\n') => {
                return Ok(Reading {
                    timeline,
                    torn: Some(line),
                });
            }
            Err(error) => {
                return Err(JournalError::Malformed {
                    path: path.to_owned(),
                    line,
                    column: error.column().max(1),
                    reason: reason(&error),
                });
            }
        };
        let expected = timeline.events().len() as u64;
        if event.seq != expected {
            return Err(JournalError::OutOfOrder {
                path: path.to_owned(),
                line,
                expected,
                found: event.seq,
            });
        }
        timeline.push(event);
    }
    Ok(Reading {
        timeline,
        torn: None,
    })
}

/// The error without its own place, which counts within the line only.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) => text[..at].to_owned(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::{Happening, Timestamp, Verdict};

    fn event(seq: u64) -> Event {
        Event {
            seq,
            at: Timestamp::from_millis(1_000 + seq),
            what: Happening::Recovered,
        }
    }

    fn text(events: &[Event]) -> Vec<u8> {
        let mut text = Vec::new();
        for event in events {
            text.extend(serde_json::to_vec(event).expect("an event is JSON"));
            text.push(b'\n');
        }
        text
    }

    fn parsed(bytes: &[u8]) -> Result<Reading, JournalError> {
        parse(Path::new("j.jsonl"), bytes)
    }

    #[test]
    fn what_is_written_is_read_again() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("deeper").join("j.jsonl");
        let mut writer = Writer::create(&path).expect("made");
        let end = Event {
            what: Happening::Finished(Verdict::Complete),
            ..event(1)
        };
        for event in [&event(0), &end] {
            writer.append(event).expect("written");
        }
        writer.sync().expect("synced");
        let reading = read(&path).expect("read");
        assert_eq!(reading.timeline.events(), [event(0), end]);
        assert_eq!(reading.torn, None);
        assert!(
            Writer::create(&path).is_err(),
            "a journal is never overwritten"
        );
    }

    #[test]
    fn a_last_line_that_is_half_written_is_left_out_and_said() {
        let mut bytes = text(&[event(0), event(1)]);
        let whole = bytes.len();
        bytes.extend(br#"{"seq":2,"at":10"#);
        let reading = parsed(&bytes).expect("read");
        assert_eq!(reading.timeline.events().len(), 2);
        assert_eq!(reading.torn, Some(3));
        let reading = parsed(&bytes[..whole - 1]).expect("read");
        assert_eq!(reading.torn, None, "only the line's end was lost");
    }

    #[test]
    fn a_bad_line_is_an_error_with_its_place() {
        let good = text(&[event(0)]);
        for (bad, place) in [
            (
                &b"{\"seq\":1,\"at\":5,\"what\":\"nothing\"}\n"[..],
                ":2:32: ",
            ),
            (b"\n", ":2:1: "),
            (
                b"{\"seq\":7,\"at\":5,\"what\":\"recovered\"}\n",
                ":2:1: event 1 was expected",
            ),
        ] {
            let bytes = [&good[..], bad, &good[..]].concat();
            let error = parsed(&bytes).expect_err("refused").to_string();
            assert!(error.contains(&format!("j.jsonl{place}")), "{error}");
        }
    }
}
