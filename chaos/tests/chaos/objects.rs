//! Faults that change objects as a whole: Deployments' sizes, Services, autoscalers.

use model::Undone;
use serde_json::{Value, json};

use crate::fake::deployment_path;
use crate::{GONE, Lab, REVERTED, fault, undone};

#[tokio::test]
async fn scale_to_zero_is_journaled_first_and_scales_back_to_what_was() {
    let lab = Lab::new().await;
    *lab.fake.journal.lock().expect("lock") = Some(lab.config.journal.clone());
    let chaos = lab.chaos();
    let scale = fault("scale-to-zero", json!({"service": "orders"}));
    let injection = chaos.inject(&scale).await.expect("injected");
    assert_eq!(lab.fake.spec("orders", "/replicas"), 0);
    lab.fake.conflict_next();
    assert_eq!(undone(&injection).await, REVERTED);
    assert_eq!(lab.fake.spec("orders", "/replicas"), 2);
    let injection = chaos.inject(&scale).await.expect("injected");
    lab.fake.change("orders", "/replicas", json!(1));
    assert_eq!(injection.undo().await.how, Undone::TargetGone);
    assert_eq!(lab.fake.spec("orders", "/replicas"), 1, "the responder's");
    chaos.close().await;
}

const SERVICE: &str = "/api/v1/namespaces/sock-shop/services/orders";
const SCALER: &str = "/apis/autoscaling/v2/namespaces/sock-shop/horizontalpodautoscalers/orders";

/// A lab in which `orders` has a Service with two ports.
async fn with_service() -> Lab {
    let lab = Lab::new().await;
    let ports = json!([
        {"name": "http", "port": 80, "targetPort": "http"},
        {"name": "metrics", "port": 9090, "targetPort": 9090},
    ]);
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "orders"}, "spec": {"ports": ports},
    });
    lab.fake.store(SERVICE, service);
    lab
}

#[tokio::test]
async fn wrong_port_leads_the_first_port_elsewhere_and_back() {
    let lab = with_service().await;
    let chaos = lab.chaos();
    let wrong = fault("wrong-port", json!({"service": "orders"}));
    let target =
        |lab: &Lab, at: usize| lab.fake.stored(SERVICE)["spec"]["ports"][at]["targetPort"].clone();
    let injection = chaos.inject(&wrong).await.expect("injected");
    assert_eq!(
        (target(&lab, 0), target(&lab, 1)),
        (json!(8081), json!(9090))
    );
    lab.fake.conflict_next();
    assert_eq!(undone(&injection).await, REVERTED);
    assert_eq!(target(&lab, 0), "http", "a name stays a name");
    let injection = chaos.inject(&wrong).await.expect("injected");
    lab.fake
        .change_at(SERVICE, "/ports/0/targetPort", json!(80));
    assert_eq!(injection.undo().await.how, Undone::TargetGone);
    assert_eq!(target(&lab, 0), 80, "the responder's");
    let injection = chaos.inject(&wrong).await.expect("injected");
    lab.fake.replace(SERVICE);
    assert_eq!(injection.undo().await.how, Undone::TargetGone);
    let listens = fault("wrong-port", json!({"service": "orders", "port": 9090}));
    let error = chaos.inject(&listens).await.err().expect("refused");
    assert!(error.to_string().contains("listens at 9090"), "{error}");
    chaos.close().await;
}

/// A lab with customers.
async fn with_customers(labels: Value) -> Lab {
    let lab = Lab::new().await;
    lab.fake.label("shoplab", labels);
    lab.fake.deployment("customers", json!([]));
    lab
}

#[tokio::test]
async fn flood_multiplies_the_customers_and_sends_them_home() {
    let lab = with_customers(json!({"shoplab.dev/lab": "true"})).await;
    let chaos = lab.chaos();
    let flood = fault("flood", json!({"times": 4}));
    let injection = chaos.inject(&flood).await.expect("injected");
    assert_eq!(lab.fake.spec("customers", "/replicas"), 8);
    assert_eq!(lab.fake.spec("orders", "/replicas"), 2);
    assert_eq!(undone(&injection).await, REVERTED);
    assert_eq!(lab.fake.spec("customers", "/replicas"), 2);
    let injection = chaos.inject(&flood).await.expect("injected");
    lab.fake.replace(&deployment_path("customers"));
    assert_eq!(injection.undo().await.how, Undone::TargetGone);
    let injection = chaos.inject(&flood).await.expect("injected");
    lab.fake.forget_namespace("shoplab");
    assert_eq!(undone(&injection).await, GONE);
    chaos.close().await;
}

#[tokio::test]
async fn customers_that_are_not_the_labs_or_not_there_are_not_multiplied() {
    let theirs = with_customers(json!({})).await;
    let empty = with_customers(json!({"shoplab.dev/lab": "true"})).await;
    empty.fake.change("customers", "/replicas", json!(0));
    for (lab, problem) in [(theirs, "`shoplab` is not labelled"), (empty, "not there")] {
        let chaos = lab.chaos();
        let flood = chaos.inject(&fault("flood", json!({}))).await;
        let error = flood.err().expect("refused");
        assert!(error.to_string().contains(problem), "{error}");
        assert_eq!(chaos.close().await, []);
    }
}

fn autoscaler() -> model::Fault {
    let args =
        json!({"service": "orders", "metric": "memory", "target": "80%", "min": 1, "max": 4});
    fault("autoscaler", args)
}

#[tokio::test]
async fn autoscaler_is_made_and_taken_away_with_what_it_did() {
    let lab = Lab::new().await;
    let chaos = lab.chaos();
    let injection = chaos.inject(&autoscaler()).await.expect("injected");
    let expected = json!({
        "scaleTargetRef": {"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders"},
        "minReplicas": 1, "maxReplicas": 4,
        "metrics": [{"type": "Resource", "resource": {
            "name": "memory", "target": {"type": "Utilization", "averageUtilization": 80},
        }}],
    });
    assert_eq!(lab.fake.stored(SCALER)["spec"], expected);
    lab.fake.change("orders", "/replicas", json!(1));
    lab.fake.conflict_next();
    assert_eq!(undone(&injection).await, REVERTED);
    assert_eq!(lab.fake.stored(SCALER), Value::Null);
    assert_eq!(lab.fake.spec("orders", "/replicas"), 2);
    chaos.close().await;
}

#[tokio::test]
async fn autoscaler_takes_the_place_of_another_and_gives_it_back() {
    let lab = Lab::new().await;
    let target = json!({"apiVersion": "apps/v1", "kind": "Deployment", "name": "orders"});
    let old = json!({"scaleTargetRef": target, "minReplicas": 2, "maxReplicas": 3});
    let scaler = json!({
        "apiVersion": "autoscaling/v2", "kind": "HorizontalPodAutoscaler",
        "metadata": {"name": "orders"}, "spec": old,
    });
    lab.fake.store(SCALER, scaler);
    let chaos = lab.chaos();
    let injection = chaos.inject(&autoscaler()).await.expect("injected");
    assert_eq!(lab.fake.stored(SCALER)["spec"]["maxReplicas"], 4);
    assert_eq!(injection.undo().await.how, Undone::Reverted);
    assert_eq!(lab.fake.stored(SCALER)["spec"], old);
    let injection = chaos.inject(&autoscaler()).await.expect("injected");
    lab.fake.change_at(SCALER, "/metrics", json!([]));
    lab.fake.change("orders", "/replicas", json!(3));
    assert_eq!(injection.undo().await.how, Undone::TargetGone);
    assert_eq!(lab.fake.stored(SCALER)["spec"]["metrics"], json!([]));
    assert_eq!(lab.fake.spec("orders", "/replicas"), 3, "the responder's");
    chaos.close().await;
}

#[tokio::test]
async fn an_autoscaler_that_could_not_scale_is_refused() {
    let lab = Lab::new().await;
    let chaos = lab.chaos();
    let mut upside_down = autoscaler();
    upside_down.args.insert("min".to_owned(), json!(9));
    let error = chaos.inject(&upside_down).await.err().expect("refused");
    assert!(error.to_string().contains("at least `min`"), "{error}");
    let edge = "/template/spec/containers/1/resources";
    lab.fake.change("orders", edge, json!({}));
    let error = chaos.inject(&autoscaler()).await.err().expect("refused");
    assert!(
        error.to_string().contains("`edge` that requests no memory"),
        "{error}"
    );
    assert_eq!(chaos.close().await, []);
}

#[tokio::test]
async fn one_injection_is_undone_while_the_others_stay() {
    let lab = with_service().await;
    let chaos = lab.chaos();
    let port = "/template/spec/containers/0/env/0/value";
    let target = || lab.fake.stored(SERVICE)["spec"]["ports"][0]["targetPort"].clone();
    let scale = fault("scale-to-zero", json!({"service": "orders"}));
    let crash_loop = fault("crash-loop", json!({"service": "orders"}));
    let wrong = fault("wrong-port", json!({"service": "orders"}));
    // Two of them change the same Deployment.
    let scaled = chaos.inject(&scale).await.expect("scaled");
    let looping = chaos.inject(&crash_loop).await.expect("looping");
    let misled = chaos.inject(&wrong).await.expect("misled");
    assert_eq!(scaled.undo().await.how, Undone::Reverted);
    assert_eq!(lab.fake.spec("orders", "/replicas"), 2);
    assert_eq!(
        (lab.fake.spec("orders", port), target()),
        (json!("8O"), json!(8081))
    );
    assert_eq!(misled.undo().await.how, Undone::Reverted);
    assert_eq!(
        (lab.fake.spec("orders", port), target()),
        (json!("8O"), json!("http"))
    );
    // The same fault may come again while another one goes on.
    let again = chaos.inject(&scale).await.expect("scaled again");
    assert_eq!(looping.undo().await.how, Undone::Reverted);
    assert_eq!(
        (
            lab.fake.spec("orders", port),
            lab.fake.spec("orders", "/replicas")
        ),
        (json!("80"), json!(0))
    );
    let ends = chaos.close().await;
    let ends: Vec<_> = ends.iter().map(|(id, report)| (*id, report.how)).collect();
    assert_eq!(ends, [(again.id(), Undone::Reverted)], "only what was left");
    assert_eq!(lab.fake.spec("orders", "/replicas"), 2);
}
