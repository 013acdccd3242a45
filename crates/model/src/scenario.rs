//! What an instructor writes.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{
    Action, AlertName, CheckName, Diagnosis, FailureMode, Fault, Period, Query, Ratio, RowId,
    ServiceName, Severity, ShopName,
};

/// An incident to practise: what breaks, what is expected, what is right.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Scenario {
    /// Its name, in kebab case; unique in a folder.
    pub name: String,
    /// What the customers complain of, in one line. Gives no cause away.
    pub title: String,
    /// The shop that is broken.
    pub shop: ShopName,
    /// The row of the failure matrix whose documented columns are expected.
    pub matrix: Option<RowId>,
    /// How hard it is, from 1 to 5.
    pub level: u8,
    /// What the responder is told at the start.
    pub briefing: String,
    /// The load on the shop.
    pub load: Load,
    /// The checks that must hold before anything is broken.
    pub steady_state: Vec<CheckName>,
    /// What happens, at its times after the steady state.
    pub timeline: Vec<Step>,
    /// What the author predicts.
    pub hypothesis: Hypothesis,
    /// What is right.
    pub answer: Answer,
    /// Help for a price.
    pub hints: Vec<Hint>,
    /// Scripted responders; `expert` proves that it can be solved.
    pub responders: BTreeMap<String, Vec<Move>>,
    /// The points at which it is passed.
    pub pass_mark: u32,
    /// How long a drill may last after the first injection.
    pub time_limit: Period,
    /// How long the SLOs must hold again before it counts as recovered.
    pub recovery_window: Period,
}

/// The load on a shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Load {
    /// How it changes over time.
    pub shape: LoadShape,
    /// How many customers are in the shop at once.
    pub users: u32,
}

/// How load changes over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LoadShape {
    /// The same all the time.
    Steady,
}

/// One step of a scenario's timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Step {
    /// When, after the steady state.
    pub at: Period,
    /// What.
    pub action: StepAction,
    /// With an injection: how long it stays, authored as `for`. It is undone
    /// then, and the drill goes on; left out, it stays to the end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lasts: Option<Period>,
}

impl Scenario {
    /// Whether it breaks anything at all.
    #[must_use]
    pub fn breaks(&self) -> bool {
        self.timeline.iter().any(Step::injects)
    }

    /// Whether a drill of it proves nothing before one of its symptoms shows.
    #[must_use]
    pub fn must_bite(&self) -> bool {
        self.breaks() && !self.hypothesis.symptoms.is_empty()
    }
}

impl Step {
    /// Whether it breaks something.
    #[must_use]
    pub fn injects(&self) -> bool {
        matches!(self.action, StepAction::Inject(_))
    }
}

/// What a step of the timeline does.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StepAction {
    /// Breaks something.
    Inject(Fault),
    /// Does something harmless, as somebody at work would: a deploy, a restart.
    Change(Action),
}

/// What the author predicts. The fault-bite gate waits for the symptoms.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hypothesis {
    /// Checks that will no longer hold. Empty for a healthy case.
    pub symptoms: Vec<Symptom>,
    /// How soon after the injection the first symptom must show.
    pub within: Period,
    /// Alerts that must fire.
    pub alerts: Vec<AlertName>,
    /// Alerts that must stay silent.
    pub silent: Vec<AlertName>,
    /// Services that will suffer too. Told with the answer, and not judged: what
    /// proves that the fault bites are the symptoms and the alerts.
    pub spreads_to: Vec<ServiceName>,
}

/// One predicted symptom, by which the lab sees that a fault bites.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Symptom {
    /// A check of the shop is lost, or falls below a share. Authored as
    /// `slo: checkout-availability`, with `below: 85%` where it is a share.
    Slo {
        /// The check.
        check: CheckName,
        /// Shown when a share falls below this; without it, when the check's
        /// own bound no longer holds.
        below: Option<Ratio>,
    },
    /// An alert fires: for what customers do not notice, or not yet. Authored
    /// as `alert: QueueWithoutConsumer`.
    Alert(AlertName),
}

/// What is right, and what is not.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Answer {
    /// The service at fault; `None` where nothing is wrong.
    pub cause: Option<ServiceName>,
    /// How it fails.
    pub mode: FailureMode,
    /// How bad the incident is.
    pub severity: Severity,
    /// Changes that end it. Empty where the platform recovers alone.
    pub fixes: Vec<Action>,
    /// Changes that look right and are not.
    pub wrong: Vec<Action>,
}

/// Help for a price.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Hint {
    /// How long after the page it can be asked for.
    pub after: Period,
    /// Points that it costs.
    pub cost: u32,
    /// What it says.
    pub text: String,
}

/// One move of a scripted responder, authored as a one-key map.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Move {
    /// Wait until something is so.
    When(Trigger),
    /// Take the page.
    Acknowledge,
    /// Say how bad it is.
    Declare(Severity),
    /// Ask a telemetry backend.
    Query(Query),
    /// Say what is wrong.
    Diagnose(Diagnosis),
    /// Change the shop.
    Act(Action),
    /// Tell the stakeholders.
    Update(String),
    /// Say that it is over.
    Resolve,
}

/// What a scripted responder waits for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Trigger {
    /// Any page.
    Page,
    /// This alert fires.
    Alert(AlertName),
    /// The SLOs hold again for the recovery window.
    Recovered,
    /// Time passes.
    Elapsed(Period),
}

/// A list of scenarios that are run together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Suite {
    /// Its name.
    pub name: String,
    /// What it is for, in one line.
    pub title: String,
    /// Paths of scenarios and of folders of scenarios, relative to the suite's file.
    pub scenarios: Vec<String>,
    /// What is proven of each scenario besides that its expert passes.
    #[serde(default)]
    pub with: Vec<Proof>,
}

/// What can be proven of a scenario besides that its expert passes.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Proof {
    /// No baseline passes.
    Baselines,
    /// No declared wrong fix passes.
    WrongFixes,
    /// Nothing within a responder's reach names the fault, the scenario or the lab's tools.
    Leaks,
}

impl Proof {
    /// Every proof.
    pub const ALL: [Self; 3] = [Self::Baselines, Self::WrongFixes, Self::Leaks];

    /// Its name, in kebab case.
    pub fn name(self) -> &'static str {
        match self {
            Self::Baselines => "baselines",
            Self::WrongFixes => "wrong-fixes",
            Self::Leaks => "leaks",
        }
    }
}

impl AsRef<str> for Proof {
    fn as_ref(&self) -> &str {
        self.name()
    }
}
