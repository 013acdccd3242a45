//! How much may be on its way in at once. What is more is refused before it is read, with the
//! time to come again, so that a flood cannot take all memory.
//!
//! Source: <https://opentelemetry.io/docs/specs/otlp/#otlphttp-throttling>.

use std::sync::Arc;

use axum::Router;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::middleware::{Next, from_fn_with_state};
use axum::response::Response;
use tokio::sync::Semaphore;

use super::forward;
use crate::grpc::{self, Code, Failure};

/// Kibibytes of requests that are read or taken in at once.
pub(super) const ROOM: u32 = 256 << 10;

/// How many times as long what is compressed is taken to be: telemetry repeats itself, and its
/// requests come to about a tenth by gzip.
const COMPRESSED: u64 = 10;

/// Kibibytes that are reserved for a request which does not tell its length: the most that gRPC
/// takes by default.
const UNKNOWN: u32 = 4 << 10;

/// Lets requests pass as long as there is room for them, in kibibytes.
pub(super) fn bounded(router: Router, room: u32) -> Router {
    let left = Arc::new(Semaphore::new(room as usize));
    router.layer(from_fn_with_state((left, room), admit))
}

async fn admit(
    State((left, room)): State<(Arc<Semaphore>, u32)>,
    request: Request,
    next: Next,
) -> Response {
    let wanted = kibibytes(request.headers()).min(room);
    match left.try_acquire_many_owned(wanted) {
        Ok(_place) => next.run(request).await,
        Err(_) => refused(request.headers()),
    }
}

fn kibibytes(headers: &HeaderMap) -> u32 {
    let length = headers.get(header::CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse::<u64>().ok());
    let encodings = [header::CONTENT_ENCODING.as_str(), "grpc-encoding"];
    let compressed = encodings
        .iter()
        .filter_map(|name| headers.get(*name))
        .any(|encoding| encoding != "identity");
    let times = if compressed { COMPRESSED } else { 1 };
    length.map_or(UNKNOWN, |bytes| {
        u32::try_from(bytes.saturating_mul(times) / 1024 + 1).unwrap_or(u32::MAX)
    })
}

fn refused(headers: &HeaderMap) -> Response {
    let failure = Failure(
        Code::ResourceExhausted,
        "too many requests are being taken in".to_owned(),
    );
    if grpc::is_call(headers) {
        return grpc::error(&failure);
    }
    forward::told(headers, StatusCode::TOO_MANY_REQUESTS, Some(&failure))
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use axum::body::Body;
    use axum::routing::post;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn what_finds_no_room_is_told_to_come_again() {
        let router = Router::new()
            .route("/slow", post(pending::<()>))
            .route("/quick", post(|| async {}));
        let router = bounded(router, 10);
        let ask = |path: &str, kind: &str, length: u32, encoding: &str| {
            let request = Request::post(path)
                .header("content-type", kind)
                .header("content-encoding", encoding)
                .header("content-length", length)
                .body(Body::empty())
                .unwrap();
            router.clone().oneshot(request)
        };
        let mut slow = Box::pin(ask("/slow", "application/json", 8 << 10, "identity"));
        assert!(futures::poll!(&mut slow).is_pending());
        for (kind, length, encoding, status) in [
            ("application/json", 10, "identity", 200),
            ("application/json", 200, "identity", 200),
            ("application/json", 200, "gzip", 429),
            ("application/json", 2 << 10, "identity", 429),
            ("application/x-protobuf", 2 << 10, "identity", 429),
            ("application/grpc", 2 << 10, "identity", 200),
        ] {
            let answer = ask("/quick", kind, length, encoding).await.unwrap();
            assert_eq!(answer.status(), status, "{kind} {length} {encoding}");
            let headers = answer.headers();
            assert_eq!(headers.contains_key("retry-after"), status == 429);
            assert_eq!(
                headers.contains_key("grpc-status-details-bin"),
                kind == "application/grpc"
            );
        }
        drop(slow);
        let answer = ask("/quick", "application/json", 9 << 10, "identity")
            .await
            .unwrap();
        assert_eq!(answer.status(), 200, "there is room again");
    }
}
