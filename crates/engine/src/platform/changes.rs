//! What changed in the cluster, from the states that a watch shows.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Pod, PodTemplateSpec};
use model::{Change, ServiceName};

/// The last known state of the shop's Deployments and pods.
#[derive(Debug, Default)]
pub(super) struct Known {
    deployments: BTreeMap<String, (u32, PodTemplateSpec)>,
    pods: BTreeMap<String, Seen>,
}

#[derive(Debug)]
struct Seen {
    service: ServiceName,
    restarts: i32,
}

impl Known {
    /// Notes a Deployment; what changed since it was last seen.
    pub(super) fn deployment(&mut self, deployment: &Deployment) -> Vec<Change> {
        let Some(name) = deployment.metadata.name.clone() else {
            return Vec::new();
        };
        let Some(spec) = &deployment.spec else {
            return Vec::new();
        };
        let wanted = u32::try_from(spec.replicas.unwrap_or(1)).unwrap_or_default();
        let now = (wanted, spec.template.clone());
        let service = ServiceName::from(name.as_str());
        let Some((from, template)) = self.deployments.insert(name, now) else {
            return Vec::new();
        };
        let mut changes = Vec::new();
        if from != wanted {
            changes.push(Change::Scaled {
                service: service.clone(),
                from,
                to: wanted,
            });
        }
        if template != spec.template {
            changes.push(Change::RolledOut {
                image: image(&spec.template),
                service,
            });
        }
        changes
    }

    /// Notes a pod; whether one of its containers was restarted.
    pub(super) fn pod(&mut self, pod: &Pod) -> Option<Change> {
        let name = pod.metadata.name.clone()?;
        let service = service(pod)?;
        let statuses = pod.status.as_ref()?.container_statuses.as_deref();
        let restarts = statuses.unwrap_or_default().iter();
        let restarts = restarts.map(|status| status.restart_count).sum();
        let now = Seen {
            service: service.clone(),
            restarts,
        };
        let before = self.pods.insert(name, now).map(|seen| seen.restarts);
        // Without a state before, restarts are not news.
        (before.is_some_and(|before| restarts > before)).then(|| Change::Restarted {
            service,
            reason: reason(pod).unwrap_or_else(|| "Error".to_owned()),
        })
    }

    /// Notes that a pod is gone; a replacement where its service still wants pods.
    pub(super) fn gone(&mut self, pod: &str) -> Option<Change> {
        let seen = self.pods.remove(pod)?;
        let wanted = self.deployments.get(seen.service.as_str());
        wanted
            .is_some_and(|(wanted, _)| *wanted > 0)
            .then(|| Change::Restarted {
                service: seen.service,
                reason: "Deleted".to_owned(),
            })
    }

    /// The names of the pods that are known.
    pub(super) fn pods(&self) -> Vec<String> {
        self.pods.keys().cloned().collect()
    }
}

fn service(pod: &Pod) -> Option<ServiceName> {
    let labels = pod.metadata.labels.as_ref()?;
    labels.get("name").map(|name| name.as_str().into())
}

fn image(template: &PodTemplateSpec) -> String {
    let first = template
        .spec
        .as_ref()
        .and_then(|spec| spec.containers.first());
    first
        .and_then(|container| container.image.clone())
        .unwrap_or_default()
}

/// Why the container that ended last did so.
fn reason(pod: &Pod) -> Option<String> {
    let statuses = pod.status.as_ref()?.container_statuses.as_deref()?;
    statuses
        .iter()
        .filter_map(|status| status.last_state.as_ref()?.terminated.as_ref())
        .max_by_key(|ended| ended.finished_at.as_ref().map(|time| time.0))
        .and_then(|ended| ended.reason.clone())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn deployment(replicas: i32, image: &str) -> Deployment {
        serde_json::from_value(json!({
            "metadata": { "name": "payment" },
            "spec": { "replicas": replicas, "selector": {}, "template": { "spec": {
                "containers": [{ "name": "payment", "image": image }] } } }
        }))
        .expect("a Deployment")
    }

    fn pod(restarts: i32) -> Pod {
        serde_json::from_value(json!({
            "metadata": { "name": "payment-1", "labels": { "name": "payment" } },
            "status": { "containerStatuses": [{
                "name": "payment", "restartCount": restarts, "ready": true, "image": "", "imageID": "",
                "lastState": { "terminated": { "exitCode": 137, "reason": "OOMKilled" } } }] }
        }))
        .expect("a pod")
    }

    #[test]
    fn scaling_and_new_revisions_are_changes_and_the_first_sight_is_not() {
        let mut known = Known::default();
        let scaled = |from, to| Change::Scaled {
            service: "payment".into(),
            from,
            to,
        };
        let rolled = |image: &str| Change::RolledOut {
            service: "payment".into(),
            image: image.to_owned(),
        };
        for (replicas, image, changes) in [
            (1, "a:1", vec![]),
            (1, "a:1", vec![]),
            (0, "a:1", vec![scaled(1, 0)]),
            (0, "a:2", vec![rolled("a:2")]),
            (2, "a:1", vec![scaled(0, 2), rolled("a:1")]),
        ] {
            assert_eq!(known.deployment(&deployment(replicas, image)), changes);
        }
    }

    #[test]
    fn a_restart_has_its_reason_and_a_pod_that_vanishes_was_replaced_unless_none_is_wanted() {
        let mut known = Known::default();
        let restarted = |reason: &str| Change::Restarted {
            service: "payment".into(),
            reason: reason.to_owned(),
        };
        known.deployment(&deployment(1, "a:1"));
        assert_eq!(known.pod(&pod(3)), None);
        assert_eq!(known.pod(&pod(3)), None);
        assert_eq!(known.pod(&pod(4)), Some(restarted("OOMKilled")));
        assert_eq!(known.gone("payment-1"), Some(restarted("Deleted")));
        assert_eq!(known.gone("payment-1"), None);
        known.pod(&pod(0));
        known.deployment(&deployment(0, "a:1"));
        assert_eq!(known.gone("payment-1"), None);
    }
}
