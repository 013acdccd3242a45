//! carts: what customers, known or not, are about to buy.

mod api;

use axum::body::Bytes;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::Response;
use axum::routing::get;
use axum::{Json, Router};
use serde::Deserialize;
use serde_json::{Value, json};
use shop_kit::{AppError, ConfigError, Context, Database, DbError, Migration, Row};

use crate::durations;
use crate::errors::{self, data_access};
use crate::health::{self, Status};
use crate::openapi;
use crate::releases::{MERGE_DUPLICATES_LINES, MERGE_LOSES_LINES};
use crate::{number, object_id};

const MIGRATIONS: &[Migration] = &[Migration {
    name: "0001_carts",
    sql: include_str!("../migrations/0001_carts.sql"),
}];
const ALL: &str =
    "SELECT id, item_id, quantity, unit_price FROM cart_item WHERE cart_id = $1 ORDER BY added, id";
const ITEM: &str = "SELECT id, item_id, quantity, unit_price FROM cart_item WHERE cart_id = $1 AND item_id = $2 ORDER BY added, id";

#[derive(Clone)]
struct Carts {
    db: Database,
    merging: Merging,
}

/// What becomes of the session's lines at login.
#[derive(Clone, Copy)]
enum Merging {
    /// They go to the customer, after what is there.
    Moves,
    /// They are thrown away, in a release with [`MERGE_LOSES_LINES`].
    Loses,
    /// They go to the customer and stay, in a release with [`MERGE_DUPLICATES_LINES`].
    Copies,
}

pub(crate) fn app(ctx: Context) -> Result<Router, ConfigError> {
    durations::java(&ctx)?;
    let merging = if ctx.has(MERGE_LOSES_LINES) {
        Merging::Loses
    } else if ctx.has(MERGE_DUPLICATES_LINES) {
        Merging::Copies
    } else {
        Merging::Moves
    };
    let db = ctx.database("carts-db", MIGRATIONS)?;
    Ok(Router::new()
        .route("/carts/{customer}", get(show).delete(clear))
        .route("/carts/{customer}/merge", get(merge))
        .route(
            "/carts/{customer}/items",
            get(items).post(add).patch(update),
        )
        .route("/carts/{customer}/items/{item}", get(item).delete(remove))
        .route("/health", get(health))
        .merge(openapi::served("carts", api::operations))
        .fallback(errors::no_such_page)
        .with_state(Carts { db, merging }))
}

/// A line as callers send it: the sock's id goes by either name.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Sent {
    item_id: Option<String>,
    id: Option<String>,
    quantity: Option<i64>,
    unit_price: Option<f64>,
}

impl Sent {
    fn read(body: &[u8]) -> Result<Self, AppError> {
        serde_json::from_slice(body).map_err(|error| errors::unreadable(&error))
    }

    /// The sock's id; empty without one, as the first system has it.
    fn sock(&self) -> String {
        let sock = self.item_id.as_ref().or(self.id.as_ref());
        sock.cloned().unwrap_or_default()
    }
}

/// A line of a cart.
struct Line {
    id: String,
    sock: String,
    quantity: i64,
    price: f64,
}

impl Line {
    fn read(row: &Row) -> Result<Self, DbError> {
        Ok(Self {
            id: row.text("id")?,
            sock: row.text("item_id")?,
            quantity: row.int("quantity")?,
            price: row.float("unit_price")?,
        })
    }

    fn json(&self) -> Value {
        json!({
            "id": self.id,
            "itemId": self.sock,
            "quantity": self.quantity,
            "unitPrice": number::java_float(self.price as f32),
        })
    }
}

impl Carts {
    async fn lines(&self, cart: &str) -> Result<Vec<Line>, DbError> {
        let rows = self.db.rows(ALL, &[cart.into()]).await?;
        rows.iter().map(Line::read).collect()
    }

    /// The first line with that sock.
    async fn line(&self, cart: &str, sock: &str) -> Result<Line, AppError> {
        let row = self.db.row(ITEM, &[cart.into(), sock.into()]).await;
        let row = row.map_err(|e| data_access(&e))?.ok_or_else(no_such_item)?;
        Line::read(&row).map_err(|e| data_access(&e))
    }

    async fn insert(&self, cart: &str, line: &Line) -> Result<(), DbError> {
        let insert = "INSERT INTO cart_item (id, cart_id, item_id, quantity, unit_price, added) VALUES ($1, $2, $3, $4, $5, $6)";
        let added = jiff::Timestamp::now().as_microsecond();
        let values = [
            (&line.id).into(),
            cart.into(),
            (&line.sock).into(),
            line.quantity.into(),
            line.price.into(),
            added.into(),
        ];
        self.db.execute(insert, &values).await.map(drop)
    }

    async fn delete(&self, cart: &str) -> Result<(), DbError> {
        let delete = "DELETE FROM cart_item WHERE cart_id = $1";
        self.db.execute(delete, &[cart.into()]).await.map(drop)
    }

    /// Removes the first line with that sock; answers how many lines that were.
    async fn delete_line(&self, cart: &str, sock: &str) -> Result<u64, DbError> {
        let delete = "DELETE FROM cart_item WHERE id = \
             (SELECT id FROM cart_item WHERE cart_id = $1 AND item_id = $2 ORDER BY added, id LIMIT 1)";
        let key = [cart.into(), sock.into()];
        self.db.execute(delete, &key).await
    }

    async fn merge(&self, customer: &str, session: &str) -> Result<(), DbError> {
        match self.merging {
            Merging::Moves => {
                let line = "UPDATE cart_item SET cart_id = $1, added = $2 WHERE id = $3";
                let now = jiff::Timestamp::now().as_microsecond();
                let moved = self.lines(session).await?.into_iter().zip(now..);
                let moved = moved.map(|(Line { id, .. }, at)| {
                    (line, vec![customer.into(), at.into(), id.into()])
                });
                self.db.all(&moved.collect::<Vec<_>>()).await.map(drop)
            }
            Merging::Loses => self.delete(session).await,
            Merging::Copies => {
                for line in self.lines(session).await? {
                    let id = object_id::new();
                    self.insert(customer, &Line { id, ..line }).await?;
                }
                Ok(())
            }
        }
    }
}

async fn show(
    State(carts): State<Carts>,
    Path(customer): Path<String>,
) -> Result<Json<Value>, AppError> {
    let items = all(&carts, &customer).await?;
    Ok(Json(json!({ "customerId": customer, "items": items })))
}

async fn items(
    State(carts): State<Carts>,
    Path(customer): Path<String>,
) -> Result<Json<Value>, AppError> {
    Ok(Json(all(&carts, &customer).await?))
}

async fn all(carts: &Carts, customer: &str) -> Result<Value, AppError> {
    let lines = carts.lines(customer).await.map_err(|e| data_access(&e))?;
    Ok(lines.iter().map(Line::json).collect())
}

async fn item(
    State(carts): State<Carts>,
    Path((customer, item)): Path<(String, String)>,
) -> Result<Json<Value>, AppError> {
    let line = carts.line(&customer, &item).await?;
    Ok(Json(line.json()))
}

async fn clear(
    State(carts): State<Carts>,
    Path(customer): Path<String>,
) -> Result<StatusCode, AppError> {
    let deleted = carts.delete(&customer).await;
    deleted.map_err(|e| data_access(&e))?;
    Ok(StatusCode::ACCEPTED)
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Merge {
    session_id: Option<String>,
}

/// Gives the session's lines to the customer, side by side with equal ones.
async fn merge(
    State(carts): State<Carts>,
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
    let merged = carts.merge(&customer, &session).await;
    merged.map_err(|e| data_access(&e))?;
    Ok(StatusCode::ACCEPTED)
}

/// Adds a line; a sock that is in the cart already becomes one more, whatever quantity was sent.
async fn add(
    State(carts): State<Carts>,
    Path(customer): Path<String>,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), AppError> {
    let sent = Sent::read(&body)?;
    let sock = sent.sock();
    let one_more = "UPDATE cart_item SET quantity = quantity + 1 WHERE id = \
         (SELECT id FROM cart_item WHERE cart_id = $1 AND item_id = $2 ORDER BY added, id LIMIT 1)";
    let key = [(&customer).into(), (&sock).into()];
    let touched = carts.db.execute(one_more, &key).await;
    if touched.map_err(|e| data_access(&e))? > 0 {
        let line = carts.line(&customer, &sock).await?;
        return Ok((StatusCode::CREATED, Json(line.json())));
    }
    let line = Line {
        id: object_id::new(),
        sock,
        quantity: sent.quantity.unwrap_or(1),
        price: sent.unit_price.unwrap_or_default(),
    };
    let inserted = carts.insert(&customer, &line).await;
    inserted.map_err(|e| data_access(&e))?;
    Ok((StatusCode::CREATED, Json(line.json())))
}

/// Sets a line's quantity; zero removes the line.
async fn update(
    State(carts): State<Carts>,
    Path(customer): Path<String>,
    body: Bytes,
) -> Result<StatusCode, AppError> {
    let sent = Sent::read(&body)?;
    let (sock, quantity) = (sent.sock(), sent.quantity.unwrap_or(1));
    let touched = if quantity == 0 {
        carts.delete_line(&customer, &sock).await
    } else {
        let set = "UPDATE cart_item SET quantity = $1 WHERE id = \
             (SELECT id FROM cart_item WHERE cart_id = $2 AND item_id = $3 ORDER BY added, id LIMIT 1)";
        let values = [quantity.into(), customer.into(), sock.into()];
        carts.db.execute(set, &values).await
    };
    accepted(touched)
}

async fn remove(
    State(carts): State<Carts>,
    Path((customer, item)): Path<(String, String)>,
) -> Result<StatusCode, AppError> {
    accepted(carts.delete_line(&customer, &item).await)
}

fn accepted(touched: Result<u64, DbError>) -> Result<StatusCode, AppError> {
    match touched.map_err(|e| data_access(&e))? {
        0 => Err(no_such_item()),
        _ => Ok(StatusCode::ACCEPTED),
    }
}

async fn health(State(carts): State<Carts>) -> Response {
    let db = Status::from(carts.db.ping().await);
    health::with_date(&[("carts", Status::Ok), ("carts-db", db)])
}

fn no_such_item() -> AppError {
    AppError::internal("Cannot find item in cart").kind("java.lang.IllegalArgumentException")
}
