//! One drill on a platform of its own.

use std::path::{Path, PathBuf};
use std::time::Instant;

use engine::{Drill, DrillConfig, Stop};
use model::{Happening, Rubric, Scenario, Timeline, Vocabulary};
use store::Ports;
use tokio_util::sync::CancellationToken;

use crate::assets::Assets;
use crate::error::LabError;
use crate::jobs::{Job, Purpose, Search};
use crate::leaks::{self, Leak, Reach, Words};
use crate::outcome::DrillOutcome;
use crate::platform::{Platform, StateDir, Wanted};
use crate::progress::{End, Progress};
use crate::runner::Ended;
use crate::select;

/// What all drills of a command share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) assets: Assets,
    pub(crate) vocabulary: Vocabulary,
    /// The names of all scenarios that there are: none may be within a responder's reach.
    pub(crate) scenarios: Vec<String>,
    pub(crate) state: Option<PathBuf>,
    pub(crate) progress: Progress,
    pub(crate) cancel: CancellationToken,
}

impl Shared {
    /// What drills with these assets share; nothing runs yet.
    pub(crate) fn new(assets: Assets, vocabulary: Vocabulary, state: Option<PathBuf>) -> Self {
        // A scenario that cannot be read has no name yet that could be found.
        let all = select::all(&assets, &vocabulary).unwrap_or_default();
        Self {
            scenarios: all.into_iter().map(|scenario| scenario.name).collect(),
            assets,
            vocabulary,
            state,
            progress: Progress::new(),
            cancel: CancellationToken::new(),
        }
    }
}

/// The drill's configuration on `platform`.
pub(crate) fn config(job: &Job, vocabulary: &Vocabulary, platform: &Platform) -> DrillConfig {
    let scenario = &job.scenario;
    let row = scenario
        .matrix
        .as_ref()
        .and_then(|id| vocabulary.matrix.row(id));
    let shop = vocabulary.shops.get(&scenario.shop);
    DrillConfig {
        scenario: scenario.clone(),
        row: row.cloned(),
        checks: shop.map(|shop| shop.checks.clone()).unwrap_or_default(),
        rubric: Rubric::default(),
        seed: job.seed,
        responder: job.responder.clone(),
        journal: job.journal.clone(),
        injections: platform.injections(),
        kubeconfig: platform.kubeconfig().to_owned(),
        key: platform.key().to_owned(),
        backends: platform.backends(),
        manifests: platform.manifests().to_vec(),
        limits: job.limits,
        version: env!("CARGO_PKG_VERSION").to_owned(),
    }
}

/// The platform that a scenario wants.
pub(crate) fn wanted(scenario: &Scenario, seed: u64, ports: Ports) -> Wanted {
    Wanted {
        shop: scenario.shop.to_string(),
        load: scenario.load,
        seed,
        ports,
    }
}

/// Runs `job` from an empty machine to an empty machine.
pub(crate) async fn conduct(job: Job, shared: &Shared) -> Ended {
    let (progress, slot) = (&shared.progress, job.slot);
    progress.begin(slot, &job.label(), Instant::now());
    let ended = match conducted(&job, shared).await {
        Ok((timeline, leaks)) => Ended {
            outcome: DrillOutcome::read(&timeline, job.run, job.journal.clone()),
            job,
            timeline,
            leaks,
            before: None,
        },
        Err(error) => Ended {
            outcome: DrillOutcome::broken(&job.scenario, job.run, job.seed, error.to_string()),
            job,
            timeline: Timeline::default(),
            leaks: Vec::new(),
            before: None,
        },
    };
    let end = if ended.is_right() {
        End::Right
    } else {
        End::Wrong
    };
    progress.end(slot, &ended_in_words(&ended), end, Instant::now());
    ended
}

/// How a drill ended, in one line.
fn ended_in_words(ended: &Ended) -> String {
    let outcome = &ended.outcome;
    let points = outcome.grade.as_ref().map(|grade| grade.total);
    match (&ended.job.purpose, points) {
        (Purpose::Baseline(_) | Purpose::WrongFix(_), Some(points)) => {
            format!("{points:.1} points; must not pass")
        }
        (Purpose::Watch, Some(_)) => "watched".to_owned(),
        (_, points) => {
            let points =
                points.map_or_else(String::new, |points| format!(" with {points:.1} points"));
            let reason = outcome.result.reason();
            let reason = reason.map_or_else(String::new, |why| format!(": {why}"));
            let leaks = match ended.leaks.len() {
                0 => String::new(),
                leaks => format!("; {leaks} leaks"),
            };
            format!("{}{points}{reason}{leaks}", outcome.result.word())
        }
    }
}

async fn conducted(job: &Job, shared: &Shared) -> Result<(Timeline, Vec<Leak>), LabError> {
    let state = StateDir::create(shared.state.as_deref())?;
    let wanted = wanted(&job.scenario, job.seed, Ports::any());
    let platform = Platform::start(&wanted, &shared.assets, state).await?;
    let result = drill(job, shared, &platform).await;
    platform.stop().await;
    result
}

async fn drill(
    job: &Job,
    shared: &Shared,
    platform: &Platform,
) -> Result<(Timeline, Vec<Leak>), LabError> {
    make_way(&job.journal)?;
    let mut drill = Drill::start(config(job, &shared.vocabulary, platform)).await?;
    let mut events = drill.subscribe();
    let mut found = Vec::new();
    let follow = async {
        while let Some(event) = events.next().await {
            shared.progress.event(job.slot, &event, Instant::now());
            let bitten = matches!(event.what, Happening::FaultBit { .. });
            if bitten && job.search == Search::On {
                // While the fault is in: what it changed of the cluster is there to be seen.
                let reach = Reach::of(platform)?;
                found = leaks::in_cluster(&reach, &words(job, shared, platform)).await?;
            }
        }
        Ok::<_, LabError>(())
    };
    tokio::select! {
        followed = follow => followed?,
        () = shared.cancel.cancelled() => {}
    }
    if shared.cancel.is_cancelled() {
        return Ok((drill.stop(Stop::Interrupted).await?, Vec::new()));
    }
    let timeline = drill.finished().await?;
    if job.search == Search::On && graded(&timeline) {
        // Telemetry forgets nothing: at the end it holds all of the drill.
        let reach = Reach::of(platform)?;
        found.extend(leaks::in_telemetry(&reach, &words(job, shared, platform)).await?);
        found.extend(leaks::in_files(
            platform.kubeconfig_responder(),
            &words(job, shared, platform),
        )?);
    }
    Ok((timeline, found))
}

fn graded(timeline: &Timeline) -> bool {
    let complete =
        |event: &model::Event| matches!(event.what, Happening::Finished(model::Verdict::Complete));
    timeline.events().iter().any(complete)
}

/// What must not be found within a responder's reach.
fn words(job: &Job, shared: &Shared, platform: &Platform) -> Words {
    Words::new(
        shared.vocabulary.faults.iter().map(|fault| fault.kind),
        shared
            .scenarios
            .iter()
            .map(String::as_str)
            .chain([job.scenario.name.as_str()]),
        platform.key(),
    )
}

/// A journal is never overwritten by the engine: an earlier one is moved aside.
pub(crate) fn make_way(journal: &Path) -> Result<(), LabError> {
    if !journal.exists() {
        return Ok(());
    }
    let old = journal.with_extension("jsonl.old");
    std::fs::rename(journal, &old).map_err(|source| LabError::File {
        path: journal.to_owned(),
        doing: "moved aside",
        source,
        next: "give another folder with --out",
    })
}
