//! What programs written for the first system do, and find: its load script at our
//! front-end, its front-end at our other services.

use axum::http::{HeaderValue, StatusCode, header};
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::contract::{HOLY, USER, ask, basic, text};
use crate::lab::Lab;

const CLASSIC: &str = "zzz4f044-b040-410d-8ead-4de0446aec7e";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_load_script_finds_nothing_amiss() {
    let lab = Lab::start().await;
    let mut script = Browser::at(&lab);
    for round in 0..2 {
        let catalogue = script.get("/catalogue").await;
        assert_eq!(catalogue.status, StatusCode::OK);
        let socks = catalogue.json();
        assert_eq!(socks.as_array().map(Vec::len), Some(10), "round {round}");
        let id = socks[9]["id"].as_str().expect("an id").to_owned();
        assert_eq!(script.get("/").await.status, StatusCode::OK);
        let login = script.login("user", "password").await;
        assert_eq!(login.status, StatusCode::OK, "{}", login.body);
        for page in ["/category.html", &format!("/detail.html?id={id}")] {
            assert_eq!(script.get(page).await.status, StatusCode::OK, "{page}");
        }
        assert_eq!(script.delete("/cart").await.status, StatusCode::ACCEPTED);
        let line = json!({ "id": id, "quantity": 1 });
        let added = script.post("/cart", line).await;
        assert_eq!(
            (added.status, added.body.as_str()),
            (StatusCode::CREATED, "")
        );
        assert_eq!(script.get("/basket.html").await.status, StatusCode::OK);
        let order = script.post("/orders", Value::Null).await;
        assert_eq!(order.status, StatusCode::CREATED, "{}", order.body);
        let order = order.json();
        for (field, expected) in [
            ("/total", json!(16.99)),
            ("/customerId", json!(USER)),
            ("/customer/id", Value::Null),
            ("/customer/username", json!("user")),
            ("/customer/addresses", json!([])),
            ("/address/street", json!("Whitelees Road")),
            ("/card/longNum", json!("5544154011345918")),
            ("/items/0/itemId", json!(CLASSIC)),
            ("/items/0/quantity", json!(1)),
            ("/shipment/name", json!(USER)),
        ] {
            assert_eq!(order.pointer(field), Some(&expected), "{field}");
        }
    }
    let mut nobody = Browser::at(&lab);
    for _ in 0..8 {
        let added = nobody.post("/cart", json!({ "id": "test-item" })).await;
        assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    }
    let cart = nobody.get("/cart").await.json();
    assert_eq!(
        cart[0]["itemId"], "",
        "catalogue's error is taken for the sock"
    );
    assert_eq!(cart[0]["unitPrice"].to_string(), "0.0");
    assert_eq!(cart[0]["quantity"], 8);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_without_a_login_is_refused_and_so_is_an_address() {
    let lab = Lab::start().await;
    let mut nobody = Browser::at(&lab);
    let order = nobody.post("/orders", json!({})).await;
    let body = order.json();
    assert_eq!(order.status, StatusCode::INTERNAL_SERVER_ERROR);
    assert_eq!(
        (&body["message"], &body["error"]),
        (&json!("User not logged in."), &json!({}))
    );
    for (path, expected) in [
        ("/card", json!({ "status_code": 500 })),
        ("/address", json!({ "status_code": 500 })),
    ] {
        let page = nobody.get(path).await;
        assert_eq!(
            (page.status, page.json()),
            (StatusCode::OK, expected),
            "{path}"
        );
    }
    let me = nobody.get("/customers/me").await;
    assert_eq!(
        (me.status, &me.json()["error"]),
        (StatusCode::OK, &json!("Invalid Id Hex"))
    );
    let address = nobody.post("/addresses", json!({ "street": "x" })).await;
    assert_eq!(
        (address.status, &address.json()["error"]),
        (StatusCode::OK, &json!("Invalid Id Hex"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_of_the_gateway_have_no_content_type_and_slashes_are_taken_off() {
    let lab = Lab::start().await;
    let mut browser = Browser::at(&lab);
    browser.login("user", "password").await;
    for path in [
        "/catalogue",
        "/catalogue/nope",
        "/tags",
        "/cart",
        "/customers",
        "/orders",
        "/card",
    ] {
        assert_eq!(browser.get(path).await.content_type, None, "{path}");
    }
    for (path, status, location) in [
        ("/category.html/", 301, "/category.html"),
        (
            "/catalogue/size/?tags=blue",
            301,
            "/catalogue/size?tags=blue",
        ),
        ("/orders/", 301, "/orders"),
        ("/a//b/", 400, ""),
    ] {
        let answer = ask(&lab.peer("front-end"), "GET", path, None).await;
        assert_eq!(answer.status.as_u16(), status, "{path}");
        let found = answer.headers.get(header::LOCATION);
        let found = found
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default();
        assert_eq!(found, location, "{path}");
    }
}

/// The path of an absolute link, as DNS would lead to it.
fn path(link: &Value) -> String {
    let url: url::Url = link.as_str().expect("a link").parse().expect("absolute");
    url.path().to_owned()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_front_end_finds_its_way_from_login_to_the_orders() {
    let lab = Lab::start().await;
    let (user, carts, orders) = (lab.peer("user"), lab.peer("carts"), lab.peer("orders"));
    let basic = HeaderValue::try_from(basic("Eve_Berger", "eve")).expect("ascii");
    let login = user.get("/login").header(header::AUTHORIZATION, basic);
    let login: Value = login.send().await.expect("an answer").json().expect("JSON");
    let id = login["user"]["id"].as_str().expect("an id");
    let merged = ask(
        &carts,
        "GET",
        &format!("/carts/{id}/merge?sessionId=s-1"),
        None,
    )
    .await;
    assert_eq!(merged.status, StatusCode::ACCEPTED);
    let sock: Value = ask(
        &lab.peer("catalogue"),
        "GET",
        &format!("/catalogue/{HOLY}"),
        None,
    )
    .await
    .json()
    .expect("a sock");
    let line = json!({ "itemId": sock["id"], "unitPrice": sock["price"] });
    let added = ask(&carts, "POST", &format!("/carts/{id}/items"), Some(line)).await;
    assert_eq!(added.status, StatusCode::CREATED);

    let customer: Value = ask(&user, "GET", &format!("/customers/{id}"), None)
        .await
        .json()
        .expect("a customer");
    let links = &customer["_links"];
    let mut wanted = json!({
        "customer": links["customer"]["href"],
        "items": format!("http://carts/carts/{id}/items"),
    });
    for (kind, link) in [("address", "addresses"), ("card", "cards")] {
        let found: Value = ask(&user, "GET", &path(&links[link]["href"]), None)
            .await
            .json()
            .expect("a list");
        let first = found.pointer(&format!("/_embedded/{kind}/0/_links/self/href"));
        wanted[kind] = first.expect("a link").clone();
    }
    let placed = ask(&orders, "POST", "/orders", Some(wanted)).await;
    assert_eq!(placed.status, StatusCode::CREATED, "{}", text(&placed));
    assert!(
        text(&placed).contains(r#""total":104.979996"#),
        "{}",
        text(&placed)
    );
    let search = format!("/orders/search/customerId?sort=date&custId={id}");
    let found: Value = ask(&orders, "GET", &search, None)
        .await
        .json()
        .expect("HAL");
    let order = found
        .pointer("/_embedded/customerOrders/0")
        .expect("an order");
    assert_eq!(order["total"].to_string(), "104.979996");
    let link = path(&order["_links"]["self"]["href"]);
    assert_eq!(
        ask(&orders, "GET", &link, None).await.status,
        StatusCode::OK
    );
}
