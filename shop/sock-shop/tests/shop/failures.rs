//! What customers read when a part of the shop is down: the failure matrix.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::browser::{Browser, Page};
use crate::lab::Lab;

const CLASSIC: &str = "zzz4f044-b040-410d-8ead-4de0446aec7e";

/// A customer who is logged in and has a sock in the cart, then `down` goes down.
async fn without(down: &str) -> (Lab, Browser) {
    let mut lab = Lab::start().await;
    let mut browser = Browser::at(&lab);
    assert_eq!(
        browser.login("user", "password").await.status,
        StatusCode::OK
    );
    assert_eq!(
        browser.post("/cart", json!({ "id": CLASSIC })).await.status,
        StatusCode::CREATED
    );
    lab.stop(down).await;
    (lab, browser)
}

fn assert_reads(page: &Page, status: u16, text: &str) {
    assert_eq!(
        (page.status.as_u16(), page.message().as_str()),
        (status, text),
        "{}",
        page.body
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_user_authentication_fails() {
    let (_lab, mut browser) = without("user").await;
    let page = browser.login("user", "password").await;
    assert_reads(&page, 401, "Authentication failed");
    assert!(
        page.body.contains("connection refused to user:80"),
        "{}",
        page.body
    );
    let page = browser
        .post("/register", json!({ "username": "x", "password": "y" }))
        .await;
    assert_reads(&page, 500, "Authentication failed");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_catalogue_the_homepage_is_empty() {
    let (_lab, mut browser) = without("catalogue").await;
    assert_reads(&browser.get("/catalogue").await, 500, "Empty homepage");
    assert_eq!(
        browser.get("/").await.status,
        StatusCode::OK,
        "the page itself is there"
    );
    assert_reads(
        &browser.post("/cart", json!({ "id": CLASSIC })).await,
        500,
        "Error adding item",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_carts_nothing_can_be_added() {
    let (_lab, mut browser) = without("carts").await;
    assert_reads(
        &browser.post("/cart", json!({ "id": CLASSIC })).await,
        500,
        "Error adding item",
    );
    assert_eq!(browser.get("/catalogue").await.status, StatusCode::OK);
    assert_eq!(
        browser.login("user", "password").await.status,
        StatusCode::OK,
        "a failing merge fails no login"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_orders_the_order_fails() {
    let (_lab, mut browser) = without("orders").await;
    assert_reads(
        &browser.post("/orders", json!({})).await,
        500,
        "Order failed",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_payment_the_payment_fails_and_the_order_remembers() {
    let (_lab, mut browser) = without("payment").await;
    let page = browser.post("/orders", json!({})).await;
    assert_reads(&page, 500, "Payment failed");
    assert!(
        page.body.contains("Payment service unavailable for order"),
        "{}",
        page.body
    );
    let orders = browser.get("/orders").await.json();
    assert_eq!(orders[0]["status"], "PAYMENT_FAILED");
    assert_eq!(orders[0]["shipment"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_the_payment_provider_the_payment_fails_and_payment_is_well() {
    let (lab, mut browser) = without("payment-gateway").await;
    let page = browser.post("/orders", json!({})).await;
    assert_reads(&page, 406, "Payment failed");
    assert_eq!(
        page.json()["detail"],
        "Payment gateway error: connection refused to payment-gateway:80"
    );
    let orders = browser.get("/orders").await.json();
    assert_eq!(orders[0]["status"], "PAYMENT_FAILED");
    lab.until("payment", "/health", r#""status":"OK""#).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_queue_that_rejects_shipments_fails_the_order() {
    let (mut lab, mut browser) = without("rabbitmq").await;
    lab.full_rabbitmq().await;
    let page = browser.post("/orders", json!({})).await;
    assert_reads(&page, 500, "Order failed");
    let metrics = lab.peer("shipping").get("/metrics").send().await;
    let metrics = String::from_utf8_lossy(&metrics.expect("metrics").body).into_owned();
    assert!(
        metrics.contains(r#"http_requests_total{method="POST",route="/shipping",service="shipping",status_code="503"} 1"#),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_shipping_the_order_completes_and_is_not_shipped() {
    let (_lab, mut browser) = without("shipping").await;
    let page = browser.post("/orders", json!({})).await;
    assert_eq!(page.status, StatusCode::CREATED, "{}", page.body);
    assert_eq!(page.json()["status"], "PAID");
    assert_eq!(page.json()["shipment"], Value::Null);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_user_db_logging_in_is_a_database_error() {
    let (_lab, mut browser) = without("user-db").await;
    assert_reads(
        &browser.login("user", "password").await,
        401,
        "Database error",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_catalogue_db_the_catalogue_is_empty() {
    let (lab, mut browser) = without("catalogue-db").await;
    let page = browser.get("/catalogue").await;
    assert_reads(&page, 200, "Empty catalogue");
    assert_eq!(page.json()["error"], "database connection error");
    lab.until(
        "catalogue",
        "/health",
        r#""service":"catalogue-db","status":"err""#,
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_carts_db_the_cart_is_empty() {
    let (_lab, mut browser) = without("carts-db").await;
    assert_reads(&browser.get("/cart").await, 500, "Empty cart");
    assert_reads(
        &browser.post("/cart", json!({ "id": CLASSIC })).await,
        500,
        "Error adding item",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_orders_db_the_order_fails() {
    let (_lab, mut browser) = without("orders-db").await;
    assert_reads(
        &browser.post("/orders", json!({})).await,
        500,
        "Order failed",
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_session_db_the_session_has_expired() {
    let (_lab, mut browser) = without("session-db").await;
    assert_reads(&browser.get("/cart").await, 503, "Session expired");
    assert_reads(
        &browser.login("user", "password").await,
        503,
        "Session expired",
    );
    assert_eq!(
        browser.get("/catalogue").await.status,
        StatusCode::OK,
        "looking needs no session"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_session_db_that_forgot_everything_logs_everybody_out_once() {
    let (mut lab, mut browser) = without("session-db").await;
    lab.redis().await;
    assert_reads(&browser.get("/cart").await, 401, "Session expired");
    assert_eq!(browser.cookie("logged_in"), None);
    assert_eq!(
        browser.get("/cart").await.json(),
        json!([]),
        "nobody's cart"
    );
    assert_eq!(
        browser.login("user", "password").await.status,
        StatusCode::OK
    );
    assert_eq!(
        browser.get("/cart").await.json()[0]["itemId"],
        CLASSIC,
        "the customer's cart is where it was"
    );
}
