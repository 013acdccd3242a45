//! Changes that bring whole objects: manifests applied again, an autoscaler.

use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use kube::api::{DeleteParams, Patch, PatchParams, PostParams};
use model::ServiceName;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};

use super::Kubernetes;
use super::act::said;

impl Kubernetes {
    /// Applies the service's Deployment and Service as they are authored: what
    /// was changed by hand since is as it was.
    ///
    /// # Errors
    /// The API's own words, or that there is no manifest.
    pub(super) async fn apply(&self, service: &ServiceName) -> Result<(), String> {
        let authored = |kind: &str| {
            self.manifests.iter().find(|object| {
                object["kind"] == kind && object["metadata"]["name"] == service.as_str()
            })
        };
        let (deployment, endpoint) = (authored("Deployment"), authored("Service"));
        if deployment.is_none() && endpoint.is_none() {
            return Err(format!(
                "there is no manifest of {service} in the shop's repository"
            ));
        }
        if let Some(object) = endpoint {
            put(&self.services, service, object).await?;
        }
        if let Some(object) = deployment {
            put(&self.deployments, service, object).await?;
        }
        Ok(())
    }

    /// Scales the service by its CPU, in place of whatever scaled it before.
    ///
    /// # Errors
    /// The API's own words.
    pub(super) async fn autoscale(
        &self,
        service: &ServiceName,
        min: u32,
        max: u32,
        cpu: u32,
    ) -> Result<(), String> {
        let name = service.as_str();
        match self
            .autoscalers
            .delete(name, &DeleteParams::default())
            .await
        {
            Ok(_) => {}
            Err(kube::Error::Api(status)) if status.code == 404 => {}
            Err(error) => return Err(said(&error)),
        }
        let autoscaler = autoscaler(service, min, max, cpu)?;
        let created = self
            .autoscalers
            .create(&PostParams::default(), &autoscaler)
            .await;
        created.map(drop).map_err(|error| said(&error))
    }
}

/// Sets the object's labels and spec as authored, lists as a whole; makes it
/// where it is gone.
async fn put<K>(api: &kube::Api<K>, service: &ServiceName, object: &Value) -> Result<(), String>
where
    K: kube::Resource + Clone + DeserializeOwned + serde::Serialize + std::fmt::Debug,
{
    let patch = json!({
        "metadata": { "labels": object["metadata"]["labels"] },
        "spec": object["spec"],
    });
    let params = PatchParams::default();
    match api
        .patch(service.as_str(), &params, &Patch::Merge(&patch))
        .await
    {
        Ok(_) => Ok(()),
        Err(kube::Error::Api(status)) if status.code == 404 => {
            let object = serde_json::from_value(object.clone())
                .map_err(|error| format!("the manifest of {service}: {error}"))?;
            let created = api.create(&PostParams::default(), &object).await;
            created.map(drop).map_err(|error| said(&error))
        }
        Err(error) => Err(said(&error)),
    }
}

/// What `kubectl autoscale` makes.
fn autoscaler(
    service: &ServiceName,
    min: u32,
    max: u32,
    cpu: u32,
) -> Result<HorizontalPodAutoscaler, String> {
    serde_json::from_value(json!({
        "metadata": { "name": service },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": service },
            "minReplicas": min,
            "maxReplicas": max,
            "metrics": [{ "type": "Resource", "resource": {
                "name": "cpu", "target": { "type": "Utilization", "averageUtilization": cpu } } }],
        },
    }))
    .map_err(|error| error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_autoscaler_aims_at_a_share_of_the_requested_cpu() {
        let made = autoscaler(&"front-end".into(), 1, 5, 60).expect("valid");
        let made = serde_json::to_value(made).expect("JSON");
        assert_eq!(made["spec"]["scaleTargetRef"]["name"], "front-end");
        assert_eq!(made["spec"]["maxReplicas"], 5);
        let metric = &made["spec"]["metrics"][0]["resource"];
        assert_eq!(metric["name"], "cpu");
        assert_eq!(metric["target"]["averageUtilization"], 60);
    }
}
