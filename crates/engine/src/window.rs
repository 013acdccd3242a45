//! How long something has held without a break.

use model::{Period, Timestamp};

/// Tells when something has held for long enough, and since when.
#[derive(Clone, Debug)]
pub(crate) struct Window {
    need: Period,
    since: Option<Timestamp>,
    last: Option<Timestamp>,
}

impl Window {
    /// Without news for longer than this, nobody knows whether it still held.
    const SILENCE: Period = Period::from_secs(6);

    /// A window of `need`.
    pub(crate) fn new(need: Period) -> Self {
        Self {
            need,
            since: None,
            last: None,
        }
    }

    /// Notes whether it holds at `now`; the window's start once it is full.
    pub(crate) fn see(&mut self, now: Timestamp, holds: bool) -> Option<Timestamp> {
        let silent = self
            .last
            .is_some_and(|last| now.since(last) > Self::SILENCE);
        if !holds || silent {
            self.since = None;
        }
        self.last = Some(now);
        if !holds {
            return None;
        }
        let since = *self.since.get_or_insert(now);
        (now.since(since) >= self.need).then_some(since)
    }

    /// Begins anew.
    pub(crate) fn reset(&mut self) {
        self.since = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_full_when_it_held_without_a_break_and_without_silence() {
        let full = |seconds: &[(u64, bool)]| {
            let mut window = Window::new(Period::from_secs(3));
            let mut full = None;
            for (second, holds) in seconds {
                full = window.see(Timestamp::from_millis(second * 1_000), *holds);
            }
            full.map(|at| at.as_millis() / 1_000)
        };
        for (seconds, since) in [
            (&[(1, true), (2, true), (3, true)][..], None),
            (&[(1, true), (2, true), (4, true)], Some(1)),
            (&[(1, true), (2, false), (3, true), (5, true)], None),
            (&[(1, true), (2, false), (3, true), (6, true)], Some(3)),
            (&[(1, true), (9, true)], None),
            (&[(1, true), (9, true), (12, true)], Some(9)),
            (&[(1, true), (4, true), (5, false)], None),
        ] {
            assert_eq!(full(seconds), since, "{seconds:?}");
        }
    }
}
