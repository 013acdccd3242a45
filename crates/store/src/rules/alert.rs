//! One alerting rule's alerts: inactive, pending, firing, and how long they stay.

use std::collections::{BTreeMap, HashSet};

use super::template::{Template, expand};
use super::{ActiveAlert, AlertState, Context};
use crate::alertmanager;
use crate::metrics::Labels;

/// For how long a resolved alert is remembered (Prometheus: 15 minutes).
const RESOLVED_MS: i64 = 15 * 60 * 1000;
/// How often an Alertmanager hears of an alert that goes on (Prometheus: a minute).
const RESEND_MS: i64 = 60 * 1000;

/// An alerting rule and its alerts.
#[derive(Debug)]
pub(super) struct AlertRule {
    /// Milliseconds.
    pub(super) hold: i64,
    /// Milliseconds.
    pub(super) keep_firing: i64,
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) alerts: BTreeMap<Labels, Alert>,
}

#[derive(Debug, Clone)]
pub(super) struct Alert {
    pub(super) annotations: BTreeMap<String, String>,
    pub(super) state: AlertState,
    pub(super) active_at: i64,
    pub(super) keep_firing_since: Option<i64>,
    fired_at: i64,
    resolved_at: Option<i64>,
    /// When an Alertmanager heard of it last.
    last_sent: Option<i64>,
    pub(super) value: f64,
}

impl AlertRule {
    pub(super) fn new(hold: i64, keep_firing: i64, annotations: BTreeMap<String, String>) -> Self {
        Self {
            hold,
            keep_firing,
            annotations,
            alerts: BTreeMap::new(),
        }
    }

    /// Refuses more than `limit` alerts (0: any number), and forgets all then.
    pub(super) fn hold_to(&mut self, limit: usize, found: usize) -> Result<(), String> {
        if limit == 0 || found <= limit {
            return Ok(());
        }
        self.alerts.clear();
        Err(format!("exceeded limit of {limit} with {found} alerts"))
    }

    /// Takes over what the expression gave; `times` are now and when it was evaluated for.
    pub(super) fn update(
        &mut self,
        name: &str,
        labels: &BTreeMap<String, String>,
        found: Vec<(Labels, f64)>,
        context: Context<'_>,
        times: (i64, i64),
    ) -> Result<(), String> {
        let (t, evaluated_at) = times;
        let mut now: HashSet<Labels> = HashSet::with_capacity(found.len());
        for (from, value) in found {
            let fill = |text: &str| {
                expand(
                    text,
                    &Template {
                        labels: &from,
                        value,
                        context: Some(context),
                        t: evaluated_at,
                    },
                )
            };
            let own = labels.iter().map(|(n, v)| (n.clone(), fill(v)));
            let all = Labels::new(
                from.iter()
                    .filter(|(n, _)| n.as_ref() != "__name__")
                    .map(|(n, v)| (n.to_string(), v.to_string()))
                    .chain(own)
                    .chain([("alertname".to_owned(), name.to_owned())]),
            );
            if !now.insert(all.clone()) {
                return Err(
                    "vector contains metrics with the same labelset after applying alert labels"
                        .to_owned(),
                );
            }
            let annotations = self
                .annotations
                .iter()
                .map(|(n, v)| (n.clone(), fill(v)))
                .collect();
            match self
                .alerts
                .get_mut(&all)
                .filter(|a| a.state != AlertState::Inactive)
            {
                Some(known) => {
                    known.value = value;
                    known.annotations = annotations;
                }
                None => {
                    self.alerts.insert(
                        all,
                        Alert {
                            annotations,
                            state: AlertState::Pending,
                            active_at: t,
                            keep_firing_since: None,
                            fired_at: t,
                            resolved_at: None,
                            last_sent: None,
                            value,
                        },
                    );
                }
            }
        }
        let (hold, keep) = (self.hold, self.keep_firing);
        self.alerts
            .retain(|labels, alert| alert.advance(now.contains(labels), t, hold, keep));
        Ok(())
    }

    /// `ALERTS` and `ALERTS_FOR_STATE`.
    pub(super) fn samples(&self) -> Vec<(Labels, f64)> {
        self.alerts.iter().flat_map(|(l, a)| a.samples(l)).collect()
    }

    /// The labels of active alerts, and since when each is active, to be set right.
    pub(super) fn beginnings(&mut self) -> impl Iterator<Item = (&Labels, &mut i64)> {
        let active = self.alerts.iter_mut();
        let active = active.filter(|(_, a)| a.state != AlertState::Inactive);
        active.map(|(labels, a)| (labels, &mut a.active_at))
    }

    /// What an Alertmanager has to hear at `t`: what fires or is over, and was not told yet or
    /// not for a while. `text` is the expression.
    pub(super) fn news(
        &mut self,
        text: &str,
        context: Context<'_>,
        t: i64,
        interval: i64,
    ) -> Vec<alertmanager::Alert> {
        let expr: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
        let link = format!("{}/graph?g0.expr={expr}&g0.tab=1", context.external_url);
        let now = context.metrics.clock().now_ms();
        let mut news = Vec::new();
        for (labels, alert) in &mut self.alerts {
            if !alert.is_news(t) {
                continue;
            }
            alert.last_sent = Some(t);
            let valid_until = t + 4 * RESEND_MS.max(interval);
            news.push(alertmanager::Alert {
                labels: labels.clone(),
                annotations: alert.annotations.clone(),
                generator_url: link.clone(),
                starts_at: alert.fired_at,
                ends_at: alert.resolved_at.unwrap_or(valid_until),
                updated_at: now,
                timeout: false,
            });
        }
        news
    }

    pub(super) fn state(&self) -> AlertState {
        let states = self.alerts.values().map(|a| a.state);
        states.max().unwrap_or(AlertState::Inactive)
    }

    pub(super) fn active(&self) -> Vec<ActiveAlert> {
        self.alerts
            .iter()
            .filter(|(_, a)| a.state != AlertState::Inactive)
            .map(|(labels, a)| ActiveAlert {
                labels: labels.clone(),
                annotations: a.annotations.clone(),
                state: a.state,
                active_at: a.active_at,
                value: a.value,
            })
            .collect()
    }
}

impl Alert {
    fn is_news(&self, t: i64) -> bool {
        if self.state == AlertState::Pending {
            return false;
        }
        let Some(last) = self.last_sent else {
            return true;
        };
        self.resolved_at.is_some_and(|at| at > last) || last + RESEND_MS < t
    }

    /// Moves to the state that it has at `t`; false when it can be forgotten.
    fn advance(&mut self, holds: bool, t: i64, hold: i64, keep: i64) -> bool {
        if holds {
            self.keep_firing_since = None;
        } else {
            let mut kept = false;
            if self.state == AlertState::Firing && keep > 0 {
                let since = *self.keep_firing_since.get_or_insert(t);
                kept = t - since < keep;
            }
            if self.state == AlertState::Pending
                || self.resolved_at.is_some_and(|at| t - at > RESOLVED_MS)
            {
                return false;
            }
            if self.state != AlertState::Inactive && !kept {
                self.state = AlertState::Inactive;
                self.resolved_at = Some(t);
            }
            if !kept {
                return true;
            }
        }
        if self.state == AlertState::Pending && t - self.active_at >= hold {
            self.state = AlertState::Firing;
            self.fired_at = t;
        }
        true
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds fit well into 53 bits")]
    fn samples(&self, labels: &Labels) -> Vec<(Labels, f64)> {
        if self.state == AlertState::Inactive {
            return Vec::new();
        }
        vec![
            (
                labels
                    .with("__name__", "ALERTS")
                    .with("alertstate", self.state.as_str()),
                1.0,
            ),
            (
                labels.with("__name__", "ALERTS_FOR_STATE"),
                (self.active_at / 1000) as f64,
            ),
        ]
    }
}
