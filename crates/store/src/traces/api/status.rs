//! What operators and clients ask of the server itself.

use axum::Router;
use axum::http::header;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use serde_json::json;

use super::json_answer;

/// The release whose answers these are.
const VERSION: &str = "3.0.3";

/// Everything a client may ask for.
const ENDPOINTS: &str = "\
GET /api/echo
GET /api/metrics/query
GET /api/metrics/query_range
GET /api/search
GET /api/search/tag/{tagName}/values
GET /api/search/tags
GET /api/status/buildinfo
GET /api/traces/{traceID}
GET /api/v2/search/tag/{tagName}/values
GET /api/v2/search/tags
GET /api/v2/traces/{traceID}
GET /ready
GET /status
GET /status/endpoints
GET /status/services
GET /status/version
";

/// The parts of a single process.
const SERVICES: &str = "\
distributor: Running
live-store: Running
querier: Running
query-frontend: Running
server: Running
store: Running
";

pub(super) fn router<S: Clone + Send + Sync + 'static>() -> Router<S> {
    Router::new()
        .route("/api/echo", get(|| async { text("echo\n".to_owned()) }))
        .route("/ready", get(|| async { text("ready\n".to_owned()) }))
        .route("/api/status/buildinfo", get(build_info))
        .route("/status", get(|| async { text(all()) }))
        .route("/status/version", get(|| async { text(version()) }))
        .route(
            "/status/services",
            get(|| async { text(SERVICES.to_owned()) }),
        )
        .route(
            "/status/endpoints",
            get(|| async { text(ENDPOINTS.to_owned()) }),
        )
}

fn text(body: String) -> Response {
    ([(header::CONTENT_TYPE, "text/plain; charset=utf-8")], body).into_response()
}

fn version() -> String {
    format!("tempo, version {VERSION}\n")
}

fn all() -> String {
    let version = version();
    format!(
        "GET /status/version\n{version}\nGET /status/services\n{SERVICES}\nGET /status/endpoints\n{ENDPOINTS}"
    )
}

async fn build_info() -> Response {
    json_answer(&json!({
        "version": VERSION,
        "revision": "",
        "branch": "",
        "buildUser": "",
        "buildDate": "",
        "goVersion": "",
    }))
}
