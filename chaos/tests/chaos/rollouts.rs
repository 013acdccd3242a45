//! Faults that change a Deployment's pod template.

use model::Undone;
use serde_json::{Value, json};

use crate::{GONE, Lab, REVERTED, fault, undone};

const MAIN: &str = "/template/spec/containers/0";

/// A kind, its arguments, and the places that it changes with what they become.
type Case = (&'static str, Value, Vec<(String, Value)>);

fn all() -> Vec<Case> {
    let main = |place: &str| format!("{MAIN}{place}");
    let port = "/template/metadata/annotations/prometheus.io~1port".to_owned();
    let starved = json!({"service": "orders", "cpu": "20m", "memory": "32Mi"});
    let probe = json!({"service": "orders", "probe": "liveness"});
    let env = json!({"service": "orders", "env": "PAYMENT_URL", "value": "http://carts"});
    vec![
        (
            "crash-loop",
            json!({"service": "orders"}),
            vec![(main("/env/0/value"), json!("8O"))],
        ),
        (
            "misconfigure",
            env,
            vec![(main("/env/1/value"), json!("http://carts"))],
        ),
        (
            "missing-image",
            json!({"service": "orders"}),
            vec![(main("/image"), json!("shop-orders:v1.0.1"))],
        ),
        (
            "bad-release",
            json!({"service": "orders", "release": "v1.2.0"}),
            vec![(main("/image"), json!("shop/orders:v1.2.0"))],
        ),
        (
            "failing-probe",
            probe,
            vec![(main("/livenessProbe/httpGet/path"), json!("/healthz"))],
        ),
        (
            "impatient-probe",
            json!({"service": "orders", "failures": 1}),
            vec![
                (main("/livenessProbe/periodSeconds"), json!(1)),
                (main("/livenessProbe/failureThreshold"), json!(1)),
            ],
        ),
        (
            "starve",
            starved,
            vec![
                (main("/resources/limits/cpu"), json!("20m")),
                (main("/resources/requests/cpu"), json!("20m")),
                (main("/resources/limits/memory"), json!("32Mi")),
                (main("/resources/requests/memory"), json!("32Mi")),
            ],
        ),
        (
            "lose-scrape-target",
            json!({"service": "orders"}),
            vec![(port, json!("8008"))],
        ),
    ]
}

async fn lab() -> Lab {
    let lab = Lab::new().await;
    let port = json!({"name": "PORT", "value": "80"});
    let payment = json!({"name": "PAYMENT_URL", "value": "http://payment"});
    let secret =
        json!({"name": "SECRET", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}});
    lab.fake
        .deployment("orders", json!([port, payment, secret]));
    lab
}

#[tokio::test]
async fn each_changes_its_places_alone_and_puts_exactly_those_back() {
    let lab = lab().await;
    let chaos = lab.chaos();
    for (kind, args, places) in all() {
        let before = lab.fake.spec("orders", "");
        let injection = chaos.inject(&fault(kind, args)).await.expect(kind);
        let mut expected = before.clone();
        for (place, value) in places {
            *expected.pointer_mut(&place).expect("place") = value;
        }
        assert_eq!(lab.fake.spec("orders", ""), expected, "{kind}");
        assert_eq!(undone(&injection).await, REVERTED, "{kind}");
        assert_eq!(lab.fake.spec("orders", ""), before, "{kind}");
    }
    chaos.close().await;
}

#[tokio::test]
async fn what_a_responder_changed_stays_and_counts_as_undone() {
    let lab = lab().await;
    let chaos = lab.chaos();
    for (kind, args, places) in all() {
        let before = lab.fake.spec("orders", "");
        let injection = chaos.inject(&fault(kind, args)).await.expect(kind);
        for (place, value) in &places {
            let theirs = match value.as_u64() {
                Some(number) => json!(number + 5),
                None => json!(format!("{}5", value.as_str().expect("text"))),
            };
            lab.fake.change("orders", place, theirs);
        }
        let theirs = lab.fake.spec("orders", "");
        assert_eq!(undone(&injection).await, GONE, "{kind}");
        assert_eq!(lab.fake.spec("orders", ""), theirs, "{kind}");
        for (place, _) in &places {
            let old = before.pointer(place).cloned().unwrap_or_default();
            lab.fake.change("orders", place, old);
        }
    }
    chaos.close().await;
}

#[tokio::test]
async fn a_deployment_that_was_deleted_and_made_anew_is_left_alone() {
    for (kind, args, _) in all() {
        let lab = lab().await;
        let chaos = lab.chaos();
        let injection = chaos.inject(&fault(kind, args)).await.expect(kind);
        lab.fake.replace(&crate::fake::deployment_path("orders"));
        let theirs = lab.fake.spec("orders", "");
        assert_eq!(undone(&injection).await, GONE, "{kind}");
        assert_eq!(lab.fake.spec("orders", ""), theirs, "{kind}");
        chaos.close().await;
    }
}

#[tokio::test]
async fn other_changes_of_a_responder_survive_the_undo() {
    let lab = lab().await;
    let chaos = lab.chaos();
    let crash_loop = fault("crash-loop", json!({"service": "orders"}));
    let injection = chaos.inject(&crash_loop).await.expect("injected");
    let image = format!("{MAIN}/image");
    lab.fake.change("orders", &image, json!("shop/orders:v2"));
    lab.fake.conflict_next();
    assert_eq!(injection.undo().await.how, Undone::Reverted);
    let port = lab.fake.spec("orders", &format!("{MAIN}/env/0/value"));
    assert_eq!(port, "80");
    assert_eq!(lab.fake.spec("orders", &image), "shop/orders:v2");
    chaos.close().await;
}

#[tokio::test]
async fn who_raises_one_limit_has_taken_over_its_request_and_not_the_other_limit() {
    let lab = lab().await;
    let chaos = lab.chaos();
    let starve = json!({"service": "orders", "cpu": "20m", "memory": "32Mi"});
    let injection = chaos.inject(&fault("starve", starve)).await.expect("bites");
    let resources = |place: &str| format!("{MAIN}/resources/{place}");
    let memory = resources("limits/memory");
    lab.fake.change("orders", &memory, json!("48Mi"));
    assert_eq!(injection.undo().await.how, Undone::Reverted);
    for (place, value) in [
        ("limits/memory", "48Mi"),
        ("requests/memory", "32Mi"),
        ("limits/cpu", "300m"),
        ("requests/cpu", "100m"),
    ] {
        assert_eq!(lab.fake.spec("orders", &resources(place)), value, "{place}");
    }
    chaos.close().await;
}

#[tokio::test]
async fn what_would_not_bite_is_refused() {
    let lab = lab().await;
    let chaos = lab.chaos();
    let of = |args: Value| {
        let mut args = args;
        args["service"] = "orders".into();
        args
    };
    let env = |env: &str| of(json!({"env": env, "value": "x"}));
    for (kind, args, problem) in [
        (
            "crash-loop",
            of(json!({"env": "NOPE"})),
            "no literal variable `NOPE`",
        ),
        (
            "misconfigure",
            env("SECRET"),
            "no literal variable `SECRET`",
        ),
        (
            "bad-release",
            of(json!({"release": "v1"})),
            "nothing would change",
        ),
        ("starve", of(json!({})), "give `cpu` or `memory`"),
        ("starve", of(json!({"cpu": "300m"})), "take one below it"),
        (
            "starve",
            of(json!({"cpu": "0.1"})),
            "`cpu` is 0.1; expected a whole number",
        ),
        (
            "failing-probe",
            of(json!({"probe": "startup"})),
            "expected one of liveness, readiness",
        ),
    ] {
        let error = chaos.inject(&fault(kind, args)).await.err().expect(problem);
        assert!(error.to_string().contains(problem), "{error}");
    }
    let rolling = json!({"rollingUpdate": {"maxUnavailable": 1}});
    lab.fake.change("orders", "/strategy", rolling);
    for (kind, args) in [
        ("crash-loop", of(json!({}))),
        ("missing-image", of(json!({}))),
        ("failing-probe", of(json!({"probe": "readiness"}))),
    ] {
        let error = chaos.inject(&fault(kind, args)).await.err().expect(kind);
        assert!(error.to_string().contains("keeps its old pods"), "{error}");
    }
    assert_eq!(chaos.close().await, []);
}
