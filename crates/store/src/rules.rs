//! The ruler: Prometheus rule files, evaluated on time
//! (<https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/>).

use std::collections::BTreeMap;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use futures::StreamExt;
use futures::stream::FuturesUnordered;
use serde_json::{Value, json};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

mod alert;
mod file;
mod group;
mod humanize;
mod json;
mod template;

use crate::config::RuleFile;
use crate::metrics::promql::{self, Answer, LOOKBACK, Request};
use crate::metrics::{Labels, Matcher, Metrics};
pub use file::RuleError;
use group::Group;

/// All rule groups with their state.
#[derive(Debug)]
pub struct Ruler {
    metrics: Arc<Metrics>,
    groups: Vec<Mutex<Group>>,
}

/// The two kinds of rules.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum RuleKind {
    Alerting,
    Recording,
}

/// Which rules to show; an empty list lets all through.
#[derive(Debug, Clone, Default)]
pub struct RulesFilter {
    /// Only rules of this kind.
    pub kind: Option<RuleKind>,
    /// Rule names.
    pub names: Vec<String>,
    /// Group names.
    pub groups: Vec<String>,
    /// File names.
    pub files: Vec<String>,
    /// Selectors on the rule's own labels; one of them must match.
    pub matchers: Vec<Vec<Matcher>>,
    /// Leave the active alerts out.
    pub hide_alerts: bool,
}

/// An alert that is pending or firing.
#[derive(Debug, Clone, PartialEq)]
pub struct ActiveAlert {
    /// Its labels, `alertname` included.
    pub labels: Labels,
    /// Its annotations, filled in.
    pub annotations: BTreeMap<String, String>,
    /// `pending` or `firing`.
    pub state: AlertState,
    /// Since when its condition holds, milliseconds since the epoch.
    pub active_at: i64,
    /// The last value of its expression.
    pub value: f64,
}

/// The states of an alert.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[expect(missing_docs, reason = "the names say it")]
pub enum AlertState {
    Inactive,
    Pending,
    Firing,
}

impl AlertState {
    /// As Prometheus writes it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Inactive => "inactive",
            Self::Pending => "pending",
            Self::Firing => "firing",
        }
    }
}

/// The names of all alerts in rule files.
///
/// # Errors
/// Everything that is wrong in any of them.
pub fn alert_names(files: &[RuleFile]) -> Result<Vec<String>, Vec<RuleError>> {
    let mut errors = Vec::new();
    let mut names = Vec::new();
    for source in files {
        match file::read(source, Duration::from_secs(60)) {
            Ok(groups) => {
                names.extend(
                    groups
                        .iter()
                        .flat_map(|group| group.alert_names().map(str::to_owned)),
                );
            }
            Err(found) => errors.extend(found),
        }
    }
    if errors.is_empty() {
        Ok(names)
    } else {
        Err(errors)
    }
}

impl Ruler {
    /// Reads and checks all rule files; `interval` is for groups that name none.
    ///
    /// # Errors
    /// Everything that is wrong in any of them.
    pub fn new(
        files: &[RuleFile],
        interval: Duration,
        metrics: Arc<Metrics>,
    ) -> Result<Self, Vec<RuleError>> {
        let mut errors = Vec::new();
        let mut groups = Vec::new();
        for source in files {
            match file::read(source, interval) {
                Ok(found) => groups.extend(found),
                Err(found) => errors.extend(found),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        groups.sort_by(|a, b| (&a.file, &a.name).cmp(&(&b.file, &b.name)));
        Ok(Self {
            metrics,
            groups: groups.into_iter().map(Mutex::new).collect(),
        })
    }

    /// Evaluates every group at its interval until `stop` is cancelled.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut all: FuturesUnordered<_> = (0..self.groups.len())
            .map(|at| Arc::clone(&self).run_group(at, stop.clone()))
            .collect();
        while all.next().await.is_some() {}
    }

    async fn run_group(self: Arc<Self>, at: usize, stop: CancellationToken) {
        let Some(interval) = self.groups.get(at).map(|g| lock(g).interval_ms()) else {
            return;
        };
        let clock = self.metrics.clock();
        let mut next = (clock.now_ms() / interval + 1) * interval;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(clock.instant_at(next)) => {}
            }
            let (ruler, t) = (Arc::clone(&self), next);
            let done = tokio::task::spawn_blocking(move || ruler.evaluate_group(at, t));
            if done.await.is_err() {
                tracing::error!(group = at, "rule evaluation panicked");
            }
            // A late evaluation skips the ticks that it has missed.
            next = (clock.now_ms() / interval + 1).max(next / interval + 1) * interval;
        }
    }

    /// Evaluates every group once, at time `t` (milliseconds since the epoch).
    pub fn evaluate_all(&self, t: i64) {
        for at in 0..self.groups.len() {
            self.evaluate_group(at, t);
        }
    }

    fn evaluate_group(&self, at: usize, t: i64) {
        if let Some(group) = self.groups.get(at) {
            lock(group).evaluate(&self.metrics, t);
        }
    }

    /// The alerts that are pending or firing.
    #[must_use]
    pub fn alerts(&self) -> Vec<ActiveAlert> {
        self.groups.iter().flat_map(|g| lock(g).alerts()).collect()
    }

    /// `/api/v1/rules`
    #[must_use]
    pub fn rules_json(&self, filter: &RulesFilter) -> Value {
        let groups: Vec<Value> = self
            .groups
            .iter()
            .filter_map(|g| json::group(&lock(g), filter))
            .collect();
        json!({"groups": groups})
    }

    /// The list of `/api/v1/alerts`
    #[must_use]
    pub fn alerts_json(&self) -> Value {
        self.groups
            .iter()
            .flat_map(|g| json::alerts(&lock(g)))
            .collect()
    }
}

/// Evaluates a rule's expression at one moment.
fn query(
    metrics: &Metrics,
    expr: &promql::ast::Expr,
    text: &str,
    t: i64,
) -> Result<Vec<(Labels, f64)>, String> {
    let request = Request {
        query: text,
        expr,
        start: t,
        end: t,
        step: None,
        lookback: LOOKBACK,
        max_samples: metrics.limits().max_samples,
        deadline: Some(Instant::now() + metrics.limits().query_timeout),
    };
    let outcome = promql::evaluate(metrics.head(), &request, &AtomicBool::new(false))
        .map_err(|e| e.to_string())?;
    match outcome.answer {
        Answer::Vector(v) => Ok(v.into_iter().map(|(l, s)| (l, s.v)).collect()),
        Answer::Scalar(s) => Ok(vec![(Labels::default(), s.v)]),
        Answer::Matrix(_) | Answer::Text(_) => {
            Err("rule result is not a vector or scalar".to_owned())
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
