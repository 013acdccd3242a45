//! A rule group: its rules in order, what they wrote last, how they fared.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use tokio::time::Instant;

use super::alert::AlertRule;
use super::restore::restore;
use super::{ActiveAlert, Context, query};
use crate::alertmanager;
use crate::metrics::promql::ast::Expr;
use crate::metrics::{Labels, Metrics, SeriesRef, stale};

/// Rules that are evaluated together, one after the other.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) file: String,
    pub(super) name: String,
    pub(super) interval: Duration,
    /// How far in the past expressions are evaluated, milliseconds.
    pub(super) offset: i64,
    pub(super) limit: usize,
    pub(super) rules: Vec<Rule>,
    pub(super) last_evaluation: Option<i64>,
    pub(super) took: Duration,
    /// Series of rules that are gone since the last evaluation.
    pub(super) orphans: Vec<SeriesRef>,
}

/// A rule with its state.
#[derive(Debug)]
pub(super) struct Rule {
    pub(super) name: String,
    pub(super) expr: Expr,
    /// The expression as Prometheus prints it.
    pub(super) text: String,
    pub(super) labels: BTreeMap<String, String>,
    pub(super) does: Does,
    pub(super) error: Option<String>,
    pub(super) last_evaluation: Option<i64>,
    pub(super) took: Duration,
    written: Vec<SeriesRef>,
    /// Whether the state of its alerts, if it had any, was looked for.
    restored: bool,
}

/// What a rule does with what its expression gives.
#[derive(Debug)]
pub(super) enum Does {
    Record,
    Alert(AlertRule),
}

impl Rule {
    pub(super) fn new(
        name: String,
        expr: Expr,
        labels: BTreeMap<String, String>,
        does: Does,
    ) -> Self {
        Self {
            name,
            text: expr.to_string(),
            expr,
            labels,
            does,
            error: None,
            last_evaluation: None,
            took: Duration::ZERO,
            written: Vec::new(),
            restored: false,
        }
    }

    fn evaluate(
        &mut self,
        context: Context<'_>,
        t: i64,
        offset: i64,
        limit: usize,
    ) -> Result<(), String> {
        let metrics = context.metrics;
        // Expressions look into the past, and what they give stands there.
        let (now, t) = (t, t - offset);
        let found = query(metrics, &self.expr, &self.text, t)?;
        let samples = match &mut self.does {
            Does::Record => recorded(&self.name, &self.labels, found)?,
            Does::Alert(alert) => {
                alert.hold_to(limit, found.len())?;
                alert.update(&self.name, &self.labels, found, context, (now, t))?;
                if !self.restored {
                    restore(alert, &self.name, metrics, now);
                }
                alert.samples()
            }
        };
        self.restored = true;
        let records = matches!(self.does, Does::Record);
        if records && limit > 0 && samples.len() > limit {
            return Err(format!(
                "exceeded limit of {limit} with {} series",
                samples.len()
            ));
        }
        let head = metrics.head();
        let mut written = Vec::with_capacity(samples.len());
        let mut now: HashSet<Labels> = HashSet::with_capacity(samples.len());
        for (labels, v) in samples {
            match head.append(&labels, t, v) {
                Ok(series) => written.push(series),
                Err(error) => {
                    tracing::warn!(rule = %self.name, %labels, %error, "sample of a rule refused");
                }
            }
            now.insert(labels);
        }
        for gone in self.written.iter().filter(|s| !now.contains(s.labels())) {
            // Whoever asks from now on must not see the last value any more.
            if let Err(error) = head.append_to(gone, t, stale()) {
                tracing::debug!(rule = %self.name, %error, "stale marker refused");
            }
        }
        self.written = written;
        Ok(())
    }

    /// Whether another rule stands for the same, so that state can pass from it.
    fn is_like(&self, other: &Self) -> bool {
        let alerts = |rule: &Self| matches!(rule.does, Does::Alert(_));
        self.name == other.name && self.labels == other.labels && alerts(self) == alerts(other)
    }

    /// Takes over what an earlier version of this rule knew.
    fn take_over(&mut self, from: Self) {
        if let (Does::Alert(own), Does::Alert(known)) = (&mut self.does, from.does) {
            own.alerts = known.alerts;
        }
        self.error = from.error;
        self.last_evaluation = from.last_evaluation;
        self.took = from.took;
        self.written = from.written;
        self.restored = from.restored;
    }
}

impl Group {
    /// The names of its alerts.
    pub(super) fn alert_names(&self) -> impl Iterator<Item = &str> {
        let alerts = self.rules.iter();
        let alerts = alerts.filter(|rule| matches!(rule.does, Does::Alert(_)));
        alerts.map(|rule| rule.name.as_str())
    }

    pub(super) fn interval_ms(&self) -> i64 {
        i64::try_from(self.interval.as_millis())
            .unwrap_or(i64::MAX)
            .max(1)
    }

    /// Evaluates all rules at `t`; tells what an Alertmanager has to hear.
    pub(super) fn evaluate(&mut self, context: Context<'_>, t: i64) -> Vec<alertmanager::Alert> {
        let begun = Instant::now();
        let interval = self.interval_ms();
        let mut news = Vec::new();
        for rule in &mut self.rules {
            let begun = Instant::now();
            let result = rule.evaluate(context, t, self.offset, self.limit);
            if let Err(error) = &result {
                tracing::warn!(group = %self.name, rule = %rule.name, %error, "rule failed");
            }
            rule.error = result.err();
            rule.last_evaluation = Some(t);
            rule.took = begun.elapsed();
            if let Does::Alert(alert) = &mut rule.does {
                news.extend(alert.news(&rule.text, context, t, interval));
            }
        }
        let orphans = std::mem::take(&mut self.orphans);
        end(context.metrics, &orphans, t - self.offset);
        self.last_evaluation = Some(t);
        self.took = begun.elapsed();
        news
    }

    /// Takes over what an earlier version of this group knew.
    pub(super) fn take_over(&mut self, from: &mut Self) {
        let mut left = std::mem::take(&mut from.rules);
        for rule in &mut self.rules {
            if let Some(at) = left.iter().position(|known| rule.is_like(known)) {
                rule.take_over(left.remove(at));
            }
        }
        self.last_evaluation = from.last_evaluation;
        self.took = from.took;
        self.orphans.append(&mut from.orphans);
        let gone = left.into_iter().flat_map(|rule| rule.written);
        self.orphans.extend(gone);
    }

    /// The group is gone: all its series end at `t`.
    pub(super) fn end(&mut self, metrics: &Metrics, t: i64) {
        for rule in self.rules.drain(..) {
            end(metrics, &rule.written, t);
        }
        end(metrics, &self.orphans, t);
    }

    pub(super) fn alerts(&self) -> Vec<ActiveAlert> {
        self.rules
            .iter()
            .filter_map(|r| match &r.does {
                Does::Alert(a) => Some(a.active()),
                Does::Record => None,
            })
            .flatten()
            .collect()
    }
}

fn end(metrics: &Metrics, series: &[SeriesRef], t: i64) {
    for gone in series {
        // A series that was evicted meanwhile needs no end.
        let _ = metrics.head().append_to(gone, t, stale());
    }
}

fn recorded(
    name: &str,
    labels: &BTreeMap<String, String>,
    found: Vec<(Labels, f64)>,
) -> Result<Vec<(Labels, f64)>, String> {
    let mut seen = HashSet::with_capacity(found.len());
    let mut out = Vec::with_capacity(found.len());
    for (from, v) in found {
        let pairs = from.iter().map(|(n, v)| (n.to_string(), v.to_string()));
        let own = labels.iter().map(|(n, v)| (n.clone(), v.clone()));
        let labels = Labels::new(
            pairs
                .chain(own)
                .chain([("__name__".to_owned(), name.to_owned())]),
        );
        if !seen.insert(labels.clone()) {
            return Err(
                "vector contains metrics with the same labelset after applying rule labels"
                    .to_owned(),
            );
        }
        out.push((labels, v));
    }
    Ok(out)
}
