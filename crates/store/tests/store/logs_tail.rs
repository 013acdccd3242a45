//! Tailing pods' logs through a Kubernetes API: nothing lost, nothing twice.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::{Query, State};
use axum::routing::get;
use store::clock::Clock;
use store::collect::discovery::{Container, Pod, Pods};
use store::collect::kubernetes::Client;
use store::collect::tail;
use store::logs::{Logs, Selected};
use store::{KubernetesAccess, Limits};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

const NOW_MS: i64 = 1_760_436_700_000;

/// Answers `pods/log`: each connection gives one line more than the one before, then breaks.
async fn log(
    State(calls): State<Arc<AtomicUsize>>,
    Query(params): Query<BTreeMap<String, String>>,
) -> String {
    if params.contains_key("previous") {
        return "2025-10-14T10:00:00.5Z died\n".to_owned();
    }
    let shown = calls.fetch_add(1, Ordering::SeqCst) + 2;
    (1..=shown.min(6))
        .map(|n| format!("2025-10-14T10:00:0{n}.000000001Z line {n}\n"))
        .collect()
}

fn pods(restarts: u32) -> Pods {
    Arc::new(vec![Arc::new(Pod {
        uid: "u1".into(),
        namespace: "sock-shop".into(),
        name: "payment-1".into(),
        labels: BTreeMap::from([("name".into(), "payment".into())]),
        containers: vec![Container {
            name: "payment".into(),
            restarts,
            running: true,
            started: true,
            ..Container::default()
        }],
        ..Pod::default()
    })])
}

fn lines(logs: &Logs) -> Vec<String> {
    let selected: Vec<Selected> = logs.select(&[], 0, i64::MAX);
    selected
        .iter()
        .flat_map(|s| &s.entries)
        .map(|entry| entry.line.to_string())
        .collect()
}

#[tokio::test]
async fn a_broken_connection_goes_on_without_loss_or_duplicates() {
    let calls = Arc::new(AtomicUsize::new(0));
    let router = Router::new()
        .route("/api/v1/namespaces/{ns}/pods/{pod}/log", get(log))
        .with_state(calls);
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0")
        .await
        .expect("a port");
    let base_url = format!("http://{}", listener.local_addr().expect("an address"));
    let server = tokio::spawn(async move {
        axum::serve(listener, router).await.expect("serving");
    });
    let client = Client::new(KubernetesAccess {
        base_url,
        token: "t".into(),
    });
    let clock = Clock::at(NOW_MS);
    let logs = Arc::new(Logs::new(&Limits::default(), clock));
    let mut news = logs.subscribe();
    let (sender, receiver) = watch::channel(pods(1));
    let stop = CancellationToken::new();
    let tailing = tokio::spawn(tail::run(
        client,
        receiver,
        Arc::clone(&logs),
        clock,
        stop.clone(),
    ));
    let all = async {
        while lines(&logs).len() < 7 {
            news.recv().await.expect("news");
        }
    };
    tokio::time::timeout(Duration::from_secs(20), all)
        .await
        .expect("all lines in time");
    let labels = logs.select(&[], 0, i64::MAX)[0].labels.to_string();
    assert_eq!(
        labels,
        r#"{app="payment", container="payment", namespace="sock-shop", pod="payment-1", service_name="payment", stream="stdout"}"#
    );
    let mut expected = vec!["died".to_owned()];
    expected.extend((1..=6).map(|n| format!("line {n}")));
    assert_eq!(lines(&logs), expected);
    stop.cancel();
    tailing.await.expect("tailing ends");
    drop(sender);
    server.abort();
}
