//! Placing an order: stored first, then customer, cart, payment and shipping are asked.

use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use shop_kit::{AppError, Peer, PeerError};
use url::Url;

use super::model::{Document, Item, Order, OrderStatus, Shipment, total};
use super::{Orders, view};
use crate::errors::{data_access, unreadable};
use crate::number::{java_float, shortest};
use crate::object_id;

/// How long payment may take in a release that asks again and again.
const IMPATIENCE: Duration = Duration::from_millis(500);
/// What such a release takes for a pause; a machine of two cores survives it.
const AT_ONCE: Duration = Duration::from_millis(10);

/// Where to find what an order is made of.
#[derive(Debug, Deserialize)]
struct Wanted {
    customer: Option<String>,
    address: Option<String>,
    card: Option<String>,
    items: Option<String>,
}

/// The paths of what an order is made of; the services are the configured ones.
struct Parts {
    customer: String,
    address: String,
    card: String,
    items: String,
}

impl Wanted {
    fn parts(self) -> Option<Parts> {
        let path = |url: Option<String>| Some(Url::parse(&url?).ok()?.path().to_owned());
        Some(Parts {
            customer: path(self.customer)?,
            address: path(self.address)?,
            card: path(self.card)?,
            items: path(self.items)?,
        })
    }
}

pub(super) async fn place(
    State(orders): State<Orders>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), AppError> {
    let wanted: Wanted = serde_json::from_slice(&body).map_err(|error| unreadable(&error))?;
    let parts = wanted.parts().ok_or_else(|| {
        not_acceptable("Invalid order request. Order requires customer, address, card and items.")
            .kind("works.weave.socks.orders.controllers.OrdersController$InvalidOrderException")
    })?;
    let mut order = Order {
        id: object_id::new(),
        customer_id: last_segment(&parts.customer),
        shipment_id: uuid::Uuid::new_v4().to_string(),
        status: OrderStatus::Created,
        placed: jiff::Timestamp::now().as_millisecond(),
        document: Document::default(),
    };
    if !orders.saves_last {
        orders.begin(&mut order).await?;
    }

    let result = orders.carry_out(&mut order, &parts).await;
    if orders.saves_last && result.is_ok() {
        let added = orders.store.add(&order).await;
        added.map_err(|e| data_access(&e))?;
    }
    orders
        .taken
        .with_label_values(&[order.status.as_str()])
        .inc();
    result.map(|()| (StatusCode::CREATED, Json(view::placed(&order))))
}

impl Orders {
    /// Stores the order, and that it is being worked on.
    async fn begin(&self, order: &mut Order) -> Result<(), AppError> {
        let added = self.store.add(order).await;
        added.map_err(|e| data_access(&e))?;
        let id = &order.id;
        tracing::info!(
            order = id,
            "Order created with ID: {id} and status: Created"
        );
        order.status = OrderStatus::Pending;
        let set = self.store.set_status(id, order.status).await;
        set.map_err(|e| data_access(&e))?;
        tracing::info!(order = id, "Order {id} status updated to PENDING");
        Ok(())
    }

    async fn save(&self, order: &Order) -> Result<(), AppError> {
        if self.saves_last {
            return Ok(());
        }
        self.store.save(order).await.map_err(|e| data_access(&e))
    }

    async fn carry_out(&self, order: &mut Order, parts: &Parts) -> Result<(), AppError> {
        self.gather(order, parts).await?;
        self.pay(order).await?;
        self.ship(order).await
    }

    /// Asks user and carts, all at once.
    async fn gather(&self, order: &mut Order, parts: &Parts) -> Result<(), AppError> {
        let gathered = futures::future::try_join4(
            fetch::<Value>(&self.user, &parts.customer, "application/hal+json"),
            fetch(&self.user, &parts.address, "application/hal+json"),
            fetch(&self.user, &parts.card, "application/hal+json"),
            fetch::<Vec<Item>>(&self.carts, &parts.items, "application/json"),
        );
        let (customer, address, card, items) = gathered.await.map_err(|error| {
            tracing::warn!(
                order = order.id,
                "Order {} cannot be made up: {error}",
                order.id
            );
            not_gathered(&error)
        })?;
        let link = customer["_links"]["self"]["href"].as_str();
        if let Some(url) = link.and_then(|link| Url::parse(link).ok()) {
            order.customer_id = last_segment(url.path());
        }
        order.document = Document {
            customer: serde_json::from_value(customer).unwrap_or_default(),
            address,
            card,
            total: total(&items),
            items,
            shipment: None,
        };
        Ok(())
    }

    async fn pay(&self, order: &mut Order) -> Result<(), AppError> {
        let id = order.id.clone();
        let request = json!({
            "address": order.document.address,
            "card": order.document.card,
            "customer": order.document.customer,
            "amount": java_float(order.document.total),
        });
        tracing::info!(
            order = id,
            "Sending payment request for order {id}: amount {}",
            order.document.total
        );
        match self.authorisation(&request).await {
            Ok(payment) => {
                let Authorisation {
                    authorised,
                    message,
                } = payment;
                tracing::info!(
                    order = id,
                    "Received payment response for order {id}: PaymentResponse{{authorised={authorised}, message={message}}}"
                );
                if !authorised {
                    self.payment_failed(order, &message).await?;
                    let declined = not_acceptable(&message);
                    return Err(declined.kind("works.weave.socks.orders.controllers.OrdersController$PaymentDeclinedException"));
                }
            }
            Err(error) => {
                let reason = match &error {
                    PeerError::Refused(_) => "Connection refused".to_owned(),
                    other => other.to_string(),
                };
                self.payment_failed(order, &reason).await?;
                let message = format!("Payment service unavailable for order {id}");
                return Err(AppError::internal(message)
                    .kind("java.lang.IllegalStateException")
                    .because(error));
            }
        }
        order.status = OrderStatus::Paid;
        self.save(order).await?;
        tracing::info!(
            order = id,
            "Order {id} payment successful, status updated to PAID"
        );
        self.value
            .with_label_values::<&str>(&[])
            .inc_by(shortest(order.document.total));
        Ok(())
    }

    /// Asks payment; in a release with a bug, again and again until it says something.
    async fn authorisation(&self, request: &Value) -> Result<Authorisation, PeerError> {
        loop {
            let mut call = self.payment.post("/paymentAuth").json(request);
            if self.retries {
                call = call.timeout(IMPATIENCE);
            }
            let answer = call.send().await;
            match answer.and_then(|answer| Authorisation::of(answer.status, answer.json()?)) {
                Err(_) if self.retries => tokio::time::sleep(AT_ONCE).await,
                said => return said,
            }
        }
    }

    async fn payment_failed(&self, order: &mut Order, reason: &str) -> Result<(), AppError> {
        order.status = OrderStatus::PaymentFailed;
        self.save(order).await?;
        let id = &order.id;
        tracing::warn!(
            order = id,
            "Order {id} status updated to PAYMENT_FAILED due to: {reason}"
        );
        Ok(())
    }

    /// Hands the order to shipping. A shipping that cannot be reached leaves it paid;
    /// one that refuses fails the order.
    async fn ship(&self, order: &mut Order) -> Result<(), AppError> {
        let id = order.id.clone();
        let shipment = Shipment {
            id: order.shipment_id.clone(),
            name: order.customer_id.clone(),
        };
        match self.shipping.post("/shipping").json(&shipment).send().await {
            Ok(answer) if answer.status.is_success() => {
                order.status = OrderStatus::Shipped;
                order.document.shipment = Some(shipment);
                if !self.saves_last {
                    let saved = self.store.save_shipped(order).await;
                    saved.map_err(|e| data_access(&e))?;
                }
                tracing::info!(order = id, "Order {id} shipped successfully");
                Ok(())
            }
            Ok(answer) => {
                tracing::error!(
                    order = id,
                    status = answer.status.as_u16(),
                    "Order {id} not shipped: shipping refused it"
                );
                Err(unspecified().because(format!("shipping answered {}", answer.status.as_u16())))
            }
            Err(error) => {
                tracing::error!(order = id, "Order {id} not shipped: {error}");
                Ok(())
            }
        }
    }
}

/// What payment says.
#[derive(Debug, Deserialize)]
struct Authorisation {
    authorised: bool,
    #[serde(default)]
    message: String,
}

impl Authorisation {
    fn of(status: StatusCode, body: Value) -> Result<Self, PeerError> {
        let unreadable = |reason: String| PeerError::Unreadable {
            peer: "payment:80".to_owned(),
            reason,
        };
        if !status.is_success() {
            return Err(unreadable(format!(
                "status {}: {}",
                status.as_u16(),
                body["error"]
            )));
        }
        serde_json::from_value(body).map_err(|error| unreadable(error.to_string()))
    }
}

async fn fetch<T: DeserializeOwned>(
    peer: &Peer,
    path: &str,
    accept: &'static str,
) -> Result<T, PeerError> {
    let call = peer
        .get(path)
        .header(header::ACCEPT, HeaderValue::from_static(accept));
    let answer = call.send().await?;
    if answer.status.is_success() {
        return answer.json();
    }
    Err(PeerError::Unreadable {
        peer: path.to_owned(),
        reason: format!("status {}", answer.status.as_u16()),
    })
}

fn not_gathered(error: &PeerError) -> AppError {
    match error {
        PeerError::Timeout { .. } => {
            AppError::internal("Unable to create order due to timeout from one of the services.")
                .kind("java.lang.IllegalStateException")
                .because(error)
        }
        _ => unspecified().because(error),
    }
}

fn unspecified() -> AppError {
    AppError::internal("Unable to create order due to unspecified IO error.")
        .kind("java.lang.IllegalStateException")
}

fn not_acceptable(message: &str) -> AppError {
    AppError::new(StatusCode::NOT_ACCEPTABLE, message)
}

fn last_segment(path: &str) -> String {
    path.trim_end_matches('/')
        .rsplit('/')
        .next()
        .unwrap_or_default()
        .to_owned()
}
