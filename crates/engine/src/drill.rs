//! A drill that runs: what others do with it.

use model::{Outcome, Period, Query, Response, Timeline};
use telemetry::TimeRange;

use crate::{DrillConfig, EngineError, QueryAnswer, Subscription};

/// One run of a scenario. Dropping it stops it and undoes what it broke as far
/// as there is time; [`Drill::stop`] waits until that is done and verified.
#[derive(Debug)]
pub struct Drill {
    desk: Desk,
}

/// The responder's desk: everything that can be done with a running drill.
/// Cheap to clone.
#[derive(Clone, Debug)]
pub struct Desk {}

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
    /// while the page has not come.
    pub due_in: Option<Period>,
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
        Err(EngineError::Over)
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

    /// Waits until the drill is over and everything is undone.
    ///
    /// # Errors
    /// [`EngineError`] when it broke off without an end.
    pub async fn finished(self) -> Result<Timeline, EngineError> {
        Err(EngineError::Over)
    }

    /// Ends the drill now: everything is undone and verified, `Finished` is
    /// written. Takes at most [`crate::Limits::undo`] and a second.
    ///
    /// # Errors
    /// [`EngineError`] when it broke off without an end.
    pub async fn stop(self, why: Stop) -> Result<Timeline, EngineError> {
        self.desk.stop(why);
        self.finished().await
    }
}

impl Desk {
    /// All Events so far, and those to come.
    pub fn subscribe(&self) -> Subscription {
        unreachable!()
    }

    /// The Events so far.
    pub fn timeline(&self) -> Timeline {
        Timeline::default()
    }

    /// How far the drill is.
    pub fn phase(&self) -> Phase {
        Phase::Over
    }

    /// The next hint; `None` when there are no more.
    pub fn hint(&self) -> Option<HintOffer> {
        None
    }

    /// Does what the responder wants and records it. A change that the
    /// platform refused, or a query that was not answered, is an
    /// [`Outcome::Refused`]. What was begun is done and recorded even when
    /// nobody waits for it.
    ///
    /// # Errors
    /// [`EngineError::Over`] once the drill is over.
    pub async fn respond(&self, response: Response) -> Result<Outcome, EngineError> {
        drop(response);
        Err(EngineError::Over)
    }

    /// Asks a telemetry backend, records it as [`Response::Query`], and gives
    /// the data too. Without a range: from two minutes before the first
    /// injection (or five minutes ago) until now.
    ///
    /// # Errors
    /// [`EngineError::Telemetry`] with the backend's own words;
    /// [`EngineError::Over`] once the drill is over.
    pub async fn ask(
        &self,
        query: Query,
        range: Option<TimeRange>,
    ) -> Result<QueryAnswer, EngineError> {
        drop((query, range));
        Err(EngineError::Over)
    }

    /// Asks the drill to end; [`Drill::finished`] waits for it.
    pub fn stop(&self, why: Stop) {
        let _ = why;
    }
}
