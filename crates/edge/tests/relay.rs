//! The edge on real loopback sockets: what clients and servers see.
#![expect(clippy::expect_used, reason = "a test may panic")]

use std::io::ErrorKind;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use edge::client::{self, ControlRequest};
use edge::{
    Config, Edge, Latency, Signal, Stream, Timeout, Toxic, ToxicKind, Upstream, Workload,
    WorkloadError,
};
use http::Method;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::{Instant, timeout};

const SOON: Duration = Duration::from_secs(5);
const KEY: &str = "key";

fn any() -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], 0))
}

fn config() -> Config {
    Config {
        control: any(),
        key: Some(KEY.to_owned()),
        hooks: None,
        workload: None,
        seed: 1,
    }
}

/// Answers every byte with itself, after `greeting`.
async fn echo(tasks: &mut JoinSet<()>, greeting: &'static str) -> SocketAddr {
    let listener = TcpListener::bind(any()).await.expect("bind");
    let address = listener.local_addr().expect("address");
    tasks.spawn(async move {
        let mut connections = JoinSet::new();
        while let Ok((mut socket, _)) = listener.accept().await {
            connections.spawn(async move {
                let (mut read, mut write) = socket.split();
                if write.write_all(greeting.as_bytes()).await.is_ok() {
                    let _ = tokio::io::copy(&mut read, &mut write).await;
                }
            });
        }
    });
    address
}

async fn send(edge: &Edge, request: ControlRequest) -> (u16, String) {
    let url = format!("http://{}{}", edge.control(), request.path);
    let sender = reqwest::Client::builder()
        .no_proxy()
        .build()
        .expect("client");
    let mut sent = sender.request(request.method, url).header("x-lab-key", KEY);
    if let Some(body) = request.body {
        sent = sent.body(body.to_string());
    }
    let answer = timeout(SOON, sent.send())
        .await
        .expect("in time")
        .expect("answer");
    let status = answer.status().as_u16();
    (status, answer.text().await.expect("text"))
}

async fn add(edge: &Edge, kind: ToxicKind, stream: Stream) {
    let (status, text) = send(edge, client::add_toxic("echo", &Toxic::new(kind, stream))).await;
    assert_eq!(status, 200, "{text}");
}

/// An edge with one proxy, `echo`, and a connection through it.
async fn through(tasks: &mut JoinSet<()>) -> (Edge, SocketAddr, TcpStream) {
    let server = echo(tasks, "").await;
    let edge = Edge::start(config()).await.expect("edge");
    let upstream = Upstream::Address(server.to_string());
    let proxy = edge
        .add_proxy("echo", any(), upstream)
        .await
        .expect("proxy");
    let mut client = TcpStream::connect(proxy).await.expect("connect");
    assert_eq!(ask(&mut client, "hello").await.expect("echo"), "hello");
    (edge, proxy, client)
}

async fn ask(client: &mut TcpStream, text: &str) -> std::io::Result<String> {
    client.write_all(text.as_bytes()).await?;
    let mut answer = vec![0; text.len()];
    timeout(SOON, client.read_exact(&mut answer)).await??;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}

/// Whether nothing comes for a moment.
async fn silent(client: &mut TcpStream) -> bool {
    let mut byte = [0];
    timeout(Duration::from_millis(100), client.read(&mut byte))
        .await
        .is_err()
}

#[tokio::test]
async fn latency_bites_on_a_live_connection_and_lets_go() {
    let mut tasks = JoinSet::new();
    let (edge, _, mut client) = through(&mut tasks).await;
    let slow = ToxicKind::Latency(Latency {
        latency: 200,
        jitter: 0,
    });
    add(&edge, slow, Stream::Downstream).await;
    let start = Instant::now();
    ask(&mut client, "slow").await.expect("answer");
    assert!(start.elapsed() >= Duration::from_millis(200));
    let (status, _) = send(&edge, client::remove_toxic("echo", "latency_downstream")).await;
    assert_eq!(status, 204);
    let start = Instant::now();
    ask(&mut client, "fast").await.expect("answer");
    assert!(start.elapsed() < Duration::from_millis(150));
    edge.stop().await;
}

#[tokio::test]
async fn a_blackhole_swallows_a_request_and_gives_it_back_when_it_is_healed() {
    let mut tasks = JoinSet::new();
    let (edge, _, mut client) = through(&mut tasks).await;
    add(
        &edge,
        ToxicKind::Timeout(Timeout { timeout: 0 }),
        Stream::Upstream,
    )
    .await;
    client.write_all(b"lost?").await.expect("write");
    assert!(silent(&mut client).await);
    send(&edge, client::remove_toxic("echo", "timeout_upstream")).await;
    let mut answer = [0; 5];
    let read = timeout(SOON, client.read_exact(&mut answer)).await;
    read.expect("in time").expect("answer");
    assert_eq!(&answer, b"lost?");
    edge.stop().await;
}

#[tokio::test]
async fn a_reset_is_seen_as_a_reset_and_new_connections_work_afterwards() {
    let mut tasks = JoinSet::new();
    let (edge, proxy, mut client) = through(&mut tasks).await;
    add(
        &edge,
        ToxicKind::ResetPeer(Timeout { timeout: 0 }),
        Stream::Upstream,
    )
    .await;
    client.write_all(b"x").await.expect("write");
    let error = client.read_u8().await.expect_err("reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    send(&edge, client::remove_toxic("echo", "reset_peer_upstream")).await;
    let mut again = TcpStream::connect(proxy).await.expect("connect");
    assert_eq!(ask(&mut again, "again").await.expect("echo"), "again");
    edge.stop().await;
}

#[tokio::test]
async fn a_proxy_that_is_taken_down_refuses_and_comes_up_again_with_its_lease() {
    let mut tasks = JoinSet::new();
    let (edge, proxy, mut client) = through(&mut tasks).await;
    let lease = Duration::from_millis(300);
    let (status, text) = send(&edge, client::take_down("echo", lease)).await;
    assert_eq!(status, 200, "{text}");
    assert!(matches!(client.read(&mut [0]).await, Ok(0) | Err(_)));
    let error = TcpStream::connect(proxy).await.expect_err("refused");
    assert_eq!(error.kind(), ErrorKind::ConnectionRefused);
    let again = timeout(SOON, async {
        loop {
            match TcpStream::connect(proxy).await {
                Ok(client) => return client,
                Err(_) => tokio::task::yield_now().await,
            }
        }
    });
    let mut again = again.await.expect("up again in time");
    assert_eq!(ask(&mut again, "again").await.expect("echo"), "again");
    edge.stop().await;
}

#[tokio::test]
async fn a_toxic_whose_lease_is_not_renewed_removes_itself() {
    let mut tasks = JoinSet::new();
    let (edge, _, mut client) = through(&mut tasks).await;
    let mut hole = Toxic::new(
        ToxicKind::Timeout(Timeout { timeout: 0 }),
        Stream::Downstream,
    );
    hole.lease = Some(Duration::from_millis(200));
    send(&edge, client::add_toxic("echo", &hole)).await;
    let renewed = client::renew_toxic("echo", &hole.name, Duration::from_millis(400));
    assert_eq!(send(&edge, renewed).await.0, 200);
    let start = Instant::now();
    assert_eq!(ask(&mut client, "held").await.expect("echo"), "held");
    assert!(start.elapsed() > Duration::from_millis(250));
    let (status, _) = send(&edge, client::toxic("echo", &hole.name)).await;
    assert_eq!(status, 404);
    edge.stop().await;
}

#[tokio::test]
async fn endpoints_are_taken_in_turn_and_dead_ones_passed_over() {
    let mut tasks = JoinSet::new();
    let (a, b) = (echo(&mut tasks, "a").await, echo(&mut tasks, "b").await);
    let dead = {
        let listener = TcpListener::bind(any()).await.expect("bind");
        listener.local_addr().expect("address")
    };
    let (endpoints, upstream) = watch::channel(vec![a, b]);
    let edge = Edge::start(config()).await.expect("edge");
    let upstream = Upstream::Endpoints(upstream);
    let proxy = edge
        .add_proxy("echo", any(), upstream)
        .await
        .expect("proxy");
    let mut seen = String::new();
    for _ in 0..4 {
        let mut client = TcpStream::connect(proxy).await.expect("connect");
        seen.push(char::from(client.read_u8().await.expect("greeting")));
    }
    assert_eq!(seen, "abab");
    endpoints.send_replace(vec![dead, b]);
    for _ in 0..3 {
        let mut client = TcpStream::connect(proxy).await.expect("connect");
        assert_eq!(client.read_u8().await.expect("greeting"), b'b');
    }
    endpoints.send_replace(Vec::new());
    let mut client = TcpStream::connect(proxy).await.expect("connect");
    let error = client.read_u8().await.expect_err("reset");
    assert_eq!(error.kind(), ErrorKind::ConnectionReset);
    edge.stop().await;
}

#[tokio::test]
async fn a_changed_port_ends_the_connections_to_the_old_one_and_only_those() {
    let mut tasks = JoinSet::new();
    let (a, b) = (echo(&mut tasks, "a").await, echo(&mut tasks, "b").await);
    let (endpoints, upstream) = watch::channel(vec![a]);
    let edge = Edge::start(config()).await.expect("edge");
    let upstream = Upstream::Endpoints(upstream);
    let proxy = edge
        .add_proxy("echo", any(), upstream)
        .await
        .expect("proxy");
    let greeted = async || {
        let mut client = TcpStream::connect(proxy).await.expect("connect");
        let greeting = client.read_u8().await.expect("greeting");
        (client, char::from(greeting))
    };
    let (mut client, greeting) = greeted().await;
    assert_eq!(greeting, 'a');
    // An endpoint that is not ready any more finishes what it does.
    endpoints.send_replace(Vec::new());
    client.write_all(b"x").await.expect("write");
    assert_eq!(client.read_u8().await.expect("echo"), b'x');
    endpoints.send_replace(vec![b]);
    let ended = timeout(SOON, client.read_u8()).await.expect("in time");
    assert!(ended.is_err(), "the connection to the old port goes on");
    assert_eq!(greeted().await.1, 'b');
    edge.stop().await;
}

#[tokio::test]
async fn half_a_connection_can_end_before_the_other() {
    let mut tasks = JoinSet::new();
    let (edge, _, mut client) = through(&mut tasks).await;
    client.write_all(b"last").await.expect("write");
    client.shutdown().await.expect("shutdown");
    let mut rest = String::new();
    let read = timeout(SOON, client.read_to_string(&mut rest)).await;
    read.expect("in time").expect("read");
    assert_eq!(rest, "last");
    edge.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_client_that_left_does_not_stay_for_ever_before_a_server_that_hangs() {
    let listener = TcpListener::bind(any()).await.expect("bind");
    let server = listener.local_addr().expect("address").to_string();
    let edge = Edge::start(config()).await.expect("edge");
    let upstream = Upstream::Address(server);
    let proxy = edge
        .add_proxy("echo", any(), upstream)
        .await
        .expect("proxy");
    let client = TcpStream::connect(proxy).await.expect("connect");
    let (mut hung, _) = listener.accept().await.expect("accept");
    let start = Instant::now();
    drop(client);
    assert_eq!(hung.read(&mut [0]).await.expect("the end"), 0);
    // A write is answered by a reset once the edge has closed its side.
    let gone = async {
        while hung.write_all(b"x").await.is_ok() {
            tokio::time::sleep(SOON).await;
        }
    };
    timeout(Duration::from_secs(60), gone)
        .await
        .expect("closed in time");
    assert!(start.elapsed() >= Duration::from_secs(5));
    edge.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn adding_and_removing_toxics_under_load_never_hangs_and_loses_nothing() {
    const CLIENTS: usize = 20;
    const SENT: usize = 300_000;
    let mut tasks = JoinSet::new();
    let (edge, proxy, _client) = through(&mut tasks).await;
    let mut clients = JoinSet::new();
    for _ in 0..CLIENTS {
        clients.spawn(async move {
            let mut socket = TcpStream::connect(proxy).await.expect("connect");
            let (mut read, mut write) = socket.split();
            let sent: Vec<u8> = (0..SENT).map(|n| (n % 251) as u8).collect();
            let mut received = vec![0; SENT];
            let (wrote, got) = tokio::join!(write.write_all(&sent), read.read_exact(&mut received));
            wrote.expect("write");
            got.expect("read");
            assert!(sent == received, "what came back is what was sent");
        });
    }
    let kinds = [
        r#"{"type":"latency","attributes":{"latency":20,"jitter":10}}"#,
        r#"{"type":"timeout"}"#,
        r#"{"type":"bandwidth","attributes":{"rate":100}}"#,
        r#"{"type":"slicer","attributes":{"average_size":100,"size_variation":20}}"#,
        r#"{"type":"slow_close","attributes":{"delay":50}}"#,
    ];
    for round in 0..10 {
        for kind in kinds {
            let mut body: serde_json::Value = serde_json::from_str(kind).expect("json");
            body["stream"] = if round % 2 == 0 {
                "upstream"
            } else {
                "downstream"
            }
            .into();
            body["name"] = "t".into();
            let path = "/proxies/echo/toxics".to_owned();
            let add = ControlRequest {
                method: Method::POST,
                path,
                body: Some(body),
            };
            assert_eq!(send(&edge, add).await.0, 200);
            assert_eq!(send(&edge, client::remove_toxic("echo", "t")).await.0, 204);
        }
    }
    let all = async {
        while clients
            .join_next()
            .await
            .transpose()
            .expect("client")
            .is_some()
        {}
    };
    timeout(Duration::from_secs(30), all)
        .await
        .expect("no client hangs");
    edge.stop().await;
}

#[tokio::test]
async fn removing_a_proxy_closes_its_connections_even_in_a_blackhole() {
    let mut tasks = JoinSet::new();
    let (edge, proxy, mut client) = through(&mut tasks).await;
    add(
        &edge,
        ToxicKind::Timeout(Timeout { timeout: 0 }),
        Stream::Downstream,
    )
    .await;
    client.write_all(b"x").await.expect("write");
    timeout(SOON, edge.remove_proxy("echo"))
        .await
        .expect("in time");
    assert!(matches!(client.read(&mut [0]).await, Ok(0) | Err(_)));
    assert!(TcpStream::connect(proxy).await.is_err());
    timeout(SOON, edge.stop()).await.expect("in time");
}

#[derive(Default)]
struct Process(Mutex<Vec<Signal>>);

impl Workload for Process {
    fn signal(&self, signal: Signal) -> Result<(), WorkloadError> {
        self.0.lock().expect("lock").push(signal);
        match signal {
            Signal::Terminate => Err(WorkloadError::NotRunning),
            _ => Ok(()),
        }
    }
}

#[tokio::test]
async fn a_stopped_process_goes_on_when_its_lease_ends() {
    let process = Arc::new(Process::default());
    let mut config = config();
    config.workload = Some(process.clone());
    let edge = Edge::start(config).await.expect("edge");
    let lease = Some(Duration::from_millis(150));
    assert_eq!(
        send(&edge, client::signal(Signal::Stop, lease)).await.0,
        204
    );
    assert_eq!(
        send(&edge, client::process()).await.1,
        r#"{"stopped":true}"#
    );
    let (status, text) = send(&edge, client::signal(Signal::Terminate, None)).await;
    assert_eq!(status, 409, "{text}");
    let continued = timeout(SOON, async {
        while process.0.lock().expect("lock").last() != Some(&Signal::Continue) {
            tokio::task::yield_now().await;
        }
    });
    continued.await.expect("continued in time");
    assert_eq!(
        send(&edge, client::process()).await.1,
        r#"{"stopped":false}"#
    );
    edge.stop().await;
}

#[tokio::test]
async fn hooks_are_relayed_with_the_key_and_without_hooks_there_is_nothing() {
    let mut tasks = JoinSet::new();
    let listener = TcpListener::bind(any()).await.expect("bind");
    let mut config = config();
    config.hooks = Some(listener.local_addr().expect("address"));
    tasks.spawn(async move {
        let (mut socket, _) = listener.accept().await.expect("accept");
        let mut request = vec![0; 4096];
        let count = socket.read(&mut request).await.expect("read");
        let request = String::from_utf8_lossy(&request[..count]).into_owned();
        assert!(
            request.starts_with("PUT /hooks/deadlock HTTP/1.1"),
            "{request}"
        );
        assert!(request.contains("x-lab-key: key"), "{request}");
        let answer = b"HTTP/1.1 202 Accepted\r\ncontent-length: 2\r\n\r\nok";
        socket.write_all(answer).await.expect("write");
    });
    let edge = Edge::start(config).await.expect("edge");
    let hook = client::set_hook("deadlock", &serde_json::Map::new(), SOON);
    assert_eq!(send(&edge, hook).await, (202, "ok".to_owned()));
    edge.stop().await;
    tasks.join_all().await;
    let bare = Edge::start(self::config()).await.expect("edge");
    assert_eq!(send(&bare, client::hooks()).await, (404, String::new()));
    bare.stop().await;
}
