//! Restoring since when alerts are pending, after a group begins anew
//! (Mimir's `-ruler.for-outage-tolerance` and `-ruler.for-grace-period`).

use super::alert::AlertRule;
use crate::metrics::{Labels, Matcher, Metrics, is_stale};

/// How long rules may have been away for their state to be restored: an hour.
const OUTAGE_TOLERANCE_MS: i64 = 3600 * 1000;
/// How long a restored alert has to be pending at least: two minutes. Alerts that hold for
/// less than that are not restored.
const GRACE_MS: i64 = 2 * 60 * 1000;

/// Moves the beginnings of the alerts that became active at `t` to where the series
/// `ALERTS_FOR_STATE` says that they were.
pub(super) fn restore(rule: &mut AlertRule, name: &str, metrics: &Metrics, t: i64) {
    if rule.hold < GRACE_MS {
        return;
    }
    let hold = rule.hold;
    for (labels, since) in rule.beginnings() {
        if let Some((last_t, began)) = last(metrics, name, labels, t) {
            *since = restored(hold, t, last_t, began);
        }
    }
}

/// The last sample of an alert's state before `t`: its time, and the beginning it tells.
fn last(metrics: &Metrics, name: &str, labels: &Labels, t: i64) -> Option<(i64, i64)> {
    let matchers = [
        Matcher::equal("__name__", "ALERTS_FOR_STATE"),
        Matcher::equal("alertname", name),
    ];
    let (from, until) = (t - OUTAGE_TOLERANCE_MS, t - 1);
    let wanted = labels.with("__name__", "ALERTS_FOR_STATE");
    let all = metrics.head().select(&matchers, from, until);
    let series = all.iter().find(|s| *s.labels() == wanted)?;
    let samples = series.samples(from, until);
    let sample = samples.iter().rev().find(|s| !is_stale(s.v))?;
    #[expect(clippy::cast_possible_truncation, reason = "seconds since the epoch")]
    let began = (sample.v as i64).saturating_mul(1000);
    Some((sample.t, began))
}

/// Since when the alert is active, given that it was last seen at `last_t` as active since
/// `began`: the time away does not count, and at least the grace is left.
const fn restored(hold: i64, t: i64, last_t: i64, began: i64) -> i64 {
    let left = hold - (last_t - began);
    if left <= 0 {
        began
    } else if left < GRACE_MS {
        t + GRACE_MS - hold
    } else {
        began + (t - last_t)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_away_does_not_count_and_the_grace_is_left() {
        let minute = 60_000;
        let t = 100 * minute;
        // Held for ten minutes, away since t - 5; active for so long before that.
        for (before, want) in [
            (12, -17),
            // One minute was left: the grace of two is given.
            (9, -8),
            // Six minutes were left, and are still.
            (4, -4),
        ] {
            let last_t = t - 5 * minute;
            let began = last_t - before * minute;
            let since = restored(10 * minute, t, last_t, began);
            assert_eq!((since - t) / minute, want, "{before}");
        }
    }
}
