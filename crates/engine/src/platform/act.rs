//! The runbook's commands, through the Kubernetes API, as `kubectl` does them.

use std::collections::BTreeMap;

use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::core::v1::PodTemplateSpec;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, PostParams};
use model::{Action, ServiceName, Timestamp};
use serde_json::{Value, json};

use super::Kubernetes;

const REVISION: &str = "deployment.kubernetes.io/revision";
const HASH: &str = "pod-template-hash";

impl Kubernetes {
    /// Does `action`; the API's own words when it refuses.
    pub(super) async fn execute(&self, action: &Action) -> Result<(), String> {
        match action {
            Action::RolloutRestart(service) => {
                self.patch(service, &Patch::Strategic(restart(self.clock.now())))
                    .await
            }
            Action::RolloutUndo(service) => self.undo(service).await,
            Action::DeletePod(service) => self.delete_pods(service).await,
            Action::Scale { service, replicas } => {
                let patch = Patch::Merge(json!({ "spec": { "replicas": replicas } }));
                let params = PatchParams::default();
                let scaled = self
                    .deployments
                    .patch_scale(service.as_str(), &params, &patch);
                scaled.await.map(drop).map_err(|error| said(&error))
            }
            Action::SetImage { service, release } => {
                let deployment = self.get(service).await?;
                let patch = set_image(&deployment, service, release)?;
                self.patch(service, &Patch::Strategic(patch)).await
            }
            Action::SetResources {
                service,
                cpu,
                memory,
            } => {
                let patch = set_resources(service, cpu.as_deref(), memory.as_deref());
                self.patch(service, &Patch::Strategic(patch)).await
            }
            Action::Autoscale {
                service,
                min,
                max,
                cpu,
            } => self.autoscale(service, *min, *max, *cpu).await,
            Action::Apply(service) => self.apply(service).await,
        }
    }

    async fn get(&self, service: &ServiceName) -> Result<Deployment, String> {
        let got = self.deployments.get(service.as_str()).await;
        got.map_err(|error| said(&error))
    }

    pub(super) async fn patch(
        &self,
        service: &ServiceName,
        patch: &Patch<Value>,
    ) -> Result<(), String> {
        let params = PatchParams::default();
        let patched = self.deployments.patch(service.as_str(), &params, patch);
        patched.await.map(drop).map_err(|error| said(&error))
    }

    async fn delete_pods(&self, service: &ServiceName) -> Result<(), String> {
        let params = ListParams::default().labels(&format!("name={service}"));
        let pods = self.pods.list(&params).await;
        let pods = pods.map_err(|error| said(&error))?;
        if pods.items.is_empty() {
            return Err(format!("no pods of {service} were found"));
        }
        for pod in pods.items {
            let name = pod.metadata.name.unwrap_or_default();
            match self.pods.delete(&name, &DeleteParams::default()).await {
                Ok(_) => {}
                // Somebody else was faster.
                Err(kube::Error::Api(status)) if status.code == 404 => {}
                Err(error) => return Err(said(&error)),
            }
        }
        Ok(())
    }

    /// Puts the template of the revision before in place of the present one.
    async fn undo(&self, service: &ServiceName) -> Result<(), String> {
        let sets = self.replica_sets.list(&ListParams::default()).await;
        let sets = sets.map_err(|error| said(&error))?.items;
        // A controller may write the Deployment at the same time: try again.
        for _ in 0..5 {
            let mut deployment = self.get(service).await?;
            let template = previous(&deployment, &sets)
                .ok_or_else(|| format!("no rollout history found for deployment \"{service}\""))?;
            if let Some(spec) = &mut deployment.spec {
                spec.template = template;
            }
            let params = PostParams::default();
            let replaced = self
                .deployments
                .replace(service.as_str(), &params, &deployment);
            match replaced.await {
                Ok(_) => return Ok(()),
                Err(kube::Error::Api(status)) if status.code == 409 => {}
                Err(error) => return Err(said(&error)),
            }
        }
        Err(format!(
            "deployment \"{service}\" changes all the time; try again"
        ))
    }
}

/// What the API said, without the wrapping.
pub(crate) fn said(error: &kube::Error) -> String {
    match error {
        kube::Error::Api(status) if !status.message.is_empty() => status.message.clone(),
        other => {
            let mut cause: &dyn std::error::Error = other;
            while let Some(next) = cause.source() {
                cause = next;
            }
            cause.to_string()
        }
    }
}

/// The annotation that `kubectl rollout restart` sets.
fn restart(now: Timestamp) -> Value {
    let millis = i64::try_from(now.as_millis()).unwrap_or_default();
    let at = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    json!({ "spec": { "template": { "metadata": { "annotations": {
        "kubectl.kubernetes.io/restartedAt": at.to_string() } } } } })
}

/// The image of the service's container with another tag.
fn set_image(
    deployment: &Deployment,
    service: &ServiceName,
    release: &str,
) -> Result<Value, String> {
    let spec = deployment
        .spec
        .as_ref()
        .and_then(|spec| spec.template.spec.as_ref());
    let image = spec
        .and_then(|spec| spec.containers.iter().find(|c| *service == c.name.as_str()))
        .and_then(|container| container.image.as_deref())
        .ok_or_else(|| format!("unable to find container named \"{service}\""))?;
    // A colon before the last slash is a registry's port.
    let name = match image.rfind(':') {
        Some(colon) if image.rfind('/').is_none_or(|slash| slash < colon) => &image[..colon],
        _ => image,
    };
    Ok(json!({ "spec": { "template": { "spec": { "containers": [
        { "name": service, "image": format!("{name}:{release}") }] } } } }))
}

/// Limits of the service's container, as `kubectl set resources --limits` sets them.
fn set_resources(service: &ServiceName, cpu: Option<&str>, memory: Option<&str>) -> Value {
    let limits = [("cpu", cpu), ("memory", memory)];
    let limits: serde_json::Map<String, Value> = limits
        .into_iter()
        .filter_map(|(name, limit)| Some((name.to_owned(), limit?.into())))
        .collect();
    json!({ "spec": { "template": { "spec": { "containers": [
        { "name": service, "resources": { "limits": limits } }] } } } })
}

/// The template of the newest revision before the Deployment's own.
fn previous(deployment: &Deployment, sets: &[ReplicaSet]) -> Option<PodTemplateSpec> {
    let uid = deployment.metadata.uid.as_deref();
    let current = revision(deployment.metadata.annotations.as_ref());
    let owned = sets.iter().filter(|set| {
        let owners = set.metadata.owner_references.as_deref().unwrap_or_default();
        owners.iter().any(|owner| Some(owner.uid.as_str()) == uid)
    });
    let revisions = owned.map(|set| (revision(set.metadata.annotations.as_ref()), set));
    let mut revisions: Vec<_> = revisions.collect();
    revisions.sort_by_key(|(revision, _)| *revision);
    let newest = revisions.last().map(|(revision, _)| *revision);
    let current = if current == 0 { newest? } else { current };
    let (_, set) = revisions
        .into_iter()
        .rfind(|(revision, _)| *revision < current)?;
    let mut template = set.spec.as_ref()?.template.clone()?;
    if let Some(labels) = template
        .metadata
        .as_mut()
        .and_then(|meta| meta.labels.as_mut())
    {
        labels.remove(HASH);
    }
    Some(template)
}

fn revision(annotations: Option<&BTreeMap<String, String>>) -> u64 {
    let text = annotations.and_then(|annotations| annotations.get(REVISION));
    text.and_then(|text| text.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn deployment(revision: &str, image: &str) -> Deployment {
        serde_json::from_value(json!({
            "metadata": { "name": "orders", "uid": "u1", "annotations": { REVISION: revision } },
            "spec": { "selector": {}, "template": { "spec": { "containers": [
                { "name": "sidecar", "image": "edge:1" }, { "name": "orders", "image": image }] } } }
        }))
        .expect("a Deployment")
    }

    fn set(owner: &str, revision: &str, image: &str) -> ReplicaSet {
        serde_json::from_value(json!({
            "metadata": { "annotations": { REVISION: revision }, "ownerReferences": [
                { "apiVersion": "apps/v1", "kind": "Deployment", "name": "orders", "uid": owner }] },
            "spec": { "selector": {}, "template": {
                "metadata": { "labels": { "name": "orders", HASH: "abc" } },
                "spec": { "containers": [{ "name": "orders", "image": image }] } } }
        }))
        .expect("a ReplicaSet")
    }

    #[test]
    fn undo_takes_the_newest_revision_before_the_present_one_without_its_hash() {
        let sets = [
            set("u1", "9", "a:3"),
            set("u1", "10", "a:4"),
            set("u1", "2", "a:1"),
            set("u2", "9", "b:9"),
        ];
        for (revision, image) in [
            ("10", Some("a:3")),
            ("9", Some("a:1")),
            ("", Some("a:3")),
            ("2", None),
        ] {
            let found = previous(&deployment(revision, "a:4"), &sets);
            let labels = found
                .as_ref()
                .and_then(|found| found.metadata.clone()?.labels);
            assert!(labels.is_none_or(|labels| !labels.contains_key(HASH)));
            let found = found.and_then(|found| found.spec?.containers[0].image.clone());
            assert_eq!(found.as_deref(), image, "{revision}");
        }
    }

    #[test]
    fn a_release_replaces_the_tag_and_nothing_else() {
        for (image, expected) in [
            (
                "shoplab/sock-shop/orders:v1.0.0",
                Some("shoplab/sock-shop/orders:v2"),
            ),
            ("registry:5000/orders", Some("registry:5000/orders:v2")),
            ("registry:5000/orders:v1", Some("registry:5000/orders:v2")),
            ("orders", Some("orders:v2")),
        ] {
            let patch =
                set_image(&deployment("1", image), &"orders".into(), "v2").expect("a patch");
            let container = &patch["spec"]["template"]["spec"]["containers"][0];
            assert_eq!(container["image"].as_str(), expected);
            assert_eq!(container["name"], "orders");
        }
        assert!(set_image(&deployment("1", "a"), &"carts".into(), "v2").is_err());
    }

    #[test]
    fn limits_that_are_not_named_stay_as_they_are() {
        let limits = |cpu, memory| {
            let patch = set_resources(&"orders".into(), cpu, memory);
            patch["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"].clone()
        };
        assert_eq!(limits(None, Some("400Mi")), json!({ "memory": "400Mi" }));
        assert_eq!(
            limits(Some("200m"), Some("1Gi")),
            json!({ "cpu": "200m", "memory": "1Gi" })
        );
    }

    #[test]
    fn a_restart_is_an_annotation_with_the_time() {
        let patch = restart(Timestamp::from_millis(1_700_000_000_000));
        let annotations = &patch["spec"]["template"]["metadata"]["annotations"];
        let at = &annotations["kubectl.kubernetes.io/restartedAt"];
        assert_eq!(at, "2023-11-14T22:13:20Z");
    }
}
