//! A store as a program: it says when it is ready, ends at once when told to, and a killed one has lost nothing that it acknowledged.

use std::path::Path;
use std::process::Stdio;
use std::time::{Duration, Instant};

use lapin::options::{
    BasicPublishOptions, ConfirmSelectOptions, QueueDeclareOptions, QueueDeleteOptions,
};
use lapin::types::FieldTable;
use lapin::{BasicProperties, ConnectionProperties};
use serde_json::Value;
use shop_stores::Env;
use sqlx::{Connection, Executor, PgConnection};
use tokio::io::{AsyncBufReadExt, BufReader, Lines};
use tokio::process::{Child, ChildStdout, Command};

/// Not a test: what the tests below run in a process of its own.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "run by other tests, in a process of its own"]
async fn the_program() {
    let kind = std::env::var("STORE_KIND").expect("STORE_KIND");
    shop_stores::run(&kind, &Env::of_process()).await.unwrap();
}

pub(crate) struct Program {
    pub(crate) child: Child,
    pub(crate) lines: Lines<BufReader<ChildStdout>>,
    port: u16,
}

impl Program {
    async fn start(kind: &str, data: &Path) -> Self {
        Self::start_with(kind, data, &[]).await
    }

    /// The program with more in its environment.
    pub(crate) async fn start_with(kind: &str, data: &Path, env: &[(&str, String)]) -> Self {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args([
                "--exact",
                "program::the_program",
                "--ignored",
                "--nocapture",
            ])
            .envs([
                ("PORT", "0"),
                ("METRICS_PORT", "0"),
                ("MANAGEMENT_PORT", "0"),
            ])
            .envs([("STORE_KIND", kind), ("POSTGRES_USER", "shop")])
            .envs(env.iter().map(|(name, value)| (name, value)))
            .env("PGDATA", data)
            .env("RABBITMQ_MNESIA_DIR", data)
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
        let port = loop {
            let line = lines
                .next_line()
                .await
                .unwrap()
                .expect("a line that says ready");
            let Ok(line) = serde_json::from_str::<Value>(&line) else {
                continue;
            };
            assert_eq!(line["service"], kind);
            assert_eq!(line["level"], "info");
            assert!(line["ts"].as_str().is_some_and(|ts| ts.ends_with('Z')));
            if let Some(address) = line["address"].as_str() {
                assert!(line["msg"].as_str().unwrap().contains("ready to accept"));
                break address.rsplit(':').next().unwrap().parse().unwrap();
            }
        };
        Self { child, lines, port }
    }

    pub(crate) async fn signal(&self, name: &str) {
        let id = self.child.id().unwrap().to_string();
        let sent = Command::new("kill").args(["-s", name, &id]).status().await;
        assert!(sent.unwrap().success());
    }
}

#[tokio::test]
async fn a_store_that_is_told_to_end_ends_within_a_second() {
    for (kind, last) in [
        ("postgres", "database system is shut down"),
        ("redis", "bye bye"),
        ("rabbitmq", "successfully stopped"),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let mut program = Program::start(kind, folder.path()).await;
        // A client that stays: it may not hold up the end.
        let _client = tokio::net::TcpStream::connect(("127.0.0.1", program.port))
            .await
            .unwrap();
        let told = Instant::now();
        program.signal("TERM").await;
        let mut said = String::new();
        while let Some(line) = program.lines.next_line().await.unwrap() {
            said.push_str(&line);
        }
        assert!(program.child.wait().await.unwrap().success(), "{kind}");
        assert!(
            told.elapsed() < Duration::from_secs(1),
            "{kind} took {:?}",
            told.elapsed()
        );
        assert!(said.contains(last), "{kind} said {said}");
    }
}

#[tokio::test]
async fn a_killed_postgres_has_lost_nothing_that_it_acknowledged() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start("postgres", folder.path()).await;
    let url = |port| format!("postgres://shop:shop@127.0.0.1:{port}/shop");
    let mut conn = PgConnection::connect(&url(program.port)).await.unwrap();
    conn.execute("CREATE TABLE orders (id BIGSERIAL PRIMARY KEY, total REAL NOT NULL)")
        .await
        .unwrap();
    let writing = async {
        let mut acknowledged = 0_i64;
        loop {
            let insert = sqlx::query_scalar("INSERT INTO orders (total) VALUES ($1) RETURNING id");
            match insert.bind(104.98_f32).fetch_one(&mut conn).await {
                Ok(id) => acknowledged = id,
                Err(_) => return acknowledged,
            }
            if acknowledged == 200 {
                program.signal("KILL").await;
            }
        }
    };
    let acknowledged = writing.await;
    assert!(acknowledged >= 200);
    program.child.wait().await.unwrap();
    let program = Program::start("postgres", folder.path()).await;
    let mut conn = PgConnection::connect(&url(program.port)).await.unwrap();
    let kept: i64 = sqlx::query_scalar("SELECT count(*) FROM orders")
        .fetch_one(&mut conn)
        .await
        .unwrap();
    assert!(
        kept >= acknowledged,
        "{kept} of {acknowledged} orders are left"
    );
}

#[tokio::test]
async fn a_killed_rabbitmq_has_lost_nothing_that_it_confirmed() {
    let folder = tempfile::tempdir().unwrap();
    let mut program = Program::start("rabbitmq", folder.path()).await;
    let connect = async |port: u16| {
        let url = format!("amqp://guest:guest@127.0.0.1:{port}");
        let options = ConnectionProperties::default();
        lapin::Connection::connect(&url, options).await.unwrap()
    };
    let connection = connect(program.port).await;
    let channel = connection.create_channel().await.unwrap();
    let durable = QueueDeclareOptions::durable;
    channel
        .queue_declare("tasks".into(), durable(), FieldTable::default())
        .await
        .unwrap();
    channel
        .confirm_select(ConfirmSelectOptions::default())
        .await
        .unwrap();
    let mut confirmed = 0_u32;
    loop {
        let properties = BasicProperties::default().with_delivery_mode(2);
        let options = BasicPublishOptions::default();
        let published =
            channel.basic_publish("".into(), "tasks".into(), options, b"task", properties);
        let Ok(confirm) = published.await else { break };
        match confirm.await {
            Ok(answer) if answer.is_ack() => confirmed += 1,
            _ => break,
        }
        if confirmed == 200 {
            program.signal("KILL").await;
        }
    }
    assert!(confirmed >= 200);
    program.child.wait().await.unwrap();
    let program = Program::start("rabbitmq", folder.path()).await;
    let connection = connect(program.port).await;
    let channel = connection.create_channel().await.unwrap();
    let kept = channel
        .queue_delete("tasks".into(), QueueDeleteOptions::default())
        .await
        .unwrap();
    assert!(kept >= confirmed, "{kept} of {confirmed} messages are left");
}
