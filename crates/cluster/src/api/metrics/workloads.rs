//! Metrics of what runs Pods, with kube-state-metrics' names.

use serde_json::Value;

use super::{PlatformMetrics, flag, with};
use crate::objects::meta;
use crate::quantity;

impl PlatformMetrics<'_> {
    pub(super) fn deployment(&mut self, deployment: &Value) {
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

    pub(super) fn job(&mut self, job: &Value) {
        let labels = [
            ("namespace", meta::namespace(job)),
            ("job_name", meta::name(job)),
        ];
        for (name, pointer) in [
            ("kube_job_spec_completions", "/spec/completions"),
            ("kube_job_status_active", "/status/active"),
            ("kube_job_status_succeeded", "/status/succeeded"),
            ("kube_job_status_failed", "/status/failed"),
        ] {
            let value = meta::number(job, pointer).unwrap_or(0);
            self.gauge(name, &labels, value as f64);
        }
        for (name, condition) in [
            ("kube_job_complete", "Complete"),
            ("kube_job_failed", "Failed"),
        ] {
            let held = meta::condition_is_true(job, condition);
            for (word, value) in [("true", held), ("false", !held)] {
                self.gauge(name, &with(&labels, "condition", word), flag(value));
            }
        }
    }

    pub(super) fn autoscaler(&mut self, autoscaler: &Value) {
        let labels = [
            ("namespace", meta::namespace(autoscaler)),
            ("horizontalpodautoscaler", meta::name(autoscaler)),
        ];
        for (name, pointer) in [
            (
                "kube_horizontalpodautoscaler_spec_min_replicas",
                "/spec/minReplicas",
            ),
            (
                "kube_horizontalpodautoscaler_spec_max_replicas",
                "/spec/maxReplicas",
            ),
            (
                "kube_horizontalpodautoscaler_status_current_replicas",
                "/status/currentReplicas",
            ),
            (
                "kube_horizontalpodautoscaler_status_desired_replicas",
                "/status/desiredReplicas",
            ),
        ] {
            let value = meta::number(autoscaler, pointer).unwrap_or(0);
            self.gauge(name, &labels, value as f64);
        }
        for metric in meta::items(autoscaler, "/spec/metrics") {
            let target = &metric["resource"]["target"];
            for (form, value) in [
                ("utilization", target["averageUtilization"].as_f64()),
                ("average", quantity::of_value(&target["averageValue"])),
            ] {
                let Some(value) = value else { continue };
                let mut labels = labels.to_vec();
                labels.extend([
                    ("metric_name", meta::text(metric, "/resource/name")),
                    ("metric_target_type", form),
                ]);
                self.gauge(
                    "kube_horizontalpodautoscaler_spec_target_metric",
                    &labels,
                    value,
                );
            }
        }
        for condition in meta::items(autoscaler, "/status/conditions") {
            let labels = with(&labels, "condition", meta::text(condition, "/type"));
            for (state, word) in [("True", "true"), ("False", "false"), ("Unknown", "unknown")] {
                self.gauge(
                    "kube_horizontalpodautoscaler_status_condition",
                    &with(&labels, "status", word),
                    flag(condition["status"] == state),
                );
            }
        }
    }
}
