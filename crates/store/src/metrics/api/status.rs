//! What the server says about itself and its targets.

use axum::extract::State;
use axum::response::Response;
use serde_json::json;

use super::answer::success;
use super::{Answer, ApiState, Params};

pub(super) async fn buildinfo() -> Response {
    success(json!({
        "application": "Grafana Mimir",
        "version": env!("CARGO_PKG_VERSION"),
        "revision": "shoplab",
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
        "features": {
            "ruler_config_api": "true",
            "alertmanager_config_api": "true",
            "query_sharding": "false",
            "federated_rules": "false",
        },
    }))
}

pub(super) async fn runtime(State(api): ApiState) -> Response {
    let head = api.metrics.head();
    success(json!({
        "timeSeriesCount": head.series_count(),
        "storageBytes": head.bytes(),
        "reloadConfigSuccess": true,
    }))
}

pub(super) async fn alertmanagers(State(api): ApiState) -> Response {
    let active = api.ruler.alertmanager_url();
    let active = active.iter().map(|url| json!({"url": url}));
    success(json!({
        "activeAlertmanagers": active.collect::<Vec<_>>(),
        "droppedAlertmanagers": [],
    }))
}

pub(super) async fn targets(State(api): ApiState, params: Params) -> Answer {
    Ok(success(api.targets.to_json(params.get("state"))))
}
