//! HorizontalPodAutoscalers in the form of `autoscaling/v1`; they are stored in that of v2. Pure.
//!
//! What v1 has no field for stands in annotations, so that a change made through v1 loses nothing.

use serde_json::{Value, json};

use super::target::Target;
use crate::objects::{Kind, meta};

const V1: &str = "autoscaling/v1";
/// Parts of the spec that v1 lacks, and the annotations in which they stand.
const HIDDEN: [(&str, &str); 2] = [
    ("metrics", "autoscaling.alpha.kubernetes.io/metrics"),
    ("behavior", "autoscaling.alpha.kubernetes.io/behavior"),
];

/// The object as the target's version shows it.
pub(super) fn out(target: &Target, object: &Value) -> Value {
    let mut object = object.clone();
    if !is_first_version(target) {
        return object;
    }
    object["apiVersion"] = V1.into();
    let percent = processor(meta::items(&object, "/spec/metrics"))
        .and_then(|metric| meta::number(metric, "/resource/target/averageUtilization"));
    let current = processor(meta::items(&object, "/status/currentMetrics"))
        .and_then(|metric| meta::number(metric, "/resource/current/averageUtilization"));
    let spec = meta::ensure(&mut object, &["spec"]);
    let mut hidden = Vec::new();
    for (field, annotation) in HIDDEN {
        let mut value = spec.remove(field).unwrap_or_default();
        if let (Some(list), true) = (value.as_array_mut(), percent.is_some()) {
            list.retain(|metric| processor(std::slice::from_ref(metric)).is_none());
        }
        if value.is_object() || value.as_array().is_some_and(|list| !list.is_empty()) {
            hidden.push((annotation, value.to_string()));
        }
    }
    if let Some(percent) = percent {
        spec.insert("targetCPUUtilizationPercentage".into(), percent.into());
    }
    for (annotation, text) in hidden {
        meta::ensure(&mut object, &["metadata", "annotations"])
            .insert(annotation.into(), text.into());
    }
    if let Some(status) = object.get_mut("status").and_then(Value::as_object_mut) {
        status.remove("currentMetrics");
        status.remove("conditions");
        if let Some(current) = current {
            status.insert("currentCPUUtilizationPercentage".into(), current.into());
        }
    }
    object
}

/// The object as it is stored.
pub(super) fn stored(target: &Target, mut object: Value) -> Value {
    if !is_first_version(target) || !object.is_object() {
        return object;
    }
    object["apiVersion"] = Kind::HorizontalPodAutoscaler.api_version().into();
    let mut found = Vec::new();
    if let Some(annotations) = object
        .pointer_mut("/metadata/annotations")
        .and_then(Value::as_object_mut)
    {
        for (field, annotation) in HIDDEN {
            let text = annotations.remove(annotation);
            let value = text
                .as_ref()
                .and_then(Value::as_str)
                .and_then(|text| serde_json::from_str::<Value>(text).ok());
            found.extend(value.map(|value| (field, value)));
        }
        if annotations.is_empty() {
            meta::ensure(&mut object, &["metadata"]).remove("annotations");
        }
    }
    let spec = meta::ensure(&mut object, &["spec"]);
    spec.extend(
        found
            .into_iter()
            .map(|(field, value)| (field.to_owned(), value)),
    );
    if let Some(percent) = spec.remove("targetCPUUtilizationPercentage")
        && !percent.is_null()
    {
        let metric = json!({ "type": "Resource", "resource": { "name": "cpu",
            "target": { "type": "Utilization", "averageUtilization": percent } } });
        let metrics = spec.entry("metrics").or_insert_with(|| json!([]));
        if let Some(list) = metrics.as_array_mut() {
            list.push(metric);
        }
    }
    object
}

fn is_first_version(target: &Target) -> bool {
    target.kind == Kind::HorizontalPodAutoscaler && target.version == "v1"
}

/// The metric that v1 has a field for.
fn processor(metrics: &[Value]) -> Option<&Value> {
    metrics.iter().find(|metric| {
        metric["resource"]["name"] == "cpu"
            && (metric
                .pointer("/resource/target/averageUtilization")
                .is_some()
                || metric
                    .pointer("/resource/current/averageUtilization")
                    .is_some())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_autoscaler_survives_the_way_out_and_in() {
        let target =
            Target::parse("/apis/autoscaling/v1/namespaces/s/horizontalpodautoscalers").unwrap();
        let cpu = json!({ "type": "Resource", "resource": { "name": "cpu", "target": { "type": "Utilization", "averageUtilization": 80 } } });
        let memory = json!({ "type": "Resource", "resource": { "name": "memory", "target": { "type": "AverageValue", "averageValue": "1Gi" } } });
        let behavior = json!({ "scaleDown": { "stabilizationWindowSeconds": 5 } });
        for metrics in [json!([cpu]), json!([memory]), json!([memory, cpu])] {
            let object = json!({ "apiVersion": "autoscaling/v2", "metadata": { "name": "a" },
                "spec": { "maxReplicas": 3, "behavior": behavior, "metrics": metrics } });
            let shown = out(&target, &object);
            assert_eq!(shown["apiVersion"], V1);
            assert_eq!(
                shown["spec"]
                    .get("targetCPUUtilizationPercentage")
                    .is_some(),
                metrics.as_array().unwrap().contains(&cpu)
            );
            assert_eq!(stored(&target, shown), object);
        }
    }

    #[test]
    fn the_status_shows_the_utilization() {
        let target =
            Target::parse("/apis/autoscaling/v1/namespaces/s/horizontalpodautoscalers").unwrap();
        let object = json!({ "spec": {}, "status": { "currentReplicas": 2, "conditions": [], "currentMetrics": [
            { "type": "Resource", "resource": { "name": "cpu", "current": { "averageUtilization": 12, "averageValue": "12m" } } }] } });
        assert_eq!(
            out(&target, &object)["status"],
            json!({ "currentReplicas": 2, "currentCPUUtilizationPercentage": 12 })
        );
    }
}
