//! What can go wrong above a drill, each with its exit code.

use std::path::PathBuf;

use crate::exit::Exit;

/// Why a command could not do what it was asked to.
#[derive(Debug, thiserror::Error)]
pub(crate) enum LabError {
    /// Authored files are wrong; shown as they are.
    #[error("{0}")]
    Authored(String),
    /// Nothing is there under that name.
    #[error("there is no scenario `{name}`; {help}")]
    NoScenario {
        /// What was asked for.
        name: String,
        /// What there is instead.
        help: String,
    },
    /// A file or folder cannot be used.
    #[error("{} cannot be {doing}: {source}; {next}", path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What was tried: "read", "written".
        doing: &'static str,
        /// What the system said.
        source: std::io::Error,
        /// The next step.
        next: &'static str,
    },
    /// The platform could not be set up.
    #[error("the platform could not be set up: {0}")]
    Platform(String),
    /// The drill could not be run.
    #[error(transparent)]
    Engine(#[from] engine::EngineError),
    /// The journal cannot be graded.
    #[error("{} cannot be graded: {why}", path.display())]
    Ungraded {
        /// The journal.
        path: PathBuf,
        /// Why.
        why: grader::Ungraded,
    },
    /// The console broke.
    #[error("the console failed: {0}")]
    Console(String),
}

impl LabError {
    /// The exit code that it stands for.
    pub(crate) fn exit(&self) -> Exit {
        match self {
            Self::Authored(_) | Self::NoScenario { .. } => Exit::Usage,
            Self::Ungraded { why, .. } => match why {
                grader::Ungraded::Invalid(_) => Exit::Invalid,
                _ => Exit::Usage,
            },
            Self::Engine(engine::EngineError::Journal(_) | engine::EngineError::Config(_)) => {
                Exit::Usage
            }
            Self::File { .. } | Self::Platform(_) | Self::Engine(_) | Self::Console(_) => {
                Exit::Platform
            }
        }
    }
}
