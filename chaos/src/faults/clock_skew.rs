//! `clock-skew`: the clock by which a service dates its log lines is wrong.

use model::{ArgKind, ArgSpec, FaultSpec, Period, ServiceName, Undone};
use serde::Deserialize;
use serde_json::json;

use crate::ChaosError;
use crate::hook::Plan;
use crate::kind::Kind;
use crate::world::World;

pub(crate) struct ClockSkew;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    by: Period,
    direction: Direction,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Direction {
    Behind,
    Ahead,
}

impl Kind for ClockSkew {
    const SPEC: FaultSpec = FaultSpec {
        kind: "clock-skew",
        summary: "The service dates its log lines wrongly: they seem to come from another time than the metrics and traces of the same requests.",
        recovery: "Restart it: roll its Deployment or delete its pods; until then go by traces and the platform's own times.",
        args: &[
            ArgSpec {
                name: "service",
                kind: ArgKind::Service,
                default: None,
                help: "the service whose log lines are dated wrongly",
            },
            ArgSpec {
                name: "by",
                kind: ArgKind::Period {
                    min_ms: 1,
                    max_ms: 86_400_000,
                },
                default: Some("10m"),
                help: "how wrong its clock is",
            },
            ArgSpec {
                name: "direction",
                kind: ArgKind::Text,
                default: Some("behind"),
                help: "`behind` or `ahead`",
            },
        ],
    };
    type Args = Args;
    type Plan = Plan;

    async fn plan(world: &World, args: Args) -> Result<Plan, ChaosError> {
        let by = i64::try_from(args.by.as_millis()).unwrap_or(i64::MAX);
        let skew = match args.direction {
            Direction::Behind => -by,
            Direction::Ahead => by,
        };
        Plan::new(world, args.service, "clock", json!({ "skew_ms": skew })).await
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        plan.arm(world, "has no hooks to skew its clock by").await
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
