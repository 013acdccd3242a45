//! Manifests: YAML files as `kubectl apply -k` takes them, read with all their mistakes at once.

mod kustomization;
mod problem;
mod tree;
mod verify;

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

pub use problem::{ManifestError, Problem};

use crate::objects::{Kind, meta};
use tree::Tree;

/// Objects that are to be applied, in the order in which that is to happen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manifests {
    objects: Vec<Manifest>,
}

/// One object of a file.
#[derive(Clone, Debug, PartialEq)]
pub struct Manifest {
    /// The file that it stands in.
    pub file: String,
    /// The line at which it begins, from 1.
    pub line: usize,
    /// What it is.
    pub kind: Kind,
    /// The object.
    pub object: Value,
}

/// Files by their paths, relative to the folder that is read.
pub type Files = BTreeMap<String, String>;

impl Manifests {
    /// Reads a folder: what its `kustomization.yaml` names, or else every YAML file in it.
    pub fn from_dir(folder: &Path) -> Result<Self, ManifestError> {
        let mut files = Files::new();
        let mut problems = Vec::new();
        read_folder(folder, "", &mut files, &mut problems);
        if files.is_empty() && problems.is_empty() {
            problems.push(Problem::of_file(
                &folder.display().to_string(),
                "there is no manifest here",
                "a folder with `*.yaml` files or a `kustomization.yaml`",
            ));
        }
        let shown = folder.display().to_string();
        match Self::read(&files, &shown) {
            Ok(manifests) if problems.is_empty() => Ok(manifests),
            Ok(_) => Err(ManifestError { problems }),
            Err(error) => {
                problems.extend(error.problems);
                Err(ManifestError { problems })
            }
        }
    }

    /// Reads files in memory, as [`Manifests::from_dir`] reads a folder.
    pub fn from_files(files: &Files) -> Result<Self, ManifestError> {
        Self::read(files, "")
    }

    fn read(files: &Files, prefix: &str) -> Result<Self, ManifestError> {
        let mut problems = Vec::new();
        let mut objects = kustomization::collect(files, "", &mut problems);
        if !prefix.is_empty() {
            let prefixed = |file: &str| Path::new(prefix).join(file).display().to_string();
            for problem in &mut problems {
                problem.file = prefixed(&problem.file);
            }
            for object in &mut objects {
                object.file = prefixed(&object.file);
            }
        }
        duplicates(&objects, &mut problems);
        if !problems.is_empty() {
            problems.sort_by(|a, b| (&a.file, a.line, a.column).cmp(&(&b.file, b.line, b.column)));
            return Err(ManifestError { problems });
        }
        // Namespaces first, what others refer to before them; files keep their order within a kind.
        objects.sort_by_key(|manifest| Kind::ALL.iter().position(|kind| *kind == manifest.kind));
        Ok(Self { objects })
    }

    /// The objects, in the order in which they are to be applied.
    pub fn objects(&self) -> &[Manifest] {
        &self.objects
    }

    /// The objects, to be changed before they are applied.
    pub fn objects_mut(&mut self) -> &mut [Manifest] {
        &mut self.objects
    }

    /// Adds other manifests behind these.
    pub fn extend(&mut self, other: Self) {
        self.objects.extend(other.objects);
        self.objects
            .sort_by_key(|manifest| Kind::ALL.iter().position(|kind| *kind == manifest.kind));
    }
}

/// The objects of one file; problems are told and left out.
fn read_file(file: &str, text: &str, problems: &mut Vec<Problem>) -> Vec<Manifest> {
    let mut found = Vec::new();
    for (document, padded) in documents(text) {
        match Tree::parse(&padded) {
            Err((line, column, message)) => {
                problems.push(Problem::new(
                    file,
                    (line, column),
                    message,
                    "YAML: `key: value`, indented with spaces",
                ));
            }
            Ok(tree) if tree.is_null() => {}
            Ok(tree) => {
                if let Some(kind) = verify::object(file, &tree, problems) {
                    found.push(Manifest {
                        file: file.to_owned(),
                        line: tree.line.max(document),
                        kind,
                        object: tree.value(),
                    });
                }
            }
        }
    }
    found
}

/// The documents of a file with their first lines; each padded with empty lines so that places stay right.
fn documents(text: &str) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let (mut start, mut lines) = (1, String::new());
    for (at, line) in text.lines().enumerate() {
        if line.trim_end() == "---" || line.starts_with("--- ") {
            found.push((start, std::mem::take(&mut lines)));
            start = at + 2;
            lines = "\n".repeat(at + 1);
            continue;
        }
        lines.push_str(line);
        lines.push('\n');
    }
    found.push((start, lines));
    found.retain(|(_, lines)| {
        lines
            .lines()
            .any(|line| !line.trim().is_empty() && !line.trim_start().starts_with('#'))
    });
    found
}

fn duplicates(objects: &[Manifest], problems: &mut Vec<Problem>) {
    let mut seen: BTreeMap<(Kind, &str, &str), &Manifest> = BTreeMap::new();
    for manifest in objects {
        let place = (
            manifest.kind,
            meta::namespace(&manifest.object),
            meta::name(&manifest.object),
        );
        if let Some(first) = seen.insert(place, manifest) {
            problems.push(Problem::new(
                &manifest.file,
                (manifest.line, 1),
                format!(
                    "{} `{}` is described twice; first at {}:{}",
                    manifest.kind, place.2, first.file, first.line
                ),
                "one description of each object",
            ));
        }
    }
}

fn read_folder(folder: &Path, prefix: &str, files: &mut Files, problems: &mut Vec<Problem>) {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => {
            let expected = "a folder that can be read";
            problems.push(Problem::of_file(
                &folder.display().to_string(),
                &error.to_string(),
                expected,
            ));
            return;
        }
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let path = entry.path();
        if path.is_dir() {
            read_folder(&path, &format!("{prefix}{name}/"), files, problems);
        } else if name.ends_with(".yaml") || name.ends_with(".yml") {
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    files.insert(format!("{prefix}{name}"), text);
                }
                Err(error) => {
                    let expected = "a text file that can be read";
                    problems.push(Problem::of_file(
                        &format!("{prefix}{name}"),
                        &error.to_string(),
                        expected,
                    ));
                }
            }
        }
    }
}

#[cfg(test)]
mod tests;
