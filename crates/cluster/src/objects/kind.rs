//! The closed set of kinds that the cluster knows, and how each is named in the API.

use std::fmt;

/// A kind of object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[expect(missing_docs, reason = "each is Kubernetes' kind of that name")]
pub enum Kind {
    Namespace,
    Node,
    Pod,
    Deployment,
    ReplicaSet,
    StatefulSet,
    DaemonSet,
    Job,
    CronJob,
    Service,
    Endpoints,
    EndpointSlice,
    Event,
    ConfigMap,
    Secret,
    ServiceAccount,
    PersistentVolume,
    PersistentVolumeClaim,
    HorizontalPodAutoscaler,
    NetworkPolicy,
    PodDisruptionBudget,
    ResourceQuota,
    LimitRange,
    Role,
    RoleBinding,
    ClusterRole,
    ClusterRoleBinding,
    Lease,
}

/// How a kind is named in the API.
#[derive(Clone, Copy, Debug)]
pub struct KindInfo {
    /// The API group, `""` for the core group.
    pub group: &'static str,
    /// The version within the group.
    pub version: &'static str,
    /// The kind's name, `Deployment`.
    pub kind: &'static str,
    /// The resource's name in paths, `deployments`.
    pub plural: &'static str,
    /// Short names, `deploy`.
    pub short: &'static [&'static str],
    /// Whether objects live in a namespace.
    pub namespaced: bool,
    /// Whether `kubectl get all` shows it.
    pub in_all: bool,
}

impl Kind {
    /// Every kind, in the order in which a manifest is applied.
    pub const ALL: [Self; 28] = [
        Self::Namespace,
        Self::Node,
        Self::ResourceQuota,
        Self::LimitRange,
        Self::ServiceAccount,
        Self::Role,
        Self::ClusterRole,
        Self::RoleBinding,
        Self::ClusterRoleBinding,
        Self::NetworkPolicy,
        Self::PodDisruptionBudget,
        Self::Secret,
        Self::ConfigMap,
        Self::PersistentVolume,
        Self::PersistentVolumeClaim,
        Self::Service,
        Self::Endpoints,
        Self::EndpointSlice,
        Self::Pod,
        Self::ReplicaSet,
        Self::Deployment,
        Self::StatefulSet,
        Self::DaemonSet,
        Self::HorizontalPodAutoscaler,
        Self::Job,
        Self::CronJob,
        Self::Event,
        Self::Lease,
    ];

    /// How the kind is named in the API.
    pub fn info(self) -> KindInfo {
        const RBAC: &str = "rbac.authorization.k8s.io";
        match self {
            Self::Namespace => cluster("", "v1", "Namespace", "namespaces", &["ns"]),
            Self::Node => cluster("", "v1", "Node", "nodes", &["no"]),
            Self::Pod => all(inside("", "v1", "Pod", "pods", &["po"])),
            Self::Deployment => all(inside(
                "apps",
                "v1",
                "Deployment",
                "deployments",
                &["deploy"],
            )),
            Self::ReplicaSet => all(inside("apps", "v1", "ReplicaSet", "replicasets", &["rs"])),
            Self::StatefulSet => all(inside(
                "apps",
                "v1",
                "StatefulSet",
                "statefulsets",
                &["sts"],
            )),
            Self::DaemonSet => all(inside("apps", "v1", "DaemonSet", "daemonsets", &["ds"])),
            Self::Job => all(inside("batch", "v1", "Job", "jobs", &[])),
            Self::CronJob => all(inside("batch", "v1", "CronJob", "cronjobs", &["cj"])),
            Self::Service => all(inside("", "v1", "Service", "services", &["svc"])),
            Self::Endpoints => inside("", "v1", "Endpoints", "endpoints", &["ep"]),
            Self::EndpointSlice => inside(
                "discovery.k8s.io",
                "v1",
                "EndpointSlice",
                "endpointslices",
                &[],
            ),
            Self::Event => inside("", "v1", "Event", "events", &["ev"]),
            Self::ConfigMap => inside("", "v1", "ConfigMap", "configmaps", &["cm"]),
            Self::Secret => inside("", "v1", "Secret", "secrets", &[]),
            Self::ServiceAccount => inside("", "v1", "ServiceAccount", "serviceaccounts", &["sa"]),
            Self::PersistentVolume => {
                cluster("", "v1", "PersistentVolume", "persistentvolumes", &["pv"])
            }
            Self::PersistentVolumeClaim => inside(
                "",
                "v1",
                "PersistentVolumeClaim",
                "persistentvolumeclaims",
                &["pvc"],
            ),
            Self::HorizontalPodAutoscaler => all(inside(
                "autoscaling",
                "v2",
                "HorizontalPodAutoscaler",
                "horizontalpodautoscalers",
                &["hpa"],
            )),
            Self::NetworkPolicy => inside(
                "networking.k8s.io",
                "v1",
                "NetworkPolicy",
                "networkpolicies",
                &["netpol"],
            ),
            Self::PodDisruptionBudget => inside(
                "policy",
                "v1",
                "PodDisruptionBudget",
                "poddisruptionbudgets",
                &["pdb"],
            ),
            Self::ResourceQuota => inside("", "v1", "ResourceQuota", "resourcequotas", &["quota"]),
            Self::LimitRange => inside("", "v1", "LimitRange", "limitranges", &["limits"]),
            Self::Role => inside(RBAC, "v1", "Role", "roles", &[]),
            Self::RoleBinding => inside(RBAC, "v1", "RoleBinding", "rolebindings", &[]),
            Self::ClusterRole => cluster(RBAC, "v1", "ClusterRole", "clusterroles", &[]),
            Self::ClusterRoleBinding => {
                cluster(RBAC, "v1", "ClusterRoleBinding", "clusterrolebindings", &[])
            }
            Self::Lease => inside("coordination.k8s.io", "v1", "Lease", "leases", &[]),
        }
    }

    /// The kind that a manifest's `apiVersion` and `kind` name, if it is known.
    pub fn of_manifest(api_version: &str, kind: &str) -> Option<Self> {
        let group = api_version.split_once('/').map_or("", |(group, _)| group);
        Self::ALL.into_iter().find(|known| {
            let info = known.info();
            info.kind == kind && (info.group == group || Self::is_alias(*known, group))
        })
    }

    /// The kind whose resource is `plural` in `group`.
    pub fn of_resource(group: &str, plural: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| {
            let info = known.info();
            info.plural == plural && (info.group == group || Self::is_alias(*known, group))
        })
    }

    /// The versions in which the kind is served; the first is the one of its objects.
    pub(crate) fn versions(self) -> &'static [&'static str] {
        match self {
            Self::HorizontalPodAutoscaler => &["v2", "v1"],
            _ => &["v1"],
        }
    }

    /// The `apiVersion` of the kind's objects.
    pub fn api_version(self) -> String {
        self.info().api_version()
    }

    /// Whether objects of the kind live in a namespace.
    pub fn namespaced(self) -> bool {
        self.info().namespaced
    }

    /// Events are served by two groups.
    fn is_alias(kind: Self, group: &str) -> bool {
        kind == Self::Event && group == "events.k8s.io"
    }
}

impl KindInfo {
    /// `apps/v1`, or `v1` for the core group.
    pub fn api_version(&self) -> String {
        if self.group.is_empty() {
            self.version.to_owned()
        } else {
            format!("{}/{}", self.group, self.version)
        }
    }

    /// `deployments.apps`, as Kubernetes names a resource in its messages.
    pub fn qualified(&self) -> String {
        if self.group.is_empty() {
            self.plural.to_owned()
        } else {
            format!("{}.{}", self.plural, self.group)
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.info().kind)
    }
}

const fn inside(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    short: &'static [&'static str],
) -> KindInfo {
    KindInfo {
        group,
        version,
        kind,
        plural,
        short,
        namespaced: true,
        in_all: false,
    }
}

const fn cluster(
    group: &'static str,
    version: &'static str,
    kind: &'static str,
    plural: &'static str,
    short: &'static [&'static str],
) -> KindInfo {
    KindInfo {
        namespaced: false,
        ..inside(group, version, kind, plural, short)
    }
}

const fn all(info: KindInfo) -> KindInfo {
    KindInfo {
        in_all: true,
        ..info
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_is_found_by_its_own_name() {
        for kind in Kind::ALL {
            let info = kind.info();
            assert_eq!(kind.versions().first(), Some(&info.version));
            assert_eq!(Kind::of_resource(info.group, info.plural), Some(kind));
            assert_eq!(
                Kind::of_manifest(&kind.api_version(), info.kind),
                Some(kind)
            );
        }
    }
}
