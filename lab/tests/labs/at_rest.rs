//! A lab at rest: what kubectl, dashboards and responders get from it.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command};
use std::time::Duration;

use serde_json::Value;

use crate::lab::{Place, repository, signal, text, wait_until};

/// `shoplab up`, ready, with the addresses that it printed.
struct Running {
    place: Place,
    child: Child,
    addresses: BTreeMap<String, String>,
}

impl Running {
    fn start() -> Self {
        let place = Place::take();
        let mut child = place.start(&["up"]);
        let mut lines = BufReader::new(child.stdout.take().expect("output")).lines();
        let mut addresses = BTreeMap::new();
        for line in &mut lines {
            let line = line.expect("a line");
            if let Some((label, address)) = line.trim().split_once(' ') {
                addresses.insert(label.to_owned(), address.trim().to_owned());
            }
            if line.starts_with("Ctrl-C") {
                break;
            }
        }
        assert!(addresses.contains_key("kubectl"), "{addresses:?}");
        Self {
            place,
            child,
            addresses,
        }
    }

    fn kubectl(&self, args: &[&str]) -> Option<(bool, String)> {
        let config = self.addresses["kubectl"].strip_prefix("export KUBECONFIG=");
        let output = Command::new("kubectl")
            .args(args)
            .env("KUBECONFIG", config.expect("a kubeconfig"))
            .output()
            .ok()?;
        Some((output.status.success(), text(&output)))
    }

    fn stop(mut self) {
        signal(&self.child, "TERM");
        wait_until(Duration::from_secs(20), || {
            let ended = self.child.try_wait().expect("a child");
            ended.ok_or_else(|| "it still runs".to_owned())
        });
        self.place.wait_until_empty(Duration::from_secs(5));
    }
}

#[test]
fn kubectl_works_and_does_not_show_the_lab() {
    let running = Running::start();
    if running.kubectl(&["version", "--client"]).is_none() {
        eprintln!("SKIPPED: kubectl is not installed (Debian: apt-get install kubernetes-client)");
        running.stop();
        return;
    }
    let n = ["-n", "sock-shop"];
    for (args, expected) in [
        (vec!["get", "pods", "-o", "wide"], "payment-"),
        (
            vec!["get", "pods", "-l", "name=orders", "-o", "yaml"],
            "kind: Pod",
        ),
        (vec!["get", "endpoints"], "127."),
        (vec!["describe", "deployment", "orders"], "RollingUpdate"),
        (
            vec!["describe", "pod", "-l", "name=catalogue-db"],
            "Liveness",
        ),
        (vec!["logs", "deployment/orders", "--tail=5"], "\"level\""),
        (vec!["get", "events"], "Started"),
        (vec!["top", "pods"], "MEMORY"),
        (
            vec!["rollout", "restart", "deployment/queue-master"],
            "restarted",
        ),
        (
            vec![
                "rollout",
                "status",
                "deployment/queue-master",
                "--timeout=60s",
            ],
            "successfully rolled out",
        ),
        (
            vec!["rollout", "undo", "deployment/queue-master"],
            "rolled back",
        ),
        (
            vec!["scale", "deployment/queue-master", "--replicas=2"],
            "scaled",
        ),
        (
            vec![
                "rollout",
                "status",
                "deployment/queue-master",
                "--timeout=60s",
            ],
            "successfully rolled out",
        ),
        (
            vec!["delete", "pod", "-l", "name=queue-master", "--wait=false"],
            "deleted",
        ),
    ] {
        let (worked, said) = running
            .kubectl(&[&n, args.as_slice()].concat())
            .expect("kubectl");
        assert!(worked && said.contains(expected), "{args:?}: {said}");
    }
    let (worked, said) = running
        .kubectl(&["-n", "shoplab", "get", "pods"])
        .expect("kubectl");
    assert!(!worked && said.contains("forbidden"), "{said}");
    let (_, said) = running
        .kubectl(&["get", "pods", "--all-namespaces"])
        .expect("kubectl");
    assert!(
        said.contains("payment-") && !said.contains("customers-"),
        "{said}"
    );
    running.stop();
}

#[tokio::test]
async fn every_panel_of_the_dashboards_finds_data() {
    let running = Running::start();
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    for file in ["dashboards/sock-shop.json", "dashboards/lab.json"] {
        let text = std::fs::read_to_string(repository(file)).expect(file);
        let dashboard: Value = serde_json::from_str(&text).expect("JSON");
        for panel in panels(&dashboard) {
            if panel.pointer("/shoplab/mayBeEmpty") == Some(&Value::Bool(true)) {
                continue;
            }
            for target in panel["targets"].as_array().into_iter().flatten() {
                let deadline = std::time::Instant::now() + Duration::from_secs(60);
                loop {
                    let (results, said) = asked(&client, &running, panel, target).await;
                    if results > 0 {
                        break;
                    }
                    assert!(
                        std::time::Instant::now() < deadline,
                        "{file}: {}: {target:#} found nothing: {said}",
                        panel["title"]
                    );
                    tokio::time::sleep(Duration::from_millis(500)).await;
                }
            }
        }
    }
    running.stop();
}

#[tokio::test]
async fn no_page_fires_in_a_healthy_minute_with_a_rolling_restart() {
    let running = Running::start();
    let client = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("a client");
    let restart = ["-n", "sock-shop", "rollout", "restart", "deployment/orders"];
    stay_quiet(&client, &running, Duration::from_secs(25)).await;
    let failed = r#"sum(customer_requests_total{outcome="failed"}) > 0"#;
    let undisturbed = measured(&client, &running, failed).await;
    assert!(undisturbed.is_empty(), "customers failed: {undisturbed:?}");
    match running.kubectl(&restart) {
        Some((worked, said)) => assert!(worked, "{said}"),
        None => eprintln!("SKIPPED: without kubectl nothing is restarted"),
    }
    stay_quiet(&client, &running, Duration::from_secs(35)).await;
    // Nor between two looks, nor while the shop was starting.
    let pages = r#"count_over_time(ALERTS{severity="critical",alertstate="firing"}[5m])"#;
    let pages = measured(&client, &running, pages).await;
    assert!(pages.is_empty(), "paged: {pages:#?}");
    let served = measured(&client, &running, "sum(customer_requests_total) > 100").await;
    assert!(
        !served.is_empty(),
        "hardly anybody came: that is no healthy minute"
    );
    let ill: Vec<Value> = all_rules(&client, &running)
        .await
        .into_iter()
        .filter(|rule| rule["health"] != "ok")
        .collect();
    assert!(ill.is_empty(), "rules that are not evaluated: {ill:#?}");
    let metrics = running.addresses["metrics"].trim_end_matches("/prometheus");
    let receivers = client.get(format!("{metrics}/alertmanager/api/v2/receivers"));
    let receivers = answered(receivers).await;
    assert_eq!(receivers[0]["name"], "on-call", "{receivers}");
    running.stop();
}

/// Looks at the alerts for as long as `lasts`; fails as soon as one pages.
async fn stay_quiet(client: &reqwest::Client, running: &Running, lasts: Duration) {
    let until = std::time::Instant::now() + lasts;
    while std::time::Instant::now() < until {
        let firing = r#"ALERTS{severity="critical",alertstate="firing"}"#;
        let pages = measured(client, running, firing).await;
        assert!(pages.is_empty(), "paged: {pages:#?}");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

/// What an instant query finds.
async fn measured(client: &reqwest::Client, running: &Running, query: &str) -> Vec<Value> {
    let url = format!("{}/api/v1/query", running.addresses["metrics"]);
    let request = client.get(url).query(&[("query", query)]);
    let json: Value = answered(request).await;
    let found = json.pointer("/data/result").and_then(Value::as_array);
    found.unwrap_or_else(|| panic!("{query}: {json}")).clone()
}

/// Every rule of the ruler, with its health.
async fn all_rules(client: &reqwest::Client, running: &Running) -> Vec<Value> {
    let url = format!("{}/api/v1/rules", running.addresses["metrics"]);
    let json = answered(client.get(url)).await;
    let groups = json.pointer("/data/groups").and_then(Value::as_array);
    let rules: Vec<Value> = groups
        .into_iter()
        .flatten()
        .filter_map(|group| group["rules"].as_array())
        .flatten()
        .cloned()
        .collect();
    assert!(!rules.is_empty(), "{json}");
    rules
}

async fn answered(request: reqwest::RequestBuilder) -> Value {
    let response = request.send().await.expect("an answer");
    let said = response.text().await.expect("a body");
    serde_json::from_str(&said).unwrap_or_else(|error| panic!("{error}: {said}"))
}

/// All panels, those in rows included.
fn panels(dashboard: &Value) -> Vec<&Value> {
    let mut found = Vec::new();
    for panel in dashboard["panels"].as_array().into_iter().flatten() {
        found.extend(panels(panel));
        if panel["targets"].is_array() {
            found.push(panel);
        }
    }
    found
}

/// How many results a target's query has now, and the answer.
async fn asked(
    client: &reqwest::Client,
    running: &Running,
    panel: &Value,
    target: &Value,
) -> (usize, String) {
    let source = target
        .pointer("/datasource/type")
        .or(panel.pointer("/datasource/type"));
    let source = source.and_then(Value::as_str).unwrap_or("prometheus");
    let filled = |text: &str| {
        text.replace("$__rate_interval", "15s")
            .replace("$__interval", "15s")
            .replace("$__auto", "15s")
            .replace("$__range", "5m")
    };
    let (url, query) = match source {
        "loki" => (
            format!("{}/loki/api/v1/query_range", running.addresses["logs"]),
            ("query", filled(target["expr"].as_str().expect("expr"))),
        ),
        "tempo" => (
            format!("{}/api/search", running.addresses["traces"]),
            ("q", filled(target["query"].as_str().expect("query"))),
        ),
        _ => (
            format!("{}/api/v1/query", running.addresses["metrics"]),
            ("query", filled(target["expr"].as_str().expect("expr"))),
        ),
    };
    let response = client
        .get(url)
        .query(&[query])
        .send()
        .await
        .expect("an answer");
    let said = response.text().await.expect("a body");
    let json: Value = serde_json::from_str(&said).unwrap_or(Value::Null);
    let results = json.pointer("/data/result").or(json.get("traces"));
    (results.and_then(Value::as_array).map_or(0, Vec::len), said)
}
