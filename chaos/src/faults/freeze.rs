//! `freeze`: the whole process stands still; the system goes on accepting connections for it.

use edge::Signal;
use edge::client::{process, signal};
use http::StatusCode;
use model::{FaultSpec, Undone};
use serde::{Deserialize, Serialize};

use crate::ChaosError;
use crate::args::{OneService, service};
use crate::kind::{Kind, together};
use crate::world::{RunRef, World};

pub(crate) struct Freeze;

#[derive(Serialize, Deserialize)]
pub(crate) struct Plan {
    runs: Vec<RunRef>,
}

impl Kind for Freeze {
    const SPEC: FaultSpec = FaultSpec {
        kind: "freeze",
        summary: "The process is stopped: connections open, nothing answers; an HTTP liveness probe sees it, a TCP one does not.",
        recovery: "Delete its pod, or wait for a liveness probe that sees it.",
        args: &[service("the service or store whose process is stopped")],
    };
    type Args = OneService;
    type Plan = Plan;

    async fn plan(world: &World, args: OneService) -> Result<Plan, ChaosError> {
        let runs = world.runs(&args.service).await?;
        Ok(Plan { runs })
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        for run in &plan.runs {
            let request = signal(Signal::Stop, Some(world.lease()));
            let answer = world.edge(&run.pod, request).await?;
            if !answer.status.is_success() {
                return Err(answer.unexpected("stopping the process", &run.pod));
            }
        }
        Ok(())
    }

    /// Renews the stop of the same process only.
    async fn tend(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        for run in &plan.runs {
            if !world.still_runs(run).await? || !is_stopped(world, run).await? {
                continue;
            }
            let request = signal(Signal::Stop, Some(world.lease()));
            let answer = world.edge(&run.pod, request).await?;
            if !answer.status.is_success() && answer.status != StatusCode::CONFLICT {
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
            let stopped = is_stopped(world, run).await?;
            let request = signal(Signal::Continue, None);
            let answer = world.edge(&run.pod, request).await?;
            ends.push(match answer.status {
                StatusCode::CONFLICT => Undone::TargetGone,
                status if status.is_success() && stopped => Undone::Reverted,
                status if status.is_success() => Undone::LeaseExpired,
                _ => return Err(answer.unexpected("continuing the process", &run.pod)),
            });
        }
        Ok(together(ends))
    }

    async fn verify(world: &World, plan: &Plan) -> Result<bool, ChaosError> {
        for run in &plan.runs {
            if world.still_runs(run).await? && is_stopped(world, run).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

async fn is_stopped(world: &World, run: &RunRef) -> Result<bool, ChaosError> {
    let answer = world.edge(&run.pod, process()).await?;
    match answer.status {
        status if status.is_success() => Ok(answer.json()["stopped"] == true),
        _ => Err(answer.unexpected("asking for the process", &run.pod)),
    }
}
