//! Inhibition: alerts that are muted while others fire
//! (<https://prometheus.io/docs/alerting/latest/configuration/#inhibit_rule>).

use std::collections::BTreeMap;

use super::alert::Alert;
use super::matcher::all_match;
use crate::metrics::{Labels, Matcher};

/// While an alert of the source fires, targets with equal labels are muted.
#[derive(Debug, Clone)]
pub struct InhibitRule {
    /// What the alert that mutes passes.
    pub source: Vec<Matcher>,
    /// What the alert that is muted passes.
    pub target: Vec<Matcher>,
    /// Labels that both have alike; absent and empty are the same.
    pub equal: Vec<String>,
}

/// The fingerprints of alerts that mute `labels` at `now`: one for each rule that applies.
#[must_use]
pub(super) fn inhibiting(
    rules: &[InhibitRule],
    alerts: &BTreeMap<u64, Alert>,
    labels: &Labels,
    now: i64,
) -> Vec<u64> {
    let mut found = Vec::new();
    for rule in rules.iter().filter(|r| all_match(&r.target, labels)) {
        // Whatever is source and target alike must not mute its own kind.
        let both = all_match(&rule.source, labels);
        let source = alerts.iter().find(|(_, alert)| {
            !alert.resolved_at(now)
                && all_match(&rule.source, &alert.labels)
                && rule
                    .equal
                    .iter()
                    .all(|n| alert.labels.get(n) == labels.get(n))
                && !(both && all_match(&rule.target, &alert.labels))
        });
        found.extend(source.map(|(fingerprint, _)| *fingerprint));
    }
    found.sort_unstable();
    found.dedup();
    found
}
