//! carts: what customers, known or not, are about to buy.

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use shop_kit::{AppError, ConfigError, Context, Database, DbError, Migration, Row};

use crate::errors::data_access;
use crate::health::{self, Status};
use crate::{number, object_id};

const MIGRATIONS: &[Migration] = &[Migration {
    name: "0001_carts",
    sql: include_str!("../migrations/0001_carts.sql"),
}];
const ITEM: &str = "SELECT id, item_id, quantity, unit_price FROM cart_item WHERE cart_id = $1 AND item_id = $2 ORDER BY added, id";

pub(crate) fn app(ctx: Context) -> Result<Router, ConfigError> {
    let database = ctx.database("carts-db", MIGRATIONS)?;
    Ok(Router::new()
        .route("/carts/{customer}", get(show).delete(clear))
        .route("/carts/{customer}/merge", get(merge))
        .route(
            "/carts/{customer}/items",
            get(items).post(add).patch(update),
        )
        .route("/carts/{customer}/items/{item}", get(item).delete(remove))
        .route("/health", get(health))
        .with_state(database))
}

/// A line as callers send it: the sock's id goes by either name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    item_id: Option<String>,
    id: Option<String>,
    quantity: Option<i64>,
    unit_price: Option<f64>,
}

impl Line {
    fn read(body: &[u8]) -> Result<Self, AppError> {
        serde_json::from_slice(body).map_err(|error| {
            AppError::new(
                StatusCode::BAD_REQUEST,
                format!("Could not read document: {error}"),
            )
            .kind("org.springframework.http.converter.HttpMessageNotReadableException")
        })
    }

    /// The sock's id; empty without one, as the first system has it.
    fn sock(&self) -> String {
        self.item_id
            .clone()
            .or_else(|| self.id.clone())
            .unwrap_or_default()
    }
}

async fn show(
    State(db): State<Database>,
    Path(customer): Path<String>,
) -> Result<Json<Value>, AppError> {
    let items = all(&db, &customer).await?;
    Ok(Json(json!({ "customerId": customer, "items": items })))
}

async fn items(
    State(db): State<Database>,
    Path(customer): Path<String>,
) -> Result<Json<Value>, AppError> {
    Ok(Json(all(&db, &customer).await?))
}

async fn all(db: &Database, customer: &str) -> Result<Value, AppError> {
    const ALL: &str = "SELECT id, item_id, quantity, unit_price FROM cart_item WHERE cart_id = $1 ORDER BY added, id";
    let rows = db
        .rows(ALL, &[customer.into()])
        .await
        .map_err(|e| data_access(&e))?;
    let lines: Result<Vec<_>, _> = rows.iter().map(line).collect();
    Ok(lines.map_err(|e| data_access(&e))?.into())
}

async fn item(
    State(db): State<Database>,
    Path((customer, item)): Path<(String, String)>,
) -> Result<Json<Value>, AppError> {
    let row = db.row(ITEM, &[customer.into(), item.into()]).await;
    let row = row.map_err(|e| data_access(&e))?.ok_or_else(no_such_item)?;
    Ok(Json(line(&row).map_err(|e| data_access(&e))?))
}

async fn clear(
    State(db): State<Database>,
    Path(customer): Path<String>,
) -> Result<StatusCode, AppError> {
    let delete = "DELETE FROM cart_item WHERE cart_id = $1";
    db.execute(delete, &[customer.into()])
        .await
        .map_err(|e| data_access(&e))?;
    Ok(StatusCode::ACCEPTED)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Merge {
    session_id: Option<String>,
}

/// Moves the session's lines to the customer, side by side with equal ones.
async fn merge(
    State(db): State<Database>,
    Path(customer): Path<String>,
    Query(Merge { session_id }): Query<Merge>,
) -> Result<StatusCode, AppError> {
    let session = session_id.ok_or_else(|| {
        AppError::new(
            StatusCode::BAD_REQUEST,
            "Required String parameter 'sessionId' is not present",
        )
        .kind("org.springframework.web.bind.MissingServletRequestParameterException")
    })?;
    let move_lines = "UPDATE cart_item SET cart_id = $1 WHERE cart_id = $2";
    db.execute(move_lines, &[customer.into(), session.into()])
        .await
        .map_err(|e| data_access(&e))?;
    Ok(StatusCode::ACCEPTED)
}

/// Adds a line; a sock that is in the cart already becomes one more, whatever quantity was sent.
async fn add(
    State(db): State<Database>,
    Path(customer): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), AppError> {
    let sent = Line::read(&body)?;
    let sock = sent.sock();
    let one_more =
        "UPDATE cart_item SET quantity = quantity + 1 WHERE cart_id = $1 AND item_id = $2";
    let key = [(&customer).into(), (&sock).into()];
    if db
        .execute(one_more, &key)
        .await
        .map_err(|e| data_access(&e))?
        > 0
    {
        let row = db
            .row(ITEM, &key)
            .await
            .map_err(|e| data_access(&e))?
            .ok_or_else(no_such_item)?;
        return Ok((
            StatusCode::CREATED,
            Json(line(&row).map_err(|e| data_access(&e))?),
        ));
    }
    let insert = "INSERT INTO cart_item (id, cart_id, item_id, quantity, unit_price, added) VALUES ($1, $2, $3, $4, $5, $6)";
    let (id, quantity) = (object_id::new(), sent.quantity.unwrap_or(1));
    let price = sent.unit_price.unwrap_or_default();
    let added = jiff::Timestamp::now().as_microsecond();
    let values = [
        (&id).into(),
        customer.into(),
        (&sock).into(),
        quantity.into(),
        price.into(),
        added.into(),
    ];
    db.execute(insert, &values)
        .await
        .map_err(|e| data_access(&e))?;
    Ok((
        StatusCode::CREATED,
        Json(line_of(&id, &sock, quantity, price)),
    ))
}

/// Sets a line's quantity; zero removes the line.
async fn update(
    State(db): State<Database>,
    Path(customer): Path<String>,
    body: Bytes,
) -> Result<StatusCode, AppError> {
    let sent = Line::read(&body)?;
    let (sock, quantity) = (sent.sock(), sent.quantity.unwrap_or(1));
    let touched = if quantity == 0 {
        delete_line(&db, &customer, &sock).await
    } else {
        let set = "UPDATE cart_item SET quantity = $1 WHERE cart_id = $2 AND item_id = $3";
        db.execute(set, &[quantity.into(), customer.into(), sock.into()])
            .await
    };
    match touched.map_err(|e| data_access(&e))? {
        0 => Err(no_such_item()),
        _ => Ok(StatusCode::ACCEPTED),
    }
}

async fn remove(
    State(db): State<Database>,
    Path((customer, item)): Path<(String, String)>,
) -> Result<StatusCode, AppError> {
    match delete_line(&db, &customer, &item)
        .await
        .map_err(|e| data_access(&e))?
    {
        0 => Err(no_such_item()),
        _ => Ok(StatusCode::ACCEPTED),
    }
}

async fn delete_line(db: &Database, customer: &str, sock: &str) -> Result<u64, DbError> {
    let delete = "DELETE FROM cart_item WHERE cart_id = $1 AND item_id = $2";
    db.execute(delete, &[customer.into(), sock.into()]).await
}

async fn health(State(db): State<Database>) -> Json<Value> {
    health::with_date(&[("carts", Status::Ok), ("carts-db", db.ping().await.into())])
}

fn line(row: &Row) -> Result<Value, DbError> {
    Ok(line_of(
        &row.text("id")?,
        &row.text("item_id")?,
        row.int("quantity")?,
        row.float("unit_price")?,
    ))
}

fn line_of(id: &str, sock: &str, quantity: i64, price: f64) -> Value {
    json!({ "id": id, "itemId": sock, "quantity": quantity, "unitPrice": number::java_float(price as f32) })
}

fn no_such_item() -> AppError {
    AppError::internal("Cannot find item in cart").kind("java.lang.IllegalArgumentException")
}
