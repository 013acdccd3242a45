//! An injection that lives: its state, its handle, its end.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, MutexGuard, PoisonError};
use std::time::Duration;

use model::{Fault, InjectionId, Period};
use serde_json::Value;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

use crate::UndoReport;
use crate::chaos::Inner;
use crate::kind::Injector;
use crate::undo::undo_within;
use crate::world::World;

/// A fault that is in the world.
///
/// [`Injection::undo`] undoes it and tells how that went. Dropping it without
/// that asks the lease keeper to undo it, which works as long as its
/// [`Chaos`](crate::Chaos) and the runtime live. After that nobody renews its
/// lease, so edges let go by themselves, and the journal undoes the rest at
/// the next start.
pub struct Injection {
    pub(crate) live: Arc<Live>,
    pub(crate) inner: Arc<Inner>,
}

/// An injection's state, shared by its handle and the keeper.
pub(crate) struct Live {
    pub(crate) id: InjectionId,
    pub(crate) fault: Fault,
    pub(crate) injector: Arc<dyn Injector>,
    pub(crate) world: World,
    pub(crate) cadence: Duration,
    state: Mutex<State>,
    tended: std::sync::Mutex<Instant>,
    /// From the end of the inject to the first undo: what is to be undone is
    /// not renewed, so that its lease ends it should the undo fail.
    alive: AtomicBool,
    finished: AtomicBool,
}

struct State {
    plan: Value,
    report: Option<UndoReport>,
}

impl Live {
    pub(crate) fn new(
        id: InjectionId,
        fault: Fault,
        injector: Arc<dyn Injector>,
        world: World,
        plan: Value,
    ) -> Self {
        let cadence = injector.cadence().unwrap_or(world.lease() / 3);
        Self {
            id,
            fault,
            injector,
            world,
            cadence,
            state: Mutex::new(State { plan, report: None }),
            tended: std::sync::Mutex::new(Instant::now()),
            alive: AtomicBool::new(false),
            finished: AtomicBool::new(false),
        }
    }

    /// Breaks it, within `limit`; `None` when that was too slow.
    pub(crate) async fn inject(&self, limit: Duration) -> Option<Result<(), crate::ChaosError>> {
        let mut state = self.state.lock().await;
        let inject = self.injector.inject(&self.world, &mut state.plan);
        let result = timeout(limit, inject).await.ok();
        *self.tended() = Instant::now();
        self.alive.store(true, Ordering::Release);
        result
    }

    /// When it is to be tended next; `None` before and after its life. Never waits.
    pub(crate) fn due(&self) -> Option<Instant> {
        let alive = self.alive.load(Ordering::Acquire);
        alive.then(|| *self.tended() + self.cadence)
    }

    fn tended(&self) -> MutexGuard<'_, Instant> {
        self.tended.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Renews its leases and does what it does over time.
    pub(crate) async fn tend(&self) {
        let mut state = self.state.lock().await;
        if !self.alive.load(Ordering::Acquire) {
            return;
        }
        let tend = self.injector.tend(&self.world, &mut state.plan);
        let result = timeout(self.world.lease() / 3, tend).await;
        *self.tended() = Instant::now();
        let kind = &self.fault.kind;
        match result {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::warn!(kind, id = self.id, %error, "tending a fault failed"),
            Err(_) => tracing::warn!(kind, id = self.id, "tending a fault took too long"),
        }
    }

    /// Undoes it; once that is verified, the same report comes again.
    pub(crate) async fn undo(&self, inner: &Inner) -> UndoReport {
        let mut state = self.state.lock().await;
        self.alive.store(false, Ordering::Release);
        if let Some(report) = state.report.as_ref().filter(|report| report.verified) {
            return report.clone();
        }
        let limit = inner.config.undo_within.duration();
        let report = undo_within(limit, &*self.injector, &self.world, &state.plan).await;
        if report.verified {
            self.finished.store(true, Ordering::Release);
            inner.forget(self.id, report.how).await;
        } else {
            let detail = &report.detail;
            tracing::error!(kind = self.fault.kind, id = self.id, detail, "not undone");
        }
        state.report = Some(report.clone());
        report
    }
}

impl Injection {
    /// Its id within its [`Chaos`](crate::Chaos), from 1.
    pub fn id(&self) -> InjectionId {
        self.live.id
    }

    /// What is broken.
    pub fn fault(&self) -> &Fault {
        &self.live.fault
    }

    /// How long it lives if nobody renews it. Deleted pods, scaled and changed
    /// Deployments know no lease; those the journal undoes.
    pub fn lease(&self) -> Period {
        self.inner.config.lease
    }

    /// Undoes it and reads back that it is undone. Bounded in time
    /// ([`ChaosConfig::undo_within`](crate::ChaosConfig)), and idempotent: once
    /// undone, the same report comes again; otherwise it is tried again.
    pub async fn undo(&self) -> UndoReport {
        self.live.undo(&self.inner).await
    }
}

impl Drop for Injection {
    fn drop(&mut self) {
        if !self.live.finished.load(Ordering::Acquire) {
            self.inner.ask_undo(self.live.id);
        }
    }
}
