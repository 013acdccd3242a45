//! A suite: which drills it is made of, and what they come to.

mod shard;
mod stability;

use std::path::Path;

use engine::Baseline;
use model::{Proof, Scenario};
use serde::Serialize;

use crate::error::LabError;
use crate::exit::Exit;
use crate::jobs::{self, Job, Purpose, Search};
use crate::leaks::Leak;
use crate::outcome::{DrillOutcome, DrillResult};
use crate::runner::Ended;

pub(crate) use shard::Shard;
pub(crate) use stability::{Spread, Stability, each_once};

/// The points that a scenario's expert has to have: less, and the scenario or
/// its expert is not right.
pub(crate) const EXPERT: f64 = 95.0;

/// What a suite is to run.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Its name.
    pub(crate) name: String,
    /// What it is for.
    pub(crate) title: String,
    /// Its scenarios.
    pub(crate) scenarios: Vec<Scenario>,
    /// What is proven of each besides that its expert passes.
    pub(crate) proofs: Vec<Proof>,
    /// The first seed.
    pub(crate) seed: u64,
    /// How often each expert is run. Proofs are given once.
    pub(crate) repeat: u16,
}

impl Plan {
    /// The drills, in the order of the report.
    pub(crate) fn jobs(&self, out: &Path) -> Result<Vec<Job>, LabError> {
        let mut jobs = Vec::new();
        for scenario in &self.scenarios {
            for run in 1..=self.repeat {
                let mut job = Job::solve(scenario, jobs::EXPERT, run, self.seed, out)?;
                if run == 1 && self.proofs.contains(&Proof::Leaks) {
                    job.search = Search::On;
                }
                jobs.push(job);
            }
            if self.proofs.contains(&Proof::WrongFixes) {
                let wrong = (1..).zip(&scenario.answer.wrong);
                jobs.extend(wrong.map(|(number, wrong)| {
                    Job::wrong_fix(scenario, number, wrong, self.seed, out)
                }));
            }
            if self.proofs.contains(&Proof::Baselines) {
                // Those that only talk are put into the drill of the one that does nothing.
                let played = Baseline::ALL
                    .into_iter()
                    .filter(|kind| kind.acts() || *kind == Baseline::Nothing);
                jobs.extend(played.map(|kind| Job::baseline(scenario, kind, self.seed, out)));
            }
        }
        Ok(jobs)
    }
}

/// What a suite came to.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct SuiteReport {
    /// The suite's name.
    pub(crate) suite: String,
    /// What it is for.
    pub(crate) title: String,
    /// The first seed.
    pub(crate) seed: u64,
    /// The part of the suite that was run, as `i/n`, where it was not all.
    pub(crate) shard: Option<String>,
    /// The drills that were to be solved.
    pub(crate) outcomes: Vec<DrillOutcome>,
    /// Those that must not be won.
    pub(crate) tried: Vec<Tried>,
    /// What a responder could have read of the answer, by scenario; empty
    /// where nothing was found.
    pub(crate) searched: Vec<Searched>,
    /// Drills that proved nothing at first, and were run once more: that run is
    /// the one above.
    pub(crate) once_more: Vec<OnceMore>,
    /// How alike several runs were; empty where there was only one.
    pub(crate) stability: Vec<Stability>,
    /// How many drills were not begun, for one that failed.
    pub(crate) left_out: usize,
    /// How long all of it took, in milliseconds.
    pub(crate) took_ms: u64,
}

/// What came of a way that must not win.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Tried {
    /// The scenario's name.
    pub(crate) scenario: String,
    /// The baseline's name, or the wrong fix.
    pub(crate) who: String,
    /// What kind of way it is.
    pub(crate) kind: TriedKind,
    /// How it was tried.
    pub(crate) way: Way,
    /// Its points, where it was graded.
    pub(crate) points: Option<f64>,
    /// The points that it must not reach.
    pub(crate) pass_mark: u32,
    /// How its drill ended; [`DrillResult::Passed`] where it did not win.
    pub(crate) result: DrillResult,
    /// The journal.
    pub(crate) journal: std::path::PathBuf,
}

/// Kinds of ways that must not win.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum TriedKind {
    /// One that knows nothing of the incident.
    Baseline,
    /// What the author names as wrong.
    WrongFix,
}

/// How a way was tried.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Way {
    /// In a drill of its own.
    Played,
    /// Put into the drill of the baseline that does nothing: it changes
    /// nothing in the world either (`engine::baseline::spliced`).
    Spliced,
}

/// A run that proved nothing, and another was made in its place.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct OnceMore {
    /// What people call the drill.
    pub(crate) drill: String,
    /// Why the first run proved nothing.
    pub(crate) why: String,
    /// The first run's journal.
    pub(crate) journal: std::path::PathBuf,
}

/// What was found within a responder's reach during one drill.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) struct Searched {
    /// The scenario's name.
    pub(crate) scenario: String,
    /// What was found.
    pub(crate) leaks: Vec<Leak>,
}

impl SuiteReport {
    /// What `ended` comes to, of `planned` drills.
    pub(crate) fn new(
        plan: &Plan,
        shard: Option<Shard>,
        ended: Vec<Ended>,
        planned: usize,
        took_ms: u64,
    ) -> Self {
        let left_out = planned.saturating_sub(ended.len());
        let mut report = Self {
            suite: plan.name.clone(),
            title: plan.title.clone(),
            seed: plan.seed,
            shard: shard.map(|shard| shard.to_string()),
            outcomes: Vec::new(),
            tried: Vec::new(),
            searched: Vec::new(),
            once_more: Vec::new(),
            stability: Vec::new(),
            left_out,
            took_ms,
        };
        for ended in ended {
            report.take(ended);
        }
        if plan.repeat > 1 {
            report.stability = Stability::of(&report.outcomes);
        }
        report
    }

    fn take(&mut self, ended: Ended) {
        let scenario = ended.job.scenario.name.clone();
        if let Some(first) = &ended.before {
            self.once_more.push(OnceMore {
                drill: ended.job.label(),
                why: first.result.reason().unwrap_or_default().to_owned(),
                journal: first.journal.clone(),
            });
        }
        match &ended.job.purpose {
            Purpose::Solve | Purpose::Watch => {
                if ended.job.search == Search::On {
                    self.searched.push(Searched {
                        scenario,
                        leaks: ended.leaks,
                    });
                }
                self.outcomes.push(expert(ended.outcome));
            }
            Purpose::WrongFix(action) => {
                let who = action.to_string();
                let tried = Tried::read(who, TriedKind::WrongFix, Way::Played, ended.outcome);
                self.tried.push(tried);
            }
            Purpose::Baseline(kind) => {
                let kind = *kind;
                let of = |kind: Baseline, way, outcome| {
                    Tried::read(kind.name().to_owned(), TriedKind::Baseline, way, outcome)
                };
                if kind == Baseline::Nothing {
                    let talk = Baseline::ALL
                        .into_iter()
                        .filter(|other| !other.acts() && *other != kind);
                    for other in talk {
                        let outcome = spliced(other, &ended);
                        self.tried.push(of(other, Way::Spliced, outcome));
                    }
                }
                self.tried.push(of(kind, Way::Played, ended.outcome));
            }
        }
    }

    /// The worst of all.
    pub(crate) fn exit(&self) -> Exit {
        let drills = self.outcomes.iter().map(|outcome| outcome.result.exit());
        let tried = self.tried.iter().map(|tried| tried.result.exit());
        let leaks = self.searched.iter().map(|searched| {
            if searched.leaks.is_empty() {
                Exit::Passed
            } else {
                Exit::Failed
            }
        });
        let worst = drills.chain(tried).chain(leaks).max();
        worst.unwrap_or(Exit::Passed)
    }
}

/// The drill of `nothing`, as it would have been with `kind` in it.
fn spliced(kind: Baseline, nothing: &Ended) -> DrillOutcome {
    match engine::baseline::spliced(kind, &nothing.timeline) {
        Some(timeline) => {
            DrillOutcome::read(&timeline, nothing.job.run, nothing.job.journal.clone())
        }
        // The drill was not run at all.
        None => nothing.outcome.clone(),
    }
}

/// An expert has to be better than passable.
fn expert(mut outcome: DrillOutcome) -> DrillOutcome {
    if let (DrillResult::Passed, Some(grade)) = (&outcome.result, &outcome.grade)
        && grade.total < EXPERT
    {
        outcome.result = DrillResult::Failed(format!(
            "the expert has {:.1} points; {EXPERT} are expected of one",
            grade.total
        ));
    }
    outcome
}

impl Tried {
    fn read(who: String, kind: TriedKind, way: Way, outcome: DrillOutcome) -> Self {
        let grade = outcome.grade.as_ref();
        let points = grade.map(|grade| grade.total);
        let pass_mark = grade.map_or(0, |grade| grade.pass_mark);
        let result = match (outcome.result, grade) {
            (kept @ DrillResult::NotUndone(_), _) => kept,
            (_, Some(grade)) if grade.passed => DrillResult::Failed(format!(
                "{who} has {:.1} points, and passes at {}",
                grade.total, grade.pass_mark
            )),
            (_, Some(_)) => DrillResult::Passed,
            (kept, None) => kept,
        };
        Self {
            scenario: outcome.scenario,
            who,
            kind,
            way,
            points,
            pass_mark,
            result,
            journal: outcome.journal,
        }
    }
}

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;
