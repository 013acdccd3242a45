//! What orders' OpenAPI document says.

use serde_json::json;

use crate::openapi::{Operation, change, health, put, read, remove, send};

pub(super) fn operations() -> Vec<Operation> {
    let customer = "57a98d98e4b00679b4a830af";
    let id = "6900953ac1f4320001b50703";
    let failed = json!({
        "timestamp": 1_760_779_425_771_i64,
        "status": 406,
        "error": "Not Acceptable",
        "message": "Payment declined: amount exceeds 105.00",
        "path": "/orders",
    });
    let address = json!({
        "number": "246", "street": "Whitelees Road", "city": "Glasgow",
        "postcode": "G67 3DL", "country": "United Kingdom",
    });
    let card = json!({ "longNum": "5544154011345918", "expires": "08/19", "ccv": "958" });
    let wanted = json!({
        "customer": format!("http://user/customers/{customer}"),
        "address": "http://user/addresses/57a98d98e4b00679b4a830b0",
        "card": "http://user/cards/57a98d98e4b00679b4a830b1",
        "items": format!("http://carts/carts/{customer}/items"),
    });
    let placed = json!({
        "id": id,
        "customerId": customer,
        "customer": { "id": null, "firstName": "User", "lastName": "Name", "username": "user", "addresses": [], "cards": [] },
        "address": address,
        "card": card,
        "items": [{ "id": id, "itemId": "819e1fbf-8b7e-4f6d-811f-693534916a8b", "quantity": 1, "unitPrice": 14.0 }],
        "shipment": { "id": "58e1a9a0-2a4c-4f0e-9f1e-4f5f0a1a3b1c", "name": customer },
        "date": "2025-10-18T09:24:28.840+0000",
        "total": 18.99,
        "status": "SHIPPED",
    });
    let href = json!({ "href": format!("http://orders/orders/{id}") });
    let hal = json!({
        "customerId": customer,
        "customer": { "firstName": "User", "lastName": "Name", "username": "user", "addresses": [], "cards": [] },
        "address": address,
        "card": card,
        "items": [{ "itemId": "819e1fbf-8b7e-4f6d-811f-693534916a8b", "quantity": 1, "unitPrice": 14.0 }],
        "shipment": { "name": customer },
        "date": "2025-10-18T09:24:28.840+0000",
        "total": 18.99,
        "status": "DELIVERED",
        "_links": { "self": href, "order": href },
    });
    let some = json!({ "customerOrders": [hal] });
    vec![
        read("/orders", "A page of all orders.")
            .with("page", "0")
            .with("size", "20")
            .json(
                200,
                json!({
                    "_embedded": some,
                    "_links": { "self": href, "profile": href, "search": href },
                    "page": { "size": 20, "totalElements": 1, "totalPages": 1, "number": 0 },
                }),
            )
            .json(500, failed.clone()),
        send(
            "/orders",
            "Orders what is in a cart: charges the card, and has it shipped.",
        )
        .takes(wanted)
        .json(201, placed)
        .json(400, failed.clone())
        .json(406, failed.clone())
        .json(500, failed.clone()),
        read("/orders/{id}", "One order.")
            .with("id", id)
            .json(200, hal)
            .empty(404)
            .json(500, failed.clone()),
        put("/orders/{id}", "Replaces fields of an order.")
            .with("id", id)
            .takes(json!({ "status": "SHIPPED" }))
            .empty(204)
            .json(400, failed.clone())
            .empty(404)
            .json(500, failed.clone()),
        change("/orders/{id}", "Sets fields of an order.")
            .with("id", id)
            .takes(json!({ "status": "SHIPPED" }))
            .empty(204)
            .json(400, failed.clone())
            .empty(404)
            .json(500, failed.clone()),
        remove("/orders/{id}", "Removes an order.")
            .with("id", id)
            .empty(204)
            .empty(404)
            .json(500, failed.clone()),
        read("/orders/search", "The searches that there are.").json(
            200,
            json!({ "_links": { "findByCustomerId": {}, "self": href } }),
        ),
        read("/orders/search/customerId", "The orders of one customer.")
            .with("custId", customer)
            .with("sort", "date")
            .json(
                200,
                json!({ "_embedded": some, "_links": { "self": href } }),
            )
            .json(500, failed.clone()),
        change(
            "/orders/shipments/{id}",
            "What queue-master says of a shipment.",
        )
        .with("id", "58e1a9a0-2a4c-4f0e-9f1e-4f5f0a1a3b1c")
        .takes(json!({ "status": "DELIVERED" }))
        .empty(204)
        .json(400, failed.clone())
        .empty(404)
        .json(500, failed),
        read("/profile", "The resources that there are.")
            .json(200, json!({ "_links": { "self": href, "orders": href } })),
        read(
            "/profile/orders",
            "What there is of an order, in the form of ALPS.",
        )
        .media(200, "application/alps+json"),
        health("date", &["orders", "orders-db"]),
    ]
}
