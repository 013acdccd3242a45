//! The first failure that a customer met, by the load generator's record.

use model::{Impact, Period, Timestamp};
use serde::Deserialize;
use telemetry::LogLine;

/// What is known of the first impact.
#[derive(Clone, Debug)]
pub(crate) struct ImpactBook {
    since: Timestamp,
    slow: Period,
    first: Option<Timestamp>,
}

/// A request of a customer, as far as it matters here.
#[derive(Deserialize)]
struct Record {
    journey: String,
    step: String,
    #[serde(default)]
    duration_ms: f64,
    start_ms: u64,
    outcome: String,
    #[serde(default)]
    seen: String,
    #[serde(default)]
    trace_id: Option<String>,
}

impl ImpactBook {
    /// Requests are written when they end; one that began before the first
    /// known failure may end this much later and still have failed first.
    const LATEST: Period = Period::from_secs(60);

    /// Looks for failures from `since` on; a request that lasts longer than
    /// `slow` is one from that moment on.
    pub(crate) fn new(since: Timestamp, slow: Period) -> Self {
        Self {
            since,
            slow,
            first: None,
        }
    }

    /// Whether more lines can still tell something.
    pub(crate) fn open(&self, now: Timestamp) -> bool {
        self.first
            .is_none_or(|first| now.since(first) <= Self::LATEST)
    }

    /// Reads lines of the record; gives the first impact when it is earlier
    /// than what was known.
    pub(crate) fn see(&mut self, lines: &[LogLine]) -> Option<(Timestamp, Impact)> {
        let earliest = lines
            .iter()
            .filter_map(|line| serde_json::from_str::<Record>(&line.line).ok())
            .filter(|record| record.outcome != "ok")
            .map(|record| (self.felt(&record), record))
            .filter(|(at, _)| *at >= self.since)
            .min_by_key(|(at, _)| *at)?;
        let (at, record) = earliest;
        if self.first.is_some_and(|first| first <= at) {
            return None;
        }
        self.first = Some(at);
        Some((at, impact(record)))
    }

    /// When the customer noticed: at the end, or when it had lasted too long.
    fn felt(&self, record: &Record) -> Timestamp {
        let lasted = Period::from_millis(record.duration_ms.max(0.0) as u64);
        Timestamp::from_millis(record.start_ms).plus(lasted.min(self.slow))
    }
}

fn impact(record: Record) -> Impact {
    let seen = match record.seen {
        seen if !seen.is_empty() => seen,
        _ if record.outcome == "slow" => "waited too long".to_owned(),
        _ => record.outcome,
    };
    Impact {
        journey: record.journey.into(),
        step: record.step,
        seen,
        trace_id: record.trace_id.filter(|id| !id.is_empty()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn line(start: u64, lasted: f64, outcome: &str) -> LogLine {
        let record = serde_json::json!({
            "msg": "request", "journey": "checkout", "step": "POST /orders", "status": 500,
            "start_ms": start, "duration_ms": lasted, "outcome": outcome,
            "seen": if outcome == "failed" { "Payment failed" } else { "" }, "user": 3,
        });
        LogLine {
            at: Timestamp::from_millis(start),
            nanos: start * 1_000_000,
            labels: telemetry::Labels::new(),
            line: record.to_string(),
        }
    }

    #[test]
    fn the_first_impact_is_the_earliest_moment_at_which_a_customer_noticed() {
        let first = |lines: &[LogLine]| {
            let mut book = ImpactBook::new(Timestamp::from_millis(10_000), Period::from_secs(2));
            let (at, impact) = book.see(lines)?;
            Some((at.as_millis(), impact.seen))
        };
        for (lines, expected) in [
            (vec![line(10_100, 50.0, "ok")], None),
            (
                vec![line(11_000, 50.0, "failed")],
                Some((11_050, "Payment failed")),
            ),
            (
                vec![line(9_000, 30_000.0, "slow")],
                Some((11_000, "waited too long")),
            ),
            (vec![line(7_000, 30_000.0, "slow")], None),
            (
                vec![line(9_990, 20.0, "failed"), line(9_000, 20.0, "failed")],
                Some((10_010, "Payment failed")),
            ),
            (
                vec![line(12_000, 5.0, "failed"), line(9_500, 9_000.0, "failed")],
                Some((11_500, "Payment failed")),
            ),
        ] {
            let expected = expected.map(|(at, seen)| (at, seen.to_owned()));
            assert_eq!(first(&lines), expected, "{lines:?}");
        }
    }

    #[test]
    fn a_request_that_ended_later_but_failed_earlier_corrects_the_first_impact() {
        let mut book = ImpactBook::new(Timestamp::from_millis(0), Period::from_secs(2));
        assert!(book.see(&[line(5_000, 100.0, "failed")]).is_some());
        assert!(book.see(&[line(5_000, 200.0, "failed")]).is_none());
        let (at, _) = book.see(&[line(1_000, 20_000.0, "slow")]).expect("earlier");
        assert_eq!(at, Timestamp::from_millis(3_000));
        assert!(book.open(Timestamp::from_millis(60_000)));
        assert!(!book.open(Timestamp::from_millis(63_001)));
    }

    #[test]
    fn lines_that_are_no_records_are_passed_over() {
        let mut odd = line(5_000, 1.0, "failed");
        odd.line = "panicked at loadgen".to_owned();
        assert!(
            ImpactBook::new(Timestamp::default(), Period::ZERO)
                .see(&[odd])
                .is_none()
        );
    }
}
