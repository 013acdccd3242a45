//! The fault of a broker: a policy on one of its queues.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::fake::Broker;
use crate::{GONE, Lab, REVERTED, fault, undone};

const SERVICE: &str = "/api/v1/namespaces/sock-shop/services/rabbitmq";
const POLICY: &str = "shipping-task-length";

async fn with_broker() -> (Lab, Arc<Broker>) {
    let lab = Lab::new().await;
    lab.fake.pod("rabbitmq-1", "rabbitmq", &[]).await;
    let broker = lab.fake.broker("rabbitmq-1").await;
    let service = json!({
        "apiVersion": "v1", "kind": "Service",
        "metadata": {"name": "rabbitmq"}, "spec": {"ports": []},
    });
    lab.fake.store(SERVICE, service);
    (lab, broker)
}

fn limit() -> model::Fault {
    let args = json!({"service": "rabbitmq", "queue": "shipping-task"});
    fault("queue-limit", args)
}

#[tokio::test]
async fn queue_limit_sets_a_policy_above_the_others_and_deletes_it() {
    let (lab, broker) = with_broker().await;
    broker.set_policy("ttl", json!({"name": "ttl", "priority": 4}));
    let chaos = lab.chaos();
    let injection = chaos.inject(&limit()).await.expect("injected");
    let expected = json!({
        "name": POLICY, "vhost": "/", "pattern": "^shipping-task$", "apply-to": "queues",
        "definition": {"max-length": 3, "overflow": "reject-publish"}, "priority": 5,
    });
    assert_eq!(broker.policy(POLICY), expected);
    // The policy outlives the pod that has it, and so does its undo.
    lab.fake.replace_pod("rabbitmq-1");
    assert_eq!(undone(&injection).await, REVERTED);
    assert_eq!(broker.policy(POLICY), Value::Null);
    assert_ne!(broker.policy("ttl"), Value::Null);
    chaos.close().await;
}

#[tokio::test]
async fn of_a_broker_that_was_scaled_to_zero_no_policy_holds() {
    let (lab, _broker) = with_broker().await;
    lab.fake.deployment("rabbitmq", json!([]));
    let chaos = lab.chaos();
    let injection = chaos.inject(&limit()).await.expect("injected");
    lab.fake.change("rabbitmq", "/replicas", json!(0));
    lab.fake.remove_pod("rabbitmq-1");
    assert_eq!(undone(&injection).await, GONE);
    assert_eq!(chaos.close().await, []);
}

#[tokio::test]
async fn a_policy_that_a_responder_has_changed_is_theirs() {
    let (lab, broker) = with_broker().await;
    let chaos = lab.chaos();
    let injection = chaos.inject(&limit()).await.expect("injected");
    let mut raised = broker.policy(POLICY);
    raised["definition"]["max-length"] = 10_000.into();
    broker.set_policy(POLICY, raised.clone());
    assert_eq!(undone(&injection).await, GONE);
    assert_eq!(broker.policy(POLICY), raised);
    let error = chaos.inject(&limit()).await.err().expect("refused");
    assert!(error.to_string().contains("has a policy"), "{error}");
    chaos.close().await;
}

#[tokio::test]
async fn a_queue_that_is_not_there_or_not_a_brokers_is_refused() {
    let (lab, _broker) = with_broker().await;
    let chaos = lab.chaos();
    let of = |service: &str, queue: &str| {
        fault("queue-limit", json!({"service": service, "queue": queue}))
    };
    for (fault, problem) in [
        (of("rabbitmq", "shipping"), "has no queue `shipping`"),
        (
            of("orders", "shipping-task"),
            "forwarding to pod `orders-1`",
        ),
        (of("nobody", "shipping-task"), "`nobody` has no pod"),
    ] {
        let error = chaos.inject(&fault).await.err().expect(problem);
        assert!(error.to_string().contains(problem), "{error}");
    }
    assert_eq!(chaos.close().await, []);
}
