//! `scale-to-zero`: nobody runs the service any more.

use k8s_openapi::api::apps::v1::Deployment;
use model::{FaultSpec, ServiceName, Undone};
use serde::{Deserialize, Serialize};

use crate::ChaosError;
use crate::args::{OneService, service};
use crate::kind::Kind;
use crate::objects::{is_same, replicas, uid};
use crate::world::World;

pub(crate) struct ScaleToZero;

#[derive(Serialize, Deserialize)]
pub(crate) struct Plan {
    service: ServiceName,
    uid: String,
    replicas: i32,
}

impl Kind for ScaleToZero {
    const SPEC: FaultSpec = FaultSpec {
        kind: "scale-to-zero",
        summary: "The service's Deployment is scaled to 0: all its pods end, and nobody answers its name.",
        recovery: "Scale it up again.",
        args: &[service("the service that nobody runs any more")],
    };
    type Args = OneService;
    type Plan = Plan;

    async fn plan(world: &World, args: OneService) -> Result<Plan, ChaosError> {
        let deployment = world.need::<Deployment>(&args.service).await?;
        match replicas(&deployment) {
            0 => Err(ChaosError::Target {
                service: args.service,
                problem: "is scaled to 0 already".to_owned(),
            }),
            replicas => Ok(Plan {
                service: args.service,
                uid: uid(&deployment),
                replicas,
            }),
        }
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        let deployment = world.need::<Deployment>(&plan.service).await?;
        world.scale(&deployment, 0).await
    }

    /// Scales back, unless a responder has scaled it already.
    async fn undo(world: &World, plan: &Plan) -> Result<Undone, ChaosError> {
        match at_zero(world, plan).await? {
            Some(deployment) => {
                world.scale(&deployment, plan.replicas).await?;
                Ok(Undone::Reverted)
            }
            None => Ok(Undone::TargetGone),
        }
    }

    async fn verify(world: &World, plan: &Plan) -> Result<bool, ChaosError> {
        Ok(at_zero(world, plan).await?.is_none())
    }
}

/// The very same Deployment, while it is scaled to 0.
async fn at_zero(world: &World, plan: &Plan) -> Result<Option<Deployment>, ChaosError> {
    let deployment = world.find::<Deployment>(plan.service.as_str()).await?;
    Ok(deployment.filter(|deployment| is_same(deployment, &plan.uid) && replicas(deployment) == 0))
}
