//! `queue-limit`: an operator's policy lets a queue hold too few messages.
//!
//! The policy is RabbitMQ's own: `max-length` with `overflow: reject-publish`.
//! The queue's publishers, who wait for confirms, get a nack for what does not
//! fit. Only the policy of highest priority applies to a queue, so this one
//! stands above those that are there.

use http::{Method, StatusCode};
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Service;
use model::{ArgKind, ArgSpec, FaultSpec, ServiceName, Undone};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::ChaosError;
use crate::args::service;
use crate::kind::Kind;
use crate::management::Management;
use crate::objects::replicas;
use crate::world::{Answer, World};

pub(crate) struct QueueLimit;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    queue: String,
    messages: u64,
}

#[derive(Serialize, Deserialize)]
pub(crate) struct Plan {
    service: ServiceName,
    /// The policy's path in the management API.
    path: String,
    policy: Value,
}

impl Kind for QueueLimit {
    const SPEC: FaultSpec = FaultSpec {
        kind: "queue-limit",
        summary: "A policy of RabbitMQ bounds a queue: what does not fit is refused, and its publishers are told so (nack).",
        recovery: "Delete the policy or raise its max-length, or get the queue emptied and kept empty.",
        args: &[
            service("the RabbitMQ"),
            ArgSpec {
                name: "queue",
                kind: ArgKind::Text,
                default: None,
                help: "the queue's name; it must be there",
            },
            ArgSpec {
                name: "messages",
                kind: ArgKind::Count {
                    min: 0,
                    max: 100_000,
                },
                default: Some("3"),
                help: "how many messages it holds at most",
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
        let management = Management::of(world, &args.service).await?;
        let queue = encoded(&args.queue);
        let answer = get(&management, &format!("/api/queues/%2F/{queue}")).await?;
        if answer.status == StatusCode::NOT_FOUND {
            let queue = &args.queue;
            return Err(refuse(format!(
                "has no queue `{queue}`; look at /api/queues"
            )));
        }
        let policies = get(&management, "/api/policies/%2F").await?.json();
        let policies = policies.as_array().map(Vec::as_slice).unwrap_or_default();
        let name = format!("{}-length", args.queue);
        if policies.iter().any(|policy| policy["name"] == name) {
            return Err(refuse(format!(
                "has a policy `{name}` already; delete it first"
            )));
        }
        let highest = policies
            .iter()
            .filter_map(|policy| policy["priority"].as_i64());
        Ok(Plan {
            path: format!("/api/policies/%2F/{}", encoded(&name)),
            policy: json!({
                "pattern": format!("^{}$", quoted(&args.queue)),
                "definition": {"max-length": args.messages, "overflow": "reject-publish"},
                "priority": highest.max().map_or(0, |highest| highest + 1),
                "apply-to": "queues",
            }),
            service: args.service,
        })
    }

    async fn inject(world: &World, plan: &mut Plan) -> Result<(), ChaosError> {
        let management = Management::of(world, &plan.service).await?;
        let put = management.ask(Method::PUT, &plan.path, Some(&plan.policy));
        let answer = put.await?;
        match answer.status {
            status if status.is_success() => Ok(()),
            _ => Err(management.unexpected("setting a policy", &answer)),
        }
    }

    /// Deletes the policy, unless a responder has changed it. A policy outlives
    /// the pod, so any pod that runs now will do.
    async fn undo(world: &World, plan: &Plan) -> Result<Undone, ChaosError> {
        let Some(management) = still_set(world, plan).await? else {
            return Ok(Undone::TargetGone);
        };
        let answer = management.ask(Method::DELETE, &plan.path, None).await?;
        match answer.status {
            StatusCode::NOT_FOUND => Ok(Undone::TargetGone),
            status if status.is_success() => Ok(Undone::Reverted),
            _ => Err(management.unexpected("deleting a policy", &answer)),
        }
    }

    async fn verify(world: &World, plan: &Plan) -> Result<bool, ChaosError> {
        Ok(still_set(world, plan).await?.is_none())
    }
}

/// The broker, while it has the policy as this fault has left it.
async fn still_set(world: &World, plan: &Plan) -> Result<Option<Management>, ChaosError> {
    let service = plan.service.as_str();
    if world.find::<Service>(service).await?.is_none() {
        return Ok(None);
    }
    // Of a broker that somebody has scaled to zero nobody can delete a policy, and none holds.
    let broker = world.find::<Deployment>(service).await?;
    if broker.is_some_and(|broker| replicas(&broker) == 0) {
        return Ok(None);
    }
    let management = Management::of(world, &plan.service).await?;
    let answer = get(&management, &plan.path).await?;
    if answer.status == StatusCode::NOT_FOUND {
        return Ok(None);
    }
    let (present, ours) = (answer.json(), &plan.policy);
    let same = |part| present[part] == ours[part];
    let ours = same("pattern") && same("definition") && same("priority");
    Ok(ours.then_some(management))
}

/// What is at a path, or 404.
async fn get(management: &Management, path: &str) -> Result<Answer, ChaosError> {
    let answer = management.ask(Method::GET, path, None).await?;
    match answer.status {
        StatusCode::NOT_FOUND => Ok(answer),
        status if status.is_success() => Ok(answer),
        _ => Err(management.unexpected(path, &answer)),
    }
}

/// A name as one segment of a path.
fn encoded(name: &str) -> String {
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~".contains(byte);
    let each = name.bytes().map(|byte| match plain(&byte) {
        true => char::from(byte).to_string(),
        false => format!("%{byte:02X}"),
    });
    each.collect()
}

/// A name as a regular expression that stands for itself.
fn quoted(name: &str) -> String {
    let special = |letter: char| !letter.is_alphanumeric() && !"-_".contains(letter);
    let each = name.chars().map(|letter| match special(letter) {
        true => format!("\\{letter}"),
        false => letter.to_string(),
    });
    each.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_put_into_paths_and_patterns_as_they_are() {
        for (name, path, pattern) in [
            ("shipping-task", "shipping-task", "shipping-task"),
            ("a.b", "a.b", "a\\.b"),
            ("a/b c", "a%2Fb%20c", "a\\/b\\ c"),
        ] {
            assert_eq!((encoded(name), quoted(name)), (path.into(), pattern.into()));
        }
    }
}
