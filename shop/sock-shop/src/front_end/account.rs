//! Customers: logging in and out, registering, addresses and cards.

use axum::body::Bytes;
use axum::extract::{OriginalUri, State};
use axum::http::{HeaderMap, Method, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use shop_kit::{Answer, AppError, PeerError};

use super::session::{Anybody, Session};
use super::{FrontEnd, bare, fields, texts, unanswered};
use crate::errors::DATABASE_ERROR;

type Result<T = Response, E = Response> = std::result::Result<T, E>;

/// What stands in place of a customer's id when nobody is logged in.
const NOBODY: &str = "undefined";

/// Logs in by Basic authentication and takes the session's cart along.
pub(super) async fn login(
    State(front_end): State<FrontEnd>,
    Anybody(mut session): Anybody,
    headers: HeaderMap,
) -> Result {
    let mut call = front_end.user.get("/login");
    if let Some(credentials) = headers.get(header::AUTHORIZATION) {
        call = call.header(header::AUTHORIZATION, credentials.clone());
    }
    let customer = match call.send().await {
        Ok(answer) if answer.status == StatusCode::OK => id_of(&answer, "/user/id"),
        Ok(answer) => return Err(refused(&answer).into_response()),
        Err(error) => {
            return Err(unauthenticated(texts::AUTHENTICATION_FAILED)
                .because(error)
                .into_response());
        }
    };
    let Some(customer) = customer else {
        return Err(unauthenticated(texts::AUTHENTICATION_FAILED).into_response());
    };
    front_end
        .sessions
        .log_in(&mut session, &customer)
        .await
        .map_err(IntoResponse::into_response)?;
    if let Err(error) = front_end.merge(&customer, &session).await {
        tracing::warn!("the session's cart was not merged: {error}");
    }
    let answer = (
        [(header::CONTENT_TYPE, "text/html; charset=utf-8")],
        "Cookie is set",
    );
    Ok(session.logged_in(answer.into_response()))
}

fn refused(answer: &Answer) -> AppError {
    let said: Value = answer.json().unwrap_or_default();
    match said["error"].as_str() {
        Some(DATABASE_ERROR) => unauthenticated(DATABASE_ERROR),
        Some("not found" | "Unauthorized") => {
            unauthenticated("Authentication failed: wrong username or password")
        }
        _ => unauthenticated(texts::AUTHENTICATION_FAILED),
    }
}

fn unauthenticated(text: &str) -> AppError {
    AppError::new(StatusCode::UNAUTHORIZED, text)
}

fn id_of(answer: &Answer, pointer: &str) -> Option<String> {
    let body: Value = answer.json().ok()?;
    body.pointer(pointer)?.as_str().map(str::to_owned)
}

impl FrontEnd {
    /// Moves the session's cart to the customer.
    async fn merge(&self, customer: &str, session: &Session) -> std::result::Result<(), PeerError> {
        let path = format!("/carts/{customer}/merge?sessionId={}", session.id());
        let answer = self.carts.get(path).send().await?;
        if answer.status.is_success() {
            return Ok(());
        }
        Err(PeerError::Unreadable {
            peer: "carts:80".to_owned(),
            reason: format!("status {}", answer.status.as_u16()),
        })
    }
}

/// Logs out; the session goes on as nobody's.
pub(super) async fn logout(
    State(front_end): State<FrontEnd>,
    Anybody(mut session): Anybody,
) -> Result {
    front_end
        .sessions
        .log_out(&mut session)
        .await
        .map_err(IntoResponse::into_response)?;
    Ok(session.logged_out(bare(StatusCode::OK, "")))
}

/// Registers a customer, who is logged in then.
pub(super) async fn register(
    State(front_end): State<FrontEnd>,
    Anybody(mut session): Anybody,
    body: Bytes,
) -> Result {
    let answer = front_end
        .user
        .post("/register")
        .json(&fields(&body))
        .send()
        .await;
    let answer =
        answer.map_err(|error| unanswered(texts::AUTHENTICATION_FAILED, &error).into_response())?;
    if answer.status == StatusCode::CONFLICT {
        let text = "User already exists. Please choose a different username.";
        let body =
            json!({ "error": text, "message": text, "trace_id": shop_kit::instrument::trace_id() });
        return Err((StatusCode::CONFLICT, axum::Json(body)).into_response());
    }
    let customer = id_of(&answer, "/id").filter(|_| answer.status == StatusCode::OK);
    let Some(customer) = customer else {
        let said: Value = answer.json().unwrap_or_default();
        let database = said["error"] == DATABASE_ERROR;
        let text = if database {
            DATABASE_ERROR
        } else {
            texts::AUTHENTICATION_FAILED
        };
        return Err(AppError::internal(text)
            .because(&said["error"])
            .into_response());
    };
    front_end
        .sessions
        .log_in(&mut session, &customer)
        .await
        .map_err(IntoResponse::into_response)?;
    if let Err(error) = front_end.merge(&customer, &session).await {
        return Err(unanswered(texts::AUTHENTICATION_FAILED, &error).into_response());
    }
    Ok(session.logged_in(bare(StatusCode::OK, json!({ "id": customer }).to_string())))
}

/// Passes a list or one thing of user on; the status is always 200, as ever.
pub(super) async fn all(
    State(front_end): State<FrontEnd>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, AppError> {
    let answer = front_end.user.get(uri.path()).send().await;
    answer
        .map(passed_on)
        .map_err(|error| unanswered(texts::AUTHENTICATION_FAILED, &error))
}

fn passed_on(answer: Answer) -> Response {
    bare(StatusCode::OK, answer.body)
}

/// The customer that is logged in; the id in the path is ignored, as ever.
pub(super) async fn customer(State(front_end): State<FrontEnd>, session: Session) -> Result {
    let customer = session.customer().unwrap_or(NOBODY);
    let answer = front_end
        .user
        .get(format!("/customers/{customer}"))
        .send()
        .await;
    let answer =
        answer.map_err(|error| unanswered(texts::AUTHENTICATION_FAILED, &error).into_response())?;
    Ok(session.answer(passed_on(answer)))
}

/// Adds a customer without a password.
pub(super) async fn add(
    State(front_end): State<FrontEnd>,
    body: Bytes,
) -> Result<Response, AppError> {
    let answer = front_end
        .user
        .post("/customers")
        .json(&fields(&body))
        .send()
        .await;
    answer
        .map(passed_on)
        .map_err(|error| unanswered(texts::AUTHENTICATION_FAILED, &error))
}

/// Adds an address or a card of the customer that is logged in.
pub(super) async fn add_own(
    State(front_end): State<FrontEnd>,
    OriginalUri(uri): OriginalUri,
    session: Session,
    body: Bytes,
) -> Result {
    let mut sent = fields(&body);
    sent.insert("userID".to_owned(), session.cart().into());
    let answer = front_end.user.post(uri.path()).json(&sent).send().await;
    let answer =
        answer.map_err(|error| unanswered(texts::AUTHENTICATION_FAILED, &error).into_response())?;
    Ok(session.answer(passed_on(answer)))
}

/// Removes something of user; the body comes back as a JSON string, as ever.
pub(super) async fn remove(
    State(front_end): State<FrontEnd>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, AppError> {
    let answer = front_end.user.call(Method::DELETE, uri.path()).send().await;
    let answer = answer.map_err(|error| unanswered(texts::AUTHENTICATION_FAILED, &error))?;
    let text = String::from_utf8_lossy(&answer.body);
    Ok(bare(
        StatusCode::OK,
        Value::from(text.trim_end()).to_string(),
    ))
}

/// The last digits of the customer's first card.
pub(super) async fn card(State(front_end): State<FrontEnd>, session: Session) -> Result {
    first(&front_end, &session, "cards", "/_embedded/card/0", |card| {
        let digits = card["longNum"].as_str().unwrap_or_default();
        let last = digits
            .char_indices()
            .rev()
            .nth(3)
            .map_or(digits, |(at, _)| &digits[at..]);
        json!({ "number": last })
    })
    .await
}

/// The customer's first address.
pub(super) async fn address(State(front_end): State<FrontEnd>, session: Session) -> Result {
    first(
        &front_end,
        &session,
        "addresses",
        "/_embedded/address/0",
        Value::clone,
    )
    .await
}

async fn first(
    front_end: &FrontEnd,
    session: &Session,
    kind: &str,
    pointer: &str,
    view: impl Fn(&Value) -> Value,
) -> Result {
    let path = format!("/customers/{}/{kind}", session.cart());
    let answer = front_end.user.get(path).send().await;
    let answer =
        answer.map_err(|error| unanswered(texts::AUTHENTICATION_FAILED, &error).into_response())?;
    let body: Value = answer.json().unwrap_or_default();
    let shown = body
        .pointer(pointer)
        .map_or_else(|| json!({ "status_code": 500 }), view);
    Ok(session.answer(bare(StatusCode::OK, shown.to_string())))
}
