//! What carts' OpenAPI document says.

use serde_json::json;

use crate::openapi::{Operation, change, health, read, remove, send};

pub(super) fn operations() -> Vec<Operation> {
    let sock = "819e1fbf-8b7e-4f6d-811f-693534916a8b";
    let line = json!({ "id": "6900953ac1f4320001b50703", "itemId": sock, "quantity": 1, "unitPrice": 14.0 });
    let failed = json!({
        "timestamp": 1_760_779_425_771_i64,
        "status": 500,
        "error": "Internal Server Error",
        "message": "Cannot find item in cart",
        "path": "/carts/a/items",
    });
    vec![
        read(
            "/carts/{customer}",
            "A cart; an empty one for who has none.",
        )
        .with("customer", "a")
        .json(200, json!({ "customerId": "a", "items": [line] }))
        .json(500, failed.clone()),
        remove("/carts/{customer}", "Empties a cart.")
            .with("customer", "a")
            .empty(202)
            .json(500, failed.clone()),
        read(
            "/carts/{customer}/merge",
            "Gives the lines of a session's cart to a customer.",
        )
        .with("customer", "a")
        .with("sessionId", "s")
        .empty(202)
        .json(400, failed.clone())
        .json(500, failed.clone()),
        read("/carts/{customer}/items", "The lines of a cart.")
            .with("customer", "a")
            .json(200, json!([line]))
            .json(500, failed.clone()),
        send(
            "/carts/{customer}/items",
            "Adds a sock, or one more of a sock that is there.",
        )
        .with("customer", "a")
        .takes(json!({ "itemId": sock, "quantity": 1, "unitPrice": 14.0 }))
        .json(201, line.clone())
        .json(400, failed.clone())
        .json(500, failed.clone()),
        change(
            "/carts/{customer}/items",
            "Sets the quantity of a sock; zero removes it.",
        )
        .with("customer", "a")
        .takes(json!({ "itemId": sock, "quantity": 2 }))
        .empty(202)
        .json(400, failed.clone())
        .json(500, failed.clone()),
        read("/carts/{customer}/items/{item}", "One line of a cart.")
            .with("customer", "a")
            .with("item", sock)
            .json(200, line)
            .json(500, failed.clone()),
        remove(
            "/carts/{customer}/items/{item}",
            "Takes a sock out of a cart.",
        )
        .with("customer", "a")
        .with("item", sock)
        .empty(202)
        .json(500, failed),
        health("date", &["carts", "carts-db"]),
    ]
}
