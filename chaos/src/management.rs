//! The management API of a RabbitMQ, over a port-forward.
//!
//! It wants its user's password in the header `Authorization`, which the
//! Kubernetes API takes for itself and takes out of what it proxies. So it is
//! not reached by the pods' proxy path, but as `kubectl port-forward` reaches it.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Method, Request, header};
use http_body_util::{BodyExt, Full};
use hyper::client::conn::http1;
use hyper_util::rt::TokioIo;
use k8s_openapi::api::core::v1::Pod;
use kube::Api;
use model::ServiceName;
use serde_json::Value;

use crate::ChaosError;
use crate::world::{Answer, World, failed, pod_ref, running};

/// The port of the management API.
const PORT: u16 = 15_672;

/// The management API of one pod.
pub(crate) struct Management {
    pods: Api<Pod>,
    pod: String,
    authorization: String,
}

impl Management {
    /// That of the service's pod that runs.
    ///
    /// # Errors
    /// [`ChaosError::Target`] when none does.
    pub(crate) async fn of(world: &World, service: &ServiceName) -> Result<Self, ChaosError> {
        let pods = world.pods(service).await?;
        let pod = pods.iter().find(|pod| running(pod).is_some());
        let pod = pod.ok_or_else(|| ChaosError::Target {
            service: service.clone(),
            problem: "has a pod, but its container does not run; wait until it does".to_owned(),
        })?;
        let user = variable(pod, "RABBITMQ_DEFAULT_USER");
        let password = variable(pod, "RABBITMQ_DEFAULT_PASS");
        let pair = format!(
            "{}:{}",
            user.unwrap_or("guest"),
            password.unwrap_or("guest")
        );
        Ok(Self {
            pods: Api::namespaced(world.client().clone(), world.namespace()),
            pod: pod_ref(pod).name,
            authorization: format!("Basic {}", STANDARD.encode(pair)),
        })
    }

    /// Sends one request; `path` is encoded.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        body: Option<&Value>,
    ) -> Result<Answer, ChaosError> {
        let what = format!("{method} {path}");
        let forward = self.pods.portforward(&self.pod, &[PORT]).await;
        let mut forward = forward.map_err(failed(format!("forwarding to pod `{}`", self.pod)))?;
        let broken = |source: Box<dyn std::error::Error + Send + Sync>| ChaosError::Forward {
            what: what.clone(),
            pod: self.pod.clone(),
            source,
        };
        let stream = forward.take_stream(PORT);
        let stream = stream.ok_or_else(|| broken("the port was not forwarded".into()))?;
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| broken(error.into()))?;
        let body = body.map(Value::to_string).unwrap_or_default();
        let request = Request::builder()
            .method(method)
            .uri(path)
            .header(header::HOST, "localhost")
            .header(header::AUTHORIZATION, &self.authorization)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Full::new(Bytes::from(body)))
            .map_err(|error| broken(error.into()))?;
        let answered = async {
            let answer = sender.send_request(request).await?;
            let status = answer.status();
            let bytes = answer.into_body().collect().await?.to_bytes();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Ok::<_, hyper::Error>(Answer { status, text })
        };
        // The connection moves only while somebody waits for it.
        let answer = tokio::select! {
            answer = answered => answer,
            Err(error) = connection => Err(error),
        };
        answer.map_err(|error| broken(error.into()))
    }

    /// That answer as an error, for whoever expected another.
    pub(crate) fn unexpected(&self, what: &str, answer: &Answer) -> ChaosError {
        ChaosError::Management {
            what: what.to_owned(),
            pod: self.pod.clone(),
            status: answer.status.as_u16(),
            detail: answer.text.trim().to_owned(),
        }
    }
}

/// A variable that is written in the pod itself.
fn variable<'a>(pod: &'a Pod, name: &str) -> Option<&'a str> {
    let containers = pod.spec.iter().flat_map(|spec| &spec.containers);
    let mut variables = containers.flat_map(|container| container.env.iter().flatten());
    variables
        .find(|variable| variable.name == name)
        .and_then(|variable| variable.value.as_deref())
}
