//! Discovery: which groups, versions and resources there are. Pure.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::objects::{Kind, KindInfo};

/// The version of Kubernetes that the API is like.
pub(crate) const VERSION: &str = "v1.32.4";

const METRICS: (&str, &str) = ("metrics.k8s.io", "v1beta1");
const EVENTS: (&str, &str) = ("events.k8s.io", "v1");
const AUTHORIZATION: (&str, &str) = ("authorization.k8s.io", "v1");

/// The document at a discovery path, if it is one.
pub(crate) fn document(path: &str) -> Option<Value> {
    let path = path.trim_end_matches('/');
    let parts: Vec<_> = path.trim_start_matches('/').split('/').collect();
    match parts.as_slice() {
        ["version"] => Some(version()),
        ["api"] => Some(json!({
            "kind": "APIVersions",
            "versions": ["v1"],
            "serverAddressByClientCIDRs": [],
        })),
        ["apis"] => {
            let mut names: Vec<_> = groups().into_iter().map(|(name, _)| name).collect();
            names.dedup();
            let groups: Vec<_> = names.iter().map(|name| group(name)).collect();
            Some(json!({ "kind": "APIGroupList", "apiVersion": "v1", "groups": groups }))
        }
        ["apis", name] => {
            groups().iter().find(|(group, _)| group == name)?;
            let mut document = group(name);
            document["kind"] = "APIGroup".into();
            document["apiVersion"] = "v1".into();
            Some(document)
        }
        ["api", "v1"] => Some(resources("", "v1")),
        ["apis", name, version] => groups()
            .contains(&((*name).to_owned(), (*version).to_owned()))
            .then(|| resources(name, version)),
        _ => None,
    }
}

/// Every group and version except the core one; the versions of a group stand together, the preferred one first.
pub(crate) fn groups() -> Vec<(String, String)> {
    let known = Kind::ALL.into_iter().flat_map(|kind| {
        let versions = kind.versions().iter();
        versions.map(move |version| (kind.info().group, *version))
    });
    let mut groups = Vec::new();
    for (group, version) in known.chain([EVENTS, AUTHORIZATION, METRICS]) {
        let pair = (group.to_owned(), version.to_owned());
        if !group.is_empty() && !groups.contains(&pair) {
            groups.push(pair);
        }
    }
    groups
}

fn group(name: &str) -> Value {
    let versions: Vec<_> = groups()
        .into_iter()
        .filter(|(group, _)| group == name)
        .map(|(_, version)| json!({ "groupVersion": format!("{name}/{version}"), "version": version }))
        .collect();
    json!({ "name": name, "versions": versions, "preferredVersion": versions[0] })
}

fn version() -> Value {
    json!({
        "major": "1",
        "minor": "32",
        "gitVersion": format!("{VERSION}+shoplab"),
        "gitCommit": "",
        "gitTreeState": "clean",
        "buildDate": "1970-01-01T00:00:00Z",
        "goVersion": "",
        "compiler": "rustc",
        "platform": format!("{}/{}", std::env::consts::OS, platform()),
    })
}

fn platform() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

fn resources(group: &str, version: &str) -> Value {
    let mut list = Vec::new();
    if (group, version) == METRICS {
        list.push(plain("nodes", "NodeMetrics", false));
        list.push(plain("pods", "PodMetrics", true));
    } else if (group, version) == AUTHORIZATION {
        let mut review = plain("selfsubjectaccessreviews", "SelfSubjectAccessReview", false);
        review["verbs"] = json!(["create"]);
        list.push(review);
    } else {
        for kind in Kind::ALL {
            let info = kind.info();
            let here = (info.group == group && kind.versions().contains(&version))
                || (kind == Kind::Event && (group, version) == EVENTS);
            if here {
                list.push(whole(&info));
                list.extend(parts(kind));
            }
        }
    }
    let group_version = if group.is_empty() {
        version.to_owned()
    } else {
        format!("{group}/{version}")
    };
    json!({ "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": list })
}

fn whole(info: &KindInfo) -> Value {
    let mut resource = json!({
        "name": info.plural,
        "singularName": info.kind.to_lowercase(),
        "namespaced": info.namespaced,
        "kind": info.kind,
        "verbs": ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"],
        "storageVersionHash": "",
    });
    if !info.short.is_empty() {
        resource["shortNames"] = json!(info.short);
    }
    if info.in_all {
        resource["categories"] = json!(["all"]);
    }
    resource
}

fn plain(name: &str, kind: &str, namespaced: bool) -> Value {
    json!({ "name": name, "singularName": "", "namespaced": namespaced, "kind": kind, "verbs": ["get", "list"] })
}

fn parts(kind: Kind) -> Vec<Value> {
    let part = |name: &str, kind_name: &str, verbs: &[&str]| {
        json!({
            "name": format!("{}/{name}", kind.info().plural),
            "singularName": "",
            "namespaced": kind.namespaced(),
            "kind": kind_name,
            "verbs": verbs,
        })
    };
    let usual = ["get", "patch", "update"];
    let mut list = Vec::new();
    if has_status(kind) {
        list.push(part("status", kind.info().kind, &usual));
    }
    if has_scale(kind) {
        let mut scale = part("scale", "Scale", &usual);
        scale["group"] = "autoscaling".into();
        scale["version"] = "v1".into();
        list.push(scale);
    }
    let streams = ["create", "delete", "get", "patch", "update"];
    if kind == Kind::Pod {
        list.push(part("log", "Pod", &["get"]));
        list.push(part("exec", "PodExecOptions", &["create", "get"]));
        list.push(part(
            "portforward",
            "PodPortForwardOptions",
            &["create", "get"],
        ));
        list.push(part("proxy", "PodProxyOptions", &streams));
        let mut eviction = part("eviction", "Eviction", &["create"]);
        eviction["group"] = "policy".into();
        eviction["version"] = "v1".into();
        list.push(eviction);
        list.push(part("binding", "Binding", &["create"]));
    }
    if kind == Kind::Service {
        list.push(part("proxy", "ServiceProxyOptions", &streams));
    }
    list
}

/// Whether a kind has a `status` that is written by itself.
pub(crate) fn has_status(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Namespace
            | Kind::Node
            | Kind::Pod
            | Kind::Deployment
            | Kind::ReplicaSet
            | Kind::StatefulSet
            | Kind::DaemonSet
            | Kind::Job
            | Kind::CronJob
            | Kind::Service
            | Kind::PersistentVolume
            | Kind::PersistentVolumeClaim
            | Kind::HorizontalPodAutoscaler
            | Kind::PodDisruptionBudget
            | Kind::ResourceQuota
    )
}

/// Whether a kind can be scaled.
pub(crate) fn has_scale(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Deployment | Kind::ReplicaSet | Kind::StatefulSet
    )
}

/// All documents by path, for the index at `/`.
pub(crate) fn index() -> Value {
    let mut paths: BTreeMap<String, ()> = [
        "/api",
        "/api/v1",
        "/apis",
        "/healthz",
        "/livez",
        "/readyz",
        "/metrics",
        "/openapi/v2",
        "/openapi/v3",
        "/version",
    ]
    .into_iter()
    .map(|path| (path.to_owned(), ()))
    .collect();
    for (group, version) in groups() {
        paths.insert(format!("/apis/{group}"), ());
        paths.insert(format!("/apis/{group}/{version}"), ());
    }
    json!({ "paths": paths.into_keys().collect::<Vec<_>>() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_group_that_is_listed_can_be_read() {
        for (group, version) in groups() {
            for path in [format!("/apis/{group}"), format!("/apis/{group}/{version}")] {
                assert!(document(&path).is_some(), "{path}");
            }
        }
        assert_eq!(document("/apis/nothing"), None);
    }

    #[test]
    fn deployments_can_be_scaled_and_pods_have_logs() {
        let names = |path: &str| {
            let list = document(path).unwrap();
            let names = list["resources"].as_array().unwrap().iter();
            names
                .map(|r| r["name"].as_str().unwrap().to_owned())
                .collect::<Vec<_>>()
        };
        assert!(names("/apis/apps/v1").contains(&"deployments/scale".to_owned()));
        assert!(names("/api/v1").contains(&"pods/log".to_owned()));
    }
}
