//! `failing-answers`: a service answers requests with errors of its own.

use model::{ArgKind, ArgSpec, FaultSpec, Ratio, ServiceName, Undone};
use serde::Deserialize;
use serde_json::json;

use crate::ChaosError;
use crate::hook::Plan;
use crate::kind::Kind;
use crate::world::World;

pub(crate) struct FailingAnswers;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    share: Ratio,
}

impl Kind for FailingAnswers {
    const SPEC: FaultSpec = FaultSpec {
        kind: "failing-answers",
        summary: "Requests to the service are answered with status 500 in its own error format; its health check stays good.",
        recovery: "Restart it: roll its Deployment or delete its pods.",
        args: &[
            ArgSpec {
                name: "service",
                kind: ArgKind::Service,
                default: None,
                help: "the service that fails",
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
        Plan::new(world, args.service, "errors", json!({ "share": args.share.value() })).await
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        plan.arm(world, "has no hooks to fail by").await
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
