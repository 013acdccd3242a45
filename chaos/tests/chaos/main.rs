//! Faults against a Kubernetes API in memory with real edges: each bites, lets go, and is never forgotten.
#![expect(clippy::expect_used, reason = "a test may panic")]

mod fake;
mod hooks;
mod objects;
mod queues;
mod rollouts;

use std::sync::Arc;
use std::time::Duration;

use chaos::{Chaos, ChaosConfig, ChaosError, Injection};
use fake::{Fake, KEY};
use model::{Fault, Period, Undone};
use serde_json::{Value, json};
use tokio::time::{Instant, sleep, timeout};

struct Lab {
    fake: Arc<Fake>,
    config: ChaosConfig,
    _folder: tempfile::TempDir,
}

impl Lab {
    async fn new() -> Self {
        let folder = tempfile::tempdir().expect("folder");
        let config = ChaosConfig {
            namespace: "sock-shop".to_owned(),
            key: KEY.to_owned(),
            journal: folder.path().join("faults.jsonl"),
            lease: Period::from_millis(600),
            owner: "test".to_owned(),
            undo_within: Period::from_secs(5),
        };
        let fake = Fake::new();
        fake.pod("orders-1", "orders", &["payment", "carts"]).await;
        fake.deployment("orders", json!([{"name": "PORT", "value": "80"}]));
        Self {
            fake,
            config,
            _folder: folder,
        }
    }

    fn chaos(&self) -> Chaos {
        Chaos::new(self.fake.client(), self.config.clone()).expect("chaos")
    }

    fn journal(&self) -> String {
        std::fs::read_to_string(&self.config.journal).expect("journal")
    }

    /// The toxics on the way from `orders` to `payment`.
    async fn toxics(&self) -> Value {
        let path = "/proxies/payment/toxics";
        self.fake.ask_edge("orders-1", path).await
    }
}

fn fault(kind: &str, args: Value) -> Fault {
    Fault {
        kind: kind.to_owned(),
        args: args.as_object().cloned().expect("map"),
    }
}

/// It was put back, and that is verified.
const REVERTED: (Undone, bool) = (Undone::Reverted, true);
/// It was not there any more, and that is verified.
const GONE: (Undone, bool) = (Undone::TargetGone, true);

/// Undoes it: how that ended, and whether it is verified.
async fn undone(injection: &Injection) -> (Undone, bool) {
    let report = injection.undo().await;
    (report.how, report.verified)
}

/// Waits for a condition.
async fn until(what: &str, mut condition: impl AsyncFnMut() -> bool) {
    let waited = timeout(Duration::from_secs(10), async {
        while !condition().await {
            sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what}");
}

#[tokio::test]
async fn the_faults_of_the_network_put_their_toxics_on_the_callers_edge_and_take_them_away() {
    let lab = Lab::new().await;
    let chaos = lab.chaos();
    let ends = json!({"from": "orders", "to": "payment"});
    let slow = json!({"from": "orders", "to": "payment", "delay": "1500ms", "jitter": "300ms"});
    for (kind, args, toxics) in [
        (
            "latency",
            &slow,
            json!([["latency", "downstream", {"latency": 1500, "jitter": 300}]]),
        ),
        (
            "blackhole",
            &ends,
            json!([["timeout", "upstream", {"timeout": 0}], ["timeout", "downstream", {"timeout": 0}]]),
        ),
        (
            "reset",
            &ends,
            json!([["reset_peer", "upstream", {"timeout": 0}]]),
        ),
    ] {
        let injection = chaos.inject(&fault(kind, args.clone())).await.expect(kind);
        let shown = lab.toxics().await;
        let shown: Vec<Value> = shown
            .as_array()
            .expect("list")
            .iter()
            .map(|toxic| json!([toxic["type"], toxic["stream"], toxic["attributes"]]))
            .collect();
        assert_eq!(Value::from(shown), toxics);
        assert_eq!(undone(&injection).await, REVERTED, "{kind}");
        assert_eq!(lab.toxics().await, json!([]), "{kind}");
        let report = injection.undo().await;
        assert_eq!(injection.undo().await, report, "undone once and for all");
    }
    chaos.close().await;
}

#[tokio::test]
async fn refuse_takes_the_callers_proxy_down_and_brings_it_up() {
    let lab = Lab::new().await;
    let chaos = lab.chaos();
    let refuse = fault("refuse", json!({"from": "orders", "to": "payment"}));
    let injection = chaos.inject(&refuse).await.expect("injected");
    let proxy = lab.fake.ask_edge("orders-1", "/proxies/payment").await;
    assert_eq!(proxy["enabled"], false);
    assert_eq!(undone(&injection).await, REVERTED);
    let proxy = lab.fake.ask_edge("orders-1", "/proxies/payment").await;
    assert_eq!(proxy["enabled"], true);
    chaos.close().await;
}

#[tokio::test]
async fn hang_and_freeze_hold_the_present_process_and_never_its_successor() {
    let lab = Lab::new().await;
    let chaos = lab.chaos();
    for (kind, path, bitten) in [
        ("hang", "/hooks", "/deadlock/lease_ms"),
        ("freeze", "/process", "/stopped"),
    ] {
        let fault = fault(kind, json!({"service": "orders"}));
        let held = async || {
            let shown = lab.fake.ask_edge("orders-1", path).await;
            shown.pointer(bitten).is_some_and(|value| *value != false)
        };
        let injection = chaos.inject(&fault).await.expect(kind);
        assert!(held().await, "{kind}");
        assert_eq!(undone(&injection).await, REVERTED, "{kind}");
        assert!(!held().await, "{kind}");
        let injection = chaos.inject(&fault).await.expect(kind);
        lab.fake.restart("orders-1");
        assert_eq!(undone(&injection).await, GONE, "{kind}");
    }
    chaos.close().await;
}

#[tokio::test]
async fn crash_kills_every_new_process_so_many_times_and_cuts_the_back_off_short_when_undone() {
    let lab = Lab::new().await;
    let chaos = lab.chaos();
    let crash = fault("crash", json!({"service": "orders", "times": 3}));
    let injection = chaos.inject(&crash).await.expect("injected");
    until("killed three times", async || {
        lab.fake.restarts("orders-1") == 3
    })
    .await;
    let looks = lab.fake.seen().len();
    until("looked again", async || lab.fake.seen().len() >= looks).await;
    assert_eq!(lab.fake.restarts("orders-1"), 3);
    lab.fake.back_off("orders-1");
    assert_eq!(undone(&injection).await, REVERTED);
    assert!(!lab.fake.pod_exists("orders-1"));
    chaos.close().await;
}

#[tokio::test]
async fn kill_pod_deletes_that_very_pod_without_grace() {
    let lab = Lab::new().await;
    let chaos = lab.chaos();
    let kill = fault("kill-pod", json!({"service": "orders"}));
    let injection = chaos.inject(&kill).await.expect("injected");
    let seen = lab.fake.seen();
    let delete = seen.last().expect("a request");
    assert_eq!(delete.method, "DELETE");
    assert_eq!(delete.path, "/api/v1/namespaces/sock-shop/pods/orders-1");
    assert_eq!(delete.body["gracePeriodSeconds"], 0);
    assert_eq!(delete.body["preconditions"]["uid"], "uid-of-orders-1");
    assert_eq!(injection.undo().await.how, Undone::TargetGone);
    chaos.close().await;
}

#[tokio::test]
async fn what_cannot_be_is_refused_with_its_reason_and_changes_nothing() {
    let lab = Lab::new().await;
    lab.fake.label("theirs", json!({}));
    let mut theirs = lab.config.clone();
    theirs.namespace = "theirs".to_owned();
    theirs.journal = theirs.journal.with_file_name("theirs.jsonl");
    let outside = Chaos::new(lab.fake.client(), theirs).expect("chaos");
    let chaos = lab.chaos();
    let hang = fault("hang", json!({"service": "orders"}));
    let error = outside.inject(&hang).await.err().expect("refused");
    assert!(matches!(error, ChaosError::NotOurs(_)), "{error}");
    for (fault, problem) in [
        (
            fault("hnag", json!({})),
            "there is no fault `hnag`; there are: kill-pod",
        ),
        (fault("hang", json!({})), "`service` is missing"),
        (
            fault("hang", json!({"service": "nobody"})),
            "`nobody` has no pod",
        ),
        (
            fault(
                "latency",
                json!({"from": "orders", "to": "user", "delay": "1s"}),
            ),
            "`user` is not called by pod `orders-1`",
        ),
        (
            fault("scale-to-zero", json!({"service": "nobody"})),
            "`nobody` has no Deployment",
        ),
    ] {
        let error = chaos.inject(&fault).await.err().expect(problem);
        assert!(error.to_string().contains(problem), "{error}");
    }
    assert_eq!(chaos.close().await, []);
    outside.close().await;
}

#[tokio::test]
async fn a_fault_that_fails_halfway_is_undone_before_the_error_comes() {
    let lab = Lab::new().await;
    lab.fake.pod("orders-2", "orders", &["carts"]).await;
    let chaos = lab.chaos();
    let slow = json!({"from": "orders", "to": "payment", "delay": "1s"});
    let error = chaos
        .inject(&fault("latency", slow))
        .await
        .err()
        .expect("refused");
    assert!(error.to_string().contains("orders-2"), "{error}");
    assert_eq!(lab.toxics().await, json!([]));
    chaos.close().await;
}

#[tokio::test]
async fn leases_are_renewed_while_the_lab_lives_and_run_out_after_it() {
    let lab = Lab::new().await;
    let chaos = lab.chaos();
    let reset = fault("reset", json!({"from": "orders", "to": "payment"}));
    let injection = chaos.inject(&reset).await.expect("injected");
    let renewed = async || {
        let seen = lab.fake.seen();
        let path = "/proxies/payment/toxics/reset-test-1-0";
        seen.iter().filter(|seen| seen.path.ends_with(path)).count() >= 6
    };
    until("renewed for longer than a lease", renewed).await;
    assert_ne!(lab.toxics().await, json!([]));
    std::mem::forget(injection);
    drop(chaos);
    until("let go by itself", async || lab.toxics().await == json!([])).await;
}

#[tokio::test]
async fn a_dropped_injection_is_undone_by_the_keeper() {
    let lab = Lab::new().await;
    let chaos = lab.chaos();
    let scale = fault("scale-to-zero", json!({"service": "orders"}));
    drop(chaos.inject(&scale).await.expect("injected"));
    until("scaled back", async || {
        lab.fake.spec("orders", "/replicas") == 2
    })
    .await;
    chaos.close().await;
}

#[tokio::test]
async fn a_cancelled_inject_is_undone_by_the_keeper() {
    let lab = Lab::new().await;
    let chaos = lab.chaos();
    let scale = fault("scale-to-zero", json!({"service": "orders"}));
    lab.fake.slow_answers.send_replace(true);
    tokio::select! {
        () = until("scaled down", async || lab.fake.spec("orders", "/replicas") == 0) => {}
        _ = chaos.inject(&scale) => unreachable!("no answer came"),
    }
    lab.fake.slow_answers.send_replace(false);
    until("scaled back", async || {
        lab.fake.spec("orders", "/replicas") == 2
    })
    .await;
    chaos.close().await;
}

#[tokio::test]
async fn what_a_killed_lab_left_is_undone_at_the_next_start() {
    let lab = Lab::new().await;
    let chaos = lab.chaos();
    let scale = fault("scale-to-zero", json!({"service": "orders"}));
    let kill = fault("kill-pod", json!({"service": "orders"}));
    std::mem::forget(chaos.inject(&kill).await.expect("injected"));
    lab.fake.pod("orders-1", "orders", &["payment"]).await;
    lab.fake.replace_pod("orders-1");
    std::mem::forget(chaos.inject(&scale).await.expect("injected"));
    let running = Chaos::recover(lab.fake.client(), &lab.config).await;
    assert!(matches!(running, Err(ChaosError::JournalInUse(_))));
    drop(chaos);
    let recovered = Chaos::recover(lab.fake.client(), &lab.config)
        .await
        .expect("recovered");
    let ends: Vec<(&str, Undone, bool)> = recovered
        .iter()
        .map(|one| (one.fault.kind.as_str(), one.report.how, one.report.verified))
        .collect();
    let expected = [
        ("kill-pod", Undone::TargetGone, true),
        ("scale-to-zero", Undone::Reverted, true),
    ];
    assert_eq!(ends, expected);
    assert_eq!(lab.fake.spec("orders", "/replicas"), 2);
    assert_eq!(lab.journal(), "");
    assert_eq!(
        Chaos::recover(lab.fake.client(), &lab.config)
            .await
            .expect("again"),
        []
    );
}

#[tokio::test]
async fn an_undo_is_bounded_in_time_says_so_and_can_be_tried_again() {
    let mut lab = Lab::new().await;
    lab.config.undo_within = Period::from_millis(300);
    let chaos = lab.chaos();
    let scale = fault("scale-to-zero", json!({"service": "orders"}));
    let injection = chaos.inject(&scale).await.expect("injected");
    lab.fake.silent.send_replace(true);
    let start = Instant::now();
    let report = injection.undo().await;
    assert!(start.elapsed() < Duration::from_secs(3));
    assert_eq!((report.how, report.verified), (Undone::Failed, false));
    lab.fake.silent.send_replace(false);
    assert_eq!(undone(&injection).await, REVERTED);
    assert!(
        lab.journal()
            .contains(r#"{"undone":{"owner":"test","id":1,"how":"reverted"}}"#)
    );
    chaos.close().await;
}

#[tokio::test]
async fn a_pod_that_was_replaced_counts_as_undone() {
    let lab = Lab::new().await;
    let chaos = lab.chaos();
    let slow = json!({"from": "orders", "to": "payment", "delay": "1s"});
    let _injection = chaos
        .inject(&fault("latency", slow))
        .await
        .expect("injected");
    lab.fake.replace_pod("orders-1");
    let reports = chaos.close().await;
    assert_eq!(reports.len(), 1);
    assert_eq!(
        (reports[0].1.how, reports[0].1.verified),
        (Undone::TargetGone, true)
    );
}

#[tokio::test]
async fn what_could_not_be_undone_is_renewed_no_more_so_that_its_lease_ends_it() {
    let mut lab = Lab::new().await;
    lab.config.undo_within = Period::from_millis(300);
    let chaos = lab.chaos();
    let reset = fault("reset", json!({"from": "orders", "to": "payment"}));
    let injection = chaos.inject(&reset).await.expect("injected");
    lab.fake.silent.send_replace(true);
    assert!(!injection.undo().await.verified);
    lab.fake.silent.send_replace(false);
    until("let go by itself", async || lab.toxics().await == json!([])).await;
    let report = injection.undo().await;
    assert_eq!(
        (report.how, report.verified),
        (Undone::LeaseExpired, true),
        "{}",
        report.detail
    );
    chaos.close().await;
}
