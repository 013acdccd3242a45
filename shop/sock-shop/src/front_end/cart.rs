//! The cart: the customer's, or the session's while nobody is logged in.

use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use shop_kit::{Answer, AppError};

use crate::errors::DATABASE_ERROR;
use crate::releases::DIES_WITHOUT_CATALOGUE;

use super::session::Session;
use super::{FrontEnd, bare, fields, relayed, reworded, text_of, texts, unanswered};

type Result<T = Response, E = Response> = std::result::Result<T, E>;

/// The lines of the cart.
pub(super) async fn show(State(front_end): State<FrontEnd>, session: Session) -> Result {
    let answer = front_end
        .carts
        .get(format!("/carts/{}/items", session.cart()))
        .send()
        .await;
    let answer = answer.map_err(|error| unanswered(texts::EMPTY_CART, &error).into_response())?;
    Ok(session.answer(or_reworded(answer, texts::EMPTY_CART)))
}

/// Adds one of a sock; a quantity that is sent is not looked at, as ever.
pub(super) async fn add(
    State(front_end): State<FrontEnd>,
    session: Session,
    body: Bytes,
) -> Result {
    let id = text_of(&fields(&body), "id");
    let id = id.ok_or_else(|| AppError::internal("Must pass id of item to add").into_response())?;
    let (item, price) = front_end.sock(&id).await?;
    let line = json!({ "itemId": item, "unitPrice": price });
    let answer = front_end
        .carts
        .post(format!("/carts/{}/items", session.cart()))
        .json(&line)
        .send()
        .await;
    match answer {
        Ok(answer) if answer.status == StatusCode::CREATED => {
            Ok(session.answer(bare(StatusCode::CREATED, "")))
        }
        Ok(answer) => Err(not_added(format!(
            "Unable to add to cart. Status code: {}",
            answer.status.as_u16()
        ))),
        Err(error) => Err(unanswered(texts::ERROR_ADDING_ITEM, &error).into_response()),
    }
}

/// Sets how many of a sock there are.
pub(super) async fn update(
    State(front_end): State<FrontEnd>,
    session: Session,
    body: Bytes,
) -> Result {
    let sent = fields(&body);
    let missing = |what: &str| AppError::internal(format!("Must pass {what} to update"));
    let id = text_of(&sent, "id").ok_or_else(|| missing("id of item").into_response())?;
    let quantity = text_of(&sent, "quantity").and_then(|text| whole(&text));
    let quantity = quantity.ok_or_else(|| missing("quantity").into_response())?;
    let (item, price) = front_end.sock(&id).await?;
    let line = json!({ "itemId": item, "quantity": quantity, "unitPrice": price });
    let path = format!("/carts/{}/items", session.cart());
    match front_end
        .carts
        .call(Method::PATCH, path)
        .json(&line)
        .send()
        .await
    {
        Ok(answer) if answer.status == StatusCode::ACCEPTED => {
            Ok(session.answer(bare(StatusCode::ACCEPTED, "")))
        }
        Ok(answer) => Err(not_added(format!(
            "Unable to update cart. Status code: {}",
            answer.status.as_u16()
        ))),
        Err(error) => Err(unanswered(texts::ERROR_ADDING_ITEM, &error).into_response()),
    }
}

/// Empties the cart.
pub(super) async fn clear(State(front_end): State<FrontEnd>, session: Session) -> Result {
    let answer = front_end
        .carts
        .call(Method::DELETE, format!("/carts/{}", session.cart()))
        .send()
        .await;
    let answer = answer.map_err(|error| unanswered(texts::EMPTY_CART, &error).into_response())?;
    Ok(session.answer(emptied(answer)))
}

/// Takes a sock out of the cart.
pub(super) async fn remove(
    State(front_end): State<FrontEnd>,
    session: Session,
    Path(id): Path<String>,
) -> Result {
    let path = format!(
        "/carts/{}/items/{}",
        session.cart(),
        utf8_percent_encode(&id, NON_ALPHANUMERIC)
    );
    let answer = front_end.carts.call(Method::DELETE, path).send().await;
    let answer = answer.map_err(|error| unanswered(texts::EMPTY_CART, &error).into_response())?;
    Ok(session.answer(emptied(answer)))
}

impl FrontEnd {
    /// Id and price of a sock. One that catalogue does not know is a line without id
    /// and price, as ever; a catalogue that does not work is an error.
    async fn sock(&self, id: &str) -> Result<(String, f64)> {
        let path = format!("/catalogue/{}", utf8_percent_encode(id, NON_ALPHANUMERIC));
        let answer = self.catalogue.get(path).send().await;
        if answer.is_err() && self.ctx.has(DIES_WITHOUT_CATALOGUE) {
            self.ctx
                .crash("SyntaxError: Unexpected token u in JSON at position 0");
            return std::future::pending().await;
        }
        let answer =
            answer.map_err(|error| unanswered(texts::ERROR_ADDING_ITEM, &error).into_response())?;
        if answer.status.is_server_error() {
            return Err(not_added(format!(
                "Unable to read item. Status code: {}",
                answer.status.as_u16()
            )));
        }
        let sock: Value = answer.json().unwrap_or_default();
        let item = sock["id"].as_str().unwrap_or_default().to_owned();
        Ok((item, sock["price"].as_f64().unwrap_or_default()))
    }
}

/// The whole number that a text begins with, as JavaScript reads it.
fn whole(text: &str) -> Option<i64> {
    let text = text.trim_start();
    let digits = text.strip_prefix(['-', '+']).unwrap_or(text);
    let length = digits.find(|c: char| !c.is_ascii_digit());
    let end = text.len() - digits.len() + length.unwrap_or(digits.len());
    text[..end].parse().ok()
}

fn or_reworded(answer: Answer, text: &str) -> Response {
    if answer.status.is_server_error() {
        reworded(&answer, text)
    } else {
        relayed(answer)
    }
}

/// The status of a removal, without a body; a database that is away is told.
fn emptied(answer: Answer) -> Response {
    let said: Value = answer.json().unwrap_or_default();
    if said["message"] == DATABASE_ERROR {
        return reworded(&answer, texts::EMPTY_CART);
    }
    bare(answer.status, "")
}

fn not_added(cause: String) -> Response {
    AppError::internal(texts::ERROR_ADDING_ITEM)
        .because(cause)
        .into_response()
}

#[cfg(test)]
mod tests {
    use super::whole;

    #[test]
    fn a_quantity_is_the_whole_number_that_the_text_begins_with() {
        for (text, expected) in [
            ("2", Some(2)),
            (" 7 ", Some(7)),
            ("2.7", Some(2)),
            ("3 pairs", Some(3)),
            ("-1", Some(-1)),
            ("", None),
            ("pair", None),
        ] {
            assert_eq!(whole(text), expected, "{text:?}");
        }
    }
}
