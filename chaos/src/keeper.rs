//! The lease keeper: one owned task that tends every injection and undoes dropped ones.

use std::sync::Arc;

use futures::future::join_all;
use futures::stream::{FuturesUnordered, StreamExt};
use model::InjectionId;
use tokio::sync::mpsc::UnboundedReceiver;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use crate::chaos::Inner;

/// What the keeper is told.
#[derive(Debug)]
pub(crate) enum Word {
    /// There is a new injection to tend.
    Look,
    /// A handle was dropped.
    Undo(InjectionId),
}

/// Tends until it is cancelled. An undo that takes its time keeps nothing
/// else from being tended.
pub(crate) async fn keep(
    inner: Arc<Inner>,
    mut words: UnboundedReceiver<Word>,
    cancel: CancellationToken,
) {
    let mut undos = FuturesUnordered::new();
    loop {
        let next = inner.all().iter().filter_map(|live| live.due()).min();
        let due = async {
            match next {
                Some(at) => sleep_until(at).await,
                None => std::future::pending().await,
            }
        };
        tokio::select! {
            biased;
            () = cancel.cancelled() => return,
            Some(word) = words.recv() => match word {
                Word::Look => {}
                Word::Undo(id) => undos.push(undo(&inner, id)),
            },
            Some(()) = undos.next() => {}
            () = due => tend(&inner).await,
        }
    }
}

async fn tend(inner: &Inner) {
    let now = Instant::now();
    let mut due = inner.all();
    due.retain(|live| live.due().is_some_and(|due| due <= now));
    join_all(due.iter().map(|live| live.tend())).await;
}

async fn undo(inner: &Inner, id: InjectionId) {
    if let Some(live) = inner.find(id) {
        let report = live.undo(inner).await;
        tracing::info!(id, how = ?report.how, verified = report.verified, "a dropped injection");
    }
}
