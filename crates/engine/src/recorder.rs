//! The only writer of Events, and those who listen.

use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use model::{Event, Happening, Timeline, Timestamp};
use tokio::sync::watch;

use crate::journal::{JournalError, Writer};

/// Writes Events into the journal and hands them to subscribers.
#[derive(Debug)]
pub(crate) struct Recorder {
    state: Mutex<State>,
    written: watch::Sender<Written>,
}

#[derive(Debug)]
struct State {
    writer: Writer,
    events: Vec<Event>,
}

/// How many Events there are, and whether more can come.
#[derive(Clone, Copy, Debug, Default)]
struct Written {
    count: usize,
    over: bool,
}

impl Recorder {
    /// A recorder with an empty journal at `path`.
    pub(crate) fn create(path: &Path) -> Result<Arc<Self>, JournalError> {
        let writer = Writer::create(path)?;
        Ok(Arc::new(Self {
            state: Mutex::new(State {
                writer,
                events: Vec::new(),
            }),
            written: watch::Sender::new(Written::default()),
        }))
    }

    /// Records that `what` happened at `at`. Nothing follows `Finished`: what
    /// comes later is dropped. Injections and ends are on the disk on return.
    pub(crate) fn record(&self, at: Timestamp, what: Happening) -> Result<(), JournalError> {
        let mut state = self.lock();
        if self.written.borrow().over {
            return Ok(());
        }
        let over = matches!(what, Happening::Finished(_));
        let durable = over
            || matches!(
                what,
                Happening::FaultInjected { .. } | Happening::FaultUndone { .. }
            );
        let event = Event {
            seq: state.events.len() as u64,
            at,
            what,
        };
        state.writer.append(&event)?;
        if durable {
            state.writer.sync()?;
        }
        state.events.push(event);
        let count = state.events.len();
        drop(state);
        self.written.send_modify(|written| {
            written.count = written.count.max(count);
            written.over |= over;
        });
        Ok(())
    }

    /// Waits until all Events are on the disk.
    pub(crate) fn sync(&self) -> Result<(), JournalError> {
        self.lock().writer.sync()
    }

    /// Tells subscribers that nothing follows, though no end was written.
    pub(crate) fn close(&self) {
        self.written.send_modify(|written| written.over = true);
    }

    /// All Events so far.
    pub(crate) fn timeline(&self) -> Timeline {
        Timeline::new(self.lock().events.clone())
    }

    /// Reads the Events so far without copying them.
    pub(crate) fn read<T>(&self, read: impl FnOnce(&[Event]) -> T) -> T {
        read(&self.lock().events)
    }

    /// All Events so far and those to come.
    pub(crate) fn subscribe(self: &Arc<Self>) -> Subscription {
        Subscription {
            recorder: Arc::clone(self),
            written: self.written.subscribe(),
            next: 0,
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The Events of a drill from the first on, those to come included. Cheap to
/// clone; a clone goes on where this one stands.
#[derive(Clone, Debug)]
pub struct Subscription {
    recorder: Arc<Recorder>,
    written: watch::Receiver<Written>,
    next: usize,
}

impl Subscription {
    /// The next Event; `None` once the drill is over. Safe to cancel.
    pub async fn next(&mut self) -> Option<Event> {
        loop {
            let written = *self.written.borrow_and_update();
            if let Some(event) = self.try_next() {
                return Some(event);
            }
            if written.over || self.written.changed().await.is_err() {
                return self.try_next();
            }
        }
    }

    /// The next Event, if it is there already.
    pub fn try_next(&mut self) -> Option<Event> {
        let index = self.next;
        let event = self.recorder.read(|events| events.get(index).cloned())?;
        self.next += 1;
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Verdict;

    fn at(millis: u64) -> Timestamp {
        Timestamp::from_millis(millis)
    }

    #[tokio::test]
    async fn a_subscriber_gets_all_events_from_the_first_to_the_last() {
        let folder = tempfile::tempdir().expect("a folder");
        let recorder = Recorder::create(&folder.path().join("j.jsonl")).expect("made");
        recorder
            .record(at(1), Happening::Recovered)
            .expect("written");
        let mut late = recorder.subscribe();
        let reader = tokio::spawn(async move {
            let mut seen = Vec::new();
            while let Some(event) = late.next().await {
                seen.push(event.seq);
            }
            seen
        });
        tokio::task::yield_now().await;
        recorder
            .record(at(2), Happening::Recovered)
            .expect("written");
        let end = Happening::Finished(Verdict::Complete);
        recorder.record(at(3), end).expect("written");
        assert_eq!(reader.await.expect("read"), [0, 1, 2]);
    }

    #[tokio::test]
    async fn nothing_follows_the_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("j.jsonl");
        let recorder = Recorder::create(&path).expect("made");
        let end = Happening::Finished(Verdict::Interrupted);
        recorder.record(at(1), end).expect("written");
        recorder
            .record(at(2), Happening::Recovered)
            .expect("ignored");
        let reading = crate::journal::read(&path).expect("read");
        assert_eq!(reading.timeline, recorder.timeline());
        assert_eq!(recorder.timeline().events().len(), 1);
    }
}
