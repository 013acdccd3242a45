//! `blackhole`: what one service sends another never arrives.

use edge::{Stream, Timeout, ToxicKind};
use model::{FaultSpec, Undone};

use crate::ChaosError;
use crate::kind::Kind;
use crate::link::{Ends, FROM, Plan, TO};
use crate::world::World;

pub(crate) struct Blackhole;

impl Kind for Blackhole {
    const SPEC: FaultSpec = FaultSpec {
        kind: "blackhole",
        summary: "What one service sends another, and the answers, vanish on the way: connections stand and nothing comes.",
        recovery: "Restart the caller: its new pods have healthy edges.",
        args: &[FROM, TO],
    };
    type Args = Ends;
    type Plan = Plan;

    async fn plan(world: &World, args: Ends) -> Result<Plan, ChaosError> {
        Plan::new(world, &args.from, args.to, 2).await
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        // 0: until it is removed; what was swallowed arrives then.
        let hole = ToxicKind::Timeout(Timeout { timeout: 0 });
        let both = [(hole, Stream::Upstream), (hole, Stream::Downstream)];
        plan.add(world, &both).await
    }

    async fn tend(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        plan.renew(world).await
    }

    async fn undo(world: &World, plan: &Plan) -> Result<Undone, ChaosError> {
        plan.remove(world).await
    }

    async fn verify(world: &World, plan: &Plan) -> Result<bool, ChaosError> {
        plan.is_free(world).await
    }
}
