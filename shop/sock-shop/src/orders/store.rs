//! What orders keeps in its database.

use serde_json::Value as Json;
use shop_kit::{Database, DbError, Migration, Row};

use super::model::{Order, OrderStatus};

pub(super) const MIGRATIONS: &[Migration] = &[Migration {
    name: "0001_orders",
    sql: include_str!("../../migrations/0001_orders.sql"),
}];

/// The database of orders.
#[derive(Clone, Debug)]
pub(super) struct Store(Database);

impl Store {
    pub(super) fn new(database: Database) -> Self {
        Self(database)
    }

    pub(super) async fn ping(&self) -> Result<(), DbError> {
        self.0.ping().await
    }

    pub(super) async fn add(&self, order: &Order) -> Result<(), DbError> {
        let sql = "INSERT INTO customer_order (id, customer_id, shipment_id, status, placed, document) VALUES ($1, $2, $3, $4, $5, $6)";
        let values = [
            (&order.id).into(),
            (&order.customer_id).into(),
            (&order.shipment_id).into(),
            order.status.as_str().into(),
            order.placed.into(),
            document(order).into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Stores status and document of an order that was added.
    pub(super) async fn save(&self, order: &Order) -> Result<(), DbError> {
        let sql =
            "UPDATE customer_order SET customer_id = $1, status = $2, document = $3 WHERE id = $4";
        let values = [
            (&order.customer_id).into(),
            order.status.as_str().into(),
            document(order).into(),
            (&order.id).into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    /// Stores the document, and the status unless the order has been delivered meanwhile.
    pub(super) async fn save_shipped(&self, order: &Order) -> Result<(), DbError> {
        let sql = "UPDATE customer_order SET document = $1, status = CASE WHEN status = 'DELIVERED' THEN status ELSE $2 END WHERE id = $3";
        let values = [
            document(order).into(),
            order.status.as_str().into(),
            (&order.id).into(),
        ];
        self.0.execute(sql, &values).await.map(drop)
    }

    pub(super) async fn set_status(&self, id: &str, status: OrderStatus) -> Result<u64, DbError> {
        let sql = "UPDATE customer_order SET status = $1 WHERE id = $2";
        self.0
            .execute(sql, &[status.as_str().into(), id.into()])
            .await
    }

    pub(super) async fn order(&self, id: &str) -> Result<Option<Order>, DbError> {
        let sql = "SELECT id, customer_id, shipment_id, status, placed, document FROM customer_order WHERE id = $1";
        self.0
            .row(sql, &[id.into()])
            .await?
            .as_ref()
            .map(read)
            .transpose()
    }

    /// The id of the order that this shipment is of.
    pub(super) async fn id_of_shipment(&self, shipment: &str) -> Result<Option<String>, DbError> {
        let sql = "SELECT id FROM customer_order WHERE shipment_id = $1";
        self.0
            .row(sql, &[shipment.into()])
            .await?
            .map(|row| row.text("id"))
            .transpose()
    }

    pub(super) async fn of_customer(&self, customer: &str) -> Result<Vec<Order>, DbError> {
        let sql = "SELECT id, customer_id, shipment_id, status, placed, document FROM customer_order WHERE customer_id = $1 ORDER BY placed, id";
        self.0
            .rows(sql, &[customer.into()])
            .await?
            .iter()
            .map(read)
            .collect()
    }

    pub(super) async fn page(&self, number: usize, size: usize) -> Result<Vec<Order>, DbError> {
        let sql = "SELECT id, customer_id, shipment_id, status, placed, document FROM customer_order ORDER BY placed, id LIMIT $1 OFFSET $2";
        let offset = number.saturating_mul(size) as i64;
        self.0
            .rows(sql, &[(size as i64).into(), offset.into()])
            .await?
            .iter()
            .map(read)
            .collect()
    }

    pub(super) async fn count(&self) -> Result<usize, DbError> {
        let row = self
            .0
            .row("SELECT COUNT(*) AS orders FROM customer_order", &[])
            .await?;
        row.map_or(Ok(0), |row| row.int("orders").map(|orders| orders as usize))
    }

    pub(super) async fn remove(&self, id: &str) -> Result<u64, DbError> {
        self.0
            .execute("DELETE FROM customer_order WHERE id = $1", &[id.into()])
            .await
    }
}

fn document(order: &Order) -> String {
    serde_json::to_string(&order.document).unwrap_or_default()
}

fn read(row: &Row) -> Result<Order, DbError> {
    let status = Json::from(row.text("status")?);
    let unreadable = |error: serde_json::Error| DbError::Refused {
        peer: "orders-db",
        reason: error.to_string(),
    };
    Ok(Order {
        id: row.text("id")?,
        customer_id: row.text("customer_id")?,
        shipment_id: row.text("shipment_id")?,
        status: serde_json::from_value(status).map_err(unreadable)?,
        placed: row.int("placed")?,
        document: serde_json::from_str(&row.text("document")?).map_err(unreadable)?,
    })
}
