//! orders: takes an order through payment and shipping, and remembers it.

mod api;
mod model;
mod place;
mod store;
mod view;

use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, patch};
use serde::Deserialize;
use serde_json::Value;
use shop_kit::instrument::Counters;
use shop_kit::{AppError, ConfigError, Context, Peer};

use crate::durations;
use crate::errors::{self, data_access, unreadable};
use crate::health::{self, Status};
use crate::openapi;
use crate::query;
use crate::releases::{RETRIES_WITHOUT_END, SAVES_LAST};
use store::{MIGRATIONS, Store};

/// How long a service may take to answer, in seconds, unless `HTTP_TIMEOUT` says otherwise.
const PATIENCE: u64 = 5;
/// Orders of one page, unless the query says otherwise.
const PAGE: usize = 20;

#[derive(Clone)]
struct Orders {
    store: Store,
    user: Peer,
    carts: Peer,
    payment: Peer,
    shipping: Peer,
    taken: Counters,
    value: Counters,
    /// Whether nothing is stored before an order is done; a bug of one release.
    saves_last: bool,
    /// Whether payment is asked again and again; a bug of one release.
    retries: bool,
}

pub(crate) fn app(ctx: Context) -> Result<Router, ConfigError> {
    durations::java(&ctx)?;
    let patience = ctx
        .env()
        .number("HTTP_TIMEOUT", PATIENCE, "a number of seconds such as `5`")?;
    let patience = Duration::from_secs(patience);
    let orders = Orders {
        saves_last: ctx.has(SAVES_LAST),
        retries: ctx.has(RETRIES_WITHOUT_END),
        user: ctx.peer("user", "USER_URL")?.patient(patience),
        carts: ctx.peer("carts", "CARTS_URL")?.patient(patience),
        payment: ctx.peer("payment", "PAYMENT_URL")?.patient(patience),
        shipping: ctx.peer("shipping", "SHIPPING_URL")?.patient(patience),
        taken: ctx.metrics().counters(
            "orders_total",
            "Orders, by the status that placing them ended with.",
            &["status"],
        )?,
        value: ctx
            .metrics()
            .counters("order_value_total", "What paid orders cost in sum.", &[])?,
        store: Store::new(ctx.database("orders-db", MIGRATIONS)?),
    };
    Ok(Router::new()
        .route("/orders", get(list).post(place::place))
        .route(
            "/orders/{id}",
            get(one).put(replace).patch(change).delete(remove),
        )
        .route("/orders/search", get(searches))
        .route("/orders/search/customerId", get(of_customer))
        .route("/orders/shipments/{id}", patch(change_by_shipment))
        .route("/profile", get(profile))
        .route("/profile/orders", get(profile_of_orders))
        .route("/health", get(health))
        .merge(openapi::served("orders", api::operations))
        .fallback(errors::no_such_page)
        .with_state(orders))
}

type Answer = Result<Response, AppError>;

async fn list(
    State(orders): State<Orders>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let of = |name| query::value(query.as_deref(), name)?.parse::<usize>().ok();
    let number = of("page").unwrap_or(0);
    let size = of("size").unwrap_or(PAGE).clamp(1, 1_000);
    let total = orders.store.count().await.map_err(|e| data_access(&e))?;
    let shown = orders
        .store
        .page(number, size)
        .await
        .map_err(|e| data_access(&e))?;
    Ok(hal(&view::page(
        &base(&headers),
        &shown,
        number,
        size,
        total,
    )))
}

async fn one(State(orders): State<Orders>, headers: HeaderMap, Path(id): Path<String>) -> Answer {
    let found = orders.store.order(&id).await.map_err(|e| data_access(&e))?;
    Ok(found.map_or_else(unknown, |order| hal(&view::hal(&base(&headers), &order))))
}

async fn searches(headers: HeaderMap) -> Response {
    hal(&view::searches(&base(&headers)))
}

async fn profile(headers: HeaderMap) -> Response {
    hal(&view::profile(&base(&headers)))
}

async fn profile_of_orders(headers: HeaderMap) -> Response {
    let body = view::alps(&base(&headers)).to_string();
    ([(header::CONTENT_TYPE, "application/alps+json")], body).into_response()
}

async fn of_customer(
    State(orders): State<Orders>,
    headers: HeaderMap,
    RawQuery(query): RawQuery,
) -> Answer {
    let customer = query::value(query.as_deref(), "custId").unwrap_or_default();
    let found = orders
        .store
        .of_customer(&customer)
        .await
        .map_err(|e| data_access(&e))?;
    Ok(hal(&view::of_customer(&base(&headers), &customer, &found)))
}

/// Sets the fields that are sent; `status` among them.
async fn change(State(orders): State<Orders>, Path(id): Path<String>, body: Bytes) -> Answer {
    let sent = object(&body)?;
    let Some(order) = orders.store.order(&id).await.map_err(|e| data_access(&e))? else {
        return Ok(unknown());
    };
    save(&orders, model::merged(&order, sent)?).await
}

/// Replaces an order, apart from its id.
async fn replace(State(orders): State<Orders>, Path(id): Path<String>, body: Bytes) -> Answer {
    change(State(orders), Path(id), body).await
}

async fn save(orders: &Orders, order: model::Order) -> Answer {
    orders
        .store
        .save(&order)
        .await
        .map_err(|e| data_access(&e))?;
    Ok(StatusCode::NO_CONTENT.into_response())
}

#[derive(Deserialize)]
struct NewStatus {
    status: model::OrderStatus,
}

/// What queue-master calls when a shipment has been delivered.
async fn change_by_shipment(
    State(orders): State<Orders>,
    Path(shipment): Path<String>,
    body: Bytes,
) -> Answer {
    let NewStatus { status } = serde_json::from_slice(&body).map_err(|error| unreadable(&error))?;
    let id = orders
        .store
        .id_of_shipment(&shipment)
        .await
        .map_err(|e| data_access(&e))?;
    let Some(id) = id else {
        return Ok(unknown());
    };
    orders
        .store
        .set_status(&id, status)
        .await
        .map_err(|e| data_access(&e))?;
    tracing::info!(
        order = id,
        shipment,
        "Order {id} status updated to {}",
        status.as_str()
    );
    Ok(StatusCode::NO_CONTENT.into_response())
}

async fn remove(State(orders): State<Orders>, Path(id): Path<String>) -> Answer {
    match orders
        .store
        .remove(&id)
        .await
        .map_err(|e| data_access(&e))?
    {
        0 => Ok(unknown()),
        _ => Ok(StatusCode::NO_CONTENT.into_response()),
    }
}

async fn health(State(orders): State<Orders>) -> Response {
    let db = Status::from(orders.store.ping().await);
    health::with_date(&[("orders", Status::Ok), ("orders-db", db)])
}

/// The address that links start with: where the caller asked.
fn base(headers: &HeaderMap) -> String {
    let host = headers
        .get(header::HOST)
        .and_then(|host| host.to_str().ok());
    format!("http://{}", host.unwrap_or("orders"))
}

fn unknown() -> Response {
    StatusCode::NOT_FOUND.into_response()
}

fn hal(body: &Value) -> Response {
    let text = serde_json::to_string_pretty(body).unwrap_or_default();
    (
        [(header::CONTENT_TYPE, "application/hal+json;charset=UTF-8")],
        text,
    )
        .into_response()
}

fn object(body: &[u8]) -> Result<serde_json::Map<String, Value>, AppError> {
    serde_json::from_slice(body).map_err(|error| unreadable(&error))
}
