//! The metrics that user has had since its first version, under the names of its methods.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use shop_kit::instrument::{Counters, MetricsError};
use shop_kit::{Context, Summaries};

/// Requests by method; clones share them.
#[derive(Clone, Debug)]
pub(super) struct Requests {
    count: Counters,
    /// In seconds, in spite of its name.
    latency: Summaries,
}

impl Requests {
    pub(super) fn new(ctx: &Context) -> Result<Self, MetricsError> {
        let labels = ["method"];
        Ok(Self {
            count: ctx.metrics().counters(
                "microservices_demo_user_request_count",
                "Number of requests received.",
                &labels,
            )?,
            latency: ctx.families().summaries(
                "microservices_demo_user_request_latency_microseconds",
                "Total duration of requests, in seconds in spite of the name.",
                &labels,
            )?,
        })
    }
}

/// Counts a request, and how long it took.
pub(super) async fn counted(
    State(requests): State<Requests>,
    request: Request,
    next: Next,
) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let path = path.map_or("", MatchedPath::as_str);
    let Some(method) = method(request.method(), path) else {
        return next.run(request).await;
    };
    let since = Instant::now();
    let response = next.run(request).await;
    let labels = [method];
    requests.count.with_label_values(&labels).inc();
    let seconds = since.elapsed().as_secs_f64();
    requests.latency.observe(&labels, seconds);
    response
}

/// The name of what is asked for.
fn method(method: &Method, path: &str) -> Option<&'static str> {
    let first = path.trim_start_matches('/').split('/').next();
    Some(match (method, first.unwrap_or_default()) {
        (&Method::GET, "login") => "login",
        (&Method::POST, "register") => "register",
        (&Method::POST, "customers") => "postUser",
        (&Method::GET, "customers") => "getUsers",
        (&Method::POST, "addresses") => "postAddress",
        (&Method::GET, "addresses") => "getAddresses",
        (&Method::POST, "cards") => "postCard",
        (&Method::GET, "cards") => "getCards",
        (&Method::DELETE, _) => "delete",
        (&Method::GET, "health") => "health",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn methods_have_the_names_of_old() {
        for (method_sent, path, expected) in [
            (Method::GET, "/login", Some("login")),
            (Method::GET, "/customers/{id}/cards", Some("getUsers")),
            (Method::POST, "/customers", Some("postUser")),
            (Method::DELETE, "/cards/{id}", Some("delete")),
            (Method::GET, "/nothing", None),
        ] {
            assert_eq!(method(&method_sent, path), expected, "{method_sent} {path}");
        }
    }
}
