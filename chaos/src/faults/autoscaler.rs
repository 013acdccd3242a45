//! `autoscaler`: a HorizontalPodAutoscaler scales the service by a measure that does not tell its load.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::autoscaling::v2::{HorizontalPodAutoscaler, HorizontalPodAutoscalerSpec};
use k8s_openapi::api::core::v1::Container;
use model::{ArgKind, ArgSpec, FaultSpec, ServiceName, Undone};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::ChaosError;
use crate::args::service;
use crate::kind::Kind;
use crate::objects::{is_same, replicas, uid};
use crate::world::World;

pub(crate) struct Autoscaler;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    metric: String,
    target: u32,
    min: u32,
    max: u32,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Plan {
    service: ServiceName,
    /// The Deployment that is scaled.
    uid: String,
    replicas: i32,
    /// The autoscaler that was there.
    before: Option<HorizontalPodAutoscalerSpec>,
    after: HorizontalPodAutoscaler,
}

const METRIC: ArgSpec = ArgSpec {
    name: "metric",
    kind: ArgKind::Choice(&["cpu", "memory"]),
    default: None,
    help: "what it is scaled by",
};

const TARGET: ArgSpec = ArgSpec {
    name: "target",
    kind: ArgKind::Amount {
        unit: "%",
        min: 1,
        max: 1_000,
    },
    default: None,
    help: "the mean use that is aimed at, in percent of what the containers request",
};

impl Kind for Autoscaler {
    const SPEC: FaultSpec = FaultSpec {
        kind: "autoscaler",
        summary: "A HorizontalPodAutoscaler is put on the service that scales it by a measure that does not tell its load: it has too few pods, or too many.",
        recovery: "Scale by the right measure: change the autoscaler, or delete it and scale by hand.",
        args: &[
            service(
                "the service that is scaled; its containers must request what `metric` measures",
            ),
            METRIC,
            TARGET,
            ArgSpec {
                name: "min",
                kind: ArgKind::Count { min: 1, max: 50 },
                default: None,
                help: "the fewest pods",
            },
            ArgSpec {
                name: "max",
                kind: ArgKind::Count { min: 1, max: 50 },
                default: None,
                help: "the most pods, at least `min`",
            },
        ],
    };
    type Args = Args;
    type Plan = Plan;

    async fn plan(world: &World, args: Args) -> Result<Plan, ChaosError> {
        let refuse = |problem: String| ChaosError::Target {
            service: args.service.clone(),
            problem,
        };
        if args.max < args.min {
            return Err(ChaosError::Argument {
                kind: Self::SPEC.kind,
                arg: "max".to_owned(),
                problem: format!("is {}; expected at least `min`, {}", args.max, args.min),
            });
        }
        let deployment = world.need::<Deployment>(&args.service).await?;
        let metric = &args.metric;
        if let Some(name) = without_request(&deployment, metric) {
            return Err(refuse(format!(
                "has a container `{name}` that requests no {metric}, so it could not be scaled by it; set its request"
            )));
        }
        let present = world.find::<HorizontalPodAutoscaler>(args.service.as_str());
        let before = present.await?.and_then(|present| present.spec);
        let after = wanted(&args)?;
        if before == after.spec {
            return Err(refuse("is scaled like that already".to_owned()));
        }
        Ok(Plan {
            uid: uid(&deployment),
            replicas: replicas(&deployment),
            before,
            after,
            service: args.service,
        })
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        let present = world.find::<HorizontalPodAutoscaler>(plan.service.as_str());
        match present.await? {
            None => world.create(&plan.after).await,
            Some(mut present) => {
                present.spec.clone_from(&plan.after.spec);
                world.replace(&present).await
            }
        }
    }

    /// Takes the autoscaler away or puts the old one back, and scales to as
    /// many pods as there were; unless a responder has changed the autoscaler.
    async fn undo(world: &World, plan: &Plan) -> Result<Undone, ChaosError> {
        let Some(mut present) = still_there(world, plan).await? else {
            return Ok(Undone::TargetGone);
        };
        plan.scale_back(world).await?;
        match &plan.before {
            None => world.delete(&present).await?,
            Some(before) => {
                present.spec = Some(before.clone());
                world.replace(&present).await?;
            }
        }
        // It may have scaled once more before it went.
        plan.scale_back(world).await?;
        Ok(Undone::Reverted)
    }

    async fn verify(world: &World, plan: &Plan) -> Result<bool, ChaosError> {
        Ok(still_there(world, plan).await?.is_none())
    }
}

impl Plan {
    async fn scale_back(&self, world: &World) -> Result<(), ChaosError> {
        let deployment = world.find::<Deployment>(self.service.as_str()).await?;
        match deployment.filter(|deployment| is_same(deployment, &self.uid)) {
            Some(deployment) if replicas(&deployment) != self.replicas => {
                world.scale(&deployment, self.replicas).await
            }
            _ => Ok(()),
        }
    }
}

/// The autoscaler while it is as this fault has left it.
async fn still_there(
    world: &World,
    plan: &Plan,
) -> Result<Option<HorizontalPodAutoscaler>, ChaosError> {
    let present = world
        .find::<HorizontalPodAutoscaler>(plan.service.as_str())
        .await?;
    let essence = |spec: &HorizontalPodAutoscalerSpec| {
        let target = &spec.scale_target_ref;
        let target = (target.kind.clone(), target.name.clone());
        let bounds = (spec.min_replicas, spec.max_replicas);
        (target, bounds, spec.metrics.clone())
    };
    let ours = plan.after.spec.as_ref().map(essence);
    Ok(present.filter(|present| present.spec.as_ref().map(essence) == ours))
}

fn wanted(args: &Args) -> Result<HorizontalPodAutoscaler, ChaosError> {
    let service = &args.service;
    let resource = json!({
        "name": args.metric,
        "target": {"type": "Utilization", "averageUtilization": args.target},
    });
    let autoscaler = json!({
        "metadata": {"name": service, "labels": {"name": service}},
        "spec": {
            "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": service},
            "minReplicas": args.min,
            "maxReplicas": args.max,
            "metrics": [{"type": "Resource", "resource": resource}],
        },
    });
    serde_json::from_value(autoscaler).map_err(|source| ChaosError::Plan {
        kind: Autoscaler::SPEC.kind,
        source,
    })
}

/// A container without a request for that, which would stop the autoscaler.
fn without_request<'a>(deployment: &'a Deployment, metric: &str) -> Option<&'a str> {
    let spec = deployment.spec.as_ref()?.template.spec.as_ref()?;
    let requests = |container: &Container| {
        let resources = container.resources.as_ref();
        let of = |map: Option<&std::collections::BTreeMap<String, _>>| {
            map.is_some_and(|map| map.contains_key(metric))
        };
        // A limit without a request is the request too.
        of(resources.and_then(|resources| resources.requests.as_ref()))
            || of(resources.and_then(|resources| resources.limits.as_ref()))
    };
    let missing = spec.containers.iter().find(|one| !requests(one))?;
    Some(&missing.name)
}
