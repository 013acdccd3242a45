//! `crash`: the main process is killed, and killed again after each restart, so many times.
//!
//! The outage is made by the platform: after the second death it waits before
//! it starts the container again (CrashLoopBackOff: 10 s, then twice as long
//! each time). After the last death it recovers by itself.

use std::time::Duration;

use edge::Signal;
use edge::client::signal;
use http::StatusCode;
use model::{ArgKind, ArgSpec, FaultSpec, Period, ServiceName, Undone};
use serde::{Deserialize, Serialize};

use crate::ChaosError;
use crate::args::service;
use crate::kind::{Kind, together};
use crate::world::{PodRef, World, in_back_off, running};

pub(crate) struct Crash;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    times: u64,
    every: Period,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Plan {
    times: u64,
    /// Pause between seeing a new process and killing it.
    every: Period,
    victims: Vec<Victim>,
}

#[derive(Serialize, Deserialize)]
struct Victim {
    pod: PodRef,
    killed: u64,
    /// The run that was killed last.
    last: Option<String>,
    /// The run that is seen now, and at how many looks.
    seen: Option<(String, u64)>,
}

/// How often it is looked whether a process runs again.
const LOOK: Duration = Duration::from_millis(200);

impl Kind for Crash {
    const SPEC: FaultSpec = FaultSpec {
        kind: "crash",
        summary: "The main process is killed, and again after each restart: from the second time on the platform waits longer before each start.",
        recovery: "Nothing: it restarts by itself after its back-off; deleting its pod is quicker.",
        args: &[
            service("the service or store whose process dies"),
            ArgSpec {
                name: "times",
                kind: ArgKind::Count { min: 1, max: 10 },
                default: Some("2"),
                help: "how many times it dies; each one after the second doubles the back-off from 10 s",
            },
            ArgSpec {
                name: "every",
                kind: ArgKind::Period {
                    min_ms: 0,
                    max_ms: 300_000,
                },
                default: Some("0s"),
                help: "how long a new process lives before it is killed",
            },
        ],
    };
    const CADENCE: Option<Duration> = Some(LOOK);
    type Args = Args;
    type Plan = Plan;

    async fn plan(world: &World, args: Args) -> Result<Plan, ChaosError> {
        let runs = world.runs(&args.service).await?;
        let victims = runs.into_iter().map(|run| Victim {
            pod: run.pod,
            killed: 0,
            last: None,
            seen: None,
        });
        Ok(Plan {
            times: args.times,
            every: args.every,
            victims: victims.collect(),
        })
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        let (times, every) = (plan.times, Period::ZERO);
        for victim in &mut plan.victims {
            victim.look(world, times, every).await?;
        }
        Ok(())
    }

    async fn tend(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        let (times, every) = (plan.times, plan.every);
        for victim in &mut plan.victims {
            victim.look(world, times, every).await?;
        }
        Ok(())
    }

    /// Stops killing; a pod that still waits in its back-off is replaced, so
    /// that nothing of the fault outlives it.
    async fn undo(world: &World, plan: &Plan) -> Result<Undone, ChaosError> {
        let mut ends = Vec::new();
        for victim in &plan.victims {
            let Some(pod) = world.pod(&victim.pod).await? else {
                ends.push(Undone::TargetGone);
                continue;
            };
            if in_back_off(&pod) {
                world.delete_pod(&victim.pod).await?;
            }
            ends.push(Undone::Reverted);
        }
        Ok(together(ends))
    }

    async fn verify(world: &World, plan: &Plan) -> Result<bool, ChaosError> {
        for victim in &plan.victims {
            let pod = world.pod(&victim.pod).await?;
            if pod.is_some_and(|pod| in_back_off(&pod)) {
                return Ok(false);
            }
        }
        Ok(true)
    }
}

impl Victim {
    /// Kills the process that runs now, if it is due.
    async fn look(&mut self, world: &World, times: u64, every: Period) -> Result<(), ChaosError> {
        if self.killed >= times {
            return Ok(());
        }
        let pod = world.pod(&self.pod).await?;
        let Some(run) = pod.as_ref().and_then(running) else {
            return Ok(());
        };
        if self.last.as_ref() == Some(&run) {
            return Ok(());
        }
        let looks = match &self.seen {
            Some((seen, looks)) if *seen == run => looks + 1,
            _ => 0,
        };
        self.seen = Some((run.clone(), looks));
        if looks * (LOOK.as_millis() as u64) < every.as_millis() {
            return Ok(());
        }
        let answer = world.edge(&self.pod, signal(Signal::Kill, None)).await?;
        match answer.status {
            // Not running any more, or not yet: the next look will tell.
            StatusCode::CONFLICT => Ok(()),
            status if status.is_success() => {
                self.killed += 1;
                self.last = Some(run);
                Ok(())
            }
            _ => Err(answer.unexpected("killing the process", &self.pod)),
        }
    }
}
