//! `pods/proxy` and `services/proxy`: requests passed on to a Pod's port.

use std::net::IpAddr;

use axum::body::Body;
use axum::extract::Request;
use axum::response::Response;
use http::{HeaderMap, HeaderName, header};
use serde_json::Value;

use super::Api;
use super::status::{ApiError, ApiResult};
use super::target::Target;
use crate::objects::{Kind, Objects, meta};

/// Headers that belong to one connection only.
const HOP_BY_HOP: [HeaderName; 6] = [
    header::CONNECTION,
    header::TE,
    header::TRAILER,
    header::TRANSFER_ENCODING,
    header::UPGRADE,
    header::PROXY_AUTHORIZATION,
];

/// Passes a request on and its answer back, both as they stream.
pub(super) async fn relay(
    api: &Api,
    target: &Target,
    rest: &str,
    request: Request,
) -> ApiResult<Response> {
    let name = target.name.as_deref().unwrap_or("");
    let address = match target.kind {
        Kind::Pod => pod_address(&api.objects, target.within(), name)?,
        Kind::Service => service_address(&api.objects, target.within(), name)?,
        _ => return Err(ApiError::no_such_path()),
    };
    let (parts, body) = request.into_parts();
    let query = parts
        .uri
        .query()
        .map_or_else(String::new, |query| format!("?{query}"));
    let sent = api
        .client
        .request(parts.method, format!("http://{address}/{rest}{query}"))
        .headers(passed_on(&parts.headers))
        .body(reqwest::Body::wrap_stream(body.into_data_stream()))
        .send()
        .await
        .map_err(|error| {
            ApiError::unavailable(format!(
                "error trying to reach service: dial tcp {address}: {}",
                cause(&error)
            ))
        })?;
    let mut response = Response::builder().status(sent.status());
    if let Some(headers) = response.headers_mut() {
        *headers = sent.headers().clone();
        HOP_BY_HOP.iter().for_each(|name| {
            headers.remove(name);
        });
    }
    response
        .body(Body::from_stream(sent.bytes_stream()))
        .map_err(|error| ApiError::unavailable(format!("the answer cannot be passed on: {error}")))
}

/// The request's headers without what was meant for the API server alone.
fn passed_on(headers: &HeaderMap) -> HeaderMap {
    let mut headers = headers.clone();
    for name in HOP_BY_HOP
        .iter()
        .chain([&header::AUTHORIZATION, &header::HOST])
    {
        headers.remove(name);
    }
    headers
}

/// The innermost reason, which is the one that tells.
fn cause(error: &reqwest::Error) -> String {
    let mut innermost: &dyn std::error::Error = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}

/// `[scheme:]name[:port]`.
fn split(text: &str) -> (&str, Option<&str>) {
    match text.split(':').collect::<Vec<_>>().as_slice() {
        [_, name, ""] => (name, None),
        [_, name, port] => (name, Some(port)),
        [name, port] if !port.is_empty() => (name, Some(port)),
        [name, ..] => (name, None),
        [] => (text, None),
    }
}

/// Where a Pod's port is; `name` may carry one.
pub(super) fn pod_address(objects: &Objects, namespace: &str, name: &str) -> ApiResult<String> {
    let (name, port) = split(name);
    let pod = objects.get(Kind::Pod, namespace, name)?;
    let ports: Vec<&Value> = meta::items(&pod, "/spec/containers")
        .iter()
        .flat_map(|container| meta::items(container, "/ports"))
        .collect();
    let port = match port {
        None => ports
            .first()
            .and_then(|port| port["containerPort"].as_i64())
            .unwrap_or(80),
        Some(port) => match port.parse() {
            Ok(number) => number,
            Err(_) => ports
                .iter()
                .find(|declared| declared["name"] == port)
                .and_then(|declared| declared["containerPort"].as_i64())
                .ok_or_else(|| {
                    ApiError::unavailable(format!("pod \"{name}\" has no port named \"{port}\""))
                })?,
        },
    };
    let ip = meta::text(&pod, "/status/podIP");
    address(ip, port).ok_or_else(|| {
        ApiError::unavailable(format!(
            "pod \"{name}\" does not have an address yet: wait until it runs"
        ))
    })
}

fn service_address(objects: &Objects, namespace: &str, name: &str) -> ApiResult<String> {
    let (name, wanted) = split(name);
    let service = objects.get(Kind::Service, namespace, name)?;
    let ports = meta::items(&service, "/spec/ports");
    let chosen = match wanted {
        None => ports.first(),
        Some(wanted) => {
            let number: Option<i64> = wanted.parse().ok();
            ports.iter().find(|port| {
                port["name"] == wanted || number.is_some_and(|number| port["port"] == number)
            })
        }
    };
    let chosen = chosen.ok_or_else(|| {
        ApiError::unavailable(format!(
            "no service port \"{}\" found for service \"{name}\"",
            wanted.unwrap_or("")
        ))
    })?;
    let endpoints = objects.find(Kind::Endpoints, namespace, name);
    let subsets = endpoints
        .as_deref()
        .map_or(&[][..], |endpoints| meta::items(endpoints, "/subsets"));
    let mut addresses = Vec::new();
    for subset in subsets {
        let ports = meta::items(subset, "/ports");
        let port = ports.iter().find(|port| port["name"] == chosen["name"]);
        let Some(port) = port
            .or(ports.first())
            .and_then(|port| port["port"].as_i64())
        else {
            continue;
        };
        let ips = meta::items(subset, "/addresses").iter();
        addresses.extend(ips.filter_map(|ip| address(meta::text(ip, "/ip"), port)));
    }
    if addresses.is_empty() {
        return Err(ApiError::unavailable(format!(
            "no endpoints available for service \"{name}\""
        )));
    }
    let at = rand::random_range(0..addresses.len());
    Ok(addresses.swap_remove(at))
}

/// An address is passed on to only when it is one: nothing else may come into the URL.
fn address(ip: &str, port: i64) -> Option<String> {
    let ip: IpAddr = ip.parse().ok()?;
    let port = u16::try_from(port).ok()?;
    Some(std::net::SocketAddr::new(ip, port).to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn names_carry_schemes_and_ports() {
        for (text, expected) in [
            ("a", ("a", None)),
            ("a:80", ("a", Some("80"))),
            ("http:a:web", ("a", Some("web"))),
            ("http:a:", ("a", None)),
        ] {
            assert_eq!(split(text), expected);
        }
    }

    #[test]
    fn a_service_port_leads_to_a_ready_address() {
        let objects = Objects::new();
        let service = json!({ "metadata": { "name": "a", "namespace": "s" }, "spec": { "ports": [
            { "name": "http", "port": 80 }, { "name": "admin", "port": 90 }] } });
        objects.create(Kind::Service, service).unwrap();
        assert!(
            service_address(&objects, "s", "a")
                .unwrap_err()
                .to_string()
                .contains("no endpoints")
        );
        let endpoints = json!({ "metadata": { "name": "a", "namespace": "s" }, "subsets": [{
            "addresses": [{ "ip": "127.0.0.9" }],
            "ports": [{ "name": "http", "port": 8080 }, { "name": "admin", "port": 9090 }] }] });
        objects.create(Kind::Endpoints, endpoints).unwrap();
        for (name, expected) in [
            ("a", "127.0.0.9:8080"),
            ("a:80", "127.0.0.9:8080"),
            ("a:admin", "127.0.0.9:9090"),
        ] {
            assert_eq!(service_address(&objects, "s", name).unwrap(), expected);
        }
    }

    #[test]
    fn the_token_is_not_passed_on_and_the_labs_key_is() {
        let mut headers = HeaderMap::new();
        headers.insert(header::AUTHORIZATION, "Bearer x".parse().unwrap());
        headers.insert("x-lab-key", "k".parse().unwrap());
        let passed = passed_on(&headers);
        assert!(!passed.contains_key(header::AUTHORIZATION));
        assert_eq!(passed["x-lab-key"], "k");
    }
}
