//! `clock-skew`: the clock by which a service dates its log lines is wrong.

use model::{ArgKind, ArgSpec, FaultSpec, Period, ServiceName};
use serde::Deserialize;
use serde_json::Value;

use crate::args::service;
use crate::hook::HookFault;

pub(crate) struct ClockSkew;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    by: Period,
    direction: Direction,
}

#[derive(Clone, Copy, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Direction {
    Behind,
    Ahead,
}

impl HookFault for ClockSkew {
    const SPEC: FaultSpec = FaultSpec {
        kind: "clock-skew",
        summary: "The service dates its log lines wrongly: they seem to come from another time than the metrics and traces of the same requests.",
        recovery: "Restart it: roll its Deployment or delete its pods; until then go by traces and the platform's own times.",
        args: &[
            service("the service whose log lines are dated wrongly"),
            ArgSpec {
                name: "by",
                kind: ArgKind::Period {
                    min_ms: 1,
                    max_ms: 86_400_000,
                },
                default: Some("10m"),
                help: "how wrong its clock is",
            },
            ArgSpec {
                name: "direction",
                kind: ArgKind::Text,
                default: Some("behind"),
                help: "`behind` or `ahead`",
            },
        ],
    };
    const HOOK: &'static str = "clock";
    const LACKS: &'static str = "has no hooks to skew its clock by";
    type Args = Args;

    fn service(args: &Args) -> &ServiceName {
        &args.service
    }

    fn armed_with(args: &Args) -> Vec<(&'static str, Value)> {
        let by = i64::try_from(args.by.as_millis()).unwrap_or(i64::MAX);
        let skew = match args.direction {
            Direction::Behind => -by,
            Direction::Ahead => by,
        };
        vec![("skew_ms", skew.into())]
    }
}
