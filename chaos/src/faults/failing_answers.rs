//! `failing-answers`: a service answers requests with errors of its own.

use model::{ArgKind, ArgSpec, FaultSpec, Ratio, ServiceName};
use serde::Deserialize;
use serde_json::Value;

use crate::args::service;
use crate::hook::HookFault;

pub(crate) struct FailingAnswers;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    share: Ratio,
}

impl HookFault for FailingAnswers {
    const SPEC: FaultSpec = FaultSpec {
        kind: "failing-answers",
        summary: "Requests to the service are answered with status 500 in its own error format; its health check stays good.",
        recovery: "Restart it: roll its Deployment or delete its pods.",
        args: &[
            service("the service that fails"),
            ArgSpec {
                name: "share",
                kind: ArgKind::Ratio,
                default: Some("100%"),
                help: "how many of the requests, evenly spread",
            },
        ],
    };
    const HOOK: &'static str = "errors";
    const LACKS: &'static str = "has no hooks to fail by";
    type Args = Args;

    fn service(args: &Args) -> &ServiceName {
        &args.service
    }

    fn armed_with(args: &Args) -> Vec<(&'static str, Value)> {
        vec![("share", args.share.value().into())]
    }
}
