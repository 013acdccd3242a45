//! An order: who, where to, what, for how much, and how far it has come.

use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use shop_kit::AppError;

/// What shipping costs, whatever is bought.
const SHIPPING: f32 = 4.99;

/// How far an order has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
pub(super) enum OrderStatus {
    /// It was asked for.
    Created,
    /// Customer, cart and payment are being asked.
    Pending,
    /// It is paid, and nobody ships it yet.
    Paid,
    /// It was handed to shipping.
    Shipped,
    /// queue-master has reported the shipment.
    Delivered,
    /// Payment was declined or could not be reached.
    PaymentFailed,
}

impl OrderStatus {
    /// The status as it is stored and shown.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Created => "CREATED",
            Self::Pending => "PENDING",
            Self::Paid => "PAID",
            Self::Shipped => "SHIPPED",
            Self::Delivered => "DELIVERED",
            Self::PaymentFailed => "PAYMENT_FAILED",
        }
    }
}

/// The customer, as user shows them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Customer {
    pub(super) first_name: String,
    pub(super) last_name: String,
    pub(super) username: String,
}

/// Where the order goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Address {
    pub(super) number: String,
    pub(super) street: String,
    pub(super) city: String,
    pub(super) postcode: String,
    pub(super) country: String,
}

/// What it is paid with.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Card {
    pub(super) long_num: String,
    pub(super) expires: String,
    pub(super) ccv: String,
}

/// A line of the order, as carts shows it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Item {
    pub(super) id: String,
    pub(super) item_id: String,
    pub(super) quantity: i32,
    pub(super) unit_price: f64,
}

/// What shipping made of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Shipment {
    pub(super) id: String,
    pub(super) name: String,
}

/// What an order holds besides its keys; stored as one document.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub(super) struct Document {
    pub(super) customer: Customer,
    pub(super) address: Address,
    pub(super) card: Card,
    pub(super) items: Vec<Item>,
    pub(super) shipment: Option<Shipment>,
    pub(super) total: f32,
}

/// An order.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Order {
    pub(super) id: String,
    pub(super) customer_id: String,
    /// The id that the shipment has or will have.
    pub(super) shipment_id: String,
    pub(super) status: OrderStatus,
    /// Milliseconds since the epoch.
    pub(super) placed: i64,
    pub(super) document: Document,
}

/// What the items cost with shipping, in the first system's arithmetic: lines in
/// 32 bits, their sum in 64, the rest in 32 again.
pub(super) fn total(items: &[Item]) -> f32 {
    let lines = items
        .iter()
        .map(|item| f64::from(item.quantity as f32 * item.unit_price as f32));
    lines.sum::<f64>() as f32 + SHIPPING
}

/// The order with the sent fields in place of its own; its ids stay.
pub(super) fn merged(order: &Order, sent: Map<String, Value>) -> Result<Order, AppError> {
    let unusable = |error: serde_json::Error| {
        AppError::new(
            StatusCode::BAD_REQUEST,
            format!("Could not read document: {error}"),
        )
    };
    let mut document = serde_json::to_value(&order.document).map_err(unusable)?;
    let mut status = order.status;
    for (name, value) in sent {
        match (name.as_str(), document.get_mut(&name)) {
            ("status", _) => status = serde_json::from_value(value).map_err(unusable)?,
            (_, Some(own)) => *own = value,
            (_, None) => {}
        }
    }
    let document = serde_json::from_value(document).map_err(unusable)?;
    Ok(Order {
        status,
        document,
        ..order.clone()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn item(quantity: i32, unit_price: f64) -> Item {
        Item {
            quantity,
            unit_price,
            ..Item::default()
        }
    }

    #[test]
    fn totals_are_those_of_32_bit_arithmetic() {
        for (items, expected) in [
            (vec![item(1, 99.99)], "104.979996"),
            (vec![item(1, 15.0)], "19.99"),
            (
                vec![item(1, 17.32), item(1, 14.0), item(1, 10.99)],
                "47.299995",
            ),
            (vec![item(1, 7.99)], "12.98"),
            (vec![item(2, 99.99)], "204.97"),
            (vec![], "4.99"),
        ] {
            assert_eq!(total(&items).to_string(), expected, "{items:?}");
        }
    }

    #[test]
    fn a_patch_sets_what_it_names_and_keeps_the_ids() {
        let order = Order {
            id: "a".into(),
            customer_id: "c".into(),
            shipment_id: "s".into(),
            status: OrderStatus::Paid,
            placed: 1,
            document: Document {
                total: 19.99,
                ..Document::default()
            },
        };
        let sent = json!({ "status": "SHIPPED", "id": "b", "address": { "city": "Glasgow" } });
        let Value::Object(sent) = sent else {
            unreachable!()
        };
        let changed = merged(&order, sent).expect("usable");
        assert_eq!(
            (changed.id.as_str(), changed.status),
            ("a", OrderStatus::Shipped)
        );
        assert_eq!(changed.document.address.city, "Glasgow");
        assert_eq!(changed.document.total, 19.99);
        let sent = json!({ "status": "LOST" });
        let Value::Object(sent) = sent else {
            unreachable!()
        };
        assert!(merged(&order, sent).is_err());
    }
}
