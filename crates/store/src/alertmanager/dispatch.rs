//! Groups of alerts, and what becomes due to be told about them.
//!
//! Nothing here waits or sends: [`State::due`] says what is to be delivered now, and
//! [`State::done`] hears how that went.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::alert::{Alert, fingerprint, order};
use super::config::{AlertmanagerConfig, Receiver, Webhook};
use super::inhibit::inhibiting;
use super::route::{Route, taken};
use super::silence::Silences;
use super::webhook::payload;
use crate::metrics::Labels;

/// A group is forgotten this long after its last alert went, at most.
const MAINTENANCE_MS: i64 = 30_000;
/// How long a resolved alert is kept (Alertmanager: until its next cleaning, 30 minutes).
const RESOLVED_MS: i64 = 30 * 60_000;
/// How long a notification may be tried at least.
const MIN_TIMEOUT_MS: i64 = 10_000;

/// Everything that changes.
#[derive(Debug)]
pub(super) struct State {
    pub(super) config: Arc<AlertmanagerConfig>,
    /// Counts configurations, so that what was begun under an old one is not taken for new.
    generation: u64,
    pub(super) alerts: BTreeMap<u64, Alert>,
    pub(super) silences: Silences,
    pub(super) groups: BTreeMap<GroupId, Group>,
    log: HashMap<LogKey, LogEntry>,
    next_maintenance: i64,
}

/// A route's place and the fingerprint of the group's labels.
pub(super) type GroupId = (usize, u64);

/// A group's key, the receiver's name and the integration's place.
type LogKey = (String, String, usize);

/// Alerts that are told together.
#[derive(Debug)]
pub(super) struct Group {
    pub(super) labels: Labels,
    pub(super) alerts: BTreeMap<u64, Alert>,
    /// When it is looked at next.
    next: i64,
    /// Whether it was looked at before.
    flushed: bool,
    /// Whether a notification about it is on its way.
    busy: bool,
}

/// What was told last about a group.
#[derive(Debug, Clone)]
struct LogEntry {
    t: i64,
    firing: BTreeSet<u64>,
    resolved: BTreeSet<u64>,
    repeat: i64,
}

/// One look at one group: what has to be sent.
#[derive(Debug)]
pub(super) struct Flush {
    group: GroupId,
    generation: u64,
    /// The resolved alerts, with the times of their last updates.
    resolved: Vec<(u64, i64)>,
    pub(super) deliveries: Vec<Delivery>,
}

/// One notification to one integration.
#[derive(Debug, Clone)]
pub(super) struct Delivery {
    key: LogKey,
    entry: LogEntry,
    /// Where to, and what; `None` when only the log is to be kept.
    pub(super) post: Option<(Webhook, String)>,
    /// When to give up, milliseconds since the epoch.
    pub(super) until: i64,
}

impl State {
    pub(super) fn new(config: Arc<AlertmanagerConfig>) -> Self {
        Self {
            config,
            generation: 0,
            alerts: BTreeMap::new(),
            silences: Silences::default(),
            groups: BTreeMap::new(),
            log: HashMap::new(),
            next_maintenance: 0,
        }
    }

    /// Another configuration: groups begin anew, what was told is remembered.
    pub(super) fn configure(&mut self, config: Arc<AlertmanagerConfig>, now: i64) {
        self.config = config;
        self.generation += 1;
        self.groups.clear();
        let alerts: Vec<Alert> = self.alerts.values().cloned().collect();
        for alert in alerts {
            self.sort_in(&alert, now);
        }
    }

    /// Takes an alert, or news about one.
    pub(super) fn put(&mut self, alert: Alert, now: i64) {
        let id = alert.fingerprint();
        let alert = match self.alerts.get(&id) {
            Some(known) => known.merged(alert, now),
            None => alert,
        };
        self.alerts.insert(id, alert.clone());
        self.sort_in(&alert, now);
    }

    fn sort_in(&mut self, alert: &Alert, now: i64) {
        for at in taken(&self.config.routes, &alert.labels) {
            let Some(route) = self.config.routes.get(at) else {
                continue;
            };
            let labels = route.group_by.of(&alert.labels);
            let id = (at, fingerprint(&labels));
            let group = self.groups.entry(id).or_insert_with(|| Group {
                labels,
                alerts: BTreeMap::new(),
                next: now + route.group_wait,
                flushed: false,
                busy: false,
            });
            group.alerts.insert(alert.fingerprint(), alert.clone());
            // Who has waited long enough elsewhere does not wait here again.
            if !group.flushed && alert.starts_at + route.group_wait < now {
                group.next = now;
            }
        }
    }

    /// When there is something to do next.
    pub(super) fn next(&self) -> i64 {
        let groups = self.groups.values().filter(|g| !g.busy).map(|g| g.next);
        groups.min().unwrap_or(i64::MAX).min(self.next_maintenance)
    }

    /// What has to be sent now; also forgets what is long over.
    pub(super) fn due(&mut self, now: i64, external_url: &str) -> Vec<Flush> {
        if now >= self.next_maintenance {
            self.next_maintenance = now + MAINTENANCE_MS;
            self.groups.retain(|_, g| g.busy || !g.alerts.is_empty());
            self.alerts.retain(|_, a| now - a.ends_at < RESOLVED_MS);
            self.log.retain(|_, e| now - e.t < 2 * e.repeat);
            self.silences.forget(now);
        }
        let due: Vec<GroupId> = self
            .groups
            .iter()
            .filter(|(_, g)| !g.busy && g.next <= now)
            .map(|(id, _)| *id)
            .collect();
        let mut flushes = Vec::new();
        for id in due {
            let config = Arc::clone(&self.config);
            let Some(route) = config.routes.get(id.0) else {
                continue;
            };
            let Some(group) = self.groups.get_mut(&id) else {
                continue;
            };
            group.next = now + route.group_interval;
            group.flushed = true;
            group.busy = true;
            let flush = self.look_at(id, route, now, external_url);
            if flush.deliveries.is_empty() {
                self.done(&flush, true, &[]);
            } else {
                flushes.push(flush);
            }
        }
        flushes
    }

    fn look_at(&self, id: GroupId, route: &Route, now: i64, external_url: &str) -> Flush {
        let mut flush = Flush {
            group: id,
            generation: self.generation,
            resolved: Vec::new(),
            deliveries: Vec::new(),
        };
        let Some(group) = self.groups.get(&id) else {
            return flush;
        };
        let mut alerts: Vec<&Alert> = group.alerts.values().collect();
        alerts.sort_by(|a, b| order(&a.labels, &b.labels));
        let resolved = alerts.iter().filter(|a| a.resolved_at(now));
        flush.resolved = resolved.map(|a| (a.fingerprint(), a.updated_at)).collect();
        alerts.retain(|a| {
            inhibiting(&self.config.inhibit_rules, &self.alerts, &a.labels, now).is_empty()
        });
        let muted = self.config.within(&route.mute, now)
            || !(route.active.is_empty() || self.config.within(&route.active, now));
        if muted {
            alerts.clear();
        }
        alerts.retain(|a| self.silences.muting(&a.labels, now).is_empty());
        let receiver = self
            .config
            .receivers
            .iter()
            .find(|r| r.name == route.receiver);
        if let Some(receiver) = receiver.filter(|_| !alerts.is_empty()) {
            let notice = Notice {
                key: group_key(route, group),
                group,
                route,
                receiver,
                now,
                external_url,
            };
            let webhooks = receiver.webhooks.iter().enumerate();
            flush.deliveries = webhooks
                .filter_map(|(n, webhook)| self.delivery(&notice, &alerts, n, webhook))
                .collect();
        }
        flush
    }

    /// What one webhook is told, if there is anything to tell.
    fn delivery(
        &self,
        notice: &Notice<'_>,
        alerts: &[&Alert],
        place: usize,
        webhook: &Webhook,
    ) -> Option<Delivery> {
        let now = notice.now;
        let (resolved, firing): (Vec<&Alert>, Vec<&Alert>) =
            alerts.iter().partition(|a| a.resolved_at(now));
        let ids = |list: &[&Alert]| list.iter().map(|a| a.fingerprint()).collect();
        let entry = LogEntry {
            t: now,
            firing: ids(&firing),
            resolved: ids(&resolved),
            repeat: notice.route.repeat_interval,
        };
        let key = (notice.key.clone(), notice.receiver.name.clone(), place);
        if !news(self.log.get(&key), &entry, webhook.send_resolved) {
            return None;
        }
        let sent: Vec<&Alert> = if webhook.send_resolved {
            alerts.to_vec()
        } else {
            firing
        };
        let post = (!sent.is_empty()).then(|| {
            let body = payload(notice, &sent, webhook.max_alerts);
            (webhook.clone(), body.to_string())
        });
        Some(Delivery {
            key,
            entry,
            post,
            until: now + notice.route.group_interval.max(MIN_TIMEOUT_MS),
        })
    }

    /// Hears how a flush went: whether all arrived, and what did.
    pub(super) fn done(&mut self, flush: &Flush, all_arrived: bool, arrived: &[Delivery]) {
        for delivery in arrived {
            self.log
                .insert(delivery.key.clone(), delivery.entry.clone());
        }
        if flush.generation != self.generation {
            return;
        }
        let Some(group) = self.groups.get_mut(&flush.group) else {
            return;
        };
        group.busy = false;
        if !all_arrived {
            return;
        }
        for (id, updated_at) in &flush.resolved {
            if group
                .alerts
                .get(id)
                .is_some_and(|a| a.updated_at == *updated_at)
            {
                group.alerts.remove(id);
            }
        }
    }
}

/// What a notification says besides its alerts.
pub(super) struct Notice<'a> {
    pub(super) key: String,
    pub(super) group: &'a Group,
    route: &'a Route,
    pub(super) receiver: &'a Receiver,
    pub(super) now: i64,
    pub(super) external_url: &'a str,
}

/// `{}/{severity="page"}:{alertname="A"}`
pub(super) fn group_key(route: &Route, group: &Group) -> String {
    format!("{}:{}", route.key, group.labels)
}

/// Whether a group's alerts differ from what was told last, or it is time to repeat it.
fn news(told: Option<&LogEntry>, now: &LogEntry, send_resolved: bool) -> bool {
    let Some(told) = told else {
        return !now.firing.is_empty();
    };
    if !now.firing.is_subset(&told.firing) {
        return true;
    }
    if now.firing.is_empty() {
        return !told.firing.is_empty();
    }
    if send_resolved && !now.resolved.is_subset(&told.resolved) {
        return true;
    }
    told.t < now.t - now.repeat
}
