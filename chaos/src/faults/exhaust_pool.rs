//! `exhaust-pool`: all connections of a service to its own database are taken.

use model::{ArgKind, ArgSpec, FaultSpec, ServiceName, Undone};
use serde::Deserialize;
use serde_json::json;

use crate::ChaosError;
use crate::hook::Plan;
use crate::kind::Kind;
use crate::world::World;

pub(crate) struct ExhaustPool;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
}

impl Kind for ExhaustPool {
    const SPEC: FaultSpec = FaultSpec {
        kind: "exhaust-pool",
        summary: "All connections of the service's own database pool are taken and not given back: requests wait and fail with a connection timeout, while the database is well.",
        recovery: "Restart the service, not its database: roll its Deployment or delete its pods.",
        args: &[
            ArgSpec {
                name: "service",
                kind: ArgKind::Service,
                default: None,
                help: "the service whose pool is exhausted; not the database",
            },
        ],
    };
    type Args = Args;
    type Plan = Plan;

    async fn plan(world: &World, args: Args) -> Result<Plan, ChaosError> {
        Plan::new(world, args.service, "pool", json!({})).await
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        plan.arm(world, "has no pool of database connections").await
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
