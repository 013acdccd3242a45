//! Requests to routers that listen nowhere.

use axum::Router;
use axum::body::Body;
use http::{Method, Request, StatusCode};
use tokio::runtime::{Builder, Runtime};
use tower::ServiceExt;

/// An answer larger than this would be one without bounds, bytes.
const LARGEST: usize = 64 << 20;

thread_local! {
    /// Work that goes to threads of its own goes there in the targets as well.
    static RUNTIME: Runtime = runtime();
}

fn runtime() -> Runtime {
    let built = Builder::new_current_thread().enable_all().build();
    built.unwrap_or_else(|error| panic!("no runtime: {error}"))
}

/// Runs `work` to its end.
pub(crate) fn wait<T>(work: impl Future<Output = T>) -> T {
    RUNTIME.with(|runtime| runtime.block_on(work))
}

/// What to send.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Call<'a> {
    pub(crate) verb: Verb,
    /// Path and query.
    pub(crate) path: &'a str,
    /// `Content-Type` and `Content-Encoding`; empty ones are left out.
    pub(crate) kind: (&'a str, &'a str),
    pub(crate) body: &'a [u8],
}

/// The methods that routers are asked with.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Verb {
    Get,
    Post,
}

/// The status and the body of the answer; `None` where `call` is no request that HTTP has.
pub(crate) fn ask(router: Router, call: &Call<'_>) -> Option<(StatusCode, Vec<u8>)> {
    let method = match call.verb {
        Verb::Get => Method::GET,
        Verb::Post => Method::POST,
    };
    let mut request = Request::builder().method(method).uri(call.path);
    let (kind, encoding) = call.kind;
    for (name, value) in [("content-type", kind), ("content-encoding", encoding)] {
        if !value.is_empty() {
            request = request.header(name, value);
        }
    }
    let request = request.body(Body::from(call.body.to_vec())).ok()?;
    wait(async {
        let answer = match router.oneshot(request).await {
            Ok(answer) => answer,
            Err(never) => match never {},
        };
        let status = answer.status();
        let body = axum::body::to_bytes(answer.into_body(), LARGEST).await;
        let body = body.unwrap_or_else(|error| panic!("no answer with bounds: {error}"));
        Some((status, body.to_vec()))
    })
}

/// A query string's value: every byte that is not plain is written as `%XX`.
pub(crate) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for byte in text.bytes() {
        match byte {
            b'0'..=b'9' | b'A'..=b'Z' | b'a'..=b'z' | b'_' | b'.' | b'-' => {
                out.push(char::from(byte));
            }
            other => out.push_str(&format!("%{other:02X}")),
        }
    }
    out
}
