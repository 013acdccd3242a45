//! A whole store's Alertmanager: rules fire, receivers hear, the API shows, `amtool` works.

#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "helpers of a test fail it by panicking, and tell what was skipped"
)]

use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use serde_json::{Value, json};
use store::metrics::Labels;
use store::{Config, Ports, RuleFile, Store};
use tokio::net::TcpListener;
use tokio::process::Command;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;

const RULES: &str = "
groups:
- name: g
  rules:
  - alert: Down
    expr: up == 0
    labels: {severity: page}
    annotations: {summary: '{{ $labels.job }} is down'}
";

/// A receiver that passes on what is posted to it.
async fn receiver(tasks: &mut JoinSet<()>) -> (String, UnboundedReceiver<Value>) {
    let (sender, bodies) = unbounded_channel();
    let take = |State(sender): State<UnboundedSender<Value>>, Json(body): Json<Value>| async move {
        sender.send(body).unwrap();
    };
    let router = Router::new().route("/hook", post(take)).with_state(sender);
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/hook", listener.local_addr().unwrap());
    tasks.spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, bodies)
}

async fn start(config: Option<String>) -> (Store, String) {
    let store = Store::start(Config {
        ports: Ports::any(),
        alertmanager: config,
        rules: vec![RuleFile {
            name: "rules.yaml".to_owned(),
            text: RULES.to_owned(),
        }],
        ..Config::default()
    })
    .await
    .unwrap();
    let url = format!("http://{}", store.addresses().mimir);
    (store, url)
}

fn config(hook: &str) -> String {
    format!(
        "
route: {{receiver: hook, group_by: [alertname], group_wait: 0s, group_interval: 1s}}
receivers:
- name: hook
  webhook_configs: [{{url: '{hook}'}}]
"
    )
}

async fn next(bodies: &mut UnboundedReceiver<Value>) -> Value {
    let limit = Duration::from_secs(30);
    tokio::time::timeout(limit, bodies.recv())
        .await
        .unwrap()
        .unwrap()
}

#[tokio::test]
async fn what_fires_reaches_the_receiver_and_what_is_over_too() {
    let mut tasks = JoinSet::new();
    let (hook, mut bodies) = receiver(&mut tasks).await;
    let (store, url) = start(Some(config(&hook))).await;
    let up = Labels::new([("__name__", "up"), ("job", "carts")]);
    let head = store.metrics().head();
    head.append(&up, store.metrics().clock().now_ms(), 0.0)
        .unwrap();
    let fired = next(&mut bodies).await;
    assert_eq!(fired["status"], "firing");
    assert_eq!(fired["groupKey"], "{}:{alertname=\"Down\"}");
    assert_eq!(fired["externalURL"], format!("{url}/alertmanager"));
    let alert = &fired["alerts"][0];
    assert_eq!(
        alert["labels"],
        json!({"alertname": "Down", "job": "carts", "severity": "page"})
    );
    assert_eq!(alert["annotations"]["summary"], "carts is down");
    assert_eq!(
        alert["generatorURL"],
        format!("{url}/prometheus/graph?g0.expr=up+%3D%3D+0&g0.tab=1")
    );
    head.append(&up, store.metrics().clock().now_ms(), 1.0)
        .unwrap();
    let over = next(&mut bodies).await;
    assert_eq!(over["status"], "resolved");
    assert_ne!(over["alerts"][0]["endsAt"], "0001-01-01T00:00:00Z");
    store.stop().await;
    tasks.shutdown().await;
}

/// Method, path, body, and the answer's status and body.
async fn ask(url: &str, method: &str, path: &str, body: Option<&str>) -> (u16, String) {
    let client = reqwest::Client::new();
    let mut request = client.request(method.parse().unwrap(), format!("{url}{path}"));
    if let Some(body) = body {
        request = request
            .header("content-type", "application/json")
            .body(body.to_owned());
    }
    let answer = request.send().await.unwrap();
    (
        answer.status().as_u16(),
        answer.text().await.unwrap().trim().to_owned(),
    )
}

/// Answers that a real Alertmanager 0.25 gave.
#[tokio::test]
async fn requests_are_refused_as_alertmanager_refuses_them() {
    let (store, url) = start(None).await;
    let silence = |body: &str| {
        format!(
            r#"{{{body}"startsAt":"2016-01-01T00:00:00Z","endsAt":"2096-01-01T00:00:00Z","createdBy":"a","comment":"c"}}"#
        )
    };
    let cases = [
        ("POST", "/alerts", Some(r#"[{"labels":{}}]"#.to_owned()), 400, r#""at least one label pair required""#),
        ("POST", "/alerts", Some(r#"[{"labels":{"a-b":"x"}},{"labels":{"a":"x"},"startsAt":"2030-01-01T00:00:00Z","endsAt":"2020-01-01T00:00:00Z"}]"#.to_owned()), 400, r#""2 errors occurred: invalid label set: invalid name \"a-b\"; start time must be before end time""#),
        ("POST", "/alerts", Some(r#"[{"annotations":{}}]"#.to_owned()), 422, r#"{"code":602,"message":"0.labels in body is required"}"#),
        ("POST", "/alerts", Some(r#"{"a":1}"#.to_owned()), 400, r#"{"code":400,"message":"parsing alerts body from \"\" failed, because json: cannot unmarshal object into Go value of type models.PostableAlerts"}"#),
        ("POST", "/alerts", Some(r#"[{"labels":{"a":1}}]"#.to_owned()), 400, r#"{"code":400,"message":"parsing alerts body from \"\" failed, because json: cannot unmarshal number into Go struct field Alert.labels of type string"}"#),
        ("POST", "/alerts", Some("[".to_owned()), 400, r#"{"code":400,"message":"parsing alerts body from \"\" failed, because unexpected EOF"}"#),
        ("GET", "/alerts?filter=a", None, 400, r#""bad matcher format: a""#),
        ("GET", "/nosuch", None, 404, r#"{"code":404,"message":"path /api/v2/nosuch was not found"}"#),
        ("POST", "/silences", Some("{}".to_owned()), 422, r#"{"code":602,"message":"comment in body is required"}"#),
        ("POST", "/silences", Some(silence(r#""matchers":[],"#)), 422, r#"{"code":612,"message":"matchers in body should have at least 1 items"}"#),
        ("POST", "/silences", Some(silence(r#""matchers":[{"name":"a","value":"b"}],"#)), 422, r#"{"code":602,"message":"matchers.0.isRegex in body is required"}"#),
        ("POST", "/silences", Some(silence(r#""matchers":[{"name":"a-b","value":"b","isRegex":false}],"#)), 400, r#""silence invalid: invalid label matcher 0: invalid label name \"a-b\"""#),
        ("POST", "/silences", Some(silence(r#""matchers":[{"name":"a","value":"(","isRegex":true}],"#)), 400, r#""silence invalid: invalid label matcher 0: invalid regular expression \"(\": error parsing regexp: missing closing ): `(`""#),
        ("POST", "/silences", Some(silence(r#""matchers":[{"name":"a","value":"","isRegex":false}],"#)), 400, r#""silence invalid: at least one matcher must not match the empty string""#),
        ("POST", "/silences", Some(silence(r#""id":"5e3d58e9-6ba2-4f28-8b5b-e2a0f0b1ab12","matchers":[{"name":"a","value":"b","isRegex":false}],"#)), 404, r#""silence not found""#),
        ("GET", "/silence/xyz", None, 422, r#"{"code":601,"message":"silenceID in path must be of type uuid: \"xyz\""}"#),
        ("GET", "/silence/5e3d58e9-6ba2-4f28-8b5b-e2a0f0b1ab12", None, 404, ""),
    ];
    for (method, path, body, status, want) in cases {
        let path = format!("/alertmanager/api/v2{path}");
        let got = ask(&url, method, &path, body.as_deref()).await;
        assert_eq!(got, (status, want.to_owned()), "{method} {path} {body:?}");
    }
    store.stop().await;
}

#[tokio::test]
async fn a_configuration_is_set_read_and_deleted_as_in_mimir() {
    let (store, url) = start(None).await;
    let path = "/api/v1/alerts";
    let (status, body) = ask(&url, "GET", path, None).await;
    assert_eq!(
        (status, body.as_str()),
        (404, "alertmanager storage object not found")
    );
    let wrong = "alertmanager_config: |\n  route: {receiver: x}\n";
    let (status, body) = ask(&url, "POST", path, Some(wrong)).await;
    assert_eq!(status, 400);
    assert_eq!(
        body,
        "error validating Alertmanager config: undefined receiver \"x\" used in route"
    );
    let good = "template_files: {}\nalertmanager_config: |\n  route: {receiver: x}\n  receivers: [{name: x}]\n";
    assert_eq!(ask(&url, "POST", path, Some(good)).await.0, 201);
    let (status, body) = ask(&url, "GET", path, None).await;
    assert_eq!(status, 200);
    assert!(body.contains("receivers: [{name: x}]"), "{body}");
    let (_, body) = ask(&url, "GET", "/alertmanager/api/v2/receivers", None).await;
    assert_eq!(body, r#"[{"name":"x"}]"#);
    assert_eq!(ask(&url, "DELETE", path, None).await.0, 200);
    assert_eq!(ask(&url, "GET", path, None).await.0, 404);
    let (_, body) = ask(&url, "GET", "/prometheus/api/v1/alertmanagers", None).await;
    let told = format!("{url}/alertmanager/api/v2/alerts");
    assert!(body.contains(&told), "{body}");
    store.stop().await;
}

async fn amtool(url: &str, args: &[&str]) -> Option<String> {
    let mut command = Command::new("amtool");
    command
        .arg(format!("--alertmanager.url={url}/alertmanager"))
        .args(args);
    match command.output().await {
        Ok(output) => {
            let said = String::from_utf8_lossy(&output.stderr);
            assert!(output.status.success(), "{args:?}: {said}");
            Some(String::from_utf8_lossy(&output.stdout).into_owned())
        }
        Err(_) => {
            println!("SKIPPED: no amtool here (Debian: prometheus-alertmanager)");
            None
        }
    }
}

#[tokio::test]
async fn amtool_works() {
    let mut tasks = JoinSet::new();
    let (hook, mut bodies) = receiver(&mut tasks).await;
    let (store, url) = start(Some(config(&hook))).await;
    let Some(_) = amtool(
        &url,
        &[
            "alert",
            "add",
            "Broken",
            "job=carts",
            "--annotation=summary=it broke",
        ],
    )
    .await
    else {
        return;
    };
    assert_eq!(next(&mut bodies).await["commonLabels"]["job"], "carts");
    let shown = amtool(&url, &["alert", "query", "job=~ca.*"])
        .await
        .unwrap();
    assert!(
        shown.contains("Broken") && shown.contains("it broke") && shown.contains("active"),
        "{shown}"
    );
    let id = amtool(
        &url,
        &["silence", "add", "job=carts", "--comment=c", "--author=me"],
    )
    .await;
    let id = id.unwrap().trim().to_owned();
    let shown = amtool(&url, &["silence", "query"]).await.unwrap();
    assert!(
        shown.contains(&id) && shown.contains("job=\"carts\""),
        "{shown}"
    );
    let shown = amtool(&url, &["alert", "query", "--silenced", "-o", "extended"])
        .await
        .unwrap();
    assert!(shown.contains("suppressed"), "{shown}");
    amtool(&url, &["silence", "update", &id, "--duration=2h"]).await;
    amtool(&url, &["silence", "expire", &id]).await;
    let shown = amtool(&url, &["silence", "query", "--expired"])
        .await
        .unwrap();
    assert!(shown.contains(&id), "{shown}");
    let shown = amtool(&url, &["config", "show"]).await.unwrap();
    assert!(shown.contains("group_by"), "{shown}");
    let shown = amtool(&url, &["config", "routes", "test", "job=carts"])
        .await
        .unwrap();
    assert_eq!(shown.trim(), "hook");
    let shown = amtool(&url, &["cluster", "show"]).await.unwrap();
    assert!(shown.contains("disabled"), "{shown}");
    store.stop().await;
    tasks.shutdown().await;
}
