//! `latency`: every answer from one service to another comes late.

use edge::{Stream, ToxicKind};
use model::{ArgKind, ArgSpec, FaultSpec, Period, ServiceName, Undone};
use serde::{Deserialize, Serialize};

use crate::ChaosError;
use crate::kind::Kind;
use crate::link::{self, FROM, TO};
use crate::world::World;

pub(crate) struct Latency;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    from: ServiceName,
    to: ServiceName,
    delay: Period,
    jitter: Period,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Plan {
    link: link::Plan,
    delay: Period,
    jitter: Period,
}

impl Kind for Latency {
    const SPEC: FaultSpec = FaultSpec {
        kind: "latency",
        summary: "Every answer on the way from one service to another is delayed; both are healthy.",
        recovery: "Restart the caller: its new pods have healthy edges.",
        args: &[
            FROM,
            TO,
            ArgSpec {
                name: "delay",
                kind: ArgKind::Period {
                    min_ms: 1,
                    max_ms: 120_000,
                },
                default: None,
                help: "how much later each piece of an answer comes",
            },
            ArgSpec {
                name: "jitter",
                kind: ArgKind::Period {
                    min_ms: 0,
                    max_ms: 120_000,
                },
                default: Some("0s"),
                help: "by how much the delay varies, both ways",
            },
        ],
    };
    type Args = Args;
    type Plan = Plan;

    async fn plan(world: &World, args: Args) -> Result<Plan, ChaosError> {
        Ok(Plan {
            link: link::Plan::new(world, &args.from, args.to, 1).await?,
            delay: args.delay,
            jitter: args.jitter,
        })
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        let latency = edge::Latency {
            latency: plan.delay.as_millis() as i64,
            jitter: plan.jitter.as_millis() as i64,
        };
        let toxic = (ToxicKind::Latency(latency), Stream::Downstream);
        plan.link.add(world, &[toxic]).await
    }

    async fn tend(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        plan.link.renew(world).await
    }

    async fn undo(world: &World, plan: &Plan) -> Result<Undone, ChaosError> {
        plan.link.remove(world).await
    }

    async fn verify(world: &World, plan: &Plan) -> Result<bool, ChaosError> {
        plan.link.is_free(world).await
    }
}
