//! The cluster as a responder may see it: what `kubectl get`, `describe` and
//! `logs` show, as plain data. Looking is not on record; asking telemetry is.

mod describe;
mod rows;

use std::path::Path;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{Api, ListParams, LogParams};
use model::{Period, ServiceName, Timestamp};

use crate::EngineError;
use crate::platform::{client, said};

/// How many lines of a log are read.
const LOG_LINES: i64 = 500;

/// Reads one namespace of the cluster; cheap to clone.
#[derive(Clone)]
pub struct ClusterView {
    namespace: String,
    pods: Api<Pod>,
    deployments: Api<Deployment>,
    events: Api<Event>,
}

/// A pod, as `kubectl get pods -o wide` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PodRow {
    /// Its name.
    pub name: String,
    /// The service that it belongs to (its label `name`).
    pub service: ServiceName,
    /// How many of its containers are ready.
    pub ready: u32,
    /// How many containers it has.
    pub containers: u32,
    /// `Running`, `CrashLoopBackOff`, `Terminating` and so on.
    pub status: String,
    /// How often its containers were restarted.
    pub restarts: u32,
    /// When its container that ended last did so, and why, where one did.
    pub last_end: Option<(Timestamp, String)>,
    /// When it was made.
    pub created: Timestamp,
    /// Its address.
    pub ip: String,
    /// The image of its first container.
    pub image: String,
}

/// A Deployment, as `kubectl get deployments` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DeploymentRow {
    /// The service that it runs.
    pub service: ServiceName,
    /// How many pods it shall have.
    pub wanted: u32,
    /// How many of them are ready.
    pub ready: u32,
    /// How many of them have the present template.
    pub updated: u32,
    /// How many of them are available.
    pub available: u32,
    /// The image of its first container.
    pub image: String,
    /// Its revision, from 1; 0 where none is known.
    pub revision: u64,
    /// When it was made.
    pub created: Timestamp,
}

/// An Event of the cluster, as `kubectl get events` lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventRow {
    /// When it was last seen.
    pub at: Timestamp,
    /// Whether it is a warning.
    pub warning: bool,
    /// Its reason, such as `BackOff`.
    pub reason: String,
    /// What it is about, such as `pod/payment-6c8f9d-x2v7k`.
    pub object: String,
    /// What it says.
    pub message: String,
    /// How often it was seen.
    pub count: u32,
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
            events: Api::namespaced(client, namespace),
        })
    }

    /// The pods, by name.
    ///
    /// # Errors
    /// [`EngineError::Cluster`] with the cluster's own words.
    pub async fn pods(&self) -> Result<Vec<PodRow>, EngineError> {
        let pods = self.pods.list(&ListParams::default()).await;
        let pods = pods.map_err(|error| self.failed("the pods", &error))?;
        let mut rows: Vec<PodRow> = pods.items.iter().map(rows::pod).collect();
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
        let mut rows: Vec<DeploymentRow> = listed.items.iter().map(rows::deployment).collect();
        rows.sort_by(|a, b| a.service.cmp(&b.service));
        Ok(rows)
    }

    /// The Events, newest first.
    ///
    /// # Errors
    /// [`EngineError::Cluster`] with the cluster's own words.
    pub async fn events(&self) -> Result<Vec<EventRow>, EngineError> {
        let events = self.events.list(&ListParams::default()).await;
        let events = events.map_err(|error| self.failed("the events", &error))?;
        let mut rows: Vec<EventRow> = events.items.iter().map(rows::event).collect();
        rows.sort_by_key(|row| std::cmp::Reverse(row.at));
        Ok(rows)
    }

    /// What `kubectl describe pod` says of it, its Events included.
    ///
    /// # Errors
    /// [`EngineError::Cluster`] with the cluster's own words.
    pub async fn describe(&self, pod: &str) -> Result<Vec<String>, EngineError> {
        let what = format!("the pod {pod}");
        let got = self.pods.get(pod).await;
        let got = got.map_err(|error| self.failed(&what, &error))?;
        // A description without Events is better than none.
        let events = self.events().await.unwrap_or_default();
        let object = format!("pod/{pod}");
        let events: Vec<EventRow> = events.into_iter().filter(|e| e.object == object).collect();
        Ok(describe::pod(&got, &events))
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

impl PodRow {
    /// How old it is at `now`.
    pub fn age(&self, now: Timestamp) -> Period {
        now.since(self.created)
    }
}
