//! Metrics of the platform: kube-state-metrics' and cAdvisor's names, and `metrics.k8s.io` for `kubectl top`.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use axum::Json;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};

use super::Api;
use super::auth::Identity;
use super::read;
use super::status::{ApiError, ApiResult};
use super::target::{Params, decode};
use crate::objects::{Kind, Objects, meta};
use crate::quantity;
use crate::runtime::{Runtime, Usage};

/// Everything that `/metrics` says, gathered from the objects and the node.
pub(crate) struct PlatformMetrics<'a> {
    objects: &'a Objects,
    runtime: &'a dyn Runtime,
    families: BTreeMap<&'static str, Family>,
}

/// The series of one name.
struct Family {
    form: &'static str,
    lines: String,
}

impl<'a> PlatformMetrics<'a> {
    pub(crate) fn new(objects: &'a Objects, runtime: &'a dyn Runtime) -> Self {
        Self {
            objects,
            runtime,
            families: BTreeMap::new(),
        }
    }

    /// The metrics in Prometheus' text format.
    pub(crate) fn render(mut self) -> String {
        for pod in self.objects.list(Kind::Pod, None) {
            self.pod(&pod);
        }
        for deployment in self.objects.list(Kind::Deployment, None) {
            self.deployment(&deployment);
        }
        let mut text = String::new();
        for (name, family) in &self.families {
            // Writing to a String cannot fail.
            let _ = write!(text, "# TYPE {name} {}\n{}", family.form, family.lines);
        }
        text
    }

    fn pod(&mut self, pod: &Value) {
        let own = [
            ("namespace", meta::namespace(pod)),
            ("pod", meta::name(pod)),
            ("uid", meta::uid(pod)),
        ];
        let owner = meta::controller(pod);
        let mut info = own.to_vec();
        info.extend([
            ("host_ip", meta::text(pod, "/status/hostIP")),
            ("pod_ip", meta::text(pod, "/status/podIP")),
            ("node", meta::text(pod, "/spec/nodeName")),
            (
                "created_by_kind",
                owner.map_or("", |owner| meta::text(owner, "/kind")),
            ),
            (
                "created_by_name",
                owner.map_or("", |owner| meta::text(owner, "/name")),
            ),
        ]);
        self.gauge("kube_pod_info", &info, 1.0);
        let phase = meta::text(pod, "/status/phase");
        for one in ["Pending", "Running", "Succeeded", "Failed", "Unknown"] {
            self.gauge(
                "kube_pod_status_phase",
                &with(&own, "phase", one),
                flag(one == phase),
            );
        }
        let ready = meta::condition_is_true(pod, "Ready");
        for (condition, value) in [("true", ready), ("false", !ready), ("unknown", false)] {
            self.gauge(
                "kube_pod_status_ready",
                &with(&own, "condition", condition),
                flag(value),
            );
        }
        for status in meta::items(pod, "/status/containerStatuses") {
            self.container_status(
                &with(&own, "container", meta::text(status, "/name")),
                status,
            );
        }
        for container in meta::items(pod, "/spec/containers") {
            let labels = with(&own, "container", meta::text(container, "/name"));
            self.resources(
                "kube_pod_container_resource_limits",
                &labels,
                pod,
                &container["resources"]["limits"],
            );
            self.resources(
                "kube_pod_container_resource_requests",
                &labels,
                pod,
                &container["resources"]["requests"],
            );
        }
        for (container, usage) in self.runtime.usage(meta::namespace(pod), meta::name(pod)) {
            let labels = [own[0], own[1], ("container", container.as_str())];
            self.gauge(
                "container_memory_working_set_bytes",
                &labels,
                usage.memory_bytes as f64,
            );
            self.counter(
                "container_cpu_usage_seconds_total",
                &labels,
                usage.cpu_seconds_total,
            );
        }
    }

    fn container_status(&mut self, labels: &[(&'static str, &str)], status: &Value) {
        let restarts = status["restartCount"].as_i64().unwrap_or(0);
        self.counter(
            "kube_pod_container_status_restarts_total",
            labels,
            restarts as f64,
        );
        self.gauge(
            "kube_pod_container_status_ready",
            labels,
            flag(status["ready"] == true),
        );
        let running = status["state"].get("running").is_some();
        self.gauge("kube_pod_container_status_running", labels, flag(running));
        for (name, pointer) in [
            (
                "kube_pod_container_status_waiting_reason",
                "/state/waiting/reason",
            ),
            (
                "kube_pod_container_status_terminated_reason",
                "/state/terminated/reason",
            ),
            (
                "kube_pod_container_status_last_terminated_reason",
                "/lastState/terminated/reason",
            ),
        ] {
            let reason = meta::text(status, pointer);
            if !reason.is_empty() {
                self.gauge(name, &with(labels, "reason", reason), 1.0);
            }
        }
        if let Some(code) = meta::number(status, "/lastState/terminated/exitCode") {
            self.gauge(
                "kube_pod_container_status_last_terminated_exitcode",
                labels,
                code as f64,
            );
        }
    }

    fn resources(
        &mut self,
        name: &'static str,
        labels: &[(&'static str, &str)],
        pod: &Value,
        resources: &Value,
    ) {
        for (resource, value) in resources.as_object().into_iter().flatten() {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            let Some(value) = quantity::parse(&text) else {
                continue;
            };
            let unit = if resource == "cpu" { "core" } else { "byte" };
            let mut labels = labels.to_vec();
            labels.extend([
                ("node", meta::text(pod, "/spec/nodeName")),
                ("resource", resource.as_str()),
                ("unit", unit),
            ]);
            self.gauge(name, &labels, value);
        }
    }

    fn deployment(&mut self, deployment: &Value) {
        let labels = [
            ("namespace", meta::namespace(deployment)),
            ("deployment", meta::name(deployment)),
        ];
        for (name, pointer) in [
            ("kube_deployment_spec_replicas", "/spec/replicas"),
            ("kube_deployment_status_replicas", "/status/replicas"),
            (
                "kube_deployment_status_replicas_ready",
                "/status/readyReplicas",
            ),
            (
                "kube_deployment_status_replicas_available",
                "/status/availableReplicas",
            ),
            (
                "kube_deployment_status_replicas_unavailable",
                "/status/unavailableReplicas",
            ),
            (
                "kube_deployment_status_replicas_updated",
                "/status/updatedReplicas",
            ),
            (
                "kube_deployment_status_observed_generation",
                "/status/observedGeneration",
            ),
            (
                "kube_deployment_metadata_generation",
                "/metadata/generation",
            ),
        ] {
            self.gauge(
                name,
                &labels,
                meta::number(deployment, pointer).unwrap_or(0) as f64,
            );
        }
    }

    fn gauge(&mut self, name: &'static str, labels: &[(&'static str, &str)], value: f64) {
        self.add(name, "gauge", labels, value);
    }

    fn counter(&mut self, name: &'static str, labels: &[(&'static str, &str)], value: f64) {
        self.add(name, "counter", labels, value);
    }

    fn add(
        &mut self,
        name: &'static str,
        form: &'static str,
        labels: &[(&'static str, &str)],
        value: f64,
    ) {
        let labels: Vec<_> = labels
            .iter()
            .map(|(key, value)| {
                let value = value
                    .replace('\\', "\\\\")
                    .replace('"', "\\\"")
                    .replace('\n', "\\n");
                format!("{key}=\"{value}\"")
            })
            .collect();
        let family = self.families.entry(name).or_insert(Family {
            form,
            lines: String::new(),
        });
        // Writing to a String cannot fail.
        let _ = writeln!(family.lines, "{name}{{{}}} {value}", labels.join(","));
    }
}

fn with<'a>(
    labels: &[(&'static str, &'a str)],
    key: &'static str,
    value: &'a str,
) -> Vec<(&'static str, &'a str)> {
    let mut labels = labels.to_vec();
    labels.push((key, value));
    labels
}

fn flag(set: bool) -> f64 {
    if set { 1.0 } else { 0.0 }
}

/// `GET /apis/metrics.k8s.io/v1beta1/{rest}`: `pods`, `nodes`, `namespaces/{ns}/pods`, with or without a name.
pub(super) fn resource(
    api: &Api,
    who: Identity,
    rest: &str,
    params: &Params,
) -> ApiResult<Response> {
    let segments: Vec<String> = rest.trim_end_matches('/').split('/').map(decode).collect();
    let segments: Vec<&str> = segments.iter().map(String::as_str).collect();
    match segments.as_slice() {
        ["nodes"] => {
            let nodes = api.objects.list(Kind::Node, None);
            let items = nodes.iter().map(|node| node_metrics(api, node)).collect();
            Ok(list("NodeMetricsList", items))
        }
        ["nodes", name] => {
            let node = api.objects.get(Kind::Node, "", name)?;
            Ok(Json(node_metrics(api, &node)).into_response())
        }
        ["pods"] => pods(api, who, None, params),
        ["namespaces", namespace, "pods"] => {
            see(api, who, namespace)?;
            pods(api, who, Some(namespace), params)
        }
        ["namespaces", namespace, "pods", name] => {
            see(api, who, namespace)?;
            let pod = api.objects.get(Kind::Pod, namespace, name)?;
            let metrics =
                pod_metrics(api, &pod).ok_or_else(|| ApiError::not_found(Kind::Pod, name))?;
            Ok(Json(metrics).into_response())
        }
        _ => Err(ApiError::no_such_path()),
    }
}

fn see(api: &Api, who: Identity, namespace: &str) -> ApiResult<()> {
    if api.access.sees(who, namespace) {
        return Ok(());
    }
    Err(ApiError::forbidden(
        who.user(),
        "get",
        "pods",
        "metrics.k8s.io",
        namespace,
    ))
}

fn pods(api: &Api, who: Identity, namespace: Option<&str>, params: &Params) -> ApiResult<Response> {
    let labels = read::labels(params)?;
    let pods = api.objects.list(Kind::Pod, namespace);
    let items = pods
        .iter()
        .filter(|pod| api.access.sees_object(who, Kind::Pod, pod) && labels.matches(pod))
        .filter_map(|pod| pod_metrics(api, pod))
        .collect();
    Ok(list("PodMetricsList", items))
}

fn list(kind: &str, items: Vec<Value>) -> Response {
    Json(json!({
        "kind": kind,
        "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": {},
        "items": items,
    }))
    .into_response()
}

fn pod_metrics(api: &Api, pod: &Value) -> Option<Value> {
    let usage = api.runtime.usage(meta::namespace(pod), meta::name(pod));
    if usage.is_empty() {
        return None;
    }
    let containers: Vec<_> = usage
        .iter()
        .map(|(name, usage)| json!({ "name": name, "usage": written(usage) }))
        .collect();
    let metadata = &pod["metadata"];
    Some(json!({
        "kind": "PodMetrics",
        "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": {
            "name": metadata["name"],
            "namespace": metadata["namespace"],
            "labels": metadata["labels"],
            "creationTimestamp": meta::now(),
        },
        "timestamp": meta::now(),
        "window": "5s",
        "containers": containers,
    }))
}

fn node_metrics(api: &Api, node: &Value) -> Value {
    let mut total = Usage::default();
    for pod in api.objects.list(Kind::Pod, None) {
        if meta::text(&pod, "/spec/nodeName") != meta::name(node) {
            continue;
        }
        for (_, usage) in api.runtime.usage(meta::namespace(&pod), meta::name(&pod)) {
            total.cpu_cores += usage.cpu_cores;
            total.memory_bytes += usage.memory_bytes;
        }
    }
    json!({
        "kind": "NodeMetrics",
        "apiVersion": "metrics.k8s.io/v1beta1",
        "metadata": { "name": node["metadata"]["name"], "labels": node["metadata"]["labels"], "creationTimestamp": meta::now() },
        "timestamp": meta::now(),
        "window": "5s",
        "usage": written(&total),
    })
}

fn written(usage: &Usage) -> Value {
    json!({
        "cpu": format!("{}n", (usage.cpu_cores * 1e9).round() as u64),
        "memory": format!("{}Ki", usage.memory_bytes / 1024),
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::{LogRun, LogSource};

    struct Idle;

    impl Runtime for Idle {
        fn logs(&self, _: &str, _: &str, _: &str, _: LogRun) -> Option<LogSource> {
            None
        }

        fn usage(&self, _: &str, _: &str) -> Vec<(String, Usage)> {
            let usage = Usage {
                cpu_cores: 0.25,
                cpu_seconds_total: 12.5,
                memory_bytes: 4096,
            };
            vec![("main".to_owned(), usage)]
        }
    }

    #[test]
    fn platform_metrics_have_the_names_that_alerts_use() {
        let objects = Objects::new();
        let pod = json!({ "metadata": { "name": "p", "namespace": "s" }, "spec": { "containers": [
            { "name": "main", "image": "a:b", "resources": { "limits": { "memory": "1Ki" } } }] } });
        objects.create(Kind::Pod, pod).unwrap();
        objects
            .modify(Kind::Pod, "s", "p", |pod| {
                pod["status"] = json!({ "phase": "Running", "containerStatuses": [{ "name": "main", "restartCount": 2,
                    "state": { "waiting": { "reason": "CrashLoopBackOff" } },
                    "lastState": { "terminated": { "reason": "OOMKilled", "exitCode": 137 } } }] });
            })
            .unwrap();
        let deployment =
            json!({ "metadata": { "name": "d", "namespace": "s" }, "spec": { "replicas": 0 } });
        objects.create(Kind::Deployment, deployment).unwrap();
        let text = PlatformMetrics::new(&objects, &Idle).render();
        for (name, part) in [
            ("kube_pod_status_phase", "phase=\"Running\"} 1"),
            ("kube_pod_status_ready", "condition=\"false\"} 1"),
            (
                "kube_pod_container_status_restarts_total",
                "container=\"main\"} 2",
            ),
            (
                "kube_pod_container_status_waiting_reason",
                "reason=\"CrashLoopBackOff\"} 1",
            ),
            (
                "kube_pod_container_status_last_terminated_reason",
                "reason=\"OOMKilled\"} 1",
            ),
            (
                "kube_pod_container_resource_limits",
                "resource=\"memory\",unit=\"byte\"} 1024",
            ),
            (
                "container_memory_working_set_bytes",
                "container=\"main\"} 4096",
            ),
            (
                "container_cpu_usage_seconds_total",
                "container=\"main\"} 12.5",
            ),
            ("kube_deployment_spec_replicas", "deployment=\"d\"} 0"),
        ] {
            let found = text
                .lines()
                .any(|line| line.starts_with(name) && line.ends_with(part));
            assert!(found, "{name} ... {part} is missing in:\n{text}");
        }
    }
}
