//! `kill-pod`: the service's pods are deleted without grace.

use model::{FaultSpec, Undone};
use serde::{Deserialize, Serialize};

use crate::ChaosError;
use crate::args::{OneService, service};
use crate::kind::Kind;
use crate::world::{PodRef, World};

pub(crate) struct KillPod;

#[derive(Serialize, Deserialize)]
pub(crate) struct Plan {
    pods: Vec<PodRef>,
}

impl Kind for KillPod {
    const SPEC: FaultSpec = FaultSpec {
        kind: "kill-pod",
        summary: "Every pod of the service is deleted without grace: its requests fail until the new pods are ready.",
        recovery: "Nothing: its Deployment makes new pods.",
        args: &[service("the service whose pods are deleted")],
    };
    type Args = OneService;
    type Plan = Plan;

    async fn plan(world: &World, args: OneService) -> Result<Plan, ChaosError> {
        let pods = world.pod_refs(&args.service).await?;
        Ok(Plan { pods })
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        for pod in &plan.pods {
            world.delete_pod(pod).await?;
        }
        Ok(())
    }

    /// There is nothing to put back: the platform replaces what was deleted.
    async fn undo(_world: &World, _plan: &Plan) -> Result<Undone, ChaosError> {
        Ok(Undone::TargetGone)
    }

    async fn verify(_world: &World, _plan: &Plan) -> Result<bool, ChaosError> {
        Ok(true)
    }
}
