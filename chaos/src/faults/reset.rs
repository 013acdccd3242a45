//! `reset`: connections from one service to another are reset.

use edge::{Stream, Timeout, ToxicKind};
use model::{FaultSpec, Undone};

use crate::ChaosError;
use crate::kind::Kind;
use crate::link::{Ends, FROM, Plan, TO};
use crate::world::World;

pub(crate) struct Reset;

impl Kind for Reset {
    const SPEC: FaultSpec = FaultSpec {
        kind: "reset",
        summary: "Every connection from one service to another is reset as soon as it sends something.",
        recovery: "Restart the caller: its new pods have healthy edges.",
        args: &[FROM, TO],
    };
    type Args = Ends;
    type Plan = Plan;

    async fn plan(world: &World, args: Ends) -> Result<Plan, ChaosError> {
        Plan::new(world, &args.from, args.to, 1).await
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        let reset = ToxicKind::ResetPeer(Timeout { timeout: 0 });
        plan.add(world, &[(reset, Stream::Upstream)]).await
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
