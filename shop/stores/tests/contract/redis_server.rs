//! What the shops rely on in Redis, held against the embedded server and against Redis itself.

use std::collections::HashMap;

use redis::{AsyncCommands, RedisError, RedisResult, cmd, pipe};

use crate::servers::redis::Server;
use crate::servers::{program, skipped, until};

/// Each part of the contract against an embedded server, and all of them against Redis, each without keys.
macro_rules! contract {
    ($($name:ident)*) => {
        mod embedded {
            $(#[tokio::test]
            async fn $name() {
                let server = super::Server::embedded(|_| {}).await;
                super::$name(&server).await;
                server.stop().await;
            })*
        }

        #[tokio::test]
        async fn redis_itself_keeps_the_contract() {
            let Some(server) = Server::real().await else { return };
            $(
                eprintln!("{}", stringify!($name));
                let _: () = cmd("FLUSHALL").query_async(&mut server.connect().await).await.unwrap();
                $name(&server).await;
            )*
            server.stop().await;
        }
    };
}

contract! {
    texts_are_set_and_got
    keys_expire
    numbers_count
    hashes_have_fields
    keys_are_listed
    transactions_run_together
    mistakes_are_named
    a_full_memory_refuses_writes
    a_password_is_asked_for
    both_versions_of_the_protocol_work
    a_connection_manager_keeps_a_session
}

/// An error as the server sent it: code and text.
fn words(error: &RedisError) -> String {
    format!(
        "{} {}",
        error.code().unwrap_or_default(),
        error.detail().unwrap_or_default()
    )
}

async fn texts_are_set_and_got(server: &Server) {
    let mut conn = server.connect().await;
    let binary = vec![0_u8, 13, 10, 255];
    let _: () = conn.set("a", &binary).await.unwrap();
    assert_eq!(conn.get::<_, Vec<u8>>("a").await.unwrap(), binary);
    assert_eq!(conn.get::<_, Option<String>>("none").await.unwrap(), None);
    let taken: Option<String> = cmd("SET")
        .arg(&["a", "2", "NX"])
        .query_async(&mut conn)
        .await
        .unwrap();
    assert_eq!(taken, None);
    let _: () = conn.mset(&[("x", "1"), ("y", "2")]).await.unwrap();
    let all: Vec<Option<String>> = conn.mget(&["x", "none", "y"]).await.unwrap();
    assert_eq!(all, [Some("1".to_owned()), None, Some("2".to_owned())]);
    let old: String = cmd("SET")
        .arg(&["x", "3", "GET"])
        .query_async(&mut conn)
        .await
        .unwrap();
    assert_eq!(old, "1");
    assert_eq!(conn.del::<_, i64>(&["x", "y", "none"]).await.unwrap(), 2);
    assert!(!conn.exists::<_, bool>("x").await.unwrap());
}

async fn keys_expire(server: &Server) {
    let mut conn = server.connect().await;
    let _: () = conn.set_ex("session", "eve", 100).await.unwrap();
    assert_eq!(conn.ttl::<_, i64>("session").await.unwrap(), 100);
    assert_eq!(conn.ttl::<_, i64>("none").await.unwrap(), -2);
    let _: () = conn.set("lasting", "1").await.unwrap();
    assert_eq!(conn.pttl::<_, i64>("lasting").await.unwrap(), -1);
    assert!(conn.expire::<_, bool>("lasting", 50).await.unwrap());
    assert!(!conn.expire::<_, bool>("none", 50).await.unwrap());
    assert!(conn.persist::<_, bool>("lasting").await.unwrap());
    let value: String = cmd("GETEX")
        .arg(&["session", "PX", "40"])
        .query_async(&mut conn)
        .await
        .unwrap();
    assert_eq!(value, "eve");
    let mut polled = server.connect().await;
    until("the session's end", async || {
        polled
            .get::<_, Option<String>>("session")
            .await
            .unwrap()
            .is_none()
    })
    .await;
    let _: () = cmd("SET")
        .arg(&["unread", "1", "PX", "20"])
        .query_async(&mut conn)
        .await
        .unwrap();
    until("the cycle", async || {
        cmd("DBSIZE").query_async::<i64>(&mut polled).await.unwrap() == 1
    })
    .await;
}

async fn numbers_count(server: &Server) {
    let mut conn = server.connect().await;
    assert_eq!(conn.incr::<_, _, i64>("n", 1).await.unwrap(), 1);
    assert_eq!(conn.incr::<_, _, i64>("n", 41).await.unwrap(), 42);
    assert_eq!(conn.decr::<_, _, i64>("n", 2).await.unwrap(), 40);
    assert_eq!(conn.get::<_, String>("n").await.unwrap(), "40");
}

async fn hashes_have_fields(server: &Server) {
    let mut conn = server.connect().await;
    assert_eq!(
        conn.hset_multiple::<_, _, _, ()>("cart", &[("a", "1"), ("b", "2")])
            .await,
        Ok(())
    );
    assert_eq!(
        conn.hset::<_, _, _, i64>("cart", "a", "3").await.unwrap(),
        0
    );
    assert_eq!(
        conn.hget::<_, _, Option<String>>("cart", "a")
            .await
            .unwrap()
            .as_deref(),
        Some("3")
    );
    assert_eq!(
        conn.hget::<_, _, Option<String>>("cart", "z")
            .await
            .unwrap(),
        None
    );
    let all: HashMap<String, String> = conn.hgetall("cart").await.unwrap();
    assert_eq!(
        all,
        HashMap::from([
            ("a".to_owned(), "3".to_owned()),
            ("b".to_owned(), "2".to_owned())
        ])
    );
    assert_eq!(conn.hincr::<_, _, _, i64>("cart", "b", 5).await.unwrap(), 7);
    assert_eq!(
        conn.hdel::<_, _, i64>("cart", &["a", "b"]).await.unwrap(),
        2
    );
    assert!(
        !conn.exists::<_, bool>("cart").await.unwrap(),
        "a hash without fields is gone"
    );
}

async fn keys_are_listed(server: &Server) {
    let mut conn = server.connect().await;
    for n in 0..25 {
        let _: () = conn.set(format!("sess:{n}"), n).await.unwrap();
    }
    let _: () = conn.set("other", 1).await.unwrap();
    assert_eq!(
        conn.keys::<_, Vec<String>>("sess:1?").await.unwrap().len(),
        10
    );
    let mut seen: Vec<String> = Vec::new();
    let mut pages = conn.scan_match::<_, String>("sess:*").await.unwrap();
    while let Some(key) = pages.next_item().await {
        seen.push(key.unwrap());
    }
    drop(pages);
    seen.sort();
    seen.dedup();
    assert_eq!(seen.len(), 25);
    let _: () = cmd("SELECT").arg(3).query_async(&mut conn).await.unwrap();
    assert_eq!(
        cmd("DBSIZE").query_async::<i64>(&mut conn).await.unwrap(),
        0
    );
}

async fn transactions_run_together(server: &Server) {
    let mut conn = server.connect().await;
    let (a, b): (i64, String) = pipe()
        .atomic()
        .incr("n", 2)
        .get("n")
        .query_async(&mut conn)
        .await
        .unwrap();
    assert_eq!((a, b.as_str()), (2, "2"));
    let _: () = cmd("MULTI").query_async(&mut conn).await.unwrap();
    let queued: String = cmd("SET")
        .arg(&["n", "9"])
        .query_async(&mut conn)
        .await
        .unwrap();
    assert_eq!(queued, "QUEUED");
    let _: () = cmd("DISCARD").query_async(&mut conn).await.unwrap();
    assert_eq!(conn.get::<_, i64>("n").await.unwrap(), 2);
    let outside = cmd("EXEC").query_async::<()>(&mut conn).await.unwrap_err();
    assert_eq!(words(&outside), "ERR EXEC without MULTI");
}

async fn mistakes_are_named(server: &Server) {
    let mut conn = server.connect().await;
    let _: () = conn.set("text", "x").await.unwrap();
    for (line, expected) in [
        (
            "HGET text f",
            "WRONGTYPE Operation against a key holding the wrong kind of value",
        ),
        ("INCR text", "ERR value is not an integer or out of range"),
        ("GET", "ERR wrong number of arguments for 'get' command"),
        (
            "NOSUCH a",
            "ERR unknown command 'NOSUCH', with args beginning with: 'a' ",
        ),
        ("SET a 1 WHEN", "ERR syntax error"),
        ("SET a 1 EX -1", "ERR invalid expire time in 'set' command"),
        ("SELECT 99", "ERR DB index is out of range"),
    ] {
        let mut args = line.split(' ');
        let mut command = cmd(args.next().unwrap());
        args.for_each(|arg| {
            command.arg(arg);
        });
        let error = command.query_async::<()>(&mut conn).await.expect_err(line);
        assert_eq!(words(&error), expected, "{line}");
    }
}

async fn a_full_memory_refuses_writes(server: &Server) {
    let mut conn = server.connect().await;
    let _: () = conn.set("a", "1").await.unwrap();
    let _: () = cmd("CONFIG")
        .arg(&["SET", "maxmemory", "1"])
        .query_async(&mut conn)
        .await
        .unwrap();
    let error = conn.set::<_, _, ()>("b", "1").await.unwrap_err();
    assert_eq!(
        words(&error),
        "OOM command not allowed when used memory > 'maxmemory'."
    );
    assert_eq!(
        conn.get::<_, String>("a").await.unwrap(),
        "1",
        "reads go on"
    );
    assert_eq!(
        conn.del::<_, i64>("a").await.unwrap(),
        1,
        "and so does deleting"
    );
    let _: () = cmd("CONFIG")
        .arg(&["SET", "maxmemory", "0"])
        .query_async(&mut conn)
        .await
        .unwrap();
    let _: () = conn.set("b", "1").await.unwrap();
}

async fn a_password_is_asked_for(server: &Server) {
    let mut trusted = server.connect().await;
    let _: () = cmd("CONFIG")
        .arg(&["SET", "requirepass", "secret"])
        .query_async(&mut trusted)
        .await
        .unwrap();
    let stranger: RedisResult<()> = async { server.try_connect().await?.get("a").await }.await;
    assert_eq!(
        words(&stranger.unwrap_err()),
        "NOAUTH Authentication required."
    );
    let open = async |password: &str| {
        let client =
            redis::Client::open(format!("redis://:{password}@127.0.0.1:{}", server.port)).unwrap();
        client.get_multiplexed_async_connection().await
    };
    assert!(open("wrong").await.is_err());
    let mut known = open("secret").await.unwrap();
    let _: () = known.set("a", "1").await.unwrap();
    let _: () = cmd("CONFIG")
        .arg(&["SET", "requirepass", ""])
        .query_async(&mut trusted)
        .await
        .unwrap();
}

async fn both_versions_of_the_protocol_work(server: &Server) {
    for protocol in ["resp2", "resp3"] {
        let client =
            redis::Client::open(format!("{}/1?protocol={protocol}", server.url())).unwrap();
        let mut conn = client.get_multiplexed_async_connection().await.unwrap();
        let _: () = conn.hset("h", "f", "v").await.unwrap();
        let all: HashMap<String, String> = conn.hgetall("h").await.unwrap();
        assert_eq!(all["f"], "v", "{protocol}");
        assert_eq!(
            conn.get::<_, Option<String>>("none").await.unwrap(),
            None,
            "{protocol}"
        );
    }
}

async fn a_connection_manager_keeps_a_session(server: &Server) {
    let client = redis::Client::open(server.url()).unwrap();
    let mut manager = redis::aio::ConnectionManager::new(client).await.unwrap();
    let _: () = manager.set_ex("sid", "user", 60).await.unwrap();
    assert_eq!(manager.get::<_, String>("sid").await.unwrap(), "user");
    assert_eq!(
        cmd("PING")
            .query_async::<String>(&mut manager)
            .await
            .unwrap(),
        "PONG"
    );
}

// What only the embedded server is asked.

#[tokio::test]
async fn metrics_and_evictions_are_counted() {
    let server = Server::embedded(|config| {
        config.max_memory = 20_000;
        config.eviction = shop_stores::Eviction::LeastRecentlyUsed;
    })
    .await;
    let mut conn = server.connect().await;
    for n in 0..200 {
        let _: () = conn.set(format!("k{n}"), "x".repeat(100)).await.unwrap();
    }
    let _: Option<String> = conn.get("k199").await.unwrap();
    let _: Option<String> = conn.get("none").await.unwrap();
    let metrics = reqwest::get(server.metrics.clone().unwrap())
        .await
        .unwrap()
        .text()
        .await
        .unwrap();
    let value = |name: &str| -> f64 {
        let line = metrics
            .lines()
            .find(|line| line.starts_with(name))
            .unwrap_or_else(|| panic!("{name} is not in\n{metrics}"));
        line.rsplit(' ').next().unwrap().parse().unwrap()
    };
    assert_eq!(
        (value("redis_up "), value("redis_connected_clients ")),
        (1.0, 1.0)
    );
    assert_eq!(
        (
            value("redis_keyspace_hits_total "),
            value("redis_keyspace_misses_total ")
        ),
        (1.0, 1.0)
    );
    assert!(value("redis_evicted_keys_total ") > 50.0);
    assert_eq!(
        value("redis_evicted_keys_total ") + value("redis_db_keys{db=\"db0\"}"),
        200.0
    );
    assert!(value("redis_memory_used_bytes ") < 21_000.0);
    assert!(value("redis_commands_processed_total ") >= 202.0);
    server.stop().await;
}

#[tokio::test]
async fn too_many_clients_are_sent_away() {
    let server = Server::embedded(|config| config.max_clients = 1).await;
    let first = server.connect().await;
    let mut refused = tokio::net::TcpStream::connect(("127.0.0.1", server.port))
        .await
        .unwrap();
    let mut answer = String::new();
    tokio::io::AsyncReadExt::read_to_string(&mut refused, &mut answer)
        .await
        .unwrap();
    assert_eq!(answer, "-ERR max number of clients reached\r\n");
    drop(first);
    server.stop().await;
}

#[tokio::test]
async fn redis_cli_works() {
    let Some(cli) = program("redis-cli", &[]) else {
        return skipped("redis-cli", "redis-tools");
    };
    let server = Server::embedded(|_| {}).await;
    let run = async |args: &[&str]| {
        let output = tokio::process::Command::new(&cli)
            .args(["-p", &server.port.to_string()])
            .args(args)
            .output()
            .await
            .unwrap();
        String::from_utf8_lossy(&output.stdout).into_owned()
    };
    assert_eq!(run(&["SET", "a", "1"]).await, "OK\n");
    assert_eq!(run(&["INCR", "a"]).await, "2\n");
    assert_eq!(run(&["-3", "HSET", "h", "f", "v"]).await, "1\n");
    assert!(run(&["INFO"]).await.contains("db0:keys=2,expires=0"));
    assert_eq!(run(&["--scan", "--pattern", "a*"]).await, "a\n");
    server.stop().await;
}
