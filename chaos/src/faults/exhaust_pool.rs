//! `exhaust-pool`: all connections of a service to its own database are taken.

use model::{FaultSpec, ServiceName};

use crate::args::{OneService, service};
use crate::hook::HookFault;

pub(crate) struct ExhaustPool;

impl HookFault for ExhaustPool {
    const SPEC: FaultSpec = FaultSpec {
        kind: "exhaust-pool",
        summary: "All connections of the service's own database pool are taken and not given back: requests wait and fail with a connection timeout, while the database is well.",
        recovery: "Restart the service, not its database: roll its Deployment or delete its pods.",
        args: &[service(
            "the service whose pool is exhausted; not the database",
        )],
    };
    const HOOK: &'static str = "pool";
    const LACKS: &'static str = "has no pool of database connections";
    type Args = OneService;

    fn service(args: &OneService) -> &ServiceName {
        &args.service
    }
}
