//! Answers as plain data: ranges of time, points, series.

use std::collections::BTreeMap;

use model::{Period, Timestamp};

/// Labels by name.
pub type Labels = BTreeMap<String, String>;

/// A stretch of time; both ends belong to it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeRange {
    /// Its start.
    pub from: Timestamp,
    /// Its end.
    pub to: Timestamp,
}

impl TimeRange {
    /// The `length` of time that ends at `to`.
    pub const fn last(length: Period, to: Timestamp) -> Self {
        Self {
            from: to.minus(length),
            to,
        }
    }

    /// How long it is.
    pub const fn length(self) -> Period {
        self.to.since(self.from)
    }

    /// A whole number of seconds (one at least) that gives at most `points`
    /// steps over the range.
    pub fn step(self, points: u32) -> Period {
        let millis = self.length().as_millis() / u64::from(points.max(1));
        Period::from_secs(millis.div_ceil(1_000).max(1))
    }
}

/// A number at a time.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Point {
    /// When, by the backend's clock.
    pub at: Timestamp,
    /// What; can be infinite or no number at all, as in PromQL.
    pub value: f64,
}

/// A labelled series of points, oldest first. The answer to an instant query
/// has one point a series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Series {
    /// Its labels; `__name__` among them where the metric's name was kept.
    pub labels: Labels,
    /// Its points, oldest first.
    pub points: Vec<Point>,
}

impl Series {
    /// The newest point.
    pub fn last(&self) -> Option<Point> {
        self.points.last().copied()
    }

    /// The series as PromQL writes it: `name{label="value"}`.
    pub fn title(&self) -> String {
        let name = self.labels.get("__name__").map_or("", String::as_str);
        let labels: Vec<String> = self
            .labels
            .iter()
            .filter(|(label, _)| *label != "__name__")
            .map(|(label, value)| format!("{label}={value:?}"))
            .collect();
        if labels.is_empty() && !name.is_empty() {
            return name.to_owned();
        }
        format!("{name}{{{}}}", labels.join(", "))
    }
}

/// The answer to a metric query: any number of series.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Matrix {
    /// The series, in the order in which they came.
    pub series: Vec<Series>,
}

impl Matrix {
    /// The newest point of the first series, for a query that gives one number.
    pub fn number(&self) -> Option<Point> {
        self.series.first().and_then(Series::last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_is_whole_seconds_and_keeps_within_the_points_asked_for() {
        for (length, points, step) in [(60, 120, 1), (600, 120, 5), (601, 120, 6), (0, 0, 1)] {
            let range = TimeRange::last(
                Period::from_secs(length),
                Timestamp::from_millis(10_000_000),
            );
            assert_eq!(
                range.step(points),
                Period::from_secs(step),
                "{length}/{points}"
            );
        }
    }

    #[test]
    fn a_series_is_titled_as_promql_writes_it() {
        let labels = |pairs: &[(&str, &str)]| {
            pairs
                .iter()
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect::<Labels>()
        };
        for (given, title) in [
            (labels(&[("__name__", "up")]), "up"),
            (
                labels(&[("__name__", "up"), ("job", "orders")]),
                "up{job=\"orders\"}",
            ),
            (labels(&[("job", "orders")]), "{job=\"orders\"}"),
            (labels(&[]), "{}"),
        ] {
            let series = Series {
                labels: given,
                points: Vec::new(),
            };
            assert_eq!(series.title(), title);
        }
    }
}
