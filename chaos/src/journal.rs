//! The file that survives the lab: every injection before it happens, every undo after it is verified.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use model::{Fault, InjectionId, Period, Timestamp, Undone};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ChaosError;

/// One line of the journal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Line {
    /// This is about to be put into the world.
    Injecting(Box<Entry>),
    /// This is out of the world, as was read back.
    Undone {
        owner: String,
        id: InjectionId,
        how: Undone,
    },
}

/// An injection, with all that its undo needs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Entry {
    pub(crate) owner: String,
    pub(crate) id: InjectionId,
    pub(crate) at: Timestamp,
    pub(crate) namespace: String,
    pub(crate) fault: Fault,
    pub(crate) lease: Period,
    pub(crate) plan: Value,
}

/// The open journal; locked, so that two labs cannot share it.
#[derive(Debug)]
pub(crate) struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Opens the journal, and makes it when it is absent.
    pub(crate) fn open(path: &Path) -> Result<Self, ChaosError> {
        let failed = |source| ChaosError::Journal {
            path: path.to_owned(),
            source,
        };
        let folder = match path.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        fs::create_dir_all(folder).map_err(failed)?;
        // It says what is broken: that is nobody's business but its owner's.
        let file = OpenOptions::new()
            .read(true)
            .append(true)
            .create(true)
            .mode(0o600)
            .open(path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(ChaosError::JournalInUse(path.to_owned()));
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        // The file's own name must survive a power loss too.
        File::open(folder)
            .and_then(|folder| folder.sync_all())
            .map_err(failed)?;
        let mut journal = Self {
            path: path.to_owned(),
            file,
        };
        journal.end_torn_line().map_err(failed)?;
        Ok(journal)
    }

    /// A lab that was killed while it wrote leaves half a line: it is closed off.
    fn end_torn_line(&mut self) -> io::Result<()> {
        if self.file.seek(SeekFrom::End(0))? == 0 {
            return Ok(());
        }
        self.file.seek(SeekFrom::End(-1))?;
        let mut last = [0];
        self.file.read_exact(&mut last)?;
        if last != *b"\n" {
            self.file.write_all(b"\n")?;
        }
        Ok(())
    }

    /// Writes that `entry` is about to happen; it is on the disk when this returns.
    pub(crate) fn injecting(&mut self, entry: &Entry) -> Result<(), ChaosError> {
        self.append(&Line::Injecting(Box::new(entry.clone())))
    }

    /// Writes that it is undone.
    pub(crate) fn undone(
        &mut self,
        owner: &str,
        id: InjectionId,
        how: Undone,
    ) -> Result<(), ChaosError> {
        self.append(&Line::Undone {
            owner: owner.to_owned(),
            id,
            how,
        })
    }

    fn append(&mut self, line: &Line) -> Result<(), ChaosError> {
        let written = serde_json::to_vec(line)
            .map_err(io::Error::from)
            .and_then(|mut text| {
                text.push(b'\n');
                self.file.write_all(&text)?;
                self.file.sync_data()
            });
        written.map_err(|source| self.failed(source))
    }

    fn failed(&self, source: io::Error) -> ChaosError {
        ChaosError::Journal {
            path: self.path.clone(),
            source,
        }
    }

    /// What was put into the world and never verified to be out of it, in order.
    pub(crate) fn pending(&mut self) -> Result<Vec<Entry>, ChaosError> {
        let mut text = Vec::new();
        let read = self
            .file
            .seek(SeekFrom::Start(0))
            .and_then(|_| self.file.read_to_end(&mut text));
        read.map_err(|source| self.failed(source))?;
        let mut pending: Vec<Entry> = Vec::new();
        for line in text.split(|byte| *byte == b'\n') {
            if line.is_empty() {
                continue;
            }
            match serde_json::from_slice(line) {
                Ok(Line::Injecting(entry)) => pending.push(*entry),
                Ok(Line::Undone { owner, id, .. }) => {
                    pending.retain(|entry| (&entry.owner, entry.id) != (&owner, id));
                }
                // A line that was never whole was written before the world changed.
                Err(error) => tracing::warn!(%error, "a torn line of the fault journal is skipped"),
            }
        }
        Ok(pending)
    }

    /// Empties the journal: nothing is pending.
    pub(crate) fn clear(&mut self) -> Result<(), ChaosError> {
        let cleared = self.file.set_len(0).and_then(|()| self.file.sync_data());
        cleared.map_err(|source| self.failed(source))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(owner: &str, id: InjectionId) -> Entry {
        Entry {
            owner: owner.to_owned(),
            id,
            at: Timestamp::from_millis(7),
            namespace: "sock-shop".to_owned(),
            fault: Fault {
                kind: "hang".to_owned(),
                args: serde_json::Map::new(),
            },
            lease: Period::from_secs(10),
            plan: serde_json::json!({"pods": []}),
        }
    }

    #[test]
    fn what_was_not_undone_is_pending_even_after_a_torn_line() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("deep/faults.jsonl");
        {
            let mut journal = Journal::open(&path).expect("open");
            for id in 1..=3 {
                journal.injecting(&entry("a", id)).expect("write");
            }
            journal.undone("a", 2, Undone::Reverted).expect("write");
            journal.undone("b", 1, Undone::Reverted).expect("write");
        }
        let mut file = OpenOptions::new().append(true).open(&path).expect("open");
        file.write_all(b"{\"injecting\":{\"ow").expect("write");
        drop(file);
        let mut journal = Journal::open(&path).expect("open");
        journal.injecting(&entry("c", 1)).expect("write");
        let expected = [entry("a", 1), entry("a", 3), entry("c", 1)];
        assert_eq!(journal.pending().expect("read"), expected);
        journal.clear().expect("clear");
        assert_eq!(journal.pending().expect("read"), []);
    }

    #[test]
    fn only_its_owner_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("faults.jsonl");
        drop(Journal::open(&path).expect("open"));
        let mode = fs::metadata(&path).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }

    #[test]
    fn two_labs_cannot_share_a_journal() {
        let folder = tempfile::tempdir().expect("folder");
        let path = folder.path().join("faults.jsonl");
        let first = Journal::open(&path).expect("open");
        let second = Journal::open(&path);
        assert!(matches!(second, Err(ChaosError::JournalInUse(_))));
        drop(first);
        assert!(Journal::open(&path).is_ok());
    }
}
