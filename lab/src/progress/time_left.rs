//! How long it will go on: drills that run and drills that wait, over lanes.

use std::time::Duration;

/// How long until the last drill ends, when those that `run` take so much
/// longer and those that `wait`, in their order, take the first lane that is free.
pub(super) fn time_left(run: &[Duration], wait: &[Duration], lanes: usize) -> Duration {
    let mut free: Vec<Duration> = run.to_vec();
    free.resize(lanes.max(run.len()).max(1), Duration::ZERO);
    for took in wait {
        if let Some(first) = free.iter_mut().min() {
            *first += *took;
        }
    }
    free.into_iter().max().unwrap_or_default()
}

/// Time as one tells it: to ten seconds above a minute.
pub(super) fn told(time: Duration) -> String {
    let seconds = time.as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3_600 => format!("{}m{:02}s", seconds / 60, seconds % 60 / 10 * 10),
        _ => format!("{}h{:02}m", seconds / 3_600, seconds / 60 % 60),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn drills_that_wait_take_the_first_lane_that_is_free() {
        let seconds = |all: &[u64]| -> Vec<Duration> {
            all.iter().map(|s| Duration::from_secs(*s)).collect()
        };
        for (run, wait, lanes, left) in [
            (&[][..], &[][..], 3, 0),
            (&[10], &[], 2, 10),
            (&[10, 30], &[40], 2, 50),
            (&[10, 30], &[40, 25], 2, 55),
            (&[], &[40, 30, 20], 3, 40),
            (&[5], &[5, 5], 1, 15),
        ] {
            let expected = Duration::from_secs(left);
            let found = time_left(&seconds(run), &seconds(wait), lanes);
            assert_eq!(found, expected, "{run:?} {wait:?} {lanes}");
        }
    }

    #[test]
    fn time_is_told_as_exactly_as_it_is_worth() {
        for (seconds, text) in [(5, "5s"), (59, "59s"), (75, "1m10s"), (3_700, "1h01m")] {
            assert_eq!(told(Duration::from_secs(seconds)), text);
        }
    }
}
