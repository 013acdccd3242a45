//! A service's whole router: its own routes, the probes, and what surrounds them.

use axum::Router;
use axum::middleware::from_fn_with_state;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use instrument::Metrics;
use serde_json::json;

use crate::context::Context;
use crate::env::ConfigError;
use crate::error::AppError;
use crate::middleware::{Around, around};
use crate::service::Service;

/// The router of `service`, as it is served: with `/ready`, `/metrics`, errors in
/// the service's shape, telemetry and hooks around its own routes.
///
/// # Errors
/// When the environment lacks something that the service needs.
pub fn router(service: &Service, context: &Context) -> Result<Router, ConfigError> {
    let app = (service.app)(context.clone())?;
    let (ready, metrics) = (context.clone(), context.clone());
    let layer = Around {
        context: context.clone(),
        service: service.name,
        shape: service.errors,
    };
    Ok(app
        .route("/ready", get(move || async move { readiness(&ready) }))
        .route("/metrics", get(move || async move { exposition(&metrics) }))
        .method_not_allowed_fallback(|| async {
            AppError::new(StatusCode::METHOD_NOT_ALLOWED, "Method Not Allowed")
        })
        .layer(from_fn_with_state(layer, around)))
}

fn readiness(context: &Context) -> Response {
    let reasons = context.readiness().reasons();
    if reasons.is_empty() {
        return axum::Json(json!({ "status": "ready" })).into_response();
    }
    let body = json!({ "status": "not ready", "reasons": reasons });
    (StatusCode::SERVICE_UNAVAILABLE, axum::Json(body)).into_response()
}

fn exposition(context: &Context) -> Response {
    (
        [(header::CONTENT_TYPE, Metrics::CONTENT_TYPE)],
        context.exposition(),
    )
        .into_response()
}
