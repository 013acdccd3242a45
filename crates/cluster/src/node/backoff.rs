//! Kubelet's back-off: 10 s, doubling to 5 minutes, forgotten after a long calm.

use std::time::Duration;

use tokio::time::Instant;

/// How long to wait between attempts (`MaxContainerBackOff`, `backOffPeriod` of
/// kubelet). Scaling all of it keeps the shape.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct BackoffScale {
    /// The first wait.
    pub initial: Duration,
    /// The longest wait.
    pub max: Duration,
    /// The calm after which it starts from the beginning.
    pub reset: Duration,
}

impl Default for BackoffScale {
    fn default() -> Self {
        Self {
            initial: Duration::from_secs(10),
            max: Duration::from_secs(300),
            reset: Duration::from_secs(600),
        }
    }
}

impl BackoffScale {
    /// Kubelet's own scale with every length multiplied by `factor`.
    pub fn scaled(factor: f64) -> Self {
        let whole = Self::default();
        Self {
            initial: whole.initial.mul_f64(factor),
            max: whole.max.mul_f64(factor),
            reset: whole.reset.mul_f64(factor),
        }
    }
}

/// The back-off of one thing that is tried again and again
/// (`client-go/util/flowcontrol.Backoff`).
#[derive(Clone, Debug)]
pub(crate) struct Backoff {
    scale: BackoffScale,
    entry: Option<Entry>,
}

#[derive(Clone, Copy, Debug)]
struct Entry {
    wait: Duration,
    updated: Instant,
}

impl Backoff {
    pub(crate) fn new(scale: BackoffScale) -> Self {
        Self { scale, entry: None }
    }

    /// When what failed at `failed` may be tried again: `failed` itself means at once.
    pub(crate) fn due(&self, failed: Instant) -> Instant {
        match self.alive(failed) {
            Some(entry) => failed + entry.wait,
            None => failed,
        }
    }

    /// Notes an attempt at `now` that followed a failure at `failed`.
    pub(crate) fn attempt(&mut self, failed: Instant, now: Instant) {
        let wait = match self.alive(failed) {
            Some(entry) => (entry.wait * 2).min(self.scale.max),
            None => self.scale.initial,
        };
        self.entry = Some(Entry { wait, updated: now });
    }

    fn alive(&self, failed: Instant) -> Option<Entry> {
        self.entry
            .filter(|entry| failed.saturating_duration_since(entry.updated) <= self.scale.reset)
    }
}

/// A length of time as Go prints it: `10s`, `1m20s`, `5m0s`, `500ms`.
pub(crate) fn go_duration(length: Duration) -> String {
    let millis = length.as_millis();
    if millis < 1_000 {
        return format!("{millis}ms");
    }
    let (minutes, rest) = (millis / 60_000, millis % 60_000);
    let seconds = match rest % 1_000 {
        0 => format!("{}", rest / 1_000),
        _ => format!("{}", rest as f64 / 1_000.0),
    };
    match (minutes / 60, minutes % 60) {
        (0, 0) => format!("{seconds}s"),
        (0, minutes) => format!("{minutes}m{seconds}s"),
        (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn waits(count: usize, uptime: Duration) -> Vec<Duration> {
        let mut backoff = Backoff::new(BackoffScale::default());
        let mut now = Instant::now();
        let mut waits = Vec::new();
        for _ in 0..count {
            now += uptime;
            let failed = now;
            now = backoff.due(failed);
            waits.push(now - failed);
            backoff.attempt(failed, now);
        }
        waits
    }

    #[test]
    fn the_first_restart_is_immediate_and_the_waits_double_to_five_minutes() {
        let seconds: Vec<u64> = waits(8, Duration::from_secs(1))
            .iter()
            .map(Duration::as_secs)
            .collect();
        assert_eq!(seconds, [0, 10, 20, 40, 80, 160, 300, 300]);
    }

    #[test]
    fn ten_minutes_of_running_forget_the_back_off() {
        let seconds: Vec<u64> = waits(4, Duration::from_secs(601))
            .iter()
            .map(Duration::as_secs)
            .collect();
        assert_eq!(seconds, [0, 0, 0, 0]);
    }

    #[test]
    fn a_scale_keeps_the_shape() {
        let scale = BackoffScale::scaled(0.1);
        assert_eq!(scale.initial, Duration::from_secs(1));
        assert_eq!(scale.max, Duration::from_secs(30));
    }

    #[test]
    fn durations_are_printed_as_go_does() {
        for (millis, text) in [
            (500, "500ms"),
            (10_000, "10s"),
            (80_000, "1m20s"),
            (300_000, "5m0s"),
            (1_500, "1.5s"),
            (3_600_000, "1h0m0s"),
        ] {
            assert_eq!(go_duration(Duration::from_millis(millis)), text);
        }
    }
}
