//! `memory-leak`: a process takes more and more memory until its limit ends it.

use model::{ArgKind, ArgSpec, FaultSpec, ServiceName};
use serde::Deserialize;
use serde_json::Value;

use crate::args::service;
use crate::hook::HookFault;

pub(crate) struct MemoryLeak;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    rate: u64,
}

impl HookFault for MemoryLeak {
    const SPEC: FaultSpec = FaultSpec {
        kind: "memory-leak",
        summary: "The process takes more and more memory; at its limit the platform kills it (OOMKilled, exit code 137) and starts it anew.",
        recovery: "Restart it before its limit does: roll its Deployment or delete its pods; a new process does not leak, and a higher limit only buys time.",
        args: &[
            service("the service or store that leaks"),
            ArgSpec {
                name: "rate",
                kind: ArgKind::Count { min: 1, max: 500 },
                default: Some("20"),
                help: "MiB that it takes each second",
            },
        ],
    };
    const HOOK: &'static str = "leak";
    const LACKS: &'static str = "has no hooks to leak memory by";
    type Args = Args;

    fn service(args: &Args) -> &ServiceName {
        &args.service
    }

    fn armed_with(args: &Args) -> Vec<(&'static str, Value)> {
        vec![("mib_per_second", args.rate.into())]
    }
}
