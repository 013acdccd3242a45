//! The tables of routes: what every service answers, with status, type and body.

use axum::http::{Method, StatusCode};
use serde_json::{Value, json};
use shop_kit::Peer;
use tokio::net::TcpListener;

use crate::browser::Browser;
use crate::contract::{HOLY, USER, ask, order_of_user, text};
use crate::lab::Lab;

const EVE: &str = "57a98d98e4b00679b4a830b2";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_shop_has_its_pages() {
    let lab = Lab::start().await;
    let mut browser = Browser::at(&lab);
    for (path, texts) in [
        ("/", &["<title>WeaveSocks</title>"][..]),
        ("/category.html", &["id=\"products\""]),
        ("/detail.html?id=x", &["id=\"detail\""]),
        (
            "/basket.html",
            &[
                "Proceed to checkout",
                "<button id=\"orderButton\" disabled>",
            ],
        ),
        (
            "/checkout1.html",
            &["id=\"address\"", "Continue to delivery"],
        ),
        ("/checkout2.html", &["$4.99", "Continue to payment"]),
        ("/checkout3.html", &["id=\"card\"", "Continue to review"]),
        ("/checkout4.html", &["id=\"orderButton\"", "id=\"total\""]),
        ("/customer-orders.html", &["My orders"]),
        ("/customer-order.html", &["id=\"order-id\""]),
        ("/register.html", &["id=\"register-username\""]),
        (
            "/shop.js",
            &[
                "0 items in cart",
                "item(s) in cart",
                "Logged in as ",
                "My orders",
                "login-modal",
                "class=\"product\"",
                "call(\"DELETE\", \"/cart\")",
            ],
        ),
    ] {
        let page = browser.get(path).await;
        assert_eq!(page.status, StatusCode::OK, "{path}");
        for text in texts {
            assert!(page.body.contains(text), "{path}: {text}");
        }
        let kind = page.content_type.unwrap_or_default();
        assert!(
            path == "/shop.js" || kind.starts_with("text/html"),
            "{path}: {kind}"
        );
    }
}

/// A row of the front-end's table: method, path, body, status, and the whole body of the answer,
/// or its beginning if it ends with `…`.
type Row = (&'static str, &'static str, Option<Value>, u16, &'static str);

async fn check(browser: &mut Browser, rows: &[Row]) {
    for (method, path, body, status, expected) in rows {
        let page = match *method {
            "GET" => browser.get(path).await,
            "DELETE" => browser.delete(path).await,
            _ => {
                browser
                    .post(path, body.clone().unwrap_or(Value::Null))
                    .await
            }
        };
        assert_eq!(
            page.status.as_u16(),
            *status,
            "{method} {path}: {}",
            page.body
        );
        match expected.strip_suffix('…') {
            Some(start) => assert!(
                page.body.starts_with(start),
                "{method} {path}: {}",
                page.body
            ),
            None => assert_eq!(page.body, *expected, "{method} {path}"),
        }
        let error = *status >= 500;
        assert!(
            error || page.content_type.is_none(),
            "{method} {path} has a type"
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_front_end_answers_by_its_table() {
    let lab = Lab::start().await;
    let mut nobody = Browser::at(&lab);
    check(
        &mut nobody,
        &[
            (
                "GET",
                "/catalogue?size=1",
                None,
                200,
                r#"[{"id":"03fef6ac-1896-4ce8-bd69-b798f85c6e0b","name":"Holy",…"#,
            ),
            (
                "GET",
                "/catalogue/size?tags=blue",
                None,
                200,
                r#"{"size":4,"err":null}"#,
            ),
            (
                "GET",
                "/catalogue/nope",
                None,
                200,
                r#"{"error":"not found","status_code":404,"status_text":"Not Found"…"#,
            ),
            ("GET", "/catalogue?tags=unheard", None, 200, "null"),
            ("GET", "/tags", None, 200, r#"{"tags":["brown",…"#),
            ("GET", "/cart", None, 200, "[]"),
            (
                "POST",
                "/cart",
                Some(json!({})),
                500,
                r#"{"message":"Must pass id of item to add","error":{}…"#,
            ),
            (
                "POST",
                "/cart",
                Some(json!({ "id": HOLY, "quantity": 9 })),
                201,
                "",
            ),
            (
                "POST",
                "/cart/update",
                Some(json!({ "id": HOLY })),
                500,
                r#"{"message":"Must pass quantity to update"…"#,
            ),
            (
                "POST",
                "/cart/update",
                Some(json!({ "id": "none", "quantity": 1 })),
                500,
                r#"{"message":…"#,
            ),
            (
                "POST",
                "/cart/update",
                Some(json!({ "id": HOLY, "quantity": "3 pairs" })),
                202,
                "",
            ),
            (
                "DELETE",
                "/cart/03fef6ac-1896-4ce8-bd69-b798f85c6e0b",
                None,
                202,
                "",
            ),
            (
                "DELETE",
                "/cart/03fef6ac-1896-4ce8-bd69-b798f85c6e0b",
                None,
                500,
                "",
            ),
            ("DELETE", "/cart", None, 202, ""),
            (
                "POST",
                "/orders",
                None,
                500,
                r#"{"message":"User not logged in.","error":{}…"#,
            ),
            (
                "GET",
                "/orders",
                None,
                500,
                r#"{"message":"User not logged in.","error":{}…"#,
            ),
            ("GET", "/card", None, 200, r#"{"status_code":500}"#),
            ("GET", "/address", None, 200, r#"{"status_code":500}"#),
            (
                "GET",
                "/customers",
                None,
                200,
                r#"{"_embedded":{"customer":[{"firstName":"Eve",…"#,
            ),
            (
                "GET",
                "/addresses",
                None,
                200,
                r#"{"_embedded":{"address":[{…"#,
            ),
            (
                "GET",
                "/cards",
                None,
                200,
                r#"{"_embedded":{"card":[{"longNum":"5953580604169678",…"#,
            ),
            (
                "GET",
                "/cards/57a98d98e4b00679b4a830b1",
                None,
                200,
                r#"{"longNum":"5544154011345918",…"#,
            ),
            (
                "GET",
                "/cards/zz",
                None,
                200,
                r#"{"error":"Invalid Id Hex","status_code":500,…"#,
            ),
            (
                "POST",
                "/customers",
                Some(json!({ "username": "someone" })),
                200,
                r#"{"id":"…"#,
            ),
            (
                "DELETE",
                "/customers/57a98d98e4b00679b4a830b5",
                None,
                200,
                r#""{\"status\":true}""#,
            ),
            (
                "DELETE",
                "/cards/57a98ddce4b00679b4a830d2",
                None,
                200,
                r#""{\"status\":true}""#,
            ),
        ],
    )
    .await;
    let mut eve = Browser::at(&lab);
    let login = eve.login("Eve_Berger", "eve").await;
    assert_eq!(
        (login.status, login.body.as_str()),
        (StatusCode::OK, "Cookie is set")
    );
    assert!(
        login
            .content_type
            .is_some_and(|kind| kind.starts_with("text/html"))
    );
    check(
        &mut eve,
        &[
            ("GET", "/customers/whoever", None, 200, r#"{"firstName":"Eve","lastName":"Berger","username":"Eve_Berger","id":"57a98d98e4b00679b4a830b2","_links":{…"#),
            ("GET", "/card", None, 200, r#"{"number":"9678"}"#),
            ("GET", "/address", None, 200, r#"{"street":"Whitelees Road","number":"246",…"#),
            ("GET", "/orders", None, 201, "[]"),
            ("POST", "/addresses", Some(json!({ "street": "x" })), 200, r#"{"id":"…"#),
            ("POST", "/cards", Some(json!({ "longNum": "1" })), 200, r#"{"id":"…"#),
            ("POST", "/cart", Some(json!({ "id": HOLY })), 201, ""),
            ("GET", "/cart", None, 200, r#"[{"id":"…"#),
            ("POST", "/orders", None, 201, r#"{"id":"…"#),
            ("GET", "/orders", None, 201, r#"[{"customerId":"57a98d98e4b00679b4a830b2","customer":{"firstName":"Eve",…"#),
            ("GET", "/cart", None, 200, r#"[{"id":"…"#),
        ],
    )
    .await;
    let addresses = ask(
        &lab.peer("user"),
        "GET",
        &format!("/customers/{EVE}/addresses"),
        None,
    )
    .await;
    let addresses: Value = addresses.json().expect("HAL");
    assert_eq!(
        addresses["_embedded"]["address"].as_array().map(Vec::len),
        Some(2)
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn pictures_and_single_orders_are_piped_with_status_and_headers() {
    let lab = Lab::start().await;
    let front_end = lab.peer("front-end");
    for (path, status, kind) in [
        ("/catalogue/images/WAT.jpg", 200, "image/jpeg"),
        (
            "/catalogue/images/nope.jpg",
            404,
            "text/plain; charset=utf-8",
        ),
        (
            "/catalogue/images/a/b.jpg",
            404,
            "text/plain; charset=utf-8",
        ),
    ] {
        let answer = ask(&front_end, "GET", path, None).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        assert_eq!(answer.headers["content-type"], kind, "{path}");
        let length = answer.headers["content-length"].to_str().ok();
        assert!(
            length.and_then(|length| length.parse::<u64>().ok()) > Some(0),
            "{path}"
        );
    }
    let mut browser = Browser::at(&lab);
    browser.login("user", "password").await;
    browser.post("/cart", json!({ "id": HOLY })).await;
    let placed = browser.post("/orders", Value::Null).await.json();
    let path = format!("/orders/{}", placed["id"].as_str().expect("an id"));
    let one = browser.get(&path).await;
    assert_eq!(one.status, StatusCode::OK);
    assert_eq!(
        one.content_type.as_deref(),
        Some("application/hal+json;charset=UTF-8")
    );
    let missing = browser.get("/orders/57a98d98e4b00679b4a83fff").await;
    assert_eq!(
        (missing.status, missing.body.as_str()),
        (StatusCode::NOT_FOUND, "")
    );
    let listed = ask(&front_end, "GET", "/catalogue", None).await;
    assert_eq!(listed.headers["transfer-encoding"], "chunked");
    assert!(!listed.headers.contains_key("content-type"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_is_200_with_every_part_under_the_right_key() {
    let lab = Lab::start().await;
    for (service, key, parts, kind) in [
        (
            "front-end",
            "time",
            &["front-end", "session-db"][..],
            "application/json; charset=utf-8",
        ),
        ("user", "time", &["user", "user-db"], "application/hal+json"),
        (
            "catalogue",
            "time",
            &["catalogue", "catalogue-db"],
            "application/json; charset=utf-8",
        ),
        (
            "payment",
            "time",
            &["payment"],
            "application/json; charset=utf-8",
        ),
        (
            "carts",
            "date",
            &["carts", "carts-db"],
            "application/json;charset=UTF-8",
        ),
        (
            "orders",
            "date",
            &["orders", "orders-db"],
            "application/json;charset=UTF-8",
        ),
        (
            "shipping",
            "date",
            &["shipping-rabbitmq", "shipping"],
            "application/json;charset=UTF-8",
        ),
        (
            "queue-master",
            "date",
            &["queue-master", "queue-master-rabbitmq"],
            "application/json;charset=UTF-8",
        ),
    ] {
        let answer = ask(&lab.peer(service), "GET", "/health", None).await;
        assert_eq!(answer.headers["content-type"], kind, "{service}");
        let body: Value = answer.json().expect("JSON");
        let found = body["health"].as_array().expect("parts");
        let names: Vec<_> = found.iter().map(|part| &part["service"]).collect();
        assert_eq!(names, parts.to_vec(), "{service}");
        for part in found {
            assert_eq!(part["status"], "OK", "{service}");
            let stamp = part[key].as_str().expect("a time");
            let form = if key == "date" {
                "NNNN-NN-NNTNN:NN:NN.NNNZ"
            } else {
                "NNNN-NN-NN NN:NN:NN.NNNNNNNNN +NNNN UTC m=+N"
            };
            let digits = |c: char| if c.is_ascii_digit() { 'N' } else { c };
            let shown: String = stamp.chars().map(digits).take(form.len()).collect();
            assert_eq!(shown, form, "{service}: {stamp}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn health_stays_200_and_says_err_without_the_store() {
    for (service, store, part) in [
        ("user", "user-db", "user-db"),
        ("catalogue", "catalogue-db", "catalogue-db"),
        ("carts", "carts-db", "carts-db"),
        ("orders", "orders-db", "orders-db"),
        ("shipping", "rabbitmq", "shipping-rabbitmq"),
        ("queue-master", "rabbitmq", "queue-master-rabbitmq"),
    ] {
        let mut lab = Lab::start().await;
        lab.stop(store).await;
        let said = format!(r#""service":"{part}","status":"err""#);
        lab.until(service, "/health", &said).await;
        let answer = ask(&lab.peer(service), "GET", "/health", None).await;
        assert_eq!(answer.status, StatusCode::OK, "{service}");
    }
}

async fn post(peer: &Peer, path: &str, body: &'static str) -> (u16, String) {
    let call = peer
        .call(Method::POST, path)
        .json(&serde_json::from_str::<Value>(body).expect("JSON"));
    let answer = call.send().await.expect("an answer");
    (answer.status.as_u16(), text(&answer))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn payment_decides_by_its_table() {
    let lab = Lab::without_variable("PAYMENT_GATEWAY_URL").await;
    for (body, status, expected) in [
        (
            r#"{"amount":0.01}"#,
            200,
            r#"{"authorised":true,"message":"Payment authorised"}"#,
        ),
        (
            r#"{"amount":104.979996}"#,
            200,
            r#"{"authorised":true,"message":"Payment authorised"}"#,
        ),
        (
            r#"{"amount":105}"#,
            200,
            r#"{"authorised":true,"message":"Payment authorised"}"#,
        ),
        (
            r#"{"amount":105.01}"#,
            200,
            r#"{"authorised":false,"message":"Payment declined: amount exceeds 105.00"}"#,
        ),
        (
            r#"{"amount":0}"#,
            500,
            r#"{"error":"Cannot unmarshal object key \"amount\" from JSON: {\"amount\":0}","status_code":500,"status_text":"Internal Server Error""#,
        ),
        (
            r#"{"card":null}"#,
            500,
            r#"{"error":"Cannot unmarshal object key \"amount\" from JSON: {\"card\":null}","#,
        ),
        (
            r#"{"amount":-1}"#,
            500,
            r#"{"error":"Invalid payment amount","#,
        ),
        (r#""text""#, 500, r#"{"error":""#),
    ] {
        let (found, answer) = post(&lab.peer("payment"), "/paymentAuth", body).await;
        assert_eq!(found, status, "{body}: {answer}");
        assert!(answer.starts_with(expected), "{body}: {answer}");
    }
    let limited = Lab::with_variable("DECLINE", "999").await;
    let (_, answer) = post(
        &limited.peer("payment"),
        "/paymentAuth",
        r#"{"amount":1000}"#,
    )
    .await;
    assert!(answer.contains("amount exceeds 999.00"), "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_is_answered_key_by_key_and_read_as_hal_without_ids() {
    let lab = Lab::start().await;
    let (orders, carts) = (lab.peer("orders"), lab.peer("carts"));
    let line = json!({ "itemId": HOLY, "quantity": 1, "unitPrice": 14 });
    ask(&carts, "POST", &format!("/carts/{USER}/items"), Some(line)).await;
    let wanted = order_of_user();
    let placed = ask(&orders, "POST", "/orders", Some(wanted.clone())).await;
    assert_eq!(placed.status, StatusCode::CREATED);
    let placed: Value = placed.json().expect("JSON");
    let address = r#""number":"246","street":"Whitelees Road","city":"Glasgow","postcode":"G67 3DL","country":"United Kingdom""#;
    let card = r#""longNum":"5544154011345918","expires":"08/19","ccv":"958""#;
    let expected = format!(
        r#"{{"id":{},"customerId":"{USER}","customer":{{"id":null,"firstName":"User","lastName":"Name","username":"user","addresses":[],"cards":[]}},"address":{{"id":null,{address}}},"card":{{"id":null,{card}}},"items":[{{"id":{},"itemId":"{HOLY}","quantity":1,"unitPrice":14.0}}],"shipment":{{"id":{},"name":"{USER}"}},"date":{},"total":18.99,"status":"SHIPPED"}}"#,
        placed["id"], placed["items"][0]["id"], placed["shipment"]["id"], placed["date"],
    );
    assert_eq!(placed.to_string(), expected);
    let id = placed["id"].as_str().expect("an id");
    let host = lab.url("orders");
    let one = ask(&orders, "GET", &format!("/orders/{id}"), None).await;
    assert_eq!(
        one.headers["content-type"],
        "application/hal+json;charset=UTF-8"
    );
    assert!(
        text(&one).contains("\n  \"customerId\" : ") || text(&one).contains("\n  \"customerId\": "),
        "pretty"
    );
    assert!(!text(&one).contains("\"id\""), "{}", text(&one));
    let one: Value = one.json().expect("HAL");
    let href = json!({ "href": format!("{host}/orders/{id}") });
    assert_eq!(one["_links"], json!({ "self": href, "order": href }));
    assert_eq!(one["items"][0]["unitPrice"].to_string(), "14.0");
    let all: Value = ask(&orders, "GET", "/orders", None)
        .await
        .json()
        .expect("HAL");
    assert_eq!(
        all["page"],
        json!({ "size": 20, "totalElements": 1, "totalPages": 1, "number": 0 })
    );
    let links: Vec<_> = all["_links"].as_object().expect("links").keys().collect();
    assert_eq!(links, ["self", "profile", "search"]);
    assert_eq!(
        all["_embedded"]["customerOrders"].as_array().map(Vec::len),
        Some(1)
    );
    for link in ["profile", "search"] {
        let href = all["_links"][link]["href"].as_str().expect("a link");
        let path = href.strip_prefix(host).expect("here");
        assert_eq!(
            ask(&orders, "GET", path, None).await.status,
            StatusCode::OK,
            "{path}"
        );
    }
    let ignored = ask(&orders, "GET", "/orders?page=x&size=&page=2", None).await;
    assert_eq!(ignored.status, StatusCode::OK);
    for part in ["customer", "address", "card", "items"] {
        for missing in [Some(Value::Null), None] {
            let mut lacking = wanted.clone();
            match missing {
                Some(null) => lacking[part] = null,
                None => drop(lacking.as_object_mut().expect("an object").remove(part)),
            }
            let answer = ask(&orders, "POST", "/orders", Some(lacking)).await;
            let answer: Value = answer.json().expect("JSON");
            assert_eq!(answer["status"], 406, "{part}");
            assert_eq!(answer["error"], "Not Acceptable");
            assert_eq!(
                answer["message"],
                "Invalid order request. Order requires customer, address, card and items."
            );
            assert_eq!(answer["path"], "/orders");
            assert!(answer["timestamp"].is_i64(), "milliseconds");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn merging_puts_the_sessions_lines_after_the_customers() {
    let lab = Lab::start().await;
    let carts = lab.peer("carts");
    let add = async |cart: &str, sock: &str| {
        let line = json!({ "itemId": sock });
        ask(&carts, "POST", &format!("/carts/{cart}/items"), Some(line)).await;
    };
    add("session", "a").await;
    add("session", "b").await;
    add("me", "b").await;
    ask(&carts, "GET", "/carts/me/merge?sessionId=session", None).await;
    let merged: Vec<Value> = ask(&carts, "GET", "/carts/me/items", None)
        .await
        .json()
        .expect("lines");
    let socks: Vec<_> = merged.iter().map(|line| &line["itemId"]).collect();
    assert_eq!(socks, ["b", "a", "b"], "equal ones stand side by side");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn user_takes_null_for_not_sent_and_the_empty_password_of_who_has_none() {
    let lab = Lab::start().await;
    let user = lab.peer("user");
    let (status, _) = post(
        &user,
        "/customers",
        r#"{"username":"nopass","password":"x","email":null}"#,
    )
    .await;
    assert_eq!(status, 200);
    for (password, status) in [("", 200), ("x", 401)] {
        let login = Browser::at(&lab).login("nopass", password).await;
        assert_eq!(login.status.as_u16(), status, "{password:?}");
    }
    let (status, answer) = post(&user, "/register", r#"{"username":"nopass"}"#).await;
    assert_eq!(status, 409, "{answer}");
    let (status, answer) = post(&user, "/addresses", r#"{"street":"x","userID":null}"#).await;
    assert_eq!(status, 200, "{answer}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn catalogue_reads_queries_as_it_always_did() {
    let lab = Lab::start().await;
    let catalogue = lab.peer("catalogue");
    for (query, ids) in [
        ("?sort=price", Some(10)),
        ("?tags=", Some(10)),
        ("?size=3", Some(3)),
        ("?page=2&size=6", Some(4)),
        ("?page=2", Some(0)),
        ("?page=0", Some(0)),
        ("?size=x", Some(0)),
        ("?size=2&size=5", Some(2)),
        ("?tags=blue,geek", Some(6)),
        ("?tags=blue&tags=geek", Some(4)),
        ("?tags=unheard", None),
    ] {
        let answer = ask(&catalogue, "GET", &format!("/catalogue{query}"), None).await;
        assert_eq!(
            answer.headers["content-type"],
            "application/json; charset=utf-8"
        );
        let found: Value = answer.json().expect("JSON");
        assert_eq!(found.as_array().map(Vec::len), ids, "{query}");
    }
}

/// Lets the kernel take connections to a service that is stopped; nobody answers them.
async fn hang(lab: &mut Lab, service: &'static str) -> TcpListener {
    lab.stop(service).await;
    let address = lab.url(service).trim_start_matches("http://").to_owned();
    TcpListener::bind(address).await.expect("a free port")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn orders_that_fail_say_why_as_spring_does() {
    let wanted = order_of_user();
    let late = "Unable to create order due to timeout from one of the services.";
    let broken = "Unable to create order due to unspecified IO error.";
    let unpaid = "Payment service unavailable for order …";
    for (service, hangs, message, status) in [
        ("user", true, late, "PENDING"),
        ("carts", true, late, "PENDING"),
        ("user", false, broken, "PENDING"),
        ("carts", false, broken, "PENDING"),
        ("payment", true, unpaid, "PAYMENT_FAILED"),
        ("payment", false, unpaid, "PAYMENT_FAILED"),
    ] {
        let mut lab = Lab::with_variable("HTTP_TIMEOUT", "1").await;
        let _listener = if hangs {
            Some(hang(&mut lab, service).await)
        } else {
            lab.stop(service).await;
            None
        };
        let orders = lab.peer("orders");
        let answer = ask(&orders, "POST", "/orders", Some(wanted.clone())).await;
        assert_eq!(
            answer.status,
            StatusCode::INTERNAL_SERVER_ERROR,
            "{service}"
        );
        let answer: Value = answer.json().expect("JSON");
        let said = answer["message"].as_str().expect("text");
        match message.strip_suffix('…') {
            Some(start) => assert!(said.starts_with(start), "{service}: {said}"),
            None => assert_eq!(said, message, "{service}, hangs: {hangs}"),
        }
        assert_eq!(answer["exception"], "java.lang.IllegalStateException");
        let search = format!("/orders/search/customerId?custId={USER}");
        let stored: Value = ask(&orders, "GET", &search, None)
            .await
            .json()
            .expect("HAL");
        let order = stored
            .pointer("/_embedded/customerOrders/0")
            .expect("it is stored");
        assert_eq!(order["status"], status, "{service}");
        assert_eq!(order["shipment"], Value::Null, "{service}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn links_of_user_lead_where_its_domain_says() {
    let lab = Lab::with_variable("LINK_DOMAIN", "users.example:8084").await;
    let user = lab.peer("user");
    for (path, link, href) in [
        (
            format!("/customers/{USER}"),
            "/_links/addresses/href",
            format!("/customers/{USER}/addresses"),
        ),
        (
            format!("/customers/{USER}/cards"),
            "/_embedded/card/0/_links/self/href",
            "/cards/57a98d98e4b00679b4a830b1".to_owned(),
        ),
        (
            format!("/customers/{USER}/addresses"),
            "/_embedded/address/0/_links/address/href",
            "/addresses/57a98d98e4b00679b4a830b0".to_owned(),
        ),
    ] {
        let found: Value = ask(&user, "GET", &path, None).await.json().expect("HAL");
        let expected = json!(format!("http://users.example:8084{href}"));
        assert_eq!(found.pointer(link), Some(&expected), "{path}");
    }
}
