//! `wrong-port`: a Service leads to a port of its pods at which nobody listens.

use k8s_openapi::api::core::v1::{Service, ServicePort};
use k8s_openapi::apimachinery::pkg::util::intstr::IntOrString;
use model::{ArgKind, ArgSpec, FaultSpec, ServiceName, Undone};
use serde::{Deserialize, Serialize};
use serde_json::json;

use crate::ChaosError;
use crate::args::service;
use crate::kind::Kind;
use crate::objects::{is_same, uid};
use crate::world::World;

pub(crate) struct WrongPort;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    port: i32,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Plan {
    service: ServiceName,
    uid: String,
    /// The Service's port, by which it is told from its other ones.
    port: i32,
    before: IntOrString,
    after: IntOrString,
}

impl Kind for WrongPort {
    const SPEC: FaultSpec = FaultSpec {
        kind: "wrong-port",
        summary: "The Service leads to a port at which its pods do not listen: they are healthy and ready, and every connection to them is refused.",
        recovery: "Put the Service's targetPort right, for example by applying its manifest again.",
        args: &[
            service("the service or store whose name leads to nowhere; its first port is changed"),
            ArgSpec {
                name: "port",
                kind: ArgKind::Count {
                    min: 1,
                    max: 65_535,
                },
                default: Some("8081"),
                help: "the port to which it leads",
            },
        ],
    };
    type Args = Args;
    type Plan = Plan;

    async fn plan(world: &World, args: Args) -> Result<Plan, ChaosError> {
        let service = world.need::<Service>(&args.service).await?;
        let refuse = |problem: String| ChaosError::Target {
            service: args.service.clone(),
            problem,
        };
        let first = ports(&service).first();
        let first = first.ok_or_else(|| refuse("has a Service without ports".to_owned()))?;
        let before = first.target_port.clone();
        let before = before.unwrap_or(IntOrString::Int(first.port));
        for pod in world.pods(&args.service).await? {
            let spec = pod.spec.unwrap_or_default();
            let mut open = spec
                .containers
                .iter()
                .flat_map(|one| one.ports.iter().flatten());
            if open.any(|port| port.container_port == args.port) {
                let port = args.port;
                return Err(refuse(format!("listens at {port}; take another port")));
            }
        }
        Ok(Plan {
            uid: uid(&service),
            port: first.port,
            before,
            after: IntOrString::Int(args.port),
            service: args.service,
        })
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        let service = world.need::<Service>(&plan.service).await?;
        lead(world, &service, plan.port, &plan.after).await
    }

    /// Leads back, unless a responder leads it elsewhere already.
    async fn undo(world: &World, plan: &Plan) -> Result<Undone, ChaosError> {
        match still_wrong(world, plan).await? {
            Some(service) => {
                lead(world, &service, plan.port, &plan.before).await?;
                Ok(Undone::Reverted)
            }
            None => Ok(Undone::TargetGone),
        }
    }

    async fn verify(world: &World, plan: &Plan) -> Result<bool, ChaosError> {
        Ok(still_wrong(world, plan).await?.is_none())
    }
}

/// The very same Service, while it leads to the wrong port.
async fn still_wrong(world: &World, plan: &Plan) -> Result<Option<Service>, ChaosError> {
    let service = world.find::<Service>(plan.service.as_str()).await?;
    Ok(service.filter(|service| {
        let port = ports(service).iter().find(|port| port.port == plan.port);
        let leads_to = port.and_then(|port| port.target_port.as_ref());
        is_same(service, &plan.uid) && leads_to == Some(&plan.after)
    }))
}

async fn lead(
    world: &World,
    read: &Service,
    port: i32,
    to: &IntOrString,
) -> Result<(), ChaosError> {
    let ports = json!([{"port": port, "targetPort": to}]);
    world.change(read, json!({"spec": {"ports": ports}})).await
}

fn ports(service: &Service) -> &[ServicePort] {
    let spec = service.spec.as_ref();
    spec.and_then(|spec| spec.ports.as_deref())
        .unwrap_or_default()
}
