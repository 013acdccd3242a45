//! `shoplab matrix verify`: what the failure matrix documents, measured.

mod earlier;

use model::{MatrixRow, Recovery, RowId, Scenario, Vocabulary};

use crate::assets::Assets;
use crate::cli::{Drills, VerifyMatrix};
use crate::conduct::Shared;
use crate::error::LabError;
use crate::exit::Exit;
use crate::jobs::{self, Job};
use crate::matrix::{self, RowReport};
use crate::runner::{self, Invalid, Lanes};
use crate::{report, select, vocabulary};

pub(crate) use earlier::report;

/// Measures the rows of `args`.
pub(crate) fn verify(args: VerifyMatrix) -> Result<(String, Exit), LabError> {
    let drills = args.drills;
    let assets = Assets::new(drills.places.assets.clone())?;
    let vocabulary = vocabulary::read(&assets)?;
    let (_, scenarios) = select::suite(&args.suite, &assets, &vocabulary)?;
    let rows = rows(&args.rows, &scenarios, &vocabulary, &args.suite)?;
    let mut jobs = Vec::new();
    for run in 1..=drills.repeat {
        for (row, scenario) in &rows {
            jobs.push(job(row, scenario, run, &drills)?);
        }
    }
    let lanes = Lanes {
        count: args.jobs.unwrap_or_else(runner::lanes_of_this_machine),
        first_failure: drills.first_failure(),
        // A row is measured once more whether it proves nothing or does not hold.
        invalid: Invalid::Counts,
    };
    report::matrix::write(&[], &drills.out)?;
    let measure = |jobs: Vec<Job>, lanes: Lanes| -> Result<Vec<RowReport>, LabError> {
        let state = drills.places.state.clone();
        let shared = Shared::new(assets.clone(), vocabulary.clone(), state);
        let ended = runner::run(jobs, shared, lanes)?;
        Ok(ended
            .iter()
            .filter_map(|ended| {
                let scenario = &ended.job.scenario;
                let (row, _) = rows.iter().find(|(_, of)| of.name == scenario.name)?;
                Some(matrix::verify(row, &ended.timeline, &ended.outcome))
            })
            .collect())
    };
    let mut measured = measure(jobs, lanes)?;
    if args.again {
        let ids = matrix::to_make_again(&mut measured);
        let run = drills.repeat.saturating_add(1);
        let jobs: Result<Vec<Job>, LabError> = rows
            .iter()
            .filter(|(row, _)| ids.iter().any(|id| row.id == id.as_str()))
            .map(|(row, scenario)| job(row, scenario, run, &drills))
            .collect();
        measured.extend(measure(jobs?, Lanes { count: 1, ..lanes })?);
    }
    report::matrix::write(&measured, &drills.out)?;
    let text = report::matrix::render(&measured, drills.format);
    Ok((text, matrix::exit(&measured)))
}

/// What measures `row`: its expert, or nobody where it recovers by itself.
fn job(row: &MatrixRow, scenario: &Scenario, run: u16, drills: &Drills) -> Result<Job, LabError> {
    let (seed, out) = (drills.seed, &drills.out);
    match row.recovery {
        Recovery::Itself(_) => Ok(Job::watch(scenario, row.recovery, run, seed, out)),
        Recovery::ManualRestart | Recovery::ManualIntervention => {
            Job::solve(scenario, jobs::EXPERT, run, seed, out)
        }
    }
}

/// Whether a drill with this responder measures `row`, as those of [`job`] do.
fn measures(row: &MatrixRow, responder: &str) -> bool {
    responder
        == match row.recovery {
            Recovery::Itself(_) => jobs::WATCH,
            Recovery::ManualRestart | Recovery::ManualIntervention => jobs::EXPERT,
        }
}

/// The rows that `asked` names, or all, each with its scenario of the suite.
fn rows(
    asked: &[String],
    scenarios: &[Scenario],
    vocabulary: &Vocabulary,
    suite: &str,
) -> Result<Vec<(MatrixRow, Scenario)>, LabError> {
    let mut ids: Vec<RowId> = asked.iter().map(|id| id.as_str().into()).collect();
    if ids.is_empty() {
        ids = vocabulary
            .matrix
            .rows
            .iter()
            .map(|row| row.id.clone())
            .collect();
    }
    let mut rows = Vec::new();
    let mut problems = Vec::new();
    for id in &ids {
        let Some(row) = vocabulary.matrix.row(id) else {
            problems.push(format!("the failure matrix has no row {id}"));
            continue;
        };
        match scenarios
            .iter()
            .find(|scenario| scenario.matrix.as_ref() == Some(id))
        {
            Some(scenario) => rows.push((row.clone(), scenario.clone())),
            None => problems.push(format!("row {id} has no scenario in the suite `{suite}`")),
        }
    }
    if problems.is_empty() {
        Ok(rows)
    } else {
        Err(LabError::Authored(problems.join("\n")))
    }
}
