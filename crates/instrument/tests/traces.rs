//! Spans leave the process by OTLP, and a receiver that is gone holds nothing up.
#![expect(clippy::expect_used, reason = "a test says what it expects by failing")]

use std::io::{Read, Write};
use std::net::TcpListener;
use std::time::{Duration, Instant};

use instrument::{InitError, ServiceIdentity};

/// Takes one HTTP request and answers it with 200.
fn one_request(listener: &TcpListener) -> Vec<u8> {
    let (mut stream, _) = listener.accept().expect("a connection");
    let mut request = Vec::new();
    let mut buffer = [0; 4_096];
    loop {
        let read = stream.read(&mut buffer).expect("readable");
        request.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&request).to_ascii_lowercase();
        let Some((head, _)) = text.split_once("\r\n\r\n") else {
            continue;
        };
        let length = head
            .lines()
            .find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length
            .and_then(|length| length.trim().parse().ok())
            .unwrap_or(0);
        let start = request
            .windows(4)
            .position(|end| end == b"\r\n\r\n")
            .expect("a head")
            + 4;
        if request.len() >= start + length {
            break;
        }
    }
    stream
        .write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")
        .expect("writable");
    request
}

#[test]
fn a_span_reaches_the_receiver_and_shutting_down_is_bounded_without_one() {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address");
    let telemetry = instrument::init(ServiceIdentity {
        service: "payment".into(),
        version: "v1.0.0".into(),
        otlp_endpoint: Some(format!("http://{address}/")),
        ..ServiceIdentity::default()
    });
    let telemetry = telemetry.expect("the first of this process");
    let again = instrument::init(ServiceIdentity::named("payment"));
    assert!(matches!(again, Err(InitError::Twice)));

    let receiver = std::thread::spawn(move || one_request(&listener));
    instrument::span::client("POST", "payment", "payment:80", "/paymentAuth").in_scope(|| {});
    let request = receiver.join().expect("no panic");
    let text = String::from_utf8_lossy(&request);
    assert!(text.starts_with("POST /v1/traces HTTP/1.1"), "{text}");
    for part in [
        "service.name",
        "service.version",
        "POST payment",
        "peer.service",
        "url.path",
    ] {
        assert!(text.contains(part), "{part} is not in {text}");
    }

    instrument::span::client("GET", "payment", "payment:80", "/").in_scope(|| {});
    let since = Instant::now();
    telemetry.shutdown();
    assert!(
        since.elapsed() < Duration::from_secs(3),
        "{:?}",
        since.elapsed()
    );
}
