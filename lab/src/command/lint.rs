//! `shoplab lint`: all that is wrong with authored files, at once.

mod sarif;
#[cfg(test)]
mod tests;

use std::path::Path;

use catalog::{DocumentKind, Level, Problem, Problems, Rule, Source};

use crate::assets::{self, Assets, Folder};
use crate::cli::{Lint, LintFormat};
use crate::error::LabError;
use crate::exit::Exit;
use crate::select;
use crate::vocabulary::{self, Gathered};

/// Checks the files of `args`.
pub(crate) fn lint(args: &Lint) -> Result<(String, Exit), LabError> {
    let assets = Assets::new(args.places.assets.clone())?;
    let gathered = vocabulary::gather(&assets)?;
    if !gathered.elsewhere.is_empty() {
        return Err(LabError::Authored(gathered.elsewhere.join("\n")));
    }
    let built_in = assets.yaml(Folder::Scenarios, "")?;
    let (sources, mut found) = sources(&args.paths, &built_in)?;
    let files = sources.len() + found.len();
    found.extend(look(&sources, gathered, &built_in));
    let worst = found
        .iter()
        .flat_map(Problems::list)
        .map(|problem| problem.level)
        .min();
    let exit = match worst {
        Some(Level::Error) => Exit::Usage,
        Some(Level::Warning) if args.deny_warnings => Exit::Usage,
        _ => Exit::Passed,
    };
    let text = match args.format {
        LintFormat::Text => text(&found, files),
        LintFormat::Json => {
            let all: Vec<&Problem> = found.iter().flat_map(Problems::list).collect();
            format!("{:#}\n", serde_json::json!({ "problems": all }))
        }
        LintFormat::Sarif => format!("{:#}\n", sarif::log(&found)),
    };
    Ok((text, exit))
}

/// What `paths` lead to, or all that is built in without any; with what is
/// wrong with files that are no text.
fn sources(
    paths: &[String],
    built_in: &[Source],
) -> Result<(Vec<Source>, Vec<Problems>), LabError> {
    if paths.is_empty() {
        return Ok((built_in.to_vec(), Vec::new()));
    }
    let (mut sources, mut broken) = (Vec::new(), Vec::new());
    for asked in paths {
        if Path::new(asked).exists() {
            for path in assets::paths(Path::new(asked))? {
                match assets::read(&path)? {
                    Ok(source) => sources.push(source),
                    Err(problems) => broken.push(problems),
                }
            }
        } else {
            let found = built_in
                .iter()
                .filter(|source| is_below(source.name(), asked));
            let before = sources.len();
            sources.extend(found.cloned());
            if sources.len() == before {
                return Err(LabError::Authored(format!(
                    "there is no file or folder `{asked}`, neither here nor built in; check the path"
                )));
            }
        }
    }
    Ok((sources, broken))
}

/// Whether `name` is the file or folder `asked`, or stands below it.
fn is_below(name: &str, asked: &str) -> bool {
    let asked = asked.trim_end_matches('/');
    let rest = name.strip_prefix(asked);
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The problems of `sources`.
fn look(sources: &[Source], gathered: Gathered, built_in: &[Source]) -> Vec<Problems> {
    let exists = |suite: &Source, path: &str| {
        let folder = Path::new(suite.name()).parent().unwrap_or(Path::new(""));
        let path = select::normal(&folder.join(path));
        Path::new(&path).exists() || built_in.iter().any(|known| is_below(known.name(), &path))
    };
    let mut found = catalog::lint(sources, &gathered.vocabulary, &exists);
    if gathered.broken.is_empty() {
        return found;
    }
    // Names that could not be read are not unknown: tell first why they could not.
    found = found
        .into_iter()
        .map(|problems| match DocumentKind::of(problems.file()) {
            DocumentKind::Scenario => problems.without(Rule::UnknownName),
            _ => problems,
        })
        .filter(|problems| !problems.is_empty())
        .collect();
    for broken in gathered.broken {
        if !found.iter().any(|known| known.file() == broken.file()) {
            found.insert(0, broken);
        }
    }
    found
}

fn text(found: &[Problems], files: usize) -> String {
    let mut out: String = found.iter().map(Problems::render).collect();
    let count = |level: Level| {
        let all = found.iter().flat_map(Problems::list);
        all.filter(|problem| problem.level == level).count()
    };
    let (errors, warnings) = (count(Level::Error), count(Level::Warning));
    let files = counted(files, "file");
    out.push_str(&match (errors, warnings) {
        (0, 0) => format!("{files}, no problems\n"),
        (_, 0) => format!("{} in {files}\n", counted(errors, "error")),
        (0, _) => format!("{} in {files}\n", counted(warnings, "warning")),
        _ => format!(
            "{} and {} in {files}\n",
            counted(errors, "error"),
            counted(warnings, "warning")
        ),
    });
    out
}

fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        _ => format!("{count} {what}s"),
    }
}
