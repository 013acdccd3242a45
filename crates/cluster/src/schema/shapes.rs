//! The shapes of the kinds that manifests describe: Kubernetes' field names.

use super::Shape::{self, Amounts, Any, Fields, Flag, List, Text, Texts, Whole, WholeOrText};
use crate::objects::Kind;

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
