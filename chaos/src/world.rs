//! The only way out: Kubernetes objects, and edges through the pods' proxy path.

use std::time::Duration;

use edge::client::ControlRequest;
use edge::{CONTROL_PORT, KEY_HEADER};
use http::{Request, StatusCode, header};
use k8s_openapi::api::core::v1::{Namespace, Pod};
use kube::api::{DeleteParams, ListParams, Preconditions};
use kube::client::Body;
use kube::{Api, Client};
use model::ServiceName;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::ChaosError;

/// The label that lets the lab break what is in a namespace.
const LAB_LABEL: &str = "shoplab.dev/lab";

/// The namespace of what belongs to the lab itself, such as the customers.
const LAB_NAMESPACE: &str = "shoplab";

/// One shop's namespace, as one injection sees it.
#[derive(Clone)]
pub(crate) struct World {
    client: Client,
    namespace: String,
    key: String,
    lease: Duration,
    tag: String,
}

/// A pod that cannot be mistaken for its successor.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PodRef {
    pub(crate) name: String,
    pub(crate) uid: String,
}

/// One run of a pod's main container: another run has another id.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RunRef {
    pub(crate) pod: PodRef,
    pub(crate) run: String,
}

/// What an edge answered.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) text: String,
}

impl Answer {
    /// The field `error` of an edge's refusal; empty where it is not one.
    pub(crate) fn refusal(&self) -> String {
        let body: Value = serde_json::from_str(&self.text).unwrap_or_default();
        body["error"].as_str().unwrap_or_default().to_owned()
    }

    /// The answer's body where it is JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    /// This answer as an error, for whoever expected another.
    pub(crate) fn unexpected(&self, what: &str, pod: &PodRef) -> ChaosError {
        ChaosError::Edge {
            what: what.to_owned(),
            pod: pod.name.clone(),
            status: self.status.as_u16(),
            detail: self.text.trim().to_owned(),
        }
    }
}

impl World {
    pub(crate) fn new(client: Client, namespace: &str, key: &str, lease: Duration) -> Self {
        Self {
            client,
            namespace: namespace.to_owned(),
            key: key.to_owned(),
            lease,
            tag: String::new(),
        }
    }

    /// The same world for the injection that `tag` names.
    pub(crate) fn tagged(&self, tag: String) -> Self {
        Self {
            tag,
            ..self.clone()
        }
    }

    /// The lab's own namespace, where the customers are.
    ///
    /// # Errors
    /// [`ChaosError::NotOurs`] when it is not labelled, and the API's own.
    pub(crate) async fn of_the_lab(&self) -> Result<Self, ChaosError> {
        let lab = Self {
            namespace: LAB_NAMESPACE.to_owned(),
            ..self.clone()
        };
        lab.check_namespace().await?;
        Ok(lab)
    }

    /// The way to the API server.
    pub(crate) fn client(&self) -> &Client {
        &self.client
    }

    /// The namespace of everything that is read and changed.
    pub(crate) fn namespace(&self) -> &str {
        &self.namespace
    }

    /// A name that no other injection has, for what is left in an edge.
    pub(crate) fn tag(&self) -> &str {
        &self.tag
    }

    /// How long what is left in an edge lives unrenewed.
    pub(crate) fn lease(&self) -> Duration {
        self.lease
    }

    /// Refuses a namespace that is not labelled as the lab's.
    pub(crate) async fn check_namespace(&self) -> Result<(), ChaosError> {
        let namespaces: Api<Namespace> = Api::all(self.client.clone());
        let namespace = namespaces
            .get(&self.namespace)
            .await
            .map_err(failed(format!("reading namespace `{}`", self.namespace)))?;
        let labels = namespace.metadata.labels.unwrap_or_default();
        match labels.get(LAB_LABEL).map(String::as_str) {
            Some("true") => Ok(()),
            _ => Err(ChaosError::NotOurs(self.namespace.clone())),
        }
    }

    /// The service's pods that are not on their way out.
    ///
    /// # Errors
    /// [`ChaosError::Target`] when there is none.
    pub(crate) async fn pods(&self, service: &ServiceName) -> Result<Vec<Pod>, ChaosError> {
        let list = ListParams::default().labels(&format!("name={service}"));
        let pods = self
            .pod_api()
            .list(&list)
            .await
            .map_err(failed(format!("listing the pods of `{service}`")))?;
        let mut pods = pods.items;
        pods.retain(|pod| pod.metadata.deletion_timestamp.is_none());
        if pods.is_empty() {
            return Err(ChaosError::Target {
                service: service.clone(),
                problem: "has no pod; wait until it runs".to_owned(),
            });
        }
        Ok(pods)
    }

    /// Who the service's pods are.
    pub(crate) async fn pod_refs(&self, service: &ServiceName) -> Result<Vec<PodRef>, ChaosError> {
        Ok(self.pods(service).await?.iter().map(pod_ref).collect())
    }

    /// The present runs of the service's main containers.
    pub(crate) async fn runs(&self, service: &ServiceName) -> Result<Vec<RunRef>, ChaosError> {
        let pods = self.pods(service).await?;
        let runs: Vec<RunRef> = pods
            .iter()
            .filter_map(|pod| {
                let run = running(pod)?;
                let pod = pod_ref(pod);
                Some(RunRef { pod, run })
            })
            .collect();
        if runs.is_empty() {
            return Err(ChaosError::Target {
                service: service.clone(),
                problem: "has a pod, but its container does not run; wait until it does".to_owned(),
            });
        }
        Ok(runs)
    }

    /// The very same pod; `None` when it is gone, replaced or on its way out.
    pub(crate) async fn pod(&self, wanted: &PodRef) -> Result<Option<Pod>, ChaosError> {
        let pod = self
            .pod_api()
            .get_opt(&wanted.name)
            .await
            .map_err(failed(format!("reading pod `{}`", wanted.name)))?;
        Ok(pod.filter(|pod| {
            pod.metadata.uid.as_deref() == Some(&wanted.uid)
                && pod.metadata.deletion_timestamp.is_none()
        }))
    }

    /// Whether the very same run of the main container goes on.
    pub(crate) async fn still_runs(&self, wanted: &RunRef) -> Result<bool, ChaosError> {
        let pod = self.pod(&wanted.pod).await?;
        Ok(pod.and_then(|pod| running(&pod)).as_ref() == Some(&wanted.run))
    }

    /// Deletes the pod at once, unless another has taken its name.
    pub(crate) async fn delete_pod(&self, pod: &PodRef) -> Result<(), ChaosError> {
        let params = DeleteParams {
            grace_period_seconds: Some(0),
            preconditions: Some(Preconditions {
                uid: Some(pod.uid.clone()),
                resource_version: None,
            }),
            ..DeleteParams::default()
        };
        match self.pod_api().delete(&pod.name, &params).await {
            Ok(_) => Ok(()),
            Err(kube::Error::Api(status)) if matches!(status.code, 404 | 409) => Ok(()),
            Err(error) => Err(failed(format!("deleting pod `{}`", pod.name))(error)),
        }
    }

    /// Sends a request to a pod's edge by way of the Kubernetes API.
    pub(crate) async fn edge(
        &self,
        pod: &PodRef,
        request: ControlRequest,
    ) -> Result<Answer, ChaosError> {
        let what = format!("{} {} at pod `{}`", request.method, request.path, pod.name);
        let path = format!(
            "/api/v1/namespaces/{}/pods/{}:{CONTROL_PORT}/proxy{}",
            self.namespace, pod.name, request.path
        );
        let body = request
            .body
            .map(|body| body.to_string())
            .unwrap_or_default();
        let request = Request::builder()
            .method(request.method)
            .uri(path)
            .header(KEY_HEADER, &self.key)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(body.into_bytes()))
            .map_err(|error| failed(what.clone())(kube::Error::HttpError(error)))?;
        let answer = self
            .client
            .send(request)
            .await
            .map_err(failed(what.clone()))?;
        let status = answer.status();
        let bytes = answer
            .into_body()
            .collect_bytes()
            .await
            .map_err(failed(what))?;
        let text = String::from_utf8_lossy(&bytes).into_owned();
        Ok(Answer { status, text })
    }

    fn pod_api(&self) -> Api<Pod> {
        Api::namespaced(self.client.clone(), &self.namespace)
    }
}

/// The API's error, with what was tried.
pub(crate) fn failed(what: String) -> impl FnOnce(kube::Error) -> ChaosError {
    move |source| ChaosError::Kube {
        what,
        source: Box::new(source),
    }
}

/// Who a pod is.
pub(crate) fn pod_ref(pod: &Pod) -> PodRef {
    PodRef {
        name: pod.metadata.name.clone().unwrap_or_default(),
        uid: pod.metadata.uid.clone().unwrap_or_default(),
    }
}

/// The id of the pod's main container while it runs. The main container is
/// the one that the pod's label `name` names, or the first.
pub(crate) fn running(pod: &Pod) -> Option<String> {
    let status = main_status(pod)?;
    status.state.as_ref()?.running.as_ref()?;
    status.container_id.clone()
}

/// Whether the pod's main container waits in the platform's back-off.
pub(crate) fn in_back_off(pod: &Pod) -> bool {
    main_status(pod)
        .and_then(|status| status.state.as_ref()?.waiting.as_ref()?.reason.as_deref())
        .is_some_and(|reason| reason == "CrashLoopBackOff")
}

fn main_status(pod: &Pod) -> Option<&k8s_openapi::api::core::v1::ContainerStatus> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    let labels = pod.metadata.labels.as_ref();
    let name = labels.and_then(|labels| labels.get("name"));
    let named = statuses.iter().find(|status| Some(&status.name) == name);
    named.or_else(|| statuses.first())
}
