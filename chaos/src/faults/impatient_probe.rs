//! `impatient-probe`: a liveness probe gives up so soon that a slow answer counts as none.
//!
//! Harmless while answers are quick: it takes load, or a limit that is too low,
//! to make the platform kill what would only have been late. The shortest that
//! Kubernetes takes for a timeout and for a period is a second.

use model::{ArgKind, ArgSpec, FaultSpec, ServiceName};
use serde::Deserialize;
use serde_json::Value;

use crate::ChaosError;
use crate::args::service;
use crate::template::{Change, Template, TemplateFault};

pub(crate) struct ImpatientProbe;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    /// In a row.
    failures: u64,
}

impl TemplateFault for ImpatientProbe {
    const SPEC: FaultSpec = FaultSpec {
        kind: "impatient-probe",
        summary: "The liveness probe asks each second and waits for a second only: whoever is late a few times in a row is killed, and comes back to the same load.",
        recovery: "Make the service quick again, or roll the Deployment back to the probe that it had.",
        args: &[
            service("the service whose liveness probe is changed; it must have one"),
            ArgSpec {
                name: "failures",
                kind: ArgKind::Count { min: 1, max: 10 },
                default: Some("2"),
                help: "how many late answers in a row are enough, fewer than now",
            },
        ],
    };
    type Args = Args;

    fn service(args: &Args) -> &ServiceName {
        &args.service
    }

    fn changes(template: &Template, args: Args) -> Result<Vec<Change>, ChaosError> {
        let probe = template.main()?.key(&["livenessProbe"]);
        if template.value(&probe).is_none() {
            return Err(template.refuse("has no livenessProbe; choose a service that has one"));
        }
        // What is left out of a probe has these values, says `kubectl explain`.
        let wanted = [
            ("periodSeconds", 10, 1),
            ("timeoutSeconds", 1, 1),
            ("failureThreshold", 3, args.failures),
        ];
        let mut spots = Vec::new();
        for (field, by_default, to) in wanted {
            let at = probe.key(&[field]);
            let present = template.value(&at).and_then(Value::as_u64);
            if present.unwrap_or(by_default) > to {
                spots.push(template.spot(at, to)?);
            }
        }
        if spots.is_empty() {
            return Err(template.refuse(format!(
                "has a livenessProbe that gives up as soon; take fewer than {} failures",
                args.failures
            )));
        }
        Ok(vec![Change(spots)])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::template::tests::{of_container, told};

    fn changes(container: Value, failures: u64) -> Result<Vec<Change>, ChaosError> {
        let service = "carts".into();
        ImpatientProbe::changes(&of_container(container), Args { service, failures })
    }

    #[test]
    fn what_is_more_patient_is_cut_and_the_rest_stays() {
        for (probe, told_of) in [
            (
                json!({"periodSeconds": 3, "timeoutSeconds": 2, "failureThreshold": 3}),
                &[
                    "livenessProbe.periodSeconds: 3 -> 1",
                    "livenessProbe.timeoutSeconds: 2 -> 1",
                    "livenessProbe.failureThreshold: 3 -> 2",
                ][..],
            ),
            (
                json!({"periodSeconds": 1, "failureThreshold": 2, "timeoutSeconds": 5}),
                &["livenessProbe.timeoutSeconds: 5 -> 1"],
            ),
        ] {
            let changes = changes(json!({ "livenessProbe": probe }), 2).expect("bites");
            assert_eq!(told(&changes), told_of);
        }
    }

    #[test]
    fn what_is_left_out_is_taken_for_its_default() {
        let probe = json!({"livenessProbe": {"tcpSocket": {"port": "http"}}});
        let changes = changes(probe, 2).expect("bites");
        let told = told(&changes).join("\n");
        assert!(told.contains("periodSeconds") && told.contains("failureThreshold"));
        assert!(!told.contains("timeoutSeconds"), "{told}");
    }

    #[test]
    fn a_probe_that_is_not_there_or_as_impatient_is_refused() {
        let hasty = json!({"periodSeconds": 1, "timeoutSeconds": 1, "failureThreshold": 1});
        for (container, problem) in [
            (json!({}), "no livenessProbe"),
            (json!({ "livenessProbe": hasty }), "gives up as soon"),
        ] {
            let error = changes(container, 2).expect_err(problem);
            assert!(error.to_string().contains(problem), "{error}");
        }
    }
}
