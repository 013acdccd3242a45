//! `shoplab lint`: all that is wrong with authored files, at once.

use std::path::Path;

use catalog::{Problems, Source};
use model::Vocabulary;

use crate::assets::{Assets, Folder, on_disk};
use crate::cli::{Lint, LintFormat};
use crate::error::LabError;
use crate::exit::Exit;
use crate::vocabulary;

/// Checks the files of `args`.
pub(crate) fn lint(args: &Lint) -> Result<(String, Exit), LabError> {
    let assets = Assets::new(args.places.assets.clone())?;
    let vocabulary = vocabulary::read(&assets)?;
    let mut sources = Vec::new();
    if args.paths.is_empty() {
        sources = assets.yaml(Folder::Scenarios, "")?;
    }
    for path in &args.paths {
        on_disk(Path::new(path), &mut sources)?;
    }
    let found: Vec<Problems> = sources
        .iter()
        .filter_map(|source| problems_of(source, &vocabulary))
        .collect();
    let exit = if found.is_empty() {
        Exit::Passed
    } else {
        Exit::Usage
    };
    let text = match args.format {
        LintFormat::Text => text(&found, sources.len()),
        LintFormat::Json => {
            let all: Vec<_> = found.iter().flat_map(|problems| problems.list()).collect();
            format!("{:#}\n", serde_json::json!({ "problems": all }))
        }
    };
    Ok((text, exit))
}

fn problems_of(source: &Source, vocabulary: &Vocabulary) -> Option<Problems> {
    let name = source.name();
    if name.ends_with("failure-matrix.yaml") {
        catalog::matrix(source).err()
    } else if name.ends_with(vocabulary::SLOS) {
        catalog::checks(source, vocabulary.check_query).err()
    } else if name.contains("suites/") {
        catalog::suite(source).err()
    } else {
        catalog::scenario(source, vocabulary).err()
    }
}

fn text(found: &[Problems], files: usize) -> String {
    let mut out: String = found.iter().map(Problems::render).collect();
    let problems: usize = found.iter().map(|problems| problems.list().len()).sum();
    out.push_str(&match problems {
        0 => format!("{files} files, no problems\n"),
        1 => format!("1 problem in {files} files\n"),
        _ => format!("{problems} problems in {files} files\n"),
    });
    out
}
