//! `cpu-hog`: threads of a process compute for nothing.

use model::{ArgKind, ArgSpec, FaultSpec, ServiceName};
use serde::Deserialize;
use serde_json::Value;

use crate::args::service;
use crate::hook::HookFault;

pub(crate) struct CpuHog;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    threads: u64,
}

impl HookFault for CpuHog {
    const SPEC: FaultSpec = FaultSpec {
        kind: "cpu-hog",
        summary: "Threads of the process spin: it uses all the CPU time that it may, is throttled at its limit, and its requests get slow.",
        recovery: "Restart it: roll its Deployment or delete its pods; a higher CPU limit or more replicas only soften it.",
        args: &[
            service("the service or store that spins"),
            ArgSpec {
                name: "threads",
                kind: ArgKind::Count { min: 1, max: 8 },
                default: Some("2"),
                help: "threads that spin",
            },
        ],
    };
    const HOOK: &'static str = "burn";
    const LACKS: &'static str = "has no hooks to burn CPU time by";
    type Args = Args;

    fn service(args: &Args) -> &ServiceName {
        &args.service
    }

    fn armed_with(args: &Args) -> Vec<(&'static str, Value)> {
        vec![("threads", args.threads.into())]
    }
}
