//! payment: authorises amounts up to a limit, and has the provider charge them.

use std::time::Duration;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use shop_kit::{Answer, AppError, ConfigError, Context, Peer};

use crate::durations;
use crate::health::{self, JSON, Status};
use crate::openapi::{self, Operation};
use crate::payment_gateway::KEY;
use crate::releases::{LIMIT_TOO_LOW, REFUSES_MASTERCARD};

/// The highest amount that is authorised, unless `DECLINE` says otherwise.
const LIMIT: f32 = 105.0;
/// The same in a release with [`LIMIT_TOO_LOW`].
const LOW_LIMIT: f32 = 20.0;
/// How long the provider may take; orders gives up long before.
const PATIENCE: Duration = Duration::from_secs(35);
/// The variable with the provider's URL; without it nobody is charged.
const GATEWAY: &str = "PAYMENT_GATEWAY_URL";

#[derive(Clone)]
struct Payment {
    limit: f32,
    gateway: Option<Peer>,
    refuses_mastercard: bool,
}

pub(crate) fn app(ctx: Context) -> Result<Router, ConfigError> {
    health::begin();
    durations::go(&ctx)?;
    let limit = if ctx.has(LIMIT_TOO_LOW) {
        LOW_LIMIT
    } else {
        LIMIT
    };
    let gateway = match ctx.env().get(GATEWAY) {
        Some(_) => Some(ctx.peer("payment-gateway", GATEWAY)?.patient(PATIENCE)),
        None => None,
    };
    let payment = Payment {
        limit: ctx
            .env()
            .number("DECLINE", limit, "an amount such as `105`")?,
        gateway,
        refuses_mastercard: ctx.has(REFUSES_MASTERCARD),
    };
    Ok(Router::new()
        .route("/paymentAuth", post(authorise))
        .route(
            "/health",
            get(|| async { health::with_time(JSON, &[("payment", Status::Ok)]) }),
        )
        .merge(openapi::served("payment", operations))
        .fallback(|| async { AppError::new(StatusCode::NOT_FOUND, "not found") })
        .with_state(payment))
}

async fn authorise(State(payment): State<Payment>, body: Bytes) -> Result<Response, AppError> {
    let request: Value =
        serde_json::from_slice(&body).map_err(|error| AppError::internal(decoder_text(&error)))?;
    let sent = request
        .get("amount")
        .and_then(Value::as_f64)
        .unwrap_or_default();
    let amount = sent as f32;
    if amount == 0.0 {
        let raw = String::from_utf8_lossy(&body);
        return Err(AppError::internal(format!(
            "Cannot unmarshal object key \"amount\" from JSON: {raw}"
        )));
    }
    if amount < 0.0 {
        return Err(AppError::internal("Invalid payment amount"));
    }
    let card = request.pointer("/card/longNum").and_then(Value::as_str);
    let verdict = payment.decide(amount, card.unwrap_or_default()).await;
    let authorised = verdict.is_ok();
    let (Ok(message) | Err(message)) = verdict;
    tracing::info!(amount, authorised, "{message}");
    let answer = Json(json!({ "authorised": authorised, "message": message }));
    Ok(([(header::CONTENT_TYPE, JSON)], answer).into_response())
}

/// Go's decoder says this of a body that ends too early.
fn decoder_text(error: &serde_json::Error) -> String {
    if error.is_eof() {
        "unexpected end of JSON input".to_owned()
    } else {
        error.to_string()
    }
}

impl Payment {
    /// What is told with an authorisation, or with a refusal.
    async fn decide(&self, amount: f32, card: &str) -> Result<String, String> {
        if amount > self.limit {
            return Err(format!(
                "Payment declined: amount exceeds {:.2}",
                self.limit
            ));
        }
        if self.refuses_mastercard && card.starts_with('5') {
            return Err("Payment declined: card not accepted".to_owned());
        }
        match &self.gateway {
            Some(gateway) => charge(gateway, amount).await,
            None => Ok("Payment authorised".to_owned()),
        }
    }
}

/// Has the provider charge `amount` dollars.
async fn charge(gateway: &Peer, amount: f32) -> Result<String, String> {
    let cents = (f64::from(amount) * 100.0).round() as i64;
    let bearer = HeaderValue::try_from(format!("Bearer {KEY}"));
    let mut call = gateway.post("/v1/charges").form(&[
        ("amount", &cents.to_string()),
        ("currency", "usd"),
        ("source", "tok_visa"),
    ]);
    if let Ok(bearer) = bearer {
        call = call.header(header::AUTHORIZATION, bearer);
    }
    match call.send().await {
        Ok(answer) => charged(&answer),
        Err(error) => Err(format!("Payment gateway error: {error}")),
    }
}

fn charged(answer: &Answer) -> Result<String, String> {
    let status = answer.status;
    if status.is_server_error() {
        let code = status.as_u16();
        return Err(format!("Payment gateway unavailable (HTTP {code})"));
    }
    if status == StatusCode::TOO_MANY_REQUESTS {
        return Err("Payment gateway rate limit exceeded".to_owned());
    }
    if !status.is_success() {
        let code = status.as_u16();
        return Err(format!("Payment request failed (HTTP {code})"));
    }
    let charge: Value = answer
        .json()
        .map_err(|error| format!("Payment gateway error: {error}"))?;
    if charge["paid"] != true {
        return Err("Payment declined by gateway".to_owned());
    }
    let id = charge["id"].as_str().unwrap_or_default();
    Ok(format!("Payment authorized (charge: {id})"))
}

fn operations() -> Vec<Operation> {
    let address = json!({ "street": "Whitelees Road", "number": "246" });
    let request = json!({
        "address": address,
        "card": { "longNum": "5544154011345918", "expires": "08/19", "ccv": "958" },
        "customer": { "username": "user" },
        "amount": 19.99,
    });
    let failed = json!({
        "error": "Invalid payment amount",
        "status_code": 500,
        "status_text": "Internal Server Error",
    });
    vec![
        openapi::send(
            "/paymentAuth",
            "Authorises an amount; a refusal is 200 as well.",
        )
        .takes(request)
        .json(
            200,
            json!({ "authorised": true, "message": "Payment authorised" }),
        )
        .json(500, failed),
        openapi::health("time", &["payment"]),
    ]
}
