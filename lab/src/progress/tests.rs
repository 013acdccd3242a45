use super::*;
use model::Happening;

fn planned(lanes: usize) -> (Progress, Instant) {
    let now = Instant::now();
    let progress = Progress {
        state: Mutex::default(),
        screen: Screen::Plain,
    };
    let jobs = vec![
        (0, Period::from_secs(60)),
        (1, Period::from_secs(40)),
        (2, Period::from_secs(30)),
    ];
    progress.plan(jobs, lanes, now);
    for (slot, label) in [(0, "payment-hangs"), (1, "orders-crash-loop")] {
        progress.begin(slot, label, now);
    }
    let at = |second: u64| Timestamp::from_millis(second * 1_000);
    for (seq, second, what) in [
        (0, 100, Happening::Recovered),
        (1, 104, Happening::Recovered),
    ] {
        let event = Event {
            seq,
            at: at(second),
            what,
        };
        progress.event(1, &event, now);
    }
    (progress, now)
}

#[test]
fn what_runs_is_shown_with_what_it_does_and_the_time_left() {
    let (progress, now) = planned(2);
    let lines = progress
        .state()
        .lines(now + Duration::from_secs(15))
        .join("\n");
    insta::assert_snapshot!(lines, @r"
      payment-hangs        15s  starting
      orders-crash-loop    15s  starting → recovered 0s → recovered 4s
    0 of 3 done, 15s so far, about 55s left
    ");
}

#[test]
fn the_time_left_learns_from_drills_that_took_longer_than_thought() {
    let (progress, now) = planned(2);
    let later = now + Duration::from_secs(80);
    progress.end(1, "FAILED", End::Wrong, later);
    let state = progress.state();
    assert_eq!(
        state.summary(later),
        "1 of 3 done, 1 not as it should, 1m20s so far, about 1m00s left"
    );
}

#[test]
fn what_stays_is_written_above_the_lines_that_are_redrawn() {
    let (progress, now) = planned(2);
    let mut state = progress.state();
    redrawn(&mut state, "", now);
    let text = redrawn(&mut state, "a: passed\n", now);
    assert!(text.starts_with("\x1b[3A\x1b[Ja: passed\n"), "{text:?}");
    assert_eq!(erased(&mut state), "\x1b[3A\x1b[J");
    assert_eq!(erased(&mut state), "");
}

#[test]
fn drills_that_are_run_once_more_are_added_to_what_was_planned() {
    let (progress, now) = planned(2);
    progress.plan(vec![(1, Period::from_secs(40))], 1, now);
    let state = progress.state();
    assert_eq!(
        state.summary(now),
        "0 of 4 done, 0s so far, about 1m40s left"
    );
}
