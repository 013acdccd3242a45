//! `memory-leak`: a process takes more and more memory until its limit ends it.

use model::{ArgKind, ArgSpec, FaultSpec, ServiceName, Undone};
use serde::Deserialize;
use serde_json::json;

use crate::ChaosError;
use crate::hook::Plan;
use crate::kind::Kind;
use crate::world::World;

pub(crate) struct MemoryLeak;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    rate: u64,
}

impl Kind for MemoryLeak {
    const SPEC: FaultSpec = FaultSpec {
        kind: "memory-leak",
        summary: "The process takes more and more memory; at its limit the platform kills it (OOMKilled, exit code 137) and starts it anew.",
        recovery: "Restart it before its limit does: roll its Deployment or delete its pods; a new process does not leak, and a higher limit only buys time.",
        args: &[
            ArgSpec {
                name: "service",
                kind: ArgKind::Service,
                default: None,
                help: "the service or store that leaks",
            },
            ArgSpec {
                name: "rate",
                kind: ArgKind::Count { min: 1, max: 500 },
                default: Some("20"),
                help: "MiB that it takes each second",
            },
        ],
    };
    type Args = Args;
    type Plan = Plan;

    async fn plan(world: &World, args: Args) -> Result<Plan, ChaosError> {
        Plan::new(world, args.service, "leak", json!({ "mib_per_second": args.rate })).await
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        plan.arm(world, "has no hooks to leak memory by").await
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
