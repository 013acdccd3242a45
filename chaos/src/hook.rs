//! What the faults inside processes share: a hook, armed in the present runs of a service.

use edge::client::{clear_hook, hooks, set_hook};
use http::StatusCode;
use model::{ServiceName, Undone};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ChaosError;
use crate::kind::together;
use crate::world::{RunRef, World};

/// A hook of the present runs of a service, and what it is armed with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    service: ServiceName,
    runs: Vec<RunRef>,
    hook: String,
    args: Map<String, Value>,
}

impl Plan {
    /// The hook `hook` with these arguments (an object) in the present runs of `service`.
    pub(crate) async fn new(
        world: &World,
        service: ServiceName,
        hook: &str,
        args: Value,
    ) -> Result<Self, ChaosError> {
        let args = match args {
            Value::Object(args) => args,
            _ => Map::new(),
        };
        Ok(Self {
            runs: world.runs(&service).await?,
            service,
            hook: hook.to_owned(),
            args,
        })
    }

    /// Arms the hook in every run.
    ///
    /// # Errors
    /// [`ChaosError::Target`] with what `lacks` says when the process has no such hook.
    pub(crate) async fn arm(&self, world: &World, lacks: &str) -> Result<(), ChaosError> {
        for run in &self.runs {
            let request = set_hook(&self.hook, &self.args, world.lease());
            let answer = world.edge(&run.pod, request).await?;
            match answer.status {
                status if status.is_success() => {}
                StatusCode::NOT_FOUND => {
                    return Err(ChaosError::Target {
                        service: self.service.clone(),
                        problem: lacks.to_owned(),
                    });
                }
                _ => return Err(answer.unexpected("arming the hook", &run.pod)),
            }
        }
        Ok(())
    }

    /// Renews the lease where the same process still has the hook armed: a restarted
    /// process must stay free.
    pub(crate) async fn renew(&self, world: &World) -> Result<(), ChaosError> {
        for run in &self.runs {
            if !world.still_runs(run).await? || !self.is_armed(world, run).await? {
                continue;
            }
            let request = set_hook(&self.hook, &self.args, world.lease());
            let answer = world.edge(&run.pod, request).await?;
            if !answer.status.is_success() && world.still_runs(run).await? {
                return Err(answer.unexpected("renewing the lease", &run.pod));
            }
        }
        Ok(())
    }

    /// Ends the hook in every run that goes on.
    pub(crate) async fn end(&self, world: &World) -> Result<Undone, ChaosError> {
        let mut ends = Vec::new();
        for run in &self.runs {
            if !world.still_runs(run).await? {
                ends.push(Undone::TargetGone);
                continue;
            }
            let armed = self.is_armed(world, run).await?;
            let answer = world.edge(&run.pod, clear_hook(&self.hook)).await?;
            // A hook that is not there was never armed.
            if !answer.status.is_success() && answer.status != StatusCode::NOT_FOUND {
                return Err(answer.unexpected("ending the hook", &run.pod));
            }
            ends.push(match armed {
                true => Undone::Reverted,
                false => Undone::LeaseExpired,
            });
        }
        Ok(together(ends))
    }

    /// Whether no run that goes on has the hook armed.
    pub(crate) async fn is_free(&self, world: &World) -> Result<bool, ChaosError> {
        for run in &self.runs {
            if world.still_runs(run).await? && self.is_armed(world, run).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Whether the process says that the hook is armed.
    async fn is_armed(&self, world: &World, run: &RunRef) -> Result<bool, ChaosError> {
        let answer = world.edge(&run.pod, hooks()).await?;
        match answer.status {
            status if status.is_success() => Ok(!answer.json()[&self.hook].is_null()),
            StatusCode::NOT_FOUND => Ok(false),
            _ => Err(answer.unexpected("asking for the hooks", &run.pod)),
        }
    }
}
