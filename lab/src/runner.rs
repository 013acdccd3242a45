//! Runs drills side by side, each on a platform of its own, the longest first.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use model::{Period, Timeline};
use tokio::task::JoinSet;
use tokio::time::MissedTickBehavior;

use crate::conduct::{Shared, conduct};
use crate::durations::Durations;
use crate::error::LabError;
use crate::jobs::{Job, Purpose};
use crate::leaks::Leak;
use crate::outcome::{DrillOutcome, DrillResult};
use crate::signals;

/// How many drills run at once, and what ends it early.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Lanes {
    /// How many labs run side by side.
    pub(crate) count: u8,
    /// Whether the first drill that ends otherwise than it should ends it all.
    pub(crate) first_failure: FirstFailure,
    /// What becomes of drills that prove nothing.
    pub(crate) invalid: Invalid,
}

/// What the first drill that ends otherwise than it should does to the rest.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FirstFailure {
    /// Nothing.
    GoesOn,
    /// No other is begun; those that run go on to their end.
    Stops,
}

/// What becomes of drills that prove nothing, for want of a steady shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Invalid {
    /// They count as such.
    Counts,
    /// When all others have ended each is run once more, with the machine for itself, and that counts.
    RunsOnceMore,
}

impl Invalid {
    /// As `--again` asks.
    pub(crate) fn asked(again: bool) -> Self {
        if again {
            Self::RunsOnceMore
        } else {
            Self::Counts
        }
    }
}

/// A drill that ended.
#[derive(Debug)]
pub(crate) struct Ended {
    /// What was run.
    pub(crate) job: Job,
    /// What came of it.
    pub(crate) outcome: DrillOutcome,
    /// Its Events; none where it could not be run at all.
    pub(crate) timeline: Timeline,
    /// What a responder could have read of the answer, where that was searched.
    pub(crate) leaks: Vec<Leak>,
    /// The run that proved nothing, where this one was made in its place.
    pub(crate) before: Option<DrillOutcome>,
}

impl Ended {
    /// Whether it ended as it should: who solves it passes, who must not win does not.
    pub(crate) fn is_right(&self) -> bool {
        let graded = self.outcome.grade.as_ref();
        match self.job.purpose {
            Purpose::Solve => self.outcome.result == DrillResult::Passed && self.leaks.is_empty(),
            Purpose::Watch => graded.is_some(),
            Purpose::Baseline(_) | Purpose::WrongFix(_) => graded.is_some_and(|g| !g.passed),
        }
    }
}

/// How many labs a machine can carry side by side: four on two cores.
pub(crate) fn lanes_of_this_machine() -> u8 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    u8::try_from((cores * 2).clamp(1, 8)).unwrap_or(1)
}

/// Runs `jobs` to their end, or to an interruption, on a runtime of its own.
/// What ended, in the order in which the jobs were given.
pub(crate) fn run(jobs: Vec<Job>, shared: Shared, lanes: Lanes) -> Result<Vec<Ended>, LabError> {
    let durations = Durations::read(shared.state.as_deref());
    let runtime = signals::runtime()?;
    runtime.block_on(all(jobs, Arc::new(shared), lanes, durations))
}

async fn all(
    mut jobs: Vec<Job>,
    shared: Arc<Shared>,
    lanes: Lanes,
    durations: Durations,
) -> Result<Vec<Ended>, LabError> {
    for (slot, job) in jobs.iter_mut().enumerate() {
        job.slot = slot;
    }
    let waiting = longest_first(jobs, &durations);
    let planned = waiting.iter().map(|(took, job)| (job.slot, *took));
    shared
        .progress
        .plan(planned.collect(), usize::from(lanes.count), Instant::now());
    let signals = signals::listen(shared.cancel.clone())?;
    let durations = Mutex::new(durations);
    let mut ended = drive(waiting, &shared, lanes, &durations).await;
    if lanes.invalid == Invalid::RunsOnceMore
        && let Ok(first) = ended
    {
        ended = once_more(first, &shared, lanes, &durations).await;
    }
    signals.abort();
    shared.progress.close();
    let durations = durations
        .into_inner()
        .unwrap_or_else(PoisonError::into_inner);
    durations.keep();
    let mut ended = ended?;
    ended.sort_by_key(|ended| ended.job.slot);
    Ok(ended)
}

/// With the longest first no lane is left alone with a long drill at the end.
fn longest_first(jobs: Vec<Job>, durations: &Durations) -> VecDeque<(Period, Job)> {
    let timed = jobs.into_iter().map(|job| (durations.of(&job), job));
    let mut timed: Vec<(Period, Job)> = timed.collect();
    timed.sort_by_key(|(took, job)| (std::cmp::Reverse(*took), job.slot));
    timed.into()
}

/// The first that fits besides those that have `taken` lanes of `count`. One
/// that wants more than there are has the machine for itself.
fn next_that_fits(waiting: &mut VecDeque<(Period, Job)>, taken: u64, count: u64) -> Option<Job> {
    let fits = |(_, job): &(Period, Job)| taken + job.lanes().min(count) <= count;
    let place = waiting.iter().position(fits)?;
    waiting.remove(place).map(|(_, job)| job)
}

/// `ended`, with those that proved nothing run again, one after another.
async fn once_more(
    ended: Vec<Ended>,
    shared: &Arc<Shared>,
    lanes: Lanes,
    durations: &Mutex<Durations>,
) -> Result<Vec<Ended>, LabError> {
    let (invalid, mut kept): (Vec<Ended>, Vec<Ended>) = ended
        .into_iter()
        .partition(|ended| matches!(ended.outcome.result, DrillResult::Invalid(_)));
    if invalid.is_empty() || shared.cancel.is_cancelled() {
        kept.extend(invalid);
        return Ok(kept);
    }
    let jobs = invalid.iter().map(|ended| ended.job.once_more()).collect();
    let waiting = {
        let durations = durations.lock().unwrap_or_else(PoisonError::into_inner);
        longest_first(jobs, &durations)
    };
    let planned = waiting.iter().map(|(took, job)| (job.slot, *took));
    shared.progress.plan(planned.collect(), 1, Instant::now());
    let mut made = drive(waiting, shared, Lanes { count: 1, ..lanes }, durations).await?;
    for first in invalid {
        match made.iter_mut().find(|made| made.job.slot == first.job.slot) {
            Some(made) => made.before = Some(first.outcome),
            // It was interrupted before its turn came.
            None => kept.push(first),
        }
    }
    kept.extend(made);
    Ok(kept)
}

async fn drive(
    mut waiting: VecDeque<(Period, Job)>,
    shared: &Arc<Shared>,
    lanes: Lanes,
    durations: &Mutex<Durations>,
) -> Result<Vec<Ended>, LabError> {
    let mut running = JoinSet::new();
    let mut all = Vec::new();
    let mut stop = false;
    let count = u64::from(lanes.count);
    let mut taken = 0;
    let mut ticks = tokio::time::interval(Duration::from_secs(1));
    ticks.set_missed_tick_behavior(MissedTickBehavior::Skip);
    loop {
        while !stop && !shared.cancel.is_cancelled() {
            let Some(job) = next_that_fits(&mut waiting, taken, count) else {
                break;
            };
            taken += job.lanes().min(count);
            let shared = Arc::clone(shared);
            running.spawn(async move {
                let began = Instant::now();
                let ended = conduct(job, &shared).await;
                (ended, began.elapsed())
            });
        }
        let next = tokio::select! {
            next = running.join_next() => next,
            _ = ticks.tick() => {
                shared.progress.tick(Instant::now());
                continue;
            }
        };
        let Some(next) = next else { break };
        let (ended, took) =
            next.map_err(|error| LabError::Platform(format!("a drill broke off: {error}")))?;
        taken -= ended.job.lanes().min(count);
        if ended.outcome.grade.is_some() {
            let took = Period::from_millis(took.as_millis() as u64);
            let mut durations = durations.lock().unwrap_or_else(PoisonError::into_inner);
            durations.note(&ended.job, took);
        }
        stop |= lanes.first_failure == FirstFailure::Stops && !ended.is_right();
        all.push(ended);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::assets::Assets;
    use crate::{select, vocabulary};
    use std::path::Path;

    #[test]
    fn the_longest_drills_begin_first() {
        let assets = Assets::default();
        let vocabulary = vocabulary::read(&assets).expect("built in");
        let scenarios = select::all(&assets, &vocabulary).expect("built in");
        let folder = tempfile::tempdir().expect("a folder");
        let mut durations = Durations::read(Some(folder.path()));
        let jobs: Vec<Job> = scenarios
            .iter()
            .take(3)
            .enumerate()
            .map(|(slot, scenario)| {
                let job = Job::solve(scenario, "expert", 1, 1, Path::new("out")).expect("expert");
                Job { slot, ..job }
            })
            .collect();
        durations.note(&jobs[0], Period::from_secs(20));
        durations.note(&jobs[1], Period::from_secs(90));
        durations.note(&jobs[2], Period::from_secs(40));
        durations.keep();
        let kept = Durations::read(Some(folder.path()));
        let order: Vec<usize> = longest_first(jobs, &kept)
            .iter()
            .map(|(_, job)| job.slot)
            .collect();
        assert_eq!(order, [1, 2, 0]);
    }

    #[test]
    fn a_drill_with_many_customers_waits_until_there_is_room_for_it() {
        let assets = Assets::default();
        let vocabulary = vocabulary::read(&assets).expect("built in");
        let asked = ["front-end-slow-under-load", "payment-hangs"].map(str::to_owned);
        let found = select::scenarios(&asked, &assets, &vocabulary).expect("built in");
        let jobs = || -> VecDeque<(Period, Job)> {
            let jobs = found.iter().map(|scenario| {
                let job = Job::solve(scenario, "expert", 1, 1, Path::new("out"));
                (Period::ZERO, job.expect("an expert"))
            });
            jobs.collect()
        };
        for (taken, count, first) in [
            (0, 4, Some("front-end-slow-under-load")),
            (2, 4, Some("payment-hangs")),
            (4, 4, None),
            (0, 1, Some("front-end-slow-under-load")),
        ] {
            let next = next_that_fits(&mut jobs(), taken, count);
            let next = next.as_ref().map(|job| job.scenario.name.as_str());
            assert_eq!(next, first, "{taken} of {count}");
        }
    }

    #[test]
    fn a_machine_carries_twice_as_many_labs_as_it_has_cores_within_reason() {
        assert!((1..=8).contains(&lanes_of_this_machine()));
    }
}
