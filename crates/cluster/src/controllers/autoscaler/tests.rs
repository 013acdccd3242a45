//! Autoscalers over Pods whose usage the test sets, with the other controllers at work.

use std::sync::PoisonError;

use super::*;
use crate::controllers::tests::Still;

fn autoscale(still: &Still, spec: Value) {
    let mut autoscaler = json!({
        "metadata": { "name": "orders", "namespace": "shop" },
        "spec": {
            "scaleTargetRef": { "apiVersion": "apps/v1", "kind": "Deployment", "name": "orders" },
            "minReplicas": 1,
            "maxReplicas": 5,
            "metrics": [{ "type": "Resource", "resource": { "name": "cpu",
                "target": { "type": "Utilization", "averageUtilization": 50 } } }],
        },
    });
    for (key, value) in spec.as_object().unwrap() {
        autoscaler["spec"][key] = value.clone();
    }
    still
        .objects
        .create(Kind::HorizontalPodAutoscaler, autoscaler)
        .unwrap();
}

fn lab(replicas: i64) -> Still {
    let mut still = Still::new();
    still.create(replicas, json!({}));
    still.change(|deployment| {
        deployment["spec"]["template"]["spec"]["containers"][0]["resources"] =
            json!({ "requests": { "cpu": "100m", "memory": "100Mi" } });
    });
    still.run();
    still
}

fn use_up(still: &Still, cores: f64) {
    *still.gauge.lock().unwrap_or_else(PoisonError::into_inner) = Some(cores);
}

fn shown(still: &Still) -> Arc<Value> {
    still
        .objects
        .get(Kind::HorizontalPodAutoscaler, "shop", "orders")
        .unwrap()
}

fn reason(still: &Still, kind: &str) -> String {
    let shown = shown(still);
    let condition = conditions::get(&shown["status"], kind).expect(kind);
    format!(
        "{} {}",
        meta::text(condition, "/status"),
        meta::text(condition, "/reason")
    )
}

fn events(still: &Still) -> Vec<String> {
    let all = still.objects.list(Kind::Event, Some("shop"));
    all.iter()
        .filter(|event| event["involvedObject"]["kind"] == "HorizontalPodAutoscaler")
        .map(|event| {
            format!(
                "{}: {}",
                meta::text(event, "/reason"),
                meta::text(event, "/message")
            )
        })
        .collect()
}

fn wanted(still: &Still) -> i64 {
    meta::number(&still.deployment(), "/spec/replicas").unwrap()
}

#[tokio::test(start_paused = true)]
async fn busy_pods_get_more_beside_them_and_idle_ones_go_after_five_minutes() {
    let mut still = lab(1);
    use_up(&still, 0.1);
    autoscale(&still, json!({}));
    still.run();
    assert_eq!(wanted(&still), 2);
    assert_eq!(
        events(&still),
        [
            "SuccessfulRescale: New size: 2; reason: cpu resource utilization (percentage of request) above target"
        ]
    );
    assert_eq!(reason(&still, "AbleToScale"), "True SucceededRescale");
    assert_eq!(reason(&still, "ScalingActive"), "True ValidMetricFound");
    assert_eq!(reason(&still, "ScalingLimited"), "False DesiredWithinRange");
    use_up(&still, 0.01);
    still.pass(Duration::from_secs(290)).await;
    let now = shown(&still);
    assert_eq!(wanted(&still), 2);
    assert_eq!(reason(&still, "AbleToScale"), "True ScaleDownStabilized");
    assert_eq!(now["status"]["currentReplicas"], 2);
    assert_eq!(
        now["status"]["currentMetrics"],
        json!([{ "type": "Resource", "resource": { "name": "cpu",
            "current": { "averageValue": "10m", "averageUtilization": 10 } } }])
    );
    still.pass(Duration::from_secs(30)).await;
    assert_eq!(wanted(&still), 1);
    assert!(
        events(&still).contains(
            &"SuccessfulRescale: New size: 1; reason: All metrics below target".to_owned()
        )
    );
}

#[tokio::test(start_paused = true)]
async fn the_bounds_hold_whatever_the_metrics_say() {
    for (replicas, cores, spec, expected, limited) in [
        (1, 9.0, json!({}), 5, "True TooManyReplicas"),
        (8, 0.0, json!({}), 5, ""),
        (1, 0.0, json!({ "minReplicas": 3 }), 3, ""),
    ] {
        let mut still = lab(replicas);
        use_up(&still, cores);
        autoscale(&still, spec);
        still.run();
        still.pass(Duration::from_secs(20)).await;
        assert_eq!(wanted(&still), expected);
        if !limited.is_empty() {
            assert_eq!(reason(&still, "ScalingLimited"), limited);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_scaled_or_measured_is_said_and_left_alone() {
    let mut still = lab(2);
    autoscale(&still, json!({}));
    still.run();
    assert_eq!(wanted(&still), 2);
    assert_eq!(
        reason(&still, "ScalingActive"),
        "False FailedGetResourceMetric"
    );
    assert_eq!(
        events(&still),
        [
            "FailedGetResourceMetric: failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API",
            "FailedComputeMetricsReplicas: invalid metrics (1 invalid out of 1), first error is: failed to get cpu utilization: unable to get metrics for resource cpu: no metrics returned from resource metrics API",
        ]
    );
    still.change(|deployment| deployment["spec"]["replicas"] = 0.into());
    still.pass(Duration::from_secs(5)).await;
    assert_eq!(reason(&still, "ScalingActive"), "False ScalingDisabled");
    still
        .objects
        .remove(Kind::Deployment, "shop", "orders", None);
    still.pass(Duration::from_secs(5)).await;
    assert_eq!(reason(&still, "AbleToScale"), "False FailedGetScale");
}

#[tokio::test(start_paused = true)]
async fn a_change_of_the_spec_is_looked_at_at_once_and_a_look_of_its_own_is_not() {
    let mut still = lab(1);
    use_up(&still, 0.05);
    autoscale(&still, json!({}));
    still.run();
    assert_eq!(wanted(&still), 1);
    let before = meta::revision(&shown(&still));
    still.run();
    assert_eq!(meta::revision(&shown(&still)), before);
    let objects = still.objects.clone();
    objects
        .modify(Kind::HorizontalPodAutoscaler, "shop", "orders", |stored| {
            stored["spec"]["minReplicas"] = 2.into();
        })
        .unwrap();
    still.settle();
    assert_eq!(wanted(&still), 2);
}
