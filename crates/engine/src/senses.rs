//! What the engine asks the telemetry backends.

use async_trait::async_trait;
use futures::StreamExt;
use model::{Backend, Period, Query, Timestamp};
use telemetry::{
    Alert, Direction, LogAnswer, LogLine, Matrix, Point, Rule, Telemetry, TelemetryError,
    TimeRange, Trace, TraceSummary,
};

use crate::journeys::Counts;

/// The customers' log, as the load generator writes it; a line that is no JSON
/// (a panic, say) is not of a customer, and would make Loki refuse to count.
const CUSTOMERS: &str = r#"{namespace="shoplab", app="customers"} | json | __error__="""#;
/// Orders that failed, ever.
const FAILED_ORDERS: &str = r#"sum(customer_orders_total{outcome="failed"})"#;
/// Lines read at once.
const LINES: u32 = 500;
/// Traces listed.
const TRACES: u32 = 50;
/// Traces that are read whole, for evidence.
const WHOLE_TRACES: usize = 20;
/// Values a series.
const POINTS: u32 = 240;

/// The telemetry backends, as the engine needs them; tests have a fake.
#[async_trait]
pub(crate) trait Senses: Send + Sync {
    /// The one number that `query` gives now, not a number included.
    async fn measure(&self, query: &str) -> Result<Option<Point>, TelemetryError>;
    /// The active alerts.
    async fn alerts(&self) -> Result<Vec<Alert>, TelemetryError>;
    /// The ruler's rules.
    async fn rules(&self) -> Result<Vec<Rule>, TelemetryError>;
    /// The customers' requests that did not go well, oldest first.
    async fn complaints(&self, range: TimeRange) -> Result<Vec<LogLine>, TelemetryError>;
    /// What `range` cost the customers.
    async fn damage(&self, range: TimeRange) -> Result<Damage, TelemetryError>;
    /// How the requests of `range` went, by journey.
    async fn journeys(&self, range: TimeRange) -> Result<Counts, TelemetryError>;
    /// A responder's question. Series may reach back to `compare_from`.
    async fn answer(
        &self,
        query: &Query,
        range: TimeRange,
        compare_from: Timestamp,
    ) -> Result<Found, TelemetryError>;
}

/// What an incident cost the customers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Damage {
    pub(crate) failed_requests: u64,
    pub(crate) orders_lost: u64,
    pub(crate) users_hit: u64,
}

/// What a question brought.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Found {
    Series(Matrix),
    Lines(Vec<LogLine>),
    Traces(Vec<TraceSummary>, Vec<Trace>),
}

#[async_trait]
impl Senses for Telemetry {
    async fn measure(&self, query: &str) -> Result<Option<Point>, TelemetryError> {
        Ok(self.metrics.instant(query, None).await?.number())
    }

    async fn alerts(&self) -> Result<Vec<Alert>, TelemetryError> {
        self.metrics.alerts().await
    }

    async fn rules(&self) -> Result<Vec<Rule>, TelemetryError> {
        self.metrics.rules().await
    }

    async fn complaints(&self, range: TimeRange) -> Result<Vec<LogLine>, TelemetryError> {
        let query = format!(r#"{CUSTOMERS} | outcome != "ok""#);
        let answer = self.logs.range(&query, range, LINES, Direction::Forward);
        Ok(answer.await?.into_lines())
    }

    async fn damage(&self, range: TimeRange) -> Result<Damage, TelemetryError> {
        let window = seconds(range);
        let by_user = format!(
            r#"sum by (user) (count_over_time({CUSTOMERS} | outcome = "failed" [{window}s]))"#
        );
        let (by_user, before, after) = tokio::join!(
            self.logs.instant(&by_user, Some(range.to)),
            self.metrics.instant(FAILED_ORDERS, Some(range.from)),
            self.metrics.instant(FAILED_ORDERS, Some(range.to)),
        );
        Ok(damage(
            &numbers(by_user?),
            before?.number(),
            after?.number(),
        ))
    }

    async fn journeys(&self, range: TimeRange) -> Result<Counts, TelemetryError> {
        let window = seconds(range);
        let requests =
            format!("sum by (journey, outcome) (count_over_time({CUSTOMERS} [{window}s]))");
        let seen = format!(
            r#"sum by (journey, step, seen) (count_over_time({CUSTOMERS} | outcome != "ok" [{window}s]))"#
        );
        let (requests, seen) = tokio::join!(
            self.logs.instant(&requests, Some(range.to)),
            self.logs.instant(&seen, Some(range.to)),
        );
        Ok(Counts {
            requests: numbers(requests?),
            seen: numbers(seen?),
        })
    }

    async fn answer(
        &self,
        query: &Query,
        range: TimeRange,
        compare_from: Timestamp,
    ) -> Result<Found, TelemetryError> {
        let longer = TimeRange {
            from: compare_from.min(range.from),
            to: range.to,
        };
        let text = query.text.as_str();
        match query.backend {
            Backend::Metrics => {
                let step = range.step(POINTS);
                let matrix = self.metrics.range(text, longer, step).await?;
                Ok(Found::Series(matrix))
            }
            Backend::Logs => {
                let answer = self.logs.range(text, range, LINES, Direction::Backward);
                match answer.await? {
                    LogAnswer::Lines(lines) => Ok(Found::Lines(lines)),
                    // Series want to be compared: they are asked for once more.
                    LogAnswer::Matrix(_) => {
                        let answer = self.logs.range(text, longer, LINES, Direction::Backward);
                        match answer.await? {
                            LogAnswer::Matrix(matrix) => Ok(Found::Series(matrix)),
                            LogAnswer::Lines(lines) => Ok(Found::Lines(lines)),
                        }
                    }
                }
            }
            Backend::Traces => {
                let found = self.traces.search(text, range, TRACES).await?;
                let ids = found.iter().take(WHOLE_TRACES);
                let ids: Vec<String> = ids.map(|summary| summary.trace_id.clone()).collect();
                let whole = futures::stream::iter(ids)
                    .map(|id| async move { self.traces.trace(&id).await })
                    .buffered(4)
                    .filter_map(|trace| async move { trace.ok().flatten() })
                    .collect()
                    .await;
                Ok(Found::Traces(found, whole))
            }
        }
    }
}

/// A range in whole seconds, as a range of LogQL takes it.
fn seconds(range: TimeRange) -> u64 {
    range.length().as_millis().div_ceil(1_000).max(1)
}

/// The series of an answer that counts.
fn numbers(answer: LogAnswer) -> Matrix {
    match answer {
        LogAnswer::Matrix(matrix) => matrix,
        LogAnswer::Lines(_) => Matrix::default(),
    }
}

/// Failed requests by user, and the count of failed orders at both ends.
fn damage(by_user: &Matrix, before: Option<Point>, after: Option<Point>) -> Damage {
    let counts = by_user.series.iter().filter_map(|series| series.last());
    let counts: Vec<f64> = counts.map(|point| point.value).collect();
    let count = |point: Option<Point>| point.map_or(0.0, |point| point.value.max(0.0));
    let (before, after) = (count(before), count(after));
    // A counter that fell began anew.
    let lost = if after >= before {
        after - before
    } else {
        after
    };
    Damage {
        failed_requests: counts.iter().sum::<f64>().round() as u64,
        orders_lost: lost.round() as u64,
        users_hit: counts.iter().filter(|count| **count > 0.0).count() as u64,
    }
}

/// From when on a responder's series are read, so that there is something to
/// compare with: a minute before the first injection, within reason.
pub(crate) fn compare_from(range: TimeRange, split: Option<Timestamp>) -> Timestamp {
    const MOST: Period = Period::from_secs(3_600);
    let Some(split) = split else {
        return range.from;
    };
    let wanted = split.minus(Period::from_secs(60));
    if range.from.since(wanted) > MOST {
        return range.from;
    }
    wanted.min(range.from)
}

#[cfg(test)]
mod tests {
    use super::*;
    use telemetry::{Labels, Series};

    fn point(value: f64) -> Point {
        Point {
            at: Timestamp::default(),
            value,
        }
    }

    #[test]
    fn the_damage_is_counted_from_the_customers_record() {
        let user = |value| Series {
            labels: Labels::new(),
            points: vec![point(value)],
        };
        let by_user = Matrix {
            series: vec![user(3.0), user(0.0), user(4.0)],
        };
        for (before, after, lost) in [
            (Some(2.0), Some(7.0), 5),
            (None, Some(7.0), 7),
            (Some(9.0), Some(2.0), 2),
            (None, None, 0),
        ] {
            let damage = damage(&by_user, before.map(point), after.map(point));
            assert_eq!(damage.orders_lost, lost, "{before:?} {after:?}");
            assert_eq!((damage.failed_requests, damage.users_hit), (7, 2));
        }
    }

    #[test]
    fn series_are_read_from_before_the_injection_within_an_hour() {
        let at = |second: u64| Timestamp::from_millis(second * 1_000);
        for (from, split, expected) in [
            (500, None, 500),
            (500, Some(400), 340),
            (300, Some(400), 300),
            (9_000, Some(400), 9_000),
        ] {
            let range = TimeRange {
                from: at(from),
                to: at(10_000),
            };
            assert_eq!(
                compare_from(range, split.map(at)),
                at(expected),
                "{from} {split:?}"
            );
        }
    }
}
