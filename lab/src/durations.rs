//! How long drills took earlier, so that the time left can be told and the
//! longest begin first.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use model::Period;

use crate::jobs::Job;
use crate::platform::StateDir;

/// How long drills took, by [`Job::kept_as`], in milliseconds. It is a help,
/// nothing more: a file that cannot be read or written is as good as none.
#[derive(Debug, Default)]
pub(crate) struct Durations {
    file: PathBuf,
    known: BTreeMap<String, u64>,
}

impl Durations {
    /// Those kept below `state`, or below the usual place.
    pub(crate) fn read(state: Option<&Path>) -> Self {
        let file = StateDir::base(state).join("durations.json");
        let known = std::fs::read(&file)
            .ok()
            .and_then(|bytes| serde_json::from_slice(&bytes).ok())
            .unwrap_or_default();
        Self { file, known }
    }

    /// How long `job` will take, about.
    pub(crate) fn of(&self, job: &Job) -> Period {
        let known = self.known.get(&job.kept_as()).copied();
        known.map_or_else(|| job.guess(), Period::from_millis)
    }

    /// Notes that `job` took so long: half of it counts, half of what was known.
    pub(crate) fn note(&mut self, job: &Job, took: Period) {
        let took = took.as_millis();
        let kept = self.known.entry(job.kept_as()).or_insert(took);
        *kept = kept.midpoint(took);
    }

    /// Keeps them for the next time.
    pub(crate) fn keep(&self) {
        let written = serde_json::to_vec_pretty(&self.known)
            .map_err(std::io::Error::other)
            .and_then(|bytes| std::fs::write(&self.file, bytes));
        if let Err(error) = written {
            tracing::debug!(%error, "how long drills took was not kept");
        }
    }
}
