//! Which alerts fired and which are quiet again.

use std::collections::BTreeSet;

use model::{AlertName, Happening, ServiceName, Severity, Timestamp};
use telemetry::{Alert, AlertState, Labels, Rule};

/// The alerts that fire, by name and service.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlertBook {
    firing: BTreeSet<(AlertName, Option<ServiceName>)>,
}

impl AlertBook {
    /// Whether `alerts` holds one that was not known to fire: then the rules
    /// are needed too.
    pub(crate) fn has_news(&self, alerts: &[Alert]) -> bool {
        firing(alerts).any(|alert| !self.firing.contains(&key(alert)))
    }

    /// Notes what the ruler says at `now`. An alert that fires anew fires at
    /// the ruler's own time, as its rule gives it.
    pub(crate) fn see(
        &mut self,
        now: Timestamp,
        alerts: &[Alert],
        rules: &[Rule],
    ) -> Vec<(Timestamp, Happening)> {
        let mut happened = Vec::new();
        let mut still = BTreeSet::new();
        for alert in firing(alerts) {
            let key = key(alert);
            if !still.insert(key.clone()) || self.firing.contains(&key) {
                continue;
            }
            happened.push((fired_at(alert, rules).min(now), fired(alert, key)));
        }
        for (alert, service) in &self.firing {
            let key = (alert.clone(), service.clone());
            if !still.contains(&key) {
                let (alert, service) = key;
                happened.push((now, Happening::AlertResolved { alert, service }));
            }
        }
        self.firing = still;
        happened.sort_by_key(|(at, _)| *at);
        happened
    }
}

impl AlertBook {
    /// The names of the alerts that fire.
    pub(crate) fn names(&self) -> BTreeSet<AlertName> {
        self.firing.iter().map(|(alert, _)| alert.clone()).collect()
    }
}

fn firing(alerts: &[Alert]) -> impl Iterator<Item = &Alert> {
    alerts
        .iter()
        .filter(|alert| alert.state == AlertState::Firing)
}

fn key(alert: &Alert) -> (AlertName, Option<ServiceName>) {
    (alert.name.as_str().into(), service(&alert.labels))
}

fn service(labels: &Labels) -> Option<ServiceName> {
    ["service", "deployment", "app", "job", "container"]
        .iter()
        .find_map(|label| labels.get(*label))
        .map(|name| name.as_str().into())
}

fn fired_at(alert: &Alert, rules: &[Rule]) -> Timestamp {
    rules
        .iter()
        .filter(|rule| rule.alerting && rule.name == alert.name)
        .find(|rule| {
            let mut labels = rule.labels.iter();
            // A label of the rule can be a template; then it says nothing.
            labels
                .all(|(name, value)| value.contains("{{") || alert.labels.get(name) == Some(value))
        })
        .map_or(alert.active_at, |rule| rule.fires_at(alert.active_at))
}

fn fired(alert: &Alert, (name, service): (AlertName, Option<ServiceName>)) -> Happening {
    let text = |from: &Labels, name: &str| from.get(name).cloned().unwrap_or_default();
    let summary = match text(&alert.annotations, "summary") {
        summary if summary.is_empty() => text(&alert.annotations, "description"),
        summary => summary,
    };
    Happening::AlertFired {
        alert: name,
        severity: Severity::of_label(&text(&alert.labels, "severity")),
        service,
        summary,
        runbook: text(&alert.annotations, "runbook_url"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use model::Period;

    fn labels(pairs: &[(&str, &str)]) -> Labels {
        let owned = |text: &&str| (*text).to_owned();
        pairs.iter().map(|(a, b)| (owned(a), owned(b))).collect()
    }

    fn alert(state: AlertState, pod: &str) -> Alert {
        Alert {
            name: "PaymentDown".to_owned(),
            state,
            active_at: Timestamp::from_millis(10_000),
            labels: labels(&[
                ("service", "payment"),
                ("severity", "critical"),
                ("pod", pod),
            ]),
            annotations: labels(&[("summary", "Nobody can pay"), ("runbook_url", "docs/x.md")]),
        }
    }

    fn rule() -> Rule {
        Rule {
            group: "g".to_owned(),
            interval: Period::from_secs(2),
            name: "PaymentDown".to_owned(),
            query: String::new(),
            alerting: true,
            hold: Period::from_secs(3),
            labels: labels(&[("service", "payment")]),
            annotations: Labels::new(),
            health: "ok".to_owned(),
            last_error: String::new(),
            alerts: Vec::new(),
        }
    }

    #[test]
    fn an_alert_fires_once_at_the_ruler_s_time_and_resolves_when_all_of_it_is_gone() {
        let mut book = AlertBook::default();
        let at = |second: u64| Timestamp::from_millis(second * 1_000);
        let pending = [alert(AlertState::Pending, "a")];
        assert!(!book.has_news(&pending));
        assert!(book.see(at(12), &pending, &[]).is_empty());
        let both = [
            alert(AlertState::Firing, "a"),
            alert(AlertState::Firing, "b"),
        ];
        assert!(book.has_news(&both));
        let happened = book.see(at(16), &both, &[rule()]);
        // Active at 10 s, held for 3 s, evaluated every 2 s: it fires at 14 s.
        assert_eq!(happened.len(), 1);
        assert_eq!(happened[0].0, at(14));
        let Happening::AlertFired {
            severity, runbook, ..
        } = &happened[0].1
        else {
            panic!("{happened:?}");
        };
        assert_eq!((*severity, runbook.as_str()), (Severity::Page, "docs/x.md"));
        assert!(book.see(at(17), &both[1..], &[]).is_empty());
        let quiet = book.see(at(18), &pending, &[]);
        assert!(
            matches!(quiet[..], [(_, Happening::AlertResolved { .. })]),
            "{quiet:?}"
        );
        assert!(book.see(at(19), &[], &[]).is_empty());
    }
}
