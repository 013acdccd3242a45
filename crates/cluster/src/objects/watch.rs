//! Watches: the changes of one kind, in order, from a revision on.

use std::sync::Arc;

use futures::Stream;
use serde_json::Value;

use super::{Kind, Objects, StoreError};

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ChangeType {
    /// It was created.
    Added,
    /// It was changed.
    Modified,
    /// It is gone.
    Deleted,
}

impl ChangeType {
    /// The word of the watch protocol.
    pub fn word(self) -> &'static str {
        match self {
            Self::Added => "ADDED",
            Self::Modified => "MODIFIED",
            Self::Deleted => "DELETED",
        }
    }
}

/// One change of one object.
#[derive(Clone, Debug)]
pub struct Change {
    /// What happened.
    pub change: ChangeType,
    /// The object afterwards; when it is gone, as it last was.
    pub object: Arc<Value>,
    /// The object before.
    pub previous: Option<Arc<Value>>,
    /// The revision that the change made.
    pub revision: u64,
}

/// The changes of one kind from a revision on.
pub struct Watch {
    objects: Objects,
    kind: Kind,
    /// Everything up to here has been handed out.
    seen: u64,
    latest: tokio::sync::watch::Receiver<u64>,
}

impl Objects {
    /// Watches a kind for changes after `since`, or after now. Fails with [`StoreError::Expired`] when changes
    /// after `since` are forgotten.
    pub fn watch(&self, kind: Kind, since: Option<u64>) -> Result<Watch, StoreError> {
        let latest = self.inner.latest.subscribe();
        let state = self.lock();
        let seen = since.unwrap_or(state.revision);
        if let Some(shelf) = state.kinds.get(&kind)
            && seen < shelf.forgotten
        {
            return Err(StoreError::Expired {
                asked: seen,
                oldest: shelf.forgotten,
            });
        }
        drop(state);
        Ok(Watch {
            objects: self.clone(),
            kind,
            seen,
            latest,
        })
    }

    /// All objects of a kind, and a watch of everything after them.
    pub fn list_and_watch(&self, kind: Kind) -> (Vec<Arc<Value>>, Watch) {
        let latest = self.inner.latest.subscribe();
        let (objects, seen) = self.list_at(kind, None);
        let watch = Watch {
            objects: self.clone(),
            kind,
            seen,
            latest,
        };
        (objects, watch)
    }
}

impl Objects {
    /// The revision of the latest change, as something to wait on.
    pub fn changes(&self) -> tokio::sync::watch::Receiver<u64> {
        self.inner.latest.subscribe()
    }
}

impl Watch {
    /// The next change; waits for one. Fails with [`StoreError::Expired`] when the watch fell so far behind that
    /// changes are forgotten: list again. Cancel-safe. Never ends.
    pub async fn next(&mut self) -> Result<Change, StoreError> {
        loop {
            self.latest.borrow_and_update();
            if let Some(change) = self.take()? {
                return Ok(change);
            }
            if self.latest.changed().await.is_err() {
                std::future::pending::<()>().await;
            }
        }
    }

    /// The next change, if there is one already.
    pub fn take(&mut self) -> Result<Option<Change>, StoreError> {
        let state = self.objects.lock();
        let Some(shelf) = state.kinds.get(&self.kind) else {
            self.seen = state.revision;
            return Ok(None);
        };
        if self.seen < shelf.forgotten {
            return Err(StoreError::Expired {
                asked: self.seen,
                oldest: shelf.forgotten,
            });
        }
        let at = shelf
            .history
            .partition_point(|change| change.revision <= self.seen);
        let change = shelf.history.get(at).cloned();
        self.seen = change
            .as_ref()
            .map_or(state.revision, |change| change.revision);
        Ok(change)
    }

    /// The revision up to which this watch has handed out everything.
    pub fn revision(&self) -> u64 {
        self.seen
    }

    /// The changes as a stream; it ends after an error.
    pub fn into_stream(self) -> impl Stream<Item = Result<Change, StoreError>> + Send {
        futures::stream::unfold(Some(self), |watch| async move {
            let mut watch = watch?;
            match watch.next().await {
                Ok(change) => Some((Ok(change), Some(watch))),
                Err(error) => Some((Err(error), None)),
            }
        })
    }
}
