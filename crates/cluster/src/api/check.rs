//! What the server refuses to store, with Kubernetes' field paths and words. Pure.

use serde_json::Value;

use super::status::{ApiError, ApiResult};
use crate::controllers::Schedule;
use crate::objects::{Kind, meta};
use crate::selector::LabelSelector;

/// Checks an object that is to be stored; says all that is wrong at once.
pub(super) fn object(kind: Kind, object: &Value) -> ApiResult<()> {
    let mut causes = Vec::new();
    name(kind, object, &mut causes);
    match kind {
        Kind::Pod => pod_spec(&object["spec"], "spec", &mut causes),
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet => {
            workload(object, &mut causes);
        }
        Kind::Job => job(&object["spec"], "spec", &mut causes),
        Kind::CronJob => cron_job(&object["spec"], &mut causes),
        Kind::HorizontalPodAutoscaler => autoscaler(&object["spec"], &mut causes),
        Kind::Service => service(&object["spec"], &mut causes),
        _ => {}
    }
    refuse(kind, object, &causes)
}

/// Checks a change.
pub(super) fn update(kind: Kind, before: &Value, after: &Value) -> ApiResult<()> {
    let mut causes = Vec::new();
    match kind {
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet | Kind::DaemonSet
            if before["spec"]["selector"] != after["spec"]["selector"] =>
        {
            causes.push(cause("spec.selector", "Invalid value: field is immutable"));
        }
        Kind::Pod if without_images(before) != without_images(after) => causes.push(cause(
            "spec",
            "Forbidden: pod updates may not change fields other than `spec.containers[*].image` and \
             `spec.initContainers[*].image`",
        )),
        _ => {}
    }
    refuse(kind, after, &causes)?;
    object(kind, after)
}

fn refuse(kind: Kind, object: &Value, causes: &[(String, String)]) -> ApiResult<()> {
    if causes.is_empty() {
        return Ok(());
    }
    Err(ApiError::invalid(kind, meta::name(object), causes))
}

type Causes = Vec<(String, String)>;

fn cause(field: &str, message: &str) -> (String, String) {
    (field.to_owned(), message.to_owned())
}

fn name(kind: Kind, object: &Value, causes: &mut Causes) {
    let name = meta::name(object);
    if name.is_empty() {
        if meta::text(object, "/metadata/generateName").is_empty() {
            causes.push(cause(
                "metadata.name",
                "Required value: name or generateName is required",
            ));
        }
        return;
    }
    let role = matches!(
        kind,
        Kind::Role | Kind::RoleBinding | Kind::ClusterRole | Kind::ClusterRoleBinding
    );
    let inner = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "-.".contains(c);
    let edge = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let fine = name.len() <= 253
        && name.chars().all(inner)
        && name.starts_with(edge)
        && name.ends_with(edge);
    if !fine && !role {
        causes.push((
            "metadata.name".to_owned(),
            format!(
                "Invalid value: \"{name}\": a lowercase RFC 1123 subdomain must consist of lower case alphanumeric \
                 characters, '-' or '.', and must start and end with an alphanumeric character (e.g. 'example.com')"
            ),
        ));
    }
}

fn workload(object: &Value, causes: &mut Causes) {
    let template = &object["spec"]["template"];
    match LabelSelector::of_workload(&object["spec"]["selector"]) {
        None => causes.push(cause("spec.selector", "Required value")),
        Some(selector) if !selector.matches(template) => causes.push((
            "spec.template.metadata.labels".to_owned(),
            format!(
                "Invalid value: {}: `selector` does not match template `labels`",
                template["metadata"]["labels"]
            ),
        )),
        Some(_) => {}
    }
    if object["spec"]["replicas"]
        .as_i64()
        .is_some_and(|replicas| replicas < 0)
    {
        causes.push(cause(
            "spec.replicas",
            "Invalid value: must be greater than or equal to 0",
        ));
    }
    pod_spec(&template["spec"], "spec.template.spec", causes);
}

fn pod_spec(spec: &Value, at: &str, causes: &mut Causes) {
    let containers = meta::items(spec, "/containers");
    if containers.is_empty() {
        causes.push((format!("{at}.containers"), "Required value".to_owned()));
    }
    let mut names = Vec::new();
    for (place, container) in containers.iter().enumerate() {
        for field in ["name", "image"] {
            if meta::text(container, &format!("/{field}")).is_empty() {
                causes.push((
                    format!("{at}.containers[{place}].{field}"),
                    "Required value".to_owned(),
                ));
            }
        }
        let name = meta::text(container, "/name");
        if !name.is_empty() && names.contains(&name) {
            causes.push((
                format!("{at}.containers[{place}].name"),
                format!("Duplicate value: \"{name}\""),
            ));
        }
        names.push(name);
    }
}

fn job(spec: &Value, at: &str, causes: &mut Causes) {
    let pod = &spec["template"]["spec"];
    let policy = meta::text(pod, "/restartPolicy");
    if !matches!(policy, "Never" | "OnFailure") {
        causes.push((
            format!("{at}.template.spec.restartPolicy"),
            "Required value: valid values: \"OnFailure\", \"Never\"".to_owned(),
        ));
    }
    pod_spec(pod, &format!("{at}.template.spec"), causes);
}

fn cron_job(spec: &Value, causes: &mut Causes) {
    let schedule = meta::text(spec, "/schedule");
    if let Err(error) = Schedule::parse(schedule) {
        causes.push((
            "spec.schedule".to_owned(),
            format!("Invalid value: \"{schedule}\": {error}"),
        ));
    }
    let zone = meta::text(spec, "/timeZone");
    if !matches!(zone, "" | "UTC" | "Etc/UTC") {
        causes.push((
            "spec.timeZone".to_owned(),
            format!("Invalid value: \"{zone}\": this cluster knows UTC only"),
        ));
    }
    let policy = meta::text(spec, "/concurrencyPolicy");
    if !matches!(policy, "" | "Allow" | "Forbid" | "Replace") {
        causes.push((
            "spec.concurrencyPolicy".to_owned(),
            format!(
                "Unsupported value: \"{policy}\": supported values: \"Allow\", \"Forbid\", \"Replace\""
            ),
        ));
    }
    job(
        &spec["jobTemplate"]["spec"],
        "spec.jobTemplate.spec",
        causes,
    );
}

fn autoscaler(spec: &Value, causes: &mut Causes) {
    if meta::text(spec, "/scaleTargetRef/name").is_empty() {
        causes.push(cause("spec.scaleTargetRef.name", "Required value"));
    }
    let least = meta::number(spec, "/minReplicas").unwrap_or(1);
    let most = meta::number(spec, "/maxReplicas").unwrap_or(0);
    if least < 1 {
        causes.push((
            "spec.minReplicas".to_owned(),
            format!("Invalid value: {least}: must be greater than or equal to 1"),
        ));
    }
    if most < 1 {
        causes.push((
            "spec.maxReplicas".to_owned(),
            format!("Invalid value: {most}: must be greater than 0"),
        ));
    } else if most < least {
        causes.push((
            "spec.maxReplicas".to_owned(),
            format!("Invalid value: {most}: must be greater than or equal to `minReplicas`"),
        ));
    }
}

fn service(spec: &Value, causes: &mut Causes) {
    let ports = meta::items(spec, "/ports");
    if ports.is_empty() && spec["type"] != "ExternalName" && spec["clusterIP"] != "None" {
        causes.push(cause("spec.ports", "Required value"));
    }
    for (place, port) in ports.iter().enumerate() {
        if !port["port"]
            .as_i64()
            .is_some_and(|port| (1..=65_535).contains(&port))
        {
            causes.push((
                format!("spec.ports[{place}].port"),
                format!(
                    "Invalid value: {}: must be between 1 and 65535, inclusive",
                    port["port"]
                ),
            ));
        }
        if ports.len() > 1 && meta::text(port, "/name").is_empty() {
            causes.push((
                format!("spec.ports[{place}].name"),
                "Required value".to_owned(),
            ));
        }
    }
}

fn without_images(pod: &Value) -> Value {
    let mut spec = pod["spec"].clone();
    for list in ["containers", "initContainers"] {
        for container in spec
            .get_mut(list)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            container["image"] = Value::Null;
        }
    }
    spec
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn all_that_is_wrong_is_said_at_once() {
        let broken = json!({
            "metadata": { "name": "Bad_Name" },
            "spec": {
                "selector": { "matchLabels": { "a": "b" } },
                "template": { "metadata": { "labels": { "a": "c" } }, "spec": { "containers": [{ "name": "x" }] } },
            },
        });
        let said = object(Kind::Deployment, &broken).unwrap_err().to_string();
        for part in [
            "metadata.name",
            "`selector` does not match",
            "containers[0].image: Required value",
        ] {
            assert!(said.contains(part), "{part} is missing in: {said}");
        }
    }

    #[test]
    fn the_bounds_of_an_autoscaler_make_sense() {
        let target = json!({ "kind": "Deployment", "name": "a" });
        for (spec, field) in [
            (json!({ "maxReplicas": 2 }), "spec.scaleTargetRef.name"),
            (json!({ "scaleTargetRef": target }), "spec.maxReplicas"),
            (
                json!({ "scaleTargetRef": target, "minReplicas": 3, "maxReplicas": 2 }),
                "spec.maxReplicas",
            ),
            (
                json!({ "scaleTargetRef": target, "minReplicas": 0, "maxReplicas": 2 }),
                "spec.minReplicas",
            ),
        ] {
            let autoscaler = json!({ "metadata": { "name": "a" }, "spec": spec });
            let said = object(Kind::HorizontalPodAutoscaler, &autoscaler).unwrap_err();
            assert!(said.to_string().contains(field), "{said}");
        }
    }

    #[test]
    fn what_can_never_end_or_begin_is_no_job() {
        let pods = |policy: &str| {
            json!({ "template": { "spec": {
            "restartPolicy": policy, "containers": [{ "name": "a", "image": "b" }] } } })
        };
        let job = |spec: Value| json!({ "metadata": { "name": "a" }, "spec": spec });
        let cron = |schedule: &str, zone: &str| {
            job(
                json!({ "schedule": schedule, "timeZone": zone, "jobTemplate": { "spec": pods("Never") } }),
            )
        };
        for (kind, wrong, field) in [
            (
                Kind::Job,
                job(pods("Always")),
                "spec.template.spec.restartPolicy",
            ),
            (Kind::CronJob, cron("often", "UTC"), "spec.schedule"),
            (
                Kind::CronJob,
                cron("* * * * *", "Europe/Paris"),
                "spec.timeZone",
            ),
        ] {
            let said = object(kind, &wrong).unwrap_err().to_string();
            assert!(said.contains(field), "{said}");
        }
        for (kind, fine) in [
            (Kind::Job, job(pods("OnFailure"))),
            (Kind::CronJob, cron("@hourly", "")),
        ] {
            assert!(object(kind, &fine).is_ok());
        }
    }

    #[test]
    fn a_selector_cannot_change() {
        let before = json!({ "metadata": { "name": "a" }, "spec": { "selector": { "matchLabels": { "a": "b" } } } });
        let mut after = before.clone();
        after["spec"]["selector"]["matchLabels"]["a"] = "c".into();
        assert!(
            update(Kind::Deployment, &before, &after)
                .unwrap_err()
                .to_string()
                .contains("immutable")
        );
    }
}
