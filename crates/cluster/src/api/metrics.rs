//! Metrics of the platform, with kube-state-metrics' and cAdvisor's names.

mod workloads;

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;

use crate::objects::{Kind, Objects, meta};
use crate::quantity;
use crate::runtime::{Runtime, Throttling};

/// The period of CPU limits in microseconds, as kubelet sets it, and the least quota.
const CFS_PERIOD: f64 = 100_000.0;
const CFS_LEAST_QUOTA: f64 = 1_000.0;

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
        for autoscaler in self.objects.list(Kind::HorizontalPodAutoscaler, None) {
            self.autoscaler(&autoscaler);
        }
        for job in self.objects.list(Kind::Job, None) {
            self.job(&job);
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
            if let Some(cpus) = quantity::of_value(&container["resources"]["limits"]["cpu"]) {
                let labels = [
                    own[0],
                    own[1],
                    ("container", meta::text(container, "/name")),
                ];
                let quota = (cpus * CFS_PERIOD).max(CFS_LEAST_QUOTA);
                self.gauge("container_spec_cpu_quota", &labels, quota);
                self.gauge("container_spec_cpu_period", &labels, CFS_PERIOD);
            }
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
            if let Some(throttling) = usage.throttling {
                self.throttling(&labels, &throttling);
            }
        }
    }

    fn throttling(&mut self, labels: &[(&'static str, &str)], throttling: &Throttling) {
        for (name, value) in [
            ("container_cpu_cfs_periods_total", throttling.periods as f64),
            (
                "container_cpu_cfs_throttled_periods_total",
                throttling.throttled_periods as f64,
            ),
            (
                "container_cpu_cfs_throttled_seconds_total",
                throttling.throttled_seconds,
            ),
        ] {
            self.counter(name, labels, value);
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
            let Some(value) = quantity::of_value(value) else {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::runtime::Usage;
    use crate::runtime::fake::Using;
    use serde_json::json;

    fn throttled(_: &str) -> Option<Usage> {
        Some(Usage {
            cpu_cores: 0.25,
            cpu_seconds_total: 12.5,
            memory_bytes: 4096,
            throttling: Some(Throttling {
                periods: 40,
                throttled_periods: 30,
                throttled_seconds: 1.5,
            }),
        })
    }

    #[test]
    fn platform_metrics_have_the_names_that_alerts_use() {
        let objects = Objects::new();
        let pod = json!({ "metadata": { "name": "p", "namespace": "s" }, "spec": { "containers": [
            { "name": "main", "image": "a:b", "resources": { "limits": { "memory": "1Ki", "cpu": "500m" } } }] } });
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
        let autoscaler =
            json!({ "metadata": { "name": "h", "namespace": "s" }, "spec": { "maxReplicas": 4 } });
        objects
            .create(Kind::HorizontalPodAutoscaler, autoscaler)
            .unwrap();
        objects
            .modify(Kind::HorizontalPodAutoscaler, "s", "h", |stored| {
                stored["status"] = json!({ "currentReplicas": 2, "desiredReplicas": 3,
                    "conditions": [{ "type": "AbleToScale", "status": "True" }] });
            })
            .unwrap();
        let job = json!({ "metadata": { "name": "j", "namespace": "s" }, "spec": {} });
        objects.create(Kind::Job, job).unwrap();
        objects
            .modify(Kind::Job, "s", "j", |job| {
                job["status"] =
                    json!({ "failed": 2, "conditions": [{ "type": "Failed", "status": "True" }] });
            })
            .unwrap();
        let text = PlatformMetrics::new(&objects, &Using(throttled)).render();
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
            ("container_cpu_cfs_periods_total", "container=\"main\"} 40"),
            (
                "container_cpu_cfs_throttled_periods_total",
                "container=\"main\"} 30",
            ),
            (
                "container_cpu_cfs_throttled_seconds_total",
                "container=\"main\"} 1.5",
            ),
            ("container_spec_cpu_quota", "container=\"main\"} 50000"),
            ("container_spec_cpu_period", "container=\"main\"} 100000"),
            (
                "kube_horizontalpodautoscaler_spec_max_replicas",
                "horizontalpodautoscaler=\"h\"} 4",
            ),
            (
                "kube_horizontalpodautoscaler_status_desired_replicas",
                "horizontalpodautoscaler=\"h\"} 3",
            ),
            (
                "kube_horizontalpodautoscaler_spec_target_metric",
                "metric_name=\"cpu\",metric_target_type=\"utilization\"} 80",
            ),
            (
                "kube_horizontalpodautoscaler_status_condition",
                "condition=\"AbleToScale\",status=\"true\"} 1",
            ),
            ("kube_job_status_failed", "job_name=\"j\"} 2"),
            ("kube_job_failed", "condition=\"true\"} 1"),
            ("kube_job_complete", "condition=\"true\"} 0"),
            ("kube_deployment_spec_replicas", "deployment=\"d\"} 0"),
        ] {
            let found = text
                .lines()
                .any(|line| line.starts_with(name) && line.ends_with(part));
            assert!(found, "{name} ... {part} is missing in:\n{text}");
        }
    }
}
