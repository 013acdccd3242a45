//! Jobs: Pods that run to their end, tried again when they fail.

use std::sync::Arc;
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

use super::{Again, conditions, template};
use crate::objects::{About, DeleteOptions, EventType, Kind, Objects, meta};

const CONTROLLER: &str = "job-controller";
/// How long the next Pod waits after the first failure; each further failure doubles it.
const BACKOFF: SignedDuration = SignedDuration::from_secs(10);
/// The longest wait.
const LONGEST_BACKOFF: SignedDuration = SignedDuration::from_mins(6);

/// How a Job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Complete,
    Failed,
}

/// One look at a Job.
struct Look<'a> {
    objects: &'a Objects,
    job: Arc<Value>,
    about: About,
    now: Timestamp,
}

/// The Job's Pods by what became of them.
#[derive(Default)]
struct Pods {
    active: Vec<Arc<Value>>,
    succeeded: i64,
    failed: i64,
    /// When the latest failed one ended.
    last_failure: Option<Timestamp>,
}

/// Makes or removes Pods, counts them, and ends the Job when it is time.
pub(super) fn reconcile(objects: &Objects, namespace: &str, name: &str, now: Timestamp) -> Again {
    let job = objects.find(Kind::Job, namespace, name)?;
    if meta::is_terminating(&job) {
        return None;
    }
    let look = Look {
        objects,
        about: About::of(Kind::Job, &job, CONTROLLER),
        job,
        now,
    };
    if outcome(&look.job).is_some() {
        return look.clean_up();
    }
    look.work()
}

/// How a Job ended; nothing while it goes on.
pub(super) fn outcome(job: &Value) -> Option<Outcome> {
    if meta::condition_is_true(job, "Complete") {
        Some(Outcome::Complete)
    } else if meta::condition_is_true(job, "Failed") {
        Some(Outcome::Failed)
    } else {
        None
    }
}

impl Look<'_> {
    fn number(&self, field: &str) -> Option<i64> {
        meta::number(&self.job["spec"], &format!("/{field}"))
    }

    fn work(&self) -> Again {
        let mut pods = self.pods();
        if self.job["spec"]["suspend"] == true {
            self.remove(&pods.active);
            self.write(&Pods::default(), |status| {
                conditions::set(status, "Suspended", "True", "JobSuspended", "Job suspended");
                meta::ensure(status, &[]).remove("startTime");
            });
            return None;
        }
        let limit = self.number("backoffLimit").unwrap_or(6);
        let deadline = self.deadline();
        let restarts: i64 = pods.active.iter().map(|pod| restarts(pod)).sum();
        if pods.failed > limit || restarts > limit || (restarts > 0 && restarts >= limit) {
            let message = "Job has reached the specified backoff limit";
            return self.fail(pods, "BackoffLimitExceeded", message);
        }
        if deadline.is_some_and(|at| at <= self.now) {
            let message = "Job was active longer than specified deadline";
            return self.fail(pods, "DeadlineExceeded", message);
        }
        let wanted = self.number("completions").unwrap_or(1);
        if pods.succeeded >= wanted {
            return self.complete(pods);
        }
        let most = self.number("parallelism").unwrap_or(1);
        let missing = most.min(wanted - pods.succeeded) - count(&pods.active);
        let ready_at = pods
            .last_failure
            .and_then(|at| at.checked_add(backoff(pods.failed)).ok());
        let waits = ready_at.filter(|at| *at > self.now && missing > 0);
        if waits.is_none() {
            pods.active.extend((0..missing).filter_map(|_| self.make()));
            let spare = usize::try_from(-missing)
                .unwrap_or(0)
                .min(pods.active.len());
            let spare: Vec<_> = pods.active.drain(..spare).collect();
            self.remove(&spare);
        }
        self.write(&pods, |status| {
            if conditions::get(status, "Suspended").is_some() {
                conditions::set(status, "Suspended", "False", "JobResumed", "Job resumed");
            }
        });
        let next = waits
            .into_iter()
            .chain(deadline.or_else(|| self.deadline_from_now()));
        next.min().map(|at| self.until(at))
    }

    fn pods(&self) -> Pods {
        let mut pods = Pods::default();
        let own = self
            .objects
            .list(Kind::Pod, Some(meta::namespace(&self.job)));
        for pod in own
            .into_iter()
            .filter(|pod| meta::is_controlled_by(pod, meta::uid(&self.job)))
        {
            match meta::text(&pod, "/status/phase") {
                "Succeeded" => pods.succeeded += 1,
                "Failed" => {
                    pods.failed += 1;
                    pods.last_failure = pods.last_failure.max(ended(&pod));
                }
                _ if meta::is_terminating(&pod) => {}
                _ => pods.active.push(pod),
            }
        }
        // A Pod that is deleted after its end still counts.
        let known =
            |field: &str| meta::number(&self.job["status"], &format!("/{field}")).unwrap_or(0);
        pods.succeeded = pods.succeeded.max(known("succeeded"));
        pods.failed = pods.failed.max(known("failed"));
        pods
    }

    /// When the Job has been active for too long.
    fn deadline(&self) -> Option<Timestamp> {
        let seconds = self.number("activeDeadlineSeconds")?;
        let start: Timestamp = meta::text(&self.job, "/status/startTime").parse().ok()?;
        start.checked_add(SignedDuration::from_secs(seconds)).ok()
    }

    /// The same of a Job that begins now.
    fn deadline_from_now(&self) -> Option<Timestamp> {
        let seconds = self.number("activeDeadlineSeconds")?;
        self.now
            .checked_add(SignedDuration::from_secs(seconds))
            .ok()
    }

    fn until(&self, at: Timestamp) -> Duration {
        Duration::try_from(at.duration_since(self.now)).unwrap_or(Duration::ZERO)
    }

    fn make(&self) -> Option<Arc<Value>> {
        match self
            .objects
            .create(Kind::Pod, template::pod(Kind::Job, &self.job))
        {
            Ok(pod) => {
                let message = format!("Created pod: {}", meta::name(&pod));
                self.tell(EventType::Normal, "SuccessfulCreate", &message);
                Some(pod)
            }
            Err(error) => {
                let message = format!("Error creating: {error}");
                self.tell(EventType::Warning, "FailedCreate", &message);
                None
            }
        }
    }

    fn remove(&self, pods: &[Arc<Value>]) {
        for pod in pods {
            let (namespace, name) = (meta::namespace(pod), meta::name(pod));
            let deleted =
                self.objects
                    .delete(Kind::Pod, namespace, name, &DeleteOptions::default());
            if deleted.is_ok() {
                let message = format!("Deleted pod: {name}");
                self.tell(EventType::Normal, "SuccessfulDelete", &message);
            }
        }
    }

    fn fail(&self, mut pods: Pods, reason: &str, message: &str) -> Again {
        self.remove(&pods.active);
        pods.failed += count(&pods.active);
        pods.active.clear();
        self.write(&pods, |status| {
            conditions::set(status, "Failed", "True", reason, message);
        });
        self.tell(EventType::Warning, reason, message);
        None
    }

    fn complete(&self, mut pods: Pods) -> Again {
        self.remove(&pods.active);
        pods.active.clear();
        let now = meta::time(self.now);
        self.write(&pods, |status| {
            let message = "Reached expected number of succeeded pods";
            conditions::set(status, "Complete", "True", "CompletionsReached", message);
            status["completionTime"] = now.clone().into();
        });
        self.tell(EventType::Normal, "Completed", "Job completed");
        None
    }

    /// A Job that has ended goes after its time to live.
    fn clean_up(&self) -> Again {
        let seconds = self.number("ttlSecondsAfterFinished")?;
        let ended = meta::items(&self.job, "/status/conditions")
            .iter()
            .filter(|condition| condition["type"] == "Complete" || condition["type"] == "Failed")
            .find_map(|condition| meta::text(condition, "/lastTransitionTime").parse().ok())
            .unwrap_or(self.now);
        let at = ended.checked_add(SignedDuration::from_secs(seconds)).ok()?;
        if at > self.now {
            return Some(self.until(at));
        }
        // Somebody else may have been faster.
        let _ = self.objects.delete(
            Kind::Job,
            meta::namespace(&self.job),
            meta::name(&self.job),
            &DeleteOptions::default(),
        );
        None
    }

    fn write(&self, pods: &Pods, more: impl FnOnce(&mut Value)) {
        let ready = pods
            .active
            .iter()
            .filter(|pod| super::replica_set::is_ready(pod));
        let ready = i64::try_from(ready.count()).unwrap_or(0);
        let (namespace, name) = (meta::namespace(&self.job), meta::name(&self.job));
        // One that is gone meanwhile needs no status.
        let _ = self.objects.modify(Kind::Job, namespace, name, |job| {
            if !job["status"].is_object() {
                job["status"] = json!({});
            }
            let status = &mut job["status"];
            let map = meta::ensure(status, &[]);
            map.entry("startTime")
                .or_insert_with(|| meta::time(self.now).into());
            map.insert("ready".into(), ready.into());
            for (field, value) in [
                ("active", count(&pods.active)),
                ("succeeded", pods.succeeded),
                ("failed", pods.failed),
            ] {
                if value > 0 {
                    map.insert(field.into(), value.into());
                } else {
                    map.remove(field);
                }
            }
            more(status);
        });
    }

    fn tell(&self, kind: EventType, reason: &str, message: &str) {
        self.objects
            .record_event(&self.about, kind, reason, message);
    }
}

fn count(pods: &[Arc<Value>]) -> i64 {
    i64::try_from(pods.len()).unwrap_or(i64::MAX)
}

fn backoff(failures: i64) -> SignedDuration {
    let doublings = u32::try_from(failures.clamp(1, 10) - 1).unwrap_or(0);
    (BACKOFF * 2_i32.pow(doublings)).min(LONGEST_BACKOFF)
}

/// How often the containers of a Pod were started again, which is how `OnFailure` tries again.
fn restarts(pod: &Value) -> i64 {
    let all = meta::items(pod, "/status/containerStatuses").iter();
    all.filter_map(|status| status["restartCount"].as_i64())
        .sum()
}

/// When the last container of a Pod ended.
fn ended(pod: &Value) -> Option<Timestamp> {
    meta::items(pod, "/status/containerStatuses")
        .iter()
        .filter_map(|status| {
            meta::text(status, "/state/terminated/finishedAt")
                .parse()
                .ok()
        })
        .max()
}

#[cfg(test)]
mod tests;
