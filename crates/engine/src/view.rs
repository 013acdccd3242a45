//! The cluster as a responder may see it: what `kubectl get`, `describe` and
//! `logs` show, as plain data. Looking is not on record; asking telemetry is.

mod describe;
mod rows;
mod usage;
mod yaml;

use std::collections::BTreeMap;
use std::path::Path;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Endpoints, Event, Pod, Service};
use kube::api::{Api, DynamicObject, ListParams, LogParams};
use model::{Period, Timestamp};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::platform::{client, said};
use crate::{Clock, EngineError};

/// How many lines of a log are read.
const LOG_LINES: i64 = 500;

/// Reads one namespace of the cluster; cheap to clone.
#[derive(Clone)]
pub struct ClusterView {
    namespace: String,
    pods: Api<Pod>,
    deployments: Api<Deployment>,
    services: Api<Service>,
    endpoints: Api<Endpoints>,
    events: Api<Event>,
    usage: Api<DynamicObject>,
}

/// What can be described, and written as YAML.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ObjectKind {
    /// A pod.
    Pod,
    /// A Deployment.
    Deployment,
    /// A Service.
    Service,
}

impl ObjectKind {
    /// Every kind.
    pub const ALL: [Self; 3] = [Self::Pod, Self::Deployment, Self::Service];

    /// As `kubectl` takes it, such as `pod`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pod => "pod",
            Self::Deployment => "deployment",
            Self::Service => "service",
        }
    }
}

/// A pod, as `kubectl get pods` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodRow {
    /// Its name.
    pub name: String,
    /// How many of its containers are ready.
    pub ready: u32,
    /// How many containers it has.
    pub containers: u32,
    /// Its phase, or what keeps it from running, such as `CrashLoopBackOff`.
    pub status: String,
    /// How often its containers were restarted.
    pub restarts: u32,
    /// How long ago the last of these restarts was; nothing where there was none.
    pub restarted: Option<Period>,
    /// How old it is.
    pub age: Period,
    /// Its address.
    pub address: String,
    /// Its labels.
    pub labels: BTreeMap<String, String>,
    /// What it uses, where the cluster measures that.
    pub usage: Option<Usage>,
}

/// What a pod uses, as `kubectl top pods` shows it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Usage {
    /// CPU, in thousandths of a core.
    pub millicores: u64,
    /// Memory, in bytes.
    pub bytes: u64,
}

/// A Deployment, as `kubectl get deployments` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentRow {
    /// Its name.
    pub name: String,
    /// How many pods are ready.
    pub ready: u32,
    /// How many are wanted.
    pub wanted: u32,
    /// How many are of the newest revision.
    pub updated: u32,
    /// How many are available.
    pub available: u32,
    /// How old it is.
    pub age: Period,
    /// The image of its first container.
    pub image: String,
    /// The labels that its pods have.
    pub selector: BTreeMap<String, String>,
}

/// A Service, as `kubectl get services` and `kubectl get endpoints` show it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ServiceRow {
    /// Its name.
    pub name: String,
    /// Its type, such as `ClusterIP`.
    pub kind: String,
    /// Its address.
    pub address: String,
    /// Its ports, such as `80/TCP`.
    pub ports: String,
    /// The addresses behind it that are ready.
    pub ready: Vec<String>,
    /// How many addresses behind it are not.
    pub unready: u32,
    /// How old it is.
    pub age: Period,
}

/// An Event of the cluster, as `kubectl get events` shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// How long ago it was last seen.
    pub age: Period,
    /// `Normal` or `Warning`.
    pub kind: String,
    /// Why, in one word, such as `BackOff`.
    pub reason: String,
    /// What it is about, such as `pod/orders-6d8f-x2x4k`.
    pub object: String,
    /// What it says.
    pub message: String,
}

impl ClusterView {
    /// A view of `namespace` by the kubeconfig at `path`: the responder's.
    ///
    /// # Errors
    /// [`EngineError::Kubeconfig`] when it cannot be used.
    pub async fn connect(path: &Path, namespace: &str) -> Result<Self, EngineError> {
        let client = client(path).await?;
        Ok(Self {
            namespace: namespace.to_owned(),
            pods: Api::namespaced(client.clone(), namespace),
            deployments: Api::namespaced(client.clone(), namespace),
            services: Api::namespaced(client.clone(), namespace),
            endpoints: Api::namespaced(client.clone(), namespace),
            events: Api::namespaced(client.clone(), namespace),
            usage: Api::namespaced_with(client, namespace, &usage::resource()),
        })
    }

    /// The pods, by name, with what they use where the cluster measures it.
    ///
    /// # Errors
    /// [`EngineError::Cluster`] with the cluster's own words.
    pub async fn pods(&self) -> Result<Vec<PodRow>, EngineError> {
        let pods = self.pods.list(&ListParams::default()).await;
        let pods = pods.map_err(|error| self.failed("the pods", &error))?;
        let now = now();
        let mut rows: Vec<PodRow> = pods.items.iter().map(|pod| rows::pod(pod, now)).collect();
        // Not every cluster has a metrics server.
        if let Ok(measured) = self.usage.list(&ListParams::default()).await {
            let usages = usage::of_pods(&measured.items);
            for row in &mut rows {
                row.usage = usages.get(&row.name).copied();
            }
        }
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(rows)
    }

    /// The Deployments, by name.
    ///
    /// # Errors
    /// [`EngineError::Cluster`] with the cluster's own words.
    pub async fn deployments(&self) -> Result<Vec<DeploymentRow>, EngineError> {
        let listed = self.deployments.list(&ListParams::default()).await;
        let listed = listed.map_err(|error| self.failed("the deployments", &error))?;
        let now = now();
        let rows = listed.items.iter().map(|each| rows::deployment(each, now));
        let mut rows: Vec<DeploymentRow> = rows.collect();
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(rows)
    }

    /// The Services with the endpoints behind them, by name.
    ///
    /// # Errors
    /// [`EngineError::Cluster`] with the cluster's own words.
    pub async fn services(&self) -> Result<Vec<ServiceRow>, EngineError> {
        let listed = self.services.list(&ListParams::default()).await;
        let listed = listed.map_err(|error| self.failed("the services", &error))?;
        let behind = self.endpoints.list(&ListParams::default()).await;
        let behind = behind.map_err(|error| self.failed("the endpoints", &error))?;
        let now = now();
        let rows = listed.items.iter().map(|service| {
            let name = &service.metadata.name;
            let own = behind.items.iter().find(|each| each.metadata.name == *name);
            rows::service(service, own, now)
        });
        let mut rows: Vec<ServiceRow> = rows.collect();
        rows.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(rows)
    }

    /// The Events, newest first.
    ///
    /// # Errors
    /// [`EngineError::Cluster`] with the cluster's own words.
    pub async fn events(&self) -> Result<Vec<EventRow>, EngineError> {
        let events = self.events.list(&ListParams::default()).await;
        let events = events.map_err(|error| self.failed("the events", &error))?;
        let now = now();
        let mut rows: Vec<EventRow> = events
            .items
            .iter()
            .map(|event| rows::event(event, now))
            .collect();
        rows.sort_by_key(|row| row.age);
        Ok(rows)
    }

    /// What `kubectl describe` says of an object, its Events included.
    ///
    /// # Errors
    /// [`EngineError::Cluster`] with the cluster's own words.
    pub async fn describe(&self, kind: ObjectKind, name: &str) -> Result<Vec<String>, EngineError> {
        // A description without Events is better than none.
        let events = self.events().await.unwrap_or_default();
        let object = format!("{}/{name}", kind.as_str());
        let events: Vec<EventRow> = events.into_iter().filter(|e| e.object == object).collect();
        let mut lines = match kind {
            ObjectKind::Pod => describe::pod(&self.get(&self.pods, kind, name).await?, now()),
            ObjectKind::Deployment => {
                let deployment = self.get(&self.deployments, kind, name).await?;
                describe::deployment(&deployment, now())
            }
            ObjectKind::Service => {
                let service = self.get(&self.services, kind, name).await?;
                let behind = self.endpoints.get_opt(name).await;
                let behind = behind.map_err(|error| self.failed("the endpoints", &error))?;
                describe::service(&service, behind.as_ref(), now())
            }
        };
        lines.extend(describe::events(&events));
        Ok(lines)
    }

    /// An object as `kubectl get -o yaml` writes it.
    ///
    /// # Errors
    /// [`EngineError::Cluster`] with the cluster's own words.
    pub async fn yaml(&self, kind: ObjectKind, name: &str) -> Result<Vec<String>, EngineError> {
        match kind {
            ObjectKind::Pod => self.written(&self.pods, kind, name).await,
            ObjectKind::Deployment => self.written(&self.deployments, kind, name).await,
            ObjectKind::Service => self.written(&self.services, kind, name).await,
        }
    }

    async fn written<K>(
        &self,
        api: &Api<K>,
        kind: ObjectKind,
        name: &str,
    ) -> Result<Vec<String>, EngineError>
    where
        K: kube::Resource + Clone + std::fmt::Debug + DeserializeOwned + Serialize,
    {
        let object = self.get(api, kind, name).await?;
        let text = yaml::written(object).map_err(|error| EngineError::Cluster {
            what: format!("the {} {name} could not be written as YAML", kind.as_str()),
            reason: error.to_string(),
        })?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    async fn get<K>(&self, api: &Api<K>, kind: ObjectKind, name: &str) -> Result<K, EngineError>
    where
        K: kube::Resource + Clone + std::fmt::Debug + DeserializeOwned,
    {
        let got = api.get(name).await;
        got.map_err(|error| self.failed(&format!("the {} {name}", kind.as_str()), &error))
    }

    /// The last lines that a pod wrote.
    ///
    /// # Errors
    /// [`EngineError::Cluster`] with the cluster's own words.
    pub async fn logs(&self, pod: &str) -> Result<Vec<String>, EngineError> {
        self.read_logs(pod, LogParams::default()).await
    }

    /// The last lines that a pod's container before the present one wrote.
    ///
    /// # Errors
    /// [`EngineError::Cluster`] with the cluster's own words.
    pub async fn previous_logs(&self, pod: &str) -> Result<Vec<String>, EngineError> {
        let params = LogParams {
            previous: true,
            ..LogParams::default()
        };
        self.read_logs(pod, params).await
    }

    async fn read_logs(&self, pod: &str, params: LogParams) -> Result<Vec<String>, EngineError> {
        let params = LogParams {
            tail_lines: Some(LOG_LINES),
            ..params
        };
        let text = self.pods.logs(pod, &params).await;
        let text = text.map_err(|error| self.failed(&format!("the logs of {pod}"), &error))?;
        Ok(text.lines().map(str::to_owned).collect())
    }

    fn failed(&self, what: &str, error: &kube::Error) -> EngineError {
        EngineError::Cluster {
            what: format!("{what} of {} could not be read", self.namespace),
            reason: said(error),
        }
    }
}

impl std::fmt::Debug for ClusterView {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ClusterView")
            .field("namespace", &self.namespace)
            .finish_non_exhaustive()
    }
}

/// Ages are shown, never recorded: the machine's clock will do.
fn now() -> Timestamp {
    Clock::system().now()
}
