//! A Deployment's status: its counts and its conditions, as `kubectl rollout status` reads them. Pure.

use std::time::Duration;

use serde_json::{Value, json};

use super::rollout::Room;
use super::{Again, conditions};
use crate::objects::meta;

/// A Deployment in numbers.
pub(super) struct Status {
    pub(super) wanted: i64,
    /// Pods that are there.
    pub(super) replicas: i64,
    /// Pods that the ReplicaSets shall have.
    pub(super) specified: i64,
    /// Pods of the present template.
    pub(super) updated: i64,
    pub(super) ready: i64,
    pub(super) available: i64,
}

impl Status {
    /// Writes the status, conditions included.
    pub(super) fn write(&self, deployment: &mut Value, room: Room, new_set: Option<&str>) {
        let before = deployment["status"].clone();
        let mut status = json!({ "observedGeneration": meta::generation(deployment) });
        for (field, count) in [
            ("replicas", self.replicas),
            ("updatedReplicas", self.updated),
            ("readyReplicas", self.ready),
            ("availableReplicas", self.available),
            (
                "unavailableReplicas",
                (self.specified - self.available).max(0),
            ),
        ] {
            if count > 0 {
                status[field] = count.into();
            }
        }
        if let Some(conditions) = before.get("conditions") {
            status["conditions"] = conditions.clone();
        }
        if self.available >= self.wanted - room.unavailable {
            let message = "Deployment has minimum availability.";
            conditions::set(
                &mut status,
                "Available",
                "True",
                "MinimumReplicasAvailable",
                message,
            );
        } else {
            let message = "Deployment does not have minimum availability.";
            conditions::set(
                &mut status,
                "Available",
                "False",
                "MinimumReplicasUnavailable",
                message,
            );
        }
        self.progress(deployment, &before, &mut status, new_set);
        deployment["status"] = status;
    }

    fn progress(
        &self,
        deployment: &Value,
        before: &Value,
        status: &mut Value,
        new_set: Option<&str>,
    ) {
        const PROGRESSING: &str = "Progressing";
        let had = conditions::get(before, PROGRESSING);
        let reason = had.map_or("", |had| meta::text(had, "/reason")).to_owned();
        if deployment["spec"]["paused"] == true {
            conditions::set(
                status,
                PROGRESSING,
                "Unknown",
                "DeploymentPaused",
                "Deployment is paused",
            );
            return;
        }
        if reason == "DeploymentPaused" {
            conditions::set(
                status,
                PROGRESSING,
                "Unknown",
                "DeploymentResumed",
                "Deployment is resumed",
            );
        }
        let Some(new_set) = new_set else {
            return;
        };
        let old_generation =
            before["observedGeneration"].as_i64() != Some(meta::generation(deployment));
        let complete = self.updated == self.wanted
            && self.replicas == self.wanted
            && self.available >= self.wanted;
        let count = |field: &str| before[field].as_i64().unwrap_or(0);
        let old = count("replicas") - count("updatedReplicas");
        let moved = self.updated > count("updatedReplicas")
            || self.replicas - self.updated < old
            || self.ready > count("readyReplicas")
            || self.available > count("availableReplicas");
        let message = |said: &str| format!("ReplicaSet \"{new_set}\" {said}");
        if complete {
            conditions::set(
                status,
                PROGRESSING,
                "True",
                "NewReplicaSetAvailable",
                &message("has successfully progressed."),
            );
        } else if had.is_none() {
            let said = format!("Created new replica set \"{new_set}\"");
            conditions::set(status, PROGRESSING, "True", "NewReplicaSetCreated", &said);
        } else if moved
            || (old_generation && reason != "NewReplicaSetAvailable")
            || self.is_another(had, new_set)
        {
            conditions::set(
                status,
                PROGRESSING,
                "True",
                "ReplicaSetUpdated",
                &message("is progressing."),
            );
            conditions::touch(status, PROGRESSING);
        } else if deadline_left(deployment, had).is_some_and(|left| left.is_zero()) {
            conditions::set(
                status,
                PROGRESSING,
                "False",
                "ProgressDeadlineExceeded",
                &message("has timed out progressing."),
            );
        }
    }

    /// Whether the condition speaks of another ReplicaSet than the present one.
    fn is_another(&self, condition: Option<&Value>, new_set: &str) -> bool {
        condition.is_some_and(|condition| {
            !meta::text(condition, "/message").contains(&format!("\"{new_set}\""))
        })
    }
}

/// When the Deployment's progress is to be judged again.
pub(super) fn deadline(deployment: &Value) -> Again {
    let condition = conditions::get(&deployment["status"], "Progressing");
    deadline_left(deployment, condition).map(|left| left.max(Duration::from_secs(1)))
}

/// How long a Deployment has left to make progress; nothing when it need not make any.
fn deadline_left(deployment: &Value, condition: Option<&Value>) -> Option<Duration> {
    let condition = condition?;
    let ended = ["NewReplicaSetAvailable", "ProgressDeadlineExceeded"];
    if condition["status"] != "True" || ended.contains(&meta::text(condition, "/reason")) {
        return None;
    }
    let seconds = meta::number(deployment, "/spec/progressDeadlineSeconds")?;
    let since: jiff::Timestamp = meta::text(condition, "/lastUpdateTime").parse().ok()?;
    let at = since
        .checked_add(jiff::SignedDuration::from_secs(seconds))
        .ok()?;
    let left = at.duration_since(jiff::Timestamp::now());
    Some(Duration::try_from(left).unwrap_or(Duration::ZERO))
}
