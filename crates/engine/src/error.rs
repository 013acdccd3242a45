//! Why a drill could not be run.

use std::path::PathBuf;

use telemetry::TelemetryError;

use crate::journal::JournalError;

/// Why a drill could not be started, or could not go on.
#[derive(Debug, thiserror::Error)]
pub enum EngineError {
    /// The drill's configuration does not fit together; all problems at once.
    #[error("the drill cannot be run:\n{}", .0.join("\n"))]
    Config(Vec<String>),
    /// The journal could not be written or read.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// The kubeconfig could not be used.
    #[error("the kubeconfig {} cannot be used: {reason}", path.display())]
    Kubeconfig {
        /// Where it was sought.
        path: PathBuf,
        /// What is wrong with it.
        reason: String,
    },
    /// The cluster did not do what was asked.
    #[error("{what}: {reason}")]
    Cluster {
        /// What was asked.
        what: String,
        /// What it said, with the next step where there is one.
        reason: String,
    },
    /// A telemetry backend gave no answer.
    #[error(transparent)]
    Telemetry(#[from] TelemetryError),
    /// Faults could not be injected or undone at all.
    #[error("faults cannot be injected: {0}")]
    Chaos(String),
    /// The drill is over: nothing can be done any more.
    #[error("the drill is over")]
    Over,
    /// A task of the drill ended without a word.
    #[error("the drill broke off: {0}")]
    Broken(String),
}
