//! What happens around every request: span, metrics, access line, error body, hooks.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header;
use instrument::{InFlight, Metrics};
use tracing::{Instrument, Span};

use crate::context::Context;
use crate::error::{ErrorShape, ErrorSite, shaped};
use crate::families::{Families, ServedRequest};

/// The route label of a request that no route matched.
const NO_ROUTE: &str = "none";
/// Recorded when the caller went away before the answer.
const CALLER_GONE: u16 = 499;

#[derive(Clone)]
pub(crate) struct Around {
    pub(crate) context: Context,
    pub(crate) service: &'static str,
    pub(crate) shape: ErrorShape,
}

/// Observes a request, lets it pass the hooks, and shapes its error.
pub(crate) async fn around(State(around): State<Around>, request: Request, next: Next) -> Response {
    let path = request.uri().path().to_owned();
    if matches!(
        path.as_str(),
        "/health" | "/ready" | "/metrics" | "/prometheus"
    ) {
        let response = next.run(request).await;
        return shaped(
            response,
            around.shape,
            &ErrorSite {
                path: &path,
                trace_id: "",
            },
        );
    }
    if is_probe(&request) {
        around.context.hooks().pass_probe().await;
        return next.run(request).await;
    }
    let method = request.method().as_str().to_owned();
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or(NO_ROUTE, MatchedPath::as_str).to_owned();
    let span = instrument::span::server(&method, &route, &path, request.headers());
    let metrics = around.context.metrics().clone();
    let served = Served {
        _in_flight: metrics.in_flight(),
        metrics,
        families: around.context.families().clone(),
        service: around.service,
        method,
        route,
        path,
        span: span.clone(),
        since: Instant::now(),
        status: CALLER_GONE,
    };
    let answer = async {
        let response = match around.context.hooks().pass().await {
            Ok(()) => next.run(request).await,
            Err(error) => error.into_response(),
        };
        let trace_id = instrument::trace_id().unwrap_or_default();
        shaped(
            response,
            around.shape,
            &ErrorSite {
                path: &served.path,
                trace_id: &trace_id,
            },
        )
    };
    let response = answer.instrument(span).await;
    served.finish(response.status().as_u16());
    response
}

/// Kubernetes' probes are no customers: they count nowhere.
fn is_probe(request: &Request) -> bool {
    let agent = request.headers().get(header::USER_AGENT);
    agent.is_some_and(|agent| agent.as_bytes().starts_with(b"kube-probe/"))
}

/// One request; recorded when it is dropped, answered or not.
struct Served {
    metrics: Metrics,
    families: Families,
    service: &'static str,
    method: String,
    route: String,
    path: String,
    span: Span,
    since: Instant,
    status: u16,
    _in_flight: InFlight,
}

impl Served {
    fn finish(mut self, status: u16) {
        self.status = status;
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        let elapsed = self.since.elapsed();
        self.metrics
            .served(&self.method, &self.route, self.status, elapsed);
        let request = ServedRequest {
            service: self.service,
            method: &self.method,
            route: &self.route,
            status: self.status,
        };
        self.families.served(&request, elapsed);
        self.span.record("http.response.status_code", self.status);
        if self.status >= 500 {
            self.span.record("otel.status_code", "ERROR");
        }
        let _entered = self.span.enter();
        tracing::info!(
            method = self.method,
            route = self.route,
            path = self.path,
            status = self.status,
            duration_ms = (elapsed.as_secs_f64() * 1e6).round() / 1e3,
            "request"
        );
    }
}
