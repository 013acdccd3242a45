//! `crash-loop`: a bad change of the configuration, after which the process dies at every start.
//!
//! The change is one that people make: a letter O for a zero in `PORT`
//! (`8080` -> `808O`), or a variable that is left empty. It goes into the
//! Deployment's pod template, so the platform rolls it out: new pods die at
//! start and end in CrashLoopBackOff. That takes the service down only where
//! the strategy lets the old pods go before new ones are ready (Recreate, or
//! RollingUpdate with maxUnavailable at least the number of replicas); any
//! other strategy is refused, because the fault would not bite.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Container;
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use model::{ArgKind, ArgSpec, FaultSpec, ServiceName, Undone};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::ChaosError;
use crate::kind::Kind;
use crate::world::World;

pub(crate) struct CrashLoop;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    env: String,
    value: String,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Plan {
    service: ServiceName,
    uid: String,
    container: String,
    env: String,
    before: String,
    after: String,
}

impl Kind for CrashLoop {
    const SPEC: FaultSpec = FaultSpec {
        kind: "crash-loop",
        summary: "A bad change is rolled out: the process dies at every start, and its pods end in CrashLoopBackOff.",
        recovery: "Roll the Deployment back.",
        args: &[
            ArgSpec {
                name: "service",
                kind: ArgKind::Service,
                default: None,
                help: "the service whose configuration is changed",
            },
            ArgSpec {
                name: "env",
                kind: ArgKind::Text,
                default: Some("PORT"),
                help: "the environment variable that is changed; its container must have it",
            },
            ArgSpec {
                name: "value",
                kind: ArgKind::Text,
                default: Some(""),
                help: "its new value; left out, a zero in the present one becomes a letter O, and one without zeros becomes empty",
            },
        ],
    };
    type Args = Args;
    type Plan = Plan;

    async fn plan(world: &World, args: Args) -> Result<Plan, ChaosError> {
        let deployment = world.deployment(&args.service).await?;
        let refuse = |problem: String| ChaosError::Target {
            service: args.service.clone(),
            problem,
        };
        if !lets_old_pods_go(&deployment) {
            return Err(refuse(
                "keeps its old pods until new ones are ready, so a bad change takes nothing down; set strategy Recreate, or maxUnavailable to its replicas".to_owned(),
            ));
        }
        let (container, before) = main_container(&deployment, &args.service)
            .and_then(|main| Some((main.name.clone(), literal(main, &args.env)?)))
            .ok_or_else(|| {
                let env = &args.env;
                refuse(format!("has no literal variable `{env}`; name another with `env`"))
            })?;
        let after = if args.value.is_empty() {
            typo(&before)
        } else {
            args.value
        };
        if after == before {
            return Err(refuse(format!("has `{}` = `{after}` already", args.env)));
        }
        Ok(Plan {
            service: args.service,
            uid: deployment.metadata.uid.unwrap_or_default(),
            container,
            env: args.env,
            before,
            after,
        })
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        let deployment = world.deployment(&plan.service).await?;
        set(world, &deployment, plan, &plan.after).await
    }

    /// Puts the old value back, unless a responder has changed it already.
    async fn undo(world: &World, plan: &Plan) -> Result<Undone, ChaosError> {
        match still_bad(world, plan).await? {
            Some(deployment) => {
                set(world, &deployment, plan, &plan.before).await?;
                Ok(Undone::Reverted)
            }
            None => Ok(Undone::TargetGone),
        }
    }

    async fn verify(world: &World, plan: &Plan) -> Result<bool, ChaosError> {
        Ok(still_bad(world, plan).await?.is_none())
    }
}

/// The very same Deployment, while it has the bad value.
async fn still_bad(world: &World, plan: &Plan) -> Result<Option<Deployment>, ChaosError> {
    let deployment = world.deployment_opt(&plan.service).await?;
    Ok(deployment.filter(|deployment| {
        let main = containers(deployment)
            .iter()
            .find(|container| container.name == plan.container);
        deployment.metadata.uid.as_deref() == Some(&plan.uid)
            && main.and_then(|main| literal(main, &plan.env)).as_ref() == Some(&plan.after)
    }))
}

/// Rolls out the template with `value`; everything else stays as it was read.
async fn set(
    world: &World,
    read: &Deployment,
    plan: &Plan,
    value: &str,
) -> Result<(), ChaosError> {
    let mut containers = containers(read).to_vec();
    for container in &mut containers {
        if container.name != plan.container {
            continue;
        }
        for variable in container.env.iter_mut().flatten() {
            if variable.name == plan.env {
                variable.value = Some(value.to_owned());
            }
        }
    }
    let spec = json!({"template": {"spec": {"containers": containers}}});
    world.patch_deployment(read, spec).await
}

fn containers(deployment: &Deployment) -> &[Container] {
    let template = deployment.spec.as_ref().map(|spec| &spec.template);
    let pod = template.and_then(|template| template.spec.as_ref());
    pod.map_or(&[], |pod| &pod.containers)
}

/// The container that is named as the service, or the first.
fn main_container<'a>(deployment: &'a Deployment, service: &ServiceName) -> Option<&'a Container> {
    let all = containers(deployment);
    all.iter()
        .find(|container| *service == container.name.as_str())
        .or_else(|| all.first())
}

/// The value of a variable that is written in the template itself.
fn literal(container: &Container, name: &str) -> Option<String> {
    let variables = container.env.as_deref().unwrap_or_default();
    let variable = variables.iter().find(|variable| variable.name == name)?;
    match variable.value_from {
        Some(_) => None,
        None => Some(variable.value.clone().unwrap_or_default()),
    }
}

/// The last zero becomes a letter O.
fn typo(value: &str) -> String {
    match value.rfind('0') {
        Some(at) => format!("{}O{}", &value[..at], &value[at + 1..]),
        None => String::new(),
    }
}

fn lets_old_pods_go(deployment: &Deployment) -> bool {
    let Some(spec) = &deployment.spec else {
        return false;
    };
    let replicas = spec.replicas.unwrap_or(1);
    let strategy = spec.strategy.as_ref();
    if strategy.and_then(|strategy| strategy.type_.as_deref()) == Some("Recreate") {
        return true;
    }
    let rolling = strategy.and_then(|strategy| strategy.rolling_update.as_ref());
    let unavailable = match rolling.and_then(|rolling| rolling.max_unavailable.as_ref()) {
        Some(IntOrString::Int(count)) => *count,
        Some(IntOrString::String(percent)) => share(percent, replicas),
        None => share("25%", replicas),
    };
    unavailable >= replicas
}

/// A percentage of the replicas, rounded down as Kubernetes does.
fn share(percent: &str, replicas: i32) -> i32 {
    let percent: i32 = percent.trim_end_matches('%').parse().unwrap_or(0);
    replicas * percent / 100
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_change_is_a_letter_for_a_zero_or_nothing_at_all() {
        for (before, after) in [("8080", "808O"), ("80", "8O"), ("8079", "8O79"), ("x", "")] {
            assert_eq!(typo(before), after);
        }
    }

    #[test]
    fn only_a_strategy_that_lets_old_pods_go_takes_the_service_down() {
        for (spec, bites) in [
            (json!({"strategy": {"type": "Recreate"}}), true),
            (json!({}), false),
            (
                json!({"strategy": {"rollingUpdate": {"maxUnavailable": 1}}}),
                true,
            ),
            (
                json!({"replicas": 2, "strategy": {"rollingUpdate": {"maxUnavailable": 1}}}),
                false,
            ),
            (
                json!({"replicas": 2, "strategy": {"rollingUpdate": {"maxUnavailable": "100%"}}}),
                true,
            ),
        ] {
            let mut spec = spec;
            spec["selector"] = json!({});
            spec["template"] = json!({});
            let deployment: Deployment =
                serde_json::from_value(json!({"metadata": {}, "spec": spec})).expect("deployment");
            assert_eq!(lets_old_pods_go(&deployment), bites, "{spec}");
        }
    }
}
