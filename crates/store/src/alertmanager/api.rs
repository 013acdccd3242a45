//! Alertmanager's HTTP API, version 2, where Mimir has it: below `/alertmanager`
//! (<https://github.com/prometheus/alertmanager/blob/main/api/v2/openapi.yaml>), and Mimir's
//! configuration API at `/api/v1/alerts`
//! (<https://grafana.com/docs/mimir/latest/references/http-api/#alertmanager>).

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::Router;
use axum::extract::{RawQuery, Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{any, delete, get};
use serde_json::{Value, json};

mod alerts;
mod body;
mod configuration;
mod silences;

use super::Alertmanager;
use super::matcher::parse;
use crate::metrics::Matcher;
use crate::metrics::matcher::anchored;

type Shared = State<Arc<Alertmanager>>;

/// All routes.
pub fn router(alertmanager: Arc<Alertmanager>) -> Router {
    let v2 = Router::new()
        .route("/status", get(status).fallback(not_allowed))
        .route("/receivers", get(receivers).fallback(not_allowed))
        .route(
            "/alerts",
            get(alerts::list).post(alerts::post).fallback(not_allowed),
        )
        .route("/alerts/groups", get(alerts::groups).fallback(not_allowed))
        .route(
            "/silences",
            get(silences::list)
                .post(silences::post)
                .fallback(not_allowed),
        )
        .route(
            "/silence/{id}",
            get(silences::get)
                .merge(delete(silences::delete))
                .fallback(not_allowed),
        )
        .route("/{*rest}", any(not_found));
    Router::new()
        .nest("/alertmanager/api/v2", v2)
        .route("/alertmanager/-/healthy", get(|| async { "OK\n" }))
        .route("/alertmanager/-/ready", get(|| async { "OK\n" }))
        .route(
            "/api/v1/alerts",
            get(configuration::get)
                .post(configuration::set)
                .delete(configuration::delete),
        )
        .with_state(alertmanager)
}

async fn status(State(am): Shared) -> Response {
    let shown = am.lock().config.shown.clone();
    answer(&json!({
        "cluster": {"peers": [], "status": "disabled"},
        "config": {"original": shown},
        "uptime": super::alert::time(am.started_at),
        "versionInfo": {
            "branch": "",
            "buildDate": "",
            "buildUser": "",
            "goVersion": "",
            "revision": "shoplab",
            "version": env!("CARGO_PKG_VERSION"),
        },
    }))
}

async fn receivers(State(am): Shared) -> Response {
    let config = Arc::clone(&am.lock().config);
    let names = config.receivers.iter().map(|r| json!({"name": r.name}));
    answer(&names.collect())
}

async fn not_found(request: Request) -> Refusal {
    let path = format!("/api/v2{}", request.uri().path());
    let message = format!("path {path} was not found");
    failed(StatusCode::NOT_FOUND, 404, &message)
}

async fn not_allowed(request: Request) -> Refusal {
    let message = format!("method {} is not allowed", request.method());
    failed(StatusCode::METHOD_NOT_ALLOWED, 405, &message)
}

/// The parameters that lists of alerts are narrowed by.
struct Filter {
    matchers: Vec<Matcher>,
    receiver: Option<regex::Regex>,
    hidden: BTreeSet<Kind>,
}

/// What alerts can be, and be left out for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Active,
    Silenced,
    Inhibited,
    /// By a time interval of the route.
    Muted,
}

impl Filter {
    fn read(RawQuery(query): RawQuery) -> Result<Self, Refusal> {
        let query = query.unwrap_or_default();
        let mut filter = Self {
            matchers: Vec::new(),
            receiver: None,
            hidden: BTreeSet::new(),
        };
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match name.as_ref() {
                "filter" => filter.matchers.push(parse(&value).map_err(|e| bad(&e))?),
                "receiver" => {
                    let regex = anchored(&value)
                        .map_err(|e| bad(&format!("failed to parse receiver param: {e}")))?;
                    filter.receiver = Some(regex);
                }
                "active" => filter.set(Kind::Active, &value),
                "silenced" => filter.set(Kind::Silenced, &value),
                "inhibited" => filter.set(Kind::Inhibited, &value),
                "muted" => filter.set(Kind::Muted, &value),
                _ => {}
            }
        }
        Ok(filter)
    }

    fn set(&mut self, kind: Kind, value: &str) {
        if truth(value) {
            self.hidden.remove(&kind);
        } else {
            self.hidden.insert(kind);
        }
    }

    /// Whether alerts of this kind may be shown.
    fn shows(&self, kind: Kind) -> bool {
        !self.hidden.contains(&kind)
    }

    fn wants_receiver(&self, name: &str) -> bool {
        self.receiver.as_ref().is_none_or(|r| r.is_match(name))
    }
}

/// Words that the API takes for true; whatever else is false.
fn truth(text: &str) -> bool {
    matches!(
        text.to_lowercase().as_str(),
        "true" | "1" | "yes" | "ok" | "y" | "on" | "selected" | "checked" | "t" | "enabled"
    )
}

/// A request that is not carried out.
#[derive(Debug)]
struct Refusal {
    status: StatusCode,
    /// JSON; empty for none.
    body: String,
}

impl Refusal {
    /// Without a word.
    const fn bare(status: StatusCode) -> Self {
        Self {
            status,
            body: String::new(),
        }
    }

    fn new(status: StatusCode, body: &Value) -> Self {
        Self {
            status,
            body: body.to_string(),
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        if self.body.is_empty() {
            return self.status.into_response();
        }
        written(self.status, &self.body)
    }
}

type Answer = Result<Response, Refusal>;

fn answer(value: &Value) -> Response {
    written(StatusCode::OK, &value.to_string())
}

/// A refusal by the server itself: a text.
fn bad(message: &str) -> Refusal {
    Refusal::new(StatusCode::BAD_REQUEST, &json!(message))
}

/// A refusal by what checks requests against the API's schema: a code and a message.
fn failed(status: StatusCode, code: u16, message: &str) -> Refusal {
    Refusal::new(status, &json!({"code": code, "message": message}))
}

fn written(status: StatusCode, body: &str) -> Response {
    let mut response = (status, format!("{body}\n")).into_response();
    let headers = response.headers_mut();
    headers.insert(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    );
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
