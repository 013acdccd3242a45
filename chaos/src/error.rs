//! Why a fault could not be injected.

use std::path::PathBuf;

use model::{Period, ServiceName};

/// Why a fault could not be injected. Nothing is left broken behind any of these.
#[derive(Debug, thiserror::Error)]
pub enum ChaosError {
    /// No fault of that kind is registered.
    #[error("there is no fault `{kind}`; there are: {known}")]
    UnknownKind {
        /// The kind that was asked for.
        kind: String,
        /// The registered kinds.
        known: String,
    },
    /// An argument is missing, unknown or out of bounds.
    #[error("`{kind}`: `{arg}` {problem}")]
    Argument {
        /// The kind of fault.
        kind: &'static str,
        /// The argument.
        arg: String,
        /// What is wrong with it, and what is accepted.
        problem: String,
    },
    /// The namespace is not the lab's to break.
    #[error(
        "namespace `{0}` is not labelled `shoplab.dev/lab: \"true\"`, so nothing in it may be broken; label it, or choose the lab's own"
    )]
    NotOurs(String),
    /// The service has nothing to break.
    #[error("`{service}` {problem}")]
    Target {
        /// The service.
        service: ServiceName,
        /// What is missing, and the next step.
        problem: String,
    },
    /// The Kubernetes API refused or did not answer.
    #[error("{what}: {source}")]
    Kube {
        /// What was tried.
        what: String,
        /// What came back.
        source: Box<kube::Error>,
    },
    /// An edge refused or did not answer.
    #[error("{what}: the edge of pod `{pod}` answered {status} {detail}")]
    Edge {
        /// What was tried.
        what: String,
        /// The pod.
        pod: String,
        /// The HTTP status.
        status: u16,
        /// The answer's text.
        detail: String,
    },
    /// A port of a pod did not answer.
    #[error("{what}: pod `{pod}` did not answer: {source}")]
    Forward {
        /// What was tried.
        what: String,
        /// The pod.
        pod: String,
        /// How the connection ended.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// A broker refused what an operator may do.
    #[error("{what}: the management API of pod `{pod}` answered {status} {detail}")]
    Management {
        /// What was tried.
        what: String,
        /// The pod.
        pod: String,
        /// The HTTP status.
        status: u16,
        /// The answer's text.
        detail: String,
    },
    /// The journal could not be written, so nothing was changed.
    #[error("the fault journal {path}: {source}; nothing was changed")]
    Journal {
        /// The file.
        path: PathBuf,
        /// What the system said.
        source: std::io::Error,
    },
    /// Another lab that lives uses the same journal.
    #[error("the fault journal {0} is in use by another lab; stop that one, or use another file")]
    JournalInUse(PathBuf),
    /// The journal's plan, or an argument, does not have the fault's shape.
    #[error("`{kind}`: its arguments or its journaled plan cannot be read: {source}")]
    Plan {
        /// The kind of fault.
        kind: &'static str,
        /// What does not fit.
        source: serde_json::Error,
    },
    /// It took too long; what had been done was undone.
    #[error("`{kind}` could not be injected within {limit}; it was undone")]
    TooSlow {
        /// The kind of fault.
        kind: &'static str,
        /// The time it had.
        limit: Period,
    },
}

impl ChaosError {
    /// Whether the API says that what was asked for, such as the namespace, is not there.
    pub(crate) fn is_gone(&self) -> bool {
        match self {
            Self::Kube { source, .. } => {
                matches!(&**source, kube::Error::Api(status) if status.code == 404)
            }
            _ => false,
        }
    }
}
