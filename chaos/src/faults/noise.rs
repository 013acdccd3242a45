//! `noise`: a service writes warnings that mean nothing.

use model::{ArgKind, ArgSpec, FaultSpec, ServiceName, Undone};
use serde::Deserialize;
use serde_json::json;

use crate::ChaosError;
use crate::hook::Plan;
use crate::kind::Kind;
use crate::world::World;

pub(crate) struct Noise;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
}

impl Kind for Noise {
    const SPEC: FaultSpec = FaultSpec {
        kind: "noise",
        summary: "The service writes alarming warnings to its log now and then, and works as ever: a distractor.",
        recovery: "Nothing needs to be done: the warnings are harmless.",
        args: &[
            ArgSpec {
                name: "service",
                kind: ArgKind::Service,
                default: None,
                help: "the service or store that writes the warnings",
            },
        ],
    };
    type Args = Args;
    type Plan = Plan;

    async fn plan(world: &World, args: Args) -> Result<Plan, ChaosError> {
        Plan::new(world, args.service, "chatter", json!({})).await
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        plan.arm(world, "has no hooks to make noise by").await
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
