//! What Kubernetes fills in where a manifest says nothing.

use serde_json::{Map, Value, json};

use crate::objects::{Kind, meta};

/// Fills in the defaults of a kind. Doing it twice changes nothing.
pub(crate) fn complete(kind: Kind, object: &mut Value) {
    let info = kind.info();
    let map = meta::ensure(object, &[]);
    set(map, "apiVersion", || info.api_version().into());
    set(map, "kind", || info.kind.into());
    match kind {
        Kind::Namespace => {
            let name = meta::name(object).to_owned();
            meta::ensure(object, &["metadata", "labels"])
                .insert("kubernetes.io/metadata.name".into(), name.into());
            set(meta::ensure(object, &["spec"]), "finalizers", || {
                json!(["kubernetes"])
            });
            set(meta::ensure(object, &["status"]), "phase", || {
                "Active".into()
            });
        }
        Kind::Pod => {
            pod_spec(meta::ensure(object, &["spec"]));
            let status = meta::ensure(object, &["status"]);
            set(status, "phase", || "Pending".into());
            set(status, "qosClass", || "Burstable".into());
        }
        Kind::Deployment => deployment(meta::ensure(object, &["spec"])),
        Kind::ReplicaSet | Kind::StatefulSet => {
            let spec = meta::ensure(object, &["spec"]);
            set(spec, "replicas", || 1.into());
            template(spec);
        }
        Kind::DaemonSet => template(meta::ensure(object, &["spec"])),
        Kind::Job => {
            let spec = meta::ensure(object, &["spec"]);
            job(spec);
        }
        Kind::CronJob => {
            let spec = meta::ensure(object, &["spec"]);
            for (key, value) in [
                ("concurrencyPolicy", json!("Allow")),
                ("suspend", json!(false)),
                ("successfulJobsHistoryLimit", json!(3)),
                ("failedJobsHistoryLimit", json!(1)),
            ] {
                set(spec, key, || value);
            }
            job(child(child(spec, "jobTemplate"), "spec"));
        }
        Kind::HorizontalPodAutoscaler => autoscaler(meta::ensure(object, &["spec"])),
        Kind::Service => service(meta::ensure(object, &["spec"])),
        Kind::Secret => set(meta::ensure(object, &[]), "type", || "Opaque".into()),
        Kind::PersistentVolumeClaim => {
            let spec = meta::ensure(object, &["spec"]);
            set(spec, "storageClassName", || "standard".into());
            set(spec, "volumeMode", || "Filesystem".into());
            set(meta::ensure(object, &["status"]), "phase", || {
                "Pending".into()
            });
        }
        _ => {}
    }
}

/// Gives a new object what only the cluster can: a Service's address, a Job's selector.
pub(crate) fn allocate(kind: Kind, object: &mut Value, revision: u64) {
    if kind == Kind::Job {
        return select_own_pods(object);
    }
    if kind != Kind::Service || meta::text(object, "/spec/type") == "ExternalName" {
        return;
    }
    let spec = meta::ensure(object, &["spec"]);
    set(spec, "clusterIP", || {
        format!("10.96.{}.{}", revision / 250 % 250, revision % 250 + 2).into()
    });
    let address = spec.get("clusterIP").cloned().unwrap_or_default();
    set(spec, "clusterIPs", || json!([address]));
}

fn deployment(spec: &mut Map<String, Value>) {
    set(spec, "replicas", || 1.into());
    set(spec, "revisionHistoryLimit", || 10.into());
    set(spec, "progressDeadlineSeconds", || 600.into());
    let strategy = child(spec, "strategy");
    set(strategy, "type", || "RollingUpdate".into());
    if strategy
        .get("type")
        .is_some_and(|kind| kind == "RollingUpdate")
    {
        let rolling = child(strategy, "rollingUpdate");
        set(rolling, "maxSurge", || "25%".into());
        set(rolling, "maxUnavailable", || "25%".into());
    } else {
        strategy.remove("rollingUpdate");
    }
    template(spec);
}

fn job(spec: &mut Map<String, Value>) {
    for (key, value) in [
        ("parallelism", json!(1)),
        ("completions", json!(1)),
        ("backoffLimit", json!(6)),
        ("completionMode", json!("NonIndexed")),
        ("suspend", json!(false)),
    ] {
        set(spec, key, || value);
    }
    template(spec);
}

/// A Job's Pods are known by the Job's uid.
fn select_own_pods(job: &mut Value) {
    let (uid, name) = (meta::uid(job).to_owned(), meta::name(job).to_owned());
    if job["spec"]["manualSelector"] == true {
        return;
    }
    meta::ensure(job, &["spec", "selector", "matchLabels"]).insert(
        "batch.kubernetes.io/controller-uid".into(),
        uid.clone().into(),
    );
    let labels = meta::ensure(job, &["spec", "template", "metadata", "labels"]);
    for (key, value) in [("controller-uid", &uid), ("job-name", &name)] {
        labels.insert(format!("batch.kubernetes.io/{key}"), value.clone().into());
        labels.insert(key.into(), value.clone().into());
    }
}

fn autoscaler(spec: &mut Map<String, Value>) {
    set(spec, "minReplicas", || 1.into());
    set(spec, "metrics", || {
        json!([{ "type": "Resource", "resource": { "name": "cpu",
            "target": { "type": "Utilization", "averageUtilization": 80 } } }])
    });
}

fn template(spec: &mut Map<String, Value>) {
    let template = child(spec, "template");
    set(child(template, "metadata"), "creationTimestamp", || {
        Value::Null
    });
    pod_spec(child(template, "spec"));
}

fn pod_spec(spec: &mut Map<String, Value>) {
    set(spec, "restartPolicy", || "Always".into());
    set(spec, "terminationGracePeriodSeconds", || 30.into());
    set(spec, "dnsPolicy", || "ClusterFirst".into());
    set(spec, "schedulerName", || "default-scheduler".into());
    set(spec, "securityContext", || json!({}));
    for list in ["initContainers", "containers"] {
        for one in list_of(spec, list) {
            container(one);
        }
    }
}

fn container(container: &mut Map<String, Value>) {
    let image = container
        .get("image")
        .and_then(Value::as_str)
        .unwrap_or("")
        .to_owned();
    let name = image.rsplit('/').next().unwrap_or("");
    let latest = name.ends_with(":latest") || !name.contains(':');
    set(container, "imagePullPolicy", || {
        if latest { "Always" } else { "IfNotPresent" }.into()
    });
    set(container, "resources", || json!({}));
    set(container, "terminationMessagePath", || {
        "/dev/termination-log".into()
    });
    set(container, "terminationMessagePolicy", || "File".into());
    for port in list_of(container, "ports") {
        set(port, "protocol", || "TCP".into());
    }
    for variable in list_of(container, "env") {
        if let Some(field) = variable
            .get_mut("valueFrom")
            .and_then(|from| from.get_mut("fieldRef"))
            .and_then(Value::as_object_mut)
        {
            set(field, "apiVersion", || "v1".into());
        }
    }
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        if let Some(probe) = container.get_mut(probe).and_then(Value::as_object_mut) {
            for (key, value) in [
                ("timeoutSeconds", 1),
                ("periodSeconds", 10),
                ("successThreshold", 1),
                ("failureThreshold", 3),
            ] {
                set(probe, key, || value.into());
            }
            if let Some(get) = probe.get_mut("httpGet").and_then(Value::as_object_mut) {
                set(get, "scheme", || "HTTP".into());
                set(get, "path", || "/".into());
            }
        }
    }
}

fn service(spec: &mut Map<String, Value>) {
    set(spec, "type", || "ClusterIP".into());
    set(spec, "sessionAffinity", || "None".into());
    set(spec, "internalTrafficPolicy", || "Cluster".into());
    set(spec, "ipFamilies", || json!(["IPv4"]));
    set(spec, "ipFamilyPolicy", || "SingleStack".into());
    for port in list_of(spec, "ports") {
        set(port, "protocol", || "TCP".into());
        let number = port.get("port").cloned().unwrap_or_default();
        set(port, "targetPort", || number);
    }
}

/// Sets a key that is missing or null.
fn set(map: &mut Map<String, Value>, key: &str, value: impl FnOnce() -> Value) {
    if map.get(key).is_none_or(Value::is_null)
        && !(key == "creationTimestamp" && map.contains_key(key))
    {
        map.insert(key.to_owned(), value());
    }
}

fn child<'a>(map: &'a mut Map<String, Value>, key: &str) -> &'a mut Map<String, Value> {
    let value = map.entry(key.to_owned()).or_insert_with(|| json!({}));
    meta::ensure(value, &[])
}

fn list_of<'a>(
    map: &'a mut Map<String, Value>,
    key: &str,
) -> impl Iterator<Item = &'a mut Map<String, Value>> {
    map.get_mut(key)
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
        .filter_map(Value::as_object_mut)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn completing_twice_changes_nothing() {
        let mut object = json!({
            "metadata": { "name": "a" },
            "spec": { "template": { "spec": { "containers": [{ "name": "a", "image": "b/a:v1" }] } } }
        });
        complete(Kind::Deployment, &mut object);
        let once = object.clone();
        complete(Kind::Deployment, &mut object);
        assert_eq!(object, once);
        assert_eq!(
            object["spec"]["strategy"]["rollingUpdate"]["maxSurge"],
            "25%"
        );
        let container = &object["spec"]["template"]["spec"]["containers"][0];
        assert_eq!(container["imagePullPolicy"], "IfNotPresent");
    }
}
