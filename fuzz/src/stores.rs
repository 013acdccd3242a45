//! The shop's stores, over the loopback: what a client may send to Redis, to RabbitMQ and to PostgreSQL.

mod amqp;
mod postgres;

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use shop_stores::{
    Eviction, RabbitConfig, RabbitFaults, RabbitServer, RedisConfig, RedisFaults, RedisServer,
};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::CancellationToken;

use crate::http::wait;
use crate::{Target, input, seeds};

/// A server that has not answered all after this time hangs.
const PATIENCE: Duration = Duration::from_secs(20);
/// Any free port.
const ANYWHERE: SocketAddr = SocketAddr::new(std::net::IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// A folder that goes when this does.
#[derive(Debug)]
struct Folder(PathBuf);

impl Folder {
    /// One that nothing else has.
    fn new(what: &str) -> Self {
        static MADE: AtomicU64 = AtomicU64::new(0);
        let made = MADE.fetch_add(1, Ordering::Relaxed);
        let name = format!("shoplab-fuzz-{what}-{}-{made}", std::process::id());
        Self(std::env::temp_dir().join(name))
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // It may not have been made.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Sends all, says that nothing follows, and reads what is answered.
async fn talk(server: SocketAddr, sent: &[u8]) {
    let conversation = async {
        // Where the system has no port left, nothing is tried.
        let Ok(mut socket) = TcpStream::connect(server).await else {
            return;
        };
        let (mut reader, mut writer) = socket.split();
        let send = async {
            // The server may have hung up on what came first.
            let _ = writer.write_all(sent).await;
            let _ = writer.shutdown().await;
        };
        let mut answer = Vec::new();
        let _ = tokio::join!(send, reader.read_to_end(&mut answer));
    };
    let done = tokio::time::timeout(PATIENCE, conversation).await;
    assert!(done.is_ok(), "the server neither answers nor hangs up");
}

/// RESP commands and those typed into telnet.
pub(crate) const REDIS: Target = Target {
    name: "redis",
    run: |bytes| {
        wait(async {
            let config = RedisConfig {
                listen: ANYWHERE,
                metrics: None,
                password: None,
                max_memory: 1 << 20,
                eviction: Eviction::LeastRecentlyUsed,
                max_clients: 2,
                faults: RedisFaults::default(),
            };
            let Ok(server) = RedisServer::bind(config).await else {
                return;
            };
            let Ok(address) = server.addr() else { return };
            let cancel = CancellationToken::new();
            let client = async {
                talk(address, bytes).await;
                cancel.cancel();
            };
            let (served, ()) = tokio::join!(server.serve(cancel.clone()), client);
            assert!(served.is_ok(), "{served:?}");
        });
    },
    seeds: || {
        [
            "*3\r\n$3\r\nSET\r\n$1\r\na\r\n$1\r\n1\r\n*2\r\n$3\r\nGET\r\n$1\r\na\r\n",
            "HELLO 3\r\nSET a 9223372036854775807 EX 10 NX GET\r\nINCR a\r\nTTL a\r\nKEYS [a-c]*\r\nSCAN 0 MATCH ?x* COUNT 2\r\n",
            "HSET h a 1 b 2\r\nHINCRBY h a -5\r\nHGETALL h\r\nHELLO 3\r\nHGETALL h\r\nHDEL h a\r\nTYPE h\r\n",
            "MULTI\r\nSET b 2\r\nGETEX b PX 5000\r\nEXEC\r\nDISCARD\r\nMSET c 1 d 2\r\nMGET c d\r\nGETDEL c\r\n",
            "CONFIG GET max*\r\nCONFIG SET maxmemory 1mb\r\nINFO all\r\nCLIENT SETNAME x\r\nCLIENT LIST\r\nCOMMAND COUNT\r\nTIME\r\n",
            "EXPIREAT a 9223372036854775807\r\nPEXPIRE a -9223372036854775808\r\nSETEX a 9223372036854775 b\r\nDBSIZE\r\nSELECT 15\r\nRESET\r\nQUIT\r\n",
        ]
        .map(|text| text.as_bytes().to_vec())
        .to_vec()
    },
    words: &[
        "SET a ",
        "GET a\r\n",
        "EXPIRE a ",
        "PEXPIREAT a ",
        " EXAT ",
        " PXAT ",
        " KEEPTTL",
        " XX",
        "INCRBY a ",
        "DECRBY a ",
        "HINCRBY h a ",
        "KEYS ",
        "SCAN ",
        " MATCH ",
        " COUNT ",
        "CONFIG SET ",
        "CLIENT ",
        "COMMAND ",
        "HELLO 2 AUTH a b",
        "MULTI\r\n",
        "EXEC\r\n",
        "\r\n*",
        "\r\n$",
        "-9223372036854775808",
        "9223372036854775807",
        "18446744073709551616",
        "[^a-z]",
        "\\*",
        "$-1\r\n",
        "*-1\r\n",
    ],
};

/// AMQP frames after a handshake, or, by the first byte, whatever before one.
pub(crate) const AMQP: Target = Target {
    name: "amqp",
    run: |bytes| {
        let (way, rest) = input::choice(bytes, 4);
        let sent = if way == 0 {
            rest.to_vec()
        } else {
            amqp::session(rest)
        };
        wait(async {
            let folder = Folder::new("amqp");
            let config = RabbitConfig {
                listen: ANYWHERE,
                management: None,
                metrics: None,
                data: folder.0.clone(),
                user: "guest".to_owned(),
                password: "guest".to_owned(),
                max_connections: 2,
                memory_limit: None,
                faults: RabbitFaults::default(),
            };
            let Ok(server) = RabbitServer::bind(config).await else {
                return;
            };
            let Ok(address) = server.addr() else { return };
            let cancel = CancellationToken::new();
            let client = async {
                talk(address, &sent).await;
                cancel.cancel();
            };
            let (served, ()) = tokio::join!(server.serve(cancel.clone()), client);
            assert!(served.is_ok(), "{served:?}");
        });
    },
    seeds: amqp::seeds,
    words: &[
        "\x00\x32\x00\x0a",
        "\x00\x3c\x00\x28",
        "\x00\x3c\x00\x14",
        "\x00\x28\x00\x0a",
        "\x00\x32\x00\x14",
        "\x00\x55\x00\x0a",
        "\x00\x3c\x00\x0a",
        "\x00\x3c\x00\x50",
        "\x00\x14\x00\x28",
        "x-max-length",
        "x-overflow",
        "reject-publish",
        "x-message-ttl",
        "x-dead-letter-exchange",
        "topic",
        "direct",
        "fanout",
        "headers",
        "#",
        "*",
    ],
};

/// Statements, as simple queries and as prepared ones.
pub(crate) const POSTGRES: Target = Target {
    name: "postgres",
    run: postgres::run,
    seeds: || {
        let path = "shop/stores/tests/contract/postgres.rs";
        let statement = |text: &str| {
            let verbs = [
                "SELECT ", "INSERT ", "UPDATE ", "DELETE ", "CREATE ", "ALTER ", "WITH ", "BEGIN",
            ];
            verbs.iter().any(|verb| text.trim_start().starts_with(verb))
        };
        let texts = seeds::literals(path, statement);
        seeds::bytes(texts.into_iter().chain(["CREATE TABLE t (a SERIAL PRIMARY KEY, b JSONB, c TIMESTAMPTZ DEFAULT now(), d NUMERIC(10,2)); INSERT INTO t (b) VALUES ('{\"x\": [1]}') RETURNING a; SELECT b->>'x', c::date FROM t WHERE d IS NULL".to_owned()]))
    },
    words: &[
        "SELECT ",
        "INSERT INTO t (",
        ") VALUES (",
        " RETURNING ",
        "CREATE TABLE t (",
        "ALTER TABLE t ADD COLUMN ",
        " ON CONFLICT ",
        " DO UPDATE SET ",
        "::int",
        "::jsonb",
        "::timestamptz",
        "->>'a'",
        "->",
        "#>>",
        "@>",
        "$1",
        "now()",
        "interval '1 day'",
        "date_trunc('day', ",
        "generate_series(",
        "coalesce(",
        "array_agg(",
        "any($1)",
        " ILIKE ",
        " SIMILAR TO ",
        "E'\\n'",
        "$$",
        "$a$",
        "U&'",
        "/* ",
        "-- ",
        "SAVEPOINT a",
        "ROLLBACK TO a",
        "FOR UPDATE",
        "9223372036854775807",
        "'infinity'",
        "'294276-12-31'",
        "SET statement_timeout = ",
        "SHOW ",
        "TRUNCATE t",
        "\"t\"",
    ],
};
