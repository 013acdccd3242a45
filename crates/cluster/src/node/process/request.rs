//! The requests of probes, answered as kubelet's own are.

use std::io;
use std::net::SocketAddr;

use super::super::runtime::{ProbeReply, ProbeRequest};

/// A client that is what kubelet's is: a new connection each time, no proxy, no redirect.
pub(super) fn client() -> reqwest::Client {
    reqwest::Client::builder()
        .no_proxy()
        .pool_max_idle_per_host(0)
        .redirect(reqwest::redirect::Policy::none())
        .user_agent("kube-probe/1.33")
        .build()
        .unwrap_or_default()
}

/// Makes a request of a probe.
pub(super) async fn probe(client: reqwest::Client, request: ProbeRequest) -> ProbeReply {
    let ProbeRequest {
        address,
        http,
        timeout,
    } = request;
    let Some(http) = http else {
        return match tokio::time::timeout(timeout, tokio::net::TcpStream::connect(address)).await {
            Ok(Ok(_)) => ProbeReply::Connected,
            Ok(Err(error)) => ProbeReply::Unreachable(dial(address, &error)),
            Err(_) => ProbeReply::Unreachable(format!("dial tcp {address}: i/o timeout")),
        };
    };
    let url = format!("http://{address}{}", http.path);
    let mut get = client.get(&url).timeout(timeout);
    for (name, value) in &http.headers {
        get = get.header(name, value);
    }
    match get.send().await {
        Ok(answer) => ProbeReply::Status(answer.status().as_u16()),
        Err(error) if error.is_timeout() => ProbeReply::Unreachable(format!(
            "Get \"{url}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        )),
        Err(error) => ProbeReply::Unreachable(format!("Get \"{url}\": {}", in_go(address, &error))),
    }
}

/// The innermost error of a request in Go's words.
fn in_go(address: SocketAddr, error: &reqwest::Error) -> String {
    let mut source: Option<&(dyn std::error::Error + 'static)> = Some(error);
    while let Some(inner) = source {
        if let Some(io) = inner.downcast_ref::<io::Error>() {
            return match io.kind() {
                io::ErrorKind::ConnectionReset => {
                    format!(
                        "read tcp {}->{address}: read: connection reset by peer",
                        address.ip()
                    )
                }
                io::ErrorKind::UnexpectedEof => "EOF".to_owned(),
                _ => dial(address, io),
            };
        }
        source = inner.source();
    }
    "EOF".to_owned()
}

fn dial(address: SocketAddr, error: &io::Error) -> String {
    match error.kind() {
        io::ErrorKind::ConnectionRefused => {
            format!("dial tcp {address}: connect: connection refused")
        }
        _ => format!("dial tcp {address}: connect: {error}"),
    }
}
