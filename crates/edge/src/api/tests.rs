use std::sync::Arc;

use axum::body::{Body, to_bytes};
use http::{Method, Request};
use tower::ServiceExt;

use super::*;
use crate::Config;

fn registry(key: Option<&str>) -> Arc<Registry> {
    Arc::new(Registry::new(Config {
        control: ([127, 0, 0, 1], 0).into(),
        key: key.map(str::to_owned),
        hooks: None,
        workload: None,
        seed: 1,
    }))
}

async fn send(app: &Router, method: &str, path: &str, body: &str) -> (u16, String) {
    let method: Method = method.parse().expect("method");
    let request = Request::builder().method(method).uri(path);
    let request = request.body(Body::from(body.to_owned())).expect("request");
    answer(app, request).await
}

async fn answer(app: &Router, request: Request<Body>) -> (u16, String) {
    let response = app.clone().oneshot(request).await.expect("response");
    let status = response.status().as_u16();
    let body = to_bytes(response.into_body(), usize::MAX)
        .await
        .expect("body");
    (status, String::from_utf8_lossy(&body).into_owned())
}

/// Replaces the port that the kernel chose.
fn without_port(text: &str) -> String {
    let (mut shown, mut rest) = (String::new(), text);
    while let Some(at) = rest.find("127.0.0.1:") {
        let after = &rest[at + 10..];
        let digits = after
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(after.len());
        let port = if after.starts_with("1\"") {
            "1"
        } else {
            "PORT"
        };
        shown.push_str(&rest[..at + 10]);
        shown.push_str(port);
        rest = &after[digits..];
    }
    shown + rest
}

#[tokio::test]
async fn every_operation_answers_as_toxiproxy_does() {
    let app = app(registry(None));
    let created = r#"{"name":"p","listen":"127.0.0.1:PORT","upstream":"127.0.0.1:1","enabled":true,"toxics":[]}"#;
    let off = r#"{"name":"q","listen":"127.0.0.1:PORT","upstream":"127.0.0.1:1","enabled":false,"toxics":[]}"#;
    let toxic = r#"{"attributes":{"latency":100,"jitter":0},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1.0}"#;
    let changed = r#"{"attributes":{"latency":100,"jitter":7},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":0.5}"#;
    let two = r#"[{"name":"p","upstream":"127.0.0.1:1"},{"name":"q","listen":"127.0.0.1:0","upstream":"127.0.0.1:1","enabled":false}]"#;
    let not_found = r#"{"error":"proxy not found","status":404}"#;
    let toxic_not_found = r#"{"error":"toxic not found","status":404}"#;
    let with_changed = created.replace("[]", &format!("[{changed}]"));
    let cases: &[(&str, &str, &str, u16, String)] = &[
        ("GET", "/version", "", 200, "{\"version\": \"2.12.0\"}\n".into()),
        ("GET", "/proxies", "", 200, "{}".into()),
        ("POST", "/proxies", "", 400, r#"{"error":"bad request body: EOF","status":400}"#.into()),
        ("POST", "/proxies", "{", 400, r#"{"error":"bad request body: unexpected EOF","status":400}"#.into()),
        ("POST", "/proxies", r#"{"upstream":"x:1"}"#, 400, r#"{"error":"missing required field: name","status":400}"#.into()),
        ("POST", "/proxies", r#"{"name":"p"}"#, 400, r#"{"error":"missing required field: upstream","status":400}"#.into()),
        ("POST", "/proxies", r#"{"name":"p","upstream":"127.0.0.1:1"}"#, 201, created.into()),
        ("POST", "/proxies", r#"{"name":"p","upstream":"127.0.0.1:1"}"#, 409, r#"{"error":"proxy already exists","status":409}"#.into()),
        ("GET", "/proxies/p", "", 200, created.into()),
        ("GET", "/proxies/nope", "", 404, not_found.into()),
        ("GET", "/proxies/p/toxics", "", 200, "[]".into()),
        ("POST", "/proxies/nope/toxics", r#"{"type":"latency"}"#, 404, not_found.into()),
        ("POST", "/proxies/p/toxics", r#"{"type":"fog"}"#, 400, r#"{"error":"invalid toxic type","status":400}"#.into()),
        ("POST", "/proxies/p/toxics", r#"{"type":"latency","stream":"sideways"}"#, 400, r#"{"error":"stream was invalid, can be either upstream or downstream","status":400}"#.into()),
        ("POST", "/proxies/p/toxics", r#"{"type":"latency","attributes":{"latency":100}}"#, 200, toxic.into()),
        ("POST", "/proxies/p/toxics", r#"{"type":"latency"}"#, 409, r#"{"error":"toxic already exists","status":409}"#.into()),
        ("GET", "/proxies/p/toxics/latency_downstream", "", 200, toxic.into()),
        ("GET", "/proxies/p/toxics/nope", "", 404, toxic_not_found.into()),
        ("PATCH", "/proxies/p/toxics/latency_downstream", r#"{"attributes":{"jitter":7},"toxicity":0.5}"#, 200, changed.into()),
        ("POST", "/proxies/p/toxics/nope", "{}", 404, toxic_not_found.into()),
        ("GET", "/proxies/p/toxics", "", 200, format!("[{changed}]")),
        ("GET", "/proxies", "", 200, format!("{{\"p\":{with_changed}}}")),
        ("DELETE", "/proxies/p/toxics/nope", "", 404, toxic_not_found.into()),
        ("POST", "/proxies/p", r#"{"enabled":false}"#, 200, with_changed.replace("true", "false")),
        ("POST", "/reset", "", 204, String::new()),
        ("GET", "/proxies/p", "", 200, created.into()),
        ("POST", "/populate", "[{}]", 400, r#"{"error":"missing required field: name at proxy 1","status":400,"proxies":null}"#.into()),
        ("POST", "/populate", two, 201, format!("{{\"proxies\":[{created},{off}]}}")),
        ("DELETE", "/proxies/p/toxics/latency_downstream", "", 404, toxic_not_found.into()),
        ("PATCH", "/proxies/q", r#"{"enabled":true}"#, 200, off.replace("false", "true")),
        ("DELETE", "/proxies/q", "", 204, String::new()),
        ("DELETE", "/proxies/q", "", 404, not_found.into()),
        ("PATCH", "/proxies/p", r#"{"listen":"192.0.2.1:80"}"#, 500, r#"{"error":"listen tcp 192.0.2.1:80: bind: cannot assign requested address","status":500}"#.into()),
        ("PUT", "/proxies/p", "", 405, String::new()),
        ("GET", "/nothing", "", 404, "404 page not found\n".into()),
        ("POST", "/process/signal", r#"{"signal":"KILL"}"#, 501, r#"{"error":"this edge has no process to signal","status":501}"#.into()),
        ("GET", "/hooks", "", 404, String::new()),
    ];
    for (method, path, body, status, shown) in cases {
        let (got, text) = send(&app, method, path, body).await;
        assert_eq!(
            (got, without_port(&text)),
            (*status, shown.clone()),
            "{method} {path} {body}"
        );
    }
}

#[tokio::test]
async fn populating_twice_leaves_what_is_the_same_and_replaces_what_differs() {
    let registry = registry(None);
    let app = app(registry.clone());
    let body = r#"[{"name":"p","listen":"127.0.0.1:0","upstream":"127.0.0.1:1"}]"#;
    send(&app, "POST", "/populate", body).await;
    let first = registry.proxy("p").expect("made").fields().listen;
    let body = format!(r#"[{{"name":"p","listen":"{first}","upstream":"127.0.0.1:1"}}]"#);
    send(&app, "POST", "/proxies/p/toxics", r#"{"type":"timeout"}"#).await;
    send(&app, "POST", "/populate", &body).await;
    assert_eq!(registry.proxy("p").expect("kept").toxics().len(), 1);
    let body = body.replace("127.0.0.1:1\"", "127.0.0.1:2\"");
    let (status, text) = send(&app, "POST", "/populate", &body).await;
    assert_eq!(status, 201, "{text}");
    assert_eq!(registry.proxy("p").expect("replaced").toxics().len(), 0);
}

#[tokio::test]
async fn without_the_right_key_every_path_is_an_empty_404() {
    let app = app(registry(Some("secret")));
    for (key, path, status) in [
        (None, "/proxies", 404),
        (Some("wrong!"), "/version", 404),
        (Some("secre"), "/version", 404),
        (Some("secrets"), "/hooks/deadlock", 404),
        (Some("secret"), "/proxies", 200),
    ] {
        let mut request = Request::builder().uri(path);
        if let Some(key) = key {
            request = request.header(KEY_HEADER, key);
        }
        let request = request.body(Body::empty()).expect("request");
        let (got, text) = answer(&app, request).await;
        assert_eq!(got, status, "{key:?} {path}");
        assert_eq!(text.is_empty(), status == 404, "{key:?} {path}");
    }
}

#[tokio::test]
async fn browsers_are_turned_away() {
    let app = app(registry(None));
    let request = Request::builder()
        .uri("/proxies")
        .header("user-agent", "Mozilla/5.0 (X11)")
        .body(Body::empty())
        .expect("request");
    let (status, text) = answer(&app, request).await;
    assert_eq!((status, text.as_str()), (403, "User agent not allowed\n"));
}

#[tokio::test]
async fn traffic_is_shown_with_toxiproxys_metric_names() {
    let app = app(registry(None));
    send(
        &app,
        "POST",
        "/proxies",
        r#"{"name":"p","upstream":"127.0.0.1:1"}"#,
    )
    .await;
    let (status, text) = send(&app, "GET", "/metrics", "").await;
    assert_eq!(status, 200);
    assert!(
        without_port(&text).contains(
            r#"toxiproxy_proxy_sent_bytes_total{direction="downstream",listener="127.0.0.1:PORT",proxy="p",upstream="127.0.0.1:1"} 0"#
        ),
        "{text}"
    );
}
