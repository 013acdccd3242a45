//! From what was asked for on the command line to scenarios.

use std::path::Path;

use catalog::Source;
use model::{Scenario, Suite, Vocabulary};

use crate::assets::{Assets, Folder, on_disk};
use crate::error::LabError;
use crate::vocabulary::is_scenario;

/// All scenarios that are built in, or stand in the folder given instead.
pub(crate) fn all(assets: &Assets, vocabulary: &Vocabulary) -> Result<Vec<Scenario>, LabError> {
    let mut sources = assets.yaml(Folder::Scenarios, "")?;
    sources.retain(|source| is_scenario(source.name()));
    read_all(&sources, vocabulary)
}

/// The scenarios that `asked` names: files, folders, suites, or names of
/// scenarios that are built in. A path that is not on the disk is sought among
/// the files built in, so that `scenarios/sock-shop` works everywhere.
pub(crate) fn scenarios(
    asked: &[String],
    assets: &Assets,
    vocabulary: &Vocabulary,
) -> Result<Vec<Scenario>, LabError> {
    let mut sources = Vec::new();
    for path in asked {
        sources.extend(sources_of(path, assets)?);
    }
    read_all(&sources, vocabulary)
}

/// The suite that `asked` names, a file or the name of one that is built in,
/// and its scenarios, each once.
pub(crate) fn suite(
    asked: &str,
    assets: &Assets,
    vocabulary: &Vocabulary,
) -> Result<(Suite, Vec<Scenario>), LabError> {
    let mut found = files_of(asked, assets)?;
    // A file that was named itself is one, wherever it stands.
    if !Path::new(asked).is_file() {
        found.retain(|source| is_suite(source.name()));
    }
    let (1, Some(source)) = (found.len(), found.pop()) else {
        return Err(LabError::Authored(format!(
            "{asked} is no suite; there are: {}",
            suites(assets)?.join(", ")
        )));
    };
    let suite = catalog::suite(&source).map_err(|found| LabError::Authored(found.render()))?;
    let mut sources = of_suite(&source, assets)?;
    sources.sort_by(|a, b| a.name().cmp(b.name()));
    sources.dedup_by(|a, b| a.name() == b.name());
    Ok((suite, read_all(&sources, vocabulary)?))
}

/// The paths of the suites that there are.
fn suites(assets: &Assets) -> Result<Vec<String>, LabError> {
    let sources = assets.yaml(Folder::Scenarios, "")?;
    let names = sources.iter().map(|source| source.name().to_owned());
    Ok(names.filter(|name| is_suite(name)).collect())
}

/// The files that `asked` names, of whatever kind.
fn files_of(asked: &str, assets: &Assets) -> Result<Vec<Source>, LabError> {
    let path = Path::new(asked);
    let mut found = Vec::new();
    if path.exists() {
        on_disk(path, &mut found)?;
        found.sort_by(|a, b| a.name().cmp(b.name()));
    } else {
        found = assets.yaml(Folder::Scenarios, "")?;
        let trimmed = asked.trim_end_matches('/');
        let below = format!("{trimmed}/");
        found.retain(|source| {
            let name = source.name();
            name == trimmed
                || name.starts_with(&below)
                || name.ends_with(&format!("/{trimmed}.yaml"))
        });
    }
    Ok(found)
}

fn sources_of(asked: &str, assets: &Assets) -> Result<Vec<Source>, LabError> {
    let mut scenarios = Vec::new();
    for source in files_of(asked, assets)? {
        if is_suite(source.name()) {
            scenarios.extend(of_suite(&source, assets)?);
        } else if is_scenario(source.name()) {
            scenarios.push(source);
        }
    }
    if scenarios.is_empty() {
        return Err(LabError::NoScenario {
            name: asked.to_owned(),
            help: "`shoplab list` shows those that there are".to_owned(),
        });
    }
    Ok(scenarios)
}

fn is_suite(path: &str) -> bool {
    path.contains("suites/")
}

/// The scenarios of a suite; its paths, of files or of folders, are relative to
/// the suite's file.
fn of_suite(suite: &Source, assets: &Assets) -> Result<Vec<Source>, LabError> {
    let read = catalog::suite(suite).map_err(|found| LabError::Authored(found.render()))?;
    let folder = Path::new(suite.name()).parent().unwrap_or(Path::new(""));
    let mut scenarios = Vec::new();
    for path in &read.scenarios {
        let joined = normal(&folder.join(path));
        scenarios.extend(sources_of(&joined, assets)?);
    }
    Ok(scenarios)
}

/// `a/c` for `a/b/../c`, without asking the disk.
pub(crate) fn normal(path: &Path) -> String {
    let mut parts: Vec<String> = Vec::new();
    for part in path.components() {
        match part {
            std::path::Component::ParentDir if parts.last().is_some_and(|last| last != "..") => {
                parts.pop();
            }
            std::path::Component::CurDir => {}
            other => parts.push(other.as_os_str().to_string_lossy().into_owned()),
        }
    }
    parts.join("/").replacen("//", "/", 1)
}

/// Reads `sources`; tells the problems of all of them at once.
fn read_all(sources: &[Source], vocabulary: &Vocabulary) -> Result<Vec<Scenario>, LabError> {
    let mut scenarios = Vec::new();
    let mut problems = Vec::new();
    for source in sources {
        match catalog::scenario(source, vocabulary) {
            Ok(scenario) => scenarios.push(scenario),
            Err(found) => problems.push(found.render()),
        }
    }
    if problems.is_empty() {
        Ok(scenarios)
    } else {
        Err(LabError::Authored(problems.join("\n")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_suite_may_stand_in_any_folder() {
        let assets = Assets::default();
        let vocabulary = crate::vocabulary::read(&assets).expect("built in");
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("mine.yaml");
        let text = "name: mine\ntitle: Mine\nscenarios: [no-such.yaml]\n";
        std::fs::write(&file, text).expect("written");
        let asked = file.to_str().expect("a path");
        let error = suite(asked, &assets, &vocabulary).expect_err("its scenario is not there");
        // It was read as a suite: what is missed is what it lists.
        assert!(error.to_string().contains("no-such.yaml"), "{error}");
    }

    #[test]
    fn a_suite_s_paths_start_at_its_own_folder() {
        for (path, expected) in [
            (
                "scenarios/suites/../sock-shop/a.yaml",
                "scenarios/sock-shop/a.yaml",
            ),
            ("./a/../b.yaml", "b.yaml"),
            ("/x/y/../z.yaml", "/x/z.yaml"),
            ("../z.yaml", "../z.yaml"),
        ] {
            assert_eq!(normal(Path::new(path)), expected);
        }
    }
}
