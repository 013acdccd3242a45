//! The log lines that responders look for, word by word.

use std::sync::{LazyLock, Mutex, PoisonError};

use serde_json::{Value, json};
use tracing::field::{Field, Visit};
use tracing_subscriber::layer::{Context, Layer, SubscriberExt};

use crate::browser::Browser;
use crate::contract::{HOLY, USER, ask};
use crate::lab::{Lab, SOON};

/// What was logged since this was first looked at, by all services of all tests.
static LINES: LazyLock<&Lines> = LazyLock::new(|| {
    let lines: &Lines = Box::leak(Box::default());
    let subscriber = tracing_subscriber::registry().with(lines);
    tracing::subscriber::set_global_default(subscriber).expect("the first one");
    lines
});

#[derive(Default)]
struct Lines(Mutex<Vec<String>>);

impl<S: tracing::Subscriber> Layer<S> for &'static Lines {
    fn on_event(&self, event: &tracing::Event<'_>, _: Context<'_, S>) {
        event.record(&mut Message(self));
    }
}

/// Keeps the message and the cause of an event.
struct Message(&'static Lines);

impl Visit for Message {
    fn record_debug(&mut self, field: &Field, value: &dyn std::fmt::Debug) {
        if ["message", "cause"].contains(&field.name()) {
            let mut lines = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
            lines.push(format!("{value:?}"));
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

/// Whether a line is `pattern`, in which `…` stands for anything.
fn is(line: &str, pattern: &str) -> bool {
    let mut parts = pattern.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = line.strip_prefix(first) else {
        return false;
    };
    for part in parts {
        match rest.find(part) {
            Some(at) => rest = &rest[at + part.len()..],
            None => return false,
        }
    }
    rest.is_empty() || pattern.ends_with('…')
}

/// Waits until each of these lines was logged.
async fn assert_logged(patterns: &[&str]) {
    for pattern in patterns {
        let logged = || {
            let lines = LINES.0.lock().unwrap_or_else(PoisonError::into_inner);
            lines.iter().any(|line| is(line, pattern))
        };
        let waited = tokio::time::timeout(SOON, async {
            let mut again = tokio::time::interval(std::time::Duration::from_millis(20));
            while !logged() {
                again.tick().await;
            }
        });
        assert!(waited.await.is_ok(), "nobody said {pattern}");
    }
}

#[test]
fn a_pattern_takes_anything_where_it_says_so() {
    for (line, pattern, expected) in [
        ("a b", "a b", true),
        ("a b c", "a b", false),
        ("a b c", "a…c", true),
        ("a b c", "a…", true),
        ("b", "a…", false),
    ] {
        assert_eq!(is(line, pattern), expected, "{line} {pattern}");
    }
}

/// Orders Eve's cart, and the id of the order.
async fn ordered(lab: &Lab) -> String {
    let mut browser = Browser::at(lab);
    browser.login("Eve_Berger", "eve").await;
    browser.delete("/cart").await;
    browser.post("/cart", json!({ "id": HOLY })).await;
    browser.post("/orders", json!({})).await;
    let orders = browser.get("/orders").await.json();
    let orders = orders.as_array().expect("a list");
    let link = orders
        .last()
        .expect("an order")
        .pointer("/_links/self/href");
    let link = link.and_then(Value::as_str).expect("a link");
    link.rsplit('/').next().expect("an id").to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_told_step_by_step() {
    LazyLock::force(&LINES);
    let mut lab = Lab::without_variable("PAYMENT_GATEWAY_URL").await;
    let id = ordered(&lab).await;
    assert_logged(&[
        &format!("Order created with ID: {id} and status: Created"),
        &format!("Order {id} status updated to PENDING"),
        &format!("Sending payment request for order {id}: …"),
        &format!("Received payment response for order {id}: PaymentResponse{{authorised=true, message=Payment authorised}}"),
        &format!("Order {id} payment successful, status updated to PAID"),
        "Adding shipment to queue...",
        &format!("Order {id} shipped successfully"),
        "Received shipment task: 57a98d98e4b00679b4a830b2",
        &format!("Order {id} status updated to DELIVERED"),
    ])
    .await;
    lab.stop("payment").await;
    let id = ordered(&lab).await;
    let failed = format!("Order {id} status updated to PAYMENT_FAILED due to: Connection refused");
    assert_logged(&[&failed]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shipping_says_that_it_accepts_without_a_queue() {
    LazyLock::force(&LINES);
    let mut lab = Lab::start().await;
    lab.stop("rabbitmq").await;
    let shipment = json!({ "name": USER });
    let answer = ask(&lab.peer("shipping"), "POST", "/shipping", Some(shipment)).await;
    assert_eq!(answer.status.as_u16(), 201);
    assert_logged(&["Unable to add to queue (…). Accepting anyway."]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn catalogue_says_which_breaker_is_open() {
    LazyLock::force(&LINES);
    let mut lab = Lab::start().await;
    lab.stop("catalogue-db").await;
    let catalogue = lab.peer("catalogue");
    for (path, breaker) in [
        ("/catalogue", "List"),
        ("/catalogue/size", "Count"),
        ("/catalogue/x", "Get"),
        ("/tags", "Tags"),
    ] {
        for _ in 0..6 {
            let answer = ask(&catalogue, "GET", path, None).await;
            let answer: Value = answer.json().expect("JSON");
            assert_eq!(answer["error"], "database connection error", "{path}");
        }
        let answer = ask(&catalogue, "GET", path, None).await;
        assert_eq!(answer.status.as_u16(), 500, "{path}");
        let answer: Value = answer.json().expect("JSON");
        assert_eq!(answer["error"], "circuit breaker is open", "{path}");
        assert_logged(&[&format!("circuit breaker '{breaker}' is open")]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn user_says_what_it_was_asked_and_what_came_of_it() {
    LazyLock::force(&LINES);
    let lab = Lab::start().await;
    let user = lab.peer("user");
    let lines_of = json!({ "username": "lines", "password": "x", "email": "lines@x" });
    let address = json!({ "street": "Long Road", "number": "7", "userID": USER });
    let card = json!({ "longNum": "1234567890", "userID": USER });
    for (method, path, body, line) in [
        (
            "GET",
            "/customers",
            None,
            "method=GetUsers id=all result=3 took=…",
        ),
        (
            "GET",
            "/customers/zz",
            None,
            r#"method=GetUsers id=zz result=0 took=… err="Invalid Id Hex""#,
        ),
        (
            "GET",
            "/customers/57a98d98e4b00679b4a830af",
            None,
            "method=GetUsers id=57a98d98e4b00679b4a830af result=1 took=…s",
        ),
        (
            "POST",
            "/register",
            Some(lines_of.clone()),
            "method=Register username=lines email=lines@x took=…s",
        ),
        (
            "POST",
            "/customers",
            Some(json!({ "username": "lines2" })),
            "method=PostUser username=lines2 took=…s",
        ),
        (
            "POST",
            "/addresses",
            Some(address),
            r#"method=PostAddress street="Long Road" number=7 user=57a98d98e4b00679b4a830af took=…s"#,
        ),
        (
            "GET",
            "/addresses",
            None,
            "method=GetAddresses id=all result=5 took=…s",
        ),
        (
            "POST",
            "/cards",
            Some(card),
            "method=PostCard card=******7890 user=57a98d98e4b00679b4a830af took=…s",
        ),
        (
            "GET",
            "/cards",
            None,
            "method=GetCards id=all result=5 took=…s",
        ),
        (
            "DELETE",
            "/cards/57a98ddce4b00679b4a830d2",
            None,
            "method=Delete entity=cards id=57a98ddce4b00679b4a830d2 took=…s",
        ),
        (
            "DELETE",
            "/cards/57a98ddce4b00679b4a830d2",
            None,
            r#"method=Delete entity=cards id=57a98ddce4b00679b4a830d2 took=… err="not found""#,
        ),
    ] {
        ask(&user, method, path, body).await;
        assert_logged(&[line]).await;
    }
    Browser::at(&lab).login("user", "password").await;
    assert_logged(&["method=Login username=user took=…s"]).await;
}
