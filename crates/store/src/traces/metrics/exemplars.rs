//! Exemplars: some of the spans behind the series, at most one of each trace.

use std::sync::Arc;

use super::super::eval::Plan;
use super::super::hex::trace_hex;
use super::super::spans::Trace;
use super::super::traceql::{MetricOp, Metrics};
use super::super::value::Value;
use super::cell::Measure;
use super::{Range, Series};

/// A span behind a point.
#[derive(Clone, Debug)]
pub(crate) struct Exemplar {
    /// What the query asks of the span, and the trace's id.
    pub(crate) labels: Vec<(String, Value<'static>)>,
    /// The span's number, or that of the point.
    pub(crate) value: f64,
    /// The span's start.
    pub(crate) millis: i64,
}

/// A span that was offered, with its group.
#[derive(Clone, Debug)]
struct Offer {
    trace: Arc<Trace>,
    at: usize,
    group: usize,
}

/// Chooses spans over the whole range.
#[derive(Debug)]
pub(super) struct Picker {
    limit: usize,
    offers: Vec<Offer>,
}

impl Picker {
    pub(super) const fn new(limit: usize) -> Self {
        Self {
            limit,
            offers: Vec::new(),
        }
    }

    /// Takes note of a span; of each trace the first one is kept.
    pub(super) fn offer(&mut self, trace: &Arc<Trace>, at: usize, group: usize) {
        let known = self
            .offers
            .last()
            .is_some_and(|o| Arc::ptr_eq(&o.trace, trace));
        if self.limit == 0 || known {
            return;
        }
        self.offers.push(Offer {
            trace: Arc::clone(trace),
            at,
            group,
        });
    }

    /// Takes note of what others have, with the places of their groups here.
    pub(super) fn append(&mut self, others: Self, places: &[Option<usize>]) {
        let offers = others.offers.into_iter().filter_map(|offer| {
            let group = places.get(offer.group).copied().flatten()?;
            Some(Offer { group, ..offer })
        });
        self.offers.extend(offers);
    }

    /// The exemplars of a group: of all that were offered evenly many over time.
    pub(super) fn of_group(
        &mut self,
        group: usize,
        plan: &Plan,
        measure: &Measure,
    ) -> Vec<Exemplar> {
        if self.offers.len() > self.limit {
            let start = |offer: &Offer| offer.trace.spans[offer.at].start;
            self.offers.sort_by_key(start);
            let (all, limit) = (self.offers.len(), self.limit);
            let mut at = 0;
            self.offers.retain(|_| {
                at += 1;
                at * limit / all > (at - 1) * limit / all
            });
        }
        let of_group = self.offers.iter().filter(|offer| offer.group == group);
        of_group
            .map(|offer| Exemplar {
                labels: labels(plan, &offer.trace, offer.at),
                value: measure.number(&offer.trace, offer.at).unwrap_or(f64::NAN),
                millis: (offer.trace.spans[offer.at].start / 1_000_000) as i64,
            })
            .collect()
    }
}

/// What a query asks of a span, and the id of its trace.
pub(super) fn labels(plan: &Plan, trace: &Trace, at: usize) -> Vec<(String, Value<'static>)> {
    let mut out: Vec<(String, Value<'static>)> = plan
        .shown(trace, at)
        .into_iter()
        .map(|(attribute, value)| (attribute.to_string(), value.owned()))
        .filter(|(name, _)| name != "trace:id")
        .collect();
    out.push((
        "trace:id".to_owned(),
        Value::Text(trace_hex(&trace.id).into()),
    ));
    out
}

/// Gives each of a group's series the exemplars that are its own.
pub(super) fn attach(
    series: &mut [Series],
    exemplars: Vec<Exemplar>,
    metrics: &Metrics,
    range: Range,
) {
    let is_counted = matches!(
        metrics.op,
        MetricOp::Rate | MetricOp::Count | MetricOp::Histogram
    );
    for mut exemplar in exemplars {
        let Some(index) = range.index(exemplar.millis * 1_000_000) else {
            continue;
        };
        let point = |one: &Series| one.points[index];
        let distance = |one: &Series| match metrics.op {
            MetricOp::Quantile => (point(one) - exemplar.value).abs(),
            // The least bucket that holds it.
            MetricOp::Histogram => match one.labels.last() {
                Some((_, Value::Float(bound))) if *bound >= exemplar.value => *bound,
                _ => f64::INFINITY,
            },
            _ => 0.0,
        };
        let nearest = series
            .iter_mut()
            .filter(|one| !point(one).is_nan())
            .min_by(|a, b| distance(a).total_cmp(&distance(b)));
        if let Some(one) = nearest {
            if is_counted || exemplar.value.is_nan() {
                exemplar.value = point(one);
            }
            one.exemplars.push(exemplar);
        }
    }
}
