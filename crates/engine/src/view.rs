//! The cluster as a responder may see it: what `kubectl get`, `describe` and
//! `logs` show, as plain data. Looking is not on record; asking telemetry is.

mod describe;
mod rows;

use std::path::Path;

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::{Event, Pod};
use kube::api::{Api, ListParams, LogParams};
use model::{Period, Timestamp};

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
    events: Api<Event>,
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
    /// How old it is.
    pub age: Period,
    /// Its address.
    pub address: String,
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
        let now = now();
        let mut rows: Vec<PodRow> = pods.items.iter().map(|pod| rows::pod(pod, now)).collect();
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
        Ok(describe::pod(&got, &events, now()))
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
