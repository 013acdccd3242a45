//! One metric of an autoscaler: what its spec wants, what the Pods use, how it is shown.

use std::sync::Arc;

use serde_json::{Value, json};

use super::replicas::{self, Reading, ReadingError, Sample, Target};
use crate::objects::{Kind, Objects, meta};
use crate::quantity;
use crate::runtime::Runtime;
use crate::selector::LabelSelector;

/// A Pod that is not ready counts as starting for this long after its start, in seconds
/// (`--horizontal-pod-autoscaler-cpu-initialization-period`).
const CPU_INITIALIZATION: i64 = 300;
/// One that was last ready within this long after its start has never really been ready, in seconds
/// (`--horizontal-pod-autoscaler-initial-readiness-delay`).
const INITIAL_READINESS: i64 = 30;

/// A resource metric.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Metric {
    resource: String,
    target: Target,
}

/// The Pods of a workload, as metrics look at them.
pub(super) struct Evaluation<'a> {
    runtime: &'a dyn Runtime,
    pods: Vec<Arc<Value>>,
    current: i64,
}

impl Metric {
    /// Reads one of `spec.metrics`; the error is a reason and a message.
    pub(super) fn read(spec: &Value) -> Result<Self, (&'static str, String)> {
        let invalid = |why: String| ("InvalidMetricSourceType", why);
        let kind = meta::text(spec, "/type");
        if kind != "Resource" {
            return Err(invalid(format!(
                "metrics of type {kind} are not known here, only those of type Resource"
            )));
        }
        let resource = meta::text(spec, "/resource/name");
        if !matches!(resource, "cpu" | "memory") {
            return Err(invalid(format!(
                "resource {resource} has no metrics, only cpu and memory have"
            )));
        }
        let wanted = &spec["resource"]["target"];
        let target = match meta::number(wanted, "/averageUtilization") {
            Some(percent) => Some(Target::Utilization(percent)),
            None => quantity::of_value(&wanted["averageValue"]).map(Target::Average),
        };
        Ok(Self {
            resource: resource.to_owned(),
            target: target.ok_or_else(|| {
                invalid(format!("the metric of resource {resource} has no target"))
            })?,
        })
    }

    /// How conditions and Events name it.
    pub(super) fn title(&self) -> String {
        match self.target {
            Target::Utilization(_) => format!(
                "{} resource utilization (percentage of request)",
                self.resource
            ),
            Target::Average(_) => format!("{} resource", self.resource),
        }
    }

    /// The entry of `status.currentMetrics`.
    pub(super) fn shown(&self, reading: &Reading) -> Value {
        let average = if self.resource == "cpu" {
            format!("{}m", (reading.average * 1e3).ceil())
        } else {
            format!("{}", reading.average.ceil())
        };
        let mut current = json!({ "averageValue": average });
        if let Some(percent) = reading.utilization {
            current["averageUtilization"] = percent.into();
        }
        json!({ "type": "Resource", "resource": { "name": self.resource, "current": current } })
    }

    /// The reason and message of one that says nothing.
    pub(super) fn failure(&self, error: &ReadingError) -> (&'static str, String) {
        let resource = &self.resource;
        let what = match self.target {
            Target::Utilization(_) => "utilization",
            Target::Average(_) => "usage",
        };
        let error = match error {
            ReadingError::Unknown => {
                format!("unable to get metrics for resource {resource}: {error}")
            }
            other => other.to_string(),
        };
        (
            "FailedGetResourceMetric",
            format!("failed to get {resource} {what}: {error}"),
        )
    }
}

impl<'a> Evaluation<'a> {
    /// Of the Pods of `workload`, of which `current` are wanted.
    pub(super) fn new(
        objects: &Objects,
        runtime: &'a dyn Runtime,
        workload: &Value,
        current: i64,
    ) -> Self {
        let selector =
            LabelSelector::of_workload(&workload["spec"]["selector"]).unwrap_or_default();
        let mut pods = objects.list(Kind::Pod, Some(meta::namespace(workload)));
        pods.retain(|pod| {
            selector.matches(pod) && !meta::is_terminating(pod) && !meta::has_ended(pod)
        });
        Self {
            runtime,
            pods,
            current,
        }
    }

    /// What a metric asks for.
    pub(super) fn of(&self, metric: &Metric) -> Result<Reading, ReadingError> {
        let now = jiff::Timestamp::now();
        let samples: Vec<_> = self
            .pods
            .iter()
            .map(|pod| self.sample(pod, &metric.resource, now))
            .collect();
        replicas::read(&metric.resource, metric.target, self.current, &samples)
    }

    fn sample(&self, pod: &Value, resource: &str, now: jiff::Timestamp) -> Sample {
        let used = self.runtime.usage(meta::namespace(pod), meta::name(pod));
        let of_one = |usage: &crate::runtime::Usage| match resource {
            "cpu" => usage.cpu_cores,
            _ => usage.memory_bytes as f64,
        };
        Sample {
            request: requested(pod, resource),
            usage: (!used.is_empty()).then(|| used.iter().map(|(_, usage)| of_one(usage)).sum()),
            starting: is_starting(pod, resource, now),
        }
    }
}

/// What a Pod's containers request; a limit without a request is one.
fn requested(pod: &Value, resource: &str) -> Result<f64, String> {
    meta::items(pod, "/spec/containers")
        .iter()
        .map(|container| {
            let resources = &container["resources"];
            let amount = |kind: &str| quantity::of_value(&resources[kind][resource]);
            amount("requests")
                .or_else(|| amount("limits"))
                .ok_or_else(|| {
                    let name = meta::text(container, "/name");
                    format!("{name} of Pod {}", meta::name(pod))
                })
        })
        .sum()
}

/// Whether a Pod's usage is that of its start: it is pending, or, for processor time, not ready yet.
fn is_starting(pod: &Value, resource: &str, now: jiff::Timestamp) -> bool {
    if meta::text(pod, "/status/phase") == "Pending" {
        return true;
    }
    if resource != "cpu" {
        return false;
    }
    let time = |text: &str| text.parse::<jiff::Timestamp>().ok();
    let ready = meta::items(pod, "/status/conditions")
        .iter()
        .find(|condition| condition["type"] == "Ready");
    let (Some(ready), Some(start)) = (ready, time(meta::text(pod, "/status/startTime"))) else {
        return true;
    };
    if ready["status"] == "True" {
        return false;
    }
    let seconds = |at: jiff::Timestamp| at.duration_since(start).as_secs();
    let changed = time(meta::text(ready, "/lastTransitionTime"));
    seconds(now) < CPU_INITIALIZATION || changed.is_some_and(|at| seconds(at) < INITIAL_READINESS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pod_is_starting_until_it_has_been_ready() {
        let pod = |phase: &str, start: &str, ready: &str, changed: &str| {
            json!({ "status": { "phase": phase, "startTime": start, "conditions": [
                { "type": "Ready", "status": ready, "lastTransitionTime": changed }] } })
        };
        let now: jiff::Timestamp = "2026-01-01T01:00:00Z".parse().unwrap();
        let (early, late) = ("2026-01-01T00:00:00Z", "2026-01-01T00:58:00Z");
        for (name, pod, cpu, memory) in [
            ("pending", pod("Pending", late, "False", late), true, true),
            ("ready", pod("Running", late, "True", late), false, false),
            (
                "new and not ready",
                pod("Running", late, "False", "2026-01-01T00:59:00Z"),
                true,
                false,
            ),
            (
                "old and never ready",
                pod("Running", early, "False", early),
                true,
                false,
            ),
            (
                "old and not ready any more",
                pod("Running", early, "False", late),
                false,
                false,
            ),
            ("without a status", json!({}), true, false),
        ] {
            let seen = (
                is_starting(&pod, "cpu", now),
                is_starting(&pod, "memory", now),
            );
            assert_eq!(seen, (cpu, memory), "{name}");
        }
    }

    #[test]
    fn only_what_can_be_measured_is_a_metric() {
        let resource = |name: &str, target: Value| json!({ "type": "Resource", "resource": { "name": name, "target": target } });
        let metric = Metric::read(&resource("cpu", json!({ "averageUtilization": 80 }))).unwrap();
        assert_eq!(metric.target, Target::Utilization(80));
        let metric = Metric::read(&resource("memory", json!({ "averageValue": "2Ki" }))).unwrap();
        assert_eq!(metric.target, Target::Average(2_048.0));
        for spec in [
            json!({ "type": "External" }),
            resource("gpu", json!({ "averageUtilization": 80 })),
            resource("cpu", json!({})),
        ] {
            let (reason, message) = Metric::read(&spec).unwrap_err();
            assert_eq!(reason, "InvalidMetricSourceType", "{message}");
        }
    }
}
