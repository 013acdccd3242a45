//! CronJobs on a clock that the test sets.

use super::*;
use crate::controllers::conditions;

struct Lab {
    objects: Objects,
    /// The creation of the CronJob.
    start: Timestamp,
}

fn lab(spec: Value) -> Lab {
    let objects = Objects::new();
    let mut cron = json!({ "metadata": { "name": "report", "namespace": "shop" }, "spec": {
        "schedule": "* * * * *",
        "jobTemplate": { "metadata": { "labels": { "a": "b" } }, "spec": { "template": { "spec": {
            "restartPolicy": "Never", "containers": [{ "name": "report", "image": "a:v1" }] } } } } } });
    for (key, value) in spec.as_object().unwrap() {
        cron["spec"][key] = value.clone();
    }
    let made = objects.create(Kind::CronJob, cron).unwrap();
    let created: Timestamp = meta::text(&made, "/metadata/creationTimestamp")
        .parse()
        .unwrap();
    // Whole minutes make the arithmetic plain.
    let start = Timestamp::from_second(created.as_second() / 60 * 60).unwrap();
    Lab { objects, start }
}

impl Lab {
    fn look(&self, seconds: i64) -> Again {
        let at = self
            .start
            .checked_add(SignedDuration::from_secs(seconds))
            .unwrap();
        reconcile(&self.objects, "shop", "report", at)
    }

    fn jobs(&self) -> Vec<String> {
        let jobs = self.objects.list(Kind::Job, Some("shop"));
        jobs.iter().map(|job| meta::name(job).to_owned()).collect()
    }

    fn end(&self, job: &str, condition: &str) {
        self.objects
            .modify(Kind::Job, "shop", job, |job| {
                job["status"] = json!({ "completionTime": meta::time(self.start) });
                conditions::set(&mut job["status"], condition, "True", "", "");
            })
            .unwrap();
    }

    fn told(&self, reason: &str) -> bool {
        let events = self.objects.list(Kind::Event, Some("shop"));
        events.iter().any(|event| event["reason"] == reason)
    }

    fn cron(&self) -> Arc<Value> {
        self.objects.get(Kind::CronJob, "shop", "report").unwrap()
    }

    fn name(&self, minute: i64) -> String {
        format!("report-{}", self.start.as_second() / 60 + minute)
    }
}

#[test]
fn each_minute_has_its_job() {
    let lab = lab(json!({}));
    assert_eq!(lab.look(59), Some(Duration::from_secs(1)));
    assert!(lab.jobs().is_empty());
    assert_eq!(lab.look(60), Some(Duration::from_secs(60)));
    assert_eq!(lab.jobs(), [lab.name(1)]);
    // A second look in the same minute makes none.
    lab.look(61);
    assert_eq!(lab.jobs().len(), 1);
    let job = lab.objects.get(Kind::Job, "shop", &lab.name(1)).unwrap();
    assert_eq!(job["metadata"]["labels"]["a"], "b");
    assert!(meta::annotation(&job, SCHEDULED).is_some());
    let active = &lab.cron()["status"]["active"];
    assert_eq!(active[0]["name"], lab.name(1));
    lab.end(&lab.name(1), "Complete");
    lab.look(62);
    assert!(lab.told("SawCompletedJob"));
    let status = lab.cron()["status"].clone();
    assert!(status.get("active").is_none() && status.get("lastSuccessfulTime").is_some());
}

#[test]
fn what_happens_while_one_still_runs_is_the_policys() {
    for (policy, jobs, told) in [
        ("Allow", vec![1, 2], "SuccessfulCreate"),
        ("Forbid", vec![1], "JobAlreadyActive"),
        ("Replace", vec![2], "SuccessfulDelete"),
    ] {
        let lab = lab(json!({ "concurrencyPolicy": policy }));
        lab.look(60);
        lab.look(120);
        let expected: Vec<_> = jobs.into_iter().map(|minute| lab.name(minute)).collect();
        assert_eq!(lab.jobs(), expected, "{policy}");
        assert!(lab.told(told), "{policy}");
    }
}

#[test]
fn only_so_many_ended_jobs_are_kept() {
    let lab = lab(json!({ "successfulJobsHistoryLimit": 1, "failedJobsHistoryLimit": 0 }));
    for minute in 1..=3 {
        lab.look(minute * 60);
        let how = if minute == 2 { "Failed" } else { "Complete" };
        lab.end(&lab.name(minute), how);
    }
    lab.look(190);
    assert_eq!(lab.jobs().len(), 1);
    assert!(!lab.jobs().contains(&lab.name(2)));
}

#[test]
fn missed_times_make_one_job_and_none_when_it_is_too_late() {
    let plain = lab(json!({}));
    plain.look(600);
    assert_eq!(plain.jobs(), [plain.name(10)]);
    let hours = lab(json!({}));
    hours.look(60 * 500);
    assert_eq!(hours.jobs(), [hours.name(500)]);
    assert!(hours.told("TooManyMissedTimes"));
    let strict = lab(json!({ "startingDeadlineSeconds": 20 }));
    strict.look(90);
    assert!(strict.jobs().is_empty());
    strict.look(130);
    assert_eq!(strict.jobs(), [strict.name(2)]);
}

#[test]
fn one_that_is_suspended_or_cannot_be_read_starts_nothing() {
    let held = lab(json!({ "suspend": true }));
    assert_eq!(held.look(120), None);
    assert!(held.jobs().is_empty());
    let broken = lab(json!({ "schedule": "often" }));
    assert_eq!(broken.look(120), None);
    assert!(broken.told("UnparseableSchedule"));
}
