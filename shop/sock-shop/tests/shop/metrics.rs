//! Names, labels and buckets of metrics, as the first system's dashboards ask for them.

use serde_json::{Value, json};
use shop_kit::Peer;

use crate::browser::Browser;
use crate::contract::{HOLY, USER, ask, text};
use crate::lab::Lab;

const NEW: &str = "http_request_duration_seconds_count";
const OLD: &str = "request_duration_seconds_count";

async fn exposition(peer: &Peer, path: &str) -> String {
    let answer = ask(peer, "GET", path, None).await;
    let kind = answer.headers["content-type"].to_str().expect("ascii");
    assert!(kind.starts_with("text/plain"), "{kind}");
    text(&answer)
}

/// Whether a sample of `metric` has all of these labels.
fn has(text: &str, metric: &str, labels: &[&str]) -> bool {
    text.lines().any(|line| {
        let rest = line.strip_prefix(metric);
        rest.is_some_and(|rest| rest.starts_with('{'))
            && labels.iter().all(|label| line.contains(label))
    })
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_front_end_counts_by_the_first_segment_what_it_always_counted() {
    let lab = Lab::start().await;
    let mut browser = Browser::at(&lab);
    for path in [
        "/catalogue/size?tags=blue",
        "/catalogue/images/WAT.jpg",
        "/cards",
        "/tags",
    ] {
        browser.get(path).await;
    }
    browser.login("user", "password").await;
    browser.post("/cart", json!({ "id": HOLY })).await;
    browser
        .post("/cart/update", json!({ "id": HOLY, "quantity": 1 }))
        .await;
    browser.post("/orders", json!({})).await;
    browser.get("/orders").await;
    let found = exposition(&lab.peer("front-end"), "/metrics").await;
    for (method, path, status) in [
        ("get", "catalogue", "200"),
        ("post", "cart", "201"),
        ("post", "cart", "202"),
        ("post", "orders", "201"),
        ("get", "orders", "201"),
    ] {
        let method = format!("method=\"{method}\"");
        let status = format!("status_code=\"{status}\"");
        for (metric, label) in [(NEW, "path"), (OLD, "route")] {
            let path = format!("{label}=\"{path}\"");
            let labels = [r#"service="front-end""#, &method, &path, &status];
            assert!(has(&found, metric, &labels), "{metric} {labels:?}\n{found}");
        }
    }
    for path in ["login", "cards", "tags", "metrics"] {
        assert!(!has(&found, NEW, &[&format!("path=\"{path}\"")]), "{path}");
        assert!(!has(&found, OLD, &[&format!("route=\"{path}\"")]), "{path}");
    }
    assert!(
        has(&found, NEW, &[r#"route="/login""#, r#"path="""#]),
        "{found}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn services_have_the_labels_and_buckets_of_their_languages() {
    let lab = Lab::start().await;
    let java = [("0.075", true), ("0.75", true), ("7.5", true), ("10", true)];
    let others = [
        ("0.075", false),
        ("0.75", false),
        ("7.5", false),
        ("10", true),
    ];
    let path = format!("/carts/{USER}/items");
    let address = "/customers/57a98d98e4b00679b4a830af/addresses";
    let sock = format!("/catalogue/{HOLY}");
    let amount = json!({ "amount": 1 });
    let shipment = json!({ "name": USER });
    for (service, method, asked, body, path, buckets) in [
        ("catalogue", "GET", "/catalogue", None, "catalogue", others),
        (
            "catalogue",
            "GET",
            sock.as_str(),
            None,
            "catalogue_id",
            others,
        ),
        ("catalogue", "GET", "/tags", None, "tags", others),
        ("user", "GET", address, None, "customers", others),
        ("user", "GET", "/login", None, "login", others),
        (
            "payment",
            "POST",
            "/paymentAuth",
            Some(amount),
            "paymentauth",
            others,
        ),
        (
            "carts",
            "GET",
            path.as_str(),
            None,
            "/carts/{customer}/items",
            java,
        ),
        (
            "orders",
            "POST",
            "/orders",
            Some(json!({})),
            "/orders",
            java,
        ),
        (
            "shipping",
            "POST",
            "/shipping",
            Some(shipment),
            "/shipping",
            java,
        ),
    ] {
        let peer = lab.peer(service);
        let status = ask(&peer, method, asked, body).await.status;
        let found = exposition(&peer, "/metrics").await;
        let service = format!("service=\"{service}\"");
        let method = format!("method=\"{method}\"");
        let status = format!("status_code=\"{}\"", status.as_u16());
        for (family, label) in [
            ("http_request_duration_seconds", "path"),
            ("request_duration_seconds", "route"),
        ] {
            let path = format!("{label}=\"{path}\"");
            let labels = [service.as_str(), &method, &path, &status];
            assert!(
                has(&found, &format!("{family}_sum"), &labels),
                "{family} {labels:?}\n{found}"
            );
            for (bound, expected) in buckets {
                let bound = format!("le=\"{bound}\"");
                let bucket = [labels[0], labels[1], labels[2], labels[3], &bound];
                assert_eq!(
                    has(&found, &format!("{family}_bucket"), &bucket),
                    expected,
                    "{bucket:?}"
                );
            }
        }
        let go = !java.iter().zip(buckets).all(|(a, b)| *a == b);
        assert_eq!(has(&found, NEW, &[r#"isWS="false""#]), go, "{service}");
        for metric in ["http_requests_total", "http_request_duration_seconds_count"] {
            assert!(
                has(&found, metric, &[&service, &method, &status, "route=\"/"]),
                "{metric}"
            );
        }
        let errors = has(&found, "http_request_errors_total", &[&service, &status]);
        assert_eq!(errors, status.contains("\"5"), "{service}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn user_counts_its_methods_and_summarises_what_they_took() {
    let lab = Lab::start().await;
    let user = lab.peer("user");
    let mary = json!({ "username": "mary", "password": "x" });
    let nobody = "/cards/57a98d98e4b00679b4a83fff";
    for (http, path, body, method) in [
        ("GET", "/login", None, "login"),
        ("POST", "/register", Some(mary.clone()), "register"),
        ("POST", "/customers", Some(mary), "postUser"),
        ("GET", "/customers", None, "getUsers"),
        ("POST", "/addresses", Some(json!({})), "postAddress"),
        ("GET", "/addresses", None, "getAddresses"),
        ("POST", "/cards", Some(json!({})), "postCard"),
        ("GET", "/cards", None, "getCards"),
        ("DELETE", nobody, None::<Value>, "delete"),
        ("GET", "/health", None, "health"),
    ] {
        ask(&user, http, path, body).await;
        let found = exposition(&user, "/metrics").await;
        let name = "microservices_demo_user_request";
        let label = format!("method=\"{method}\"");
        for (metric, labels) in [
            (format!("{name}_count"), vec![label.as_str()]),
            (
                format!("{name}_latency_microseconds"),
                vec![&label, r#"quantile="0.5""#],
            ),
            (
                format!("{name}_latency_microseconds"),
                vec![&label, r#"quantile="0.99""#],
            ),
            (format!("{name}_latency_microseconds_sum"), vec![&label]),
            (format!("{name}_latency_microseconds_count"), vec![&label]),
        ] {
            assert!(
                has(&found, &metric, &labels),
                "{metric} {labels:?}\n{found}"
            );
        }
        let kind = format!("# TYPE {name}_latency_microseconds summary");
        assert!(found.contains(&kind), "{kind}");
    }
    let seconds = lab
        .sum(
            "user",
            "microservices_demo_user_request_latency_microseconds_sum",
            &[],
        )
        .await;
    assert!(seconds < 60.0, "seconds, in spite of the name: {seconds}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queue_master_shows_its_metrics_at_both_places() {
    let lab = Lab::start().await;
    let peer = lab.peer("queue-master");
    ask(&peer, "GET", "/nothing", None).await;
    for path in ["/prometheus", "/metrics"] {
        let found = exposition(&peer, path).await;
        for metric in [NEW, OLD] {
            assert!(
                has(
                    &found,
                    metric,
                    &[r#"service="queue-master""#, r#"status_code="404""#]
                ),
                "{path}"
            );
        }
    }
}
