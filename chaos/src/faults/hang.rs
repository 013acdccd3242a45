//! `hang`: a deadlock inside the service that its health check does not see.

use model::{ArgKind, ArgSpec, FaultSpec, ServiceName, Undone};
use serde::Deserialize;
use serde_json::json;

use crate::ChaosError;
use crate::hook::Plan;
use crate::kind::Kind;
use crate::world::World;

pub(crate) struct Hang;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
}

impl Kind for Hang {
    const SPEC: FaultSpec = FaultSpec {
        kind: "hang",
        summary: "The service deadlocks: every request waits for ever, while its health check answers and its pod stays Running.",
        recovery: "Restart it: roll its Deployment or delete its pods.",
        args: &[
            ArgSpec {
                name: "service",
                kind: ArgKind::Service,
                default: None,
                help: "the service that hangs; stores have no such hook, freeze them instead",
            },
        ],
    };
    type Args = Args;
    type Plan = Plan;

    async fn plan(world: &World, args: Args) -> Result<Plan, ChaosError> {
        Plan::new(world, args.service, "deadlock", json!({})).await
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        plan.arm(world, "has no hooks to hang it by; freeze it instead").await
    }

    async fn tend(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        plan.renew(world).await
    }

    async fn undo(world: &World, plan: &Plan) -> Result<Undone, ChaosError> {
        plan.end(world).await
    }

    async fn verify(world: &World, plan: &Plan) -> Result<bool, ChaosError> {
        plan.is_free(world).await
    }
}
