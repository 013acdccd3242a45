//! Hooks by which a service can be hung from outside, over its own control port.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tokio::sync::watch;
use tokio::time::Instant;

/// The header that carries the key.
const KEY_HEADER: &str = "x-lab-key";

/// A lock that all requests pass; clones share it.
#[derive(Clone, Debug)]
pub struct Hooks {
    /// Until when the lock is held; `None` when it is free.
    held_until: Arc<watch::Sender<Option<Instant>>>,
}

impl Default for Hooks {
    fn default() -> Self {
        Self {
            held_until: Arc::new(watch::Sender::new(None)),
        }
    }
}

impl Hooks {
    /// Takes the lock for `lease`; taking it again renews the lease.
    pub fn lock(&self, lease: Duration) {
        self.held_until.send_replace(Some(Instant::now() + lease));
    }

    /// Gives the lock back; the requests that wait go on.
    pub fn unlock(&self) {
        self.held_until.send_replace(None);
    }

    /// How much of the lease is left; `None` when the lock is free.
    pub fn held_for(&self) -> Option<Duration> {
        let until = (*self.held_until.borrow())?;
        until
            .checked_duration_since(Instant::now())
            .filter(|left| !left.is_zero())
    }

    /// Waits until the lock is free.
    pub async fn pass(&self) {
        let mut lock = self.held_until.subscribe();
        loop {
            let Some(until) = *lock.borrow_and_update() else {
                return;
            };
            tokio::select! {
                () = tokio::time::sleep_until(until) => return,
                changed = lock.changed() => if changed.is_err() { return },
            }
        }
    }

    /// The control port's routes; whoever lacks the key that hashes to `key_sha256`
    /// (hexadecimal) gets an empty 404 for everything.
    pub fn router(&self, key_sha256: Option<&str>) -> Router {
        let key: Arc<str> = key_sha256.unwrap_or_default().to_ascii_lowercase().into();
        Router::new()
            .route("/hooks", get(show))
            .route("/hooks/deadlock", put(lock).delete(unlock))
            .fallback(|| async { StatusCode::NOT_FOUND })
            .method_not_allowed_fallback(|| async { StatusCode::NOT_FOUND })
            .with_state(self.clone())
            .layer(axum::middleware::from_fn_with_state(key, guard))
    }
}

async fn guard(State(key): State<Arc<str>>, request: Request, next: Next) -> Response {
    let shown = request.headers().get(KEY_HEADER).map(|value| {
        let digest = Sha256::digest(value.as_bytes());
        digest
            .iter()
            .map(|byte| format!("{byte:02x}"))
            .collect::<String>()
    });
    match shown {
        Some(shown) if !key.is_empty() && shown == *key => next.run(request).await,
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn show(State(hooks): State<Hooks>) -> Json<Value> {
    let left = hooks.held_for().map(|left| left.as_millis() as u64);
    Json(json!({ "deadlock": left.map(|left| json!({ "lease_ms": left })) }))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lease {
    lease_ms: u64,
}

async fn lock(State(hooks): State<Hooks>, Json(lease): Json<Lease>) -> Json<Value> {
    hooks.lock(Duration::from_millis(lease.lease_ms));
    show(State(hooks)).await
}

async fn unlock(State(hooks): State<Hooks>) -> Json<Value> {
    hooks.unlock();
    show(State(hooks)).await
}
