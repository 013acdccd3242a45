//! The web shop's pages, which are part of the program.

use axum::Router;
use axum::body::Bytes;
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use include_dir::{Dir, File, include_dir};
use shop_kit::AppError;

const PAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/public");

/// Adds a route for every page, and `/` for the first.
pub(super) fn add<S: Clone + Send + Sync + 'static>(mut router: Router<S>) -> Router<S> {
    for file in PAGES.files() {
        let name = file.path().to_string_lossy();
        if name == "index.html" {
            router = router.route("/", get(move || async move { page(file) }));
        }
        router = router.route(&format!("/{name}"), get(move || async move { page(file) }));
    }
    router
}

fn page(file: &'static File<'static>) -> Response {
    let kind = match file
        .path()
        .extension()
        .and_then(|extension| extension.to_str())
    {
        Some("html") => "text/html; charset=UTF-8",
        Some("css") => "text/css; charset=UTF-8",
        Some("js") => "text/javascript; charset=UTF-8",
        _ => "application/octet-stream",
    };
    (
        [(header::CONTENT_TYPE, kind)],
        Bytes::from_static(file.contents()),
    )
        .into_response()
}

/// What no route takes: a trailing slash is taken off, the rest does not exist.
pub(super) async fn unknown(uri: Uri) -> Response {
    let path = uri.path();
    let Some(without) = path.strip_suffix('/') else {
        return AppError::new(StatusCode::NOT_FOUND, format!("Cannot find {path}")).into_response();
    };
    if path.contains("//") {
        return AppError::new(StatusCode::BAD_REQUEST, "invalid URL to redirect to")
            .into_response();
    }
    let query = uri
        .query()
        .map(|query| format!("?{query}"))
        .unwrap_or_default();
    let mut response = Redirect::permanent(&format!("{without}{query}")).into_response();
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    response
}
