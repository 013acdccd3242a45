//! The contract of each service, asked directly: statuses, bodies, golden data.

use axum::http::{Method, StatusCode};
use base64::Engine;
use serde_json::{Value, json};
use shop_kit::{Answer, Peer};

use crate::lab::Lab;

pub(crate) const USER: &str = "57a98d98e4b00679b4a830af";
pub(crate) const HOLY: &str = "03fef6ac-1896-4ce8-bd69-b798f85c6e0b";

pub(crate) async fn ask(peer: &Peer, method: &str, path: &str, body: Option<Value>) -> Answer {
    let method = Method::from_bytes(method.as_bytes()).expect("a method");
    let call = peer.call(method, path);
    let call = match body {
        Some(body) => call.json(&body),
        None => call,
    };
    call.send().await.expect("an answer")
}

/// What the customer `user` asks orders for: what stands in their cart.
pub(crate) fn order_of_user() -> Value {
    json!({
        "customer": format!("http://user/customers/{USER}"),
        "address": "http://user/addresses/57a98d98e4b00679b4a830b0",
        "card": "http://user/cards/57a98d98e4b00679b4a830b1",
        "items": format!("http://carts/carts/{USER}/items"),
    })
}

/// The value of `Authorization` with which somebody logs in.
pub(crate) fn basic(name: &str, password: &str) -> String {
    let pair = base64::engine::general_purpose::STANDARD.encode(format!("{name}:{password}"));
    format!("Basic {pair}")
}

pub(crate) fn text(answer: &Answer) -> String {
    String::from_utf8_lossy(&answer.body).into_owned()
}

/// Asks, and checks status and a part of the body.
pub(crate) async fn check(peer: &Peer, cases: &[(&str, &str, Option<Value>, u16, &str)]) {
    for (method, path, body, status, part) in cases {
        let answer = ask(peer, method, path, body.clone()).await;
        let found = text(&answer);
        assert_eq!(answer.status.as_u16(), *status, "{method} {path}: {found}");
        assert!(
            found.contains(part),
            "{method} {path}: {part} is not in {found}"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn catalogue_lists_ten_socks_with_tags_and_pictures() {
    let lab = Lab::start().await;
    let catalogue = lab.peer("catalogue");
    let all: Value = ask(&catalogue, "GET", "/catalogue", None)
        .await
        .json()
        .expect("JSON");
    let names: Vec<_> = all
        .as_array()
        .expect("a list")
        .iter()
        .map(|sock| sock["name"].as_str().expect("a name"))
        .collect();
    assert_eq!(
        names,
        [
            "Holy",
            "Colourful",
            "SuperSport XL",
            "Weave special",
            "Crossed",
            "Figueroa",
            "Cat socks",
            "Nerd leg",
            "YouTube.sock",
            "Classic"
        ]
    );
    assert_eq!(all[0]["price"].to_string(), "99.99");
    assert_eq!(all[2]["price"].to_string(), "15");
    assert_eq!(all[0]["tag"], json!(["magic", "action"]));
    assert_eq!(all[4]["tag"], json!(["blue", "red", "action", "formal"]));
    check(
        &catalogue,
        &[
            ("GET", "/catalogue/size", None, 200, r#"{"size":10,"err":null}"#),
            ("GET", "/catalogue/size?tags=blue", None, 200, r#"{"size":4,"err":null}"#),
            ("GET", "/catalogue?tags=magic", None, 200, r#""tag":["magic"]"#),
            ("GET", "/catalogue?tags=unheard", None, 200, "null"),
            ("GET", "/catalogue?page=9", None, 200, "[]"),
            ("GET", "/catalogue?page=x", None, 200, "[]"),
            ("GET", "/catalogue/nope", None, 404, r#"{"error":"not found","status_code":404,"status_text":"Not Found""#),
            ("GET", "/tags", None, 200, r#"{"tags":["brown","geek","formal","blue","skin","red","action","sport","black","magic","green"],"err":null}"#),
            ("GET", "/health", None, 200, r#"{"health":[{"service":"catalogue","status":"OK","time":""#),
        ],
    )
    .await;
    for sock in all.as_array().expect("a list") {
        for image in sock["imageUrl"].as_array().expect("two") {
            let answer = ask(&catalogue, "GET", image.as_str().expect("a path"), None).await;
            assert_eq!(answer.headers["content-type"], "image/jpeg", "{image}");
            assert_eq!(answer.body[..3], [0xff, 0xd8, 0xff], "{image} is a JPEG");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn user_shows_customers_addresses_and_cards() {
    let lab = Lab::start().await;
    let user = lab.peer("user");
    let mary = json!({ "username": "mary", "firstName": "Mary" });
    check(
        &user,
        &[
            ("GET", "/login", None, 401, r#"{"error":"Unauthorized","status_code":401,"status_text":"Unauthorized""#),
            ("GET", "/customers", None, 200, r#"{"_embedded":{"customer":[{"firstName":"Eve","lastName":"Berger","username":"Eve_Berger","id":"57a98d98e4b00679b4a830b2""#),
            ("GET", "/customers/57a98d98e4b00679b4a830af", None, 200, r#""username":"user""#),
            ("GET", "/customers/57a98d98e4b00679b4a830b5", None, 200, r#""username":"user1""#),
            ("GET", "/customers/zz", None, 500, "Invalid Id Hex"),
            ("GET", "/customers/57a98d98e4b00679b4a83fff", None, 500, "not found"),
            ("GET", "/customers/57a98d98e4b00679b4a830af/addresses", None, 200, r#"{"_embedded":{"address":[{"street":"Whitelees Road","number":"246""#),
            ("GET", "/customers/57a98d98e4b00679b4a830af/cards", None, 200, r#"{"_embedded":{"card":[{"longNum":"5544154011345918","expires":"08/19","ccv":"958""#),
            ("GET", "/addresses/57a98d98e4b00679b4a830b0", None, 200, r#""href":"http://user/addresses/57a98d98e4b00679b4a830b0""#),
            ("GET", "/cards", None, 200, "5429804235432"),
            ("POST", "/customers", Some(mary.clone()), 200, r#"{"id":""#),
            ("POST", "/customers", Some(mary), 409, "User already exists"),
            ("POST", "/register", None, 500, "EOF"),
            ("POST", "/addresses", Some(json!({ "street": "x", "userID": "zz" })), 500, "Invalid Id Hex"),
            ("POST", "/cards", Some(json!({ "longNum": "1" })), 200, r#"{"id":""#),
            ("DELETE", "/cards/57a98ddce4b00679b4a830d2", None, 200, r#"{"status":true}"#),
            ("DELETE", "/cards/57a98ddce4b00679b4a830d2", None, 500, "not found"),
            ("DELETE", "/customers/57a98d98e4b00679b4a830b5", None, 200, r#"{"status":true}"#),
            ("GET", "/addresses/57a98d98e4b00679b4a830b3", None, 500, "not found"),
        ],
    )
    .await;
    let one = ask(&user, "GET", &format!("/customers/{USER}"), None).await;
    assert_eq!(one.headers["content-type"], "application/hal+json");
    let one: Value = one.json().expect("JSON");
    let keys: Vec<_> = one
        .as_object()
        .expect("an object")
        .keys()
        .map(String::as_str)
        .collect();
    assert_eq!(keys, ["firstName", "lastName", "username", "id", "_links"]);
    let failed = ask(&user, "GET", "/customers/zz", None).await;
    assert_eq!(failed.headers["content-type"], "text/plain; charset=utf-8");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn carts_keeps_lines() {
    let lab = Lab::start().await;
    let carts = lab.peer("carts");
    let line = json!({ "itemId": HOLY, "unitPrice": 99.99 });
    let other = json!({ "id": "b", "quantity": 5, "unitPrice": 14 });
    check(
        &carts,
        &[
            ("GET", "/carts/a", None, 200, r#"{"customerId":"a","items":[]}"#),
            ("POST", "/carts/a/items", Some(line.clone()), 201, r#""quantity":1,"unitPrice":99.99}"#),
            ("POST", "/carts/a/items", Some(json!({ "itemId": HOLY, "quantity": 9 })), 201, r#""quantity":2"#),
            ("POST", "/carts/a/items", Some(other), 201, r#""itemId":"b","quantity":5,"unitPrice":14.0}"#),
            ("PATCH", "/carts/a/items", Some(json!({ "itemId": HOLY, "quantity": 4, "unitPrice": 1 })), 202, ""),
            ("GET", &format!("/carts/a/items/{HOLY}"), None, 200, r#""quantity":4,"unitPrice":99.99}"#),
            ("PATCH", "/carts/a/items", Some(json!({ "id": "b", "quantity": 0 })), 202, ""),
            ("GET", "/carts/a/items/b", None, 500, r#""exception":"java.lang.IllegalArgumentException","message":"Cannot find item in cart","path":"/carts/a/items/b""#),
            ("PATCH", "/carts/a/items", Some(json!({ "id": "b", "quantity": 1 })), 500, "Cannot find item"),
            ("DELETE", "/carts/a/items/b", None, 500, "Cannot find item"),
            ("POST", "/carts/session/items", Some(line), 201, ""),
            ("GET", "/carts/a/merge", None, 400, "sessionId"),
            ("GET", "/carts/a/merge?sessionId=session", None, 202, ""),
            ("GET", "/carts/session/items", None, 200, "[]"),
            ("GET", "/health", None, 200, r#"{"health":[{"service":"carts","status":"OK","date":""#),
        ],
    )
    .await;
    let merged: Value = ask(&carts, "GET", "/carts/a/items", None)
        .await
        .json()
        .expect("JSON");
    assert_eq!(
        merged.as_array().map(Vec::len),
        Some(2),
        "equal lines stand side by side"
    );
    check(
        &carts,
        &[
            ("DELETE", "/carts/a", None, 202, ""),
            ("GET", "/carts/a/items", None, 200, "[]"),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payment_authorises_up_to_its_limit() {
    let lab = Lab::without_variable("PAYMENT_GATEWAY_URL").await;
    let payment = lab.peer("payment");
    check(
        &payment,
        &[
            (
                "POST",
                "/paymentAuth",
                Some(json!({ "amount": 40 })),
                200,
                r#"{"authorised":true,"message":"Payment authorised"}"#,
            ),
            (
                "POST",
                "/paymentAuth",
                Some(json!({ "amount": 105.0 })),
                200,
                r#""authorised":true"#,
            ),
            (
                "POST",
                "/paymentAuth",
                Some(json!({ "amount": 105.01 })),
                200,
                r#"{"authorised":false,"message":"Payment declined: amount exceeds 105.00"}"#,
            ),
            (
                "POST",
                "/paymentAuth",
                Some(json!({ "amount": 0 })),
                500,
                r#"Cannot unmarshal object key \"amount\" from JSON: {\"amount\":0}"#,
            ),
            (
                "POST",
                "/paymentAuth",
                Some(json!({ "amount": -1 })),
                500,
                "Invalid payment amount",
            ),
            (
                "GET",
                "/health",
                None,
                200,
                r#"{"health":[{"service":"payment","status":"OK","time":""#,
            ),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_are_declined_found_changed_and_removed() {
    let lab = Lab::start().await;
    let (orders, carts) = (lab.peer("orders"), lab.peer("carts"));
    let request = order_of_user();
    let line = json!({ "itemId": HOLY, "quantity": 2, "unitPrice": 99.99 });
    ask(&carts, "POST", &format!("/carts/{USER}/items"), Some(line)).await;
    let mut lacking = request.clone();
    lacking["card"] = Value::Null;
    let search = format!("/orders/search/customerId?custId={USER}");
    check(
        &orders,
        &[
            ("POST", "/orders", Some(lacking), 406, "Invalid order request. Order requires customer, address, card and items."),
            ("POST", "/orders", Some(request.clone()), 406, r#"PaymentDeclinedException","message":"Payment declined: amount exceeds 105.00","path":"/orders""#),
            ("GET", &search, None, 200, r#""status": "PAYMENT_FAILED""#),
            ("GET", &search, None, 200, r#""total": 204.97"#),
            ("GET", "/orders/search/customerId?custId=nobody", None, 200, r#""customerOrders": []"#),
            ("GET", "/orders/57a98d98e4b00679b4a83fff", None, 404, ""),
            ("GET", "/health", None, 200, r#"{"health":[{"service":"orders","status":"OK","date":""#),
        ],
    )
    .await;
    let line = json!({ "itemId": HOLY, "quantity": 1 });
    ask(&carts, "PATCH", &format!("/carts/{USER}/items"), Some(line)).await;
    let placed = ask(&orders, "POST", "/orders", Some(request)).await;
    assert_eq!(placed.status, StatusCode::CREATED);
    assert!(
        text(&placed).contains(r#""total":104.979996"#),
        "{}",
        text(&placed)
    );
    let placed: Value = placed.json().expect("JSON");
    let path = format!("/orders/{}", placed["id"].as_str().expect("an id"));
    check(
        &orders,
        &[
            ("GET", "/orders?size=1", None, 200, r#""totalElements": 2"#),
            ("GET", &path, None, 200, "\"unitPrice\": 99.99"),
            ("PATCH", &path, Some(json!({ "status": "PAID" })), 204, ""),
            (
                "PATCH",
                "/orders/shipments/nobody",
                Some(json!({ "status": "DELIVERED" })),
                404,
                "",
            ),
            ("DELETE", &path, None, 204, ""),
            ("GET", &path, None, 404, ""),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn shipping_takes_shipments() {
    let lab = Lab::start().await;
    check(
        &lab.peer("shipping"),
        &[
            ("GET", "/shipping", None, 200, "GET ALL Shipping Resource."),
            (
                "GET",
                "/shipping/7",
                None,
                200,
                "GET Shipping Resource with id: 7",
            ),
            (
                "POST",
                "/shipping",
                Some(json!({ "id": "7", "name": USER })),
                201,
                r#"{"id":"7","name":"57a98d98e4b00679b4a830af"}"#,
            ),
            (
                "POST",
                "/shipping",
                Some(json!({ "name": USER })),
                201,
                r#"{"id":""#,
            ),
            (
                "GET",
                "/health",
                None,
                200,
                r#"{"health":[{"service":"shipping-rabbitmq","status":""#,
            ),
        ],
    )
    .await;
    let queue_master = lab.peer("queue-master");
    check(
        &queue_master,
        &[
            ("GET", "/prometheus", None, 200, "http_requests_in_flight"),
            ("GET", "/health", None, 200, r#"{"service":"queue-master""#),
        ],
    )
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_front_end_keeps_the_ways_of_the_first_one() {
    let lab = Lab::start().await;
    check(
        &lab.peer("front-end"),
        &[
            ("GET", "/catalogue/nope", None, 200, r#""status_code":404"#),
            ("GET", "/tags", None, 200, r#""err":null"#),
            ("GET", "/category.html/", None, 301, ""),
            ("GET", "/a//b/", None, 400, "invalid URL to redirect to"),
            ("GET", "/nothing", None, 404, ""),
            (
                "POST",
                "/cart",
                Some(json!({})),
                500,
                "Must pass id of item to add",
            ),
            ("POST", "/cart", Some(json!({ "id": "test-item" })), 201, ""),
            ("GET", "/orders", None, 500, "User not logged in."),
            (
                "DELETE",
                "/addresses/57a98ddce4b00679b4a830d1",
                None,
                200,
                r#""{\"status\":true}""#,
            ),
            (
                "GET",
                "/health",
                None,
                200,
                r#"{"service":"session-db","status":"OK""#,
            ),
        ],
    )
    .await;
    let image = ask(
        &lab.peer("front-end"),
        "GET",
        "/catalogue/images/holy_1.jpeg",
        None,
    )
    .await;
    assert_eq!(image.headers["content-type"], "image/jpeg");
}
