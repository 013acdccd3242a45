//! What the faults of the network share: toxics on the edges from one service to another.

use edge::client::{add_toxic, remove_toxic, renew_toxic, toxic as show_toxic};
use edge::{Toxic, ToxicKind};
use http::StatusCode;
use model::{ArgKind, ArgSpec, ServiceName, Undone};
use serde::{Deserialize, Serialize};

use crate::ChaosError;
use crate::kind::together;
use crate::world::{PodRef, World};

/// The caller.
pub(crate) const FROM: ArgSpec = ArgSpec {
    name: "from",
    kind: ArgKind::Service,
    default: None,
    help: "the service that calls",
};

/// The callee.
pub(crate) const TO: ArgSpec = ArgSpec {
    name: "to",
    kind: ArgKind::Service,
    default: None,
    help: "the service or store that is called",
};

/// Arguments of a fault that needs no more than the two ends.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Ends {
    pub(crate) from: ServiceName,
    pub(crate) to: ServiceName,
}

/// Toxics with the same names on the same proxy of several pods' edges.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    pub(crate) pods: Vec<PodRef>,
    pub(crate) proxy: ServiceName,
    pub(crate) toxics: Vec<String>,
}

impl Plan {
    /// The edges of the present pods of `from`, towards `to`, with so many toxics.
    pub(crate) async fn new(
        world: &World,
        from: &ServiceName,
        to: ServiceName,
        toxics: usize,
    ) -> Result<Self, ChaosError> {
        Ok(Self {
            pods: world.pod_refs(from).await?,
            proxy: to,
            toxics: (0..toxics)
                .map(|n| format!("{}-{n}", world.tag()))
                .collect(),
        })
    }

    /// Adds the toxics, one for each name, with the injection's lease.
    pub(crate) async fn add(
        &self,
        world: &World,
        toxics: &[(ToxicKind, edge::Stream)],
    ) -> Result<(), ChaosError> {
        for pod in &self.pods {
            for (name, (kind, stream)) in self.toxics.iter().zip(toxics) {
                let mut toxic = Toxic::new(*kind, *stream);
                toxic.name = name.clone();
                toxic.lease = Some(world.lease());
                let request = add_toxic(self.proxy.as_str(), &toxic);
                let answer = world.edge(pod, request).await?;
                if answer.refusal() == "proxy not found" {
                    return Err(ChaosError::Target {
                        service: self.proxy.clone(),
                        problem: format!("is not called by pod `{}`", pod.name),
                    });
                }
                // One of that name is ours, from an attempt before.
                if !answer.status.is_success() && answer.status != StatusCode::CONFLICT {
                    return Err(answer.unexpected("breaking the edge", pod));
                }
            }
        }
        Ok(())
    }

    /// Renews every lease that has not run out.
    pub(crate) async fn renew(&self, world: &World) -> Result<(), ChaosError> {
        for pod in &self.pods {
            for toxic in &self.toxics {
                let request = renew_toxic(self.proxy.as_str(), toxic, world.lease());
                let answer = world.edge(pod, request).await?;
                // Gone with its pod, or run out: not renewed, so that nothing
                // comes back that was healed.
                if !answer.status.is_success() && answer.status != StatusCode::NOT_FOUND {
                    return Err(answer.unexpected("renewing the lease", pod));
                }
            }
        }
        Ok(())
    }

    /// Removes the toxics.
    pub(crate) async fn remove(&self, world: &World) -> Result<Undone, ChaosError> {
        let mut ends = Vec::new();
        for pod in &self.pods {
            if world.pod(pod).await?.is_none() {
                ends.push(Undone::TargetGone);
                continue;
            }
            for toxic in &self.toxics {
                let request = remove_toxic(self.proxy.as_str(), toxic);
                let answer = world.edge(pod, request).await?;
                ends.push(match (answer.status, answer.refusal().as_str()) {
                    (status, _) if status.is_success() => Undone::Reverted,
                    (_, "toxic not found") => Undone::LeaseExpired,
                    (_, "proxy not found") => Undone::TargetGone,
                    _ => return Err(answer.unexpected("healing the edge", pod)),
                });
            }
        }
        Ok(together(ends))
    }

    /// Whether no edge has any of the toxics.
    pub(crate) async fn is_free(&self, world: &World) -> Result<bool, ChaosError> {
        for pod in &self.pods {
            if world.pod(pod).await?.is_none() {
                continue;
            }
            for toxic in &self.toxics {
                let request = show_toxic(self.proxy.as_str(), toxic);
                let answer = world.edge(pod, request).await?;
                if answer.status != StatusCode::NOT_FOUND || answer.refusal().is_empty() {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }
}
