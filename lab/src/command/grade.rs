//! `shoplab grade JOURNAL`: the same journal gives the same bytes.

use crate::cli::{Format, GradeJournal};
use crate::error::LabError;
use crate::exit::Exit;
use crate::outcome::DrillOutcome;
use crate::report;

/// Grades a journal again and prints the result.
pub(crate) fn grade(args: &GradeJournal) -> Result<(String, Exit), LabError> {
    let reading = engine::journal::read(&args.journal).map_err(engine::EngineError::from)?;
    let outcome = DrillOutcome::read(&reading.timeline, 1, args.journal.clone());
    let Some(grade) = &outcome.grade else {
        let rubric = model::Rubric::default();
        let why = grader::grade(&reading.timeline, &rubric)
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
