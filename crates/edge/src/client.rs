//! Requests to an edge's control API as values, for whoever carries them there.
//!
//! Nothing is sent from here: the lab sends them through the Kubernetes API's
//! pods/proxy path, tests through a socket. Every request wants the lab's key
//! in [`KEY_HEADER`](crate::KEY_HEADER).

use std::time::Duration;

use http::Method;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Map, Value, json};

use crate::{Signal, Toxic};

/// A request to a control API.
#[derive(Clone, Debug, PartialEq)]
pub struct ControlRequest {
    /// The method.
    pub method: Method,
    /// The path, from the first slash, encoded.
    pub path: String,
    /// The JSON body, where there is one.
    pub body: Option<Value>,
}

/// What stays as it is in one segment of a path.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

impl ControlRequest {
    fn new(method: Method, path: String, body: Option<Value>) -> Self {
        Self { method, path, body }
    }
}

/// Every proxy with its toxics, by name. Answer: 200.
pub fn proxies() -> ControlRequest {
    ControlRequest::new(Method::GET, "/proxies".to_owned(), None)
}

/// One proxy with its toxics. Answers: 200, 404.
pub fn proxy(name: &str) -> ControlRequest {
    ControlRequest::new(Method::GET, proxy_path(name), None)
}

/// Takes a proxy down: connections are refused, standing ones dropped. It
/// comes up by itself when `lease` runs out; asking again renews. Answers: 200, 404.
pub fn take_down(name: &str, lease: Duration) -> ControlRequest {
    let body = json!({"enabled": false, "lease_ms": lease.as_millis() as u64});
    ControlRequest::new(Method::POST, proxy_path(name), Some(body))
}

/// Brings a proxy up again. Answers: 200, 404.
pub fn bring_up(name: &str) -> ControlRequest {
    ControlRequest::new(
        Method::POST,
        proxy_path(name),
        Some(json!({"enabled": true})),
    )
}

/// Adds a toxic. Answers: 200, 404 without the proxy, 409 when the name is taken.
pub fn add_toxic(proxy: &str, toxic: &Toxic) -> ControlRequest {
    let path = format!("{}/toxics", proxy_path(proxy));
    ControlRequest::new(Method::POST, path, Some(toxic.to_json()))
}

/// Gives a toxic a new lease, counted from now. Answers: 200, 404.
pub fn renew_toxic(proxy: &str, toxic: &str, lease: Duration) -> ControlRequest {
    let body = json!({"lease_ms": lease.as_millis() as u64});
    ControlRequest::new(Method::POST, toxic_path(proxy, toxic), Some(body))
}

/// One toxic. Answers: 200, 404.
pub fn toxic(proxy: &str, toxic: &str) -> ControlRequest {
    ControlRequest::new(Method::GET, toxic_path(proxy, toxic), None)
}

/// Removes a toxic at once. Answers: 204, 404.
pub fn remove_toxic(proxy: &str, toxic: &str) -> ControlRequest {
    ControlRequest::new(Method::DELETE, toxic_path(proxy, toxic), None)
}

/// Signals the pod's main container. A [`Signal::Stop`] with a lease ends by
/// itself; asking again renews. Answers: 204, 409 while nothing runs, 501
/// where the edge has no process to signal.
pub fn signal(signal: Signal, lease: Option<Duration>) -> ControlRequest {
    let mut body = json!({"signal": signal});
    if let Some(lease) = lease {
        body["lease_ms"] = json!(lease.as_millis() as u64);
    }
    ControlRequest::new(Method::POST, "/process/signal".to_owned(), Some(body))
}

/// Whether the main container was stopped over this API and not continued
/// since: `{"stopped": false}`. Answer: 200.
pub fn process() -> ControlRequest {
    ControlRequest::new(Method::GET, "/process".to_owned(), None)
}

/// Which hooks of the service are set. Answers: 200, 404 without hooks, 502.
pub fn hooks() -> ControlRequest {
    ControlRequest::new(Method::GET, "/hooks".to_owned(), None)
}

/// Sets a hook of the service with its arguments, or renews it when they are the same.
/// Answers: 2xx, 400 for arguments that the hook does not accept, 404, 502.
pub fn set_hook(name: &str, args: &Map<String, Value>, lease: Duration) -> ControlRequest {
    let mut body = Map::new();
    body.insert("lease_ms".to_owned(), (lease.as_millis() as u64).into());
    body.extend(args.clone());
    ControlRequest::new(Method::PUT, hook_path(name), Some(Value::Object(body)))
}

/// Clears a hook of the service. Answers: 2xx, 404, 502.
pub fn clear_hook(name: &str) -> ControlRequest {
    ControlRequest::new(Method::DELETE, hook_path(name), None)
}

fn proxy_path(proxy: &str) -> String {
    format!("/proxies/{}", utf8_percent_encode(proxy, SEGMENT))
}

fn toxic_path(proxy: &str, toxic: &str) -> String {
    let toxic = utf8_percent_encode(toxic, SEGMENT);
    format!("{}/toxics/{toxic}", proxy_path(proxy))
}

fn hook_path(name: &str) -> String {
    format!("/hooks/{}", utf8_percent_encode(name, SEGMENT))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Latency, Stream, ToxicKind};

    #[test]
    fn requests_are_values_that_name_method_path_and_body() {
        let lease = Duration::from_secs(5);
        let latency = ToxicKind::Latency(Latency {
            latency: 300,
            jitter: 20,
        });
        let mut slow = Toxic::new(latency, Stream::Downstream);
        slow.lease = Some(lease);
        for (request, method, path, body) in [
            (proxies(), "GET", "/proxies", ""),
            (
                take_down("rabbitmq:15672", lease),
                "POST",
                "/proxies/rabbitmq%3A15672",
                r#"{"enabled":false,"lease_ms":5000}"#,
            ),
            (
                add_toxic("payment", &slow),
                "POST",
                "/proxies/payment/toxics",
                r#"{"attributes":{"latency":300,"jitter":20},"name":"latency_downstream","type":"latency","stream":"downstream","toxicity":1.0,"lease_ms":5000}"#,
            ),
            (
                renew_toxic("payment", "a/b", lease),
                "POST",
                "/proxies/payment/toxics/a%2Fb",
                r#"{"lease_ms":5000}"#,
            ),
            (
                signal(Signal::Stop, Some(lease)),
                "POST",
                "/process/signal",
                r#"{"signal":"STOP","lease_ms":5000}"#,
            ),
            (
                set_hook("deadlock", &Map::new(), lease),
                "PUT",
                "/hooks/deadlock",
                r#"{"lease_ms":5000}"#,
            ),
            (
                set_hook(
                    "leak",
                    &Map::from_iter([("mib_per_second".to_owned(), 20.into())]),
                    lease,
                ),
                "PUT",
                "/hooks/leak",
                r#"{"lease_ms":5000,"mib_per_second":20}"#,
            ),
            (clear_hook("deadlock"), "DELETE", "/hooks/deadlock", ""),
        ] {
            assert_eq!(request.method, method);
            assert_eq!(request.path, path);
            let sent = request.body.map(|b| b.to_string()).unwrap_or_default();
            assert_eq!(sent, body);
        }
    }
}
