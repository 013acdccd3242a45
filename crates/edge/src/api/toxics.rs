//! Toxiproxy's operations on toxics.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use http::StatusCode;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{ApiError, Shared, parse};
use crate::proxy::Proxy;
use crate::registry::Registry;
use crate::toxic::{Stream, Toxic, ToxicKind};

/// A toxic as it is asked for. Left out or null is the default, or "as it is".
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
struct Input {
    name: Option<String>,
    r#type: Option<String>,
    stream: Option<String>,
    toxicity: Option<f32>,
    attributes: Option<Map<String, Value>>,
    /// When it removes itself; 0 for never.
    lease_ms: Option<u64>,
}

impl Input {
    fn attributes(&self, kind: ToxicKind) -> Result<ToxicKind, ApiError> {
        match &self.attributes {
            Some(changes) => kind.with_attributes(changes).map_err(ApiError::bad_body),
            None => Ok(kind),
        }
    }

    fn lease(&self) -> Option<Duration> {
        self.lease_ms
            .filter(|ms| *ms > 0)
            .map(Duration::from_millis)
    }
}

fn find(registry: &Registry, name: &str) -> Result<Arc<Proxy>, ApiError> {
    registry.proxy(name).ok_or_else(ApiError::proxy_not_found)
}

pub(super) async fn index(
    State(registry): Shared,
    Path(proxy): Path<String>,
) -> Result<Json<Vec<Value>>, ApiError> {
    let toxics = find(&registry, &proxy)?.toxics();
    Ok(Json(toxics.iter().map(|s| s.toxic.to_json()).collect()))
}

pub(super) async fn create(
    State(registry): Shared,
    Path(proxy): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let proxy = find(&registry, &proxy)?;
    let input: Input = parse(&body)?;
    let stream = match input.stream.as_deref() {
        None => Stream::default(),
        Some(text) => Stream::parse(text).ok_or_else(|| {
            ApiError::new(
                StatusCode::BAD_REQUEST,
                "stream was invalid, can be either upstream or downstream",
            )
        })?,
    };
    let type_name = input.r#type.as_deref().unwrap_or_default();
    let kind = ToxicKind::of_type(type_name)
        .ok_or_else(|| ApiError::new(StatusCode::BAD_REQUEST, "invalid toxic type"))?;
    let mut toxic = Toxic::new(kind, stream);
    if let Some(name) = input.name.clone().filter(|name| !name.is_empty()) {
        toxic.name = name;
    }
    let exists = || ApiError::new(StatusCode::CONFLICT, "toxic already exists");
    if proxy.toxic(&toxic.name).is_some() {
        return Err(exists());
    }
    toxic.kind = input.attributes(kind)?;
    toxic.toxicity = input.toxicity.unwrap_or(1.0);
    toxic.lease = input.lease();
    let shown = toxic.to_json();
    if !proxy.add_toxic(toxic) {
        return Err(exists());
    }
    registry.leases_changed();
    Ok(Json(shown))
}

pub(super) async fn show(
    State(registry): Shared,
    Path((proxy, toxic)): Path<(String, String)>,
) -> Result<Json<Value>, ApiError> {
    let toxic = find(&registry, &proxy)?.toxic(&toxic);
    let toxic = toxic.ok_or_else(ApiError::toxic_not_found)?;
    Ok(Json(toxic.to_json()))
}

/// Changes attributes and toxicity; renews the lease, and changes it where
/// `lease_ms` is given.
pub(super) async fn update(
    State(registry): Shared,
    Path((proxy, toxic)): Path<(String, String)>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let proxy = find(&registry, &proxy)?;
    let mut toxic = proxy.toxic(&toxic).ok_or_else(ApiError::toxic_not_found)?;
    let input: Input = parse(&body)?;
    toxic.kind = input.attributes(toxic.kind)?;
    toxic.toxicity = input.toxicity.unwrap_or(toxic.toxicity);
    if input.lease_ms.is_some() {
        toxic.lease = input.lease();
    }
    if !proxy.update_toxic(&toxic) {
        return Err(ApiError::toxic_not_found());
    }
    registry.leases_changed();
    Ok(Json(toxic.to_json()))
}

pub(super) async fn delete(
    State(registry): Shared,
    Path((proxy, toxic)): Path<(String, String)>,
) -> Result<StatusCode, ApiError> {
    match find(&registry, &proxy)?.remove_toxic(&toxic) {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::toxic_not_found()),
    }
}
