//! The control port's routes: whoever lacks the key finds nothing there.

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use async_trait::async_trait;
use axum::body::Bytes;
use axum::extract::{Path, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, put};
use axum::{Json, Router};
use http::StatusCode;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use crate::arguments::{Arguments, OutOfBounds};
use crate::hook::Hook;

/// The header that carries the key.
pub const KEY_HEADER: &str = "x-lab-key";
/// The longest lease: an hour, in milliseconds.
const LONGEST_LEASE: u64 = 3_600_000;

/// The hooks that a process has; clones share them.
#[derive(Clone, Debug, Default)]
pub struct Hooks(Arc<RwLock<BTreeMap<&'static str, Arc<dyn Armable>>>>);

/// A hook whose arguments' type is hidden.
#[async_trait]
trait Armable: std::fmt::Debug + Send + Sync {
    fn show(&self) -> Value;
    async fn arm(&self, args: Map<String, Value>, lease: Duration) -> Result<(), Refused>;
    async fn disarm(&self);
}

/// Why a hook was not armed.
#[derive(Debug, thiserror::Error)]
enum Refused {
    #[error("the body is not an object with `lease_ms`: {0}")]
    Body(serde_json::Error),
    #[error("`lease_ms` is missing or not 1 to {LONGEST_LEASE}")]
    Lease,
    #[error(transparent)]
    Arguments(serde_json::Error),
    #[error(transparent)]
    Bounds(#[from] OutOfBounds),
}

impl IntoResponse for Refused {
    fn into_response(self) -> Response {
        let body = json!({ "error": self.to_string() });
        (StatusCode::BAD_REQUEST, Json(body)).into_response()
    }
}

impl Hooks {
    /// Adds a hook; another of its name gives way.
    pub fn add<A: Arguments>(&self, hook: &Hook<A>) {
        let mut hooks = self.0.write().unwrap_or_else(PoisonError::into_inner);
        hooks.insert(hook.name(), Arc::new(hook.clone()));
    }

    /// The control port's routes; whoever lacks the key that hashes to `key_sha256`
    /// (hexadecimal) gets an empty 404 for everything.
    ///
    /// `GET /hooks` tells all hooks by name, `null` while they are not armed. `PUT
    /// /hooks/{name}` with `lease_ms` and the hook's arguments arms or renews it, `DELETE`
    /// ends it; both answer as `GET` does. 400 for arguments that are not accepted.
    pub fn router(&self, key_sha256: Option<&str>) -> Router {
        let key: Arc<str> = key_sha256.unwrap_or_default().to_ascii_lowercase().into();
        Router::new()
            .route("/hooks", get(show))
            .route("/hooks/{name}", put(arm).delete(disarm))
            .fallback(|| async { StatusCode::NOT_FOUND })
            .method_not_allowed_fallback(|| async { StatusCode::NOT_FOUND })
            .with_state(self.clone())
            .layer(axum::middleware::from_fn_with_state(key, guard))
    }

    fn find(&self, name: &str) -> Option<Arc<dyn Armable>> {
        let hooks = self.0.read().unwrap_or_else(PoisonError::into_inner);
        hooks.get(name).cloned()
    }

    fn show(&self) -> Json<Value> {
        let hooks = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let shown = hooks
            .iter()
            .map(|(name, hook)| ((*name).to_owned(), hook.show()));
        Json(Value::Object(shown.collect()))
    }
}

#[async_trait]
impl<A: Arguments> Armable for Hook<A> {
    fn show(&self) -> Value {
        let (Some(args), Some(left)) = (self.armed(), self.left()) else {
            return Value::Null;
        };
        let mut shown = Map::new();
        // Rounded up, so that what is armed never has nothing left.
        let left = left.as_micros().div_ceil(1000) as u64;
        shown.insert("lease_ms".to_owned(), left.into());
        if let Ok(Value::Object(args)) = serde_json::to_value(args) {
            shown.extend(args);
        }
        Value::Object(shown)
    }

    async fn arm(&self, args: Map<String, Value>, lease: Duration) -> Result<(), Refused> {
        let args: A = serde_json::from_value(Value::Object(args)).map_err(Refused::Arguments)?;
        args.check()?;
        Self::arm(self, args, lease).await;
        Ok(())
    }

    async fn disarm(&self) {
        Self::disarm(self).await;
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
    hooks.show()
}

async fn arm(State(hooks): State<Hooks>, Path(name): Path<String>, body: Bytes) -> Response {
    let Some(hook) = hooks.find(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let armed = async {
        let mut args: Map<String, Value> = serde_json::from_slice(&body).map_err(Refused::Body)?;
        let lease = args.remove("lease_ms").as_ref().and_then(Value::as_u64);
        let lease = lease.filter(|lease| (1..=LONGEST_LEASE).contains(lease));
        let lease = Duration::from_millis(lease.ok_or(Refused::Lease)?);
        hook.arm(args, lease).await
    };
    match armed.await {
        Ok(()) => hooks.show().into_response(),
        Err(refused) => refused.into_response(),
    }
}

async fn disarm(State(hooks): State<Hooks>, Path(name): Path<String>) -> Response {
    let Some(hook) = hooks.find(&name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    hook.disarm().await;
    hooks.show().into_response()
}
