//! `cpu-hog`: threads of a process compute for nothing.

use model::{ArgKind, ArgSpec, FaultSpec, ServiceName, Undone};
use serde::Deserialize;
use serde_json::json;

use crate::ChaosError;
use crate::hook::Plan;
use crate::kind::Kind;
use crate::world::World;

pub(crate) struct CpuHog;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    threads: u64,
}

impl Kind for CpuHog {
    const SPEC: FaultSpec = FaultSpec {
        kind: "cpu-hog",
        summary: "Threads of the process spin: it uses all the CPU time that it may, is throttled at its limit, and its requests get slow.",
        recovery: "Restart it: roll its Deployment or delete its pods; a higher CPU limit or more replicas only soften it.",
        args: &[
            ArgSpec {
                name: "service",
                kind: ArgKind::Service,
                default: None,
                help: "the service or store that spins",
            },
            ArgSpec {
                name: "threads",
                kind: ArgKind::Count { min: 1, max: 8 },
                default: Some("2"),
                help: "threads that spin",
            },
        ],
    };
    type Args = Args;
    type Plan = Plan;

    async fn plan(world: &World, args: Args) -> Result<Plan, ChaosError> {
        Plan::new(world, args.service, "burn", json!({ "threads": args.threads })).await
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        plan.arm(world, "has no hooks to burn CPU time by").await
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
