//! Faults inside processes, against real hooks behind real edges.

use chaos::ChaosError;
use model::Undone;
use serde_json::{Value, json};
use shop_hooks::Hooks;

use super::{GONE, Lab, REVERTED, fault, undone, until};

/// Each fault with its arguments, its hook, and what that is armed with.
fn cases() -> Vec<(&'static str, Value, &'static str, Value)> {
    vec![
        ("hang", json!({}), "deadlock", json!({})),
        (
            "memory-leak",
            json!({}),
            "leak",
            json!({ "mib_per_second": 20 }),
        ),
        (
            "memory-leak",
            json!({ "rate": 1 }),
            "leak",
            json!({ "mib_per_second": 1 }),
        ),
        ("cpu-hog", json!({}), "burn", json!({ "threads": 2 })),
        (
            "cpu-hog",
            json!({ "threads": 1 }),
            "burn",
            json!({ "threads": 1 }),
        ),
        (
            "slow-answers",
            json!({ "delay": "1500ms" }),
            "slow",
            json!({ "delay_ms": 1500, "share": 1.0 }),
        ),
        (
            "slow-answers",
            json!({ "delay": "1s", "share": "25%" }),
            "slow",
            json!({ "delay_ms": 1000, "share": 0.25 }),
        ),
        (
            "failing-answers",
            json!({}),
            "errors",
            json!({ "share": 1.0 }),
        ),
        (
            "failing-answers",
            json!({ "share": "50%" }),
            "errors",
            json!({ "share": 0.5 }),
        ),
        (
            "slow-queries",
            json!({ "delay": "800ms" }),
            "statements",
            json!({ "delay_ms": 800 }),
        ),
        ("exhaust-pool", json!({}), "pool", json!({})),
        (
            "clock-skew",
            json!({}),
            "clock",
            json!({ "skew_ms": -600_000 }),
        ),
        (
            "clock-skew",
            json!({ "by": "90s", "direction": "ahead" }),
            "clock",
            json!({ "skew_ms": 90_000 }),
        ),
        ("noise", json!({}), "chatter", json!({})),
    ]
}

async fn shown(lab: &Lab, hook: &str) -> Value {
    lab.fake.ask_edge("orders-1", "/hooks").await[hook].clone()
}

#[tokio::test]
async fn each_fault_arms_its_hook_and_ends_it() {
    let lab = Lab::new().await;
    let chaos = lab.chaos();
    for (kind, mut args, hook, armed) in cases() {
        args["service"] = "orders".into();
        assert_eq!(shown(&lab, hook).await, Value::Null, "{kind}");
        let injection = chaos.inject(&fault(kind, args)).await.expect(kind);
        let mut found = shown(&lab, hook).await;
        let lease = found["lease_ms"].as_u64().expect(kind);
        assert!((1..=600).contains(&lease), "{kind}: {lease}");
        found.as_object_mut().expect(kind).remove("lease_ms");
        assert_eq!(found, armed, "{kind}");
        assert_eq!(undone(&injection).await, REVERTED, "{kind}");
        assert_eq!(shown(&lab, hook).await, Value::Null, "{kind}");
    }
    chaos.close().await;
}

#[tokio::test]
async fn a_hook_is_renewed_while_the_lab_lives_and_ends_by_itself_after_it() {
    let lab = Lab::new().await;
    let chaos = lab.chaos();
    let leak = fault("memory-leak", json!({ "service": "orders", "rate": 1 }));
    let injection = chaos.inject(&leak).await.expect("injected");
    let renewals = || {
        let seen = lab.fake.seen();
        let puts = seen.iter().filter(|seen| seen.method == "PUT");
        puts.filter(|seen| seen.path.ends_with("/hooks/leak"))
            .count()
    };
    until("renewed for longer than a lease", async || renewals() >= 6).await;
    assert_ne!(shown(&lab, "leak").await, Value::Null);
    std::mem::forget(injection);
    drop(chaos);
    until("let go by itself", async || {
        shown(&lab, "leak").await == Value::Null
    })
    .await;
}

#[tokio::test]
async fn a_restarted_process_is_not_armed_again() {
    let lab = Lab::new().await;
    let chaos = lab.chaos();
    for (kind, mut args, hook, _) in cases() {
        args["service"] = "orders".into();
        let injection = chaos.inject(&fault(kind, args)).await.expect(kind);
        // The successor has the predecessor's port and none of its hooks armed.
        lab.fake.restart("orders-1");
        let puts = || {
            let seen = lab.fake.seen();
            seen.iter().filter(|seen| seen.method == "PUT").count()
        };
        // A renewal may have been on its way; the lease that it gave must run out.
        until("the lease ends", async || {
            shown(&lab, hook).await == Value::Null
        })
        .await;
        let (before, looks) = (puts(), lab.fake.seen().len());
        until("tended twice", async || lab.fake.seen().len() >= looks + 2).await;
        assert_eq!(puts(), before, "{kind}");
        assert_eq!(shown(&lab, hook).await, Value::Null, "{kind}");
        assert_eq!(undone(&injection).await, GONE, "{kind}");
    }
    chaos.close().await;
}

#[tokio::test]
async fn the_same_process_that_let_go_is_not_armed_again() {
    let lab = Lab::new().await;
    let chaos = lab.chaos();
    let noise = fault("noise", json!({ "service": "orders" }));
    let injection = chaos.inject(&noise).await.expect("injected");
    lab.fake.silent.send_replace(true);
    until("the lease ends", async || {
        shown(&lab, "chatter").await == Value::Null
    })
    .await;
    lab.fake.silent.send_replace(false);
    let looks = lab.fake.seen().len();
    until("tended twice", async || lab.fake.seen().len() >= looks + 4).await;
    assert_eq!(shown(&lab, "chatter").await, Value::Null);
    assert_eq!(undone(&injection).await, (Undone::LeaseExpired, true));
    chaos.close().await;
}

#[tokio::test]
async fn a_process_without_the_hook_is_refused_with_the_reason() {
    let lab = Lab::new().await;
    let deadlock_only = Hooks::default();
    deadlock_only.add(&shop_hooks::deadlock());
    let fake = &lab.fake;
    fake.pod_with("payment-1", "payment", &[], deadlock_only)
        .await;
    fake.pod_with("orders-db-1", "orders-db", &[], Hooks::default())
        .await;
    let chaos = lab.chaos();
    for (kind, args, problem) in [
        (
            "exhaust-pool",
            json!({ "service": "payment" }),
            "`payment` has no pool of database connections",
        ),
        (
            "slow-queries",
            json!({ "service": "payment", "delay": "1s" }),
            "`payment` has no statements to slow down",
        ),
        (
            "hang",
            json!({ "service": "orders-db" }),
            "`orders-db` has no hooks to hang it by; freeze it instead",
        ),
    ] {
        let error = chaos.inject(&fault(kind, args)).await.err().expect(kind);
        assert!(matches!(error, ChaosError::Target { .. }), "{error}");
        assert!(error.to_string().contains(problem), "{error}");
    }
    let sideways = json!({ "service": "orders", "direction": "sideways" });
    let error = chaos.inject(&fault("clock-skew", sideways)).await;
    let error = error.err().expect("refused").to_string();
    assert!(error.contains("expected `behind` or `ahead`"), "{error}");
    chaos.close().await;
}
