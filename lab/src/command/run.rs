//! `shoplab run`: scenarios with their own responders, one platform each.

use model::Scenario;

use crate::assets::Assets;
use crate::cli::Run;
use crate::conduct::Shared;
use crate::error::LabError;
use crate::exit::Exit;
use crate::jobs::Job;
use crate::outcome::DrillOutcome;
use crate::runner::{self, Invalid, Lanes};
use crate::{report, select, vocabulary};

/// Runs what `args` name.
pub(crate) fn run(args: Run) -> Result<(String, Exit), LabError> {
    let drills = &args.drills;
    let assets = Assets::new(drills.places.assets.clone())?;
    let vocabulary = vocabulary::read(&assets)?;
    let scenarios = select::scenarios(&args.paths, &assets, &vocabulary)?;
    let jobs = jobs(&scenarios, &args)?;
    // Before anything is started: a folder that cannot be written would lose all results.
    report::write(&[], &drills.out)?;
    let lanes = Lanes {
        count: args.jobs,
        first_failure: drills.first_failure(),
        invalid: Invalid::Counts,
    };
    let shared = Shared::new(assets, vocabulary, drills.places.state.clone());
    let ended = runner::run(jobs, shared, lanes)?;
    let outcomes: Vec<DrillOutcome> = ended.into_iter().map(|ended| ended.outcome).collect();
    report::write(&outcomes, &drills.out)?;
    let exit = outcomes.iter().map(|outcome| outcome.result.exit()).max();
    let text = report::render(&outcomes, drills.format);
    Ok((text, exit.unwrap_or(Exit::Passed)))
}

/// One job a scenario and repetition.
fn jobs(scenarios: &[Scenario], args: &Run) -> Result<Vec<Job>, LabError> {
    let (seed, out) = (args.drills.seed, &args.drills.out);
    let mut jobs = Vec::new();
    for run in 1..=args.drills.repeat {
        for scenario in scenarios {
            jobs.push(Job::solve(scenario, &args.responder, run, seed, out)?);
        }
    }
    Ok(jobs)
}
