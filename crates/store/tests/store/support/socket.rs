//! A WebSocket's client, as far as tests of tailing need one.

#![expect(clippy::expect_used, reason = "helpers of a test fail it by panicking")]

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A WebSocket of the plainest kind: asks, and reads what the server says.
pub(crate) struct Socket(TcpStream);

impl Socket {
    /// Asks for `path`, with more `headers`, each with its line end.
    pub(crate) async fn open(address: SocketAddr, path: &str, headers: &str) -> Self {
        let mut stream = TcpStream::connect(address).await.expect("a connection");
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {address}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n{headers}\r\n"
        );
        stream.write_all(request.as_bytes()).await.expect("sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(stream.read_u8().await.expect("a head"));
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{head:?}");
        Self(stream)
    }

    /// The next frame that is no ping: its kind and its text.
    pub(crate) async fn next(&mut self) -> (u8, String) {
        loop {
            let kind = self.0.read_u8().await.expect("a frame") & 0x0f;
            let len = match self.0.read_u8().await.expect("a length") {
                126 => usize::from(self.0.read_u16().await.expect("a length")),
                len => usize::from(len),
            };
            let mut data = vec![0; len];
            self.0.read_exact(&mut data).await.expect("data");
            if kind == 8 {
                data.drain(..2);
            }
            if kind != 9 {
                return (kind, String::from_utf8(data).expect("a text"));
            }
        }
    }
}
