//! Sock Shop's journeys: browse, tags, login, register, cart, checkout, orders, shipment.

use std::time::Duration;

use rand::RngExt;
use serde_json::{Value, json};

use super::{Journey, Shop};
use crate::customer::{Answer, Ask, Customer, Lost, Verdict, complaint, fine};

/// The socks that one can pay for together with the shipping.
const SOCKS: [&str; 9] = [
    "3395a43e-2d88-40de-b95f-e00e1502085b",
    "510a0d7e-8e83-4193-b483-e27e09ddc34d",
    "6d62d909-f957-430e-8689-b5129c0bb75e",
    "808a2de1-1aaa-4c25-a9b9-6612e8f29a38",
    "819e1fbf-8b7e-4f6d-811f-693534916a8b",
    "837ab141-399e-4c1f-9abc-bace40296bac",
    "a0a4f044-b040-410d-8ead-4de0446aec7e",
    "d3588630-ad8e-49df-bbd7-3167f7efb246",
    "zzz4f044-b040-410d-8ead-4de0446aec7e",
];

/// From when on an order that is not delivered is late; customers look after it then.
const DELIVERED_WITHIN: Duration = Duration::from_secs(10);

/// Sock Shop as its customers know it.
pub(super) const SHOP: Shop = Shop {
    name: "sock-shop",
    journeys: &JOURNEYS,
    open: &[
        "/",
        "/catalogue?size=1",
        "/tags",
        "/cart",
        "/customers",
        "/addresses",
        "/cards",
    ],
};

/// Weighted as a shop sees them, where most people only look; but so that of twenty
/// customers one meets whatever fails within seconds.
const JOURNEYS: [Journey; 8] = [
    Journey {
        name: "browse",
        weight: 20,
        go: |customer| Box::pin(browse(customer)),
    },
    Journey {
        name: "tags",
        weight: 8,
        go: |customer| Box::pin(tags(customer)),
    },
    Journey {
        name: "login",
        weight: 8,
        go: |customer| Box::pin(login(customer)),
    },
    Journey {
        name: "register",
        weight: 5,
        go: |customer| Box::pin(register(customer)),
    },
    Journey {
        name: "cart",
        weight: 12,
        go: |customer| Box::pin(cart(customer)),
    },
    Journey {
        name: "checkout",
        weight: 18,
        go: |customer| Box::pin(checkout(customer)),
    },
    Journey {
        name: "orders",
        weight: 10,
        go: |customer| Box::pin(orders(customer)),
    },
    Journey {
        name: "shipment",
        weight: 19,
        go: |customer| Box::pin(shipment(customer)),
    },
];

async fn browse(customer: &mut Customer<'_>) -> Result<(), Lost> {
    customer.ask(Ask::get("/", "GET /"), fine).await?;
    let page = format!(
        "/catalogue?page={}&size=6",
        customer.memory().rng.random_range(1..=2)
    );
    let listed = customer
        .ask(Ask::get(&page, "GET /catalogue"), some_socks)
        .await?;
    let socks: Vec<Value> = listed.json().as_array().cloned().unwrap_or_default();
    let Some(sock) = customer.pick(&socks) else {
        return Err(Lost);
    };
    let id = sock["id"].as_str().unwrap_or_default().to_owned();
    let image = sock["imageUrl"][0].as_str().unwrap_or_default().to_owned();
    let page = format!("/detail.html?id={id}");
    customer
        .ask(Ask::get(&page, "GET /detail.html"), fine)
        .await?;
    look_at(customer, &id).await?;
    customer
        .ask(Ask::get(&image, "GET /catalogue/images"), fine)
        .await?;
    Ok(())
}

async fn tags(customer: &mut Customer<'_>) -> Result<(), Lost> {
    customer
        .ask(Ask::get("/category.html", "GET /category.html"), fine)
        .await?;
    let answer = customer
        .ask(Ask::get("/tags", "GET /tags"), some_tags)
        .await?;
    let tags: Vec<Value> = answer.json()["tags"]
        .as_array()
        .cloned()
        .unwrap_or_default();
    let tag = customer
        .pick(&tags)
        .and_then(Value::as_str)
        .unwrap_or("blue")
        .to_owned();
    let page = format!("/catalogue?tags={tag}");
    customer
        .ask(Ask::get(&page, "GET /catalogue"), some_socks)
        .await?;
    let page = format!("/catalogue/size?tags={tag}");
    customer
        .ask(Ask::get(&page, "GET /catalogue/size"), fine)
        .await?;
    Ok(())
}

async fn login(customer: &mut Customer<'_>) -> Result<(), Lost> {
    let Some(account) = customer.memory().account.clone() else {
        customer.change_to("register");
        return register(customer).await;
    };
    let ask = Ask {
        login: Some(account),
        ..Ask::get("/login", "GET /login")
    };
    customer.ask(ask, fine).await?;
    customer.memory().logged_in = true;
    Ok(())
}

async fn register(customer: &mut Customer<'_>) -> Result<(), Lost> {
    let name = format!(
        "customer-{}-{:08x}",
        customer.number(),
        customer.memory().rng.random::<u32>()
    );
    let password = format!("{:016x}", customer.memory().rng.random::<u64>());
    let body = json!({
        "username": name, "password": password, "email": format!("{name}@example.org"),
        "firstName": "Pat", "lastName": name,
    });
    // Who begins to register is nobody that the shop knew before.
    customer.memory().logged_in = false;
    customer
        .ask(Ask::post("/register", "POST /register", body), fine)
        .await?;
    let address = json!({
        "number": "246", "street": "Whitelees Road", "city": "Glasgow",
        "postcode": "G67 3DL", "country": "United Kingdom",
    });
    customer
        .ask(Ask::post("/addresses", "POST /addresses", address), fine)
        .await?;
    let card = json!({ "longNum": "5544154011345918", "expires": "08/29", "ccv": "958" });
    customer
        .ask(Ask::post("/cards", "POST /cards", card), fine)
        .await?;
    let memory = customer.memory();
    memory.account = Some((name, password));
    memory.logged_in = true;
    Ok(())
}

/// Logs in where the shop does not know the customer any more. That is a journey
/// of its own: who is lost there did not get to what they came for.
async fn be_known(customer: &mut Customer<'_>) -> Result<(), Lost> {
    if customer.memory().logged_in {
        return Ok(());
    }
    let came_for = customer.change_to("login");
    let known = login(customer).await;
    customer.change_to(came_for);
    known
}

async fn cart(customer: &mut Customer<'_>) -> Result<(), Lost> {
    put_into_cart(customer).await?;
    customer
        .ask(Ask::get("/cart", "GET /cart"), some_lines)
        .await?;
    customer
        .ask(Ask::get("/basket.html", "GET /basket.html"), fine)
        .await?;
    customer
        .ask(Ask::delete("/cart", "DELETE /cart"), fine)
        .await?;
    Ok(())
}

async fn put_into_cart(customer: &mut Customer<'_>) -> Result<(), Lost> {
    let id = customer.pick(&SOCKS).copied().unwrap_or(SOCKS[0]);
    look_at(customer, id).await?;
    customer
        .ask(Ask::post("/cart", "POST /cart", json!({ "id": id })), fine)
        .await?;
    Ok(())
}

async fn look_at(customer: &mut Customer<'_>, id: &str) -> Result<(), Lost> {
    let path = format!("/catalogue/{id}");
    customer
        .ask(Ask::get(&path, "GET /catalogue/{id}"), a_sock)
        .await?;
    Ok(())
}

async fn checkout(customer: &mut Customer<'_>) -> Result<(), Lost> {
    be_known(customer).await?;
    customer
        .ask(Ask::delete("/cart", "DELETE /cart"), fine)
        .await?;
    put_into_cart(customer).await?;
    customer
        .ask(Ask::get("/cart", "GET /cart"), some_lines)
        .await?;
    let ask = Ask::post("/orders", "POST /orders", json!({}));
    let (answer, outcome) = customer.ask_timed(ask, fine).await;
    customer.count_order(outcome);
    let placed = answer?.json();
    if let Some(id) = placed["id"].as_str() {
        customer.wait_for(id);
    }
    customer
        .ask(Ask::delete("/cart", "DELETE /cart"), fine)
        .await?;
    Ok(())
}

async fn orders(customer: &mut Customer<'_>) -> Result<(), Lost> {
    be_known(customer).await?;
    customer
        .ask(
            Ask::get("/customer-orders.html", "GET /customer-orders.html"),
            fine,
        )
        .await?;
    customer
        .ask(Ask::get("/orders", "GET /orders"), fine)
        .await?;
    Ok(())
}

async fn shipment(customer: &mut Customer<'_>) -> Result<(), Lost> {
    be_known(customer).await?;
    let due = customer.overdue(DELIVERED_WITHIN);
    customer
        .ask(Ask::get("/orders", "GET /orders"), |answer| {
            all_delivered(answer, &due)
        })
        .await?;
    Ok(())
}

fn some_socks(answer: &Answer) -> Verdict {
    something(answer, "Empty catalogue")
}

fn some_lines(answer: &Answer) -> Verdict {
    something(answer, "Empty cart")
}

/// A list with something in it; a list without is seen as `empty`.
fn something(answer: &Answer, empty: &str) -> Verdict {
    fine(answer)?;
    match answer.json() {
        Value::Array(things) if !things.is_empty() => Ok(()),
        Value::Array(_) | Value::Null => Err(empty.to_owned()),
        _ => Err(complaint(answer)),
    }
}

fn a_sock(answer: &Answer) -> Verdict {
    fine(answer)?;
    match answer.json().get("price") {
        Some(_) => Ok(()),
        None => Err(complaint(answer)),
    }
}

fn some_tags(answer: &Answer) -> Verdict {
    fine(answer)?;
    match answer.json()["tags"].as_array() {
        Some(tags) if !tags.is_empty() => Ok(()),
        _ => Err(complaint(answer)),
    }
}

/// The shop still takes orders, but are those of `due` delivered? One that nobody
/// took for shipping is worse off than one that is on its way for too long.
fn all_delivered(answer: &Answer, due: &[String]) -> Verdict {
    fine(answer)?;
    let orders = answer.json();
    let orders = orders.as_array().map_or(&[][..], Vec::as_slice);
    let any_is = |status: &str| {
        orders
            .iter()
            .any(|order| order["status"] == status && due.iter().any(|id| is_of(order, id)))
    };
    if any_is("PAID") {
        return Err("order completes, not shipped".to_owned());
    }
    if any_is("SHIPPED") {
        return Err("delayed shipments".to_owned());
    }
    Ok(())
}

/// Whether `order` has this id, which stands in its link.
fn is_of(order: &Value, id: &str) -> bool {
    let link = order.pointer("/_links/self/href").and_then(Value::as_str);
    link.and_then(|link| link.rsplit('/').next()) == Some(id)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, text: &str) -> Answer {
        Answer {
            status,
            text: text.to_owned(),
        }
    }

    #[test]
    fn an_answer_is_judged_by_what_the_customer_sees_of_it() {
        type Case = (fn(&Answer) -> Verdict, Answer, Result<(), &'static str>);
        let cases: [Case; 8] = [
            (some_socks, answer(200, r#"[{"id":"a"}]"#), Ok(())),
            (some_socks, answer(200, "[]"), Err("Empty catalogue")),
            (some_socks, answer(200, "null"), Err("Empty catalogue")),
            (some_lines, answer(200, "[]"), Err("Empty cart")),
            (
                some_socks,
                answer(200, r#"{"error":"Database error"}"#),
                Err("Database error"),
            ),
            (
                a_sock,
                answer(200, r#"{"error":"not found"}"#),
                Err("not found"),
            ),
            (
                fine,
                answer(500, r#"{"message":"Payment failed"}"#),
                Err("Payment failed"),
            ),
            (fine, answer(503, ""), Err("status 503")),
        ];
        for (expected, answer, verdict) in cases {
            assert_eq!(
                expected(&answer),
                verdict.map_err(str::to_owned),
                "{}",
                answer.text
            );
        }
    }

    #[test]
    fn a_customer_complains_of_their_own_orders_that_are_due_and_not_delivered() {
        let order = |id: &str, status: &str| {
            let href = format!("http://orders/orders/{id}");
            json!({ "status": status, "_links": { "self": { "href": href } } })
        };
        let late = Err("delayed shipments".to_owned());
        let left = Err("order completes, not shipped".to_owned());
        for (orders, due, verdict) in [
            (json!([order("a", "DELIVERED")]), vec!["a"], Ok(())),
            (json!([order("a", "SHIPPED")]), vec!["a"], late),
            (json!([order("a", "PAID")]), vec!["a"], left.clone()),
            (
                json!([order("a", "SHIPPED"), order("b", "PAID")]),
                vec!["a", "b"],
                left,
            ),
            (json!([order("b", "PAID")]), vec!["a"], Ok(())),
            (json!([order("a", "SHIPPED")]), vec![], Ok(())),
            (json!([order("a", "PAYMENT_FAILED")]), vec!["a"], Ok(())),
            (json!([]), vec!["a"], Ok(())),
        ] {
            let due: Vec<String> = due.into_iter().map(str::to_owned).collect();
            let answer = answer(201, &orders.to_string());
            assert_eq!(all_delivered(&answer, &due), verdict, "{orders} {due:?}");
        }
    }
}
