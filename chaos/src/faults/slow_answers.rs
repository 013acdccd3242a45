//! `slow-answers`: a service takes its time before it handles a request.

use model::{ArgKind, ArgSpec, FaultSpec, Period, Ratio, ServiceName, Undone};
use serde::Deserialize;
use serde_json::json;

use crate::ChaosError;
use crate::hook::Plan;
use crate::kind::Kind;
use crate::world::World;

pub(crate) struct SlowAnswers;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    delay: Period,
    share: Ratio,
}

impl Kind for SlowAnswers {
    const SPEC: FaultSpec = FaultSpec {
        kind: "slow-answers",
        summary: "Requests to the service wait before they are handled; callers with short timeouts give up, and its health check answers at once.",
        recovery: "Restart it: roll its Deployment or delete its pods.",
        args: &[
            ArgSpec {
                name: "service",
                kind: ArgKind::Service,
                default: None,
                help: "the service that is slow",
            },
            ArgSpec {
                name: "delay",
                kind: ArgKind::Period {
                    min_ms: 1,
                    max_ms: 60_000,
                },
                default: None,
                help: "how much longer a request takes, such as `800ms`",
            },
            ArgSpec {
                name: "share",
                kind: ArgKind::Ratio,
                default: Some("100%"),
                help: "how many of the requests, evenly spread",
            },
        ],
    };
    type Args = Args;
    type Plan = Plan;

    async fn plan(world: &World, args: Args) -> Result<Plan, ChaosError> {
        Plan::new(world, args.service, "slow", json!({ "delay_ms": args.delay.as_millis(), "share": args.share.value() })).await
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        plan.arm(world, "has no hooks to slow its answers by; for a store use slow-queries").await
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
