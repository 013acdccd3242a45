//! Runbook commands: chosen from lists, or written and completed.

use model::{Action, ServiceName};

/// A kind of change.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Kind {
    #[default]
    Restart,
    Undo,
    DeletePod,
    ScaleUp,
    ScaleDown,
}

/// Every kind, in the order of the screen.
pub(crate) const KINDS: [Kind; 5] = [
    Kind::Restart,
    Kind::Undo,
    Kind::DeletePod,
    Kind::ScaleUp,
    Kind::ScaleDown,
];

impl Kind {
    pub(crate) fn title(self) -> &'static str {
        match self {
            Self::Restart => "rollout restart",
            Self::Undo => "rollout undo",
            Self::DeletePod => "delete pod",
            Self::ScaleUp => "scale up by one",
            Self::ScaleDown => "scale down by one",
        }
    }

    /// The change of `service`, which has `replicas` now.
    pub(crate) fn action(self, service: ServiceName, replicas: u32) -> Action {
        match self {
            Self::Restart => Action::RolloutRestart(service),
            Self::Undo => Action::RolloutUndo(service),
            Self::DeletePod => Action::DeletePod(service),
            Self::ScaleUp => Action::Scale {
                service,
                replicas: replicas + 1,
            },
            Self::ScaleDown => Action::Scale {
                service,
                replicas: replicas.saturating_sub(1),
            },
        }
    }
}

/// The screen of changes.
#[derive(Clone, Debug, Default)]
pub(crate) struct ActPane {
    pub(crate) service: usize,
    pub(crate) kind: usize,
}

/// Reads a runbook command, with or without `kubectl -n NAMESPACE` before it.
pub(crate) fn parse(text: &str, services: &[ServiceName]) -> Result<Action, String> {
    let mut words: Vec<&str> = text.split_whitespace().collect();
    if words.first() == Some(&"kubectl") {
        words.remove(0);
    }
    if let Some(at) = words.iter().position(|word| *word == "-n") {
        words.drain(at..(at + 2).min(words.len()));
    }
    let service = |word: &str| -> Result<ServiceName, String> {
        let name = word.rsplit('/').next().unwrap_or(word);
        let found = service_of_pod(name, services).and_then(|index| services.get(index));
        found
            .cloned()
            .ok_or_else(|| format!("there is no service called `{name}`"))
    };
    match words.as_slice() {
        ["rollout", "restart", name] => Ok(Action::RolloutRestart(service(name)?)),
        ["rollout", "undo", name] => Ok(Action::RolloutUndo(service(name)?)),
        ["delete", "pod" | "pods", name] => Ok(Action::DeletePod(service(name)?)),
        ["delete", "pod" | "pods", "-l", label] => Ok(Action::DeletePod(service(
            label.trim_start_matches("name="),
        )?)),
        ["scale", name, replicas] | ["scale", name, "--replicas", replicas] => {
            let number = replicas.trim_start_matches("--replicas=");
            let replicas = number
                .parse()
                .map_err(|_| format!("`{number}` is not a number of replicas"))?;
            Ok(Action::Scale {
                service: service(name)?,
                replicas,
            })
        }
        ["set", "image", name, image] => {
            let release = image.rsplit(':').next().unwrap_or(image);
            Ok(Action::SetImage {
                service: service(name)?,
                release: release.to_owned(),
            })
        }
        ["set", "resources", name, limits] => {
            let (cpu, memory) = limits_of(limits)?;
            Ok(Action::SetResources {
                service: service(name)?,
                cpu,
                memory,
            })
        }
        ["autoscale", name, options @ ..] => Ok(Action::Autoscale {
            service: service(name)?,
            min: option(options, "--min").unwrap_or(Ok(1))?,
            max: option(options, "--max").unwrap_or_else(|| Err("--max is missing".to_owned()))?,
            cpu: option(options, "--cpu-percent").unwrap_or(Ok(80))?,
        }),
        ["apply", "-f", file] => {
            let file = file.rsplit('/').next().unwrap_or(file);
            let name = file.trim_end_matches(".yaml").trim_end_matches(".yml");
            Ok(Action::Apply(service(name)?))
        }
        [] => Err("write a command, such as `rollout restart deployment/orders`".to_owned()),
        _ => {
            let words = WORDS.iter().map(|(word, _)| *word);
            let known: Vec<&str> = VERBS.into_iter().chain(words).collect();
            Err(format!("`{text}` is not one of: {}", known.join(", ")))
        }
    }
}

/// What may be written in a key's place, and the key.
const WORDS: [(&str, char); 6] = [
    ("acknowledge", 'a'),
    ("resolve", 'R'),
    ("update", 'u'),
    ("hint", 'H'),
    ("help", '?'),
    ("quit", 'q'),
];

/// The key whose word this is.
pub(crate) fn key_of(text: &str) -> Option<char> {
    let found = WORDS.iter().find(|(word, _)| *word == text);
    found.map(|(_, key)| *key)
}

/// The commands that there are.
const VERBS: [&str; 8] = [
    "rollout restart",
    "rollout undo",
    "delete pod",
    "scale",
    "set image",
    "set resources",
    "autoscale",
    "apply -f",
];

/// Whether `text` begins as a runbook command does.
pub(crate) fn is_runbook(text: &str) -> bool {
    let first = text.split_whitespace().next();
    let verbs = VERBS.iter().map(|verb| verb.split_whitespace().next());
    first == Some("kubectl")
        || verbs
            .into_iter()
            .any(|verb| verb == first && verb.is_some())
}

/// CPU and memory of `--limits=cpu=200m,memory=400Mi`.
fn limits_of(text: &str) -> Result<(Option<String>, Option<String>), String> {
    let list = text.strip_prefix("--limits=").unwrap_or(text);
    let (mut cpu, mut memory) = (None, None);
    for part in list.split(',') {
        match part.split_once('=') {
            Some(("cpu", limit)) if !limit.is_empty() => cpu = Some(limit.to_owned()),
            Some(("memory", limit)) if !limit.is_empty() => memory = Some(limit.to_owned()),
            _ => return Err(format!("`{text}` is not --limits=cpu=200m,memory=400Mi")),
        }
    }
    Ok((cpu, memory))
}

/// The number of `--name=7` among `options`.
fn option(options: &[&str], name: &str) -> Option<Result<u32, String>> {
    let value = options
        .iter()
        .find_map(|option| option.strip_prefix(name)?.strip_prefix('='))?;
    let number = value.parse();
    Some(number.map_err(|_| format!("{name}: `{value}` is not a whole number")))
}

/// Which of `services` is called `name`, or runs the pod of that name.
pub(crate) fn service_of_pod(name: &str, services: &[ServiceName]) -> Option<usize> {
    let named = services.iter().position(|service| service.as_str() == name);
    let pod =
        |service: &ServiceName| name.starts_with(&format!("{service}-")) && pod_of(name, service);
    named.or_else(|| services.iter().position(pod))
}

/// Whether a pod of that name can be `service`'s: `carts-6d8f-x2x4k` is carts',
/// `carts-db-6d8f-x2x4k` is not.
fn pod_of(pod: &str, service: &ServiceName) -> bool {
    let rest = pod[service.as_str().len()..].trim_start_matches('-');
    rest.split('-').count() <= 2 && !rest.starts_with("db-") && !rest.starts_with("master-")
}

/// The commands that complete `text`, at most eight.
pub(crate) fn complete(text: &str, services: &[ServiceName]) -> Vec<String> {
    let words = WORDS.iter().map(|(word, _)| *word);
    let mut found: Vec<String> = words
        .filter(|word| !text.is_empty() && word.starts_with(text) && *word != text)
        .map(str::to_owned)
        .collect();
    for verb in VERBS {
        if verb.starts_with(text) && text.len() < verb.len() {
            found.push(format!("{verb} "));
        }
        let Some(rest) = text
            .strip_prefix(verb)
            .and_then(|rest| rest.strip_prefix(' '))
        else {
            continue;
        };
        for service in services {
            let target = match verb {
                "delete pod" => format!("-l name={service}"),
                "apply -f" => format!("{service}.yaml"),
                _ => format!("deployment/{service}"),
            };
            let fits = target.starts_with(rest) || service.as_str().starts_with(rest);
            if fits && rest != target {
                let tail = match verb {
                    "scale" => " --replicas=",
                    "set image" => " v",
                    "set resources" => " --limits=",
                    "autoscale" => " --min=1 --max=5 --cpu-percent=",
                    _ => "",
                };
                found.push(format!("{verb} {target}{tail}"));
            }
        }
    }
    found.truncate(8);
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn services() -> Vec<ServiceName> {
        ["carts", "carts-db", "orders"].map(Into::into).to_vec()
    }

    #[test]
    fn commands_are_read_as_the_runbook_writes_them() {
        let restart = Action::RolloutRestart("orders".into());
        let scale = Action::Scale {
            service: "carts".into(),
            replicas: 3,
        };
        for (text, expected) in [
            ("rollout restart deployment/orders", restart.clone()),
            (
                "kubectl -n sock-shop rollout restart deployment/orders",
                restart,
            ),
            ("rollout undo orders", Action::RolloutUndo("orders".into())),
            (
                "rollout undo carts-db",
                Action::RolloutUndo("carts-db".into()),
            ),
            (
                "delete pod carts-6d8f9-x2x4k",
                Action::DeletePod("carts".into()),
            ),
            (
                "delete pod carts-db-6d8f9-x2x4k",
                Action::DeletePod("carts-db".into()),
            ),
            (
                "delete pod -l name=orders",
                Action::DeletePod("orders".into()),
            ),
            ("scale deployment/carts --replicas=3", scale.clone()),
            ("scale carts 3", scale),
            (
                "set image deployment/orders orders=shoplab/sock-shop/orders:v1.0.0",
                Action::SetImage {
                    service: "orders".into(),
                    release: "v1.0.0".into(),
                },
            ),
            (
                "set resources deployment/orders --limits=cpu=500m,memory=1Gi",
                Action::SetResources {
                    service: "orders".into(),
                    cpu: Some("500m".to_owned()),
                    memory: Some("1Gi".to_owned()),
                },
            ),
            (
                "autoscale deployment/carts --min=1 --max=5 --cpu-percent=60",
                Action::Autoscale {
                    service: "carts".into(),
                    min: 1,
                    max: 5,
                    cpu: 60,
                },
            ),
            (
                "kubectl apply -f k8s/sock-shop/carts-db.yaml",
                Action::Apply("carts-db".into()),
            ),
        ] {
            assert_eq!(parse(text, &services()), Ok(expected), "{text}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for (text, expected) in [
            ("", "write a command"),
            (
                "rollout restart deployment/ordrs",
                "no service called `ordrs`",
            ),
            ("scale orders many", "`many` is not a number"),
            ("drain node", "is not one of"),
            ("set resources orders --limits=disk=1", "is not --limits="),
            ("autoscale orders --min=2", "--max is missing"),
            ("apply -f nobody.yaml", "no service called `nobody`"),
        ] {
            let error = parse(text, &services()).expect_err(text);
            assert!(error.contains(expected), "{error}");
        }
    }

    #[test]
    fn completion_goes_from_verbs_to_services() {
        assert_eq!(
            complete("roll", &services()),
            ["rollout restart ", "rollout undo "]
        );
        assert_eq!(
            complete("rollout undo car", &services()),
            [
                "rollout undo deployment/carts",
                "rollout undo deployment/carts-db"
            ]
        );
        assert_eq!(complete("res", &services()), ["resolve"]);
        assert_eq!(
            complete("scale ord", &services()),
            ["scale deployment/orders --replicas="]
        );
    }
}
