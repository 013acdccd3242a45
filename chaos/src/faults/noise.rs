//! `noise`: a service writes warnings that mean nothing.

use model::{FaultSpec, ServiceName};

use crate::args::{OneService, service};
use crate::hook::HookFault;

pub(crate) struct Noise;

impl HookFault for Noise {
    const SPEC: FaultSpec = FaultSpec {
        kind: "noise",
        summary: "The service writes alarming warnings to its log now and then, and works as ever: a distractor.",
        recovery: "Nothing needs to be done: the warnings are harmless.",
        args: &[service("the service or store that writes the warnings")],
    };
    const HOOK: &'static str = "chatter";
    const LACKS: &'static str = "has no hooks to make noise by";
    type Args = OneService;

    fn service(args: &OneService) -> &ServiceName {
        &args.service
    }
}
