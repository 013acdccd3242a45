//! `misconfigure`: a variable gets a value with which the service starts, and works wrongly.

use model::{ArgKind, ArgSpec, FaultSpec, ServiceName};
use serde::Deserialize;

use crate::ChaosError;
use crate::args::service;
use crate::template::{Change, Template, TemplateFault};

pub(crate) struct Misconfigure;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    env: String,
    value: String,
}

impl TemplateFault for Misconfigure {
    const SPEC: FaultSpec = FaultSpec {
        kind: "misconfigure",
        summary: "An environment variable gets a wrong value and is rolled out: the service starts, is ready, and works wrongly.",
        recovery: "Roll the Deployment back, or apply its manifest again.",
        args: &[
            service("the service whose configuration is changed"),
            ArgSpec {
                name: "env",
                kind: ArgKind::Text,
                default: None,
                help: "the environment variable that is changed; its container must have it",
            },
            ArgSpec {
                name: "value",
                kind: ArgKind::Text,
                default: None,
                help: "its new value, with which the service must still start",
            },
        ],
    };
    type Args = Args;

    fn service(args: &Args) -> &ServiceName {
        &args.service
    }

    fn changes(template: &Template, args: Args) -> Result<Vec<Change>, ChaosError> {
        let variable = template.variable(&args.env)?;
        let spot = template.spot(variable.key(&["value"]), args.value)?;
        Ok(vec![Change(vec![spot])])
    }
}
