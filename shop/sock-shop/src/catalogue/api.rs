//! What catalogue's OpenAPI document says.

use serde_json::json;

use crate::openapi::{Operation, health, read};

pub(super) fn operations() -> Vec<Operation> {
    let sock = json!({
        "id": "03fef6ac-1896-4ce8-bd69-b798f85c6e0b",
        "name": "Holy",
        "description": "Socks fit for a Messiah.",
        "imageUrl": ["/catalogue/images/holy_1.jpeg", "/catalogue/images/holy_2.jpeg"],
        "price": 99.99,
        "count": 1,
        "tag": ["magic", "action"],
    });
    let failed = json!({
        "error": "database connection error",
        "status_code": 500,
        "status_text": "Internal Server Error",
    });
    vec![
        read(
            "/catalogue",
            "A page of socks; null when no sock has any of the tags.",
        )
        .with("page", "1")
        .with("size", "10")
        .with("tags", "magic,blue")
        .with("sort", "id")
        .json(200, json!([sock]))
        .json(500, failed.clone()),
        read("/catalogue/size", "How many socks have any of the tags.")
            .with("tags", "magic,blue")
            .json(200, json!({ "size": 10, "err": null }))
            .json(500, failed.clone()),
        read("/catalogue/{id}", "One sock.")
            .with("id", "03fef6ac-1896-4ce8-bd69-b798f85c6e0b")
            .json(200, sock)
            .json(404, failed.clone())
            .json(500, failed.clone()),
        read("/catalogue/images/{file}", "A picture.")
            .with("file", "holy_1.jpeg")
            .media(200, "image/jpeg")
            .json(404, failed.clone()),
        read("/tags", "All tags.")
            .json(200, json!({ "tags": ["brown"], "err": null }))
            .json(500, failed),
        health("time", &["catalogue", "catalogue-db"]),
    ]
}
