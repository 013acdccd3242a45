//! What a responder does, and what came of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Action, Period, RowId, ServiceName, Severity, Timestamp};

/// Who responds. All are graded alike.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Responder {
    /// A person at the console.
    Trainee(String),
    /// A responder written into the scenario, by its name.
    Script(String),
    /// A program that drives the lab.
    Agent(String),
    /// A built-in one that must not win, by its name.
    Baseline(String),
}

/// One thing that a responder did.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Response {
    /// Took the page: somebody is on it.
    Acknowledge,
    /// Said how bad it is.
    Declare(Severity),
    /// Asked a telemetry backend.
    Query(Query),
    /// Said what is wrong. The last one before the end counts.
    Diagnose(Diagnosis),
    /// Changed the shop.
    Act(Action),
    /// Told the stakeholders how it stands.
    Update(String),
    /// Said that the incident is over.
    Resolve,
    /// Asked for the next hint.
    Hint,
}

/// A question to one of the three telemetry backends.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Query {
    /// Which backend.
    pub backend: Backend,
    /// PromQL, LogQL or TraceQL.
    pub text: String,
}

/// The telemetry backends.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Backend {
    /// Mimir: PromQL.
    Metrics,
    /// Loki: LogQL.
    Logs,
    /// Tempo: TraceQL.
    Traces,
}

/// What a responder says is wrong, in closed vocabularies.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub struct Diagnosis {
    /// The service at fault; `None` says that nothing is wrong.
    pub cause: Option<ServiceName>,
    /// How it fails.
    pub mode: FailureMode,
    /// What customers notice: the row of the failure matrix whose documented
    /// impact fits; `None` where they notice nothing, or it was not said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub impact: Option<RowId>,
}

/// How a service fails: the vocabulary of diagnoses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FailureMode {
    /// Nothing is wrong.
    None,
    /// The process dies now and then, and is restarted.
    Crash,
    /// The process dies at every start.
    CrashLoop,
    /// Killed by the platform for its memory.
    OutOfMemory,
    /// It lives and its health check answers, but its work does not finish.
    Hang,
    /// The whole process stands still: connections open, nothing answers.
    Freeze,
    /// It answers, too late.
    Latency,
    /// It answers with errors.
    Errors,
    /// Nobody runs it: no pod at all.
    ScaledDown,
    /// A release carries a bug.
    BadRelease,
    /// It is configured wrongly.
    Misconfigured,
    /// The network between two services is broken.
    Network,
    /// A resource is used up: CPU, disk, descriptors, connections.
    Saturated,
    /// Monitoring is broken, the shop is not.
    Monitoring,
}

impl FailureMode {
    /// Every mode, in the order in which a form shows them.
    pub const ALL: [Self; 14] = [
        Self::None,
        Self::Crash,
        Self::CrashLoop,
        Self::OutOfMemory,
        Self::Hang,
        Self::Freeze,
        Self::Latency,
        Self::Errors,
        Self::ScaledDown,
        Self::BadRelease,
        Self::Misconfigured,
        Self::Network,
        Self::Saturated,
        Self::Monitoring,
    ];

    /// What the mode means, in one line.
    pub fn meaning(self) -> &'static str {
        match self {
            Self::None => "nothing is wrong",
            Self::Crash => "the process dies now and then and is restarted",
            Self::CrashLoop => "the process dies at every start",
            Self::OutOfMemory => "killed by the platform for its memory (137)",
            Self::Hang => "alive and healthy by its check, but its work never finishes",
            Self::Freeze => "the whole process stands still; nothing answers",
            Self::Latency => "it answers, too late",
            Self::Errors => "it answers with errors",
            Self::ScaledDown => "no pod runs it",
            Self::BadRelease => "a release carries a bug",
            Self::Misconfigured => "it is configured wrongly",
            Self::Network => "the network between two services is broken",
            Self::Saturated => "a resource is used up",
            Self::Monitoring => "monitoring is broken, the shop is not",
        }
    }
}

impl fmt::Display for FailureMode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Crash => "crash",
            Self::CrashLoop => "crash-loop",
            Self::OutOfMemory => "out-of-memory",
            Self::Hang => "hang",
            Self::Freeze => "freeze",
            Self::Latency => "latency",
            Self::Errors => "errors",
            Self::ScaledDown => "scaled-down",
            Self::BadRelease => "bad-release",
            Self::Misconfigured => "misconfigured",
            Self::Network => "network",
            Self::Saturated => "saturated",
            Self::Monitoring => "monitoring",
        })
    }
}

/// What came of a response, as far as the grader needs it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// It was noted; there was nothing to do.
    Noted,
    /// The query was answered.
    Answered(Evidence),
    /// The change was accepted by the platform.
    Accepted,
    /// It failed, and why.
    Refused(String),
}

/// What a query's answer showed.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct Evidence {
    /// How many series, lines or traces came.
    pub results: u64,
    /// The start of the time range that was asked for.
    pub from: Timestamp,
    /// How long the time range was.
    pub range: Period,
    /// What it showed of each service that its results name.
    pub signs: Vec<ServiceSigns>,
}

/// What a query's answer showed of one service. A result "names" a service by
/// a label (`job`, `app`, `service`, `service_name`, `peer`), a resource
/// attribute `service.name`, or a pod's name.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub struct ServiceSigns {
    /// The service.
    pub service: ServiceName,
    /// Log lines of warning or worse, failed spans, or spans slower than a second.
    pub troubles: u64,
    /// Mean of the values before the first injection, where there were any.
    pub before: Option<f64>,
    /// Mean of the values after the first injection, where there were any.
    pub after: Option<f64>,
}

impl ServiceSigns {
    /// Whether these signs show that something changed with the incident:
    /// troubles, a series that appeared or vanished, or a value that moved by
    /// more than half of what it was.
    pub fn show_a_symptom(&self) -> bool {
        self.troubles > 0
            || match (self.before, self.after) {
                (Some(before), Some(after)) => {
                    (after - before).abs() > 0.5 * before.abs().max(1e-9)
                }
                (None, None) => false,
                _ => true,
            }
    }
}
