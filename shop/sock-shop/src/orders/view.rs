//! How orders are shown: plain after they were placed, as HAL afterwards.

use serde_json::{Value, json};

use super::model::{Item, Order};
use crate::number::java_float;

/// An order as the answer to placing it.
pub(super) fn placed(order: &Order) -> Value {
    let document = &order.document;
    let items: Vec<_> = document.items.iter().map(|item| {
        json!({ "id": item.id, "itemId": item.item_id, "quantity": item.quantity, "unitPrice": price(item) })
    }).collect();
    json!({
        "id": order.id,
        "customerId": order.customer_id,
        "customer": {
            "id": null,
            "firstName": document.customer.first_name,
            "lastName": document.customer.last_name,
            "username": document.customer.username,
            "addresses": [],
            "cards": [],
        },
        "address": with_null_id(&json!(document.address)),
        "card": with_null_id(&json!(document.card)),
        "items": items,
        "shipment": document.shipment,
        "date": date(order.placed),
        "total": java_float(document.total),
        "status": order.status.as_str(),
    })
}

/// An order as HAL: without the `id` of anything, with links.
pub(super) fn hal(base: &str, order: &Order) -> Value {
    let document = &order.document;
    let items: Vec<_> = document.items.iter().map(|item| {
        json!({ "itemId": item.item_id, "quantity": item.quantity, "unitPrice": price(item) })
    }).collect();
    let href = format!("{base}/orders/{}", order.id);
    json!({
        "customerId": order.customer_id,
        "customer": {
            "firstName": document.customer.first_name,
            "lastName": document.customer.last_name,
            "username": document.customer.username,
            "addresses": [],
            "cards": [],
        },
        "address": document.address,
        "card": document.card,
        "items": items,
        "shipment": document.shipment.as_ref().map(|shipment| json!({ "name": shipment.name })),
        "date": date(order.placed),
        "total": java_float(document.total),
        "status": order.status.as_str(),
        "_links": { "self": { "href": href }, "order": { "href": href } },
    })
}

/// One page of all orders.
pub(super) fn page(
    base: &str,
    orders: &[Order],
    number: usize,
    size: usize,
    total: usize,
) -> Value {
    json!({
        "_embedded": { "customerOrders": embedded(base, orders) },
        "_links": {
            "self": { "href": format!("{base}/orders") },
            "profile": { "href": format!("{base}/profile/orders") },
            "search": { "href": format!("{base}/orders/search") },
        },
        "page": { "size": size, "totalElements": total, "totalPages": total.div_ceil(size), "number": number },
    })
}

/// The orders of one customer.
pub(super) fn of_customer(base: &str, customer: &str, orders: &[Order]) -> Value {
    let href = format!("{base}/orders/search/customerId?custId={customer}");
    json!({
        "_embedded": { "customerOrders": embedded(base, orders) },
        "_links": { "self": { "href": href } },
    })
}

/// The searches that there are.
pub(super) fn searches(base: &str) -> Value {
    json!({
        "_links": {
            "findByCustomerId": {
                "href": format!("{base}/orders/search/customerId{{?custId}}"),
                "templated": true,
            },
            "self": { "href": format!("{base}/orders/search") },
        },
    })
}

/// The resources that there are.
pub(super) fn profile(base: &str) -> Value {
    json!({
        "_links": {
            "self": { "href": format!("{base}/profile") },
            "orders": { "href": format!("{base}/profile/orders") },
        },
    })
}

/// What there is of an order, in the form of ALPS.
pub(super) fn alps(base: &str) -> Value {
    let fields = [
        "customerId",
        "customer",
        "address",
        "card",
        "items",
        "shipment",
        "date",
        "total",
        "status",
    ];
    let fields = fields.map(|name| json!({ "name": name, "type": "SEMANTIC" }));
    json!({
        "alps": {
            "version": "1.0",
            "descriptors": [{
                "id": "customerOrder-representation",
                "href": format!("{base}/profile/orders"),
                "descriptors": fields,
            }],
        },
    })
}

fn embedded(base: &str, orders: &[Order]) -> Vec<Value> {
    orders.iter().map(|order| hal(base, order)).collect()
}

fn price(item: &Item) -> Value {
    java_float(item.unit_price as f32)
}

fn with_null_id(value: &Value) -> Value {
    let mut with = json!({ "id": null });
    if let (Some(with), Some(value)) = (with.as_object_mut(), value.as_object()) {
        with.extend(value.clone());
    }
    with
}

fn date(millis: i64) -> String {
    let date = jiff::Timestamp::from_millisecond(millis).unwrap_or_default();
    date.strftime("%Y-%m-%dT%H:%M:%S%.3f+0000").to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::orders::model::{Document, OrderStatus, Shipment};

    fn order() -> Order {
        let item = Item {
            id: "57a98d98e4b00679b4a83aaa".into(),
            item_id: "819e1fbf".into(),
            quantity: 1,
            unit_price: 14.0,
        };
        Order {
            id: "6900953ac1f4320001b50703".into(),
            customer_id: "57a98d98e4b00679b4a830af".into(),
            shipment_id: "s".into(),
            status: OrderStatus::Shipped,
            placed: 1_760_779_468_840,
            document: Document {
                items: vec![item],
                shipment: Some(Shipment {
                    id: "s".into(),
                    name: "57a98d98e4b00679b4a830af".into(),
                }),
                total: 18.99,
                ..Document::default()
            },
        }
    }

    #[test]
    fn a_placed_order_shows_ids_and_hal_shows_none() {
        let plain = placed(&order());
        assert_eq!(plain["date"], "2025-10-18T09:24:28.840+0000");
        assert_eq!(plain["items"][0]["id"], "57a98d98e4b00679b4a83aaa");
        assert_eq!(plain["items"][0]["unitPrice"].to_string(), "14.0");
        assert_eq!(plain["total"].to_string(), "18.99");
        assert_eq!(plain["customer"]["id"], Value::Null);
        assert_eq!(plain["shipment"]["id"], "s");
        let text = hal("http://orders", &order()).to_string();
        assert!(!text.contains("\"id\""), "{text}");
        assert!(
            text.contains("http://orders/orders/6900953ac1f4320001b50703"),
            "{text}"
        );
        let keys: Vec<_> = plain
            .as_object()
            .expect("an object")
            .keys()
            .cloned()
            .collect();
        assert_eq!(
            keys,
            [
                "id",
                "customerId",
                "customer",
                "address",
                "card",
                "items",
                "shipment",
                "date",
                "total",
                "status"
            ]
        );
    }

    #[test]
    fn an_empty_page_has_no_pages() {
        let page = page("http://orders", &[], 0, 20, 0);
        assert_eq!(
            page["page"].to_string(),
            r#"{"size":20,"totalElements":0,"totalPages":0,"number":0}"#
        );
        assert_eq!(page["_embedded"]["customerOrders"], json!([]));
    }
}
