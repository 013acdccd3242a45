//! payment: authorises amounts up to a limit.

use axum::body::Bytes;
use axum::extract::State;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router};
use serde_json::{Value, json};
use shop_kit::{AppError, ConfigError, Context};

use crate::health::{self, Status};

/// The highest amount that is authorised, unless `DECLINE` says otherwise.
const LIMIT: f32 = 105.0;

pub(crate) fn app(ctx: Context) -> Result<Router, ConfigError> {
    health::begin();
    let limit = ctx
        .env()
        .number("DECLINE", LIMIT, "an amount such as `105`")?;
    Ok(Router::new()
        .route("/paymentAuth", post(authorise))
        .route(
            "/health",
            get(|| async { health::with_time(&[("payment", Status::Ok)]) }),
        )
        .with_state(limit))
}

async fn authorise(State(limit): State<f32>, body: Bytes) -> Result<Response, AppError> {
    let request: Value =
        serde_json::from_slice(&body).map_err(|error| AppError::internal(error.to_string()))?;
    let amount = request
        .get("amount")
        .and_then(Value::as_f64)
        .unwrap_or_default() as f32;
    if amount == 0.0 {
        let raw = String::from_utf8_lossy(&body);
        return Err(AppError::internal(format!(
            "Cannot unmarshal object key \"amount\" from JSON: {raw}"
        )));
    }
    if amount < 0.0 {
        return Err(AppError::internal("Invalid payment amount"));
    }
    let authorised = amount <= limit;
    let message = if authorised {
        "Payment authorised".to_owned()
    } else {
        format!("Payment declined: amount exceeds {limit:.2}")
    };
    tracing::info!(amount, authorised, "{message}");
    let answer = Json(json!({ "authorised": authorised, "message": message }));
    Ok((
        [(header::CONTENT_TYPE, "application/json; charset=utf-8")],
        answer,
    )
        .into_response())
}
