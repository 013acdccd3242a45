//! What the spans of one group and one step have said.

use super::super::column::Column;
use super::super::eval::Plan;
use super::super::spans::Trace;
use super::super::traceql::{Attribute, Intrinsic, MetricOp, Metrics};
use super::super::value::Value;

/// What a function looks at.
#[derive(Debug)]
pub(super) struct Measure {
    op: MetricOp,
    column: Option<Column>,
    is_duration: bool,
}

impl Measure {
    pub(super) fn new(plan: &Plan, metrics: &Metrics) -> Self {
        let attribute = metrics.attribute.as_ref();
        Self {
            op: metrics.op,
            column: attribute.map(|attribute| plan.column(attribute, false)),
            is_duration: attribute == Some(&Attribute::Intrinsic(Intrinsic::Duration)),
        }
    }

    /// The number of a span; `None` if it does not count at all, NaN if it has none but counts.
    /// Of quantiles and histograms it is the bucket.
    pub(super) fn of(&self, trace: &Trace, at: usize) -> Option<f64> {
        if self.column.is_none() {
            return Some(1.0);
        }
        match self.op {
            MetricOp::Quantile | MetricOp::Histogram => self.bucket(trace, at),
            MetricOp::Avg => self.number(trace, at),
            _ => Some(self.number(trace, at).unwrap_or(f64::NAN)),
        }
    }

    /// The span's own number: durations of spans in seconds, all else as it is.
    pub(super) fn number(&self, trace: &Trace, at: usize) -> Option<f64> {
        if self.is_duration {
            return Some(trace.spans[at].duration() as f64 / 1e9);
        }
        let value = self.column.as_ref()?.value(trace, at);
        value.number().filter(|number| !number.is_nan())
    }

    /// The power of two that is not less; only whole numbers and durations have one.
    fn bucket(&self, trace: &Trace, at: usize) -> Option<f64> {
        let (number, unit) = if self.is_duration {
            (trace.spans[at].duration(), 1e9)
        } else {
            match self.column.as_ref()?.value(trace, at) {
                Value::Int(n) => (u64::try_from(n).ok()?, 1.0),
                Value::Duration(n) => (u64::try_from(n).ok()?, 1e9),
                _ => return None,
            }
        };
        (number >= 2).then(|| 2f64.powi(64 - (number - 1).leading_zeros() as i32) / unit)
    }
}

/// One group's spans within one step.
#[derive(Clone, Debug)]
pub(super) struct Cell {
    count: f64,
    /// The least, the greatest, the sum or the mean.
    value: f64,
    /// What rounding lost of it.
    lost: f64,
    /// Spans by bucket, in no order.
    buckets: Vec<(f64, f64)>,
}

impl Default for Cell {
    fn default() -> Self {
        Self {
            count: 0.0,
            value: f64::NAN,
            lost: 0.0,
            buckets: Vec::new(),
        }
    }
}

impl Cell {
    pub(super) fn observe(&mut self, op: MetricOp, number: f64) {
        self.count += 1.0;
        match op {
            MetricOp::Rate | MetricOp::Count | MetricOp::Compare => {}
            MetricOp::Min if self.value.is_nan() || number < self.value => self.value = number,
            MetricOp::Max if self.value.is_nan() || number > self.value => self.value = number,
            MetricOp::Min | MetricOp::Max => {}
            MetricOp::Sum => self.sum(number),
            MetricOp::Avg => self.mean(number),
            MetricOp::Quantile | MetricOp::Histogram => {
                match self.buckets.iter_mut().find(|(bound, _)| *bound == number) {
                    Some((_, count)) => *count += 1.0,
                    None => self.buckets.push((number, 1.0)),
                }
            }
        }
    }

    /// Adds what other spans have said; not for sums and means, in which the order counts.
    pub(super) fn merge(&mut self, op: MetricOp, other: &Self) {
        let count = self.count + other.count;
        if !other.value.is_nan() {
            self.observe(op, other.value);
        }
        self.count = count;
        for (bound, count) in &other.buckets {
            match self.buckets.iter_mut().find(|(known, _)| known == bound) {
                Some((_, sum)) => *sum += count,
                None => self.buckets.push((*bound, *count)),
            }
        }
    }

    /// Adds as a real server does: a span without the number makes nothing of what was there.
    fn sum(&mut self, number: f64) {
        if self.value.is_nan() {
            self.value = number;
            return;
        }
        let total = self.compensated(number);
        self.value = total + self.lost;
    }

    /// A mean by increments, so that many great numbers do not overflow.
    fn mean(&mut self, number: f64) {
        if self.value.is_nan() {
            (self.value, self.count) = (number, 1.0);
            return;
        }
        self.value = self.compensated(number / self.count - self.value / self.count);
    }

    /// The value with `number` added, by Neumaier's summation.
    /// Source: <https://en.wikipedia.org/wiki/Kahan_summation_algorithm>.
    fn compensated(&mut self, number: f64) -> f64 {
        let total = self.value + number;
        if total.is_infinite() {
            self.lost = 0.0;
        } else if self.value.abs() >= number.abs() {
            self.lost += (self.value - total) + number;
        } else {
            self.lost += (number - total) + self.value;
        }
        total
    }

    /// What the function gives for this step, NaN for nothing.
    pub(super) fn number(&self, op: MetricOp, seconds: f64) -> f64 {
        match op {
            MetricOp::Rate => self.count / seconds,
            MetricOp::Avg => self.value + self.lost,
            MetricOp::Min | MetricOp::Max | MetricOp::Sum => self.value,
            _ => self.count,
        }
    }

    pub(super) fn bucket(&self, bound: f64) -> f64 {
        let found = self.buckets.iter().find(|(known, _)| *known == bound);
        found.map_or(0.0, |(_, count)| *count)
    }

    /// A quantile, exponential between the bounds of the bucket that holds it; 0 without spans.
    pub(super) fn quantile(&self, q: f64) -> f64 {
        let mut buckets = self.buckets.clone();
        buckets.sort_unstable_by(|a, b| a.0.total_cmp(&b.0));
        quantile(q, &buckets)
    }
}

/// The bounds of all buckets, in order.
pub(super) fn bounds(cells: &[Cell]) -> Vec<f64> {
    let all = cells.iter().flat_map(|cell| &cell.buckets);
    let mut out: Vec<f64> = all.map(|(bound, _)| *bound).collect();
    out.sort_unstable_by(f64::total_cmp);
    out.dedup();
    out
}

fn quantile(q: f64, buckets: &[(f64, f64)]) -> f64 {
    let total: f64 = buckets.iter().map(|(_, count)| count).sum();
    // Whole spans, and one at least: for few of them this is nearer to what one expects.
    let wanted = (q * total).ceil().max(1.0);
    let mut before = 0.0;
    let mut lower = None;
    for (bound, count) in buckets {
        if before + count == wanted {
            return *bound;
        }
        if before + count > wanted {
            // From the last bucket that holds a span, however far away it is.
            let low = lower.unwrap_or(bound / 2.0).log2();
            let part = (wanted - before) / count;
            return (low + (bound.log2() - low) * part).exp2();
        }
        before += count;
        lower = Some(*bound);
    }
    lower.unwrap_or(0.0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_lie_within_their_buckets() {
        let buckets = [(1.0, 2.0), (4.0, 2.0)];
        for (q, wanted) in [(0.0, 2f64.powf(-0.5)), (0.5, 1.0), (0.75, 2.0), (1.0, 4.0)] {
            let found = quantile(q, &buckets);
            assert!((found - wanted).abs() < 1e-12, "{q}: {found}, not {wanted}");
        }
        assert_eq!(quantile(0.5, &[]), 0.0);
    }

    #[test]
    fn cells_fold_what_they_observe() {
        for (op, numbers, wanted) in [
            (MetricOp::Min, vec![f64::NAN, 3.0, 2.0], 2.0),
            (MetricOp::Max, vec![3.0, f64::NAN, 5.0], 5.0),
            (MetricOp::Sum, vec![0.1, 0.2, 0.3], 0.6),
            (MetricOp::Avg, vec![1.0, 2.0, 6.0], 3.0),
            (MetricOp::Count, vec![1.0, 1.0], 2.0),
            (MetricOp::Rate, vec![1.0, 1.0], 0.2),
        ] {
            let mut cell = Cell::default();
            numbers.iter().for_each(|n| cell.observe(op, *n));
            let found = cell.number(op, 10.0);
            assert!((found - wanted).abs() < 1e-12, "{op:?}: {found}");
        }
        let mut cell = Cell::default();
        [1.0, f64::NAN]
            .iter()
            .for_each(|n| cell.observe(MetricOp::Sum, *n));
        assert!(cell.number(MetricOp::Sum, 1.0).is_nan());
    }
}
