//! The shop's cluster through the Kubernetes API.

use std::path::Path;
use std::pin::pin;
use std::time::Duration;

use async_trait::async_trait;
use futures::StreamExt;
use k8s_openapi::api::apps::v1::{Deployment, ReplicaSet};
use k8s_openapi::api::autoscaling::v2::HorizontalPodAutoscaler;
use k8s_openapi::api::core::v1::{Pod, Service};
use kube::api::{Api, ListParams, WatchEvent, WatchParams};
use kube::config::{KubeConfigOptions, Kubeconfig};
use model::{Action, Change, ServiceName};
use serde_json::Value;
use tokio::sync::mpsc;

use super::act::said;
use super::calls::peers;
use super::changes::Known;
use super::{Part, Platform};
use crate::{Clock, EngineError};

/// A watch that breaks is begun anew after this time.
const AGAIN: Duration = Duration::from_millis(500);

/// One namespace of a Kubernetes cluster.
pub(crate) struct Kubernetes {
    pub(super) deployments: Api<Deployment>,
    pub(super) replica_sets: Api<ReplicaSet>,
    pub(super) pods: Api<Pod>,
    pub(super) services: Api<Service>,
    pub(super) autoscalers: Api<HorizontalPodAutoscaler>,
    /// The shop's objects as they are authored.
    pub(super) manifests: Vec<Value>,
    namespace: String,
    pub(super) clock: Clock,
}

/// A client by the kubeconfig at `path`.
pub(crate) async fn client(path: &Path) -> Result<kube::Client, EngineError> {
    let bad = |reason: String| EngineError::Kubeconfig {
        path: path.to_owned(),
        reason,
    };
    let kubeconfig = Kubeconfig::read_from(path).map_err(|error| bad(error.to_string()))?;
    let options = KubeConfigOptions::default();
    let config = kube::Config::from_custom_kubeconfig(kubeconfig, &options)
        .await
        .map_err(|error| bad(error.to_string()))?;
    kube::Client::try_from(config).map_err(|error| bad(error.to_string()))
}

impl Kubernetes {
    /// The namespace called `namespace`, whose objects are authored as `manifests`.
    pub(crate) fn new(
        client: &kube::Client,
        namespace: &str,
        clock: Clock,
        manifests: Vec<Value>,
    ) -> Self {
        Self {
            deployments: Api::namespaced(client.clone(), namespace),
            replica_sets: Api::namespaced(client.clone(), namespace),
            pods: Api::namespaced(client.clone(), namespace),
            services: Api::namespaced(client.clone(), namespace),
            autoscalers: Api::namespaced(client.clone(), namespace),
            manifests,
            namespace: namespace.to_owned(),
            clock,
        }
    }

    fn failed(&self, error: &kube::Error) -> EngineError {
        EngineError::Cluster {
            what: format!("the namespace {} could not be read", self.namespace),
            reason: said(error),
        }
    }

    /// Lists and watches once; ends when a watch does.
    async fn watch_once(
        &self,
        known: &mut Known,
        changes: &mpsc::Sender<Change>,
    ) -> Result<(), kube::Error> {
        let deployments = self.deployments.list(&ListParams::default()).await?;
        for deployment in &deployments.items {
            tell(changes, known.deployment(deployment)).await;
        }
        let pods = self.pods.list(&ListParams::default()).await?;
        let listed = |name: &String| {
            let mut pods = pods.items.iter();
            pods.any(|pod| pod.metadata.name.as_ref() == Some(name))
        };
        for gone in known.pods().iter().filter(|name| !listed(name)) {
            tell(changes, known.gone(gone)).await;
        }
        for pod in &pods.items {
            tell(changes, known.pod(pod)).await;
        }
        let version = |version: &Option<String>| version.clone().unwrap_or_default();
        let params = WatchParams::default();
        let from = version(&deployments.metadata.resource_version);
        let mut deployments = pin!(self.deployments.watch(&params, &from).await?);
        let from = version(&pods.metadata.resource_version);
        let mut pods = pin!(self.pods.watch(&params, &from).await?);
        loop {
            tokio::select! {
                event = deployments.next() => match event.transpose()? {
                    Some(WatchEvent::Added(deployment) | WatchEvent::Modified(deployment)) => {
                        tell(changes, known.deployment(&deployment)).await;
                    }
                    Some(WatchEvent::Deleted(_) | WatchEvent::Bookmark(_)) => {}
                    Some(WatchEvent::Error(_)) | None => return Ok(()),
                },
                event = pods.next() => match event.transpose()? {
                    Some(WatchEvent::Added(pod) | WatchEvent::Modified(pod)) => {
                        tell(changes, known.pod(&pod)).await;
                    }
                    Some(WatchEvent::Deleted(pod)) => {
                        let name = pod.metadata.name.unwrap_or_default();
                        tell(changes, known.gone(&name)).await;
                    }
                    Some(WatchEvent::Bookmark(_)) => {}
                    Some(WatchEvent::Error(_)) | None => return Ok(()),
                },
                () = changes.closed() => return Ok(()),
            }
        }
    }
}

async fn tell(changes: &mpsc::Sender<Change>, happened: impl IntoIterator<Item = Change>) {
    for change in happened {
        // Nobody listens any more: the watch ends by itself.
        if changes.send(change).await.is_err() {
            return;
        }
    }
}

#[async_trait]
impl Platform for Kubernetes {
    async fn parts(&self) -> Result<Vec<Part>, EngineError> {
        let params = ListParams::default();
        let (services, deployments) =
            tokio::try_join!(self.services.list(&params), self.deployments.list(&params))
                .map_err(|error| self.failed(&error))?;
        let services: Vec<ServiceName> = services
            .items
            .into_iter()
            .filter_map(|service| service.metadata.name.map(ServiceName::from))
            .collect();
        let parts = deployments.items.iter();
        Ok(parts
            .filter_map(|deployment| part(deployment, &self.namespace, &services))
            .collect())
    }

    async fn act(&self, action: &Action) -> Result<(), String> {
        self.execute(action).await
    }

    async fn watch(&self, changes: mpsc::Sender<Change>) {
        let mut known = Known::default();
        let mut again = tokio::time::interval(AGAIN);
        again.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        while !changes.is_closed() {
            again.tick().await;
            if let Err(error) = self.watch_once(&mut known, &changes).await {
                tracing::debug!(error = %said(&error), "the watch of the cluster broke");
            }
        }
    }
}

fn part(deployment: &Deployment, namespace: &str, services: &[ServiceName]) -> Option<Part> {
    let meta = &deployment.metadata;
    let spec = deployment.spec.as_ref()?;
    let service = ServiceName::from(meta.name.as_deref()?);
    let status = deployment.status.as_ref();
    let count = |number: Option<i32>| u32::try_from(number.unwrap_or_default()).unwrap_or_default();
    let containers = spec.template.spec.iter().flat_map(|spec| &spec.containers);
    let values = containers
        .flat_map(|container| container.env.iter().flatten())
        .filter_map(|variable| variable.value.as_deref());
    let mut calls: Vec<ServiceName> = values
        .flat_map(|value| peers(value, namespace, services))
        .filter(|peer| **peer != service)
        .cloned()
        .collect();
    calls.sort();
    calls.dedup();
    Some(Part {
        wanted: u32::try_from(spec.replicas.unwrap_or(1)).unwrap_or_default(),
        available: count(status.and_then(|status| status.available_replicas)),
        settled: status
            .and_then(|status| status.observed_generation)
            .unwrap_or_default()
            >= meta.generation.unwrap_or_default(),
        service,
        calls,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_part_is_read_from_its_deployment() {
        let deployment: Deployment = serde_json::from_value(json!({
            "metadata": { "name": "orders", "generation": 3 },
            "spec": { "replicas": 2, "selector": {}, "template": { "spec": { "containers": [{
                "name": "orders", "env": [
                    { "name": "PAYMENT_URL", "value": "http://payment" },
                    { "name": "AGAIN", "value": "http://payment:80" },
                    { "name": "SELF", "value": "http://orders" },
                    { "name": "POD_IP", "valueFrom": { "fieldRef": { "fieldPath": "status.podIP" } } },
                    { "name": "OTEL_EXPORTER_OTLP_ENDPOINT", "value": "http://tempo.observability:4318" }] }] } } },
            "status": { "availableReplicas": 1, "observedGeneration": 2 }
        }))
        .expect("a Deployment");
        let services = ["orders", "payment", "carts"].map(ServiceName::from);
        let part = part(&deployment, "sock-shop", &services).expect("a part");
        assert_eq!((part.wanted, part.available, part.settled), (2, 1, false));
        assert_eq!(part.calls, ["payment"]);
        assert_eq!(super::super::missing(&[part]), ["orders 1/2"]);
    }
}
