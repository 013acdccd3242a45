//! A drill that runs.

use std::sync::{Arc, OnceLock};

use chaos::ChaosConfig;
use model::{Happening, Outcome, Period, Query, Response, Timeline};
use telemetry::{Telemetry, TimeRange};
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::task::TaskTracker;

use crate::desk::Desk;
use crate::injector::{ChaosInjector, Injector};
use crate::platform::{Kubernetes, Platform, client};
use crate::recorder::Recorder;
use crate::run::Run;
use crate::senses::Senses;
use crate::shared::Shared;
use crate::{Clock, DrillConfig, EngineError, QueryAnswer, Subscription};

/// One run of a scenario. Dropping it stops it and undoes what it broke as far
/// as there is time; [`Drill::stop`] waits until that is done and verified.
#[derive(Debug)]
pub struct Drill {
    desk: Desk,
    task: Option<JoinHandle<Result<(), EngineError>>>,
}

/// Why a drill is ended before its time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stop {
    /// The responder is done: what there is will be graded.
    Finished,
    /// Somebody broke it off: no grade.
    Interrupted,
}

/// How far a drill is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// Waiting for the shop's Deployments.
    Starting,
    /// Waiting for the steady state.
    Steadying,
    /// The timeline runs.
    Running,
    /// Undoing what was broken.
    Ending,
    /// Over.
    Over,
}

/// The next hint of the scenario.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HintOffer {
    /// Which of the scenario's hints, from 0.
    pub index: usize,
    /// Points that it costs.
    pub cost: u32,
    /// How long until it can be asked for; nothing when it can be now, `None`
    /// while nobody has been called yet.
    pub due_in: Option<Period>,
}

/// The world in which a drill runs; tests have a fake of each.
pub(crate) struct World {
    pub(crate) clock: Clock,
    pub(crate) senses: Arc<dyn Senses>,
    pub(crate) patient_senses: Arc<dyn Senses>,
    pub(crate) platform: Arc<dyn Platform>,
    pub(crate) injector: Box<dyn Injector>,
}

impl Drill {
    /// Starts a drill: undoes what an earlier one left behind, begins the
    /// journal, and goes on in the background. Returns when the journal has begun.
    ///
    /// # Errors
    /// [`EngineError`] when the configuration does not fit together, or the
    /// journal, the cluster or `chaos` cannot be used.
    pub async fn start(config: DrillConfig) -> Result<Self, EngineError> {
        config.check()?;
        let clock = Clock::system();
        let telemetry = Telemetry::connect(&config.backends, config.limits.telemetry)?;
        let patient = Telemetry::connect(&config.backends, Telemetry::TIMEOUT)?;
        let client = client(&config.kubeconfig).await?;
        let shop = config.scenario.shop.as_str();
        let chaos = ChaosConfig {
            namespace: shop.to_owned(),
            key: config.key.clone(),
            journal: config.injections.clone(),
            lease: config.limits.lease,
            owner: format!("{}-{}", std::process::id(), clock.now().as_millis()),
            undo_within: config.limits.undo,
        };
        let world = World {
            clock,
            senses: Arc::new(telemetry),
            patient_senses: Arc::new(patient),
            platform: Arc::new(Kubernetes::new(
                &client,
                shop,
                clock,
                config.manifests.clone(),
            )),
            injector: Box::new(ChaosInjector::open(client.clone(), chaos).await?),
        };
        Self::start_in(config, world)
    }

    /// Starts a drill in `world`.
    pub(crate) fn start_in(config: DrillConfig, world: World) -> Result<Self, EngineError> {
        config.check()?;
        let recorder = Recorder::create(&config.journal)?;
        let started = Happening::Started {
            scenario: Box::new(config.scenario.clone()),
            row: config.row,
            rubric: config.rubric,
            seed: config.seed,
            responder: config.responder.clone(),
            version: config.version,
        };
        recorder.record(world.clock.now(), started)?;
        recorder.sync()?;
        let shared = Arc::new(Shared {
            recorder,
            clock: world.clock,
            senses: world.patient_senses,
            platform: world.platform,
            scenario: config.scenario,
            responder: config.responder,
            services: OnceLock::new(),
            phase: watch::Sender::new(Phase::Starting),
            stop: watch::Sender::new(None),
            moved: OnceLock::new(),
            tasks: TaskTracker::new(),
        });
        let run = Run::new(
            Arc::clone(&shared),
            world.senses,
            world.injector,
            config.checks,
            config.limits,
        );
        Ok(Self {
            desk: Desk::new(shared),
            task: Some(tokio::spawn(run.run())),
        })
    }

    /// The responder's desk.
    pub fn desk(&self) -> Desk {
        self.desk.clone()
    }

    /// All Events so far, and those to come.
    pub fn subscribe(&self) -> Subscription {
        self.desk.subscribe()
    }

    /// The Events so far.
    pub fn timeline(&self) -> Timeline {
        self.desk.timeline()
    }

    /// See [`Desk::respond`].
    ///
    /// # Errors
    /// As there.
    pub async fn respond(&self, response: Response) -> Result<Outcome, EngineError> {
        self.desk.respond(response).await
    }

    /// See [`Desk::ask`].
    ///
    /// # Errors
    /// As there.
    pub async fn ask(
        &self,
        query: Query,
        range: Option<TimeRange>,
    ) -> Result<QueryAnswer, EngineError> {
        self.desk.ask(query, range).await
    }

    /// Waits until the drill is over and everything is undone. Safe to cancel.
    ///
    /// # Errors
    /// [`EngineError`] when it broke off: the journal could not be written.
    pub async fn finished(&mut self) -> Result<Timeline, EngineError> {
        if let Some(task) = &mut self.task {
            let ended = task.await;
            self.task = None;
            ended.map_err(|error| EngineError::Broken(error.to_string()))??;
        }
        Ok(self.timeline())
    }

    /// Ends the drill now: everything is undone and verified, `Finished` is
    /// written. An interruption takes at most [`crate::Limits::interrupt`] and
    /// a second.
    ///
    /// # Errors
    /// As [`Drill::finished`].
    pub async fn stop(&mut self, why: Stop) -> Result<Timeline, EngineError> {
        self.desk.stop(why);
        self.finished().await
    }
}

impl Drop for Drill {
    /// The run goes on until everything is undone, as long as the runtime lives.
    fn drop(&mut self) {
        if self.task.is_some() {
            self.desk.stop(Stop::Interrupted);
        }
    }
}

#[cfg(test)]
mod fake;
#[cfg(test)]
mod tests;
