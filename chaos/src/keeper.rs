//! The lease keeper: one owned task that tends every injection and undoes dropped ones.

use std::sync::Arc;

use futures::future::join_all;
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

/// Tends until it is cancelled.
pub(crate) async fn keep(
    inner: Arc<Inner>,
    mut words: UnboundedReceiver<Word>,
    cancel: CancellationToken,
) {
    loop {
        let next = next_due(&inner).await;
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
                Word::Undo(id) => undo(&inner, id).await,
            },
            () = due => tend(&inner).await,
        }
    }
}

async fn next_due(inner: &Inner) -> Option<Instant> {
    let dues = inner
        .all()
        .into_iter()
        .map(|live| async move { live.due().await });
    join_all(dues).await.into_iter().flatten().min()
}

async fn tend(inner: &Inner) {
    let now = Instant::now();
    let tends = inner.all().into_iter().map(|live| async move {
        if live.due().await.is_some_and(|due| due <= now) {
            live.tend().await;
        }
    });
    join_all(tends).await;
}

async fn undo(inner: &Inner, id: InjectionId) {
    if let Some(live) = inner.find(id) {
        let report = live.undo(inner).await;
        tracing::info!(id, how = ?report.how, verified = report.verified, "a dropped injection");
    }
}
