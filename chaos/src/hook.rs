//! What the faults inside processes share: a hook, armed in the present runs of a service.

use edge::client::{clear_hook, hooks, set_hook};
use http::StatusCode;
use model::{FaultSpec, ServiceName, Undone};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::ChaosError;
use crate::kind::{Kind, together};
use crate::world::{RunRef, World};

/// A fault that arms one hook in the present processes of a service, and does nothing else.
///
/// The hook ends when the lease that it was armed with runs out, and with its process;
/// what shop and stores know of hooks is in the crate `shop-hooks`.
pub(crate) trait HookFault: Send + Sync + 'static {
    /// As [`Kind::SPEC`].
    const SPEC: FaultSpec;
    /// The hook's name, as the process knows it.
    const HOOK: &'static str;
    /// What a service lacks whose processes do not know the hook, and the next step where
    /// there is one: it is told behind the service's name, in [`ChaosError::Target`].
    const LACKS: &'static str;
    /// As [`Kind::Args`]; [`OneService`](crate::args::OneService) where it takes nothing else.
    type Args: DeserializeOwned + Send;

    /// Whose processes they are.
    fn service(args: &Self::Args) -> &ServiceName;

    /// What the hook is armed with, by the hook's own names, which tell the units; nothing,
    /// unless a fault says otherwise.
    fn armed_with(args: &Self::Args) -> Vec<(&'static str, Value)> {
        let _ = args;
        Vec::new()
    }
}

/// The mark of a [`Kind`] that is a [`HookFault`].
pub(crate) struct ByHook;

/// A hook of the present runs of a service, and what it is armed with.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Plan {
    service: ServiceName,
    runs: Vec<RunRef>,
    hook: String,
    args: Map<String, Value>,
}

impl<T: HookFault> Kind<ByHook> for T {
    const SPEC: FaultSpec = <T as HookFault>::SPEC;
    type Args = <T as HookFault>::Args;
    type Plan = Plan;

    async fn plan(world: &World, args: Self::Args) -> Result<Plan, ChaosError> {
        let service = T::service(&args);
        let armed = T::armed_with(&args).into_iter();
        Ok(Plan {
            runs: world.runs(service).await?,
            service: service.clone(),
            hook: T::HOOK.to_owned(),
            args: armed
                .map(|(name, value)| (name.to_owned(), value))
                .collect(),
        })
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        plan.arm(world, T::LACKS).await
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

impl Plan {
    /// Arms the hook in every run.
    ///
    /// # Errors
    /// [`ChaosError::Target`] with what `lacks` says when the process has no such hook.
    async fn arm(&self, world: &World, lacks: &str) -> Result<(), ChaosError> {
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
    async fn renew(&self, world: &World) -> Result<(), ChaosError> {
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
    async fn end(&self, world: &World) -> Result<Undone, ChaosError> {
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
    async fn is_free(&self, world: &World) -> Result<bool, ChaosError> {
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
