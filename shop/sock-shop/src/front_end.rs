//! front-end: the web shop, and the gateway to every other service.

mod account;
mod api;
mod browse;
mod cart;
mod cookie;
mod orders;
mod pages;
mod session;
mod texts;

use std::convert::Infallible;
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::middleware::from_fn;
use axum::response::{IntoResponse, Response};
use axum::routing::{delete, get, post};
use serde_json::{Map, Value};
use shop_kit::{Answer, AppError, Cache, ConfigError, Context, Peer, PeerError};

use crate::durations;
use crate::health::{self, JSON, Status};
use crate::openapi;
use session::Sessions;

/// A service gives its database five seconds; it must be able to say so.
const PATIENCE: Duration = Duration::from_secs(6);

/// The variable with the URL of the Redis that keeps sessions; without it memory does.
const SESSION_REDIS: &str = "SESSION_REDIS";

#[derive(Clone)]
struct FrontEnd {
    catalogue: Peer,
    carts: Peer,
    orders: Peer,
    user: Peer,
    sessions: Sessions,
    /// Where sessions are; `None` while they are in memory.
    session_db: Option<Cache>,
    ctx: Context,
}

pub(crate) fn app(ctx: Context) -> Result<Router, ConfigError> {
    health::begin();
    durations::node(&ctx)?;
    let session_db = match ctx.env().get(SESSION_REDIS) {
        Some(_) => Some(ctx.cache("session-db", SESSION_REDIS)?),
        None => None,
    };
    let front_end = FrontEnd {
        catalogue: ctx.peer("catalogue", "CATALOGUE_URL")?.patient(PATIENCE),
        carts: ctx.peer("carts", "CARTS_URL")?.patient(PATIENCE),
        orders: ctx.peer("orders", "ORDERS_URL")?.patient(PATIENCE),
        user: ctx.peer("user", "USER_URL")?.patient(PATIENCE),
        sessions: Sessions::new(
            session_db.clone(),
            ctx.env().get("NODE_ENV") == Some("development"),
        ),
        session_db,
        ctx,
    };
    let api = Router::new()
        .route("/catalogue", get(browse::catalogue))
        .route("/catalogue/{*rest}", get(browse::catalogue))
        .route("/catalogue/images/{*file}", get(browse::image))
        .route("/tags", get(browse::tags))
        .route("/login", get(account::login))
        .route("/logout", get(account::logout))
        .route("/register", post(account::register))
        .route("/customers", get(account::all).post(account::add))
        .route(
            "/customers/{id}",
            get(account::customer).merge(delete(account::remove)),
        )
        .route("/cards", get(account::all).post(account::add_own))
        .route(
            "/cards/{id}",
            get(account::all).merge(delete(account::remove)),
        )
        .route("/card", get(account::card))
        .route("/addresses", get(account::all).post(account::add_own))
        .route("/addresses/{id}", delete(account::remove))
        .route("/address", get(account::address))
        .route("/cart", get(cart::show).post(cart::add).delete(cart::clear))
        .route("/cart/{id}", delete(cart::remove))
        .route("/cart/update", post(cart::update))
        .route("/orders", get(orders::list).post(orders::place))
        .route("/orders/{*rest}", get(orders::one))
        .route("/health", get(health))
        .merge(openapi::served("front-end", api::operations));
    Ok(pages::add(api)
        .fallback(pages::unknown)
        .layer(from_fn(pages::without_slash))
        .with_state(front_end))
}

async fn health(State(front_end): State<FrontEnd>) -> Response {
    let mut parts = vec![("front-end", Status::Ok)];
    if let Some(session_db) = &front_end.session_db {
        parts.push(("session-db", Status::from(session_db.ping().await)));
    }
    health::with_time(JSON, &parts)
}

/// An answer of the gateway's own: like the first system's, it has no `Content-Type`, and comes
/// in chunks if there is anything in it.
fn bare(status: StatusCode, body: impl Into<Bytes>) -> Response {
    let body: Bytes = body.into();
    let mut response = Response::new(if body.is_empty() {
        Body::empty()
    } else {
        let chunk = futures::future::ready(Ok::<_, Infallible>(body));
        Body::from_stream(futures::stream::once(chunk))
    });
    *response.status_mut() = status;
    response
}

/// A peer's answer with its own status.
fn relayed(answer: Answer) -> Response {
    bare(answer.status, answer.body)
}

/// A peer's answer with its own status and headers, but those of the connection.
fn piped(answer: Answer) -> Response {
    let mut response = Response::new(Body::from(answer.body));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    for name in [
        header::CONNECTION,
        header::CONTENT_LENGTH,
        header::TRANSFER_ENCODING,
    ] {
        response.headers_mut().remove(name);
    }
    response
}

/// A peer's error answer, with what the customer is to read as `message`, and what
/// the peer said as `detail`.
fn reworded(answer: &Answer, text: &str) -> Response {
    let mut body: Map<String, Value> = answer.json().unwrap_or_default();
    let said = body
        .insert("message".to_owned(), text.into())
        .or_else(|| body.get("error").cloned());
    if let Some(said) = said {
        body.insert("detail".to_owned(), said);
    }
    if let Some(trace_id) = shop_kit::instrument::trace_id() {
        body.insert("trace_id".to_owned(), trace_id.into());
    }
    tracing::warn!(status = answer.status.as_u16(), "{text}");
    bare(answer.status, Value::Object(body).to_string())
}

/// What the customer reads when a peer gave no answer.
fn unanswered(text: &str, error: &PeerError) -> AppError {
    let code = match error {
        PeerError::Refused(_) => "ECONNREFUSED",
        PeerError::Timeout { .. } => "ETIMEDOUT",
        PeerError::Broken { .. } => "ECONNRESET",
        PeerError::Unreadable { .. } => "EPROTO",
    };
    AppError::internal(text).kind(code).because(error)
}

/// The fields of a body, which is JSON or a form.
fn fields(body: &Bytes) -> Map<String, Value> {
    if let Ok(fields) = serde_json::from_slice(body) {
        return fields;
    }
    let form = url::form_urlencoded::parse(body);
    form.map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
        .collect()
}

/// A field as text; numbers are taken as they are written.
fn text_of(fields: &Map<String, Value>, name: &str) -> Option<String> {
    match fields.get(name)? {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Appends a `Set-Cookie` to an answer.
fn set_cookie(mut response: Response, cookie: &str) -> Response {
    if let Ok(value) = header::HeaderValue::try_from(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
    response
}

/// An error together with a cookie that goes with it.
fn with_cookie(error: AppError, cookie: &str) -> Response {
    set_cookie(error.into_response(), cookie)
}
