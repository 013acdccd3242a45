//! shipping: puts shipments into the queue, and keeps those that no broker is there for.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use serde::{Deserialize, Serialize};
use serde_json::json;
use shop_kit::instrument::Counters;
use shop_kit::{AppError, ConfigError, Context, Declared, Message, Queue, QueueError};
use tokio::sync::Notify;

use crate::durations;
use crate::errors;
use crate::health::{self, Status};
use crate::openapi::{self, Operation};
use crate::releases::SWALLOWS_REJECTIONS;

/// The queue of shipments.
pub(crate) const QUEUE: Declared = Declared {
    name: "shipping-task",
    exchange: Some("shipping-task-exchange"),
};
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
    swallows_rejections: bool,
    kept: Arc<Kept>,
    shipments: Counters,
}

/// Shipments that wait for the broker.
#[derive(Default)]
struct Kept {
    messages: Mutex<VecDeque<Message>>,
    more: Notify,
    /// Whether the broker was away when it was tried last.
    away: AtomicBool,
}

pub(crate) fn app(ctx: Context) -> Result<Router, ConfigError> {
    durations::java(&ctx)?;
    let shipping = Shipping {
        queue: ctx.queue("rabbitmq")?,
        swallows_rejections: ctx.has(SWALLOWS_REJECTIONS),
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
        .merge(openapi::served("shipping", operations))
        .fallback(errors::no_such_page)
        .with_state(shipping))
}

async fn show(Path(id): Path<String>) -> String {
    format!("GET Shipping Resource with id: {id}")
}

async fn ship(
    State(shipping): State<Shipping>,
    body: Bytes,
) -> Result<(StatusCode, Json<Shipment>), AppError> {
    let mut shipment: Shipment =
        serde_json::from_slice(&body).map_err(|error| errors::unreadable(&error))?;
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
    /// Publishes a shipment and waits for the confirm. A broker that is away is no
    /// reason to refuse, one that rejects is.
    async fn accept(&self, shipment: &Shipment) -> Result<(), AppError> {
        let message = Message {
            body: serde_json::to_vec(shipment).unwrap_or_default(),
            headers: [(TYPE_ID.0.to_owned(), TYPE_ID.1.to_owned())].into(),
        };
        // Who is known to be away is not waited for by every request.
        if self.kept.away.load(Ordering::Relaxed) {
            self.keep(message);
            return Ok(());
        }
        match self.queue.publish(&QUEUE, &message).await {
            Ok(()) => Ok(()),
            Err(QueueError::Rejected { .. }) if self.swallows_rejections => Ok(()),
            Err(error @ QueueError::Rejected { .. }) => {
                let status = StatusCode::SERVICE_UNAVAILABLE;
                Err(AppError::new(status, "Queue unavailable").because(error))
            }
            Err(QueueError::Unreachable { .. }) => {
                tracing::warn!(
                    "Unable to add to queue (the queue is probably down). Accepting anyway."
                );
                self.kept.away.store(true, Ordering::Relaxed);
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
        drop(kept);
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
            let published = self.queue.publish(&QUEUE, &message).await;
            let away = matches!(published, Err(QueueError::Unreachable { .. }));
            self.kept.away.store(away, Ordering::Relaxed);
            match published {
                Ok(()) => {
                    self.lock().pop_front();
                }
                // It was accepted: it waits until there is a broker with room for it.
                Err(_) => tokio::time::sleep(AGAIN_AFTER).await,
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

async fn health(State(shipping): State<Shipping>) -> Response {
    let rabbit = Status::from(shipping.queue.ping(&QUEUE).await);
    health::with_date(&[("shipping-rabbitmq", rabbit), ("shipping", Status::Ok)])
}

fn operations() -> Vec<Operation> {
    let shipment = json!({
        "id": "58e1a9a0-2a4c-4f0e-9f1e-4f5f0a1a3b1c",
        "name": "57a98d98e4b00679b4a830af",
    });
    let failed = json!({
        "timestamp": 1_760_779_425_771_i64,
        "status": 503,
        "error": "Service Unavailable",
        "message": "Queue unavailable",
        "path": "/shipping",
    });
    vec![
        openapi::read("/shipping", "A greeting.").text(200, "GET ALL Shipping Resource."),
        openapi::send(
            "/shipping",
            "Puts a shipment into the queue; an id is made up if none is sent.",
        )
        .takes(shipment.clone())
        .json(201, shipment)
        .json(400, failed.clone())
        .json(503, failed),
        openapi::read("/shipping/{id}", "A greeting.")
            .with("id", "7")
            .text(200, "GET Shipping Resource with id: 7"),
        openapi::health("date", &["shipping-rabbitmq", "shipping"]),
    ]
}
