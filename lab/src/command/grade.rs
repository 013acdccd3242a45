//! `shoplab grade JOURNAL|DIR`: the same journal gives the same bytes.

use std::path::{Path, PathBuf};

use model::Timeline;

use crate::cli::{Format, GradeJournal};
use crate::error::LabError;
use crate::exit::Exit;
use crate::outcome::DrillOutcome;
use crate::report;

/// Grades a journal, or all journals of a folder, again and prints the result.
pub(crate) fn grade(args: &GradeJournal) -> Result<(String, Exit), LabError> {
    if args.journal.is_dir() {
        return all(&args.journal, args.format);
    }
    let timeline = timeline(&args.journal)?;
    let outcome = DrillOutcome::read(&timeline, 1, args.journal.clone());
    let Some(grade) = &outcome.grade else {
        let rubric = model::Rubric::default();
        let why = grader::grade(&timeline, &rubric)
            .err()
            .unwrap_or(grader::Ungraded::Unfinished);
        return Err(LabError::Ungraded {
            path: args.journal.clone(),
            why,
        });
    };
    let text = match args.format {
        Format::Text => format!("{}\n{}", outcome.title, report::text::grade_text(grade)),
        format => report::render(std::slice::from_ref(&outcome), format),
    };
    Ok((text, outcome.result.exit()))
}

/// The journals below `dir` in the order of their paths. Those of drills that
/// were invalid or interrupted have no grade, and are reported as such.
fn all(dir: &Path, format: Format) -> Result<(String, Exit), LabError> {
    let mut outcomes = Vec::new();
    for read in timelines_below(dir)? {
        let (journal, timeline) = read?;
        outcomes.push(DrillOutcome::read(&timeline, 1, journal));
    }
    let exit = outcomes.iter().map(|outcome| outcome.result.exit()).max();
    let text = report::render(&outcomes, format);
    Ok((text, exit.unwrap_or(Exit::Passed)))
}

/// The journals below `dir`, in the order of their paths, each read when its turn comes.
pub(crate) fn timelines_below(
    dir: &Path,
) -> Result<impl Iterator<Item = Result<(PathBuf, Timeline), LabError>>, LabError> {
    let mut journals = Vec::new();
    find(dir, &mut journals)?;
    journals.sort();
    let read = |journal: PathBuf| timeline(&journal).map(|timeline| (journal, timeline));
    Ok(journals.into_iter().map(read))
}

fn timeline(journal: &Path) -> Result<Timeline, LabError> {
    let reading = engine::journal::read(journal).map_err(engine::EngineError::from)?;
    Ok(reading.timeline)
}

fn find(dir: &Path, journals: &mut Vec<PathBuf>) -> Result<(), LabError> {
    let failed = |source| LabError::File {
        path: dir.to_owned(),
        doing: "read",
        source,
        next: "check the path",
    };
    for entry in std::fs::read_dir(dir).map_err(failed)? {
        let path = entry.map_err(failed)?.path();
        if path.is_dir() {
            find(&path, journals)?;
        } else if path
            .extension()
            .is_some_and(|extension| extension == "jsonl")
        {
            journals.push(path);
        }
    }
    Ok(())
}
