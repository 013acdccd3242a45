//! `starve`: the container's limits are too low for what it does.
//!
//! A request above the new limit comes down with it, because no platform takes
//! a pod that asks for more than it may have.

use model::{ArgKind, ArgSpec, FaultSpec, ServiceName};
use serde::Deserialize;

use crate::ChaosError;
use crate::args::service;
use crate::place::Place;
use crate::quantity::{cpu, memory, millis_of};
use crate::template::{Change, Template, TemplateFault};

pub(crate) struct Starve;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    /// In thousandths of a core.
    cpu: Option<u64>,
    /// In MiB.
    memory: Option<u64>,
}

impl TemplateFault for Starve {
    const SPEC: FaultSpec = FaultSpec {
        kind: "starve",
        summary: "Limits that are too low are rolled out: too little CPU makes the service slow, too little memory gets it killed (OOMKilled) whenever it needs more.",
        recovery: "Give it back what it had: roll the Deployment back, or set its resources.",
        args: &[
            service("the service or store that starves"),
            ArgSpec {
                name: "cpu",
                kind: ArgKind::Amount {
                    unit: "m",
                    min: 10,
                    max: 4_000,
                },
                default: Some(""),
                help: "the new CPU limit in thousandths of a core, below the present one; left out, it stays. The platform gives no less than 10 (a millisecond in each period of 100 ms)",
            },
            ArgSpec {
                name: "memory",
                kind: ArgKind::Amount {
                    unit: "Mi",
                    min: 1,
                    max: 4_096,
                },
                default: Some(""),
                help: "the new memory limit in MiB, below the present one; left out, it stays",
            },
        ],
    };
    type Args = Args;

    fn service(args: &Args) -> &ServiceName {
        &args.service
    }

    fn changes(template: &Template, args: Args) -> Result<Vec<Change>, ChaosError> {
        let wanted = [
            ("cpu", args.cpu.map(cpu)),
            ("memory", args.memory.map(memory)),
        ];
        let wanted = wanted
            .into_iter()
            .filter_map(|(what, to)| Some((what, to?)));
        let changes: Result<Vec<Change>, ChaosError> = wanted
            .map(|(what, to)| lowered(template, what, &to))
            .collect();
        match changes?.as_slice() {
            [] => Err(template.refuse("starves of nothing; give `cpu` or `memory`")),
            changes => Ok(changes.to_vec()),
        }
    }
}

/// The limit, and the request where it would be above it.
fn lowered(template: &Template, what: &str, to: &str) -> Result<Change, ChaosError> {
    let resources = template.main()?.key(&["resources"]);
    let (limit, request) = (
        resources.key(&["limits", what]),
        resources.key(&["requests", what]),
    );
    let above = |at: &Place| {
        let present = template.text(at).and_then(millis_of);
        Some(present? > millis_of(to)?)
    };
    if above(&limit) == Some(false) {
        let present = template.text(&limit).unwrap_or_default();
        return Err(template.refuse(format!(
            "has a {what} limit of {present}; take one below it"
        )));
    }
    let mut spots = vec![template.spot(limit, to)?];
    if above(&request) == Some(true) {
        spots.push(template.spot(request, to)?);
    }
    Ok(Change(spots))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::template::tests::{of_container, told};

    fn changes(cpu: Option<u64>, memory: Option<u64>) -> Result<Vec<Change>, ChaosError> {
        let template = of_container(json!({"resources": {
            "requests": {"cpu": "100m", "memory": "16Mi"},
            "limits": {"cpu": "1", "memory": "200Mi"},
        }}));
        let service = "carts".into();
        let args = Args {
            service,
            cpu,
            memory,
        };
        Starve::changes(&template, args)
    }

    #[test]
    fn a_limit_comes_down_and_a_request_above_it_with_it() {
        assert_eq!(
            told(&changes(Some(50), Some(32)).expect("bites")),
            [
                r#"resources.limits.cpu: "1" -> "50m""#,
                r#"resources.requests.cpu: "100m" -> "50m""#,
                r#"resources.limits.memory: "200Mi" -> "32Mi""#,
            ]
        );
    }

    #[test]
    fn a_limit_that_does_not_come_down_is_refused() {
        for (cpu, memory, problem) in [
            (None, None, "give `cpu` or `memory`"),
            (Some(1_000), None, "has a cpu limit of 1; take one below it"),
            (None, Some(512), "has a memory limit of 200Mi"),
        ] {
            let error = changes(cpu, memory).expect_err(problem);
            assert!(error.to_string().contains(problem), "{error}");
        }
    }
}
