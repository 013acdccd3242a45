//! Calls over gRPC, as any client makes them.

#![expect(
    clippy::expect_used,
    unreachable_pub,
    reason = "helpers of a test fail it by panicking"
)]

use std::net::SocketAddr;

use axum::body::Bytes;
use axum::http::{HeaderMap, Request};

/// One call with one message: the headers of the answer with its trailers, and its messages.
pub async fn call(address: SocketAddr, path: &str, message: &[u8]) -> (HeaderMap, Vec<Vec<u8>>) {
    let stream = tokio::net::TcpStream::connect(address)
        .await
        .expect("a connection");
    let (client, connection) = h2::client::handshake(stream).await.expect("HTTP/2");
    let driver = tokio::spawn(connection);
    let ask = Request::post(format!("http://{address}{path}"))
        .header("content-type", "application/grpc")
        .header("te", "trailers")
        .body(())
        .expect("a request");
    let mut client = client.ready().await.expect("ready");
    let (answer, mut sender) = client.send_request(ask, false).expect("sent");
    let mut frame = vec![0];
    frame.extend((message.len() as u32).to_be_bytes());
    frame.extend(message);
    sender.send_data(Bytes::from(frame), true).expect("sent");
    let answer = answer.await.expect("an answer");
    let mut headers = answer.headers().clone();
    let mut body = answer.into_body();
    let mut bytes = Vec::new();
    while let Some(data) = body.data().await {
        bytes.extend(data.expect("data"));
    }
    headers.extend(body.trailers().await.expect("trailers").unwrap_or_default());
    driver.abort();
    let mut messages = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some((&[_, a, b, c, d], after)) = rest.split_first_chunk() {
        let (message, after) = after.split_at(u32::from_be_bytes([a, b, c, d]) as usize);
        messages.push(message.to_vec());
        rest = after;
    }
    (headers, messages)
}
