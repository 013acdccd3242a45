//! Injecting, undoing everything, and recovering what a killed lab has left.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use futures::future::join_all;
use model::{Fault, InjectionId, Period, Timestamp, Undone};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::task::{JoinHandle, spawn_blocking};
use tokio_util::sync::CancellationToken;

use crate::injection::Live;
use crate::journal::{Entry, Journal};
use crate::keeper::{Word, keep};
use crate::undo::undo_within;
use crate::world::World;
use crate::{ChaosError, Injection, UndoReport, args, faults};

/// What a [`Chaos`] needs to know. Plain data.
#[derive(Clone, Debug)]
pub struct ChaosConfig {
    /// The shop's namespace. It must be labelled `shoplab.dev/lab: "true"`.
    pub namespace: String,
    /// The lab's key, for the edges' control APIs.
    pub key: String,
    /// The file that survives the lab; made when absent. One lab at a time has it.
    pub journal: PathBuf,
    /// How long an injection lives if nobody renews it; renewed at a third of it.
    pub lease: Period,
    /// Who injects: unique to this run of the lab, and fit for a name
    /// (letters, digits, `-`).
    pub owner: String,
    /// How long an undo may take, its verification included.
    pub undo_within: Period,
}

impl ChaosConfig {
    /// How long an undo may take unless told otherwise.
    pub const UNDO_WITHIN: Period = Period::from_secs(10);
}

/// Breaks one shop, and keeps what is broken alive until it is undone.
///
/// Dropping it ends the lease keeper without undoing anything: edges let go
/// when their leases run out, the journal undoes the rest at the next start.
/// [`Chaos::close`] is the orderly end.
pub struct Chaos {
    inner: Arc<Inner>,
    cancel: CancellationToken,
    keeper: Option<JoinHandle<()>>,
}

/// What a [`Chaos`] shares with its keeper and its injections.
pub(crate) struct Inner {
    pub(crate) config: ChaosConfig,
    world: World,
    /// `None` once this lab is done with it.
    journal: Arc<Mutex<Option<Journal>>>,
    live: Mutex<BTreeMap<InjectionId, Arc<Live>>>,
    last_id: AtomicU32,
    words: UnboundedSender<Word>,
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
    /// How the undo went. What is not verified stays in the journal.
    pub report: UndoReport,
}

impl Chaos {
    /// Opens the journal and starts the lease keeper. Wants a tokio runtime.
    ///
    /// # Errors
    /// [`ChaosError::Journal`] or [`ChaosError::JournalInUse`].
    pub fn new(client: kube::Client, config: ChaosConfig) -> Result<Self, ChaosError> {
        let journal = Journal::open(&config.journal)?;
        let lease = config.lease.duration();
        let world = World::new(client, &config.namespace, &config.key, lease);
        let (words, heard) = unbounded_channel();
        let inner = Arc::new(Inner {
            config,
            world,
            journal: Arc::new(Mutex::new(Some(journal))),
            live: Mutex::default(),
            last_id: AtomicU32::new(0),
            words,
        });
        let cancel = CancellationToken::new();
        let keeper = tokio::spawn(keep(inner.clone(), heard, cancel.clone()));
        Ok(Self {
            inner,
            cancel,
            keeper: Some(keeper),
        })
    }

    /// Puts a fault into the world: checks its arguments and the namespace,
    /// looks what its undo will need, journals that, then injects. When that
    /// fails halfway, what was done is undone before this returns; when this
    /// is cancelled halfway, the keeper undoes it.
    ///
    /// # Errors
    /// Any [`ChaosError`].
    pub async fn inject(&self, fault: &Fault) -> Result<Injection, ChaosError> {
        let inner = &self.inner;
        let injector = faults::find(&fault.kind).ok_or_else(|| unknown(&fault.kind))?;
        let spec = injector.spec();
        let args = args::check(&spec, &fault.args)?;
        inner.world.check_namespace().await?;
        let id = inner.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        let tag = format!("{}-{}-{id}", fault.kind, inner.config.owner);
        let world = inner.world.tagged(tag);
        let plan = injector.plan(&world, args).await?;
        inner.journal_injecting(id, fault, plan.clone()).await?;
        let live = Arc::new(Live::new(id, fault.clone(), injector, world, plan));
        inner.live().insert(id, live.clone());
        // From here on dropping the handle undoes.
        let injection = Injection {
            live: live.clone(),
            inner: inner.clone(),
        };
        let limit = inner.config.undo_within;
        let failed = match live.inject(limit.duration()).await {
            Some(Ok(())) => {
                inner.tell(Word::Look);
                return Ok(injection);
            }
            Some(Err(error)) => error,
            None => ChaosError::TooSlow {
                kind: spec.kind,
                limit,
            },
        };
        injection.undo().await;
        Err(failed)
    }

    /// Undoes everything that is still in the world, all at once, so that the
    /// whole takes no longer than one undo may.
    pub async fn undo_all(&self) -> Vec<(InjectionId, UndoReport)> {
        let inner = &self.inner;
        let undos = inner.all().into_iter().map(|live| async move {
            let report = live.undo(inner).await;
            (live.id, report)
        });
        join_all(undos).await
    }

    /// Undoes everything, and ends the lease keeper.
    pub async fn close(mut self) -> Vec<(InjectionId, UndoReport)> {
        let reports = self.undo_all().await;
        self.cancel.cancel();
        if let Some(keeper) = self.keeper.take()
            && let Err(error) = keeper.await
        {
            tracing::warn!(%error, "the lease keeper ended badly");
        }
        self.inner.close_journal();
        reports
    }

    /// Undoes what a lab that was killed has left, by its journal; called
    /// once at start, before [`Chaos::new`]. Nothing happens without a journal.
    /// Namespaces come from the journal; key, journal and time from `config`.
    ///
    /// # Errors
    /// [`ChaosError::Journal`] or [`ChaosError::JournalInUse`].
    pub async fn recover(
        client: kube::Client,
        config: &ChaosConfig,
    ) -> Result<Vec<Recovered>, ChaosError> {
        if !config.journal.exists() {
            return Ok(Vec::new());
        }
        let mut journal = Journal::open(&config.journal)?;
        let pending = journal.pending()?;
        let undos = pending
            .into_iter()
            .map(|entry| recover_one(client.clone(), config, entry));
        let recovered = join_all(undos).await;
        if recovered.iter().all(|one| one.report.verified) {
            journal.clear()?;
            return Ok(recovered);
        }
        for one in recovered.iter().filter(|one| one.report.verified) {
            journal.undone(&one.owner, one.injection, one.report.how)?;
        }
        Ok(recovered)
    }
}

impl Drop for Chaos {
    fn drop(&mut self) {
        self.cancel.cancel();
        if let Some(keeper) = &self.keeper {
            keeper.abort();
        }
        self.inner.close_journal();
    }
}

async fn recover_one(client: kube::Client, config: &ChaosConfig, entry: Entry) -> Recovered {
    let lease = entry.lease.duration();
    let world = World::new(client, &entry.namespace, &config.key, lease);
    let limit = config.undo_within.duration();
    let report = match (
        faults::find(&entry.fault.kind),
        world.check_namespace().await,
    ) {
        (None, _) => failed(unknown(&entry.fault.kind)),
        (Some(_), Err(error)) if error.is_gone() => UndoReport {
            how: Undone::TargetGone,
            verified: true,
            detail: format!("namespace `{}` is no longer there", entry.namespace),
        },
        (Some(_), Err(error)) => failed(error),
        (Some(injector), Ok(())) => undo_within(limit, &*injector, &world, &entry.plan).await,
    };
    Recovered {
        owner: entry.owner,
        injection: entry.id,
        fault: entry.fault,
        report,
    }
}

fn failed(error: ChaosError) -> UndoReport {
    UndoReport {
        how: Undone::Failed,
        verified: false,
        detail: error.to_string(),
    }
}

fn unknown(kind: &str) -> ChaosError {
    let known: Vec<&str> = faults::all()
        .iter()
        .map(|fault| fault.spec().kind)
        .collect();
    ChaosError::UnknownKind {
        kind: kind.to_owned(),
        known: known.join(", "),
    }
}

impl Inner {
    fn live(&self) -> MutexGuard<'_, BTreeMap<InjectionId, Arc<Live>>> {
        self.live.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Everything that is in the world, the latest first.
    pub(crate) fn all(&self) -> Vec<Arc<Live>> {
        self.live().values().rev().cloned().collect()
    }

    pub(crate) fn find(&self, id: InjectionId) -> Option<Arc<Live>> {
        self.live().get(&id).cloned()
    }

    /// Asks the keeper for an undo; nobody hears it after the keeper's end.
    pub(crate) fn ask_undo(&self, id: InjectionId) {
        self.tell(Word::Undo(id));
    }

    /// Lets the next lab have the journal, even while handles are about.
    fn close_journal(&self) {
        *self.journal.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn tell(&self, word: Word) {
        if let Err(error) = self.words.send(word) {
            tracing::warn!(word = ?error.0, "the lease keeper has ended; leases and journal undo it");
        }
    }

    async fn journal_injecting(
        &self,
        id: InjectionId,
        fault: &Fault,
        plan: serde_json::Value,
    ) -> Result<(), ChaosError> {
        let entry = Entry {
            owner: self.config.owner.clone(),
            id,
            at: now(),
            namespace: self.config.namespace.clone(),
            fault: fault.clone(),
            lease: self.config.lease,
            plan,
        };
        self.journaled(move |journal| journal.injecting(&entry))
            .await
    }

    /// It is undone and verified: nothing is left to remember.
    pub(crate) async fn forget(&self, id: InjectionId, how: Undone) {
        self.live().remove(&id);
        let owner = self.config.owner.clone();
        let written = self.journaled(move |journal| journal.undone(&owner, id, how));
        if let Err(error) = written.await {
            // Undoing once more at the next start does no harm.
            tracing::warn!(%error, id, "it is undone, but the journal does not know");
        }
    }

    /// Waits for the disk where waiting is allowed.
    async fn journaled(
        &self,
        write: impl FnOnce(&mut Journal) -> Result<(), ChaosError> + Send + 'static,
    ) -> Result<(), ChaosError> {
        let journal = self.journal.clone();
        let written = spawn_blocking(move || {
            let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            journal.as_mut().map_or(Ok(()), write)
        });
        written.await.unwrap_or_else(|error| {
            Err(ChaosError::Journal {
                path: self.config.journal.clone(),
                source: std::io::Error::other(error),
            })
        })
    }
}

fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH);
    Timestamp::from_millis(since.unwrap_or_default().as_millis() as u64)
}
