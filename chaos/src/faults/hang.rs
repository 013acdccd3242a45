//! `hang`: a deadlock inside the service that its health check does not see.

use edge::client::{clear_hook, hooks, set_hook};
use http::StatusCode;
use model::{ArgKind, ArgSpec, FaultSpec, ServiceName, Undone};
use serde::{Deserialize, Serialize};

use crate::ChaosError;
use crate::kind::{Kind, together};
use crate::world::{RunRef, World};

pub(crate) struct Hang;

/// The service's hook.
const HOOK: &str = "deadlock";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Plan {
    service: ServiceName,
    runs: Vec<RunRef>,
}

impl Kind for Hang {
    const SPEC: FaultSpec = FaultSpec {
        kind: "hang",
        summary: "The service deadlocks: every request waits for ever, while its health check answers and its pod stays Running.",
        recovery: "Restart it: roll its Deployment or delete its pods.",
        args: &[ArgSpec {
            name: "service",
            kind: ArgKind::Service,
            default: None,
            help: "the service that hangs; stores have no such hook, freeze them instead",
        }],
    };
    type Args = Args;
    type Plan = Plan;

    async fn plan(world: &World, args: Args) -> Result<Plan, ChaosError> {
        let runs = world.runs(&args.service).await?;
        let service = args.service;
        Ok(Plan { service, runs })
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        for run in &plan.runs {
            let request = set_hook(HOOK, world.lease());
            let answer = world.edge(&run.pod, request).await?;
            match answer.status {
                status if status.is_success() => {}
                StatusCode::NOT_FOUND => {
                    return Err(ChaosError::Target {
                        service: plan.service.clone(),
                        problem: "has no hooks to hang it by; freeze it instead".to_owned(),
                    });
                }
                _ => return Err(answer.unexpected("hanging the service", &run.pod)),
            }
        }
        Ok(())
    }

    /// Renews the deadlock where the same process still holds it: a restarted
    /// service must stay free.
    async fn tend(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        for run in &plan.runs {
            if !world.still_runs(run).await? || !holds(world, run).await? {
                continue;
            }
            let request = set_hook(HOOK, world.lease());
            let answer = world.edge(&run.pod, request).await?;
            if !answer.status.is_success() && world.still_runs(run).await? {
                return Err(answer.unexpected("renewing the lease", &run.pod));
            }
        }
        Ok(())
    }

    async fn undo(world: &World, plan: &Plan) -> Result<Undone, ChaosError> {
        let mut ends = Vec::new();
        for run in &plan.runs {
            if !world.still_runs(run).await? {
                ends.push(Undone::TargetGone);
                continue;
            }
            let held = holds(world, run).await?;
            let answer = world.edge(&run.pod, clear_hook(HOOK)).await?;
            if !answer.status.is_success() {
                return Err(answer.unexpected("ending the deadlock", &run.pod));
            }
            ends.push(match held {
                true => Undone::Reverted,
                false => Undone::LeaseExpired,
            });
        }
        Ok(together(ends))
    }

    async fn verify(world: &World, plan: &Plan) -> Result<bool, ChaosError> {
        for run in &plan.runs {
            if world.still_runs(run).await? && holds(world, run).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

/// Whether the service says that it is deadlocked.
async fn holds(world: &World, run: &RunRef) -> Result<bool, ChaosError> {
    let answer = world.edge(&run.pod, hooks()).await?;
    match answer.status {
        status if status.is_success() => Ok(!answer.json()[HOOK].is_null()),
        _ => Err(answer.unexpected("asking for the service's hooks", &run.pod)),
    }
}
