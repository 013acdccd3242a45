//! What is built into the program, and the folder that may replace it.

use std::path::{Path, PathBuf};

use catalog::{Problems, Source};
use include_dir::{Dir, include_dir};

use crate::error::LabError;

static SCENARIOS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../scenarios");
static ALERTS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../alerts");
static K8S: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../k8s");
static DASHBOARDS: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/../dashboards");

/// One of the folders of authored files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Folder {
    /// `scenarios/`.
    Scenarios,
    /// `alerts/`.
    Alerts,
    /// `k8s/`.
    K8s,
    /// `dashboards/`.
    Dashboards,
}

impl Folder {
    /// Every folder.
    const ALL: [Self; 4] = [Self::Scenarios, Self::Alerts, Self::K8s, Self::Dashboards];

    fn name(self) -> &'static str {
        match self {
            Self::Scenarios => "scenarios",
            Self::Alerts => "alerts",
            Self::K8s => "k8s",
            Self::Dashboards => "dashboards",
        }
    }

    fn built_in(self) -> &'static Dir<'static> {
        match self {
            Self::Scenarios => &SCENARIOS,
            Self::Alerts => &ALERTS,
            Self::K8s => &K8S,
            Self::Dashboards => &DASHBOARDS,
        }
    }
}

/// Authored files: those built in, or those of a folder where it has them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Assets {
    instead: Option<PathBuf>,
}

impl Assets {
    /// The assets built in, except for what `instead` replaces.
    pub(crate) fn new(instead: Option<PathBuf>) -> Result<Self, LabError> {
        if let Some(folder) = &instead {
            let mut parts = Folder::ALL.iter();
            let any = parts.any(|part| folder.join(part.name()).is_dir());
            if !any {
                return Err(LabError::Authored(format!(
                    "{} has no scenarios/, alerts/, k8s/ or dashboards/; give a folder with at least one of them",
                    folder.display()
                )));
            }
        }
        Ok(Self { instead })
    }

    /// The files of `folder` below `below` that end in `.yaml`, sorted by path.
    /// Names are as their author knows them. Those built in stand for what the
    /// folder given instead does not have: `folder`, or a file or folder in it.
    pub(crate) fn yaml(&self, folder: Folder, below: &str) -> Result<Vec<Source>, LabError> {
        let mut found = Vec::new();
        let own = self.instead.as_ref().map(|dir| dir.join(folder.name()));
        match own.map(|dir| dir.join(below)) {
            Some(own) if own.exists() => on_disk(&own, &mut found)?,
            _ => built_in(folder, below, &mut found),
        }
        found.sort_by(|a, b| a.name().cmp(b.name()));
        Ok(found)
    }
}

/// Writes everything that is built in into `dir`, which must be empty or not
/// be there; answers how many files that were.
pub(crate) fn export(dir: &Path) -> Result<usize, LabError> {
    let failed = |source| LabError::File {
        path: dir.to_owned(),
        doing: "written",
        source,
        next: "give a folder that is empty or not there yet",
    };
    let full = dir
        .read_dir()
        .is_ok_and(|mut entries| entries.next().is_some());
    if full {
        return Err(failed(std::io::ErrorKind::DirectoryNotEmpty.into()));
    }
    let mut count = 0;
    for folder in Folder::ALL {
        let target = dir.join(folder.name());
        std::fs::create_dir_all(&target).map_err(failed)?;
        folder.built_in().extract(&target).map_err(failed)?;
        count += files(folder.built_in());
    }
    Ok(count)
}

fn files(dir: &Dir<'_>) -> usize {
    dir.files().count() + dir.dirs().map(files).sum::<usize>()
}

fn built_in(folder: Folder, below: &str, found: &mut Vec<Source>) {
    fn walk(folder: Folder, dir: &Dir<'_>, below: &str, found: &mut Vec<Source>) {
        for file in dir.files() {
            let path = file.path();
            let wanted = path.starts_with(below) && path.extension().is_some_and(|e| e == "yaml");
            if let (true, Some(text)) = (wanted, file.contents_utf8()) {
                let name = format!("{}/{}", folder.name(), path.display());
                found.push(Source::new(name, text));
            }
        }
        for dir in dir.dirs() {
            walk(folder, dir, below, found);
        }
    }
    walk(folder, folder.built_in(), below, found);
}

/// All `.yaml` files below `dir`, or `dir` itself where it is a file.
pub(crate) fn on_disk(dir: &Path, found: &mut Vec<Source>) -> Result<(), LabError> {
    for path in paths(dir)? {
        let source = read(&path)?.map_err(|problems| LabError::Authored(problems.render()))?;
        found.push(source);
    }
    Ok(())
}

/// The file at `path`; what is wrong with it where it is no text.
pub(crate) fn read(path: &Path) -> Result<Result<Source, Problems>, LabError> {
    let bytes = std::fs::read(path).map_err(|source| unreadable(path, source))?;
    Ok(Source::of_bytes(&path.display().to_string(), bytes))
}

/// The paths of all `.yaml` files below `dir`, sorted, or `dir` itself where
/// it is a file.
pub(crate) fn paths(dir: &Path) -> Result<Vec<PathBuf>, LabError> {
    if dir.is_file() {
        return Ok(vec![dir.to_owned()]);
    }
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).map_err(|source| unreadable(dir, source))? {
        let path = entry.map_err(|source| unreadable(dir, source))?.path();
        if path.is_dir() || path.extension().is_some_and(|e| e == "yaml") {
            found.extend(paths(&path)?);
        }
    }
    found.sort();
    Ok(found)
}

fn unreadable(path: &Path, source: std::io::Error) -> LabError {
    LabError::File {
        path: path.to_owned(),
        doing: "read",
        source,
        next: "check the path",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_replaces_only_what_it_has() {
        let dir = tempfile::tempdir().expect("a folder");
        let own = dir.path().join("alerts");
        std::fs::create_dir(&own).expect("made");
        std::fs::write(own.join("mine.yaml"), "groups: []").expect("written");
        let assets = Assets::new(Some(dir.path().to_owned())).expect("usable");
        let alerts = assets.yaml(Folder::Alerts, "").expect("read");
        assert_eq!(alerts.len(), 1);
        let scenarios = assets.yaml(Folder::Scenarios, "sock-shop").expect("read");
        assert!(
            scenarios
                .iter()
                .any(|s| s.name().ends_with("payment-hangs.yaml"))
        );
    }

    #[test]
    fn what_a_folder_lacks_is_built_in() {
        let dir = tempfile::tempdir().expect("a folder");
        std::fs::create_dir_all(dir.path().join("scenarios/my-shop")).expect("made");
        std::fs::create_dir_all(dir.path().join("k8s/my-shop")).expect("made");
        let assets = Assets::new(Some(dir.path().to_owned())).expect("usable");
        for (folder, below, there) in [
            (Folder::Scenarios, "failure-matrix.yaml", true),
            (Folder::K8s, "lab", true),
            (Folder::K8s, "my-shop", false),
            (Folder::K8s, "no-shop", false),
            (Folder::Scenarios, "", false),
        ] {
            let found = assets.yaml(folder, below).expect("read");
            assert_eq!(!found.is_empty(), there, "{folder:?} {below}");
        }
    }

    #[test]
    fn what_is_exported_can_be_given_back_instead() {
        let dir = tempfile::tempdir().expect("a folder");
        let target = dir.path().join("mine");
        let count = export(&target).expect("written");
        let assets = Assets::new(Some(target.clone())).expect("usable");
        let scenarios = assets.yaml(Folder::Scenarios, "").expect("read").len();
        assert!(count > scenarios && scenarios >= 10, "{count} {scenarios}");
        assert!(target.join("dashboards/sock-shop.json").is_file());
        let error = export(&target).expect_err("refused");
        assert!(error.to_string().contains("empty"), "{error}");
    }

    #[test]
    fn a_folder_without_any_of_them_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let error = Assets::new(Some(dir.path().to_owned())).expect_err("refused");
        assert!(error.to_string().contains("has no scenarios/"), "{error}");
    }
}
