//! How the durations of found traces are spread.

use telemetry::TraceSummary;

/// Durations by a scale on which each bar is as many times the one before: traces take
/// from milliseconds to seconds.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Histogram {
    /// Where the first bar begins, in seconds.
    pub(crate) low: f64,
    /// Where the last bar ends, in seconds.
    pub(crate) high: f64,
    /// How many traces each bar stands for.
    pub(crate) counts: Vec<usize>,
}

/// The shortest duration that a search tells, in seconds; less comes as zero.
const SHORTEST: f64 = 0.001;

impl Histogram {
    /// The durations of `traces` in `bars` bars; none where there is nothing to tell.
    pub(crate) fn of(traces: &[TraceSummary], bars: usize) -> Option<Self> {
        let seconds = traces
            .iter()
            .map(|trace| trace.duration.as_secs_f64().max(SHORTEST));
        let low = seconds.clone().reduce(f64::min)?;
        let high = seconds.clone().reduce(f64::max)?;
        // All alike would be a scale without a length.
        let (low, high) = if high < low * 2.0 {
            (low / 1.5, high * 1.5)
        } else {
            (low, high)
        };
        let mut histogram = Self {
            low,
            high,
            counts: vec![0; bars],
        };
        for seconds in seconds {
            let bar = histogram.bar(seconds)?;
            histogram.counts[bar] += 1;
        }
        Some(histogram)
    }

    /// The bar that a duration belongs to.
    pub(crate) fn bar(&self, seconds: f64) -> Option<usize> {
        let last = self.counts.len().checked_sub(1)?;
        let place = (seconds.max(SHORTEST) / self.low).ln() / (self.high / self.low).ln();
        Some(((place * self.counts.len() as f64).max(0.0) as usize).min(last))
    }

    /// The duration in the middle of the scale, in seconds.
    pub(crate) fn middle(&self) -> f64 {
        (self.low * self.high).sqrt()
    }
}

#[cfg(test)]
mod tests {
    use model::{Period, Timestamp};

    use super::{Histogram, TraceSummary};

    fn taking(millis: u64) -> TraceSummary {
        TraceSummary {
            trace_id: String::new(),
            root_service: String::new(),
            root_name: String::new(),
            start: Timestamp::from_millis(0),
            duration: Period::from_millis(millis),
            matched: 0,
            spans: Vec::new(),
        }
    }

    #[test]
    fn durations_fall_into_bars_of_a_growing_scale() {
        for (millis, bars, counts) in [
            (vec![], 4, None),
            (vec![5], 0, None),
            (vec![1, 11, 99, 1_100, 10_000], 4, Some(vec![1, 2, 0, 2])),
            (vec![0, 100], 2, Some(vec![1, 1])),
            (vec![7, 7, 7], 3, Some(vec![0, 3, 0])),
        ] {
            let traces: Vec<TraceSummary> = millis.iter().copied().map(taking).collect();
            let found = Histogram::of(&traces, bars).map(|histogram| histogram.counts);
            assert_eq!(found, counts, "{millis:?}");
        }
    }

    #[test]
    fn the_middle_of_the_scale_is_as_many_times_the_least_as_the_most_is_of_it() {
        let histogram = Histogram::of(&[taking(10), taking(1_000)], 2).expect("a scale");
        assert!((histogram.middle() - 0.1).abs() < 1e-9);
        assert_eq!(histogram.bar(0.5), Some(1));
    }
}
