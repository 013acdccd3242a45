//! `crash-loop`: a bad change of the configuration, after which the process dies at every start.
//!
//! The change is one that people make: a letter O for a zero in `PORT`
//! (`8080` -> `808O`), or a variable that is left empty. It goes into the
//! Deployment's pod template, so the platform rolls it out: new pods die at
//! start and end in CrashLoopBackOff. That takes the service down only where
//! the strategy lets the old pods go before new ones are ready (Recreate, or
//! RollingUpdate with maxUnavailable at least the number of replicas); any
//! other strategy is refused, because the fault would not bite.

use model::{ArgKind, ArgSpec, FaultSpec, ServiceName};
use serde::Deserialize;

use crate::ChaosError;
use crate::args::service;
use crate::template::{Change, Template, TemplateFault};

pub(crate) struct CrashLoop;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    env: String,
    value: String,
}

impl TemplateFault for CrashLoop {
    const SPEC: FaultSpec = FaultSpec {
        kind: "crash-loop",
        summary: "A bad change is rolled out: the process dies at every start, and its pods end in CrashLoopBackOff.",
        recovery: "Roll the Deployment back.",
        args: &[
            service("the service whose configuration is changed"),
            ArgSpec {
                name: "env",
                kind: ArgKind::Text,
                default: Some("PORT"),
                help: "the environment variable that is changed; its container must have it",
            },
            ArgSpec {
                name: "value",
                kind: ArgKind::Text,
                default: Some(""),
                help: "its new value; left out, a zero in the present one becomes a letter O, and one without zeros becomes empty",
            },
        ],
    };
    type Args = Args;

    fn service(args: &Args) -> &ServiceName {
        &args.service
    }

    fn changes(template: &Template, args: Args) -> Result<Vec<Change>, ChaosError> {
        template.wants_old_pods_to_go()?;
        let variable = template.variable(&args.env)?;
        let at = variable.key(&["value"]);
        let after = match args.value.as_str() {
            "" => typo(template.text(&at).unwrap_or_default()),
            value => value.to_owned(),
        };
        Ok(vec![Change(vec![template.spot(at, after)?])])
    }
}

/// The last zero becomes a letter O.
fn typo(value: &str) -> String {
    match value.rfind('0') {
        Some(at) => format!("{}O{}", &value[..at], &value[at + 1..]),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_default_change_is_a_letter_for_a_zero_or_nothing_at_all() {
        for (before, after) in [("8080", "808O"), ("80", "8O"), ("8079", "8O79"), ("x", "")] {
            assert_eq!(typo(before), after);
        }
    }
}
