//! What happens in a drill. One append-only journal of Events is the only
//! truth: screens, reports and grades are folds of it.

use serde::{Deserialize, Serialize};

use crate::{
    AlertName, CheckName, Fault, JourneyName, MatrixRow, Observation, Outcome, Period, Responder,
    Response, Rubric, Scenario, ServiceName, Timestamp,
};

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the journal, from 0 without gaps.
    pub seq: u64,
    /// When it happened. Not always in order: what telemetry shows later
    /// happened at its own time.
    pub at: Timestamp,
    /// What happened.
    pub what: Happening,
}

/// The id of one Injection within its drill, from 1.
pub type InjectionId = u32;

/// How bad an alert or an incident is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Severity {
    /// Worth knowing; nobody is called. Alert severity `info`.
    Info,
    /// Wants attention in working hours. Alert severity `warning`.
    Ticket,
    /// Wakes somebody. Alert severity `critical`.
    Page,
}

impl Severity {
    /// The severity named by an alert's label: `critical`, `warning` or anything else.
    pub fn of_label(label: &str) -> Self {
        match label {
            "critical" | "page" => Self::Page,
            "warning" | "ticket" => Self::Ticket,
            _ => Self::Info,
        }
    }
}

/// What can happen in a drill.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Happening {
    /// The drill began. Holds all that grading needs to know beforehand.
    Started {
        /// The scenario as it was authored.
        scenario: Box<Scenario>,
        /// The row of the failure matrix that it stands for.
        row: Option<MatrixRow>,
        /// How it will be graded.
        rubric: Rubric,
        /// The seed of everything random in it.
        seed: u64,
        /// Who responds.
        responder: Responder,
        /// The version of shoplab.
        version: String,
    },
    /// Every service of the shop is ready.
    ShopReady {
        /// The shop's services and stores, as the cluster names them.
        services: Vec<ServiceName>,
        /// Who calls whom, as the manifests say.
        calls: Vec<CallEdge>,
    },
    /// Every check of the steady state held for its window.
    SteadyState {
        /// What was measured.
        observations: Vec<Observation>,
    },
    /// A check changed between holding and not holding (and the first value of each).
    Observed(Observation),
    /// A fault was put into the world.
    FaultInjected {
        /// Which injection of this drill.
        injection: InjectionId,
        /// What was broken.
        fault: Fault,
        /// How long it lives if nobody renews it.
        lease: Period,
    },
    /// The hypothesis' symptom showed: the fault bites.
    FaultBit {
        /// Which check showed it.
        check: CheckName,
        /// What it measured.
        value: Option<f64>,
    },
    /// The first user-visible error or slowness, by the load generator's record.
    /// Comes again with an earlier time when a request that failed earlier ends later.
    ImpactSeen(Impact),
    /// An alert fired.
    AlertFired {
        /// Its name.
        alert: AlertName,
        /// How bad.
        severity: Severity,
        /// The service it speaks of, where its labels say so.
        service: Option<ServiceName>,
        /// What it says.
        summary: String,
        /// Where its runbook is.
        runbook: String,
    },
    /// An alert that had fired is quiet again.
    AlertResolved {
        /// Its name.
        alert: AlertName,
        /// The service it speaks of, where its labels say so.
        service: Option<ServiceName>,
    },
    /// A responder did something.
    Responded {
        /// Who.
        by: Responder,
        /// What.
        response: Response,
        /// What came of it.
        outcome: Outcome,
    },
    /// A hint was shown, and what it costs.
    HintGiven {
        /// Which of the scenario's hints, from 0.
        index: usize,
        /// Points that it takes from the grade.
        cost: u32,
        /// What it says.
        text: String,
    },
    /// Something changed in the cluster, by whomever: a pod restarted, a scale
    /// set to nothing.
    Changed(Change),
    /// Every SLO held again for the recovery window. `at` is the window's start.
    Recovered,
    /// SLOs that had recovered were lost again.
    Relapsed {
        /// The check that no longer holds.
        check: CheckName,
    },
    /// An injection was undone.
    FaultUndone {
        /// Which.
        injection: InjectionId,
        /// How.
        how: Undone,
        /// Whether the undo was seen to have worked.
        verified: bool,
    },
    /// What the incident cost the customers, counted from first injection to end.
    Cost {
        /// Requests that failed.
        failed_requests: u64,
        /// Checkouts that failed.
        orders_lost: u64,
        /// Customers that met at least one failure.
        users_hit: u64,
    },
    /// What each journey of the customers met, from the first injection until
    /// the shop had recovered, or else to the end.
    Impacts {
        /// In the order of their names.
        journeys: Vec<JourneyImpact>,
    },
    /// The drill is over; nothing follows.
    Finished(Verdict),
}

/// How a drill ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It ran to its end and can be graded.
    Complete,
    /// The steady state was never reached, or a fault did not bite: no grade.
    Invalid(String),
    /// Somebody stopped it.
    Interrupted,
}

/// How an injection ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Undone {
    /// The lab put things back.
    Reverted,
    /// What was broken is no longer there (a responder replaced it).
    TargetGone,
    /// Its lease ran out.
    LeaseExpired,
    /// It could not be undone.
    Failed,
}

/// One user-visible failure, from the load generator's record.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Impact {
    /// The journey that met it.
    pub journey: JourneyName,
    /// The step of the journey, such as `POST /orders`.
    pub step: String,
    /// What the customer saw: a text of the shop, a status, or that it was slow.
    pub seen: String,
    /// The trace of the request, 32 hex digits, where there is one.
    pub trace_id: Option<String>,
}

/// What one journey of the customers met, from the load generator's record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct JourneyImpact {
    /// The journey.
    pub journey: JourneyName,
    /// All of its requests.
    pub requests: u64,
    /// Those that failed.
    pub failed: u64,
    /// Those that took too long.
    pub slow: u64,
    /// What customers saw when a request failed or was slow, the most frequent first.
    pub seen: Vec<SeenText>,
}

/// A text that customers saw in place of what they wanted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct SeenText {
    /// The step of the journey, such as `POST /orders`.
    pub step: String,
    /// A text of the shop, a status, or that it was slow.
    pub text: String,
    /// How many requests ended so.
    pub times: u64,
}

/// A change in the cluster that a responder or the platform made.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Change {
    /// A container of the service was restarted, or its pod replaced.
    Restarted {
        /// The service.
        service: ServiceName,
        /// `OOMKilled`, `Error`, `Completed`, `Deleted`.
        reason: String,
    },
    /// The number of pods wanted changed.
    Scaled {
        /// The service.
        service: ServiceName,
        /// How many were wanted.
        from: u32,
        /// How many are.
        to: u32,
    },
    /// A new revision of the pod template was rolled out.
    RolledOut {
        /// The service.
        service: ServiceName,
        /// The image of the new revision.
        image: String,
    },
}

/// One service calls another.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct CallEdge {
    /// The caller.
    pub from: ServiceName,
    /// The callee.
    pub to: ServiceName,
}
