//! Mimir's `/api/v1/alerts`: reading, setting and deleting the configuration.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::super::AlertmanagerConfig;
use super::Shared;

#[derive(Debug, Deserialize, Serialize)]
struct Document {
    /// Templates are for receivers that nothing is delivered to from here.
    #[serde(default)]
    template_files: BTreeMap<String, String>,
    #[serde(default)]
    alertmanager_config: String,
}

fn refused(status: StatusCode, message: &str) -> Response {
    (status, format!("{message}\n")).into_response()
}

pub(super) async fn get(State(am): Shared) -> Response {
    if !*am.configured() {
        return refused(
            StatusCode::NOT_FOUND,
            "alertmanager storage object not found",
        );
    }
    let document = Document {
        template_files: BTreeMap::new(),
        alertmanager_config: am.lock().config.text.clone(),
    };
    let text = serde_saphyr::to_string(&document).unwrap_or_default();
    let mut response = text.into_response();
    let kind = HeaderValue::from_static("application/yaml");
    response.headers_mut().insert(header::CONTENT_TYPE, kind);
    response
}

pub(super) async fn set(State(am): Shared, body: Bytes) -> Response {
    let text = String::from_utf8_lossy(&body);
    let document: Document = match serde_saphyr::from_str(&text) {
        Ok(document) => document,
        Err(error) => {
            let text = error.to_string();
            let first = text.lines().next().unwrap_or("invalid YAML");
            let message = format!("error marshalling YAML Alertmanager config: {first}");
            return refused(StatusCode::BAD_REQUEST, &message);
        }
    };
    if document.alertmanager_config.trim().is_empty() {
        return refused(
            StatusCode::BAD_REQUEST,
            "error validating Alertmanager config: configuration provided is empty, if you'd like to remove your configuration please use the delete configuration endpoint",
        );
    }
    match AlertmanagerConfig::parse(&document.alertmanager_config) {
        Ok(config) => {
            am.configure(config);
            StatusCode::CREATED.into_response()
        }
        Err(error) => {
            let message = format!("error validating Alertmanager config: {error}");
            refused(StatusCode::BAD_REQUEST, &message)
        }
    }
}

pub(super) async fn delete(State(am): Shared) -> Response {
    am.unconfigure();
    StatusCode::OK.into_response()
}
