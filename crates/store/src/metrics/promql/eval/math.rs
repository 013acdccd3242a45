//! Sums that do not lose small terms, quantiles, and Go's idea of minimum and maximum.

/// Kahan summation in Neumaier's variant, as Prometheus sums
/// (<https://en.wikipedia.org/wiki/Kahan_summation_algorithm>).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct KahanSum {
    pub(super) sum: f64,
    pub(super) c: f64,
}

impl KahanSum {
    pub(super) fn add(&mut self, inc: f64) {
        let t = self.sum + inc;
        if t.is_infinite() {
            self.c = 0.0;
        } else if self.sum.abs() >= inc.abs() {
            self.c += (self.sum - t) + inc;
        } else {
            self.c += (inc - t) + self.sum;
        }
        self.sum = t;
    }

    pub(super) fn total(self) -> f64 {
        if self.sum.is_infinite() {
            self.sum
        } else {
            self.sum + self.c
        }
    }
}

/// A mean that goes on incrementally when the sum would overflow.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Mean {
    acc: KahanSum,
    count: f64,
    incremental: bool,
}

impl Mean {
    pub(super) fn add(&mut self, v: f64) {
        self.count += 1.0;
        if !self.incremental {
            let mut next = self.acc;
            next.add(v);
            if self.count == 1.0 || !next.sum.is_infinite() {
                self.acc = next;
                return;
            }
            self.incremental = true;
            self.acc.sum /= self.count - 1.0;
            self.acc.c /= self.count - 1.0;
        }
        let q = (self.count - 1.0) / self.count;
        self.acc = KahanSum {
            sum: q * self.acc.sum,
            c: q * self.acc.c,
        };
        self.acc.add(v / self.count);
    }

    pub(super) fn value(self) -> f64 {
        if self.incremental {
            self.acc.sum + self.acc.c
        } else {
            self.acc.sum / self.count + self.acc.c / self.count
        }
    }
}

/// Welford's running variance (<https://en.wikipedia.org/wiki/Algorithms_for_calculating_variance>).
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Variance {
    count: f64,
    mean: KahanSum,
    aux: KahanSum,
}

impl Variance {
    pub(super) fn add(&mut self, v: f64) {
        self.count += 1.0;
        let delta = v - (self.mean.sum + self.mean.c);
        self.mean.add(delta / self.count);
        self.aux.add(delta * (v - (self.mean.sum + self.mean.c)));
    }

    pub(super) fn value(self) -> f64 {
        (self.aux.sum + self.aux.c) / self.count
    }
}

/// The φ-quantile of unsorted values, interpolated; NaN is the smallest value.
pub(super) fn quantile(q: f64, values: &mut [f64]) -> f64 {
    if values.is_empty() || q.is_nan() {
        return f64::NAN;
    }
    if q < 0.0 {
        return f64::NEG_INFINITY;
    }
    if q > 1.0 {
        return f64::INFINITY;
    }
    values.sort_by(|a, b| nan_first(*a, *b));
    #[expect(clippy::cast_precision_loss, reason = "far fewer than 2^53 values")]
    let rank = q * (values.len() - 1) as f64;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the rank lies between 0 and the length"
    )]
    let lower = rank.floor() as usize;
    let upper = (lower + 1).min(values.len() - 1);
    let weight = rank - rank.floor();
    match (values.get(lower), values.get(upper)) {
        (Some(l), Some(u)) => l * (1.0 - weight) + u * weight,
        _ => f64::NAN,
    }
}

/// Ascending, NaN before everything else.
pub(super) fn nan_first(a: f64, b: f64) -> std::cmp::Ordering {
    match (a.is_nan(), b.is_nan()) {
        (true, true) => std::cmp::Ordering::Equal,
        (true, false) => std::cmp::Ordering::Less,
        (false, true) => std::cmp::Ordering::Greater,
        (false, false) => a.partial_cmp(&b).unwrap_or(std::cmp::Ordering::Equal),
    }
}

/// As Go's `math.Min`: NaN when one is NaN, unless the other is negative infinity.
pub(super) fn min(a: f64, b: f64) -> f64 {
    if a == f64::NEG_INFINITY || b == f64::NEG_INFINITY {
        f64::NEG_INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.min(b)
    }
}

/// As Go's `math.Max`: NaN when one is NaN, unless the other is infinity.
pub(super) fn max(a: f64, b: f64) -> f64 {
    if a == f64::INFINITY || b == f64::INFINITY {
        f64::INFINITY
    } else if a.is_nan() || b.is_nan() {
        f64::NAN
    } else {
        a.max(b)
    }
}
