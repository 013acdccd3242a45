//! What customers do: browse, fill a cart, log in, order, and wait for the parcel.

use axum::http::StatusCode;
use serde_json::json;

use crate::browser::Browser;
use crate::lab::{Lab, SOON};

const NERD_LEG: &str = "a0a4f044-b040-410d-8ead-4de0446aec7e";
const CLASSIC: &str = "zzz4f044-b040-410d-8ead-4de0446aec7e";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_customer_browses_fills_a_cart_logs_in_and_orders() {
    let lab = Lab::start().await;
    let mut browser = Browser::at(&lab);
    let home = browser.get("/").await;
    assert_eq!(
        home.content_type.as_deref(),
        Some("text/html; charset=UTF-8")
    );
    assert!(home.body.contains("<title>WeaveSocks</title>"));
    assert_eq!(
        browser
            .get("/catalogue?page=1&size=6")
            .await
            .json()
            .as_array()
            .map(Vec::len),
        Some(6)
    );

    assert_eq!(
        browser
            .post("/cart", json!({ "id": NERD_LEG, "quantity": 7 }))
            .await
            .status,
        StatusCode::CREATED
    );
    assert_eq!(
        browser
            .post("/cart", json!({ "id": NERD_LEG }))
            .await
            .status,
        StatusCode::CREATED
    );
    assert!(
        browser
            .cookie("md.sid")
            .is_some_and(|sid| sid.starts_with("s%3A"))
    );
    let cart = browser.get("/cart").await;
    assert_eq!(
        (cart.status, cart.content_type.as_deref()),
        (StatusCode::OK, None)
    );
    assert_eq!(
        cart.json()[0]["quantity"],
        2,
        "the quantity that was sent is not looked at"
    );
    let order = browser.post("/orders", json!({})).await;
    assert_eq!(
        (order.status, order.message().as_str()),
        (StatusCode::INTERNAL_SERVER_ERROR, "User not logged in.")
    );

    let login = browser.login("user", "password").await;
    assert_eq!(
        (login.status, login.body.as_str()),
        (StatusCode::OK, "Cookie is set")
    );
    assert!(browser.cookie("logged_in").is_some());
    let me = browser.get("/customers/whoever").await.json();
    assert_eq!(me["id"], "57a98d98e4b00679b4a830af");
    assert_eq!(
        browser.get("/cart").await.json()[0]["itemId"],
        NERD_LEG,
        "merged at login"
    );
    assert_eq!(
        browser.get("/card").await.json(),
        json!({ "number": "5918" })
    );
    assert_eq!(
        browser.get("/address").await.json()["street"],
        "Whitelees Road"
    );

    let update = browser
        .post("/cart/update", json!({ "id": NERD_LEG, "quantity": "1" }))
        .await;
    assert_eq!(
        (update.status, update.body.as_str()),
        (StatusCode::ACCEPTED, "")
    );
    let order = browser.post("/orders", json!({})).await;
    assert_eq!(order.status, StatusCode::CREATED, "{}", order.body);
    let placed = order.json();
    assert_eq!(placed["total"].to_string(), "12.98");
    assert_eq!(placed["status"], "SHIPPED");
    assert_eq!(
        browser.get("/cart").await.json().as_array().map(Vec::len),
        Some(1),
        "orders never empties the cart"
    );
    assert_eq!(browser.delete("/cart").await.status, StatusCode::ACCEPTED);
    assert_eq!(browser.get("/cart").await.json(), json!([]));

    let orders = browser.get("/orders").await;
    assert_eq!(orders.status, StatusCode::CREATED, "sic");
    let link = orders.json()[0]["_links"]["self"]["href"]
        .as_str()
        .map(str::to_owned);
    let id = placed["id"].as_str().expect("an id");
    assert!(link.is_some_and(|link| link.ends_with(id)));

    assert_eq!(browser.get("/logout").await.status, StatusCode::OK);
    assert_eq!(browser.cookie("logged_in"), None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_shipment_travels_through_the_queue_until_the_order_is_delivered() {
    let lab = Lab::start().await;
    let mut browser = Browser::at(&lab);
    browser.login("Eve_Berger", "eve").await;
    browser.post("/cart", json!({ "id": CLASSIC })).await;
    let placed = browser.post("/orders", json!({})).await.json();
    let path = format!("/orders/{}", placed["id"].as_str().expect("an id"));
    lab.until("orders", &path, "DELIVERED").await;
    lab.until(
        "queue-master",
        "/metrics",
        "queue_messages_consumed_total 1",
    )
    .await;
    let metrics = lab
        .until("orders", "/metrics", "order_value_total 16.99")
        .await;
    assert!(
        metrics.contains(r#"orders_total{status="SHIPPED"} 1"#),
        "{metrics}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_registers_is_logged_in_and_a_name_is_taken_once() {
    let lab = Lab::start().await;
    let mut browser = Browser::at(&lab);
    browser.post("/cart", json!({ "id": CLASSIC })).await;
    let bob = json!({ "username": "bob", "password": "pw", "email": "b@x", "firstName": "Bob", "lastName": "Bee" });
    let registered = browser.post("/register", bob.clone()).await;
    assert_eq!(registered.status, StatusCode::OK);
    let id = registered.json()["id"].as_str().expect("an id").to_owned();
    assert_eq!(id.len(), 24);
    assert_eq!(
        browser.get("/cart").await.json().as_array().map(Vec::len),
        Some(1),
        "merged"
    );
    let again = Browser::at(&lab).post("/register", bob).await;
    assert_eq!(again.status, StatusCode::CONFLICT);
    assert_eq!(
        again.json()["error"],
        "User already exists. Please choose a different username."
    );

    assert_eq!(
        browser.get("/card").await.json(),
        json!({ "status_code": 500 })
    );
    let address =
        json!({ "street": "Road", "number": "1", "country": "UK", "city": "X", "postcode": "Y" });
    assert_eq!(
        browser.post("/addresses", address).await.status,
        StatusCode::OK
    );
    let card = json!({ "longNum": "1234567890", "expires": "08/29", "ccv": "1" });
    assert_eq!(browser.post("/cards", card).await.status, StatusCode::OK);
    let order = browser.post("/orders", json!({})).await;
    assert_eq!(order.status, StatusCode::CREATED, "{}", order.body);
    assert_eq!(order.json()["total"].to_string(), "16.99");
    assert_eq!(order.json()["customerId"], id.as_str());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shipments_wait_for_a_queue_that_is_away() {
    let mut lab = Lab::start().await;
    lab.stop("rabbitmq").await;
    let mut browser = Browser::at(&lab);
    browser.login("user", "password").await;
    browser.post("/cart", json!({ "id": CLASSIC })).await;
    let order = browser.post("/orders", json!({})).await;
    assert_eq!(order.status, StatusCode::CREATED, "{}", order.body);
    let path = format!("/orders/{}", order.json()["id"].as_str().expect("an id"));
    lab.until("orders", &path, "SHIPPED").await;
    lab.rabbitmq().await;
    tokio::time::timeout(SOON, lab.until("orders", &path, "DELIVERED"))
        .await
        .expect("delivered at last");
}
