//! Jobs whose Pods end as the test says.

use super::*;
use crate::controllers::tests::Still;

const START: &str = "2026-01-01T00:00:00Z";

fn at(seconds: i64) -> Timestamp {
    let start: Timestamp = START.parse().unwrap();
    start
        .checked_add(SignedDuration::from_secs(seconds))
        .unwrap()
}

fn lab(spec: Value) -> Objects {
    let objects = Objects::new();
    let mut job = json!({ "metadata": { "name": "report", "namespace": "shop" }, "spec": {
        "template": { "spec": { "restartPolicy": "Never", "containers": [{ "name": "report", "image": "a:v1" }] } } } });
    for (key, value) in spec.as_object().unwrap() {
        job["spec"][key] = value.clone();
    }
    objects.create(Kind::Job, job).unwrap();
    objects
}

fn look(objects: &Objects, seconds: i64) -> Option<u64> {
    reconcile(objects, "shop", "report", at(seconds)).map(|again| again.as_secs())
}

fn running(objects: &Objects) -> Vec<Arc<Value>> {
    let mut pods = objects.list(Kind::Pod, Some("shop"));
    pods.retain(|pod| !meta::has_ended(pod));
    pods
}

fn end(objects: &Objects, pod: &Value, phase: &str, seconds: i64) {
    objects
        .modify(Kind::Pod, "shop", meta::name(pod), |pod| {
            pod["status"] = json!({ "phase": phase, "containerStatuses": [
                { "state": { "terminated": { "finishedAt": meta::time(at(seconds)) } } }] });
        })
        .unwrap();
}

fn job(objects: &Objects) -> Arc<Value> {
    objects.get(Kind::Job, "shop", "report").unwrap()
}

fn reasons(objects: &Objects) -> Vec<String> {
    let events = objects.list(Kind::Event, Some("shop"));
    events
        .iter()
        .map(|event| meta::text(event, "/reason").to_owned())
        .collect()
}

#[test]
fn a_job_is_complete_when_enough_of_its_pods_succeeded() {
    let objects = lab(json!({ "completions": 3, "parallelism": 2 }));
    look(&objects, 0);
    let first = running(&objects);
    assert_eq!(first.len(), 2);
    let labels = &first[0]["metadata"]["labels"];
    assert_eq!(labels["batch.kubernetes.io/job-name"], "report");
    assert_eq!(labels["job-name"], "report");
    assert!(meta::is_controlled_by(&first[0], meta::uid(&job(&objects))));
    end(&objects, &first[0], "Succeeded", 1);
    end(&objects, &first[1], "Succeeded", 1);
    look(&objects, 1);
    let last = running(&objects);
    assert_eq!(last.len(), 1);
    // Taking away what has ended does not take away what it did.
    objects.remove(Kind::Pod, "shop", meta::name(&first[0]), None);
    look(&objects, 2);
    assert_eq!(job(&objects)["status"]["succeeded"], 2);
    objects.remove(Kind::Pod, "shop", meta::name(&first[1]), None);
    assert_eq!(outcome(&job(&objects)), None);
}

#[test]
fn one_pod_is_enough_by_default_and_the_end_is_told() {
    let objects = lab(json!({}));
    look(&objects, 0);
    end(&objects, &running(&objects)[0], "Succeeded", 5);
    look(&objects, 5);
    let done = job(&objects);
    assert_eq!(outcome(&done), Some(Outcome::Complete));
    assert_eq!(done["status"]["succeeded"], 1);
    assert_eq!(done["status"]["startTime"], START);
    assert_eq!(done["status"]["completionTime"], meta::time(at(5)));
    assert_eq!(reasons(&objects), ["SuccessfulCreate", "Completed"]);
    assert!(running(&objects).is_empty());
}

#[test]
fn a_pod_that_fails_is_tried_again_later_and_later_until_the_limit() {
    let objects = lab(json!({ "backoffLimit": 2 }));
    let mut now = 0;
    for wait in [10, 20] {
        look(&objects, now);
        end(&objects, &running(&objects)[0], "Failed", now);
        assert_eq!(look(&objects, now), Some(wait));
        assert!(running(&objects).is_empty());
        now += i64::try_from(wait).unwrap();
    }
    look(&objects, now);
    end(&objects, &running(&objects)[0], "Failed", now);
    look(&objects, now);
    let failed = job(&objects);
    assert_eq!(outcome(&failed), Some(Outcome::Failed));
    assert_eq!(failed["status"]["failed"], 3);
    assert_eq!(reasons(&objects).last().unwrap(), "BackoffLimitExceeded");
    assert_eq!(backoff(20), LONGEST_BACKOFF);
}

#[test]
fn containers_that_are_started_again_count_against_the_limit() {
    let objects = lab(json!({ "backoffLimit": 2 }));
    look(&objects, 0);
    for (restarts, expected) in [(1, None), (2, Some(Outcome::Failed))] {
        let all = objects.list(Kind::Pod, Some("shop"));
        objects
            .modify(Kind::Pod, "shop", meta::name(&all[0]), |pod| {
                pod["status"] = json!({ "phase": "Running", "containerStatuses": [{ "restartCount": restarts }] });
            })
            .unwrap();
        look(&objects, 1);
        assert_eq!(outcome(&job(&objects)), expected, "{restarts}");
    }
    assert!(running(&objects).is_empty());
}

#[test]
fn a_job_that_takes_too_long_fails() {
    let objects = lab(json!({ "activeDeadlineSeconds": 30 }));
    assert_eq!(look(&objects, 0), Some(30));
    assert_eq!(look(&objects, 29), Some(1));
    look(&objects, 30);
    assert_eq!(outcome(&job(&objects)), Some(Outcome::Failed));
    assert!(running(&objects).is_empty());
    assert_eq!(reasons(&objects).last().unwrap(), "DeadlineExceeded");
}

#[test]
fn a_job_that_is_suspended_has_no_pods_until_it_is_resumed() {
    let objects = lab(json!({ "suspend": true }));
    look(&objects, 0);
    assert!(running(&objects).is_empty());
    assert!(meta::condition_is_true(&job(&objects), "Suspended"));
    objects
        .modify(Kind::Job, "shop", "report", |job| {
            job["spec"]["suspend"] = false.into();
        })
        .unwrap();
    look(&objects, 7);
    assert_eq!(running(&objects).len(), 1);
    assert!(!meta::condition_is_true(&job(&objects), "Suspended"));
    assert_eq!(job(&objects)["status"]["startTime"], meta::time(at(7)));
}

#[test]
fn what_has_ended_goes_after_its_time_to_live() {
    let objects = lab(json!({ "ttlSecondsAfterFinished": 60 }));
    let now = Timestamp::now();
    let see = |seconds: i64| {
        let at = now.checked_add(SignedDuration::from_secs(seconds)).unwrap();
        reconcile(&objects, "shop", "report", at)
    };
    see(0);
    end(&objects, &running(&objects)[0], "Succeeded", 0);
    see(0);
    assert!(see(30).is_some_and(|again| again <= Duration::from_secs(31)));
    see(62);
    assert!(objects.find(Kind::Job, "shop", "report").is_none());
}

#[test]
fn the_controllers_see_a_jobs_pods_end() {
    let mut still = Still::new();
    let objects = lab(json!({}));
    let job = Value::clone(&objects.get(Kind::Job, "shop", "report").unwrap());
    still.objects.create(Kind::Job, job).unwrap();
    still.settle();
    let pods = running(&still.objects);
    assert_eq!(pods[0]["spec"]["nodeName"], "laptop");
    end(&still.objects, &pods[0], "Succeeded", 0);
    still.settle();
    let job = still.objects.get(Kind::Job, "shop", "report").unwrap();
    assert_eq!(outcome(&job), Some(Outcome::Complete));
    still.objects.remove(Kind::Job, "shop", "report", None);
    still.settle();
    assert!(still.objects.list(Kind::Pod, Some("shop")).is_empty());
}
