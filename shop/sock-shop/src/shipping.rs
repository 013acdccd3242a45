//! shipping: puts shipments into the queue, and keeps those that the broker does not take.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use shop_kit::instrument::Counters;
use shop_kit::{AppError, ConfigError, Context, Message, Queue, QueueError};
use tokio::sync::Notify;

use crate::health::{self, Status};

/// The queue of shipments.
pub(crate) const QUEUE: &str = "shipping-task";
/// What consumers of the first system read the body's type from.
const TYPE_ID: (&str, &str) = ("__TypeId__", "works.weave.socks.shipping.entities.Shipment");
/// Shipments that are kept while the broker is away; then the oldest are lost.
const KEPT: usize = 10_000;
/// How long to wait before the broker is tried again.
const AGAIN_AFTER: Duration = Duration::from_millis(500);

/// A shipment: its id, and the customer that it goes to.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Shipment {
    #[serde(default)]
    pub(crate) id: Option<String>,
    #[serde(default)]
    pub(crate) name: Option<String>,
}

#[derive(Clone)]
struct Shipping {
    queue: Queue,
    confirms: bool,
    kept: Arc<Kept>,
    shipments: Counters,
}

/// Shipments that wait for the broker.
#[derive(Default)]
struct Kept {
    messages: Mutex<VecDeque<Message>>,
    more: Notify,
}

pub(crate) fn app(ctx: Context) -> Result<Router, ConfigError> {
    let shipping = Shipping {
        queue: ctx.queue("rabbitmq")?,
        confirms: ctx
            .env()
            .number("PUBLISHER_CONFIRMS", false, "`true` or `false`")?,
        kept: Arc::default(),
        shipments: ctx
            .metrics()
            .counters("shipments_total", "Shipments accepted.", &[])?,
    };
    let own = shipping.clone();
    ctx.spawn(async move { own.send_kept().await });
    Ok(Router::new()
        .route(
            "/shipping",
            get(|| async { "GET ALL Shipping Resource." }).post(ship),
        )
        .route("/shipping/{id}", get(show))
        .route("/health", get(health))
        .with_state(shipping))
}

async fn show(Path(id): Path<String>) -> String {
    format!("GET Shipping Resource with id: {id}")
}

async fn ship(
    State(shipping): State<Shipping>,
    body: Bytes,
) -> Result<(StatusCode, Json<Shipment>), AppError> {
    let mut shipment: Shipment = serde_json::from_slice(&body).map_err(|error| {
        AppError::new(
            StatusCode::BAD_REQUEST,
            format!("Could not read document: {error}"),
        )
        .kind("org.springframework.http.converter.HttpMessageNotReadableException")
    })?;
    shipment
        .id
        .get_or_insert_with(|| uuid::Uuid::new_v4().to_string());
    tracing::info!(
        shipment = shipment.id,
        name = shipment.name,
        "Adding shipment to queue..."
    );
    shipping.accept(&shipment).await?;
    shipping.shipments.with_label_values::<&str>(&[]).inc();
    Ok((StatusCode::CREATED, Json(shipment)))
}

impl Shipping {
    /// Publishes a shipment. Without confirms it is accepted even when the broker is away.
    async fn accept(&self, shipment: &Shipment) -> Result<(), AppError> {
        let message = Message {
            body: serde_json::to_vec(shipment).unwrap_or_default(),
            headers: [(TYPE_ID.0.to_owned(), TYPE_ID.1.to_owned())].into(),
        };
        if !self.confirms && !self.lock().is_empty() {
            self.keep(message);
            return Ok(());
        }
        match self.queue.publish(QUEUE, &message).await {
            Ok(()) => Ok(()),
            Err(error) if self.confirms => Err(AppError::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "Queue unavailable",
            )
            .because(error)),
            Err(QueueError::Rejected { .. }) => {
                tracing::warn!("the queue rejected a shipment; it is lost");
                Ok(())
            }
            Err(QueueError::Unreachable { .. }) => {
                tracing::warn!(
                    "Unable to add to queue (the queue is probably down). Accepting anyway."
                );
                self.keep(message);
                Ok(())
            }
        }
    }

    fn keep(&self, message: Message) {
        let mut kept = self.lock();
        if kept.len() == KEPT {
            kept.pop_front();
        }
        kept.push_back(message);
        self.kept.more.notify_one();
    }

    /// Publishes what was kept, for ever, oldest first.
    async fn send_kept(&self) {
        loop {
            let next = self.lock().front().cloned();
            let Some(message) = next else {
                self.kept.more.notified().await;
                continue;
            };
            match self.queue.publish(QUEUE, &message).await {
                Ok(()) | Err(QueueError::Rejected { .. }) => {
                    self.lock().pop_front();
                }
                Err(QueueError::Unreachable { .. }) => tokio::time::sleep(AGAIN_AFTER).await,
            }
        }
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, VecDeque<Message>> {
        self.kept
            .messages
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

async fn health(State(shipping): State<Shipping>) -> Json<serde_json::Value> {
    let rabbit = Status::from(shipping.queue.ping(QUEUE).await);
    health::with_date(&[("shipping-rabbitmq", rabbit), ("shipping", Status::Ok)])
}
