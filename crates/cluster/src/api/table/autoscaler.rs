//! The columns of a HorizontalPodAutoscaler.

use serde_json::Value;

use super::columns::{AGE, Column, NAME, count, status, text};
use crate::objects::meta;

/// The columns, in `kubectl`'s words.
pub(super) fn columns() -> Vec<Column> {
    vec![
        NAME,
        text("Reference", |o, _| {
            let target = &o["spec"]["scaleTargetRef"];
            let (kind, name) = (meta::text(target, "/kind"), meta::text(target, "/name"));
            format!("{kind}/{name}").into()
        }),
        text("Targets", |o, _| targets(o).into()),
        text("MinPods", |o, _| {
            o["spec"]["minReplicas"].to_string().into()
        }),
        count("MaxPods", |o, _| o["spec"]["maxReplicas"].clone()),
        count("Replicas", |o, _| status(o, "currentReplicas")),
        AGE,
    ]
}

/// Each metric as it is and as it is to be: `cpu: 12%/80%`.
fn targets(autoscaler: &Value) -> String {
    let metrics = meta::items(autoscaler, "/spec/metrics");
    if metrics.is_empty() {
        return "<none>".to_owned();
    }
    let all: Vec<_> = metrics
        .iter()
        .map(|metric| target(autoscaler, metric))
        .collect();
    match all.len() {
        0..=2 => all.join(", "),
        many => format!("{} + {} more...", all[..2].join(", "), many - 2),
    }
}

fn target(autoscaler: &Value, metric: &Value) -> String {
    let name = meta::text(metric, "/resource/name");
    let current = meta::items(autoscaler, "/status/currentMetrics")
        .iter()
        .find(|known| meta::text(known, "/resource/name") == name)
        .map(|known| &known["resource"]["current"]);
    let wanted = &metric["resource"]["target"];
    let (field, unit) = match wanted.get("averageUtilization") {
        Some(_) => ("averageUtilization", "%"),
        None => ("averageValue", ""),
    };
    let shown = |value: Option<&Value>| {
        let text = match value.and_then(|value| value.get(field)) {
            Some(Value::String(text)) => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            _ => return "<unknown>".to_owned(),
        };
        format!("{text}{unit}")
    };
    format!("{name}: {}/{}", shown(current), shown(Some(wanted)))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn targets_are_shown_as_they_are_and_as_they_are_to_be() {
        let cpu = json!({ "resource": { "name": "cpu", "target": { "averageUtilization": 80 } } });
        let memory =
            json!({ "resource": { "name": "memory", "target": { "averageValue": "1Gi" } } });
        let current = json!([{ "resource": { "name": "cpu", "current": { "averageUtilization": 12, "averageValue": "12m" } } }]);
        for (metrics, status, expected) in [
            (json!([]), json!({}), "<none>"),
            (json!([cpu]), json!({}), "cpu: <unknown>/80%"),
            (
                json!([cpu]),
                json!({ "currentMetrics": current }),
                "cpu: 12%/80%",
            ),
            (
                json!([cpu, memory]),
                json!({ "currentMetrics": current }),
                "cpu: 12%/80%, memory: <unknown>/1Gi",
            ),
        ] {
            let autoscaler = json!({ "spec": { "metrics": metrics }, "status": status });
            assert_eq!(targets(&autoscaler), expected);
        }
    }
}
