//! The shape of the objects that people write: which fields there are and what stands in them. Pure.
//!
//! Fields that the lab never reads are [`Shape::Any`]: known, so that a typing error is still found, and not looked
//! into.

use serde_json::Value;

use crate::objects::Kind;

/// What may stand somewhere.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Shape {
    /// Anything.
    Any,
    Text,
    Whole,
    Flag,
    /// A quantity: `500Mi`, `100m`, `1`.
    Amount,
    /// A number or a name, such as a target port or `25%`.
    WholeOrText,
    /// A map of texts, such as labels.
    Texts,
    /// A map of quantities.
    Amounts,
    /// A list.
    List(&'static Shape),
    /// Fields, and those of them that must be there.
    Fields(&'static [(&'static str, Shape)], &'static [&'static str]),
}

use Shape::{Amount, Amounts, Any, Fields, Flag, List, Text, Texts, Whole, WholeOrText};

/// The shape of a kind's objects.
pub(crate) fn of(kind: Kind) -> Shape {
    match kind {
        Kind::Pod => POD,
        Kind::Deployment => DEPLOYMENT,
        Kind::ReplicaSet => REPLICA_SET,
        Kind::Service => SERVICE,
        Kind::ConfigMap => CONFIG_MAP,
        Kind::Secret => SECRET,
        Kind::PersistentVolumeClaim => CLAIM,
        Kind::Namespace | Kind::ServiceAccount => LOOSE,
        Kind::Endpoints => ENDPOINTS,
        _ => Any,
    }
}

impl Shape {
    /// What is accepted, for an error.
    pub(crate) fn expected(&self) -> &'static str {
        match self {
            Any => "anything",
            Text => "a text (put it in quotes when it looks like a number or `true`)",
            Whole => "a whole number",
            Flag => "`true` or `false`",
            Amount => "a quantity such as `500Mi`, `100m` or `1`",
            WholeOrText => "a number or a text, such as `80`, `http` or `25%`",
            Texts => "a map of texts, such as `name: orders`",
            Amounts => "a map of quantities, such as `memory: 500Mi`",
            List(_) => "a list (each item begins with `- `)",
            Fields(..) => "a map of fields",
        }
    }

    /// Whether a scalar fits. Containers are looked into by whoever walks them.
    pub(crate) fn fits_scalar(&self, value: &Value) -> bool {
        match self {
            Any => true,
            _ if value.is_null() => true,
            Text => value.is_string(),
            Whole => value.is_i64() || value.is_u64(),
            Flag => value.is_boolean(),
            Amount => match value {
                Value::String(text) => crate::quantity::parse(text).is_some(),
                other => other.is_number(),
            },
            WholeOrText => value.is_string() || value.is_i64() || value.is_u64(),
            Texts | Amounts | List(_) | Fields(..) => false,
        }
    }

    /// The known field that is most like `name`.
    pub(crate) fn nearest(&self, name: &str) -> Option<&'static str> {
        let Fields(fields, _) = self else {
            return None;
        };
        fields
            .iter()
            .map(|(field, _)| {
                (
                    strsim::damerau_levenshtein(&field.to_lowercase(), &name.to_lowercase()),
                    *field,
                )
            })
            .filter(|(distance, field)| *distance <= 1 + field.len() / 4)
            .min()
            .map(|(_, field)| field)
    }
}

/// The paths of fields that a value has and its shape has not.
pub(crate) fn unknown_fields(shape: &Shape, value: &Value) -> Vec<String> {
    let mut found = Vec::new();
    walk(shape, value, &mut String::new(), &mut found);
    found
}

fn walk(shape: &Shape, value: &Value, path: &mut String, found: &mut Vec<String>) {
    let length = path.len();
    match (shape, value) {
        (Fields(fields, _), Value::Object(map)) => {
            for (key, value) in map {
                if !path.is_empty() {
                    path.push('.');
                }
                path.push_str(key);
                match fields.iter().find(|(field, _)| field == key) {
                    Some((_, shape)) => walk(shape, value, path, found),
                    None => found.push(path.clone()),
                }
                path.truncate(length);
            }
        }
        (List(shape), Value::Array(items)) => {
            for (at, item) in items.iter().enumerate() {
                path.push_str(&format!("[{at}]"));
                walk(shape, item, path, found);
                path.truncate(length);
            }
        }
        _ => {}
    }
}

const NAMED: &[&str] = &["name"];
const NONE: &[&str] = &[];

const META: Shape = Fields(
    &[
        ("name", Text),
        ("generateName", Text),
        ("namespace", Text),
        ("labels", Texts),
        ("annotations", Texts),
        ("uid", Text),
        ("resourceVersion", Text),
        ("generation", Whole),
        ("creationTimestamp", Any),
        ("deletionTimestamp", Any),
        ("deletionGracePeriodSeconds", Whole),
        ("finalizers", List(&Text)),
        ("ownerReferences", Any),
        ("managedFields", Any),
        ("selfLink", Text),
    ],
    NONE,
);

const OBJECT: (&str, Shape) = ("apiVersion", Text);
const KIND: (&str, Shape) = ("kind", Text);
const METADATA: (&str, Shape) = ("metadata", META);
const STATUS: (&str, Shape) = ("status", Any);

const POD: Shape = Fields(
    &[OBJECT, KIND, METADATA, ("spec", POD_SPEC), STATUS],
    &["metadata", "spec"],
);
const TEMPLATE: Shape = Fields(&[METADATA, ("spec", POD_SPEC)], &["metadata", "spec"]);
const SELECTOR: Shape = Fields(&[("matchLabels", Texts), ("matchExpressions", Any)], NONE);

const DEPLOYMENT: Shape = Fields(
    &[OBJECT, KIND, METADATA, ("spec", DEPLOYMENT_SPEC), STATUS],
    &["metadata", "spec"],
);
const DEPLOYMENT_SPEC: Shape = Fields(
    &[
        ("replicas", Whole),
        ("selector", SELECTOR),
        ("template", TEMPLATE),
        ("strategy", STRATEGY),
        ("minReadySeconds", Whole),
        ("revisionHistoryLimit", Whole),
        ("paused", Flag),
        ("progressDeadlineSeconds", Whole),
    ],
    &["selector", "template"],
);
const STRATEGY: Shape = Fields(
    &[
        ("type", Text),
        (
            "rollingUpdate",
            Fields(
                &[("maxSurge", WholeOrText), ("maxUnavailable", WholeOrText)],
                NONE,
            ),
        ),
    ],
    NONE,
);
const REPLICA_SET: Shape = Fields(
    &[
        OBJECT,
        KIND,
        METADATA,
        (
            "spec",
            Fields(
                &[
                    ("replicas", Whole),
                    ("selector", SELECTOR),
                    ("template", TEMPLATE),
                    ("minReadySeconds", Whole),
                ],
                &["selector"],
            ),
        ),
        STATUS,
    ],
    &["metadata", "spec"],
);

const POD_SPEC: Shape = Fields(
    &[
        ("containers", List(&CONTAINER)),
        ("initContainers", List(&CONTAINER)),
        ("ephemeralContainers", Any),
        ("volumes", List(&VOLUME)),
        ("restartPolicy", Text),
        ("terminationGracePeriodSeconds", Whole),
        ("activeDeadlineSeconds", Whole),
        ("dnsPolicy", Text),
        ("dnsConfig", Any),
        ("nodeSelector", Texts),
        ("serviceAccountName", Text),
        ("serviceAccount", Text),
        ("automountServiceAccountToken", Flag),
        ("nodeName", Text),
        ("hostNetwork", Flag),
        ("hostPID", Flag),
        ("hostIPC", Flag),
        ("hostUsers", Flag),
        ("shareProcessNamespace", Flag),
        ("securityContext", Any),
        ("imagePullSecrets", Any),
        ("hostname", Text),
        ("subdomain", Text),
        ("affinity", Any),
        ("schedulerName", Text),
        ("tolerations", Any),
        ("hostAliases", Any),
        ("priorityClassName", Text),
        ("priority", Whole),
        ("readinessGates", Any),
        ("runtimeClassName", Text),
        ("enableServiceLinks", Flag),
        ("preemptionPolicy", Text),
        ("overhead", Any),
        ("topologySpreadConstraints", Any),
        ("setHostnameAsFQDN", Flag),
        ("os", Any),
        ("schedulingGates", Any),
        ("resourceClaims", Any),
        ("resources", Any),
    ],
    &["containers"],
);

const CONTAINER: Shape = Fields(
    &[
        ("name", Text),
        ("image", Text),
        ("command", List(&Text)),
        ("args", List(&Text)),
        ("workingDir", Text),
        ("ports", List(&CONTAINER_PORT)),
        ("env", List(&ENV)),
        ("envFrom", Any),
        ("resources", RESOURCES),
        ("volumeMounts", List(&MOUNT)),
        ("volumeDevices", Any),
        ("livenessProbe", PROBE),
        ("readinessProbe", PROBE),
        ("startupProbe", PROBE),
        ("lifecycle", Any),
        ("terminationMessagePath", Text),
        ("terminationMessagePolicy", Text),
        ("imagePullPolicy", Text),
        ("securityContext", Any),
        ("stdin", Flag),
        ("stdinOnce", Flag),
        ("tty", Flag),
        ("resizePolicy", Any),
        ("restartPolicy", Text),
    ],
    &["name", "image"],
);
const CONTAINER_PORT: Shape = Fields(
    &[
        ("name", Text),
        ("containerPort", Whole),
        ("protocol", Text),
        ("hostPort", Whole),
        ("hostIP", Text),
    ],
    &["containerPort"],
);
const ENV: Shape = Fields(
    &[("name", Text), ("value", Text), ("valueFrom", Any)],
    NAMED,
);
const RESOURCES: Shape = Fields(
    &[("requests", Amounts), ("limits", Amounts), ("claims", Any)],
    NONE,
);
const MOUNT: Shape = Fields(
    &[
        ("name", Text),
        ("mountPath", Text),
        ("subPath", Text),
        ("subPathExpr", Text),
        ("readOnly", Flag),
        ("recursiveReadOnly", Text),
        ("mountPropagation", Text),
    ],
    &["name", "mountPath"],
);
const PROBE: Shape = Fields(
    &[
        (
            "httpGet",
            Fields(
                &[
                    ("path", Text),
                    ("port", WholeOrText),
                    ("host", Text),
                    ("scheme", Text),
                    ("httpHeaders", Any),
                ],
                &["port"],
            ),
        ),
        (
            "tcpSocket",
            Fields(&[("port", WholeOrText), ("host", Text)], &["port"]),
        ),
        ("exec", Fields(&[("command", List(&Text))], &["command"])),
        ("grpc", Any),
        ("initialDelaySeconds", Whole),
        ("timeoutSeconds", Whole),
        ("periodSeconds", Whole),
        ("successThreshold", Whole),
        ("failureThreshold", Whole),
        ("terminationGracePeriodSeconds", Whole),
    ],
    NONE,
);
const VOLUME: Shape = Fields(
    &[
        ("name", Text),
        ("emptyDir", Any),
        ("configMap", Any),
        ("secret", Any),
        (
            "persistentVolumeClaim",
            Fields(&[("claimName", Text), ("readOnly", Flag)], &["claimName"]),
        ),
        ("hostPath", Any),
        ("projected", Any),
        ("downwardAPI", Any),
        ("nfs", Any),
        ("csi", Any),
        ("ephemeral", Any),
        ("image", Any),
    ],
    NAMED,
);

const SERVICE: Shape = Fields(
    &[OBJECT, KIND, METADATA, ("spec", SERVICE_SPEC), STATUS],
    &["metadata", "spec"],
);
const SERVICE_SPEC: Shape = Fields(
    &[
        ("ports", List(&SERVICE_PORT)),
        ("selector", Texts),
        ("type", Text),
        ("clusterIP", Text),
        ("clusterIPs", Any),
        ("externalIPs", Any),
        ("externalName", Text),
        ("sessionAffinity", Text),
        ("sessionAffinityConfig", Any),
        ("loadBalancerIP", Text),
        ("loadBalancerSourceRanges", Any),
        ("loadBalancerClass", Text),
        ("allocateLoadBalancerNodePorts", Flag),
        ("externalTrafficPolicy", Text),
        ("internalTrafficPolicy", Text),
        ("healthCheckNodePort", Whole),
        ("publishNotReadyAddresses", Flag),
        ("ipFamilies", Any),
        ("ipFamilyPolicy", Text),
        ("trafficDistribution", Text),
    ],
    NONE,
);
const SERVICE_PORT: Shape = Fields(
    &[
        ("name", Text),
        ("port", Whole),
        ("targetPort", WholeOrText),
        ("protocol", Text),
        ("nodePort", Whole),
        ("appProtocol", Text),
    ],
    &["port"],
);

const CONFIG_MAP: Shape = Fields(
    &[
        OBJECT,
        KIND,
        METADATA,
        ("data", Texts),
        ("binaryData", Texts),
        ("immutable", Flag),
    ],
    &["metadata"],
);
const SECRET: Shape = Fields(
    &[
        OBJECT,
        KIND,
        METADATA,
        ("data", Texts),
        ("stringData", Texts),
        ("type", Text),
        ("immutable", Flag),
    ],
    &["metadata"],
);
const CLAIM: Shape = Fields(
    &[
        OBJECT,
        KIND,
        METADATA,
        (
            "spec",
            Fields(
                &[
                    ("accessModes", List(&Text)),
                    ("resources", RESOURCES),
                    ("storageClassName", Text),
                    ("volumeMode", Text),
                    ("volumeName", Text),
                    ("selector", Any),
                    ("dataSource", Any),
                    ("dataSourceRef", Any),
                    ("volumeAttributesClassName", Text),
                ],
                &["resources"],
            ),
        ),
        STATUS,
    ],
    &["metadata", "spec"],
);
const ENDPOINTS: Shape = Fields(&[OBJECT, KIND, METADATA, ("subsets", Any)], &["metadata"]);
const LOOSE: Shape = Fields(
    &[
        OBJECT,
        KIND,
        METADATA,
        ("spec", Any),
        STATUS,
        ("secrets", Any),
        ("imagePullSecrets", Any),
        ("automountServiceAccountToken", Flag),
    ],
    &["metadata"],
);

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn unknown_fields_are_found_by_their_path() {
        let object = json!({ "kind": "Deployment", "spec": { "replica": 1, "template": { "spec": {
            "containers": [{ "name": "a", "imag": "b" }] } } } });
        let shape = of(Kind::Deployment);
        assert_eq!(
            unknown_fields(&shape, &object),
            ["spec.replica", "spec.template.spec.containers[0].imag"]
        );
        assert_eq!(DEPLOYMENT_SPEC.nearest("replica"), Some("replicas"));
        assert_eq!(DEPLOYMENT_SPEC.nearest("zebra"), None);
    }
}
