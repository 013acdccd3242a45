//! Whose cart it is: sessions, cookies, and the customer that a developer names.

use axum::http::StatusCode;
use serde_json::json;

use crate::browser::Browser;
use crate::contract::{HOLY, USER, ask};
use crate::lab::Lab;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_a_redis_sessions_are_in_memory() {
    let lab = Lab::without_variable("SESSION_REDIS").await;
    let mut browser = Browser::at(&lab);
    let added = browser.post("/cart", json!({ "id": HOLY })).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.body);
    assert_eq!(
        browser.login("user", "password").await.status,
        StatusCode::OK
    );
    assert_eq!(browser.get("/customers/me").await.json()["id"], USER);
    assert_eq!(browser.get("/cart").await.json()[0]["itemId"], HOLY);
    let health = lab.until("front-end", "/health", "front-end").await;
    assert!(!health.contains("session-db"), "{health}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn cookies_are_written_as_express_writes_them() {
    let lab = Lab::start().await;
    let pair = "Basic dXNlcjpwYXNzd29yZA==".parse().expect("ascii");
    let front_end = lab.peer("front-end");
    let login = front_end
        .get("/login")
        .header(axum::http::header::AUTHORIZATION, pair);
    let login = login.send().await.expect("an answer");
    let cookies: Vec<_> = login.headers.get_all("set-cookie").iter().collect();
    let cookies: Vec<_> = cookies
        .iter()
        .map(|cookie| cookie.to_str().expect("ascii"))
        .collect();
    let find = |name: &str| {
        let mut all = cookies.iter();
        let found = all.find_map(|cookie| cookie.strip_prefix(name)?.split_once("; "));
        found.unwrap_or_else(|| panic!("no {name} in {cookies:?}"))
    };
    let (sid, attributes) = find("md.sid=s%3A");
    let (id, signature) = sid.split_once('.').expect("a dot before the signature");
    assert!(!id.contains('%') && !signature.is_empty(), "{sid}");
    for attribute in ["Path=/", "HttpOnly"] {
        assert!(attributes.contains(attribute), "{attributes}");
    }
    let (logged_in, attributes) = find("logged_in=");
    assert_eq!(logged_in, id, "the session's id");
    for attribute in ["Max-Age=3600", "Path=/"] {
        assert!(attributes.contains(attribute), "{attributes}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_developer_names_the_customer_and_nobody_else_does() {
    for (mode, trusted) in [("production", false), ("development", true)] {
        let lab = Lab::with_variable("NODE_ENV", mode).await;
        let line = json!({ "itemId": HOLY, "unitPrice": 1 });
        ask(
            &lab.peer("carts"),
            "POST",
            &format!("/carts/{USER}/items"),
            Some(line),
        )
        .await;
        for (path, key, value) in [
            ("/cart", "/0/itemId", HOLY),
            ("/card", "/number", "5918"),
            ("/address", "/street", "Whitelees Road"),
            ("/customers/x", "/username", "user"),
        ] {
            let path = format!("{path}?custId={USER}");
            let answer = Browser::at(&lab).get(&path).await.json();
            let found = answer.pointer(key).and_then(|found| found.as_str());
            assert_eq!(found == Some(value), trusted, "{mode}: {path} is {answer}");
        }
        let cleared = Browser::at(&lab)
            .delete(&format!("/cart?custId={USER}"))
            .await;
        assert_eq!(cleared.status, StatusCode::ACCEPTED);
        let left = ask(
            &lab.peer("carts"),
            "GET",
            &format!("/carts/{USER}/items"),
            None,
        )
        .await;
        assert_eq!(&left.body[..] == b"[]", trusted, "{mode}");
    }
}
