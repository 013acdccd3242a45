//! Selectors and subqueries: from the database to values per step, or to windows of samples.

use super::result::RangeSeries;
use super::{EvalError, Evaluated, Evaluator, Grid, SUBQUERY_STEP_MS, Series, absent, is_absent};
use crate::metrics::promql::ast::{At, Expr, Node, Selector, Subquery, When};
use crate::metrics::{Sample, is_stale};

/// Which samples a range vector has at a step.
#[derive(Debug, Clone, Copy)]
pub(super) struct Window {
    /// Milliseconds.
    pub(super) range: i64,
    offset: i64,
    at: Option<i64>,
}

impl Window {
    /// The window's ends at step time `t`: samples after the first, up to the second.
    pub(super) fn bounds(self, t: i64) -> (i64, i64) {
        let end = self.at.unwrap_or(t) - self.offset;
        (end - self.range, end)
    }
}

/// A range vector: the samples of all steps, and which of them each step sees.
pub(super) struct Windows {
    pub(super) series: Vec<RangeSeries>,
    pub(super) window: Window,
}

impl Evaluator<'_> {
    /// The value of each selected series at each step.
    pub(super) fn instant_selector(&self, selector: &Selector) -> Evaluated<Vec<Series>> {
        self.last_samples(selector, |s| s.v)
    }

    /// When each selected series had its value, in seconds.
    #[expect(clippy::cast_precision_loss, reason = "times fit well into 53 bits")]
    pub(super) fn instant_timestamps(&self, selector: &Selector) -> Evaluated<Vec<Series>> {
        self.last_samples(selector, |s| s.t as f64 / 1000.0)
    }

    fn last_samples(
        &self,
        selector: &Selector,
        pick: impl Fn(&Sample) -> f64,
    ) -> Evaluated<Vec<Series>> {
        let window = self.window(selector.when, self.shared.lookback);
        let (from, _) = window.bounds(self.grid.start);
        let (_, to) = window.bounds(self.grid.end());
        let mut out = Vec::new();
        for found in self.shared.head.select(&selector.matchers, from + 1, to) {
            let samples = found.samples(from + 1, to);
            let mut next = 0;
            let mut any = 0;
            let mut values = Vec::with_capacity(self.grid.len);
            for t in self.grid.times() {
                let (after, until) = window.bounds(t);
                while samples.get(next).is_some_and(|s| s.t <= until) {
                    next += 1;
                }
                let last = next.checked_sub(1).and_then(|at| samples.get(at));
                let value = last.filter(|s| s.t > after && !is_stale(s.v));
                any += usize::from(value.is_some());
                values.push(value.map_or(absent(), &pick));
            }
            if any > 0 {
                self.count_samples(any)?;
                self.count_queryable(any);
                out.push(Series {
                    labels: found.labels().clone(),
                    values,
                });
            }
        }
        Ok(out)
    }

    /// The samples that a range vector needs for all steps.
    pub(super) fn windows(&self, expr: &Expr) -> Evaluated<Windows> {
        let windows = match &expr.unwrapped().node {
            Node::Matrix(selector, range) => self.matrix(selector, *range),
            Node::Subquery(sub) => self.subquery(sub),
            _ => Err(EvalError::Execution("expected a range vector".to_owned())),
        }?;
        if !self.inner {
            let seen = windows
                .series
                .iter()
                .map(|s| self.seen(&s.samples, windows.window));
            self.count_queryable(seen.sum());
        }
        Ok(windows)
    }

    /// How many of a series' samples the steps see, each step's counted anew.
    fn seen(&self, samples: &[Sample], window: Window) -> usize {
        let (mut first, mut next, mut seen) = (0, 0, 0);
        for t in self.grid.times() {
            let (start, end) = window.bounds(t);
            while samples.get(next).is_some_and(|s| s.t <= end) {
                next += 1;
            }
            while first < next && samples.get(first).is_some_and(|s| s.t <= start) {
                first += 1;
            }
            seen += next - first;
        }
        seen
    }

    fn matrix(&self, selector: &Selector, range: i64) -> Evaluated<Windows> {
        let window = self.window(selector.when, range);
        let (from, _) = window.bounds(self.grid.start);
        let (_, to) = window.bounds(self.grid.end());
        let mut series = Vec::new();
        for found in self.shared.head.select(&selector.matchers, from + 1, to) {
            let mut samples = found.samples(from + 1, to);
            samples.retain(|s| !is_stale(s.v));
            self.count_samples(samples.len())?;
            if !samples.is_empty() {
                series.push(RangeSeries {
                    labels: found.labels().clone(),
                    samples,
                });
            }
        }
        Ok(Windows { series, window })
    }

    fn subquery(&self, sub: &Subquery) -> Evaluated<Windows> {
        let window = self.window(sub.when, sub.range);
        let step = sub.step.unwrap_or(SUBQUERY_STEP_MS);
        let (from, _) = window.bounds(self.grid.start);
        let (_, to) = window.bounds(self.grid.end());
        // Steps of a subquery are multiples of its step, whatever the outer query's are.
        let mut start = step * (from / step);
        if start <= from {
            start += step;
        }
        let inner = self.on(Grid::new(start, to, step));
        let series = if inner.grid.len == 0 {
            Vec::new()
        } else {
            inner.vector(&sub.expr)?
        };
        let grid = inner.grid;
        let series: Vec<RangeSeries> = series
            .into_iter()
            .map(|s| RangeSeries {
                labels: s.labels,
                samples: grid
                    .times()
                    .zip(s.values)
                    .filter(|(_, v)| !is_absent(*v))
                    .map(|(t, v)| Sample { t, v })
                    .collect(),
            })
            .filter(|s| !s.samples.is_empty())
            .collect();
        self.count_samples(series.iter().map(|s| s.samples.len()).sum())?;
        Ok(Windows { series, window })
    }

    fn window(&self, when: When, range: i64) -> Window {
        Window {
            range,
            offset: when.offset,
            at: when.at.map(|at| match at {
                At::Time(t) => t,
                At::Start => self.shared.start,
                At::End => self.shared.end,
            }),
        }
    }
}
