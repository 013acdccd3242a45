//! HorizontalPodAutoscalers: workloads get as many replicas as their Pods' usage asks for.
//!
//! One look reads the target, its Pods and their usage, decides, and writes the target's size and the autoscaler's
//! status, conditions and Events in Kubernetes' words. Looks come at a fixed period and when the spec changes.

mod behavior;
mod metric;
mod replicas;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::Instant;

use super::{Again, conditions};
use crate::objects::{About, EventType, Kind, Objects, meta};
use crate::runtime::Runtime;
use behavior::{Behavior, Decision, Memory};
use metric::{Evaluation, Metric};

const CONTROLLER: &str = "horizontal-pod-autoscaler";

/// What all autoscalers share, and what each remembers.
pub(super) struct Autoscalers {
    runtime: Arc<dyn Runtime>,
    period: Duration,
    /// By uid.
    memories: HashMap<String, Memory>,
}

/// One look at one autoscaler.
struct Look<'a> {
    objects: &'a Objects,
    runtime: &'a dyn Runtime,
    autoscaler: &'a Value,
    about: About,
    status: Value,
}

/// What is scaled, as its `scale` part shows it.
struct Scaled {
    kind: Kind,
    target: Arc<Value>,
    wanted: i64,
    present: i64,
}

/// How many replicas the metrics ask for.
struct Proposal {
    replicas: i64,
    /// The metric that asks for the most.
    metric: String,
}

impl Autoscalers {
    pub(super) fn new(runtime: Arc<dyn Runtime>, period: Duration) -> Self {
        Self {
            runtime,
            period,
            memories: HashMap::new(),
        }
    }

    /// Looks at one autoscaler; says when to look again.
    pub(super) fn reconcile(&mut self, objects: &Objects, namespace: &str, name: &str) -> Again {
        let autoscaler = objects.find(Kind::HorizontalPodAutoscaler, namespace, name)?;
        let memory = self
            .memories
            .entry(meta::uid(&autoscaler).to_owned())
            .or_default();
        let mut look = Look {
            objects,
            runtime: &*self.runtime,
            autoscaler: &autoscaler,
            about: About::of(Kind::HorizontalPodAutoscaler, &autoscaler, CONTROLLER),
            status: autoscaler.get("status").cloned().unwrap_or_default(),
        };
        look.work(memory, Instant::now());
        let Look { mut status, .. } = look;
        status["observedGeneration"] = meta::generation(&autoscaler).into();
        // One that is gone meanwhile needs no status.
        let _ = objects.modify(Kind::HorizontalPodAutoscaler, namespace, name, |stored| {
            stored["status"] = status;
        });
        Some(self.period)
    }

    /// Forgets an autoscaler that is gone.
    pub(super) fn forget(&mut self, uid: &str) {
        self.memories.remove(uid);
    }
}

impl Look<'_> {
    fn work(&mut self, memory: &mut Memory, now: Instant) {
        let scaled = match self.scaled() {
            Ok(scaled) => scaled,
            Err(error) => {
                self.warn("FailedGetScale", &error);
                let message = format!(
                    "the HPA controller was unable to get the target's current scale: {error}"
                );
                return self.condition("AbleToScale", "False", "FailedGetScale", &message);
            }
        };
        self.condition(
            "AbleToScale",
            "True",
            "SucceededGetScale",
            "the HPA controller was able to get the target's current scale",
        );
        self.status["currentReplicas"] = scaled.present.into();
        let least = meta::number(self.autoscaler, "/spec/minReplicas").unwrap_or(1);
        let most = meta::number(self.autoscaler, "/spec/maxReplicas").unwrap_or(1);
        let current = scaled.wanted;
        if current == 0 && least != 0 {
            self.status["desiredReplicas"] = 0.into();
            return self.condition(
                "ScalingActive",
                "False",
                "ScalingDisabled",
                "scaling is disabled since the replica count of the target is zero",
            );
        }
        if current > most {
            let reason = "Current number of replicas above Spec.MaxReplicas";
            return self.rescale(memory, &scaled, most, reason, now);
        }
        if current < least {
            let reason = "Current number of replicas below Spec.MinReplicas";
            return self.rescale(memory, &scaled, least, reason, now);
        }
        let Some(proposal) = self.measure(&scaled) else {
            return;
        };
        let behavior = Behavior::read(&self.autoscaler["spec"]);
        let decision = behavior.decide(memory, (least, most), current, proposal.replicas, now);
        self.say(&decision);
        let reason = if decision.size > current {
            format!("{} above target", proposal.metric)
        } else {
            "All metrics below target".to_owned()
        };
        self.rescale(memory, &scaled, decision.size, &reason, now);
    }

    /// The object that the autoscaler names.
    fn scaled(&self) -> Result<Scaled, String> {
        let wanted = &self.autoscaler["spec"]["scaleTargetRef"];
        let (version, word) = (
            meta::text(wanted, "/apiVersion"),
            meta::text(wanted, "/kind"),
        );
        let kind = Kind::of_manifest(version, word)
            .filter(|kind| matches!(kind, Kind::Deployment | Kind::ReplicaSet))
            .ok_or_else(|| format!("no matches for kind \"{word}\" in group \"{version}\""))?;
        let name = meta::text(wanted, "/name");
        let target = self
            .objects
            .get(kind, meta::namespace(self.autoscaler), name)
            .map_err(|error| error.to_string())?;
        Ok(Scaled {
            kind,
            wanted: meta::number(&target, "/spec/replicas").unwrap_or(1),
            present: meta::number(&target, "/status/replicas").unwrap_or(0),
            target,
        })
    }

    /// What the metrics ask for; nothing when too many of them are unknown, which is said.
    fn measure(&mut self, scaled: &Scaled) -> Option<Proposal> {
        let evaluation = Evaluation::new(self.objects, self.runtime, &scaled.target, scaled.wanted);
        let specs = meta::items(self.autoscaler, "/spec/metrics");
        let mut best: Option<Proposal> = None;
        let mut shown = Vec::new();
        let mut failures: Vec<(&'static str, String)> = Vec::new();
        for spec in specs {
            let read = Metric::read(spec).and_then(|metric| {
                let reading = evaluation.of(&metric);
                reading
                    .map(|reading| (metric.title(), metric.shown(&reading), reading.replicas))
                    .map_err(|error| metric.failure(&error))
            });
            match read {
                Ok((title, current, replicas)) => {
                    shown.push(current);
                    if best.as_ref().is_none_or(|best| replicas > best.replicas) {
                        best = Some(Proposal {
                            replicas,
                            metric: title,
                        });
                    }
                }
                Err(failure) => failures.push(failure),
            }
        }
        self.status["currentMetrics"] = shown.into();
        let fewer = best
            .as_ref()
            .is_none_or(|best| best.replicas < scaled.wanted);
        if let Some((reason, error)) = failures.first().cloned() {
            // A metric that is not known may ask for more; only scaling up is safe then.
            if fewer {
                let message = format!("the HPA was unable to compute the replica count: {error}");
                for (reason, error) in &failures {
                    self.warn(reason, error);
                }
                self.condition("ScalingActive", "False", reason, &message);
                let message = format!(
                    "invalid metrics ({} invalid out of {}), first error is: {error}",
                    failures.len(),
                    specs.len()
                );
                self.warn("FailedComputeMetricsReplicas", &message);
                return None;
            }
        }
        let found = best?;
        let message = format!(
            "the HPA was able to successfully calculate a replica count from {}",
            found.metric
        );
        self.condition("ScalingActive", "True", "ValidMetricFound", &message);
        Some(found)
    }

    /// The conditions that a decision makes.
    fn say(&mut self, decision: &Decision) {
        let (reason, message) = decision
            .held
            .unwrap_or(("ReadyForNewScale", "recommended size matches current size"));
        self.condition("AbleToScale", "True", reason, message);
        match decision.limit {
            Some((reason, message)) => self.condition("ScalingLimited", "True", reason, message),
            None => self.condition(
                "ScalingLimited",
                "False",
                "DesiredWithinRange",
                "the desired count is within the acceptable range",
            ),
        }
    }

    /// Gives the target its size, where it is another.
    fn rescale(
        &mut self,
        memory: &mut Memory,
        scaled: &Scaled,
        size: i64,
        reason: &str,
        now: Instant,
    ) {
        self.status["desiredReplicas"] = size.into();
        if size == scaled.wanted {
            return;
        }
        let (namespace, name) = (meta::namespace(&scaled.target), meta::name(&scaled.target));
        let changed = self.objects.modify(scaled.kind, namespace, name, |target| {
            target["spec"]["replicas"] = size.into();
        });
        if let Err(error) = changed {
            let message = format!("New size: {size}; reason: {reason}; error: {error}");
            self.warn("FailedRescale", &message);
            let message =
                format!("the HPA controller was unable to update the target scale: {error}");
            return self.condition("AbleToScale", "False", "FailedUpdateScale", &message);
        }
        let message = format!("the HPA controller was able to update the target scale to {size}");
        self.condition("AbleToScale", "True", "SucceededRescale", &message);
        let message = format!("New size: {size}; reason: {reason}");
        self.objects.record_event(
            &self.about,
            EventType::Normal,
            "SuccessfulRescale",
            &message,
        );
        self.status["lastScaleTime"] = meta::now().into();
        memory.rescaled(size - scaled.wanted, now);
    }

    fn condition(&mut self, kind: &str, state: &str, reason: &str, message: &str) {
        if !self.status.is_object() {
            self.status = json!({});
        }
        conditions::set(&mut self.status, kind, state, reason, message);
    }

    fn warn(&self, reason: &str, message: &str) {
        self.objects
            .record_event(&self.about, EventType::Warning, reason, message);
    }
}

#[cfg(test)]
mod tests;
