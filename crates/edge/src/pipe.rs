//! One direction of a connection: a chain of toxics between what was read and what is to be written.
//!
//! No I/O and no clock in here: the time is handed in.

use std::collections::VecDeque;

use bytes::{Buf, Bytes};
use tokio::time::Instant;

use crate::chance::Chance;
use crate::stage::{Item, Next, Stage};
use crate::toxic::{Stream, ToxicKind};

/// A toxic as it stands on a proxy.
#[derive(Clone, Debug)]
pub(crate) struct Standing {
    /// Which toxic, over its changes.
    pub(crate) id: u64,
    /// Which state of it.
    pub(crate) revision: u64,
    pub(crate) toxic: crate::Toxic,
    /// When its lease ends.
    pub(crate) until: Option<Instant>,
}

/// How a pipe ends, once everything before that is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// This direction only: the sender has no more.
    End,
    /// The whole connection.
    Close,
    /// The whole connection, at once and without manners.
    Reset,
}

/// One direction of one connection.
#[derive(Debug)]
pub(crate) struct Pipe {
    stream: Stream,
    /// Seed of this connection's draws.
    seed: u64,
    /// Names the proxy and the connection in those draws.
    connection: Vec<u8>,
    stages: Vec<Stage>,
    out: VecDeque<Bytes>,
    out_bytes: usize,
    ending: Option<Ending>,
}

impl Pipe {
    pub(crate) fn new(stream: Stream, seed: u64, connection: &str) -> Self {
        Self {
            stream,
            seed,
            connection: connection.as_bytes().to_vec(),
            stages: Vec::new(),
            out: VecDeque::new(),
            out_bytes: 0,
            ending: None,
        }
    }

    /// Makes the chain what `standing` says. Data in a toxic that has gone
    /// passes on to the next, in order; nothing is lost.
    pub(crate) fn reconcile(&mut self, standing: &[Standing], now: Instant) {
        let mut index = 0;
        while index < self.stages.len() {
            let id = self.stages[index].id;
            match standing.iter().find(|s| s.id == id && self.befalls(s)) {
                Some(wanted) => {
                    let stage = &mut self.stages[index];
                    if stage.revision != wanted.revision {
                        stage.change(wanted.revision, wanted.toxic.kind, now);
                    }
                    index += 1;
                }
                None => {
                    let gone = self.stages.remove(index);
                    for item in gone.drain() {
                        self.pass(index, item, now);
                    }
                }
            }
        }
        for wanted in standing {
            let present = self.stages.iter().any(|stage| stage.id == wanted.id);
            if !present && self.befalls(wanted) {
                let chance = self.chance(wanted, b"draws");
                let kind: ToxicKind = wanted.toxic.kind;
                self.stages
                    .push(Stage::new(wanted.id, wanted.revision, kind, chance, now));
            }
        }
    }

    /// Whether the toxic is meant for this direction and this connection.
    fn befalls(&self, standing: &Standing) -> bool {
        standing.toxic.stream == self.stream
            && self.chance(standing, b"toxicity").share() < f64::from(standing.toxic.toxicity)
    }

    fn chance(&self, standing: &Standing, purpose: &[u8]) -> Chance {
        let name = standing.toxic.name.as_bytes();
        Chance::of(self.seed, &[&self.connection, name, purpose])
    }

    /// Takes what was read.
    pub(crate) fn feed(&mut self, item: Item, now: Instant) {
        self.pass(0, item, now);
    }

    /// Moves everything that is due down the chain; answers when something
    /// will be due next.
    pub(crate) fn advance(&mut self, now: Instant) -> Option<Instant> {
        let mut soonest: Option<Instant> = None;
        for index in 0..self.stages.len() {
            loop {
                match self.stages[index].next(now) {
                    Next::Due(item) => self.pass(index + 1, item, now),
                    Next::At(at) => {
                        soonest = Some(soonest.map_or(at, |s| s.min(at)));
                        break;
                    }
                    Next::Nothing => break,
                }
            }
        }
        soonest
    }

    fn pass(&mut self, index: usize, item: Item, now: Instant) {
        if item == Item::Reset {
            self.ending = Some(Ending::Reset);
            return;
        }
        if let Some(stage) = self.stages.get_mut(index) {
            stage.push(item, now);
            return;
        }
        if self.ending.is_some() {
            return;
        }
        match item {
            Item::Data(data) => {
                self.out_bytes += data.len();
                self.out.push_back(data);
            }
            Item::End => self.ending = Some(Ending::End),
            Item::Close => self.ending = Some(Ending::Close),
            Item::Reset => {}
        }
    }

    /// Whether more may be read.
    pub(crate) fn has_room(&self) -> bool {
        const ROOM: usize = 256 * 1024;
        let held: usize = self.stages.iter().map(Stage::bytes).sum();
        let room = self.stages.iter().map(Stage::room).max().unwrap_or(ROOM);
        self.out_bytes < ROOM && held < room
    }

    /// What is to be written next.
    pub(crate) fn front(&self) -> Option<&Bytes> {
        self.out.front()
    }

    /// So many bytes of the front were written.
    pub(crate) fn written(&mut self, count: usize) {
        if let Some(front) = self.out.front_mut() {
            let count = count.min(front.len());
            front.advance(count);
            self.out_bytes -= count;
            if front.is_empty() {
                self.out.pop_front();
            }
        }
    }

    /// How it ends, once that is due: a reset at once, the rest after the last write.
    pub(crate) fn ending(&self) -> Option<Ending> {
        match self.ending {
            Some(Ending::Reset) => Some(Ending::Reset),
            ending if self.out.is_empty() => ending,
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests;
