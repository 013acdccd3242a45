//! Toxiproxy's operations on proxies.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::{StatusCode, header};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::lookup_host;

use super::{ApiError, Shared, parse};
use crate::Upstream;
use crate::metrics::{Line, exposition};
use crate::proxy::Fields;
use crate::registry::{AddError, Registry};

/// A proxy as it is asked for. Left out or null is "as it is".
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Input {
    name: Option<String>,
    listen: Option<String>,
    upstream: Option<String>,
    enabled: Option<bool>,
    /// With `enabled: false`: when it comes up again by itself.
    lease_ms: Option<u64>,
}

pub(super) async fn index(State(registry): Shared) -> Json<BTreeMap<String, Value>> {
    let proxies = registry.proxies();
    Json(
        proxies
            .iter()
            .map(|p| (p.name.clone(), p.to_json()))
            .collect(),
    )
}

pub(super) async fn create(
    State(registry): Shared,
    body: Bytes,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let input: Input = parse(&body)?;
    let name = input.name.filter(|name| !name.is_empty());
    let name = name.ok_or_else(|| ApiError::missing_field("name"))?;
    let upstream = input.upstream.filter(|upstream| !upstream.is_empty());
    let upstream = upstream.ok_or_else(|| ApiError::missing_field("upstream"))?;
    let listen = input.listen.unwrap_or_default();
    let proxy = registry.make(&name, &listen, Upstream::Address(upstream));
    add(&registry, proxy.clone(), input.enabled.unwrap_or(true)).await?;
    Ok((StatusCode::CREATED, Json(proxy.to_json())))
}

async fn add(
    registry: &Registry,
    proxy: std::sync::Arc<crate::proxy::Proxy>,
    enabled: bool,
) -> Result<(), ApiError> {
    let listen = proxy.fields().listen;
    registry
        .add(proxy, enabled)
        .await
        .map_err(|error| match error {
            AddError::Exists => ApiError::new(StatusCode::CONFLICT, "proxy already exists"),
            AddError::Bind(error) => ApiError::listen(&listen, &error),
        })
}

/// All of the list is checked before anything is changed.
pub(super) async fn populate(State(registry): Shared, body: Bytes) -> Response {
    let mut made = Vec::new();
    match populate_into(&registry, &body, &mut made).await {
        Ok(()) => (StatusCode::CREATED, Json(json!({"proxies": made}))).into_response(),
        Err(error) => {
            let mut shown = error.to_json();
            shown["proxies"] = match made.is_empty() {
                true => Value::Null,
                false => made.into(),
            };
            (error.status, Json(shown)).into_response()
        }
    }
}

async fn populate_into(
    registry: &Registry,
    body: &Bytes,
    made: &mut Vec<Value>,
) -> Result<(), ApiError> {
    let inputs: Vec<Input> = parse(body)?;
    let mut names = HashSet::new();
    let mut wanted = Vec::new();
    for (place, input) in inputs.into_iter().enumerate() {
        let present = |field: Option<String>, what: &str| {
            let missing = || ApiError::missing_field(&format!("{what} at proxy {}", place + 1));
            field.filter(|text| !text.is_empty()).ok_or_else(missing)
        };
        let name = present(input.name, "name")?;
        let upstream = present(input.upstream, "upstream")?;
        if !names.insert(name.clone()) {
            return Err(ApiError::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                format!("duplicate proxy name {name:?}"),
            ));
        }
        let listen = input.listen.unwrap_or_default();
        wanted.push((name, listen, upstream, input.enabled.unwrap_or(true)));
    }
    for (name, listen, upstream, enabled) in wanted {
        let proxy = match registry.proxy(&name) {
            Some(standing) if same(&standing.fields(), &listen, &upstream).await => standing,
            present => {
                if present.is_some() {
                    registry.remove(&name).await;
                }
                let proxy = registry.make(&name, &listen, Upstream::Address(upstream));
                add(registry, proxy.clone(), enabled).await?;
                proxy
            }
        };
        made.push(proxy.to_json());
    }
    Ok(())
}

/// Whether a standing proxy is what is asked for; `localhost` is looked up.
async fn same(standing: &Fields, listen: &str, upstream: &str) -> bool {
    if standing.upstream != upstream {
        return false;
    }
    if standing.listen == listen {
        return true;
    }
    match lookup_host(listen).await {
        Ok(mut found) => found.any(|address| address.to_string() == standing.listen),
        Err(_) => false,
    }
}

pub(super) async fn show(
    State(registry): Shared,
    Path(name): Path<String>,
) -> Result<Json<Value>, ApiError> {
    let proxy = registry.proxy(&name);
    let proxy = proxy.ok_or_else(ApiError::proxy_not_found)?;
    Ok(Json(proxy.to_json()))
}

pub(super) async fn update(
    State(registry): Shared,
    Path(name): Path<String>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let proxy = registry.proxy(&name);
    let proxy = proxy.ok_or_else(ApiError::proxy_not_found)?;
    let input: Input = parse(&body)?;
    let present = proxy.fields();
    let mut wanted = Fields {
        listen: input.listen.unwrap_or_else(|| present.listen.clone()),
        upstream: input.upstream.unwrap_or_else(|| present.upstream.clone()),
        enabled: input.enabled.unwrap_or(present.enabled),
    };
    if same(&present, &wanted.listen, &wanted.upstream).await {
        wanted.listen = present.listen;
    }
    let listen = wanted.listen.clone();
    let lease = input
        .lease_ms
        .filter(|ms| *ms > 0)
        .map(Duration::from_millis);
    let updated = proxy.update(wanted, lease).await;
    registry.leases_changed();
    updated.map_err(|error| ApiError::listen(&listen, &error))?;
    Ok(Json(proxy.to_json()))
}

pub(super) async fn delete(
    State(registry): Shared,
    Path(name): Path<String>,
) -> Result<StatusCode, ApiError> {
    match registry.remove(&name).await {
        true => Ok(StatusCode::NO_CONTENT),
        false => Err(ApiError::proxy_not_found()),
    }
}

/// Every proxy up, every toxic gone.
pub(super) async fn reset(State(registry): Shared) -> Result<StatusCode, ApiError> {
    for proxy in registry.proxies() {
        proxy.remove_toxics();
        let listen = proxy.fields().listen;
        let started = proxy.start().await;
        started.map_err(|error| ApiError::listen(&listen, &error))?;
    }
    registry.leases_changed();
    Ok(StatusCode::NO_CONTENT)
}

pub(super) async fn metrics(State(registry): Shared) -> impl IntoResponse {
    let proxies = registry.proxies();
    let fields: Vec<Fields> = proxies.iter().map(|proxy| proxy.fields()).collect();
    let lines: Vec<Line<'_>> = proxies
        .iter()
        .zip(&fields)
        .map(|(proxy, fields)| Line {
            proxy: &proxy.name,
            listener: &fields.listen,
            upstream: &fields.upstream,
            traffic: &proxy.traffic,
        })
        .collect();
    (
        [(header::CONTENT_TYPE, "text/plain; version=0.0.4")],
        exposition(&lines),
    )
}
