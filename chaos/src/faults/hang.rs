//! `hang`: a deadlock inside the service that its health check does not see.

use model::{FaultSpec, ServiceName};

use crate::args::{OneService, service};
use crate::hook::HookFault;

pub(crate) struct Hang;

impl HookFault for Hang {
    const SPEC: FaultSpec = FaultSpec {
        kind: "hang",
        summary: "The service deadlocks: every request waits for ever, while its health check answers and its pod stays Running.",
        recovery: "Restart it: roll its Deployment or delete its pods.",
        args: &[service(
            "the service that hangs; stores have no such hook, freeze them instead",
        )],
    };
    const HOOK: &'static str = "deadlock";
    const LACKS: &'static str = "has no hooks to hang it by; freeze it instead";
    type Args = OneService;

    fn service(args: &OneService) -> &ServiceName {
        &args.service
    }
}
