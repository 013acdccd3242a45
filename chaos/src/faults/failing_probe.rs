//! `failing-probe`: a probe asks for a path that the service does not have.
//!
//! A readiness probe that fails keeps new pods out of their Service; that bites
//! only where the strategy lets the old pods go. A liveness probe that fails
//! lets new pods come up ready and kills them again and again.

use model::{ArgKind, ArgSpec, FaultSpec, ServiceName};
use serde::Deserialize;

use crate::ChaosError;
use crate::args::service;
use crate::template::{Change, Template, TemplateFault};

pub(crate) struct FailingProbe;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Args {
    service: ServiceName,
    probe: Probe,
    path: String,
}

#[derive(Clone, Copy, PartialEq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Probe {
    Liveness,
    Readiness,
}

impl TemplateFault for FailingProbe {
    const SPEC: FaultSpec = FaultSpec {
        kind: "failing-probe",
        summary: "A probe asks for a path that the service does not have: failing liveness kills healthy pods again and again, failing readiness keeps them out of their Service.",
        recovery: "Roll the Deployment back, or apply its manifest again.",
        args: &[
            service(
                "the service whose probe is changed; it must be an HTTP probe, which stores do not have",
            ),
            ArgSpec {
                name: "probe",
                kind: ArgKind::Choice(&["liveness", "readiness"]),
                default: None,
                help: "the probe that is changed",
            },
            ArgSpec {
                name: "path",
                kind: ArgKind::Text,
                default: Some("/healthz"),
                help: "the path that it asks for from then on",
            },
        ],
    };
    type Args = Args;

    fn service(args: &Args) -> &ServiceName {
        &args.service
    }

    fn changes(template: &Template, args: Args) -> Result<Vec<Change>, ChaosError> {
        let probe = match args.probe {
            Probe::Liveness => "livenessProbe",
            Probe::Readiness => "readinessProbe",
        };
        if args.probe == Probe::Readiness {
            template.wants_old_pods_to_go()?;
        }
        let http = template.main()?.key(&[probe, "httpGet"]);
        if template.value(&http).is_none() {
            return Err(template.refuse(format!(
                "has no {probe} that asks over HTTP; choose a service that has one"
            )));
        }
        if !args.path.starts_with('/') {
            let path = &args.path;
            return Err(template.refuse(format!("cannot be asked for `{path}`; begin it with `/`")));
        }
        let spot = template.spot(http.key(&["path"]), args.path)?;
        Ok(vec![Change(vec![spot])])
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::template::tests::{of_container, told};

    #[test]
    fn one_probe_asks_for_another_path_and_the_other_stays() {
        let http = json!({"httpGet": {"path": "/health", "port": "http"}});
        let template = of_container(json!({"livenessProbe": http, "readinessProbe": http}));
        let changes = |probe, path: &str| {
            let (service, path) = ("carts".into(), path.to_owned());
            let args = Args {
                service,
                probe,
                path,
            };
            FailingProbe::changes(&template, args)
        };
        assert_eq!(
            told(&changes(Probe::Readiness, "/healthz").expect("bites")),
            [r#"readinessProbe.httpGet.path: "/health" -> "/healthz""#]
        );
        for (path, problem) in [("/health", "already"), ("healthz", "begin it with `/`")] {
            let error = changes(Probe::Liveness, path).expect_err(problem);
            assert!(error.to_string().contains(problem), "{error}");
        }
    }

    #[test]
    fn a_probe_without_a_path_is_refused() {
        let tcp = json!({"tcpSocket": {"port": "postgres"}});
        let template = of_container(json!({"livenessProbe": tcp}));
        let args = Args {
            service: "carts".into(),
            probe: Probe::Liveness,
            path: "/healthz".to_owned(),
        };
        let error = FailingProbe::changes(&template, args).expect_err("refused");
        assert!(error.to_string().contains("over HTTP"), "{error}");
    }
}
