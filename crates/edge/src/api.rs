//! The control API: Toxiproxy 2.12's fourteen operations, and what an edge adds for its pod.
//!
//! Differences from Toxiproxy, all on purpose: a key may be wanted; toxics and
//! a proxy that is taken down may have a lease (`lease_ms`); removing a toxic
//! never waits and loses no data (there, `timeout` drops what it held and
//! closes the connection); toxicity is drawn once for each connection and
//! toxic; errors are `application/json`.

mod pod;
mod proxies;
mod toxics;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Request, State};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, get, post};
use http::{HeaderMap, StatusCode, header};
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::KEY_HEADER;
use crate::registry::Registry;

/// The release of Toxiproxy whose API this is.
const VERSION: &str = "2.12.0";
/// How long requests in flight may take when the edge stops.
const GRACE: Duration = Duration::from_secs(2);

type Shared = State<Arc<Registry>>;

/// Serves the API until it is cancelled.
pub(crate) async fn serve(
    listener: TcpListener,
    registry: Arc<Registry>,
    cancel: CancellationToken,
) {
    let stopping = cancel.clone();
    let server = axum::serve(listener, app(registry))
        .with_graceful_shutdown(async move { stopping.cancelled().await });
    let given_up = async {
        cancel.cancelled().await;
        tokio::time::sleep(GRACE).await;
    };
    tokio::select! {
        _ = server => {}
        () = given_up => tracing::warn!("a control request was cut off"),
    }
}

/// The routes, behind the key.
pub(crate) fn app(registry: Arc<Registry>) -> Router {
    let toxiproxy = Router::new()
        .route("/proxies", get(proxies::index).post(proxies::create))
        .route("/populate", post(proxies::populate))
        .route("/reset", post(proxies::reset))
        .route(
            "/proxies/{proxy}",
            get(proxies::show)
                .post(proxies::update)
                .patch(proxies::update)
                .delete(proxies::delete),
        )
        .route(
            "/proxies/{proxy}/toxics",
            get(toxics::index).post(toxics::create),
        )
        .route(
            "/proxies/{proxy}/toxics/{toxic}",
            get(toxics::show)
                .post(toxics::update)
                .patch(toxics::update)
                .delete(toxics::delete),
        )
        .route("/version", get(version))
        .route("/metrics", get(proxies::metrics));
    toxiproxy
        .route("/process", get(pod::process))
        .route("/process/signal", post(pod::signal))
        .route("/hooks", any(pod::hooks))
        .route("/hooks/{*path}", any(pod::hooks))
        .fallback(|| async { (StatusCode::NOT_FOUND, "404 page not found\n") })
        .layer(middleware::from_fn(stop_browsers))
        .layer(middleware::from_fn_with_state(
            registry.clone(),
            require_key,
        ))
        .with_state(registry)
}

/// An error as Toxiproxy shows it.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct ApiError {
    status: StatusCode,
    message: String,
}

impl ApiError {
    fn new(status: StatusCode, message: impl Into<String>) -> Self {
        let message = message.into();
        Self { status, message }
    }

    fn bad_body(detail: impl std::fmt::Display) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            format!("bad request body: {detail}"),
        )
    }

    fn missing_field(field: &str) -> Self {
        Self::new(
            StatusCode::BAD_REQUEST,
            format!("missing required field: {field}"),
        )
    }

    fn proxy_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "proxy not found")
    }

    fn toxic_not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "toxic not found")
    }

    fn listen(address: &str, error: &std::io::Error) -> Self {
        let reason = match error.kind() {
            std::io::ErrorKind::AddrInUse => "address already in use".to_owned(),
            std::io::ErrorKind::AddrNotAvailable => "cannot assign requested address".to_owned(),
            std::io::ErrorKind::PermissionDenied => "permission denied".to_owned(),
            _ => error.to_string(),
        };
        Self::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            format!("listen tcp {address}: bind: {reason}"),
        )
    }

    fn to_json(&self) -> Value {
        json!({"error": self.message, "status": self.status.as_u16()})
    }
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        (self.status, axum::Json(self.to_json())).into_response()
    }
}

/// Reads a JSON body whatever its content type says, as Toxiproxy does.
fn parse<T: DeserializeOwned>(body: &Bytes) -> Result<T, ApiError> {
    serde_json::from_slice(body).map_err(|error| match error.is_eof() {
        true if body.trim_ascii().is_empty() => ApiError::bad_body("EOF"),
        true => ApiError::bad_body("unexpected EOF"),
        false => ApiError::bad_body(error),
    })
}

async fn version() -> impl IntoResponse {
    (
        [(header::CONTENT_TYPE, "application/json;charset=utf-8")],
        format!("{{\"version\": \"{VERSION}\"}}\n"),
    )
}

async fn stop_browsers(request: Request, next: Next) -> Response {
    let agent = request.headers().get(header::USER_AGENT);
    if agent.is_some_and(|agent| agent.as_bytes().starts_with(b"Mozilla/")) {
        return (StatusCode::FORBIDDEN, "User agent not allowed\n").into_response();
    }
    next.run(request).await
}

async fn require_key(State(registry): Shared, request: Request, next: Next) -> Response {
    if !key_fits(registry.config.key.as_deref(), request.headers()) {
        return StatusCode::NOT_FOUND.into_response();
    }
    next.run(request).await
}

/// Compares in a time that does not tell how much of the key was right.
fn key_fits(key: Option<&str>, headers: &HeaderMap) -> bool {
    let Some(key) = key else {
        return true;
    };
    let given = headers.get(KEY_HEADER).map_or(&b""[..], |v| v.as_bytes());
    let differences = key.bytes().zip(given).fold(0, |all, (a, b)| all | (a ^ b));
    given.len() == key.len() && differences == 0
}

#[cfg(test)]
mod tests;
