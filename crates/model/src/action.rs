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
    /// Set the limits of the service's container; what is left out stays.
    SetResources {
        /// The service.
        service: ServiceName,
        /// The CPU limit as a Kubernetes quantity, such as `200m`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        cpu: Option<String>,
        /// The memory limit as a Kubernetes quantity, such as `400Mi`.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        memory: Option<String>,
    },
    /// Scale the service by its CPU from now on, whatever scaled it before.
    Autoscale {
        /// The service.
        service: ServiceName,
        /// The fewest pods.
        min: u32,
        /// The most pods.
        max: u32,
        /// The share of the requested CPU that is aimed at, in percent.
        cpu: u32,
    },
    /// Apply the service's manifests again, as they stand in the shop's repository.
    Apply(ServiceName),
}

impl Action {
    /// The service that the action changes.
    pub fn service(&self) -> &ServiceName {
        match self {
            Self::RolloutRestart(service)
            | Self::RolloutUndo(service)
            | Self::DeletePod(service)
            | Self::Apply(service) => service,
            Self::Scale { service, .. }
            | Self::SetImage { service, .. }
            | Self::SetResources { service, .. }
            | Self::Autoscale { service, .. } => service,
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
            Self::SetResources {
                service,
                cpu,
                memory,
            } => format!(
                "set resources deployment/{service} --limits={}",
                limits(cpu.as_deref(), memory.as_deref())
            ),
            Self::Autoscale {
                service,
                min,
                max,
                cpu,
            } => format!(
                "delete hpa {service} --ignore-not-found && kubectl -n {namespace} autoscale \
                 deployment/{service} --min={min} --max={max} --cpu-percent={cpu}"
            ),
            Self::Apply(service) => format!("apply -f k8s/{namespace}/{service}.yaml"),
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
            Self::SetResources {
                service,
                cpu,
                memory,
            } => write!(
                f,
                "set limits of {service} to {}",
                limits(cpu.as_deref(), memory.as_deref())
            ),
            Self::Autoscale {
                service,
                min,
                max,
                cpu,
            } => write!(f, "autoscale {service} from {min} to {max} at {cpu}% CPU"),
            Self::Apply(service) => write!(f, "apply {service}"),
        }
    }
}

/// Limits as `kubectl set resources` takes them: `cpu=200m,memory=400Mi`.
fn limits(cpu: Option<&str>, memory: Option<&str>) -> String {
    let cpu = cpu.map(|cpu| format!("cpu={cpu}"));
    let memory = memory.map(|memory| format!("memory={memory}"));
    let both: Vec<String> = cpu.into_iter().chain(memory).collect();
    both.join(",")
}
