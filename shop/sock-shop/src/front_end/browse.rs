//! Looking at socks: the catalogue's answers, passed on.

use axum::extract::{OriginalUri, State};
use axum::http::StatusCode;
use axum::response::Response;
use shop_kit::{Answer, AppError};

use super::{FrontEnd, bare, piped, reworded, texts, unanswered};

/// Passes `/catalogue...` on; the status is always 200, as ever.
pub(super) async fn catalogue(
    State(front_end): State<FrontEnd>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, AppError> {
    let path = uri
        .path_and_query()
        .map_or(uri.path(), |path| path.as_str());
    read(&front_end, path).await
}

/// Passes `/tags` on; the status is always 200, as ever.
pub(super) async fn tags(State(front_end): State<FrontEnd>) -> Result<Response, AppError> {
    read(&front_end, "/tags").await
}

async fn read(front_end: &FrontEnd, path: &str) -> Result<Response, AppError> {
    let answer = front_end.catalogue.get(path).send().await;
    let answer = answer.map_err(|error| unanswered(texts::EMPTY_HOMEPAGE, &error))?;
    Ok(always_200(answer))
}

fn always_200(answer: Answer) -> Response {
    if !answer.status.is_server_error() {
        return bare(StatusCode::OK, answer.body);
    }
    let mut response = reworded(&answer, texts::EMPTY_CATALOGUE);
    *response.status_mut() = StatusCode::OK;
    response
}

/// Passes a picture on with status and headers.
pub(super) async fn image(
    State(front_end): State<FrontEnd>,
    OriginalUri(uri): OriginalUri,
) -> Result<Response, AppError> {
    let answer = front_end.catalogue.get(uri.path()).send().await;
    answer
        .map(piped)
        .map_err(|error| unanswered(texts::EMPTY_HOMEPAGE, &error))
}
