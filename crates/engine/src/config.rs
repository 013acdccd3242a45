//! What a drill is told at its start: plain data, checked before anything is touched.

use std::path::PathBuf;

use model::{Check, MatrixRow, Period, Responder, Rubric, Scenario, Symptom};
use serde_json::Value;
use telemetry::Backends;

use crate::EngineError;

/// Everything that [`crate::Drill::start`] needs. The shop and its load must
/// have been applied to the cluster; services and their calls are read from there.
#[derive(Clone, Debug)]
pub struct DrillConfig {
    /// What to run.
    pub scenario: Scenario,
    /// The row of the failure matrix that it stands for.
    pub row: Option<MatrixRow>,
    /// The SLOs and other checks of the scenario's shop.
    pub checks: Vec<Check>,
    /// How it will be graded.
    pub rubric: Rubric,
    /// The seed of everything random in it.
    pub seed: u64,
    /// Who responds. A [`Responder::Script`] of the scenario and a
    /// [`Responder::Baseline`] are played by the engine itself.
    pub responder: Responder,
    /// The journal to write; must not exist yet.
    pub journal: PathBuf,
    /// Where `chaos` keeps what it broke, so that it can be undone after `kill -9`.
    pub injections: PathBuf,
    /// The lab's own access to the cluster.
    pub kubeconfig: PathBuf,
    /// The lab's key to the control ports of the edges.
    pub key: String,
    /// The telemetry backends.
    pub backends: Backends,
    /// The shop's manifests, for whoever applies them again.
    pub manifests: Vec<Value>,
    /// Timeouts, windows and intervals.
    pub limits: Limits,
    /// The version of shoplab.
    pub version: String,
}

/// Timeouts, windows and intervals of a drill.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// How long the shop may take until all of its Deployments are available.
    pub ready: Period,
    /// How long the steady state may take from then on.
    pub steady: Period,
    /// How long the steady state must hold.
    pub steady_window: Period,
    /// How often checks, alerts and the customers' record are looked at.
    pub interval: Period,
    /// How long one question of the engine to a backend may take.
    pub telemetry: Period,
    /// How long one injection, and how long undoing all of them, may take.
    pub undo: Period,
    /// How long undoing may take when somebody interrupts.
    pub interrupt: Period,
    /// How long an injection lives if nobody renews it.
    pub lease: Period,
    /// How long a baseline waits for a page before it acts all the same.
    pub patience: Period,
    /// How long a played responder that has made all of its moves waits for
    /// the recovery; the scenario's time limit where it is `None`.
    pub after_moves: Option<Period>,
    /// How slow a request is that customers complain of.
    pub slow: Period,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ready: Period::from_secs(60),
            steady: Period::from_secs(90),
            steady_window: Period::from_secs(5),
            interval: Period::from_secs(1),
            telemetry: Period::from_secs(3),
            undo: Period::from_secs(20),
            interrupt: Period::from_secs(4),
            lease: Period::from_secs(30),
            patience: Period::from_secs(60),
            after_moves: None,
            slow: Period::from_secs(2),
        }
    }
}

impl DrillConfig {
    /// Checks what can be checked without touching anything.
    ///
    /// # Errors
    /// [`EngineError::Config`] with all problems at once.
    pub fn check(&self) -> Result<(), EngineError> {
        let mut problems = Vec::new();
        let known = |name: &model::CheckName| self.checks.iter().any(|check| check.name == *name);
        for name in &self.scenario.steady_state {
            if !known(name) {
                problems.push(format!("steady-state: there is no check `{name}`"));
            }
        }
        for symptom in &self.scenario.hypothesis.symptoms {
            if let Symptom::Slo { check, .. } = symptom
                && !known(check)
            {
                problems.push(format!("hypothesis: there is no check `{check}`"));
            }
        }
        if self.scenario.steady_state.is_empty() {
            problems.push("steady-state: name at least one check".to_owned());
        }
        if let Responder::Script(name) = &self.responder
            && !self.scenario.responders.contains_key(name)
        {
            problems.push(format!("responders: there is no script `{name}`"));
        }
        if let Responder::Baseline(name) = &self.responder
            && crate::Baseline::named(name).is_none()
        {
            problems.push(format!("there is no baseline `{name}`"));
        }
        if self.limits.interval == Period::ZERO {
            problems.push("limits: the interval must be longer than nothing".to_owned());
        }
        if problems.is_empty() {
            return Ok(());
        }
        Err(EngineError::Config(problems))
    }
}
