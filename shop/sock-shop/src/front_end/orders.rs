//! Orders: placing them, and looking at them.

use std::time::Duration;

use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use serde_json::{Value, json};
use shop_kit::{Answer, AppError, PeerError};

use super::session::Session;
use super::{FrontEnd, bare, piped, relayed, reworded, texts, unanswered};
use crate::releases::IGNORES_ORDER_STATUS;

/// Placing an order asks four services one after the other, each for up to five seconds.
const PLACING: Duration = Duration::from_secs(12);

type Result<T = Response, E = Response> = std::result::Result<T, E>;

/// Orders what is in the customer's cart, to the first address, with the first card.
pub(super) async fn place(State(front_end): State<FrontEnd>, session: Session) -> Result {
    let customer = buyer(&session).map_err(IntoResponse::into_response)?;
    let failed = |error: PeerError| unanswered(texts::ORDER_FAILED, &error).into_response();
    let wanted = front_end.wanted(customer).await.map_err(failed)?;
    let call = front_end
        .orders
        .post("/orders")
        .json(&wanted)
        .timeout(PLACING);
    let answer = call.send().await;
    if front_end.ctx.has(IGNORES_ORDER_STATUS) {
        return Ok(session.answer(bare(StatusCode::CREATED, wanted.to_string())));
    }
    let answer = answer.map_err(failed)?;
    let response = match answer.status {
        status if status.is_success() => relayed(answer),
        StatusCode::NOT_ACCEPTABLE if is_of_gateway(&message_of(&answer)) => {
            reworded(&answer, texts::PAYMENT_FAILED)
        }
        StatusCode::NOT_ACCEPTABLE => {
            let said = message_of(&answer);
            reworded(&answer, &said)
        }
        _ if message_of(&answer).starts_with("Payment service unavailable") => {
            reworded(&answer, texts::PAYMENT_FAILED)
        }
        _ => reworded(&answer, texts::ORDER_FAILED),
    };
    Ok(session.answer(response))
}

/// Whether payment's refusal is about the payment provider, which is none of the
/// customer's business, and not about the card or the amount.
fn is_of_gateway(message: &str) -> bool {
    ["Payment gateway ", "Payment request failed "]
        .iter()
        .any(|start| message.starts_with(start))
}

fn message_of(answer: &Answer) -> String {
    let body: Value = answer.json().unwrap_or_default();
    body["message"]
        .as_str()
        .unwrap_or(texts::ORDER_FAILED)
        .to_owned()
}

fn buyer(session: &Session) -> Result<&str, AppError> {
    let customer = session.customer();
    customer.ok_or_else(|| AppError::internal("User not logged in."))
}

impl FrontEnd {
    /// Where orders finds what it needs.
    async fn wanted(&self, customer: &str) -> std::result::Result<Value, PeerError> {
        let answer = self
            .user
            .get(format!("/customers/{customer}"))
            .send()
            .await?;
        let known: Value = usable(answer)?;
        let addresses = format!("/customers/{customer}/addresses");
        let cards = format!("/customers/{customer}/cards");
        let (addresses, cards) = futures::future::try_join(
            self.user
                .get(path_of(&known, "addresses", addresses))
                .send(),
            self.user.get(path_of(&known, "cards", cards)).send(),
        )
        .await?;
        let (addresses, cards) = (usable(addresses)?, usable(cards)?);
        Ok(json!({
            "customer": known["_links"]["self"]["href"],
            "address": addresses.pointer("/_embedded/address/0/_links/self/href"),
            "card": cards.pointer("/_embedded/card/0/_links/self/href"),
            "items": format!("http://carts/carts/{customer}/items"),
        }))
    }
}

/// The path of a link of the customer.
fn path_of(customer: &Value, link: &str, default: String) -> String {
    let href = customer["_links"][link]["href"].as_str();
    href.and_then(|href| url::Url::parse(href).ok())
        .map_or(default, |url| url.path().to_owned())
}

fn usable(answer: Answer) -> std::result::Result<Value, PeerError> {
    if answer.status.is_success() {
        return answer.json();
    }
    Err(PeerError::Unreadable {
        peer: "user:80".to_owned(),
        reason: format!("status {}", answer.status.as_u16()),
    })
}

/// The customer's orders; the status is 201, as ever.
pub(super) async fn list(State(front_end): State<FrontEnd>, session: Session) -> Result {
    let customer = buyer(&session).map_err(IntoResponse::into_response)?;
    let path = format!("/orders/search/customerId?sort=date&custId={customer}");
    let answer = front_end.orders.get(path).send().await;
    let answer = answer.map_err(|error| unanswered(texts::ORDER_FAILED, &error).into_response())?;
    let response = match answer.status {
        StatusCode::NOT_FOUND => bare(StatusCode::CREATED, "[]"),
        status if status.is_success() => {
            let body: Value = answer.json().unwrap_or_default();
            let orders = body
                .pointer("/_embedded/customerOrders")
                .cloned()
                .unwrap_or_else(|| json!([]));
            bare(StatusCode::CREATED, orders.to_string())
        }
        _ => reworded(&answer, texts::ORDER_FAILED),
    };
    Ok(session.answer(response))
}

/// Passes one order on, with status and headers.
pub(super) async fn one(
    State(front_end): State<FrontEnd>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, AppError> {
    let path = uri
        .path_and_query()
        .map_or(uri.path(), |path| path.as_str());
    let answer = front_end.orders.get(path).send().await;
    answer
        .map(piped)
        .map_err(|error| unanswered(texts::ORDER_FAILED, &error))
}
