//! The hooks of stores: statements that take longer, on a control port that wants a key.

use std::time::{Duration, Instant};

use redis::AsyncTypedCommands;
use reqwest::{Method, StatusCode};
use serde_json::{Value, json};
use shop_hooks::{Delay, KEY_HEADER};
use sqlx::{ConnectOptions, PgConnection};

use crate::program::Program;
use crate::servers::{postgres, redis as redis_servers};

/// `key`, hashed.
const KEY_SHA256: &str = "2c70e12b7a0646f92279f427c7b38e7334d8e5389cff167a1dc30e73f826b683";
const DELAY: Duration = Duration::from_millis(150);
const LONG: Duration = Duration::from_secs(60);
const SHORT: Duration = Duration::from_millis(50);

fn delay() -> Delay {
    Delay {
        delay_ms: DELAY.as_millis() as u64,
    }
}

async fn took(conn: &mut PgConnection) -> Duration {
    let since = Instant::now();
    sqlx::query("SELECT 1").execute(conn).await.unwrap();
    since.elapsed()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn statements_take_longer_until_the_hook_ends() {
    let server = postgres::Server::embedded(|_| {}).await;
    let mut conn = server.options().connect().await.unwrap();
    let hook = server.statements();
    hook.arm(delay(), LONG).await;
    assert!(took(&mut conn).await >= DELAY);
    let metrics = reqwest::get(server.metrics.clone().unwrap());
    let metrics = metrics.await.unwrap().text().await.unwrap();
    let quick =
        r#"pg_statement_duration_seconds_bucket{datname="shopdb",verb="select",le="0.1"} 0"#;
    let slow =
        r#"pg_statement_duration_seconds_bucket{datname="shopdb",verb="select",le="+Inf"} 1"#;
    assert!(
        metrics.contains(quick) && metrics.contains(slow),
        "{metrics}"
    );
    hook.disarm().await;
    assert!(took(&mut conn).await < DELAY, "ended");
    hook.arm(Delay { delay_ms: 60_000 }, SHORT).await;
    assert!(took(&mut conn).await < LONG / 4, "the lease ended it");
    assert_eq!(hook.armed(), None);
    server.stop().await;
}

#[tokio::test]
async fn commands_take_longer_until_the_hook_ends() {
    let server = redis_servers::Server::embedded(|_| {}).await;
    let mut conn = server.connect().await;
    let hook = server.statements();
    let mut took = async || {
        let since = Instant::now();
        conn.set("k", "v").await.unwrap();
        since.elapsed()
    };
    hook.arm(delay(), LONG).await;
    assert!(took().await >= DELAY);
    hook.disarm().await;
    assert!(took().await < DELAY, "ended");
    hook.arm(Delay { delay_ms: 60_000 }, SHORT).await;
    assert!(took().await < LONG / 4, "the lease ended it");
    let metrics = reqwest::get(server.metrics.clone().unwrap());
    let metrics = metrics.await.unwrap().text().await.unwrap();
    let value = |name: &str| -> f64 {
        let line = metrics.lines().find(|line| line.starts_with(name));
        line.unwrap().rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert!(value("redis_commands_duration_seconds_total ") >= DELAY.as_secs_f64());
    assert!(value("redis_slowlog_last_id ") >= 1.0);
    server.stop().await;
}

#[tokio::test]
async fn a_stores_hooks_are_on_its_control_port_for_whoever_has_the_key() {
    for (kind, names) in [
        ("postgres", &["burn", "chatter", "leak", "statements"][..]),
        ("redis", &["burn", "chatter", "leak", "statements"]),
        ("rabbitmq", &["burn", "chatter", "leak"]),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let port = crate::servers::free_port();
        let env = [
            ("CONTROL_PORT", port.to_string()),
            ("CONTROL_KEY_SHA256", KEY_SHA256.to_owned()),
        ];
        let mut program = Program::start_with(kind, folder.path(), &env).await;
        let ask = async |method: Method, path: &str, key: &str, body: Value| {
            let client = reqwest::Client::builder().no_proxy().build().unwrap();
            let request = client.request(method, format!("http://127.0.0.1:{port}{path}"));
            let request = request.header(KEY_HEADER, key).body(body.to_string());
            let answer = request.send().await.unwrap();
            (answer.status(), answer.text().await.unwrap())
        };
        let lease = json!({ "lease_ms": 60_000 });
        let without = ask(Method::PUT, "/hooks/chatter", "guess", lease.clone()).await;
        assert_eq!(without, (StatusCode::NOT_FOUND, String::new()), "{kind}");
        let (status, shown) = ask(Method::PUT, "/hooks/chatter", "key", lease).await;
        assert_eq!(status, StatusCode::OK, "{kind}: {shown}");
        let shown: Value = serde_json::from_str(&shown).unwrap();
        let found: Vec<_> = shown.as_object().unwrap().keys().collect();
        assert_eq!(found, names, "{kind}");
        let line = program.lines.next_line().await.unwrap().unwrap();
        let line: Value = serde_json::from_str(&line).unwrap();
        assert_eq!(line["level"], "warn", "{kind}: {line}");
        program.signal("TERM").await;
        assert!(program.child.wait().await.unwrap().success(), "{kind}");
    }
}
