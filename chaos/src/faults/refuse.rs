//! `refuse`: connections from one service to another are refused.

use edge::client::{bring_up, proxy, take_down};
use http::StatusCode;
use model::{FaultSpec, ServiceName, Undone};
use serde::{Deserialize, Serialize};

use crate::ChaosError;
use crate::kind::{Kind, together};
use crate::link::{Ends, FROM, TO};
use crate::world::{PodRef, World};

pub(crate) struct Refuse;

#[derive(Serialize, Deserialize)]
pub(crate) struct Plan {
    pods: Vec<PodRef>,
    proxy: ServiceName,
}

impl Kind for Refuse {
    const SPEC: FaultSpec = FaultSpec {
        kind: "refuse",
        summary: "Connections from one service to another are refused, and standing ones dropped; both are healthy.",
        recovery: "Restart the caller: its new pods have healthy edges.",
        args: &[FROM, TO],
    };
    type Args = Ends;
    type Plan = Plan;

    async fn plan(world: &World, args: Ends) -> Result<Plan, ChaosError> {
        Ok(Plan {
            pods: world.pod_refs(&args.from).await?,
            proxy: args.to,
        })
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        for pod in &plan.pods {
            let request = take_down(plan.proxy.as_str(), world.lease());
            let answer = world.edge(pod, request).await?;
            if !answer.status.is_success() {
                return Err(answer.unexpected("taking the edge down", pod));
            }
        }
        Ok(())
    }

    /// Renews where it is still down: what came up again stays up.
    async fn tend(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        for pod in &plan.pods {
            if is_down(world, pod, &plan.proxy).await? {
                let request = take_down(plan.proxy.as_str(), world.lease());
                world.edge(pod, request).await?;
            }
        }
        Ok(())
    }

    async fn undo(world: &World, plan: &Plan) -> Result<Undone, ChaosError> {
        let mut ends = Vec::new();
        for pod in &plan.pods {
            if world.pod(pod).await?.is_none() {
                ends.push(Undone::TargetGone);
                continue;
            }
            if !is_down(world, pod, &plan.proxy).await? {
                ends.push(Undone::LeaseExpired);
                continue;
            }
            let answer = world.edge(pod, bring_up(plan.proxy.as_str())).await?;
            if !answer.status.is_success() {
                return Err(answer.unexpected("bringing the edge up", pod));
            }
            ends.push(Undone::Reverted);
        }
        Ok(together(ends))
    }

    async fn verify(world: &World, plan: &Plan) -> Result<bool, ChaosError> {
        for pod in &plan.pods {
            if world.pod(pod).await?.is_some() && is_down(world, pod, &plan.proxy).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether the edge refuses; a proxy that is not there does not.
async fn is_down(world: &World, pod: &PodRef, to: &ServiceName) -> Result<bool, ChaosError> {
    let answer = world.edge(pod, proxy(to.as_str())).await?;
    match answer.status {
        status if status.is_success() => Ok(answer.json()["enabled"] == false),
        StatusCode::NOT_FOUND => Ok(false),
        _ => Err(answer.unexpected("asking for the edge", pod)),
    }
}
