//! `slow-queries`: every statement of a database, or command of a cache, takes longer.

use model::{ArgKind, ArgSpec, FaultSpec, Period, ServiceName, Undone};
use serde::Deserialize;
use serde_json::json;

use crate::ChaosError;
use crate::hook::Plan;
use crate::kind::Kind;
use crate::world::World;

pub(crate) struct SlowQueries;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    delay: Period,
}

impl Kind for SlowQueries {
    const SPEC: FaultSpec = FaultSpec {
        kind: "slow-queries",
        summary: "Every statement of the store takes longer: its own metrics say so, services wait for it and their connections run out.",
        recovery: "Restart the store: delete its pod.",
        args: &[
            ArgSpec {
                name: "service",
                kind: ArgKind::Service,
                default: None,
                help: "the store, such as `orders-db`",
            },
            ArgSpec {
                name: "delay",
                kind: ArgKind::Period {
                    min_ms: 1,
                    max_ms: 60_000,
                },
                default: None,
                help: "how much longer a statement takes, such as `800ms`",
            },
        ],
    };
    type Args = Args;
    type Plan = Plan;

    async fn plan(world: &World, args: Args) -> Result<Plan, ChaosError> {
        Plan::new(world, args.service, "statements", json!({ "delay_ms": args.delay.as_millis() })).await
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        plan.arm(world, "has no statements to slow down; it must be a PostgreSQL or Redis store of the lab").await
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
