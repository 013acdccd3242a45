//! `shoplab run`: scenarios with their own responders, one platform each.

use std::sync::Arc;

use engine::Baseline;
use model::{Responder, Scenario};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use crate::assets::Assets;
use crate::cli::Run;
use crate::conduct::{Job, Shared, conduct};
use crate::error::LabError;
use crate::exit::Exit;
use crate::outcome::{DrillOutcome, DrillResult};
use crate::progress::Progress;
use crate::{report, select, signals, vocabulary};

/// Runs what `args` name.
pub(crate) fn run(args: Run) -> Result<(String, Exit), LabError> {
    let assets = Assets::new(args.places.assets.clone())?;
    let vocabulary = vocabulary::read(&assets)?;
    let scenarios = select::scenarios(&args.paths, &assets, &vocabulary)?;
    let jobs = jobs(&scenarios, &args)?;
    // Before anything is started: a folder that cannot be written would lose all results.
    report::write(&[], &args.out)?;
    let shared = Shared {
        assets,
        vocabulary,
        state: args.places.state.clone(),
        progress: Progress::new(),
        cancel: CancellationToken::new(),
    };
    let runtime = signals::runtime()?;
    let outcomes = runtime.block_on(all(jobs, Arc::new(shared), &args))?;
    report::write(&outcomes, &args.out)?;
    let exit = outcomes
        .iter()
        .map(|outcome| outcome.result.exit())
        .max()
        .unwrap_or(Exit::Passed);
    Ok((report::render(&outcomes, args.format), exit))
}

/// One job a scenario and repetition; the seed goes on with each repetition.
fn jobs(scenarios: &[Scenario], args: &Run) -> Result<Vec<Job>, LabError> {
    let mut jobs = Vec::new();
    for run in 1..=args.repeat {
        for scenario in scenarios {
            let name = match run {
                1 => format!("{}.jsonl", scenario.name),
                run => format!("{}-{run}.jsonl", scenario.name),
            };
            jobs.push(Job {
                slot: jobs.len(),
                scenario: scenario.clone(),
                run,
                seed: args.seed.wrapping_add(u64::from(run) - 1),
                responder: responder(&args.responder, scenario)?,
                journal: args.out.join("journals").join(name),
            });
        }
    }
    Ok(jobs)
}

fn responder(name: &str, scenario: &Scenario) -> Result<Responder, LabError> {
    if scenario.responders.contains_key(name) {
        return Ok(Responder::Script(name.to_owned()));
    }
    if Baseline::named(name).is_some() {
        return Ok(Responder::Baseline(name.to_owned()));
    }
    let mut known: Vec<&str> = scenario.responders.keys().map(String::as_str).collect();
    known.extend(Baseline::ALL.iter().map(|baseline| baseline.name()));
    Err(LabError::Authored(format!(
        "{} has no responder called `{name}`; there are: {}",
        scenario.name,
        known.join(", ")
    )))
}

async fn all(
    jobs: Vec<Job>,
    shared: Arc<Shared>,
    args: &Run,
) -> Result<Vec<DrillOutcome>, LabError> {
    let signals = signals::listen(shared.cancel.clone())?;
    let mut waiting = jobs.into_iter();
    let mut running = JoinSet::new();
    let mut outcomes = Vec::new();
    let mut stop = false;
    loop {
        while !stop && !shared.cancel.is_cancelled() && running.len() < usize::from(args.jobs) {
            let Some(job) = waiting.next() else {
                break;
            };
            let shared = Arc::clone(&shared);
            running.spawn(async move { (job.slot, conduct(&job, &shared).await) });
        }
        let Some(ended) = running.join_next().await else {
            break;
        };
        let (slot, outcome) =
            ended.map_err(|error| LabError::Platform(format!("a drill broke off: {error}")))?;
        stop |= args.fail_fast && outcome.result != DrillResult::Passed;
        outcomes.push((slot, outcome));
    }
    signals.abort();
    outcomes.sort_by_key(|(slot, _)| *slot);
    Ok(outcomes.into_iter().map(|(_, outcome)| outcome).collect())
}
