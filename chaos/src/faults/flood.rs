//! `flood`: many times as many customers as the shop is made for.
//!
//! The customers are a Deployment in the lab's own namespace; it gets more
//! pods, each with as many customers as the first.

use k8s_openapi::api::apps::v1::Deployment;
use model::{ArgKind, ArgSpec, FaultSpec, ServiceName, Undone};
use serde::{Deserialize, Serialize};

use crate::ChaosError;
use crate::kind::Kind;
use crate::objects::{is_same, replicas, uid};
use crate::world::World;

/// The customers' Deployment.
const CUSTOMERS: &str = "customers";

pub(crate) struct Flood;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    times: i32,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Plan {
    uid: String,
    before: i32,
    after: i32,
}

impl Kind for Flood {
    const SPEC: FaultSpec = FaultSpec {
        kind: "flood",
        summary: "Many times as many customers come at once: whatever the shop has too little of runs out.",
        recovery: "Give the shop what it needs to bear it, such as more pods of what is short; the customers stay.",
        args: &[ArgSpec {
            name: "times",
            kind: ArgKind::Count { min: 2, max: 50 },
            default: Some("10"),
            help: "how many times as many customers there are",
        }],
    };
    type Args = Args;
    type Plan = Plan;

    async fn plan(world: &World, args: Args) -> Result<Plan, ChaosError> {
        let lab = world.of_the_lab().await?;
        let customers = ServiceName::from(CUSTOMERS);
        let deployment = lab.need::<Deployment>(&customers).await?;
        match replicas(&deployment) {
            0 => Err(ChaosError::Target {
                service: customers,
                problem: "are not there, so they cannot become more; start a load first".to_owned(),
            }),
            before => Ok(Plan {
                uid: uid(&deployment),
                before,
                after: before.saturating_mul(args.times),
            }),
        }
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        let lab = world.of_the_lab().await?;
        let customers = ServiceName::from(CUSTOMERS);
        let deployment = lab.need::<Deployment>(&customers).await?;
        lab.scale(&deployment, plan.after).await
    }

    /// Sends them home, unless somebody has changed their number already.
    async fn undo(world: &World, plan: &Plan) -> Result<Undone, ChaosError> {
        let lab = match world.of_the_lab().await {
            Err(error) if error.is_gone() => return Ok(Undone::TargetGone),
            lab => lab?,
        };
        match still_many(&lab, plan).await? {
            Some(deployment) => {
                lab.scale(&deployment, plan.before).await?;
                Ok(Undone::Reverted)
            }
            None => Ok(Undone::TargetGone),
        }
    }

    async fn verify(world: &World, plan: &Plan) -> Result<bool, ChaosError> {
        let lab = match world.of_the_lab().await {
            Err(error) if error.is_gone() => return Ok(true),
            lab => lab?,
        };
        Ok(still_many(&lab, plan).await?.is_none())
    }
}

/// The very same Deployment, while it has as many pods as the flood gave it.
async fn still_many(lab: &World, plan: &Plan) -> Result<Option<Deployment>, ChaosError> {
    let deployment = lab.find::<Deployment>(CUSTOMERS).await?;
    Ok(deployment
        .filter(|deployment| is_same(deployment, &plan.uid) && replicas(deployment) == plan.after))
}
