//! CronJobs: a Job at each time of a schedule.

pub(crate) mod schedule;

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::Again;
use super::job::{self, Outcome};
use crate::objects::{About, DeleteOptions, EventType, Kind, Objects, meta};
use schedule::Schedule;

const CONTROLLER: &str = "cronjob-controller";
const SCHEDULED: &str = "batch.kubernetes.io/cronjob-scheduled-timestamp";
/// More times than these may not be missed in silence.
const MOST_MISSED: usize = 100;

/// One look at a CronJob.
struct Look<'a> {
    objects: &'a Objects,
    cron: Arc<Value>,
    about: About,
    now: Timestamp,
}

/// Starts the Job that is due, and takes away old ones.
pub(super) fn reconcile(objects: &Objects, namespace: &str, name: &str, now: Timestamp) -> Again {
    let cron = objects.find(Kind::CronJob, namespace, name)?;
    if meta::is_terminating(&cron) {
        return None;
    }
    let look = Look {
        objects,
        about: About::of(Kind::CronJob, &cron, CONTROLLER),
        cron,
        now,
    };
    look.note_ends();
    look.forget_old();
    if look.cron["spec"]["suspend"] == true {
        return None;
    }
    match Schedule::parse(meta::text(&look.cron, "/spec/schedule")) {
        Ok(schedule) => look.follow(&schedule),
        Err(error) => {
            let message = format!("unparseable schedule: {error}");
            look.tell(EventType::Warning, "UnparseableSchedule", &message);
            None
        }
    }
}

impl Look<'_> {
    fn jobs(&self) -> Vec<Arc<Value>> {
        let mut jobs = self
            .objects
            .list(Kind::Job, Some(meta::namespace(&self.cron)));
        jobs.retain(|job| meta::is_controlled_by(job, meta::uid(&self.cron)));
        jobs
    }

    fn active(&self) -> Vec<Arc<Value>> {
        let mut jobs = self.jobs();
        jobs.retain(|job| job::outcome(job).is_none() && !meta::is_terminating(job));
        jobs
    }

    /// `status.active` follows the Jobs; each end is told once.
    fn note_ends(&self) {
        let jobs = self.jobs();
        let mut last_success = None;
        for known in meta::items(&self.cron, "/status/active") {
            let job = jobs
                .iter()
                .find(|job| job["metadata"]["uid"] == known["uid"]);
            let Some(job) = job else {
                let message = format!("Active job went missing: {}", meta::text(known, "/name"));
                self.tell(EventType::Normal, "MissingJob", &message);
                continue;
            };
            let Some(outcome) = job::outcome(job) else {
                continue;
            };
            let word = match outcome {
                Outcome::Complete => {
                    last_success = Some(job["status"]["completionTime"].clone());
                    "Complete"
                }
                Outcome::Failed => "Failed",
            };
            let message = format!("Saw completed job: {}, condition: {word}", meta::name(job));
            self.tell(EventType::Normal, "SawCompletedJob", &message);
        }
        self.write(|status| {
            if let Some(time) = last_success {
                status["lastSuccessfulTime"] = time;
            }
        });
    }

    fn write(&self, more: impl FnOnce(&mut Value)) {
        let active: Vec<_> = self
            .active()
            .iter()
            .map(|job| {
                json!({
                    "apiVersion": Kind::Job.api_version(),
                    "kind": "Job",
                    "namespace": meta::namespace(job),
                    "name": meta::name(job),
                    "uid": meta::uid(job),
                    "resourceVersion": job["metadata"]["resourceVersion"],
                })
            })
            .collect();
        let (namespace, name) = (meta::namespace(&self.cron), meta::name(&self.cron));
        // One that is gone meanwhile needs no status.
        let _ = self.objects.modify(Kind::CronJob, namespace, name, |cron| {
            let status = meta::ensure(cron, &["status"]);
            if active.is_empty() {
                status.remove("active");
            } else {
                status.insert("active".into(), active.into());
            }
            more(&mut cron["status"]);
        });
    }

    /// Ended Jobs go, beyond those kept to look at.
    fn forget_old(&self) {
        for (outcome, field, usual) in [
            (Outcome::Complete, "/spec/successfulJobsHistoryLimit", 3),
            (Outcome::Failed, "/spec/failedJobsHistoryLimit", 1),
        ] {
            let mut jobs = self.jobs();
            jobs.retain(|job| job::outcome(job) == Some(outcome));
            jobs.sort_by_key(|job| meta::text(job, "/status/startTime").to_owned());
            let kept = meta::number(&self.cron, field).unwrap_or(usual);
            let spare = jobs
                .len()
                .saturating_sub(usize::try_from(kept).unwrap_or(0));
            self.remove(&jobs[..spare]);
        }
    }

    fn remove(&self, jobs: &[Arc<Value>]) {
        for job in jobs {
            let (namespace, name) = (meta::namespace(job), meta::name(job));
            let options = DeleteOptions::default();
            if self
                .objects
                .delete(Kind::Job, namespace, name, &options)
                .is_ok()
            {
                let message = format!("Deleted job {name}");
                self.tell(EventType::Normal, "SuccessfulDelete", &message);
            }
        }
    }

    fn follow(&self, schedule: &Schedule) -> Again {
        let due = self.due(schedule);
        if let Some(at) = due {
            self.start(at);
        }
        let next = schedule.next(self.now)?;
        let wait = Duration::try_from(next.duration_since(self.now));
        Some(wait.unwrap_or(Duration::ZERO))
    }

    /// The latest time of the schedule that has come and has no Job yet.
    fn due(&self, schedule: &Schedule) -> Option<Timestamp> {
        let time = |pointer: &str| meta::text(&self.cron, pointer).parse::<Timestamp>().ok();
        let mut since =
            time("/status/lastScheduleTime").or_else(|| time("/metadata/creationTimestamp"))?;
        let patience = meta::number(&self.cron, "/spec/startingDeadlineSeconds");
        if let Some(seconds) = patience {
            let earliest = self
                .now
                .checked_sub(SignedDuration::from_secs(seconds))
                .ok()?;
            since = since.max(earliest);
        }
        let mut latest = None;
        let times = std::iter::successors(schedule.next(since), |at| schedule.next(*at));
        let mut missed = 0;
        for at in times.take_while(|at| *at <= self.now) {
            latest = Some(at);
            missed += 1;
            if missed > MOST_MISSED {
                let message = "too many missed start times. Set or decrease .spec.startingDeadlineSeconds or check clock skew";
                self.tell(EventType::Warning, "TooManyMissedTimes", message);
                // The latest is found from the present backwards: an hour holds one of any schedule that often.
                let recent = self.now.checked_sub(SignedDuration::from_hours(1)).ok()?;
                let times = std::iter::successors(schedule.next(recent), |at| schedule.next(*at));
                return times.take_while(|at| *at <= self.now).last().or(latest);
            }
        }
        latest
    }

    fn start(&self, at: Timestamp) {
        let active = self.active();
        match meta::text(&self.cron, "/spec/concurrencyPolicy") {
            "Forbid" if !active.is_empty() => {
                let message = "Not starting job because prior execution is running and concurrency policy is Forbid";
                self.tell(EventType::Normal, "JobAlreadyActive", message);
                return;
            }
            "Replace" => self.remove(&active),
            _ => {}
        }
        let template = &self.cron["spec"]["jobTemplate"];
        let name = format!("{}-{}", meta::name(&self.cron), at.as_second() / 60);
        let mut job = json!({
            "metadata": {
                "name": name,
                "namespace": meta::namespace(&self.cron),
                "labels": template["metadata"]["labels"].as_object().cloned().unwrap_or_default(),
                "annotations": template["metadata"]["annotations"].as_object().cloned().unwrap_or_default(),
                "ownerReferences": [meta::controller_ref(Kind::CronJob, &self.cron)],
            },
            "spec": template["spec"],
        });
        job["metadata"]["annotations"][SCHEDULED] = meta::time(at).into();
        match self.objects.create(Kind::Job, job) {
            Ok(job) => {
                let message = format!("Created job {}", meta::name(&job));
                self.tell(EventType::Normal, "SuccessfulCreate", &message);
            }
            // It was made by an earlier look.
            Err(crate::objects::StoreError::AlreadyExists { .. }) => {}
            Err(error) => {
                let message = format!("Error creating job: {error}");
                self.tell(EventType::Warning, "FailedCreate", &message);
                return;
            }
        }
        self.write(|status| status["lastScheduleTime"] = meta::time(at).into());
    }

    fn tell(&self, kind: EventType, reason: &str, message: &str) {
        self.objects
            .record_event(&self.about, kind, reason, message);
    }
}

#[cfg(test)]
mod tests;
