//! `slow-queries`: every statement of a database, or command of a cache, takes longer.

use model::{ArgKind, ArgSpec, FaultSpec, Period, ServiceName};
use serde::Deserialize;
use serde_json::Value;

use crate::args::service;
use crate::hook::HookFault;

pub(crate) struct SlowQueries;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    delay: Period,
}

impl HookFault for SlowQueries {
    const SPEC: FaultSpec = FaultSpec {
        kind: "slow-queries",
        summary: "Every statement of the store takes longer: its own metrics say so, services wait for it and their connections run out.",
        recovery: "Restart the store: delete its pod.",
        args: &[
            service("the store, such as `orders-db`"),
            ArgSpec {
                name: "delay",
                kind: ArgKind::Period {
                    min_ms: 1,
                    max_ms: 60_000,
                },
                default: None,
                help: "how much longer a statement takes, such as `800ms`",
            },
        ],
    };
    const HOOK: &'static str = "statements";
    const LACKS: &'static str =
        "has no statements to slow down; it must be a PostgreSQL or Redis store of the lab";
    type Args = Args;

    fn service(args: &Args) -> &ServiceName {
        &args.service
    }

    fn armed_with(args: &Args) -> Vec<(&'static str, Value)> {
        vec![("delay_ms", args.delay.as_millis().into())]
    }
}
