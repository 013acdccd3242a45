//! A lab's own folder: there while it runs, gone after it.

use std::path::{Path, PathBuf};

use crate::error::LabError;

/// A lab's own folder. What a killed lab left behind is removed at the next start.
#[derive(Debug)]
pub(crate) struct StateDir {
    path: PathBuf,
}

impl StateDir {
    /// A new folder below `chosen`, or below the usual place.
    pub(crate) fn create(chosen: Option<&Path>) -> Result<Self, LabError> {
        let base = Self::base(chosen).join("labs");
        let failed = |path: &Path| {
            let path = path.to_owned();
            move |source| LabError::File {
                path,
                doing: "written",
                source,
                next: "give a folder that can be written with --state",
            }
        };
        std::fs::create_dir_all(&base).map_err(failed(&base))?;
        sweep(&base);
        let path = base.join(format!(
            "{}-{:08x}",
            std::process::id(),
            rand::random::<u32>()
        ));
        std::fs::create_dir(&path).map_err(failed(&path))?;
        let path = path.canonicalize().map_err(failed(&path))?;
        Ok(Self { path })
    }

    /// Where labs keep what is their own: `chosen`, or the usual place.
    pub(crate) fn base(chosen: Option<&Path>) -> PathBuf {
        chosen.map_or_else(usual, Path::to_owned)
    }

    /// The folder.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the folder.
    pub(crate) fn remove(self) {
        if let Err(error) = std::fs::remove_dir_all(&self.path) {
            tracing::warn!(path = %self.path.display(), %error, "the lab's folder was not removed");
        }
    }
}

/// `$XDG_STATE_HOME/shoplab`, or `~/.local/state/shoplab`, or a temporary folder.
fn usual() -> PathBuf {
    let absolute = |name| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    absolute("XDG_STATE_HOME")
        .or_else(|| absolute("HOME").map(|home| home.join(".local/state")))
        .unwrap_or_else(std::env::temp_dir)
        .join("shoplab")
}

/// Removes the folders of labs whose process is gone.
fn sweep(base: &Path) {
    let Ok(entries) = std::fs::read_dir(base) else {
        return;
    };
    for entry in entries.flatten() {
        let name = entry.file_name();
        let owner = name.to_str().and_then(|name| name.split('-').next());
        let gone = owner
            .and_then(|pid| pid.parse::<u32>().ok())
            .is_some_and(|pid| !Path::new(&format!("/proc/{pid}")).exists());
        if gone {
            // Another lab may sweep at the same time: either may win.
            drop(std::fs::remove_dir_all(entry.path()));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_of_labs_that_are_gone_are_swept_and_others_kept() {
        let base = tempfile::tempdir().expect("a folder");
        let labs = base.path().join("labs");
        let dead = labs.join("4194305-00000000");
        let mine = labs.join(format!("{}-00000000", std::process::id()));
        for path in [&dead, &mine] {
            std::fs::create_dir_all(path).expect("made");
        }
        let state = StateDir::create(Some(base.path())).expect("made");
        assert!(!dead.exists() && mine.exists());
        let path = state.path().to_owned();
        assert!(path.is_dir());
        state.remove();
        assert!(!path.exists());
    }

    #[test]
    fn a_place_that_cannot_be_written_is_said_with_the_next_step() {
        let error = StateDir::create(Some(Path::new("/proc/none"))).expect_err("refused");
        assert!(error.to_string().contains("--state"), "{error}");
    }
}
