//! The store's behaviour.

use serde_json::json;

use super::*;

fn config(name: &str) -> Value {
    json!({ "metadata": { "name": name, "namespace": "shop" }, "data": { "a": "1" } })
}

#[test]
fn an_update_with_an_old_revision_is_a_conflict() {
    let objects = Objects::new();
    let first = objects.create(Kind::ConfigMap, config("a")).unwrap();
    objects
        .modify(Kind::ConfigMap, "shop", "a", |object| {
            object["data"]["a"] = "2".into();
        })
        .unwrap();
    let error = objects
        .update(Kind::ConfigMap, Value::clone(&first))
        .unwrap_err();
    assert!(matches!(error, StoreError::Conflict { .. }), "{error}");
}

#[test]
fn an_unchanged_object_makes_no_revision() {
    let objects = Objects::new();
    objects.create(Kind::ConfigMap, config("a")).unwrap();
    let before = objects.revision();
    objects
        .modify(Kind::ConfigMap, "shop", "a", |_| {})
        .unwrap();
    assert_eq!(objects.revision(), before);
}

#[test]
fn the_generation_follows_the_spec_and_not_the_status() {
    let objects = Objects::new();
    let pod = json!({ "metadata": { "name": "p", "namespace": "shop" }, "spec": {} });
    objects.create(Kind::Pod, pod).unwrap();
    let with_status = objects
        .modify(Kind::Pod, "shop", "p", |pod| {
            pod["status"]["phase"] = "Running".into();
        })
        .unwrap();
    assert_eq!(meta::generation(&with_status), 1);
    let with_spec = objects
        .modify(Kind::Pod, "shop", "p", |pod| {
            pod["spec"]["nodeName"] = "node".into();
        })
        .unwrap();
    assert_eq!(meta::generation(&with_spec), 2);
}

#[tokio::test]
async fn a_watch_replays_from_a_revision_and_then_follows() {
    let objects = Objects::new();
    objects.create(Kind::ConfigMap, config("a")).unwrap();
    let mut watch = objects.watch(Kind::ConfigMap, Some(0)).unwrap();
    let change = watch.next().await.unwrap();
    assert_eq!(
        (change.change, meta::name(&change.object)),
        (ChangeType::Added, "a")
    );
    let other = objects.clone();
    let writer = tokio::spawn(async move { other.remove(Kind::ConfigMap, "shop", "a", None) });
    assert_eq!(watch.next().await.unwrap().change, ChangeType::Deleted);
    writer.await.unwrap();
}

#[test]
fn a_watch_from_a_forgotten_revision_is_expired() {
    let objects = Objects::new();
    objects.create(Kind::ConfigMap, config("a")).unwrap();
    for count in 0..=HISTORY {
        objects
            .modify(Kind::ConfigMap, "shop", "a", |object| {
                object["data"]["a"] = count.into();
            })
            .unwrap();
    }
    assert!(matches!(
        objects.watch(Kind::ConfigMap, Some(1)),
        Err(StoreError::Expired { .. })
    ));
    assert!(objects.watch(Kind::ConfigMap, None).is_ok());
}

#[test]
fn a_bound_pod_waits_for_its_node_and_a_grace_of_zero_does_not() {
    let objects = Objects::new();
    let pod =
        json!({ "metadata": { "name": "p", "namespace": "shop" }, "spec": { "nodeName": "n" } });
    objects.create(Kind::Pod, pod).unwrap();
    objects
        .delete(Kind::Pod, "shop", "p", &DeleteOptions::default())
        .unwrap();
    let pod = objects.get(Kind::Pod, "shop", "p").unwrap();
    assert!(meta::is_terminating(&pod));
    assert_eq!(
        meta::number(&pod, "/metadata/deletionGracePeriodSeconds"),
        Some(30)
    );
    let now = DeleteOptions {
        grace_seconds: Some(0),
        ..DeleteOptions::default()
    };
    objects.delete(Kind::Pod, "shop", "p", &now).unwrap();
    assert!(objects.find(Kind::Pod, "shop", "p").is_none());
}

#[test]
fn an_object_goes_when_its_last_finalizer_does() {
    let objects = Objects::new();
    let mut object = config("a");
    object["metadata"]["finalizers"] = json!(["lab/hold"]);
    objects.create(Kind::ConfigMap, object).unwrap();
    objects
        .delete(Kind::ConfigMap, "shop", "a", &DeleteOptions::default())
        .unwrap();
    assert!(objects.find(Kind::ConfigMap, "shop", "a").is_some());
    objects
        .modify(Kind::ConfigMap, "shop", "a", |object| {
            object["metadata"]["finalizers"] = json!([]);
        })
        .unwrap();
    assert!(objects.find(Kind::ConfigMap, "shop", "a").is_none());
}

#[test]
fn the_same_event_is_counted_and_another_is_written() {
    let objects = Objects::new();
    let pod = json!({ "metadata": { "name": "p", "namespace": "shop" }, "spec": {} });
    let pod = objects.create(Kind::Pod, pod).unwrap();
    let about = About::of(Kind::Pod, &pod, "kubelet").container("main");
    objects.record_event(&about, EventType::Warning, "BackOff", "again");
    objects.record_event(&about, EventType::Warning, "BackOff", "again");
    objects.record_event(
        &about,
        EventType::Normal,
        "Started",
        "Started container main",
    );
    let mut counts: Vec<_> = objects
        .list(Kind::Event, Some("shop"))
        .iter()
        .map(|event| {
            (
                meta::text(event, "/reason").to_owned(),
                event["count"].as_i64(),
            )
        })
        .collect();
    counts.sort();
    assert_eq!(
        counts,
        [("BackOff".into(), Some(2)), ("Started".into(), Some(1))]
    );
}
