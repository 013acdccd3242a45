//! What one toxic does to one direction of one connection: a queue with its own idea of when things are due.
//!
//! No I/O and no clock in here: the time is handed in.

use std::collections::VecDeque;
use std::time::Duration;

use bytes::Bytes;
use tokio::time::Instant;

use crate::chance::Chance;
use crate::toxic::ToxicKind;

/// What flows through a pipe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// Data, never empty.
    Data(Bytes),
    /// The sender will send no more.
    End,
    /// The connection is to be closed once everything before this is written.
    Close,
    /// The connection is to be reset at once.
    Reset,
}

/// What a stage has for the next one.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// This is due now.
    Due(Item),
    /// Something is due then.
    At(Instant),
    /// Nothing is due until something is pushed or changed.
    Nothing,
}

#[derive(Debug)]
struct Held {
    item: Item,
    since: Instant,
    /// The share of the jitter that befalls it, drawn once, -1 to 1.
    luck: f64,
}

/// One toxic at work on one direction of one connection.
#[derive(Debug)]
pub(crate) struct Stage {
    /// Which toxic, over its renewals and changes.
    pub(crate) id: u64,
    /// Which state of it.
    pub(crate) revision: u64,
    kind: ToxicKind,
    began: Instant,
    held: VecDeque<Held>,
    bytes: usize,
    chance: Chance,
    /// Nothing leaves before this (order, rate or pause).
    not_before: Option<Instant>,
    first_data: Option<Instant>,
    passed: u64,
    /// Closed or reset: nothing leaves any more.
    over: bool,
}

impl Stage {
    pub(crate) fn new(
        id: u64,
        revision: u64,
        kind: ToxicKind,
        chance: Chance,
        now: Instant,
    ) -> Self {
        Self {
            id,
            revision,
            kind,
            began: now,
            held: VecDeque::new(),
            bytes: 0,
            chance,
            not_before: None,
            first_data: None,
            passed: 0,
            over: false,
        }
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// How many bytes a pipe may hold because of this stage.
    pub(crate) fn room(&self) -> usize {
        const ROOM: usize = 64 * 1024;
        const ROOM_OF_LATENCY: usize = 4 * 1024 * 1024;
        match self.kind {
            ToxicKind::Latency(_) => ROOM_OF_LATENCY,
            _ => ROOM,
        }
    }

    /// Takes the toxic's new attributes; what is held is judged by them from now on.
    pub(crate) fn change(&mut self, revision: u64, kind: ToxicKind, now: Instant) {
        self.revision = revision;
        if self.kind != kind {
            self.kind = kind;
            // A new rate counts from now; a new latency judges what waits by its arrival.
            self.not_before = matches!(kind, ToxicKind::Bandwidth(_)).then_some(now);
            self.began = now;
        }
    }

    pub(crate) fn push(&mut self, item: Item, now: Instant) {
        if self.over {
            return;
        }
        self.first_data.get_or_insert(now);
        if let Item::Data(data) = &item {
            self.bytes += data.len();
        }
        let luck = match self.kind {
            ToxicKind::Latency(_) => self.chance.share() * 2.0 - 1.0,
            _ => 0.0,
        };
        self.held.push_back(Held {
            item,
            since: now,
            luck,
        });
    }

    /// Gives up everything that is held, in order: the toxic was removed.
    pub(crate) fn drain(self) -> impl Iterator<Item = Item> {
        self.held.into_iter().map(|held| held.item)
    }

    /// What is due at `now`.
    pub(crate) fn next(&mut self, now: Instant) -> Next {
        if self.over {
            return Next::Nothing;
        }
        if let Some(cut) = self.cut() {
            if cut.0 <= now {
                self.over = true;
                self.held.clear();
                self.bytes = 0;
                return Next::Due(cut.1);
            }
            return Next::At(cut.0);
        }
        match self.due() {
            None => Next::Nothing,
            Some(due) if due > now => Next::At(due),
            Some(due) => self.take(due),
        }
    }

    /// When this toxic ends the connection, and how.
    fn cut(&self) -> Option<(Instant, Item)> {
        match self.kind {
            ToxicKind::Timeout(timeout) if timeout.timeout > 0 => {
                Some((self.began + millis(timeout.timeout), Item::Close))
            }
            ToxicKind::ResetPeer(reset) => self
                .first_data
                .map(|first| (first.max(self.began) + millis(reset.timeout), Item::Reset)),
            _ => None,
        }
    }

    /// When the item in front may leave.
    fn due(&self) -> Option<Instant> {
        let front = self.held.front()?;
        let is_data = matches!(front.item, Item::Data(_));
        let due = match self.kind {
            ToxicKind::Latency(latency) if is_data => {
                let jitter = front.luck * latency.jitter.max(0) as f64;
                let delay = (latency.latency.max(0) as f64 + jitter).max(0.0);
                front.since + Duration::from_secs_f64(delay / 1_000.0)
            }
            ToxicKind::Bandwidth(bandwidth) => {
                if bandwidth.rate <= 0 {
                    return None;
                }
                let start = self
                    .not_before
                    .map_or(front.since, |at| at.max(front.since));
                return Some(start + self.transmission(&front.item));
            }
            ToxicKind::SlowClose(slow) if !is_data => front.since + millis(slow.delay),
            ToxicKind::Timeout(_) => return None,
            _ => front.since,
        };
        Some(self.not_before.map_or(due, |at| at.max(due)))
    }

    /// How long the next piece of `item` takes at the rate of the bandwidth toxic.
    fn transmission(&self, item: &Item) -> Duration {
        let ToxicKind::Bandwidth(bandwidth) = self.kind else {
            return Duration::ZERO;
        };
        let Item::Data(data) = item else {
            return Duration::ZERO;
        };
        let rate = bandwidth.rate.max(1) as f64;
        let piece = data.len().min(piece_of_rate(bandwidth.rate));
        Duration::from_secs_f64(piece as f64 / rate / 1_000.0)
    }

    fn take(&mut self, due: Instant) -> Next {
        let Some(mut held) = self.held.pop_front() else {
            return Next::Nothing;
        };
        let Item::Data(data) = &mut held.item else {
            return Next::Due(held.item);
        };
        let length = match self.kind {
            ToxicKind::Latency(_) => {
                self.not_before = Some(due);
                data.len()
            }
            ToxicKind::Bandwidth(bandwidth) => {
                self.not_before = Some(due);
                piece_of_rate(bandwidth.rate)
            }
            ToxicKind::Slicer(slicer) if slicer.average_size > 0 => {
                self.not_before = Some(due + Duration::from_micros(slicer.delay.max(0) as u64));
                let size = slicer.average_size + self.chance.around_zero(slicer.size_variation);
                size.max(1) as usize
            }
            ToxicKind::LimitData(limit) => {
                let left = (limit.bytes.max(0) as u64).saturating_sub(self.passed);
                if (data.len() as u64) < left {
                    data.len()
                } else {
                    return self.reach_limit(data.split_to(left as usize));
                }
            }
            _ => data.len(),
        };
        let piece = data.split_to(length.min(data.len()));
        self.bytes -= piece.len();
        self.passed += piece.len() as u64;
        if !data.is_empty() {
            self.held.push_front(held);
        }
        Next::Due(Item::Data(piece))
    }

    fn reach_limit(&mut self, last: Bytes) -> Next {
        self.held.clear();
        self.bytes = 0;
        self.passed += last.len() as u64;
        if last.is_empty() {
            self.over = true;
            return Next::Due(Item::Close);
        }
        // Next time the limit is found reached by this.
        self.held.push_back(Held {
            item: Item::Close,
            since: self.began,
            luck: 0.0,
        });
        Next::Due(Item::Data(last))
    }
}

fn millis(millis: i64) -> Duration {
    // A year is forever here, and cannot overflow an Instant.
    Duration::from_millis(millis.clamp(0, 31_536_000_000) as u64)
}

/// A slow line is fed in pieces of a tenth of a second.
fn piece_of_rate(rate: i64) -> usize {
    usize::try_from(rate.saturating_mul(100))
        .unwrap_or(1)
        .max(1)
}
