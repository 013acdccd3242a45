//! One session with the embedded PostgreSQL for each input; the database is the same for all of a process.

use std::cell::OnceCell;
use std::net::SocketAddr;
use std::time::Duration;

use shop_stores::{PostgresConfig, PostgresFaults, PostgresServer};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use super::{ANYWHERE, Folder, PATIENCE};
use crate::http::wait;

const USER: &str = "fuzz";

thread_local! {
    /// A server that runs while the clients of its thread do, and its folder.
    static SERVER: OnceCell<Option<(SocketAddr, Folder)>> = const { OnceCell::new() };
}

pub(super) fn run(bytes: &[u8]) {
    let Ok(text) = std::str::from_utf8(bytes) else {
        return;
    };
    if text.contains('\0') {
        return;
    }
    let address = SERVER.with(|server| {
        let started = server.get_or_init(|| wait(start()));
        started.as_ref().map(|(address, _)| *address)
    });
    let Some(address) = address else { return };
    let done = wait(async { tokio::time::timeout(PATIENCE, session(address, text)).await });
    // A connection may end early: that is an answer as well.
    assert!(
        done.is_ok(),
        "the server neither answers nor hangs up: {text:?}"
    );
}

async fn start() -> Option<(SocketAddr, Folder)> {
    let folder = Folder::new("postgres");
    let config = PostgresConfig {
        listen: ANYWHERE,
        metrics: None,
        data: folder.0.clone(),
        user: USER.to_owned(),
        password: USER.to_owned(),
        database: USER.to_owned(),
        max_connections: 100,
        statement_timeout: Some(Duration::from_secs(1)),
        faults: PostgresFaults {
            max_bytes: Some(4 << 20),
            ..PostgresFaults::default()
        },
    };
    let server = PostgresServer::bind(config).await.ok()?;
    let address = server.addr().ok()?;
    // It ends with the runtime of its thread.
    drop(tokio::spawn(server.serve(CancellationToken::new())));
    Some((address, folder))
}

/// Logs in, asks in both ways within a transaction, and goes.
async fn session(address: SocketAddr, text: &str) -> std::io::Result<()> {
    let mut socket = TcpStream::connect(address).await?;
    let parameters = format!("user\0{USER}\0database\0{USER}\0\0");
    let mut startup = vec![0, 3, 0, 0];
    startup.extend_from_slice(parameters.as_bytes());
    socket.write_all(&long(&startup)).await?;
    // 'R', a length, 5 for MD5, the salt.
    let mut asked = [0; 13];
    socket.read_exact(&mut asked).await?;
    let inner = format!("{:x}", md5::compute(format!("{USER}{USER}")));
    let answer = md5::compute([inner.as_bytes(), &asked[9..]].concat());
    let mut sent = message(b'p', format!("md5{answer:x}\0").as_bytes());
    sent.extend(message(b'Q', b"BEGIN\0"));
    sent.extend(message(b'P', format!("\0{text}\0\0\0").as_bytes()));
    sent.extend(message(b'D', b"S\0"));
    sent.extend(message(b'S', b""));
    sent.extend(message(b'Q', b"ROLLBACK; BEGIN\0"));
    sent.extend(message(b'Q', format!("{text}\0").as_bytes()));
    sent.extend(message(b'Q', b"ROLLBACK\0"));
    sent.extend(message(b'X', b""));
    let (mut reader, mut writer) = socket.split();
    let mut answered = Vec::new();
    let (written, read) = tokio::join!(writer.write_all(&sent), reader.read_to_end(&mut answered));
    written.and(read).map(|_| ())
}

/// A message with its type.
fn message(kind: u8, payload: &[u8]) -> Vec<u8> {
    let mut out = vec![kind];
    out.extend(long(payload));
    out
}

/// A payload behind its length, which counts itself.
fn long(payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 4).unwrap_or(u32::MAX);
    [&length.to_be_bytes(), payload].concat()
}
