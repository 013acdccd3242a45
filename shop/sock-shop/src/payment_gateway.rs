//! payment-gateway: stands for the payment provider; takes charges as Stripe's API does.

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use serde_json::{Value, json};
use shop_kit::instrument::Counters;
use shop_kit::{AppError, ConfigError, Context};

use crate::durations;
use crate::health::{self, JSON, Status};
use crate::openapi::{self, Operation};

/// The key that tests use at Stripe, and payment here.
pub(crate) const KEY: &str = "sk_test_mock";
/// Keys of the provider's test mode begin with this.
const TEST_KEYS: &str = "sk_test_";
/// The source that stands for a card that the bank refuses.
const DECLINED: &str = "tok_chargeDeclined";
/// The least that can be charged, in cents.
const LEAST: i64 = 50;
/// The most that can be charged, in cents: eight digits.
const MOST: i64 = 99_999_999;
/// Digits and letters in the id of a charge.
const ID_LENGTH: usize = 24;

#[derive(Clone)]
struct Gateway {
    charges: Counters,
}

pub(crate) fn app(ctx: Context) -> Result<Router, ConfigError> {
    health::begin();
    durations::go(&ctx)?;
    let charges =
        ctx.metrics()
            .counters("charges_total", "Charges, by how they ended.", &["status"])?;
    Ok(Router::new()
        .route("/v1/charges", post(charge))
        .route(
            "/health",
            get(|| async { health::with_time(JSON, &[("payment-gateway", Status::Ok)]) }),
        )
        .merge(openapi::served("payment-gateway", operations))
        .fallback(unknown)
        .with_state(Gateway { charges }))
}

/// A charge as it is asked for.
#[derive(Debug, PartialEq, Eq)]
struct Wanted {
    /// In cents.
    amount: i64,
    currency: String,
    source: String,
    description: Option<String>,
}

impl Wanted {
    fn read(form: &[u8]) -> Result<Self, AppError> {
        let field = |name: &str| {
            let mut pairs = url::form_urlencoded::parse(form);
            let found = pairs.find(|(key, _)| key == name);
            found
                .map(|(_, value)| value.into_owned())
                .filter(|value| !value.is_empty())
        };
        let amount = field("amount")
            .ok_or_else(|| invalid("Missing required param: amount.").kind(MISSING_AMOUNT))?;
        let amount = amount.parse().map_err(|_| {
            invalid(format!("Invalid integer: {amount}"))
                .kind("invalid_request_error parameter_invalid_integer amount")
        })?;
        if amount < LEAST {
            return Err(invalid("Amount must be at least $0.50 usd")
                .kind("invalid_request_error amount_too_small amount"));
        }
        if amount > MOST {
            return Err(invalid("Amount must be no more than $999,999.99")
                .kind("invalid_request_error amount_too_large amount"));
        }
        let currency = field("currency").ok_or_else(|| {
            invalid("Missing required param: currency.")
                .kind("invalid_request_error parameter_missing currency")
        })?;
        let source = field("source").ok_or_else(|| {
            invalid("Must provide source or customer.")
                .kind("invalid_request_error parameter_missing source")
        })?;
        Ok(Self {
            amount,
            currency: currency.to_ascii_lowercase(),
            source,
            description: field("description"),
        })
    }
}

const MISSING_AMOUNT: &str = "invalid_request_error parameter_missing amount";

async fn charge(
    State(gateway): State<Gateway>,
    headers: HeaderMap,
    form: Bytes,
) -> Result<Response, AppError> {
    let result = charged(&headers, &form);
    let status = match &result {
        Ok(_) => "succeeded",
        Err(error) if error.status == StatusCode::PAYMENT_REQUIRED => "failed",
        Err(_) => "invalid",
    };
    gateway.charges.with_label_values(&[status]).inc();
    let charge = result?;
    tracing::info!(
        charge = charge["id"].as_str(),
        amount = charge["amount"].as_i64(),
        "charge succeeded"
    );
    let json = [(header::CONTENT_TYPE, "application/json")];
    Ok((json, charge.to_string()).into_response())
}

fn charged(headers: &HeaderMap, form: &[u8]) -> Result<Value, AppError> {
    authorise(headers)?;
    let wanted = Wanted::read(form)?;
    if wanted.source == DECLINED {
        let declined = AppError::new(StatusCode::PAYMENT_REQUIRED, "Your card was declined.");
        return Err(declined.kind("card_error card_declined"));
    }
    Ok(json!({
        "id": format!("ch_{}", random_letters()),
        "object": "charge",
        "amount": wanted.amount,
        "amount_captured": wanted.amount,
        "amount_refunded": 0,
        "captured": true,
        "created": jiff::Timestamp::now().as_second(),
        "currency": wanted.currency,
        "description": wanted.description,
        "disputed": false,
        "failure_code": null,
        "failure_message": null,
        "livemode": false,
        "metadata": {},
        "outcome": {
            "network_status": "approved_by_network",
            "reason": null,
            "risk_level": "normal",
            "seller_message": "Payment complete.",
            "type": "authorized",
        },
        "paid": true,
        "refunded": false,
        "status": "succeeded",
    }))
}

/// Wants a key of the test mode as a Bearer token.
fn authorise(headers: &HeaderMap) -> Result<(), AppError> {
    let refused = |message: &str| {
        Err(AppError::new(StatusCode::UNAUTHORIZED, message).kind("invalid_request_error"))
    };
    let header = headers.get(header::AUTHORIZATION);
    let Some(header) = header.and_then(|value| value.to_str().ok()) else {
        return refused(
            "You did not provide an API key. Provide it in the Authorization header, using Bearer auth.",
        );
    };
    match header.split_once(' ') {
        Some(("Bearer", key)) if key.trim().starts_with(TEST_KEYS) => Ok(()),
        _ => refused("Invalid API Key provided."),
    }
}

fn invalid(message: impl Into<String>) -> AppError {
    AppError::new(StatusCode::BAD_REQUEST, message)
}

async fn unknown(method: Method, uri: Uri) -> AppError {
    let message = format!("Unrecognized request URL ({method}: {}).", uri.path());
    AppError::new(StatusCode::NOT_FOUND, message).kind("invalid_request_error")
}

fn random_letters() -> String {
    const LETTERS: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
    let bytes: [u8; ID_LENGTH] = rand::random();
    let letters = bytes
        .iter()
        .map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()]));
    letters.collect()
}

fn operations() -> Vec<Operation> {
    let failed = json!({
        "error": { "type": "invalid_request_error", "message": "Missing required param: amount." },
    });
    let charge = json!({
        "id": "ch_3OqXkB2eZvKYlo2C1gFJwU7a",
        "object": "charge",
        "amount": 1_999,
        "currency": "usd",
        "paid": true,
        "status": "succeeded",
    });
    vec![
        openapi::send("/v1/charges", "Charges a card.")
            .bearer()
            .takes_form(json!({ "amount": "1999", "currency": "usd", "source": "tok_visa" }))
            .json(200, charge)
            .json(400, failed.clone())
            .json(401, failed.clone())
            .json(402, failed),
        openapi::health("time", &["payment-gateway"]),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_that_lacks_something_is_refused_with_the_name_of_what_it_lacks() {
        for (form, kind) in [
            ("", MISSING_AMOUNT),
            ("amount=&currency=usd&source=tok_visa", MISSING_AMOUNT),
            (
                "amount=x",
                "invalid_request_error parameter_invalid_integer amount",
            ),
            (
                "amount=49&currency=usd",
                "invalid_request_error amount_too_small amount",
            ),
            (
                "amount=100000000",
                "invalid_request_error amount_too_large amount",
            ),
            (
                "amount=50",
                "invalid_request_error parameter_missing currency",
            ),
            (
                "amount=50&currency=usd",
                "invalid_request_error parameter_missing source",
            ),
        ] {
            let error = Wanted::read(form.as_bytes()).expect_err("refused");
            assert_eq!(
                (error.status, error.kind),
                (StatusCode::BAD_REQUEST, kind),
                "{form}"
            );
        }
        let wanted = Wanted::read(b"amount=1998&currency=USD&source=tok_visa").expect("complete");
        assert_eq!((wanted.amount, wanted.currency.as_str()), (1998, "usd"));
    }

    #[test]
    fn ids_of_charges_differ() {
        let (one, other) = (random_letters(), random_letters());
        assert_eq!(one.len(), ID_LENGTH);
        assert_ne!(one, other);
    }
}
