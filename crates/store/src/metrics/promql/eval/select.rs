//! Selectors and subqueries: from the database to values per step, or to windows of samples.

use super::result::RangeSeries;
use super::{EvalError, Evaluated, Evaluator, Grid, SUBQUERY_STEP_MS, Series, absent, is_absent};
use crate::metrics::labels::Labels;
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
        let end = self.at.unwrap_or(t).saturating_sub(self.offset);
        (end.saturating_sub(self.range), end)
    }
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
        let (mut out, mut samples) = (Vec::new(), Vec::new());
        for found in self
            .shared
            .head
            .select(&selector.matchers, from.saturating_add(1), to)
        {
            found.read(from.saturating_add(1), to, &mut samples);
            self.count_steps()?;
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

    /// The window of a range vector.
    pub(super) fn window_of(&self, expr: &Expr) -> Evaluated<Window> {
        match &expr.unwrapped().node {
            Node::Matrix(selector, range) => Ok(self.window(selector.when, *range)),
            Node::Subquery(sub) => Ok(self.window(sub.when, sub.range)),
            _ => Err(EvalError::Execution("expected a range vector".to_owned())),
        }
    }

    /// Gives each series of a range vector with the samples that all steps need, one after the
    /// other, so that not all of them are in memory at once.
    pub(super) fn each_series(
        &self,
        expr: &Expr,
        mut each: impl FnMut(&Labels, &[Sample]) -> Evaluated<()>,
    ) -> Evaluated<()> {
        let window = self.window_of(expr)?;
        match &expr.unwrapped().node {
            Node::Matrix(selector, _) => {
                let (from, _) = window.bounds(self.grid.start);
                let (_, to) = window.bounds(self.grid.end());
                let mut samples = Vec::new();
                for found in self
                    .shared
                    .head
                    .select(&selector.matchers, from.saturating_add(1), to)
                {
                    found.read(from.saturating_add(1), to, &mut samples);
                    samples.retain(|s| !is_stale(s.v));
                    self.count_samples(samples.len())?;
                    if !samples.is_empty() {
                        each(found.labels(), &samples)?;
                    }
                }
            }
            Node::Subquery(sub) => {
                for series in self.subquery(sub, window)? {
                    each(&series.labels, &series.samples)?;
                }
            }
            _ => {}
        }
        Ok(())
    }

    /// How many of a series' samples the steps see, each step's counted anew.
    pub(super) fn seen(&self, samples: &[Sample], window: Window) -> usize {
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

    fn subquery(&self, sub: &Subquery, window: Window) -> Evaluated<Vec<RangeSeries>> {
        let step = sub.step.unwrap_or(SUBQUERY_STEP_MS);
        let (from, _) = window.bounds(self.grid.start);
        let (_, to) = window.bounds(self.grid.end());
        // Steps of a subquery are multiples of its step, whatever the outer query's are.
        let mut start = step * (from / step);
        if start <= from {
            start = start.saturating_add(step);
        }
        let inner = self.on(Grid::new(start, to, step));
        inner.count_steps()?;
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
        Ok(series)
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

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicBool;

    use crate::Limits;
    use crate::metrics::promql::{EvalError, LOOKBACK, Request, evaluate, parse};
    use crate::metrics::{Head, Labels};

    #[test]
    fn what_would_need_too_much_memory_is_refused() {
        let head = Head::new(&Limits::default());
        for t in 0..100 {
            let labels = Labels::new([("__name__", "x")]);
            head.append(&labels, t * 1000, 1.0).unwrap();
        }
        let too_many = Some(EvalError::TooManySamples);
        for (query, want) in [
            ("sum_over_time(x[99s])", None),
            (
                "sum_over_time(x[99s]) + sum_over_time(x[99s])",
                too_many.clone(),
            ),
            ("count_over_time(x[10m:1s])", too_many.clone()),
            ("count_over_time(vector(1)[10000w:1ms])", too_many),
            ("count_over_time(vector(1)[10m:10s])", None),
        ] {
            let request = Request {
                query,
                expr: &parse(query).unwrap(),
                start: 99_000,
                end: 99_000,
                step: None,
                lookback: LOOKBACK,
                max_samples: 150,
                deadline: None,
            };
            let outcome = evaluate(&head, &request, &AtomicBool::new(false));
            assert_eq!(outcome.err(), want, "{query}");
        }
    }
}
