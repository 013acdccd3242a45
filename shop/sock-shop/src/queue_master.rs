//! queue-master: takes shipments from the queue and reports them delivered to orders.

use axum::Router;
use axum::http::{StatusCode, header};
use axum::routing::get;
use serde_json::json;
use shop_kit::instrument::{Counters, Metrics};
use shop_kit::{ConfigError, Context, Handled, Message, Peer, Queue};

use crate::durations;
use crate::errors;
use crate::health::{self, Status};
use crate::openapi::{self, Operation};
use crate::releases::ACKNOWLEDGES_FIRST;
use crate::shipping::{QUEUE, Shipment};

#[derive(Clone)]
struct QueueMaster {
    queue: Queue,
    orders: Peer,
    consumed: Counters,
    acknowledges_first: bool,
}

pub(crate) fn app(ctx: Context) -> Result<Router, ConfigError> {
    durations::java(&ctx)?;
    let master = QueueMaster {
        queue: ctx.queue("rabbitmq")?,
        orders: ctx.peer("orders", "ORDERS_URL")?,
        acknowledges_first: ctx.has(ACKNOWLEDGES_FIRST),
        consumed: ctx.metrics().counters(
            "queue_messages_consumed_total",
            "Shipments taken from the queue.",
            &[],
        )?,
    };
    let own = master.clone();
    ctx.spawn(async move {
        own.queue
            .consume(&QUEUE, |message| own.handle(message))
            .await;
    });
    let queue = master.queue;
    Ok(Router::new()
        .route(
            "/prometheus",
            get(move || async move {
                (
                    [(header::CONTENT_TYPE, Metrics::CONTENT_TYPE)],
                    ctx.exposition(),
                )
            }),
        )
        .route(
            "/health",
            get(move || async move {
                let rabbit = Status::from(queue.ping(&QUEUE).await);
                health::with_date(&[
                    ("queue-master", Status::Ok),
                    ("queue-master-rabbitmq", rabbit),
                ])
            }),
        )
        .merge(openapi::served("queue-master", operations))
        .fallback(errors::no_such_page))
}

impl QueueMaster {
    async fn handle(&self, message: Message) -> Handled {
        let handled = self.deliver(message).await;
        if self.acknowledges_first {
            return Handled::Done;
        }
        handled
    }

    /// Delivers one shipment; it comes again while orders cannot be told.
    async fn deliver(&self, message: Message) -> Handled {
        let shipment = serde_json::from_slice(&message.body);
        let Ok(Shipment { id: Some(id), name }) = shipment else {
            tracing::warn!("a message that is no shipment was dropped");
            return Handled::Done;
        };
        tracing::info!(
            shipment = id,
            "Received shipment task: {}",
            name.unwrap_or_default()
        );
        let call = self
            .orders
            .call(http::Method::PATCH, format!("/orders/shipments/{id}"));
        match call.json(&json!({ "status": "DELIVERED" })).send().await {
            Ok(answer) if answer.status.is_success() => {}
            Ok(answer) if answer.status == StatusCode::NOT_FOUND => {
                tracing::warn!(shipment = id, "no order belongs to this shipment");
            }
            Ok(answer) => {
                tracing::warn!(
                    shipment = id,
                    status = answer.status.as_u16(),
                    "orders did not take the delivery"
                );
                return Handled::Again;
            }
            Err(error) => {
                tracing::warn!(
                    shipment = id,
                    "orders cannot be told of the delivery: {error}"
                );
                return Handled::Again;
            }
        }
        self.consumed.with_label_values::<&str>(&[]).inc();
        Handled::Done
    }
}

fn operations() -> Vec<Operation> {
    vec![
        openapi::read("/prometheus", "Metrics, where the first system has them.")
            .media(200, "text/plain"),
        openapi::health("date", &["queue-master", "queue-master-rabbitmq"]),
    ]
}
