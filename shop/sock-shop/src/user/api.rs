//! What user's OpenAPI document says.

use serde_json::{Value, json};

use crate::openapi::{Operation, health, read, remove, send};

fn links(names: &[&str]) -> Value {
    let links = names.iter().map(|name| {
        let href = json!({ "href": "http://user/customers/57a98d98e4b00679b4a830af" });
        ((*name).to_owned(), href)
    });
    Value::Object(links.collect())
}

pub(super) fn operations() -> Vec<Operation> {
    let failed =
        json!({ "error": "not found", "status_code": 500, "status_text": "Internal Server Error" });
    let id = json!({ "id": "57a98d98e4b00679b4a830af" });
    let done = json!({ "status": true });
    let customer = json!({
        "firstName": "User", "lastName": "Name", "username": "user", "id": "57a98d98e4b00679b4a830af",
        "_links": links(&["addresses", "cards", "customer", "self"]),
    });
    let address = json!({
        "street": "Whitelees Road", "number": "246", "country": "United Kingdom", "city": "Glasgow",
        "postcode": "G67 3DL", "id": "57a98d98e4b00679b4a830b0", "_links": links(&["address", "self"]),
    });
    let card = json!({
        "longNum": "5544154011345918", "expires": "08/19", "ccv": "958",
        "id": "57a98d98e4b00679b4a830b1", "_links": links(&["card", "self"]),
    });
    let customers = json!({ "_embedded": { "customer": [customer] } });
    let addresses = json!({ "_embedded": { "address": [address] } });
    let cards = json!({ "_embedded": { "card": [card] } });
    let new_customer = json!({
        "username": "mary", "password": "secret", "email": "mary@example.org", "firstName": "Mary", "lastName": "Bee",
    });
    let new_address = json!({
        "street": "Road", "number": "1", "country": "United Kingdom", "city": "Glasgow", "postcode": "G1",
        "userID": "57a98d98e4b00679b4a830b2",
    });
    let new_card = json!({
        "longNum": "4111111111111111", "expires": "08/29", "ccv": "1", "userID": "57a98d98e4b00679b4a830b2",
    });
    let user = "57a98d98e4b00679b4a830af";
    vec![
        read("/login", "Whose name and password these are.")
            .basic()
            .json(200, json!({ "user": customer }))
            .json(401, failed.clone())
            .json(500, failed.clone())
            .json(503, failed.clone()),
        send("/register", "Adds a customer with a password.")
            .takes(new_customer)
            .json(200, id.clone())
            .json(409, failed.clone())
            .json(500, failed.clone())
            .json(503, failed.clone()),
        read("/customers", "All customers.")
            .json(200, customers)
            .json(500, failed.clone()),
        send("/customers", "Adds a customer without a password.")
            .takes(json!({ "username": "bob", "firstName": "Bob", "lastName": "Bee" }))
            .json(200, id.clone())
            .json(409, failed.clone())
            .json(500, failed.clone()),
        read("/customers/{id}", "One customer.")
            .with("id", user)
            .json(200, customer)
            .json(500, failed.clone()),
        remove(
            "/customers/{id}",
            "Removes a customer with addresses and cards.",
        )
        .with("id", "57a98d98e4b00679b4a830b5")
        .json(200, done.clone())
        .json(500, failed.clone()),
        read("/customers/{id}/addresses", "A customer's addresses.")
            .with("id", user)
            .json(200, addresses.clone())
            .json(500, failed.clone()),
        read("/customers/{id}/cards", "A customer's cards.")
            .with("id", user)
            .json(200, cards.clone())
            .json(500, failed.clone()),
        read("/addresses", "All addresses.")
            .json(200, addresses)
            .json(500, failed.clone()),
        send("/addresses", "Adds an address.")
            .takes(new_address)
            .json(200, id.clone())
            .json(500, failed.clone()),
        read("/addresses/{id}", "One address.")
            .with("id", "57a98d98e4b00679b4a830b0")
            .json(200, address)
            .json(500, failed.clone()),
        remove("/addresses/{id}", "Removes an address.")
            .with("id", "57a98ddce4b00679b4a830d1")
            .json(200, done.clone())
            .json(500, failed.clone()),
        read("/cards", "All cards.")
            .json(200, cards)
            .json(500, failed.clone()),
        send("/cards", "Adds a card.")
            .takes(new_card)
            .json(200, id)
            .json(500, failed.clone()),
        read("/cards/{id}", "One card.")
            .with("id", "57a98d98e4b00679b4a830b1")
            .json(200, card)
            .json(500, failed.clone()),
        remove("/cards/{id}", "Removes a card.")
            .with("id", "57a98ddce4b00679b4a830d2")
            .json(200, done)
            .json(500, failed),
        health("time", &["user", "user-db"]),
    ]
}
