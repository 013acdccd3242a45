//! The environment of a container, from its spec: literals, references and
//! `$(VAR)`. Pure: what is referred to is given.

use std::collections::BTreeMap;

use super::spec::{Container, EnvSource, KeyRef, Metadata, quantity};

/// Names and values in the order in which they were written.
pub(crate) type Environment = Vec<(String, String)>;

/// The facts of a pod that its containers may ask for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Facts {
    pub(crate) metadata: Metadata,
    pub(crate) node_name: String,
    pub(crate) service_account: String,
    pub(crate) pod_ip: String,
    pub(crate) host_ip: String,
}

/// ConfigMaps and Secrets of the pod's namespace, as text.
pub(crate) trait Sources {
    /// The entries of a ConfigMap, if it exists.
    fn config_map(&self, name: &str) -> Option<BTreeMap<String, String>>;
    /// The decoded entries of a Secret, if it exists.
    fn secret(&self, name: &str) -> Option<BTreeMap<String, String>>;
}

/// Why an environment cannot be made, in kubelet's words (`CreateContainerConfigError`).
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub(crate) enum EnvError {
    #[error("configmap \"{0}\" not found")]
    NoConfigMap(String),
    #[error("secret \"{0}\" not found")]
    NoSecret(String),
    #[error("couldn't find key {key} in ConfigMap {namespace}/{name}")]
    NoConfigMapKey {
        namespace: String,
        name: String,
        key: String,
    },
    #[error("couldn't find key {key} in Secret {namespace}/{name}")]
    NoSecretKey {
        namespace: String,
        name: String,
        key: String,
    },
    #[error("field label not supported: {0}")]
    UnknownField(String),
    #[error("unsupported container resource: {0}")]
    UnknownResource(String),
}

/// The container's environment: `envFrom` first, then `env` over it.
pub(crate) fn environment(
    container: &Container,
    facts: &Facts,
    sources: &dyn Sources,
) -> Result<Environment, EnvError> {
    let mut env = Environment::new();
    for from in &container.env_from {
        let entries = match (&from.config_map_ref, &from.secret_ref) {
            (Some(map), _) => match sources.config_map(&map.name) {
                Some(entries) => entries,
                None if map.optional => continue,
                None => return Err(EnvError::NoConfigMap(map.name.clone())),
            },
            (None, Some(secret)) => match sources.secret(&secret.name) {
                Some(entries) => entries,
                None if secret.optional => continue,
                None => return Err(EnvError::NoSecret(secret.name.clone())),
            },
            (None, None) => continue,
        };
        for (key, value) in entries {
            set(&mut env, format!("{}{key}", from.prefix), value);
        }
    }
    for variable in &container.env {
        let value = match &variable.value_from {
            None => expand(variable.value.as_deref().unwrap_or_default(), &env),
            Some(source) => match reference(source, container, facts, sources)? {
                Some(value) => value,
                None => continue,
            },
        };
        set(&mut env, variable.name.clone(), value);
    }
    Ok(env)
}

/// Sets a variable, in place if it is there.
pub(crate) fn set(env: &mut Environment, name: String, value: String) {
    match env.iter_mut().find(|(known, _)| *known == name) {
        Some((_, old)) => *old = value,
        None => env.push((name, value)),
    }
}

/// The value of a variable, if it is set.
pub(crate) fn get<'e>(env: &'e Environment, name: &str) -> Option<&'e str> {
    env.iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value.as_str())
}

/// `$(VAR)` replaced by its value where it is set, `$$` by `$`
/// (`k8s.io/kubernetes/third_party/forked/golang/expansion`).
pub(crate) fn expand(text: &str, env: &Environment) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find('$') {
        out.push_str(&rest[..at]);
        let tail = &rest[at + 1..];
        if let Some(after) = tail.strip_prefix('$') {
            out.push('$');
            rest = after;
        } else if let Some((name, after)) = tail
            .strip_prefix('(')
            .and_then(|inside| inside.split_once(')'))
        {
            match get(env, name) {
                Some(value) => out.push_str(value),
                None => {
                    out.push_str("$(");
                    out.push_str(name);
                    out.push(')');
                }
            }
            rest = after;
        } else {
            out.push('$');
            rest = tail;
        }
    }
    out.push_str(rest);
    out
}

fn reference(
    source: &EnvSource,
    container: &Container,
    facts: &Facts,
    sources: &dyn Sources,
) -> Result<Option<String>, EnvError> {
    if let Some(field) = &source.field_ref {
        return field_value(&field.field_path, facts).map(Some);
    }
    if let Some(resource) = &source.resource_field_ref {
        return resource_value(&resource.resource, container).map(Some);
    }
    if let Some(key) = &source.config_map_key_ref {
        let entries = sources.config_map(&key.name);
        return pick(key, entries, EnvError::NoConfigMap, || {
            EnvError::NoConfigMapKey {
                namespace: facts.metadata.namespace.clone(),
                name: key.name.clone(),
                key: key.key.clone(),
            }
        });
    }
    if let Some(key) = &source.secret_key_ref {
        let entries = sources.secret(&key.name);
        return pick(key, entries, EnvError::NoSecret, || EnvError::NoSecretKey {
            namespace: facts.metadata.namespace.clone(),
            name: key.name.clone(),
            key: key.key.clone(),
        });
    }
    Ok(None)
}

fn pick(
    key: &KeyRef,
    entries: Option<BTreeMap<String, String>>,
    missing: impl FnOnce(String) -> EnvError,
    no_key: impl FnOnce() -> EnvError,
) -> Result<Option<String>, EnvError> {
    match entries {
        None if key.optional => Ok(None),
        None => Err(missing(key.name.clone())),
        Some(mut entries) => match entries.remove(&key.key) {
            Some(value) => Ok(Some(value)),
            None if key.optional => Ok(None),
            None => Err(no_key()),
        },
    }
}

fn field_value(path: &str, facts: &Facts) -> Result<String, EnvError> {
    let subscript = |prefix: &str| {
        path.strip_prefix(prefix)?
            .strip_prefix("['")?
            .strip_suffix("']")
    };
    let text = |entries: &BTreeMap<String, String>, key: &str| {
        entries.get(key).cloned().unwrap_or_default()
    };
    if let Some(key) = subscript("metadata.labels") {
        return Ok(text(&facts.metadata.labels, key));
    }
    if let Some(key) = subscript("metadata.annotations") {
        return Ok(text(&facts.metadata.annotations, key));
    }
    Ok(match path {
        "metadata.name" => facts.metadata.name.clone(),
        "metadata.namespace" => facts.metadata.namespace.clone(),
        "metadata.uid" => facts.metadata.uid.clone(),
        "spec.nodeName" => facts.node_name.clone(),
        "spec.serviceAccountName" => facts.service_account.clone(),
        "status.podIP" | "status.podIPs" => facts.pod_ip.clone(),
        "status.hostIP" | "status.hostIPs" => facts.host_ip.clone(),
        other => return Err(EnvError::UnknownField(other.to_owned())),
    })
}

fn resource_value(resource: &str, container: &Container) -> Result<String, EnvError> {
    let unknown = || EnvError::UnknownResource(resource.to_owned());
    let (bound, name) = resource.split_once('.').ok_or_else(unknown)?;
    let table = match bound {
        "limits" => &container.resources.limits,
        "requests" => &container.resources.requests,
        _ => return Err(unknown()),
    };
    let number = table.get(name).and_then(quantity).unwrap_or(0.0);
    Ok(format!("{}", number.ceil()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::node::spec::Pod;

    struct Maps;

    impl Sources for Maps {
        fn config_map(&self, name: &str) -> Option<BTreeMap<String, String>> {
            (name == "settings").then(|| {
                [("mode", "fast"), ("level", "3")]
                    .map(|(k, v)| (k.to_owned(), v.to_owned()))
                    .into()
            })
        }

        fn secret(&self, name: &str) -> Option<BTreeMap<String, String>> {
            (name == "keys").then(|| [("token".to_owned(), "t0p".to_owned())].into())
        }
    }

    fn environment_of(container: serde_json::Value) -> Result<Environment, EnvError> {
        let pod = Pod::read(&json!({
            "metadata": {"name": "p-1", "namespace": "n", "uid": "u", "labels": {"app": "p"}},
            "spec": {"containers": [container]}
        }))
        .unwrap();
        let facts = Facts {
            metadata: pod.metadata.clone(),
            node_name: "node".into(),
            service_account: "default".into(),
            pod_ip: "127.1.2.3".into(),
            host_ip: "127.1.2.1".into(),
        };
        environment(&pod.spec.containers[0], &facts, &Maps)
    }

    #[test]
    fn every_source_of_a_value_is_resolved_in_order() {
        let env = environment_of(json!({
            "envFrom": [{"prefix": "CFG_", "configMapRef": {"name": "settings"}},
                        {"configMapRef": {"name": "none", "optional": true}}],
            "env": [
                {"name": "A", "value": "1"},
                {"name": "CFG_level", "value": "9"},
                {"name": "IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}},
                {"name": "L", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['app']"}}},
                {"name": "N", "valueFrom": {"fieldRef": {"fieldPath": "spec.nodeName"}}},
                {"name": "M", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "mode"}}},
                {"name": "T", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
                {"name": "O", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "no", "optional": true}}},
                {"name": "R", "valueFrom": {"resourceFieldRef": {"resource": "limits.memory"}}},
                {"name": "X", "value": "$(IP):$(A)$$(A)$(LATER)"},
                {"name": "LATER", "value": "l"}
            ],
            "resources": {"limits": {"memory": "1Ki"}}
        }))
        .unwrap();
        let shown: Vec<String> = env.iter().map(|(k, v)| format!("{k}={v}")).collect();
        assert_eq!(
            shown,
            [
                "CFG_level=9",
                "CFG_mode=fast",
                "A=1",
                "IP=127.1.2.3",
                "L=p",
                "N=node",
                "M=fast",
                "T=t0p",
                "R=1024",
                "X=127.1.2.3:1$(A)$(LATER)",
                "LATER=l",
            ]
        );
    }

    #[test]
    fn what_is_missing_is_named_as_kubelet_does() {
        for (container, message) in [
            (
                json!({"envFrom": [{"configMapRef": {"name": "none"}}]}),
                "configmap \"none\" not found",
            ),
            (
                json!({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "none", "key": "k"}}}]}),
                "secret \"none\" not found",
            ),
            (
                json!({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "settings", "key": "k"}}}]}),
                "couldn't find key k in ConfigMap n/settings",
            ),
        ] {
            assert_eq!(environment_of(container).unwrap_err().to_string(), message);
        }
    }
}
