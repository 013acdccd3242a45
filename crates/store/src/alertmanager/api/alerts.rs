//! `/api/v2/alerts`: taking alerts, listing them, and listing their groups.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{RawQuery, State};
use axum::http::HeaderMap;
use axum::response::IntoResponse;
use serde_json::{Value, json};

use super::super::alert::{Alert, order, time};
use super::super::dispatch::State as Known;
use super::super::inhibit::inhibiting;
use super::super::matcher::all_match;
use super::super::route::taken;
use super::body::{self, Field};
use super::{Answer, Filter, Kind, Refusal, Shared, answer, bad};
use crate::metrics::Labels;
use crate::metrics::labels::is_label_name;
use crate::metrics::text::quote;

/// What mutes an alert now.
struct Muted {
    silenced_by: Vec<String>,
    inhibited_by: Vec<String>,
}

impl Muted {
    fn of(known: &Known, alert: &Alert, now: i64) -> Self {
        let rules = &known.config.inhibit_rules;
        let by = inhibiting(rules, &known.alerts, &alert.labels, now);
        Self {
            silenced_by: known.silences.muting(&alert.labels, now),
            inhibited_by: by.iter().map(|id| format!("{id:016x}")).collect(),
        }
    }

    fn is_shown(&self, filter: &Filter) -> bool {
        let active = self.silenced_by.is_empty() && self.inhibited_by.is_empty();
        (filter.shows(Kind::Active) || !active)
            && (filter.shows(Kind::Silenced) || self.silenced_by.is_empty())
            && (filter.shows(Kind::Inhibited) || self.inhibited_by.is_empty())
    }
}

fn shown(alert: &Alert, muted: &Muted, receivers: &[&str], muted_by: &[String]) -> Value {
    let active =
        muted.silenced_by.is_empty() && muted.inhibited_by.is_empty() && muted_by.is_empty();
    let mut out = json!({
        "annotations": alert.annotations,
        "endsAt": time(alert.ends_at),
        "fingerprint": format!("{:016x}", alert.fingerprint()),
        "receivers": receivers.iter().map(|r| json!({"name": r})).collect::<Vec<_>>(),
        "startsAt": time(alert.starts_at),
        "status": {
            "inhibitedBy": muted.inhibited_by,
            "mutedBy": muted_by,
            "silencedBy": muted.silenced_by,
            "state": if active { "active" } else { "suppressed" },
        },
        "updatedAt": time(alert.updated_at),
    });
    if !alert.generator_url.is_empty() {
        out["generatorURL"] = json!(alert.generator_url);
    }
    out["labels"] = alert.labels.json();
    out
}

pub(super) async fn list(State(am): Shared, query: RawQuery) -> Answer {
    let filter = Filter::read(query)?;
    let now = am.clock.now_ms();
    let known = am.lock();
    let mut out: BTreeMap<u64, Value> = BTreeMap::new();
    for (id, alert) in &known.alerts {
        let routes = taken(&known.config.routes, &alert.labels);
        let routes = routes.iter().filter_map(|at| known.config.routes.get(*at));
        let receivers: Vec<&str> = routes.map(|r| r.receiver.as_str()).collect();
        let muted = Muted::of(&known, alert, now);
        let wanted = !alert.resolved_at(now)
            && receivers.iter().any(|name| filter.wants_receiver(name))
            && muted.is_shown(&filter)
            && all_match(&filter.matchers, &alert.labels);
        if wanted {
            out.insert(*id, shown(alert, &muted, &receivers, &[]));
        }
    }
    Ok(answer(&out.into_values().collect()))
}

pub(super) async fn groups(State(am): Shared, query: RawQuery) -> Answer {
    let filter = Filter::read(query)?;
    let now = am.clock.now_ms();
    let known = am.lock();
    let mut found = Vec::new();
    let mut receivers: BTreeMap<u64, Vec<&str>> = BTreeMap::new();
    for ((at, _), group) in &known.groups {
        let Some(route) = known.config.routes.get(*at) else {
            continue;
        };
        if !filter.wants_receiver(&route.receiver) {
            continue;
        }
        let mut alerts: Vec<(&Alert, Muted)> = group
            .alerts
            .values()
            .filter(|a| !a.resolved_at(now) && all_match(&filter.matchers, &a.labels))
            .map(|a| (a, Muted::of(&known, a, now)))
            .filter(|(_, muted)| muted.is_shown(&filter))
            .collect();
        alerts.sort_by(|(a, _), (b, _)| order(&a.labels, &b.labels));
        for (alert, _) in &alerts {
            receivers
                .entry(alert.fingerprint())
                .or_default()
                .push(&route.receiver);
        }
        let mut muted_by: Vec<String> =
            known.config.containing(&route.mute, now).cloned().collect();
        if !route.active.is_empty() && !known.config.within(&route.active, now) {
            muted_by.extend(route.active.iter().cloned());
        }
        if !alerts.is_empty() && (filter.shows(Kind::Muted) || muted_by.is_empty()) {
            found.push((&group.labels, &route.receiver, alerts, muted_by));
        }
    }
    receivers
        .values_mut()
        .for_each(|names| names.sort_unstable());
    found.sort_by(|a, b| order(a.0, b.0).then_with(|| a.1.cmp(b.1)));
    let out = found.iter().map(|(labels, receiver, alerts, muted_by)| {
        let alerts = alerts.iter().map(|(alert, muted)| {
            let names = receivers.get(&alert.fingerprint());
            shown(alert, muted, names.map_or(&[], Vec::as_slice), muted_by)
        });
        json!({
            "alerts": alerts.collect::<Vec<_>>(),
            "labels": labels.json(),
            "receiver": {"name": receiver},
        })
    });
    Ok(answer(&out.collect()))
}

pub(super) async fn post(State(am): Shared, headers: HeaderMap, bytes: Bytes) -> Answer {
    let items = match body::read("alerts", &headers, &bytes)? {
        Value::Array(items) => items,
        other => {
            let why = body::mismatch(&other, "models.PostableAlerts");
            return Err(body::unparsed("alerts", &why));
        }
    };
    let now = am.clock.now_ms();
    let resolve_timeout = am.lock().config.resolve_timeout;
    let mut read = Vec::new();
    for (n, item) in items.iter().enumerate() {
        read.push(alert(n, item, now, resolve_timeout)?);
    }
    let mut wrong: Vec<String> = Vec::new();
    read.retain(|alert| match check(alert) {
        Ok(()) => true,
        Err(why) => {
            wrong.push(why);
            false
        }
    });
    // What is right is taken even when something else is wrong.
    am.put(read);
    match wrong.as_slice() {
        [] => Ok(().into_response()),
        [one] => Err(bad(one)),
        more => {
            let all = more.join("; ");
            Err(bad(&format!("{} errors occurred: {all}", more.len())))
        }
    }
}

fn alert(n: usize, item: &Value, now: i64, resolve_timeout: i64) -> Result<Alert, Refusal> {
    let field = Field::new("alerts", item);
    let labels = field.texts("labels", "Alert.labels")?;
    let annotations = field.texts("annotations", "PostableAlert.annotations")?;
    let starts_at = field.time("startsAt")?;
    let ends_at = field.time("endsAt")?;
    let generator_url = field
        .text("generatorURL", "Alert.generatorURL")?
        .unwrap_or_default();
    let Some(labels) = labels else {
        return Err(body::invalid(
            602,
            &format!("{n}.labels in body is required"),
        ));
    };
    if !generator_url.is_empty() && generator_url.parse::<axum::http::Uri>().is_err() {
        let shown = quote(&generator_url);
        let message = format!("{n}.generatorURL in body must be of type uri: {shown}");
        return Err(body::invalid(601, &message));
    }
    Ok(Alert {
        labels: Labels::new(labels),
        annotations: annotations.unwrap_or_default(),
        generator_url,
        starts_at: starts_at.or(ends_at).unwrap_or(now),
        ends_at: ends_at.unwrap_or(now + resolve_timeout),
        updated_at: now,
        timeout: ends_at.is_none(),
    })
}

fn check(alert: &Alert) -> Result<(), String> {
    if alert.ends_at < alert.starts_at {
        return Err("start time must be before end time".to_owned());
    }
    if alert.labels.is_empty() {
        return Err("at least one label pair required".to_owned());
    }
    if let Some((name, _)) = alert.labels.iter().find(|(n, _)| !is_label_name(n)) {
        return Err(format!("invalid label set: invalid name {}", quote(name)));
    }
    match alert.annotations.keys().find(|n| !is_label_name(n)) {
        Some(name) => Err(format!("invalid annotations: invalid name {}", quote(name))),
        None => Ok(()),
    }
}
