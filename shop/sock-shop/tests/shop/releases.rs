//! What is wrong with the bad releases, and not with the good one.

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::browser::Browser;
use crate::contract::{HOLY, USER, ask, text};
use crate::lab::{Lab, SOON};

const CLASSIC: &str = "zzz4f044-b040-410d-8ead-4de0446aec7e";
const GOOD: &str = "v1.0.0";

/// A customer who is logged in and has a sock in the cart.
async fn buyer(lab: &Lab) -> Browser {
    let mut browser = Browser::at(lab);
    browser.login("user", "password").await;
    let added = browser.post("/cart", json!({ "id": CLASSIC })).await;
    assert_eq!(added.status, StatusCode::CREATED);
    browser
}

#[test]
fn every_service_has_the_good_release_and_tags_tell_nothing() {
    for service in sock_shop::SHOP.services {
        assert_eq!(service.releases[0].tag, GOOD, "{}", service.name);
        for (at, release) in service.releases.iter().enumerate() {
            let numbers = release.tag.strip_prefix('v').expect("a v");
            assert_eq!(numbers.split('.').count(), 3, "{}", release.tag);
            assert!(numbers.split('.').all(|part| part.parse::<u8>().is_ok()));
            let earlier = &service.releases[..at];
            assert!(!earlier.iter().any(|other| other.tag == release.tag));
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn unknown_socks_open_the_breaker_of_a_bad_catalogue_alone() {
    for (tag, last) in [(GOOD, 404), ("v1.4.2", 500)] {
        let lab = Lab::with_release("catalogue", tag).await;
        let catalogue = lab.peer("catalogue");
        for _ in 0..6 {
            let answer = ask(&catalogue, "GET", "/catalogue/nope", None).await;
            assert_eq!(answer.status, StatusCode::NOT_FOUND);
        }
        let answer = ask(&catalogue, "GET", "/catalogue/nope", None).await;
        assert_eq!(answer.status.as_u16(), last, "{tag}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_catalogue_lists_with_a_statement_for_each_sock_and_tag() {
    let mut listings = Vec::new();
    for (tag, statements) in [(GOOD, 1.0), ("v1.2.1", 36.0)] {
        let lab = Lab::with_release("catalogue", tag).await;
        let metric = "db_client_operation_duration_seconds_count";
        let before = lab.sum("catalogue", metric, &[]).await;
        let listed = ask(&lab.peer("catalogue"), "GET", "/catalogue", None).await;
        let after = lab.sum("catalogue", metric, &[]).await;
        assert!(
            (after - before - statements).abs() < 0.5,
            "{tag}: {}",
            after - before
        );
        listings.push(text(&listed));
    }
    assert_eq!(listings[0], listings[1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_catalogue_does_not_know_its_socks_without_a_database() {
    for (tag, status) in [(GOOD, 500), ("v1.1.2", 404)] {
        let mut lab = Lab::with_release("catalogue", tag).await;
        lab.stop("catalogue-db").await;
        let answer = ask(
            &lab.peer("catalogue"),
            "GET",
            &format!("/catalogue/{HOLY}"),
            None,
        )
        .await;
        assert_eq!(answer.status.as_u16(), status, "{tag}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_front_end_dies_of_an_unreachable_catalogue() {
    for (tag, dies) in [(GOOD, false), ("v1.1.3", true)] {
        let mut lab = Lab::with_release("front-end", tag).await;
        lab.stop("catalogue").await;
        let front_end = lab.peer("front-end");
        let add = json!({ "id": HOLY });
        let died = tokio::select! {
            answer = ask(&front_end, "POST", "/cart", Some(add)) => {
                assert_eq!(answer.status, StatusCode::INTERNAL_SERVER_ERROR);
                false
            }
            () = lab.crashed("front-end") => true,
        };
        assert_eq!(died, dies, "{tag}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_front_end_says_that_a_failed_order_was_placed() {
    for (tag, status) in [(GOOD, 500), ("v1.2.1", 201)] {
        let mut lab = Lab::with_release("front-end", tag).await;
        let mut browser = buyer(&lab).await;
        lab.stop("orders").await;
        let page = browser.post("/orders", json!({})).await;
        assert_eq!(page.status.as_u16(), status, "{tag}: {}", page.body);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_carts_lose_or_double_lines_at_login() {
    for (tag, customers, sessions) in [(GOOD, 1, 0), ("v1.1.3", 0, 0), ("v1.2.2", 2, 1)] {
        let lab = Lab::with_release("carts", tag).await;
        let carts = lab.peer("carts");
        let line = json!({ "itemId": HOLY, "unitPrice": 99.99 });
        ask(&carts, "POST", "/carts/session/items", Some(line)).await;
        for _ in 0..2 {
            let merged = ask(&carts, "GET", "/carts/me/merge?sessionId=session", None).await;
            assert_eq!(merged.status, StatusCode::ACCEPTED, "{tag}");
        }
        for (cart, lines) in [("me", customers), ("session", sessions)] {
            let found = ask(&carts, "GET", &format!("/carts/{cart}/items"), None).await;
            let found: Vec<Value> = found.json().expect("lines");
            assert_eq!(found.len(), lines, "{tag}: {cart}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_orders_remember_no_order_whose_payment_failed() {
    for (tag, statuses) in [(GOOD, vec!["PAYMENT_FAILED"]), ("v1.2.1", vec![])] {
        let mut lab = Lab::with_release("orders", tag).await;
        let mut browser = buyer(&lab).await;
        lab.stop("payment").await;
        let page = browser.post("/orders", json!({})).await;
        assert_eq!(page.message(), "Payment failed", "{tag}");
        let orders = browser.get("/orders").await.json();
        let orders = orders.as_array().expect("a list");
        let found: Vec<_> = orders
            .iter()
            .filter_map(|order| order["status"].as_str())
            .collect();
        assert_eq!(found, statuses, "{tag}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_orders_that_save_last_still_take_orders() {
    let lab = Lab::with_release("orders", "v1.2.1").await;
    let mut browser = buyer(&lab).await;
    let placed = browser.post("/orders", json!({})).await;
    assert_eq!(placed.status, StatusCode::CREATED, "{}", placed.body);
    assert_eq!(browser.get("/orders").await.json()[0]["customerId"], USER);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_orders_ask_a_dead_payment_again_and_again() {
    for (tag, storm) in [(GOOD, false), ("v1.3.0", true)] {
        let mut lab = Lab::with_release("orders", tag).await;
        let mut browser = buyer(&lab).await;
        lab.stop("payment").await;
        let labels = [r#"peer="payment""#, r#"outcome="error""#];
        let asked = async {
            let mut again = tokio::time::interval(std::time::Duration::from_millis(20));
            loop {
                again.tick().await;
                let calls = lab
                    .sum("orders", "http_client_requests_total", &labels)
                    .await;
                if calls > 5.0 {
                    return calls;
                }
            }
        };
        let calls = tokio::select! {
            page = browser.post("/orders", json!({})) => {
                assert_eq!(page.message(), "Payment failed", "{tag}");
                lab.sum("orders", "http_client_requests_total", &labels).await
            }
            calls = tokio::time::timeout(SOON, asked) => calls.expect("a storm"),
        };
        assert_eq!(calls > 5.0, storm, "{tag}: {calls}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn bad_payments_refuse_a_brand_of_cards_or_dearer_orders() {
    let visa = json!({ "amount": 50, "card": { "longNum": "4111111111111111" } });
    let mastercard = json!({ "amount": 10, "card": { "longNum": "5544154011345918" } });
    for (tag, of_visa, of_mastercard) in [
        (GOOD, true, true),
        ("v1.1.2", true, false),
        ("v1.2.3", false, true),
    ] {
        let lab = Lab::with_release("payment", tag).await;
        let payment = lab.peer("payment");
        for (request, expected) in [(&visa, of_visa), (&mastercard, of_mastercard)] {
            let answer = ask(&payment, "POST", "/paymentAuth", Some(request.clone())).await;
            assert_eq!(answer.status, StatusCode::OK);
            let answer: Value = answer.json().expect("JSON");
            assert_eq!(answer["authorised"], expected, "{tag}: {answer}");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_shipping_takes_a_rejected_shipment_as_sent() {
    for (tag, status) in [(GOOD, 503), ("v1.1.1", 201)] {
        let mut lab = Lab::with_release("shipping", tag).await;
        lab.stop("rabbitmq").await;
        lab.full_rabbitmq().await;
        let shipment = json!({ "name": USER });
        let answer = ask(&lab.peer("shipping"), "POST", "/shipping", Some(shipment)).await;
        assert_eq!(answer.status.as_u16(), status, "{tag}: {}", text(&answer));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_queue_master_loses_deliveries_while_orders_is_away() {
    for (tag, first) in [(GOOD, "DELIVERED"), ("v1.1.1", "SHIPPED")] {
        let mut lab = Lab::with_release("queue-master", tag).await;
        let mut browser = buyer(&lab).await;
        lab.stop("queue-master").await;
        let order = async |browser: &mut Browser| {
            let placed = browser.post("/orders", json!({})).await.json();
            format!("/orders/{}", placed["id"].as_str().expect("an id"))
        };
        let missed = order(&mut browser).await;
        lab.stop("orders").await;
        lab.again("queue-master").await;
        let tried = r#"http_client_requests_total{outcome="error",peer="orders""#;
        lab.until("queue-master", "/metrics", tried).await;
        lab.again("orders").await;
        let later = order(&mut browser).await;
        lab.until("orders", &later, "DELIVERED").await;
        // The queue hands messages out in turn, but one that came back has to wait.
        if first == "DELIVERED" {
            lab.until("orders", &missed, first).await;
        }
        let found: Value = ask(&lab.peer("orders"), "GET", &missed, None)
            .await
            .json()
            .expect("an order");
        assert_eq!(found["status"], first, "{tag}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_bad_user_compares_a_password_with_every_customers() {
    for (tag, comparisons) in [(GOOD, 1.0), ("v1.1.4", 6.0)] {
        let lab = Lab::with_release("user", tag).await;
        for _ in 0..2 {
            let login = Browser::at(&lab).login("user", "password").await;
            assert_eq!(login.status, StatusCode::OK, "{tag}");
        }
        let wrong = Browser::at(&lab).login("nobody", "password").await;
        assert_eq!(wrong.status, StatusCode::UNAUTHORIZED, "{tag}");
        let found = lab.sum("user", "password_comparisons_total", &[]).await;
        let comparisons = if tag == GOOD {
            comparisons
        } else {
            comparisons + 3.0
        };
        assert!((found - comparisons).abs() < 0.5, "{tag}: {found}");
    }
}
