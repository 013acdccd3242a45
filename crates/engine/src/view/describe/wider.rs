//! A Deployment and a Service in words.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Endpoints, Service};
use model::Timestamp;

use super::{container, rows, whole};

/// Describes `deployment`.
pub(in crate::view) fn deployment(deployment: &Deployment, now: Timestamp) -> Vec<String> {
    let row = rows::deployment(deployment, now);
    let spec = deployment.spec.as_ref();
    let strategy = spec.and_then(|spec| spec.strategy.as_ref());
    let strategy = strategy.and_then(|strategy| strategy.type_.as_deref());
    let mut lines = vec![
        format!("Name:       {}", row.name),
        format!("Selector:   {}", labels(Some(&row.selector))),
        format!(
            "Replicas:   {} wanted, {} ready, {} up to date, {} available",
            row.wanted, row.ready, row.updated, row.available
        ),
        format!("Strategy:   {}", strategy.unwrap_or("RollingUpdate")),
        format!("Age:        {}", whole(row.age)),
    ];
    let revision = deployment.metadata.annotations.as_ref();
    let revision = revision.and_then(|all| all.get("deployment.kubernetes.io/revision"));
    if let Some(revision) = revision {
        lines.insert(1, format!("Revision:   {revision}"));
    }
    lines.extend([String::new(), "Containers:".to_owned()]);
    let template = spec.and_then(|spec| spec.template.spec.as_ref());
    for each in template.into_iter().flat_map(|spec| &spec.containers) {
        container(each, None, &mut lines);
    }
    lines.extend([String::new(), "Conditions:".to_owned()]);
    let status = deployment.status.as_ref();
    let conditions = status.and_then(|status| status.conditions.as_ref());
    for condition in conditions.into_iter().flatten() {
        let why = [condition.reason.as_deref(), condition.message.as_deref()];
        let why: Vec<&str> = why.into_iter().flatten().collect();
        let (name, holds) = (&condition.type_, &condition.status);
        let line = format!("  {name:<18} {holds:<6} {}", why.join(": "));
        lines.push(line.trim_end().to_owned());
    }
    lines
}

/// Describes `service` with the endpoints `behind` it.
pub(in crate::view) fn service(
    service: &Service,
    behind: Option<&Endpoints>,
    now: Timestamp,
) -> Vec<String> {
    let row = rows::service(service, behind, now);
    let selector = service
        .spec
        .as_ref()
        .and_then(|spec| spec.selector.as_ref());
    let ready = match row.ready.as_slice() {
        [] => "none".to_owned(),
        ready => ready.join(", "),
    };
    vec![
        format!("Name:       {}", row.name),
        format!("Selector:   {}", labels(selector)),
        format!("Type:       {}", row.kind),
        format!("IP:         {}", row.address),
        format!("Ports:      {}", row.ports),
        format!("Endpoints:  {ready}"),
        format!("Not ready:  {}", row.unready),
        format!("Age:        {}", whole(row.age)),
    ]
}

fn labels(labels: Option<&BTreeMap<String, String>>) -> String {
    let all = labels.into_iter().flatten();
    let all: Vec<String> = all.map(|(name, value)| format!("{name}={value}")).collect();
    if all.is_empty() {
        return "none".to_owned();
    }
    all.join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const NOW: Timestamp = Timestamp::from_millis(1_767_225_720_000);

    #[test]
    fn a_deployment_is_described_with_what_it_wants_and_has() {
        let made: Deployment = serde_json::from_value(json!({
            "metadata": { "name": "payment", "creationTimestamp": "2026-01-01T00:00:00Z",
                "annotations": { "deployment.kubernetes.io/revision": "2" } },
            "spec": { "replicas": 2, "selector": { "matchLabels": { "name": "payment" } },
                "template": { "spec": { "containers": [{ "name": "payment", "image": "payment:v1" }] } } },
            "status": { "readyReplicas": 1, "updatedReplicas": 2, "availableReplicas": 1,
                "conditions": [{ "type": "Available", "status": "False",
                    "reason": "MinimumReplicasUnavailable" }] } }))
        .expect("a Deployment");
        assert_eq!(
            deployment(&made, NOW).join("\n"),
            "Name:       payment
Revision:   2
Selector:   name=payment
Replicas:   2 wanted, 1 ready, 2 up to date, 1 available
Strategy:   RollingUpdate
Age:        2m

Containers:
  payment:
    Image:      payment:v1

Conditions:
  Available          False  MinimumReplicasUnavailable"
        );
    }

    #[test]
    fn a_service_without_ready_endpoints_says_so() {
        let made: Service = serde_json::from_value(json!({
            "metadata": { "name": "payment", "creationTimestamp": "2026-01-01T00:00:00Z" },
            "spec": { "clusterIP": "127.9.0.1", "type": "ClusterIP",
                "selector": { "name": "payment" }, "ports": [{ "port": 80 }] } }))
        .expect("a Service");
        let text = service(&made, None, NOW).join("\n");
        assert!(text.contains("Endpoints:  none\n"), "{text}");
        assert!(text.contains("Selector:   name=payment\n"), "{text}");
    }
}
