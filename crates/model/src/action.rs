//! What a responder can do to the shop: the runbook's commands.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::ServiceName;

/// A change to the shop, as a runbook names it. Authored as a one-key map:
/// `rollout-restart: payment`, `scale: { service: payment, replicas: 2 }`.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Action {
    /// Replace every pod of the service, one after another.
    RolloutRestart(ServiceName),
    /// Go back to the revision before the present one.
    RolloutUndo(ServiceName),
    /// Delete the service's pods; its Deployment makes new ones.
    DeletePod(ServiceName),
    /// Set how many pods the service has.
    Scale {
        /// The service.
        service: ServiceName,
        /// How many pods it shall have.
        replicas: u32,
    },
    /// Deploy a release.
    SetImage {
        /// The service.
        service: ServiceName,
        /// The image's tag, such as `v1.0.0`.
        release: String,
    },
}

impl Action {
    /// The service that the action changes.
    pub fn service(&self) -> &ServiceName {
        match self {
            Self::RolloutRestart(service)
            | Self::RolloutUndo(service)
            | Self::DeletePod(service) => service,
            Self::Scale { service, .. } | Self::SetImage { service, .. } => service,
        }
    }

    /// The same as arguments of `kubectl`, in `namespace`; `container` images
    /// are named as the Deployment names them.
    pub fn kubectl(&self, namespace: &str) -> String {
        let command = match self {
            Self::RolloutRestart(service) => format!("rollout restart deployment/{service}"),
            Self::RolloutUndo(service) => format!("rollout undo deployment/{service}"),
            Self::DeletePod(service) => format!("delete pod -l name={service}"),
            Self::Scale { service, replicas } => {
                format!("scale deployment/{service} --replicas={replicas}")
            }
            Self::SetImage { service, release } => format!(
                "set image deployment/{service} {service}=shoplab/{namespace}/{service}:{release}"
            ),
        };
        format!("kubectl -n {namespace} {command}")
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::RolloutRestart(service) => write!(f, "rollout restart {service}"),
            Self::RolloutUndo(service) => write!(f, "rollout undo {service}"),
            Self::DeletePod(service) => write!(f, "delete pod of {service}"),
            Self::Scale { service, replicas } => write!(f, "scale {service} to {replicas}"),
            Self::SetImage { service, release } => write!(f, "set image of {service} to {release}"),
        }
    }
}
