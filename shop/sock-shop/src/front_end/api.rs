//! What front-end's OpenAPI document says.

use serde_json::json;

use super::pages;
use crate::openapi::{Operation, health, read, remove, send};

pub(super) fn operations() -> Vec<Operation> {
    let mut all: Vec<_> = pages::paths()
        .map(|(path, kind)| read(path, "A page, or a part of pages.").media(200, kind))
        .collect();
    all.extend(socks());
    all.extend(customers());
    all.extend(carts_and_orders());
    all
}

fn socks() -> Vec<Operation> {
    let failed = json!({ "message": "Empty homepage", "error": {} });
    let size = json!({ "size": 10, "err": null });
    vec![
        read(
            "/catalogue",
            "A page of socks. The status is 200 whatever catalogue said.",
        )
        .with("page", "1")
        .with("size", "6")
        .with("tags", "blue")
        .json(
            200,
            json!([{ "id": "", "name": "", "price": 18.5, "imageUrl": [""], "tag": [""] }]),
        )
        .json(500, failed.clone()),
        read(
            "/catalogue/{rest}",
            "One sock, or `size`. The status is 200 whatever catalogue said.",
        )
        .with("rest", "size")
        .json(200, size)
        .json(500, failed.clone()),
        read("/catalogue/images/{file}", "A picture.")
            .with("file", "holy_1.jpeg")
            .media(200, "image/jpeg")
            .json(404, json!({}))
            .json(500, failed.clone()),
        read(
            "/tags",
            "All tags. The status is 200 whatever catalogue said.",
        )
        .json(200, json!({ "tags": [""], "err": null }))
        .json(500, failed),
    ]
}

fn customers() -> Vec<Operation> {
    let failed = json!({ "message": "Authentication failed", "error": {} });
    let id = json!({ "id": "57a98d98e4b00679b4a830af" });
    let mary = json!({
        "username": "mary", "password": "secret", "email": "mary@example.org", "firstName": "Mary", "lastName": "Bee",
    });
    let customer =
        json!({ "firstName": "", "lastName": "", "username": "", "id": "", "_links": {} });
    vec![
        read("/login", "Logs in, and takes the session's cart along.")
            .basic()
            .media(200, "text/html; charset=utf-8")
            .json(401, failed.clone())
            .json(503, failed.clone()),
        read("/logout", "Logs out.").empty(200).json(503, failed.clone()),
        send("/register", "Adds a customer, who is logged in then.")
            .takes(mary)
            .json(200, id.clone())
            .json(409, json!({ "error": "User already exists. Please choose a different username." }))
            .json(500, failed.clone()),
        read("/customers", "All customers.")
            .json(200, json!({ "_embedded": { "customer": [customer] } }))
            .json(500, failed.clone()),
        send("/customers", "Adds a customer without a password.")
            .takes(json!({ "username": "bob", "firstName": "Bob", "lastName": "Bee" }))
            .json(200, id.clone())
            .json(500, failed.clone()),
        read("/customers/{id}", "The customer that is logged in, whatever the id.")
            .with("id", "me")
            .json(200, customer)
            .json(401, failed.clone())
            .json(500, failed.clone()),
        remove("/customers/{id}", "Removes a customer; the answer is a string that holds JSON.")
            .with("id", "57a98d98e4b00679b4a830b5")
            .json(200, json!("{\"status\":true}"))
            .json(500, failed.clone()),
        read("/cards", "All cards.")
            .json(200, json!({ "_embedded": { "card": [{ "longNum": "", "id": "" }] } }))
            .json(500, failed.clone()),
        send("/cards", "Adds a card of the customer that is logged in.")
            .takes(json!({ "longNum": "4111111111111111", "expires": "08/29", "ccv": "1" }))
            .json(200, id.clone())
            .json(401, failed.clone())
            .json(500, failed.clone()),
        read("/cards/{id}", "One card.")
            .with("id", "57a98d98e4b00679b4a830b1")
            .json(200, json!({ "longNum": "", "expires": "", "ccv": "", "id": "" }))
            .json(500, failed.clone()),
        remove("/cards/{id}", "Removes a card; the answer is a string that holds JSON.")
            .with("id", "57a98ddce4b00679b4a830d2")
            .json(200, json!("{\"status\":true}"))
            .json(500, failed.clone()),
        read("/card", "The last digits of the customer's first card.")
            .json(200, json!({ "number": "5918" }))
            .json(401, failed.clone())
            .json(500, failed.clone()),
        read("/addresses", "All addresses.")
            .json(200, json!({ "_embedded": { "address": [{ "street": "", "id": "" }] } }))
            .json(500, failed.clone()),
        send("/addresses", "Adds an address of the customer that is logged in.")
            .takes(json!({ "street": "Road", "number": "1", "country": "UK", "city": "Glasgow", "postcode": "G1" }))
            .json(200, id)
            .json(401, failed.clone())
            .json(500, failed.clone()),
        remove("/addresses/{id}", "Removes an address; the answer is a string that holds JSON.")
            .with("id", "57a98ddce4b00679b4a830d1")
            .json(200, json!("{\"status\":true}"))
            .json(500, failed.clone()),
        read("/address", "The customer's first address.")
            .json(200, json!({ "street": "", "number": "", "city": "", "postcode": "", "country": "" }))
            .json(401, failed.clone())
            .json(500, failed),
    ]
}

fn carts_and_orders() -> Vec<Operation> {
    let sock = "819e1fbf-8b7e-4f6d-811f-693534916a8b";
    let failed = json!({ "message": "Order failed" });
    let line = json!({ "id": "", "itemId": sock, "quantity": 1, "unitPrice": 14.5 });
    vec![
        read("/cart", "The lines of the cart.")
            .json(200, json!([line]))
            .json(401, failed.clone())
            .json(500, failed.clone())
            .json(503, failed.clone()),
        send("/cart", "Adds one of a sock; a quantity is not looked at.")
            .takes(json!({ "id": sock }))
            .empty(201)
            .json(401, failed.clone())
            .json(500, failed.clone())
            .json(503, failed.clone()),
        remove("/cart", "Empties the cart.").empty(202).json(500, failed.clone()),
        send("/cart/update", "Sets how many of a sock there are.")
            .takes(json!({ "id": sock, "quantity": 2 }))
            .empty(202)
            .json(500, failed.clone()),
        remove("/cart/{id}", "Takes a sock out of the cart.").with("id", sock).empty(202).empty(500),
        read("/orders", "The customer's orders; the status is 201.")
            .json(201, json!([{ "customerId": "", "items": [{}], "total": 18.99, "status": "", "_links": {} }]))
            .json(401, failed.clone())
            .json(500, failed.clone()),
        send("/orders", "Orders what is in the cart, to the first address, with the first card.")
            .json(201, json!({ "id": "", "customerId": "", "items": [line], "total": 32.99, "status": "" }))
            .json(401, failed.clone())
            .json(406, failed.clone())
            .json(500, failed.clone()),
        read("/orders/{rest}", "One order.")
            .with("rest", "6900953ac1f4320001b50703")
            .json(200, json!({ "customerId": "", "total": 32.99, "status": "" }))
            .empty(404)
            .json(500, failed),
        health("time", &["front-end", "session-db"]),
    ]
}
