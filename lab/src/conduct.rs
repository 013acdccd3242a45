//! One drill on a platform of its own.

use std::path::{Path, PathBuf};

use engine::{Drill, DrillConfig, Limits, Stop};
use model::{Responder, Rubric, Scenario, Vocabulary};
use store::Ports;
use tokio_util::sync::CancellationToken;

use crate::assets::Assets;
use crate::error::LabError;
use crate::outcome::DrillOutcome;
use crate::platform::{Platform, StateDir, Wanted};
use crate::progress::Progress;

/// What is to be run.
#[derive(Clone, Debug)]
pub(crate) struct Job {
    pub(crate) slot: usize,
    pub(crate) scenario: Scenario,
    pub(crate) run: u16,
    pub(crate) seed: u64,
    pub(crate) responder: Responder,
    pub(crate) journal: PathBuf,
}

/// What all drills of a command share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) assets: Assets,
    pub(crate) vocabulary: Vocabulary,
    pub(crate) state: Option<PathBuf>,
    pub(crate) progress: Progress,
    pub(crate) cancel: CancellationToken,
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
        limits: Limits::default(),
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
pub(crate) async fn conduct(job: &Job, shared: &Shared) -> DrillOutcome {
    let label = match job.run {
        1 => job.scenario.name.clone(),
        run => format!("{} #{run}", job.scenario.name),
    };
    shared.progress.begin(job.slot, &label);
    let outcome = match conducted(job, shared).await {
        Ok(outcome) => outcome,
        Err(error) => DrillOutcome::broken(&job.scenario, job.run, job.seed, error.to_string()),
    };
    let reason = outcome
        .result
        .reason()
        .map_or_else(String::new, |why| format!(": {why}"));
    let points = outcome.grade.as_ref().map_or_else(String::new, |grade| {
        format!(" with {:.1} points", grade.total)
    });
    let end = format!("{}{points}{reason}", outcome.result.word());
    shared.progress.end(job.slot, &end);
    outcome
}

async fn conducted(job: &Job, shared: &Shared) -> Result<DrillOutcome, LabError> {
    let state = StateDir::create(shared.state.as_deref())?;
    let wanted = wanted(&job.scenario, job.seed, Ports::any());
    let platform = Platform::start(&wanted, &shared.assets, state).await?;
    let result = drill(job, shared, &platform).await;
    platform.stop().await;
    result
}

async fn drill(job: &Job, shared: &Shared, platform: &Platform) -> Result<DrillOutcome, LabError> {
    make_way(&job.journal)?;
    let mut drill = Drill::start(config(job, &shared.vocabulary, platform)).await?;
    let mut events = drill.subscribe();
    let follow = async {
        while let Some(event) = events.next().await {
            shared.progress.event(job.slot, &event);
        }
    };
    tokio::select! {
        () = follow => {}
        () = shared.cancel.cancelled() => {}
    }
    let timeline = if shared.cancel.is_cancelled() {
        drill.stop(Stop::Interrupted).await?
    } else {
        drill.finished().await?
    };
    Ok(DrillOutcome::read(&timeline, job.run, job.journal.clone()))
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
