//! `shoplab suite`: scenarios with their experts, side by side, and what is
//! proven of each besides.

use std::time::Instant;

use model::Proof;

use crate::assets::Assets;
use crate::cli::Suite;
use crate::conduct::Shared;
use crate::error::LabError;
use crate::exit::Exit;
use crate::runner::{self, Invalid, Lanes};
use crate::suite::{Plan, SuiteReport};
use crate::{report, select, vocabulary};

/// Runs the suite of `args`.
pub(crate) fn suite(args: Suite) -> Result<(String, Exit), LabError> {
    let drills = args.drills;
    let assets = Assets::new(drills.places.assets.clone())?;
    let vocabulary = vocabulary::read(&assets)?;
    let (suite, mut scenarios) = select::suite(&args.suite, &assets, &vocabulary)?;
    if let Some(shard) = args.shard {
        scenarios = shard.of(scenarios);
    }
    let proofs = Proof::ALL.into_iter().filter(|proof| {
        suite.with.contains(proof) || args.with.iter().any(|w| w.proof() == *proof)
    });
    let plan = Plan {
        name: suite.name,
        title: suite.title,
        scenarios,
        proofs: proofs.collect(),
        seed: drills.seed,
        repeat: drills.repeat,
    };
    let lanes = Lanes {
        count: args.jobs.unwrap_or_else(runner::lanes_of_this_machine),
        first_failure: drills.first_failure(),
        invalid: Invalid::asked(args.again),
    };
    let jobs = plan.jobs(&drills.out)?;
    let planned = jobs.len();
    // Before anything is started: a folder that cannot be written would lose all results.
    let nothing = SuiteReport::new(&plan, args.shard, Vec::new(), planned, 0);
    report::suite::write(&nothing, &drills.out)?;
    let began = Instant::now();
    let shared = Shared::new(assets, vocabulary, drills.places.state.clone());
    let ended = runner::run(jobs, shared, lanes)?;
    let took = began.elapsed().as_millis() as u64;
    let report = SuiteReport::new(&plan, args.shard, ended, planned, took);
    report::suite::write(&report, &drills.out)?;
    Ok((report::suite::render(&report, drills.format), report.exit()))
}
