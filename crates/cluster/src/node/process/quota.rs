//! CPU limits: the bandwidth control of the kernel's fair scheduler, kept by stopping and continuing a process group.
//!
//! A container has a quota of processor time for each period of 100 ms. One that has used it up is stopped, and
//! continues with the first period that has something left for it. The use is only seen now and then, so a container
//! may use more than its quota before it is stopped; that is a debt, which later periods pay.
//!
//! Pure: what was used and the time come in, what to do comes out. See `cpu.cfs_quota_us`, `nr_periods`,
//! `nr_throttled` and `throttled_time` in the kernel's `scheduler/sched-bwc.rst`.

use std::time::Duration;

use tokio::time::Instant;

use crate::runtime::Throttling;

/// The length of a period, as kubelet sets `cpu.cfs_period_us`.
pub(super) const PERIOD: Duration = Duration::from_millis(100);
/// How often a container is looked at that is far from its quota.
const CALM_LOOK: Duration = Duration::from_millis(50);
/// How soon after a look the next one comes at the earliest.
const CLOSE_LOOK: Duration = Duration::from_millis(5);
/// How many periods a debt may take to be paid; what is beyond is forgiven. It bounds what one wrong look can do. A
/// limit of a thousandth of a core holds only as long as what a single look lets through can be paid.
const LONGEST_DEBT: i64 = 100;

/// The account of one container.
#[derive(Clone, Debug)]
pub(super) struct Quota {
    /// Nanoseconds of processor time for each period.
    share: i64,
    /// What is left of them in this period; a debt when it is below zero.
    left: i64,
    /// The end of this period.
    period_end: Instant,
    looked: Instant,
    /// Cores in use when it last ran.
    speed: f64,
    /// Whether this period counts: something was used in it, or it begins with less than the whole share.
    counts: bool,
    turn: Turn,
    throttling: Throttling,
}

/// Whether a container may run.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Turn {
    Runs,
    Waits,
}

impl Quota {
    /// An account of `cores` (of this machine) from `now` on.
    pub(super) fn new(cores: f64, now: Instant) -> Self {
        let share = ((cores * PERIOD.as_nanos() as f64) as i64).max(1);
        Self {
            share,
            left: share,
            period_end: now + PERIOD,
            looked: now,
            speed: 0.0,
            counts: false,
            turn: Turn::Runs,
            throttling: Throttling::default(),
        }
    }

    /// Books the processor time `spent` since the last look. Says whether the container may run, and when to look again.
    pub(super) fn look(&mut self, spent: Duration, now: Instant) -> (Turn, Instant) {
        let elapsed = now.saturating_duration_since(self.looked).as_secs_f64();
        self.looked = now;
        match self.turn {
            Turn::Waits => self.throttling.throttled_seconds += elapsed,
            Turn::Runs if elapsed > 0.0 => self.speed = spent.as_secs_f64() / elapsed,
            Turn::Runs => {}
        }
        let nanos = i64::try_from(spent.as_nanos()).unwrap_or(i64::MAX);
        let most = self.share.saturating_mul(-LONGEST_DEBT);
        self.left = self.left.saturating_sub(nanos).max(most);
        self.counts |= nanos > 0;
        while self.period_end <= now {
            self.end_period();
        }
        self.turn = if self.left > 0 {
            Turn::Runs
        } else {
            Turn::Waits
        };
        (self.turn, self.next_look(now))
    }

    /// The container runs for a reason that outweighs the quota, such as being told to end. What it owes it still owes.
    pub(super) fn let_run(&mut self, now: Instant) {
        if self.turn == Turn::Waits {
            let waited = now.saturating_duration_since(self.looked);
            self.throttling.throttled_seconds += waited.as_secs_f64();
            self.looked = now;
            self.turn = Turn::Runs;
        }
    }

    /// Whether it is stopped for its quota now.
    pub(super) fn waits(&self) -> bool {
        self.turn == Turn::Waits
    }

    /// What was counted so far.
    pub(super) fn throttling(&self) -> Throttling {
        self.throttling
    }

    fn end_period(&mut self) {
        if self.counts {
            self.throttling.periods += 1;
        }
        if self.turn == Turn::Waits {
            self.throttling.throttled_periods += 1;
        }
        self.left = (self.left + self.share).min(self.share);
        self.counts = self.left < self.share;
        self.period_end += PERIOD;
    }

    fn next_look(&self, now: Instant) -> Instant {
        match self.turn {
            Turn::Waits => {
                // The first end of a period after which something is left.
                let more = u32::try_from(-self.left / self.share).unwrap_or(0);
                self.period_end + PERIOD * more
            }
            Turn::Runs => {
                let lasts = self.left as f64 / 1e9 / self.speed.max(f64::MIN_POSITIVE);
                let lasts = lasts.min(CALM_LOOK.as_secs_f64());
                now + Duration::from_secs_f64(lasts).max(CLOSE_LOOK)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A look: milliseconds since the start, processor milliseconds spent.
    type Look = (u64, f64);
    /// What it says: whether it runs, and at which millisecond to look again.
    type Says = (Turn, u64);

    /// A name, the cores of the limit, and what is said to each look.
    type Case = (&'static str, f64, &'static [(Look, Says)]);

    fn say(quota: &mut Quota, start: Instant, (at, spent): Look) -> Says {
        let (turn, next) = quota.look(
            Duration::from_secs_f64(spent / 1e3),
            start + Duration::from_millis(at),
        );
        let next = (next - start).as_secs_f64() * 1e3;
        (turn, next.round() as u64)
    }

    #[test]
    fn a_container_runs_waits_and_pays_its_debts() {
        use Turn::{Runs, Waits};
        let cases: &[Case] = &[
            (
                "an idle container is looked at rarely",
                0.5,
                &[((0, 0.0), (Runs, 50)), ((50, 1.0), (Runs, 100))],
            ),
            (
                "one that burns is looked at when its share ends, waits for the next period, and so on",
                0.5,
                &[
                    ((0, 0.0), (Runs, 50)),
                    ((30, 30.0), (Runs, 50)),
                    ((50, 20.0), (Waits, 100)),
                    ((100, 0.0), (Runs, 150)),
                    ((150, 50.0), (Waits, 200)),
                ],
            ),
            (
                "many threads use it up sooner",
                0.5,
                &[((10, 20.0), (Runs, 25)), ((25, 30.0), (Waits, 100))],
            ),
            (
                "what was used too much is paid by the next periods",
                0.1,
                &[((50, 50.0), (Waits, 500)), ((500, 0.0), (Runs, 510))],
            ),
            (
                "a debt of exactly one share waits until a whole one is there",
                0.1,
                &[((20, 20.0), (Waits, 200)), ((200, 0.0), (Runs, 210))],
            ),
            (
                "what is not used is not saved",
                0.5,
                &[
                    ((1_000, 0.0), (Runs, 1_050)),
                    ((1_050, 60.0), (Waits, 1_100)),
                ],
            ),
            (
                "a use that is seen late is booked to the periods it was in",
                0.5,
                &[((250, 120.0), (Runs, 300))],
            ),
            (
                "a limit above the cores in use never bites",
                2.0,
                &[((50, 50.0), (Runs, 100)), ((100, 50.0), (Runs, 150))],
            ),
            (
                "an absurd use is forgiven in part",
                0.1,
                &[
                    ((50, 1e6), (Waits, 10_100)),
                    ((10_100, 0.0), (Runs, 10_105)),
                ],
            ),
        ];
        for (name, cores, looks) in cases {
            let start = Instant::now();
            let mut quota = Quota::new(*cores, start);
            for (look, says) in *looks {
                assert_eq!(say(&mut quota, start, *look), *says, "{name}: {look:?}");
            }
        }
    }

    #[test]
    fn periods_are_counted_as_the_kernel_does() {
        let start = Instant::now();
        let mut quota = Quota::new(0.5, start);
        for look in [
            (50, 50.0),
            (100, 0.0),
            (150, 20.0),
            (200, 0.0),
            (1_000, 0.0),
        ] {
            say(&mut quota, start, look);
        }
        let counted = quota.throttling();
        assert_eq!((counted.periods, counted.throttled_periods), (2, 1));
        assert!(
            (counted.throttled_seconds - 0.05).abs() < 1e-9,
            "{counted:?}"
        );
    }

    #[test]
    fn one_that_is_let_run_still_owes() {
        let start = Instant::now();
        let mut quota = Quota::new(0.5, start);
        assert_eq!(say(&mut quota, start, (60, 80.0)).0, Turn::Waits);
        quota.let_run(start + Duration::from_millis(70));
        assert!(!quota.waits());
        assert_eq!(say(&mut quota, start, (75, 0.0)), (Turn::Waits, 100));
        assert!((quota.throttling().throttled_seconds - 0.01).abs() < 1e-9);
    }
}
