//! `pods/portforward`: ports of a Pod over one WebSocket, by the protocol `v4.channel.k8s.io`.
//!
//! Each port has two channels, and each message begins with the number of its
//! own: the even one carries bytes, the odd one an error. Both begin with the
//! port's number. The older SPDY, which `kubectl` speaks, is not served.

use axum::extract::ws::{Message, WebSocket, WebSocketUpgrade};
use axum::extract::{FromRequestParts, Request};
use axum::response::Response;
use bytes::{BufMut, Bytes, BytesMut};
use futures::{SinkExt, StreamExt};
use http::{HeaderMap, header};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::Api;
use super::proxy::pod_address;
use super::status::{ApiError, ApiResult};
use super::target::{Params, Target};
use crate::objects::Kind;

const PROTOCOL: &str = "v4.channel.k8s.io";
/// How many messages wait on either side.
const WAITING: usize = 16;
/// How much is read at once.
const PIECE: usize = 16 * 1024;
/// Two channels each, numbered by one byte.
const MOST_PORTS: usize = 64;

/// One of the ports that were asked for.
struct Port {
    number: u16,
    address: String,
}

/// Answers with a WebSocket that carries the ports that `params` name.
pub(super) async fn serve(
    api: &Api,
    target: &Target,
    params: &Params,
    request: Request,
) -> ApiResult<Response> {
    let name = match (target.kind, &target.name) {
        (Kind::Pod, Some(name)) => name,
        _ => return Err(ApiError::no_such_path()),
    };
    let (mut parts, _) = request.into_parts();
    // Clients that speak SPDY name their ports later, not in the query.
    if !speaks(&parts.headers) {
        return Err(ApiError::not_implemented(
            "port-forward is served over a WebSocket with the protocol v4.channel.k8s.io only, which kubectl does not \
             speak: Pods have addresses of this machine (kubectl get pods -o wide), so reach their ports directly",
        ));
    }
    let port = |text: &str| {
        let number = text.trim().parse().map_err(|_| {
            ApiError::bad_request(format!("`{text}` in `ports` is not the number of a port"))
        })?;
        let address = pod_address(&api.objects, target.within(), &format!("{name}:{number}"))?;
        Ok(Port { number, address })
    };
    let ports = params.get("ports").unwrap_or("").split(',');
    let ports: Vec<Port> = ports.map(port).collect::<ApiResult<_>>()?;
    if ports.len() > MOST_PORTS {
        return Err(ApiError::bad_request(format!(
            "at most {MOST_PORTS} `ports` can be forwarded at once"
        )));
    }
    let upgrade = WebSocketUpgrade::from_request_parts(&mut parts, &())
        .await
        .map_err(|error| ApiError::bad_request(error.to_string()))?;
    let cancel = api.cancel.clone();
    Ok(upgrade
        .protocols([PROTOCOL])
        .on_upgrade(move |socket| relay(socket, ports, cancel)))
}

fn speaks(headers: &HeaderMap) -> bool {
    let offered = headers.get_all(header::SEC_WEBSOCKET_PROTOCOL).iter();
    offered
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|protocol| protocol.trim() == PROTOCOL)
}

/// Carries bytes until the client goes, every port has ended, or the cluster stops.
async fn relay(socket: WebSocket, ports: Vec<Port>, cancel: CancellationToken) {
    let (mut sink, mut stream) = socket.split();
    let (messages, mut out) = channel(WAITING);
    let mut carriers = JoinSet::new();
    let mut to_pods: Vec<Sender<Bytes>> = Vec::new();
    for (port, even) in ports.into_iter().zip((0_u8..).step_by(2)) {
        let (to_pod, from_client) = channel(WAITING);
        to_pods.push(to_pod);
        carriers.spawn(carry(even, port, from_client, messages.clone()));
    }
    drop(messages);
    let outward = async {
        while let Some(message) = out.recv().await {
            sink.send(Message::Binary(message)).await?;
        }
        sink.send(Message::Close(None)).await
    };
    let inward = async {
        while let Some(Ok(message)) = stream.next().await {
            if let Message::Binary(bytes) = message
                && let Some(number) = bytes.first()
                && number % 2 == 0
                && let Some(to_pod) = to_pods.get(usize::from(number / 2))
                // One whose port has ended reads no more.
                && to_pod.send(bytes.slice(1..)).await.is_err()
            {
                tracing::debug!("bytes for a forwarded port that has ended");
            }
        }
    };
    tokio::select! {
        () = cancel.cancelled() => {}
        () = inward => {}
        sent = outward => {
            if let Err(error) = sent {
                tracing::debug!(%error, "a port-forward ended early");
            }
        }
    }
    // Dropping the carriers closes the connections to the Pod.
}

/// Carries the bytes of one port. Whoever would send to a client that has gone is done.
async fn carry(even: u8, port: Port, mut from_client: Receiver<Bytes>, messages: Sender<Bytes>) {
    for channel in [even, even + 1] {
        let number = port.number.to_le_bytes();
        if messages.send(message(channel, &number)).await.is_err() {
            return;
        }
    }
    let stream = match TcpStream::connect(&port.address).await {
        Ok(stream) => stream,
        Err(error) => {
            let problem = format!(
                "an error occurred forwarding {}: dial tcp {}: {error}",
                port.number, port.address
            );
            drop(messages.send(message(even + 1, problem.as_bytes())).await);
            return;
        }
    };
    let (mut from_pod, mut to_pod) = stream.into_split();
    let inward = async {
        while let Some(bytes) = from_client.recv().await {
            to_pod.write_all(&bytes).await?;
        }
        to_pod.shutdown().await
    };
    let outward = async {
        let mut piece = vec![0; PIECE];
        loop {
            let read = from_pod.read(&mut piece).await?;
            if read == 0 || messages.send(message(even, &piece[..read])).await.is_err() {
                return Ok(());
            }
        }
    };
    // The Pod's end is the end; what the client still has to say is not waited for.
    let ended: std::io::Result<()> = tokio::select! {
        ended = outward => ended,
        Err(error) = inward => Err(error),
    };
    if let Err(error) = ended {
        tracing::debug!(port = port.number, %error, "a forwarded connection broke");
    }
}

fn message(channel: u8, bytes: &[u8]) -> Bytes {
    let mut message = BytesMut::with_capacity(1 + bytes.len());
    message.put_u8(channel);
    message.put_slice(bytes);
    message.freeze()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_a_client_that_speaks_the_protocol_is_served() {
        for (offered, expected) in [
            ("v4.channel.k8s.io", true),
            ("SPDY/3.1+portforward.k8s.io, v4.channel.k8s.io", true),
            ("SPDY/3.1+portforward.k8s.io", false),
        ] {
            let mut headers = HeaderMap::new();
            let offered = offered.parse().unwrap();
            headers.insert(header::SEC_WEBSOCKET_PROTOCOL, offered);
            assert_eq!(speaks(&headers), expected);
        }
        assert!(!speaks(&HeaderMap::new()));
    }

    #[test]
    fn a_message_begins_with_the_number_of_its_channel() {
        assert_eq!(message(2, b"ab"), &b"\x02ab"[..]);
    }
}
