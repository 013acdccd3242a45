//! The ruler: Prometheus rule files, evaluated on time
//! (<https://prometheus.io/docs/prometheus/latest/configuration/alerting_rules/>).

use std::collections::{BTreeMap, HashMap};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError, RwLock};
use std::time::Duration;

use serde_json::{Value, json};
use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

mod alert;
mod document;
mod file;
mod group;
mod humanize;
mod json;
mod namespaces;
mod restore;
mod template;

use crate::alertmanager::Alertmanager;
use crate::config::RuleFile;
use crate::metrics::promql::{self, Answer, LOOKBACK, Request};
use crate::metrics::{Labels, Matcher, Metrics};
use document::GroupDocument;
pub use file::RuleError;
use group::Group;
pub use namespaces::NamespaceError;

/// All rule groups with their state.
#[derive(Debug)]
pub struct Ruler {
    metrics: Arc<Metrics>,
    /// For groups that name none.
    interval: Duration,
    groups: RwLock<Groups>,
    changed: Notify,
    alertmanager: Option<Arc<Alertmanager>>,
    external_url: OnceLock<String>,
}

/// Groups by file (or namespace) and name.
type Groups = BTreeMap<(String, String), Arc<Entry>>;

/// A group, and how it was written.
#[derive(Debug)]
struct Entry {
    group: Mutex<Group>,
    document: GroupDocument,
}

/// What rules are evaluated with.
#[derive(Debug, Clone, Copy)]
struct Context<'a> {
    metrics: &'a Metrics,
    /// Where people find this server.
    external_url: &'a str,
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
                        .flat_map(|(group, _)| group.alert_names().map(str::to_owned)),
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
        let mut groups = Groups::new();
        for source in files {
            match file::read(source, interval) {
                Ok(found) => {
                    for (group, document) in found {
                        let key = (group.file.clone(), group.name.clone());
                        groups.insert(key, Arc::new(Entry::new(group, document)));
                    }
                }
                Err(found) => errors.extend(found),
            }
        }
        if !errors.is_empty() {
            return Err(errors);
        }
        Ok(Self {
            metrics,
            interval,
            groups: RwLock::new(groups),
            changed: Notify::new(),
            alertmanager: None,
            external_url: OnceLock::new(),
        })
    }

    /// The same, telling this Alertmanager what fires.
    #[must_use]
    pub fn notifying(mut self, alertmanager: Arc<Alertmanager>) -> Self {
        self.alertmanager = Some(alertmanager);
        self
    }

    /// Under what URL people reach the query API: alerts link to it. Only the first call
    /// counts.
    pub fn set_external_url(&self, url: String) {
        // A later call has nothing to tell.
        let _ = self.external_url.set(url);
    }

    /// Where alerts are sent to, if they are sent anywhere.
    #[must_use]
    pub fn alertmanager_url(&self) -> Option<String> {
        let url = self.alertmanager.as_ref()?.external_url();
        Some(format!("{url}/api/v2/alerts"))
    }

    /// Evaluates every group at its interval until `stop` is cancelled; follows changes.
    pub async fn run(self: Arc<Self>, stop: CancellationToken) {
        let mut running: HashMap<(String, String), (Arc<Entry>, CancellationToken)> =
            HashMap::new();
        let mut tasks: JoinSet<()> = JoinSet::new();
        loop {
            let wanted = self.read().clone();
            running.retain(|key, (entry, stop)| {
                let stays = wanted.get(key).is_some_and(|now| Arc::ptr_eq(now, entry));
                if !stays {
                    stop.cancel();
                }
                stays
            });
            for (key, entry) in wanted {
                running.entry(key).or_insert_with(|| {
                    let stop = stop.child_token();
                    let ruler = Arc::clone(&self);
                    tasks.spawn(ruler.run_group(Arc::clone(&entry), stop.clone()));
                    (entry, stop)
                });
            }
            while tasks.try_join_next().is_some() {}
            tokio::select! {
                () = stop.cancelled() => break,
                () = self.changed.notified() => {}
            }
        }
        while tasks.join_next().await.is_some() {}
    }

    async fn run_group(self: Arc<Self>, entry: Arc<Entry>, stop: CancellationToken) {
        let interval = lock(&entry.group).interval_ms();
        let clock = self.metrics.clock();
        let mut next = (clock.now_ms() / interval + 1) * interval;
        loop {
            tokio::select! {
                () = stop.cancelled() => return,
                () = sleep_until(clock.instant_at(next)) => {}
            }
            let (ruler, entry, t) = (Arc::clone(&self), Arc::clone(&entry), next);
            let done = tokio::task::spawn_blocking(move || ruler.evaluate(&entry, t));
            if done.await.is_err() {
                tracing::error!("rule evaluation panicked");
            }
            // A late evaluation skips the ticks that it has missed.
            next = (clock.now_ms() / interval + 1).max(next / interval + 1) * interval;
        }
    }

    /// Evaluates every group once, at time `t` (milliseconds since the epoch).
    pub fn evaluate_all(&self, t: i64) {
        for entry in self.entries() {
            self.evaluate(&entry, t);
        }
    }

    fn evaluate(&self, entry: &Entry, t: i64) {
        let context = Context {
            metrics: &self.metrics,
            external_url: self.external_url.get().map_or("", String::as_str),
        };
        let news = lock(&entry.group).evaluate(context, t);
        if let Some(alertmanager) = &self.alertmanager
            && !news.is_empty()
        {
            alertmanager.put(news);
        }
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Groups> {
        self.groups.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn entries(&self) -> Vec<Arc<Entry>> {
        self.read().values().cloned().collect()
    }

    /// The alerts that are pending or firing.
    #[must_use]
    pub fn alerts(&self) -> Vec<ActiveAlert> {
        let entries = self.entries();
        entries
            .iter()
            .flat_map(|e| lock(&e.group).alerts())
            .collect()
    }

    /// `/api/v1/rules`
    #[must_use]
    pub fn rules_json(&self, filter: &RulesFilter) -> Value {
        let groups: Vec<Value> = self
            .entries()
            .iter()
            .filter_map(|e| json::group(&lock(&e.group), filter))
            .collect();
        json!({"groups": groups})
    }

    /// The list of `/api/v1/alerts`
    #[must_use]
    pub fn alerts_json(&self) -> Value {
        self.entries()
            .iter()
            .flat_map(|e| json::alerts(&lock(&e.group)))
            .collect()
    }
}

impl Entry {
    const fn new(group: Group, document: GroupDocument) -> Self {
        Self {
            group: Mutex::new(group),
            document,
        }
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
