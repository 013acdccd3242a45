use std::time::Duration;

use super::*;
use crate::toxic::{Bandwidth, Latency, LimitData, Slicer, SlowClose, Timeout};
use crate::{Toxic, ToxicKind};

/// A pipe with a clock of its own, in milliseconds.
struct Bench {
    pipe: Pipe,
    start: Instant,
    standing: Vec<Standing>,
}

impl Bench {
    fn new(kinds: &[ToxicKind]) -> Self {
        let mut bench = Self {
            pipe: Pipe::new(Stream::Downstream, 1, "payment#0"),
            start: Instant::now(),
            standing: Vec::new(),
        };
        for (id, kind) in (1..).zip(kinds) {
            let mut toxic = Toxic::new(*kind, Stream::Downstream);
            toxic.name = format!("{id}");
            bench.standing.push(Standing {
                id,
                revision: 0,
                toxic,
                until: None,
            });
        }
        bench.reconcile(0);
        bench
    }

    fn at(&self, ms: u64) -> Instant {
        self.start + Duration::from_millis(ms)
    }

    fn reconcile(&mut self, ms: u64) {
        let now = self.at(ms);
        self.pipe.reconcile(&self.standing, now);
    }

    fn feed(&mut self, text: &str, ms: u64) {
        let now = self.at(ms);
        let data = Bytes::copy_from_slice(text.as_bytes());
        self.pipe.feed(Item::Data(data), now);
    }

    fn end(&mut self, ms: u64) {
        let now = self.at(ms);
        self.pipe.feed(Item::End, now);
    }

    /// What comes out at `ms`; pieces are joined by `|`.
    fn out(&mut self, ms: u64) -> String {
        let now = self.at(ms);
        self.pipe.advance(now);
        let mut pieces = Vec::new();
        while let Some(front) = self.pipe.front().cloned() {
            pieces.push(String::from_utf8_lossy(&front).into_owned());
            self.pipe.written(front.len());
        }
        pieces.join("|")
    }

    /// When something is due next, in milliseconds from the start.
    fn due(&mut self, ms: u64) -> Option<u128> {
        let now = self.at(ms);
        let due = self.pipe.advance(now)?;
        Some((due - self.start).as_millis())
    }
}

const fn latency(latency: i64, jitter: i64) -> ToxicKind {
    ToxicKind::Latency(Latency { latency, jitter })
}

const fn timeout(timeout: i64) -> ToxicKind {
    ToxicKind::Timeout(Timeout { timeout })
}

#[test]
fn without_toxics_everything_passes_at_once_and_nothing_is_due() {
    let mut bench = Bench::new(&[]);
    bench.feed("a", 0);
    bench.end(0);
    assert_eq!(bench.due(0), None);
    assert_eq!(bench.out(0), "a");
    assert_eq!(bench.pipe.ending(), Some(Ending::End));
}

#[test]
fn latency_delays_each_piece_by_itself_so_that_throughput_is_kept() {
    let mut bench = Bench::new(&[latency(100, 0)]);
    bench.feed("a", 0);
    bench.feed("b", 10);
    assert_eq!(bench.due(10), Some(100));
    assert_eq!(bench.out(99), "");
    assert_eq!(bench.out(100), "a");
    assert_eq!(bench.out(110), "b");
}

#[test]
fn jitter_stays_within_its_bounds_and_keeps_the_order() {
    let mut bench = Bench::new(&[latency(100, 50)]);
    for n in 0..50 {
        bench.feed(&format!("{n} "), n);
    }
    assert_eq!(bench.out(49), "");
    let mut all = String::new();
    for ms in 50..=199 {
        all.push_str(&bench.out(ms).replace('|', ""));
    }
    let expected: String = (0..50).map(|n| format!("{n} ")).collect();
    assert_eq!(all, expected);
}

#[test]
fn the_end_of_a_stream_never_overtakes_its_data() {
    let mut bench = Bench::new(&[latency(100, 0)]);
    bench.feed("a", 0);
    bench.end(1);
    bench.out(50);
    assert_eq!(bench.pipe.ending(), None);
    assert_eq!(bench.out(100), "a");
    assert_eq!(bench.pipe.ending(), Some(Ending::End));
}

#[test]
fn bandwidth_paces_data_and_none_passes_at_rate_zero() {
    let mut bench = Bench::new(&[ToxicKind::Bandwidth(Bandwidth { rate: 1 })]);
    bench.feed(&"x".repeat(250), 0);
    assert_eq!(bench.out(99).len(), 0);
    assert_eq!(bench.out(100).len(), 100);
    assert_eq!(bench.out(200).len(), 100);
    assert_eq!(bench.out(250).len(), 50);
    let mut cut = Bench::new(&[ToxicKind::Bandwidth(Bandwidth { rate: 0 })]);
    cut.feed("a", 0);
    assert_eq!(cut.due(0), None);
    assert_eq!(cut.out(1_000_000), "");
}

#[test]
fn slow_close_delays_the_end_only() {
    let mut bench = Bench::new(&[ToxicKind::SlowClose(SlowClose { delay: 500 })]);
    bench.feed("a", 0);
    bench.end(0);
    assert_eq!(bench.out(0), "a");
    assert_eq!(bench.pipe.ending(), None);
    bench.out(500);
    assert_eq!(bench.pipe.ending(), Some(Ending::End));
}

#[test]
fn a_timeout_lets_nothing_through_and_closes_the_connection_when_it_is_over() {
    let mut bench = Bench::new(&[timeout(300)]);
    bench.feed("a", 0);
    assert_eq!(bench.out(299), "");
    assert_eq!(bench.pipe.ending(), None);
    assert_eq!(bench.out(300), "");
    assert_eq!(bench.pipe.ending(), Some(Ending::Close));
}

#[test]
fn a_blackhole_holds_what_it_swallowed_until_it_is_healed() {
    let mut bench = Bench::new(&[timeout(0)]);
    bench.feed("a", 0);
    bench.feed("b", 5);
    assert_eq!(bench.due(5), None);
    assert_eq!(bench.out(1_000_000), "");
    bench.standing.clear();
    bench.reconcile(1_000_000);
    assert_eq!(bench.out(1_000_000), "a|b");
}

#[test]
fn a_reset_comes_with_the_first_data_or_so_long_after_it() {
    let mut bench = Bench::new(&[ToxicKind::ResetPeer(Timeout { timeout: 0 })]);
    assert_eq!(bench.out(1_000), "");
    assert_eq!(bench.pipe.ending(), None);
    bench.feed("a", 1_000);
    assert_eq!(bench.out(1_000), "");
    assert_eq!(bench.pipe.ending(), Some(Ending::Reset));
    let mut later = Bench::new(&[ToxicKind::ResetPeer(Timeout { timeout: 200 })]);
    later.feed("a", 50);
    assert_eq!(later.due(60), Some(250));
    later.out(250);
    assert_eq!(later.pipe.ending(), Some(Ending::Reset));
}

#[test]
fn a_slicer_cuts_data_and_pauses_after_each_piece() {
    let slicer = Slicer {
        average_size: 4,
        size_variation: 0,
        delay: 10_000,
    };
    let mut bench = Bench::new(&[ToxicKind::Slicer(slicer)]);
    bench.feed("abcdefghij", 0);
    assert_eq!(bench.out(0), "abcd");
    assert_eq!(bench.out(10), "efgh");
    assert_eq!(bench.out(20), "ij");
    let uneven = Slicer {
        size_variation: 3,
        delay: 0,
        ..slicer
    };
    let mut bench = Bench::new(&[ToxicKind::Slicer(uneven)]);
    bench.feed(&"x".repeat(1_000), 0);
    let out = bench.out(0);
    assert!(out.split('|').all(|piece| (1..=7).contains(&piece.len())));
    assert_eq!(out.replace('|', "").len(), 1_000);
}

#[test]
fn a_data_limit_lets_so_many_bytes_pass_and_closes() {
    for (limit, passed) in [(5, "abc|de"), (6, "abc|def"), (0, "")] {
        let mut bench = Bench::new(&[ToxicKind::LimitData(LimitData { bytes: limit })]);
        bench.feed("abc", 0);
        bench.feed("def", 0);
        bench.feed("ghi", 0);
        assert_eq!(bench.out(0), passed, "{limit}");
        assert_eq!(bench.pipe.ending(), Some(Ending::Close), "{limit}");
    }
}

#[test]
fn toxics_work_one_after_another_and_removal_in_the_middle_keeps_the_order() {
    let mut bench = Bench::new(&[latency(100, 0), latency(50, 0), timeout(0)]);
    bench.feed("a", 0);
    bench.out(100);
    bench.feed("b", 110);
    bench.out(160);
    bench.standing.retain(|standing| standing.id == 1);
    bench.reconcile(170);
    assert_eq!(bench.out(170), "a");
    assert_eq!(bench.out(210), "b");
}

#[test]
fn a_change_judges_what_waits_by_the_new_attributes() {
    let mut bench = Bench::new(&[latency(10_000, 0)]);
    bench.feed("a", 0);
    assert_eq!(bench.out(50), "");
    bench.standing[0].toxic.kind = latency(20, 0);
    bench.standing[0].revision = 1;
    bench.reconcile(50);
    assert_eq!(bench.out(50), "a");
    bench.feed("b", 60);
    assert_eq!(bench.out(79), "");
    assert_eq!(bench.out(80), "b");
}

#[test]
fn a_renewal_does_not_start_a_timeout_anew() {
    let mut bench = Bench::new(&[timeout(300)]);
    bench.standing[0].revision = 1;
    bench.reconcile(200);
    assert_eq!(bench.due(200), Some(300));
}

#[test]
fn toxicity_is_drawn_once_for_each_connection_and_stays_through_changes() {
    let befallen = |toxicity: f32, revision| {
        let mut befallen = Vec::new();
        for connection in 0..400 {
            let mut pipe = Pipe::new(Stream::Downstream, 9, &format!("payment#{connection}"));
            let mut toxic = Toxic::new(timeout(0), Stream::Downstream);
            toxic.toxicity = toxicity;
            let standing = Standing {
                id: 1,
                revision,
                toxic,
                until: None,
            };
            pipe.reconcile(&[standing], Instant::now());
            if !pipe.stages.is_empty() {
                befallen.push(connection);
            }
        }
        befallen
    };
    let half = befallen(0.5, 0);
    assert!((160..240).contains(&half.len()), "{}", half.len());
    assert_eq!(half, befallen(0.5, 7));
    let more = befallen(0.7, 0);
    assert!(half.iter().all(|connection| more.contains(connection)));
    assert_eq!(befallen(0.0, 0).len(), 0);
    assert_eq!(befallen(1.0, 0).len(), 400);
}

#[test]
fn a_toxic_of_the_other_stream_is_ignored() {
    let mut bench = Bench::new(&[timeout(0)]);
    bench.standing[0].toxic.stream = Stream::Upstream;
    bench.reconcile(0);
    bench.feed("a", 0);
    assert_eq!(bench.out(0), "a");
}

#[test]
fn a_pipe_that_holds_enough_asks_for_no_more() {
    let mut bench = Bench::new(&[timeout(0)]);
    assert!(bench.pipe.has_room());
    bench.feed(&"x".repeat(64 * 1024), 0);
    assert!(!bench.pipe.has_room());
    let mut roomy = Bench::new(&[latency(100, 0)]);
    roomy.feed(&"x".repeat(64 * 1024), 0);
    assert!(roomy.pipe.has_room());
}
