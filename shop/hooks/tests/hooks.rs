//! Hooks bite, let go when they are told to or when their lease ends, and are not there for whoever lacks the key.
#![expect(clippy::expect_used, reason = "a test says what it expects by failing")]

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::http::{Request, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use shop_hooks::{Clock, Delay, Hook, Hooks, KEY_HEADER, Nothing, Slow, chatter, clock, deadlock};
use tokio::time::{Instant, sleep, timeout};
use tower::ServiceExt;

const MINUTE: Duration = Duration::from_secs(60);
const SECOND: Duration = Duration::from_secs(1);

fn router(hooks: &Hooks) -> Router {
    let key: String = Sha256::digest("secret")
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    hooks.router(Some(&key))
}

async fn ask(router: &Router, method: &str, path: &str, key: &str, body: &Value) -> (u16, String) {
    let body = match body {
        Value::Null => String::new(),
        other => other.to_string(),
    };
    let request = Request::builder().method(method).uri(path);
    let request = request.header(KEY_HEADER, key).body(Body::from(body));
    let answer = router
        .clone()
        .oneshot(request.expect("a request"))
        .await
        .expect("routers do not fail");
    let status = answer.status().as_u16();
    let bytes = to_bytes(answer.into_body(), 1 << 20).await.expect("a body");
    (status, String::from_utf8(bytes.to_vec()).expect("UTF-8"))
}

/// All generic hooks, as a service has them.
fn hooks() -> Hooks {
    let hooks = Hooks::default();
    hooks.add(&deadlock());
    hooks.add(&shop_hooks::leak());
    hooks.add(&shop_hooks::burn());
    hooks.add(&shop_hooks::slow());
    hooks.add(&shop_hooks::errors());
    hooks.add(&shop_hooks::statements());
    hooks.add(&clock(|_| {}));
    hooks.add(&chatter(&["a line"], |_| {}));
    hooks
}

#[tokio::test(start_paused = true)]
async fn every_hook_is_shown_while_it_is_armed_and_ends_by_delete_and_by_its_lease() {
    let hooks = hooks();
    let router = router(&hooks);
    let idle = r#"{"burn":null,"chatter":null,"clock":null,"deadlock":null,"errors":null,"leak":null,"slow":null,"statements":null}"#;
    let get = async || ask(&router, "GET", "/hooks", "secret", &Value::Null).await;
    assert_eq!(get().await, (200, idle.to_owned()));
    for (name, args) in [
        ("deadlock", json!({})),
        ("leak", json!({ "mib_per_second": 1 })),
        ("burn", json!({ "threads": 1 })),
        ("slow", json!({ "delay_ms": 500, "share": 0.5 })),
        ("errors", json!({ "share": 1.0 })),
        ("statements", json!({ "delay_ms": 20 })),
        ("clock", json!({ "skew_ms": -600_000 })),
        ("chatter", json!({})),
    ] {
        let path = format!("/hooks/{name}");
        let mut body = json!({ "lease_ms": 5000 });
        let fields = args.as_object().expect("an object").clone();
        body.as_object_mut().expect("an object").extend(fields);

        let (status, text) = ask(&router, "PUT", &path, "secret", &body).await;
        assert_eq!(status, 200, "{name}: {text}");
        let shown: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(shown[name], body, "what is shown is what was asked for");
        sleep(4 * SECOND).await;
        let (_, text) = get().await;
        let shown: Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!(shown[name]["lease_ms"], 1000, "{name}");
        assert_eq!(
            ask(&router, "DELETE", &path, "secret", &Value::Null).await,
            (200, idle.to_owned()),
            "{name}"
        );

        ask(&router, "PUT", &path, "secret", &body).await;
        sleep(4 * SECOND).await;
        ask(&router, "PUT", &path, "secret", &body).await;
        sleep(4 * SECOND).await;
        assert_ne!(get().await.1, idle, "{name} was renewed");
        sleep(2 * SECOND).await;
        assert_eq!(get().await.1, idle, "{name}: the lease has ended");
    }
}

#[tokio::test]
async fn whoever_lacks_the_key_finds_nothing() {
    let hooks = hooks();
    let (with_key, without_key) = (router(&hooks), hooks.router(None));
    let lease = json!({ "lease_ms": 60_000 });
    for (router, key) in [
        (&with_key, "guess"),
        (&with_key, ""),
        (&without_key, "secret"),
        (&without_key, ""),
    ] {
        for (method, path, body) in [
            ("GET", "/hooks", &Value::Null),
            ("PUT", "/hooks/deadlock", &lease),
            ("PUT", "/hooks/deadlock", &Value::Null),
            ("DELETE", "/hooks/deadlock", &Value::Null),
            ("POST", "/hooks/deadlock", &Value::Null),
            ("GET", "/", &Value::Null),
        ] {
            let answer = ask(router, method, path, key, body).await;
            assert_eq!(answer, (404, String::new()), "{key} {method} {path}");
        }
    }
    let (_, shown) = ask(&with_key, "GET", "/hooks", "secret", &Value::Null).await;
    assert!(shown.contains(r#""deadlock":null"#), "{shown}");
}

#[tokio::test]
async fn what_is_unknown_is_404_and_what_is_out_of_bounds_is_told() {
    let router = router(&hooks());
    for (name, body, status, problem) in [
        ("nothing", json!({ "lease_ms": 1 }), 404, ""),
        ("deadlock", json!({}), 400, "`lease_ms` is missing"),
        (
            "deadlock",
            json!({ "lease_ms": 0 }),
            400,
            "not 1 to 3600000",
        ),
        ("deadlock", json!({ "lease_ms": u64::MAX }), 400, "not 1 to"),
        ("deadlock", json!({ "lease_ms": "5s" }), 400, "`lease_ms`"),
        ("deadlock", json!([1]), 400, "not an object with `lease_ms`"),
        (
            "deadlock",
            json!({ "lease_ms": 1, "share": 1 }),
            400,
            "unknown field `share`",
        ),
        (
            "leak",
            json!({ "lease_ms": 1 }),
            400,
            "missing field `mib_per_second`",
        ),
        (
            "leak",
            json!({ "lease_ms": 1, "mib_per_second": 501 }),
            400,
            "`mib_per_second` is 501; expected 1 to 500",
        ),
        (
            "burn",
            json!({ "lease_ms": 1, "threads": 0 }),
            400,
            "expected 1 to 8",
        ),
        (
            "slow",
            json!({ "lease_ms": 1, "delay_ms": 60_001, "share": 1 }),
            400,
            "expected 1 to 60000",
        ),
        (
            "errors",
            json!({ "lease_ms": 1, "share": 1.5 }),
            400,
            "expected 0 to 1",
        ),
        (
            "clock",
            json!({ "lease_ms": 1, "skew_ms": 90_000_000 }),
            400,
            "expected -86400000 to 86400000",
        ),
    ] {
        let path = format!("/hooks/{name}");
        let (found, text) = ask(&router, "PUT", &path, "secret", &body).await;
        assert_eq!(found, status, "{name} {body}: {text}");
        assert!(text.contains(problem), "{name} {body}: {text}");
    }
    let unknown = ask(&router, "DELETE", "/hooks/nothing", "secret", &Value::Null).await;
    assert_eq!(unknown.0, StatusCode::NOT_FOUND.as_u16());
}

#[tokio::test(start_paused = true)]
async fn whoever_waits_for_a_hook_goes_on_when_it_is_ended_or_its_lease_is() {
    let hook = deadlock();
    assert!(timeout(SECOND, hook.released()).await.is_ok(), "idle");
    hook.arm(Nothing {}, MINUTE).await;
    assert!(timeout(SECOND, hook.released()).await.is_err(), "held");
    let ((), freed) = tokio::join!(hook.disarm(), timeout(SECOND, hook.released()));
    assert!(freed.is_ok(), "ended");

    let since = Instant::now();
    hook.arm(Nothing {}, SECOND).await;
    let renewal = async {
        sleep(SECOND / 2).await;
        hook.arm(Nothing {}, 2 * SECOND).await;
    };
    tokio::join!(hook.released(), renewal);
    assert_eq!(since.elapsed().as_millis() / 100, 25, "renewed once");
    assert_eq!((hook.armed(), hook.left()), (None, None));
}

#[tokio::test(start_paused = true)]
async fn a_delay_holds_whoever_passes_and_no_longer_than_the_hook() {
    let hook = shop_hooks::statements();
    let passing = async || {
        let since = Instant::now();
        hook.wait().await;
        since.elapsed().as_millis() / 100
    };
    assert_eq!(passing().await, 0, "idle");
    hook.arm(Delay { delay_ms: 2000 }, MINUTE).await;
    assert_eq!(passing().await, 20);
    hook.arm(Delay { delay_ms: 2000 }, SECOND).await;
    assert_eq!(passing().await, 10, "the lease was shorter");
}

#[tokio::test(start_paused = true)]
async fn an_effect_begins_anew_for_other_arguments_and_ends_with_its_lease() {
    let (begun, ended) = <(Arc<Mutex<Vec<u64>>>, Arc<Mutex<Vec<u64>>>)>::default();
    struct Ends(Arc<Mutex<Vec<u64>>>, u64);
    impl Drop for Ends {
        fn drop(&mut self) {
            self.0.lock().expect("a lock").push(self.1);
        }
    }
    let effect = {
        let (begun, ended) = (begun.clone(), ended.clone());
        move |slow: Slow| {
            begun.lock().expect("a lock").push(slow.delay_ms);
            let ends = Ends(ended.clone(), slow.delay_ms);
            async move {
                let _ends = ends;
                std::future::pending::<()>().await;
            }
        }
    };
    let hook = Hook::with_effect("slow", effect);
    let slow = |delay_ms| Slow {
        delay_ms,
        share: 1.0,
    };
    let seen = || {
        let (begun, ended) = (begun.lock().expect("a lock"), ended.lock().expect("a lock"));
        (begun.clone(), ended.clone())
    };
    hook.arm(slow(1), SECOND).await;
    hook.arm(slow(1), MINUTE).await;
    sleep(2 * SECOND).await;
    assert_eq!(seen(), (vec![1], vec![]), "renewed, not begun anew");
    hook.arm(slow(2), MINUTE).await;
    assert_eq!(seen(), (vec![1, 2], vec![1]));
    hook.disarm().await;
    assert_eq!(seen(), (vec![1, 2], vec![1, 2]));
    hook.arm(slow(3), SECOND).await;
    sleep(2 * SECOND).await;
    assert_eq!(seen(), (vec![1, 2, 3], vec![1, 2, 3]), "the lease ended it");
    hook.arm(slow(4), MINUTE).await;
    drop(hook);
    sleep(SECOND).await;
    assert_eq!(seen().1, [1, 2, 3, 4], "nobody has the hook any more");
}

#[tokio::test(start_paused = true)]
async fn a_clock_is_wrong_while_its_hook_is_armed() {
    let told: Arc<Mutex<Vec<i64>>> = Arc::default();
    let hook = {
        let told = told.clone();
        clock(move |skew| told.lock().expect("a lock").push(skew))
    };
    let told = || told.lock().expect("a lock").clone();
    hook.arm(Clock { skew_ms: -600_000 }, MINUTE).await;
    assert_eq!(told(), [-600_000]);
    hook.disarm().await;
    assert_eq!(told(), [-600_000, 0]);
    hook.arm(Clock { skew_ms: 5 }, SECOND).await;
    sleep(2 * SECOND).await;
    assert_eq!(told(), [-600_000, 0, 5, 0], "the lease ended it");
}

#[tokio::test(start_paused = true)]
async fn chatter_says_its_lines_in_turn_until_it_ends() {
    let said: Arc<Mutex<Vec<String>>> = Arc::default();
    let hook = {
        let said = said.clone();
        chatter(&["one", "two"], move |line| {
            said.lock().expect("a lock").push(line.to_owned());
        })
    };
    hook.arm(Nothing {}, 12 * SECOND).await;
    sleep(MINUTE).await;
    assert_eq!(*said.lock().expect("a lock"), ["one", "two", "one"]);
}
