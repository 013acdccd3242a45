//! `slow-answers`: a service takes its time before it handles a request.

use model::{ArgKind, ArgSpec, FaultSpec, Period, Ratio, ServiceName};
use serde::Deserialize;
use serde_json::Value;

use crate::args::service;
use crate::hook::HookFault;

pub(crate) struct SlowAnswers;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    delay: Period,
    share: Ratio,
}

impl HookFault for SlowAnswers {
    const SPEC: FaultSpec = FaultSpec {
        kind: "slow-answers",
        summary: "Requests to the service wait before they are handled; callers with short timeouts give up, and its health check answers at once.",
        recovery: "Restart it: roll its Deployment or delete its pods.",
        args: &[
            service("the service that is slow"),
            ArgSpec {
                name: "delay",
                kind: ArgKind::Period {
                    min_ms: 1,
                    max_ms: 60_000,
                },
                default: None,
                help: "how much longer a request takes, such as `800ms`",
            },
            ArgSpec {
                name: "share",
                kind: ArgKind::Ratio,
                default: Some("100%"),
                help: "how many of the requests, evenly spread",
            },
        ],
    };
    const HOOK: &'static str = "slow";
    const LACKS: &'static str = "has no hooks to slow its answers by; for a store use slow-queries";
    type Args = Args;

    fn service(args: &Args) -> &ServiceName {
        &args.service
    }

    fn armed_with(args: &Args) -> Vec<(&'static str, Value)> {
        vec![
            ("delay_ms", args.delay.as_millis().into()),
            ("share", args.share.value().into()),
        ]
    }
}
