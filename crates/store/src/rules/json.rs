//! Groups, rules and alerts as Prometheus' API shows them.

use serde_json::{Value, json};

use super::alert::{Alert, AlertRule};
use super::group::{Does, Group, Rule};
use super::{AlertState, RuleKind, RulesFilter};
use crate::metrics::Labels;
use crate::metrics::text::exponent;

/// The group with the rules that pass; none when no rule does.
pub(super) fn group(group: &Group, filter: &RulesFilter) -> Option<Value> {
    let listed = |list: &[String], name: &String| list.is_empty() || list.contains(name);
    if !listed(&filter.groups, &group.name) || !listed(&filter.files, &group.file) {
        return None;
    }
    let rules: Vec<Value> = group
        .rules
        .iter()
        .filter(|r| listed(&filter.names, &r.name) && passes(r, filter))
        .map(|r| rule(r, filter))
        .collect();
    if rules.is_empty() {
        return None;
    }
    Some(json!({
        "name": group.name,
        "file": group.file,
        "rules": rules,
        "interval": seconds(group.interval_ms()),
        "limit": group.limit,
        "evaluationTime": group.took.as_secs_f64(),
        "lastEvaluation": time(group.last_evaluation),
    }))
}

/// The alerts that are pending or firing.
pub(super) fn alerts(group: &Group) -> Vec<Value> {
    group
        .rules
        .iter()
        .filter_map(|r| match &r.does {
            Does::Alert(a) => Some(active(a)),
            Does::Record => None,
        })
        .flatten()
        .collect()
}

fn passes(rule: &Rule, filter: &RulesFilter) -> bool {
    let kind = match rule.does {
        Does::Alert(_) => RuleKind::Alerting,
        Does::Record => RuleKind::Recording,
    };
    let labels = Labels::new(rule.labels.iter().map(|(n, v)| (n.as_str(), v.as_str())));
    let labelled = filter.matchers.is_empty()
        || filter
            .matchers
            .iter()
            .any(|set| set.iter().all(|m| m.matches(&labels)));
    filter.kind.is_none_or(|k| k == kind) && labelled
}

fn rule(rule: &Rule, filter: &RulesFilter) -> Value {
    let mut out = json!({
        "name": rule.name,
        "query": rule.text,
        "labels": rule.labels,
        "health": match (&rule.error, rule.last_evaluation) {
            (Some(_), _) => "err",
            (None, Some(_)) => "ok",
            (None, None) => "unknown",
        },
        "evaluationTime": rule.took.as_secs_f64(),
        "lastEvaluation": time(rule.last_evaluation),
    });
    if let Some(error) = &rule.error {
        out["lastError"] = json!(error);
    }
    match &rule.does {
        Does::Record => out["type"] = json!("recording"),
        Does::Alert(a) => {
            out["type"] = json!("alerting");
            out["state"] = json!(a.state().as_str());
            out["duration"] = seconds(a.hold);
            out["keepFiringFor"] = seconds(a.keep_firing);
            out["annotations"] = json!(a.annotations);
            out["alerts"] = if filter.hide_alerts {
                Value::Null
            } else {
                Value::Array(active(a))
            };
        }
    }
    out
}

fn active(rule: &AlertRule) -> Vec<Value> {
    let mut all: Vec<(&Labels, &Alert)> = rule
        .alerts
        .iter()
        .filter(|(_, a)| a.state != AlertState::Inactive)
        .collect();
    all.sort_by_key(|(_, a)| a.active_at);
    all.into_iter()
        .map(|(labels, a)| {
            let mut out = json!({
                "labels": labels.json(),
                "annotations": a.annotations,
                "state": a.state.as_str(),
                "activeAt": time(Some(a.active_at)),
                "value": exponent(a.value),
            });
            if let Some(since) = a.keep_firing_since {
                out["keepFiringSince"] = json!(time(Some(since)));
            }
            out
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "durations are short")]
fn seconds(ms: i64) -> Value {
    if ms % 1000 == 0 {
        json!(ms / 1000)
    } else {
        json!(ms as f64 / 1000.0)
    }
}

fn time(ms: Option<i64>) -> String {
    ms.and_then(|ms| jiff::Timestamp::from_millisecond(ms).ok())
        .map_or_else(|| "0001-01-01T00:00:00Z".to_owned(), |t| t.to_string())
}
