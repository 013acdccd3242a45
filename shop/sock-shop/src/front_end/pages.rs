//! The web shop's pages, which are part of the program.

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::http::{StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use include_dir::{Dir, File, include_dir};
use shop_kit::AppError;

const PAGES: Dir<'_> = include_dir!("$CARGO_MANIFEST_DIR/assets/public");

const HTML: &str = "text/html; charset=UTF-8";

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

/// Every page with its type, and `/`.
pub(super) fn paths() -> impl Iterator<Item = (String, &'static str)> {
    let files = PAGES.files();
    let pages = files.map(|file| (format!("/{}", file.path().to_string_lossy()), kind(file)));
    pages.chain([("/".to_owned(), HTML)])
}

fn kind(file: &File<'_>) -> &'static str {
    let extension = file.path().extension();
    match extension.and_then(|extension| extension.to_str()) {
        Some("html") => HTML,
        Some("css") => "text/css; charset=UTF-8",
        Some("js") => "text/javascript; charset=UTF-8",
        _ => "application/octet-stream",
    }
}

fn page(file: &'static File<'static>) -> Response {
    (
        [(header::CONTENT_TYPE, kind(file))],
        Bytes::from_static(file.contents()),
    )
        .into_response()
}

/// What no route takes does not exist.
pub(super) async fn unknown(uri: Uri) -> AppError {
    AppError::new(StatusCode::NOT_FOUND, format!("Cannot find {}", uri.path()))
}

/// Sends whoever asks for a path with a slash at its end to the one without.
pub(super) async fn without_slash(request: Request, next: Next) -> Response {
    let uri = request.uri();
    let path = uri.path();
    let Some(without) = path.strip_suffix('/').filter(|rest| !rest.is_empty()) else {
        return next.run(request).await;
    };
    if path.contains("//") {
        return AppError::new(StatusCode::BAD_REQUEST, "invalid URL to redirect to")
            .into_response();
    }
    let query = uri.query().map(|query| format!("?{query}"));
    let to = format!("{without}{}", query.unwrap_or_default());
    let mut response = Redirect::permanent(&to).into_response();
    *response.status_mut() = StatusCode::MOVED_PERMANENTLY;
    response
}
